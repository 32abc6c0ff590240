"""Margin (MODEL section 5): positions, tiers, the exact trigger, and the threshold found by trying ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

from .units import RATE_ONE, trunc_div

MOST = 990_000_000


class Position(NamedTuple):
    """Signed lots, the signed sum of the values of its fills, and the steps set aside for it."""

    qty: int
    cost: int
    margin: int

    @property
    def side(self) -> int:
        """+1 long, -1 short, 0 closed."""
        return (self.qty > 0) - (self.qty < 0)


FLAT = Position(0, 0, 0)


@dataclass(frozen=True)
class Tier:
    """A row of the venue's tiers: money in steps, the rate in 1e-9, the deduction in steps x 1e-9."""

    min_notional: int
    rate: int
    max_leverage: Fraction
    deduction: int


@dataclass(frozen=True)
class MarginRules:
    """The venue's margin rules for one contract."""

    tiers: tuple[Tier, ...]
    at_or_below: bool
    scale: int
    tier_rule: str = "marginal"
    at_entry: bool = False
    close_fee: int = 0  # in billionths

    def value(self, price: int, qty: int) -> int:
        """Steps of `qty` lots at a price in ticks, signed like `qty`."""
        return price * qty * self.scale

    def tier_number(self, notional: Fraction | int) -> int:
        """The number, from 0, of the last tier whose `min_notional` is not above the notional."""
        return max(i for i, tier in enumerate(self.tiers) if tier.min_notional <= notional)

    def tier(self, notional: Fraction | int) -> Tier:
        """The last tier whose `min_notional` is not above the notional."""
        return self.tiers[self.tier_number(notional)]

    def maintenance(self, notional: int, *, by: Fraction | int = 0) -> int:
        """Maintenance margin in steps and `by` billionths of a step, together rounded up.

        The rate is the tier's, or between it and the next one's if linear.
        """
        number = self.tier_number(notional)
        tier = self.tiers[number]
        owed = Fraction(notional * tier.rate - tier.deduction) + by
        if self.tier_rule == "linear" and number + 1 < len(self.tiers):
            after = self.tiers[number + 1]
            into, width = notional - tier.min_notional, after.min_notional - tier.min_notional
            owed += math.ceil(Fraction(notional * into * (after.rate - tier.rate), width))
        return math.ceil(owed / RATE_ONE)

    def held_against(self, notional: int, cost: int) -> int:
        """What equity is held against: maintenance and the closing fee."""
        return self.maintenance(abs(cost) if self.at_entry else notional, by=notional * self.close_fee)

    def required(self, position: Position, mark: int) -> int:
        """What the equity of a position is held against at this mark."""
        return self.held_against(abs(self.value(mark, position.qty)), position.cost)

    def margin_at(self, value: Fraction, cost: int, side: int) -> int:
        """The margin whose equity meets what it is held against where the lots have this value."""
        gain = side * (cost - value)
        if self.at_entry or self.tier_rule == "linear":
            return self.held_against(math.floor(value), cost) + math.floor(gain)
        tier = self.tier(value)
        return math.floor((value * (tier.rate + self.close_fee) - tier.deduction) / RATE_ONE + gain)

    def equity(self, position: Position, collateral: int, mark: int) -> int:
        """Collateral (the margin, or the balance if cross) and unrealised profit."""
        return collateral + self.profit(position, mark)

    def profit(self, position: Position, mark: int) -> int:
        """Unrealised profit."""
        return self.value(mark, position.qty) - position.cost

    def triggered(self, position: Position, collateral: int, mark: int) -> bool:
        """Whether the venue liquidates the position at this mark."""
        equity, required = self.equity(position, collateral, mark), self.required(position, mark)
        return equity <= required if self.at_or_below else equity < required

    def threshold(self, position: Position, collateral: int, mark: int) -> int:
        """The triggered tick nearest to safety, at least 1; `mark` is one at which it is triggered."""
        if position.qty > 0:
            ranges = self._ranges(position.qty) if self.tier_rule == "whole_position" else [(0, None)]
            found = (self._highest(position, collateral, low, end) for low, end in ranges)
            return max([mark, 1, *(tick for tick in found if tick is not None)])
        low, high = 0, max(mark, 1)
        while high - low > 1:
            middle = (low + high) // 2
            if self.triggered(position, collateral, middle):
                high = middle
            else:
                low = middle
        return high

    def tick_of(self, position: Position, collateral: int) -> int | None:
        """The threshold wherever the mark is; none if no tick is triggered."""
        reach = 1
        while position.qty < 0 and not self.triggered(position, collateral, reach):
            reach *= 2
        found = self.threshold(position, collateral, reach if position.qty < 0 else 0)
        return found if self.triggered(position, collateral, found) else None

    def leverage(self, notional: int, stress: int = RATE_ONE) -> int:
        """The tier's highest leverage in billionths, over the stress factor."""
        most = math.floor(self.tier(notional).max_leverage * RATE_ONE + Fraction(1, 2))
        return most * RATE_ONE // stress

    def stressed(self, factor: int) -> MarginRules:
        """The same rules with maintenance rates a factor higher; the deductions follow."""
        tiers: list[Tier] = []
        for tier in self.tiers:
            higher = min(tier.rate * factor // RATE_ONE, MOST)
            deduction = 0
            if tiers and self.tier_rule == "marginal":
                deduction = tiers[-1].deduction + tier.min_notional * (higher - tiers[-1].rate)
            tiers.append(replace(tier, rate=higher, deduction=deduction))
        return replace(self, tiers=tuple(tiers))

    def _ranges(self, qty: int) -> list[tuple[int, int | None]]:
        """The ticks at which so many lots lie in each tier: from, to before (of the last: no end)."""
        starts = [math.ceil(Fraction(tier.min_notional, qty * self.scale)) for tier in self.tiers]
        return list(zip(starts, [*starts[1:], None], strict=True))

    def _highest(self, position: Position, collateral: int, low: int, end: int | None) -> int | None:
        """The highest triggered tick of a long from `low` to before `end`, all triggered below it."""
        if low == end or not self.triggered(position, collateral, low):
            return None
        high = low + 1 if end is None else end
        while end is None and self.triggered(position, collateral, high):
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            if self.triggered(position, collateral, middle):
                low = middle
            else:
                high = middle
        return low

    def bankruptcy_value(self, position: Position, collateral: int) -> int:
        """What closing the position may cost (a short), or must bring (a long)."""
        return position.side * (position.cost - collateral)

    def bankruptcy_tick(self, position: Position, collateral: int) -> int:
        """The bankruptcy price on the tick: down for the buy that closes a short, up for a sell."""
        value = self.bankruptcy_value(position, collateral)
        price = Fraction(value, abs(position.qty) * self.scale)
        return math.floor(price) if position.qty < 0 else math.ceil(price)

    def fill(self, position: Position, side: int, qty: int, value: int) -> tuple[Position, int]:
        """The position after buying (+1) or selling (-1) `qty` lots, and the profit of what it closed."""
        open_qty = abs(position.qty)
        closing = min(qty, open_qty) if position.side == -side else 0
        cost = margin = profit = closing_value = 0
        if closing:
            cost = trunc_div(position.cost * closing, open_qty)
            margin = trunc_div(position.margin * closing, open_qty)
            closing_value = value * closing // qty
            profit = -side * closing_value - cost
        after = Position(
            position.qty + side * qty,
            position.cost - cost + side * (value - closing_value),
            position.margin - margin,
        )
        return after, profit
