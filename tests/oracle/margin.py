"""Margin (MODEL section 5): positions, tiers, the exact trigger, and the threshold found by trying ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from .units import RATE_ONE, trunc_div


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

    def value(self, price: int, qty: int) -> int:
        """Steps of `qty` lots at a price in ticks, signed like `qty`."""
        return price * qty * self.scale

    def tier(self, notional: Fraction | int) -> Tier:
        """The last tier whose `min_notional` is not above the notional."""
        return [tier for tier in self.tiers if tier.min_notional <= notional][-1]

    def maintenance_exact(self, notional: Fraction | int) -> Fraction:
        """Maintenance margin without its rounding."""
        tier = self.tier(notional)
        return Fraction(notional * tier.rate - tier.deduction) / RATE_ONE

    def maintenance(self, notional: int) -> int:
        """Maintenance margin in steps, rounded up."""
        tier = self.tier(notional)
        return -((tier.deduction - notional * tier.rate) // RATE_ONE)

    def equity(self, position: Position, collateral: int, mark: int) -> int:
        """Collateral (the margin, or the balance if cross) and unrealised profit."""
        return collateral + self.value(mark, position.qty) - position.cost

    def triggered(self, position: Position, collateral: int, mark: int) -> bool:
        """Whether the venue liquidates the position at this mark."""
        equity = self.equity(position, collateral, mark)
        maintenance = self.maintenance(abs(self.value(mark, position.qty)))
        return equity <= maintenance if self.at_or_below else equity < maintenance

    def threshold(self, position: Position, collateral: int, mark: int) -> int:
        """The triggered tick nearest to safety, at least 1; `mark` is one at which it is triggered."""
        if position.qty < 0:
            low, high = 0, max(mark, 1)
            while high - low > 1:
                middle = (low + high) // 2
                if self.triggered(position, collateral, middle):
                    high = middle
                else:
                    low = middle
            return high
        low, high = mark, mark + 1
        while self.triggered(position, collateral, high):
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            if self.triggered(position, collateral, middle):
                low = middle
            else:
                high = middle
        return max(low, 1)

    def bankruptcy_value(self, position: Position, collateral: int) -> int:
        """What closing the position may cost (a short), or must bring (a long)."""
        return abs(position.cost) - position.side * collateral

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
