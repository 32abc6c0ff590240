"""Real accounts row by row (MODEL section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .cells import Trader
from .ladders import Contract
from .margin import Position
from .units import RATE_ONE, choice, table

ROW_KEYS = (
    "kind", "side", "qty", "entry_price", "liquidation_price", "leverage", "margin", "stop_price",
    "margin_mode", "wallet",
)  # fmt: skip
MILLION = 1_000_000


def expand_rows(entry: object, index: int, contract: Contract) -> list[Trader]:
    """The accounts in the order they are numbered: as a mark would reach them."""
    reader = _Reader(f"positions[{index}]", table(entry, f"positions[{index}]", ROW_KEYS), contract)
    traders = [reader.trader(row) for row in range(reader.count())]

    def nearness(trader: Trader) -> tuple[bool, bool, int]:
        first = contract.rules.tick_of(trader.position, trader.position.margin)
        side = trader.position.side
        reached = [-side * tick for tick in (first, trader.stop) if tick is not None]
        return side > 0, not reached, min(reached, default=0)

    return sorted(traders, key=nearness)  # which keeps the order of rows


def nearest(number: float) -> int:
    """A double to a whole number, halves up."""
    return math.floor(Fraction(number) + Fraction(1, 2))


@dataclass(frozen=True)
class _Reader:
    name: str
    entry: Mapping[str, Any]
    contract: Contract

    def count(self) -> int:
        lengths = {len(v) for v in self.entry.values() if isinstance(v, list | tuple)}
        if len(lengths - {1}) > 1:
            raise ValueError(f"{self.name}: columns of unlike length")
        return max(lengths, default=1)

    def number(self, field: str, row: int) -> float | None:
        value = self.entry.get(field)
        if isinstance(value, list | tuple):
            value = value[0 if len(value) == 1 else row]
        return None if value is None or math.isnan(float(value)) else float(value)

    def price(self, field: str, row: int) -> Fraction | None:
        """In ticks, to a millionth of one."""
        price = self.number(field, row)
        if price is None:
            return None
        if price <= 0:
            raise ValueError(f"{self.name}.{field}: not positive")
        ticks = price / float(self.contract.tick)
        near = nearest(ticks)
        if abs(Fraction(ticks) - near) <= Fraction(near, 2**50):
            return Fraction(near)
        return Fraction(nearest(ticks * MILLION), MILLION)

    def trader(self, row: int) -> Trader:
        contract, rules = self.contract, self.contract.rules
        side = self.entry["side"]
        side = side if isinstance(side, str) else side[0 if len(side) == 1 else row]
        sign = 1 if choice(side, f"{self.name}.side", ("long", "short")) == "long" else -1
        qty = nearest((self.number("qty", row) or 0.0) / float(contract.lot))
        if qty < 1:
            raise ValueError(f"{self.name}.qty: nothing")
        entry = self.price("entry_price", row) or Fraction(contract.start)
        cost = math.floor(entry * qty * rules.scale + Fraction(1, 2))
        margin = self.margin(row, sign, qty, cost)
        if margin <= 0 or Fraction(cost, margin) > rules.tier(cost).max_leverage:
            raise ValueError(f"{self.name}: margin {margin} of {cost}")
        margin += nearest((self.number("wallet", row) or 0.0) / float(contract.step))
        position = Position(sign * qty, sign * cost, margin)
        if rules.triggered(position, margin, contract.start):
            raise ValueError(f"{self.name}: liquidated at the start price")
        stop = self.price("stop_price", row)
        tick = None if stop is None else math.floor(stop) if sign > 0 else math.ceil(stop)
        if tick is not None and (tick < 1 or sign * (contract.start - tick) <= 0):
            raise ValueError(f"{self.name}.stop_price: not beyond the start price")
        return Trader(position, tick)

    def margin(self, row: int, sign: int, qty: int, cost: int) -> int:
        rules = self.contract.rules
        price = self.price("liquidation_price", row)
        if price is not None:
            return rules.margin_at(price * qty * rules.scale, cost, sign)
        leverage = self.number("leverage", row)
        if leverage is not None:
            return math.ceil(cost / Fraction(nearest(leverage / 1e-9), RATE_ONE))
        return nearest((self.number("margin", row) or 0.0) / float(self.contract.step))
