"""Ladders of positions (MODEL section 4), expanded account by account."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .cells import FIRST_STREAM, Batch, Trader
from .margin import MarginRules, Position
from .units import choice, exact, required, table, whole

LADDER_KEYS = (
    "kind", "side", "entry_price", "qty", "notional", "lump",
    "liquidation_price", "leverage", "stop_price", "margin_mode", "wallet", "placement",
)  # fmt: skip
MAX_ACCOUNTS = 1_000_000


@dataclass(frozen=True)
class Contract:
    """What a ladder needs to know of the perpetual's market."""

    tick: Fraction
    lot: Fraction
    start: int
    rules: MarginRules

    @property
    def step(self) -> Fraction:
        """One step of money."""
        return self.tick * self.lot / self.rules.scale


@dataclass(frozen=True)
class Pair:
    """A parameter that runs evenly from one number to another (a single number: from itself to itself)."""

    first: Fraction
    last: Fraction

    def at(self, i: int, n: int) -> Fraction:
        """The parameter of account i of n."""
        return self.first + Fraction(2 * i + 1, 2 * n) * (self.last - self.first)

    @property
    def middle(self) -> Fraction:
        """Half way."""
        return (self.first + self.last) / 2


def expand(entry: object, index: int, contract: Contract, seed: int, path: int) -> list[Trader] | Batch:
    """The accounts of one ladder in the order they are numbered, or its cells if Poisson placed."""
    name = f"positions[{index}]"
    ladder = table(entry, name, LADDER_KEYS)
    side = 1 if choice(required(ladder, "side", name), f"{name}.side", ("long", "short")) == "long" else -1
    price = ladder.get("entry_price")
    cost_price = contract.start
    if price is not None:
        cost_price = whole(exact(price, name) / contract.tick, f"{name}.entry_price")
    if cost_price < 1:
        raise ValueError(f"{name}.entry_price: not positive")
    liquidation = _pair(ladder, "liquidation_price", name, contract.tick)
    leverage = _pair(ladder, "leverage", name, Fraction(1))
    stops = _pair(ladder, "stop_price", name, contract.tick)
    if (liquidation is None) == (leverage is None):
        raise ValueError(f"{name}: exactly one of liquidation_price and leverage")
    lump, total, count = _sizes(ladder, name, contract, liquidation, cost_price)
    build = _Builder(name, contract, side, cost_price, _wallet(ladder, name, contract))
    placement = choice(ladder.get("placement", "even"), f"{name}.placement", ("even", "poisson"))
    if placement == "poisson":
        if liquidation is None or stops is not None or "lump" not in ladder:
            raise ValueError(f"{name}: poisson needs liquidation_price and lump, and no stop_price")
        expected = Fraction(count) if total is None else Fraction(total, lump)
        group = _poisson(build, liquidation, lump, expected)
        return Batch(side, math.floor(expected * lump), (group,), seed, FIRST_STREAM + index, path)
    if count > MAX_ACCOUNTS:
        raise ValueError(f"{name}: more than a million accounts")
    traders = []
    for i in range(count):
        qty = lump if total is None or i < count - 1 else total - (count - 1) * lump
        stop = None if stops is None else build.stop(stops.at(i, count))
        if liquidation is not None:
            traders.append(build.at_liquidation_price(qty, liquidation.at(i, count), stop))
        elif leverage is not None:
            traders.append(build.at_leverage(qty, leverage.at(i, count), stop))
    return traders


def _pair(ladder: Mapping[str, Any], key: str, name: str, unit: Fraction) -> Pair | None:
    value = ladder.get(key)
    if value is None:
        return None
    ends = list(value) if isinstance(value, list | tuple) else [value, value]
    if len(ends) != 2:
        raise ValueError(f"{name}.{key}: a number or [from, to]")
    first, last = (exact(end, f"{name}.{key}") / unit for end in ends)
    if min(first, last) <= 0:
        raise ValueError(f"{name}.{key}: not positive")
    return Pair(first, last)


def _wallet(ladder: Mapping[str, Any], name: str, contract: Contract) -> int:
    """What each account has besides its margin."""
    mode = choice(ladder.get("margin_mode", "isolated"), f"{name}.margin_mode", ("isolated", "cross"))
    if ladder.get("wallet") is None:
        return 0
    if mode != "cross" or ladder.get("leverage") is None:
        raise ValueError(f"{name}.wallet: only for cross margin, where leverage is given")
    wallet = whole(exact(ladder["wallet"], name) / contract.step, f"{name}.wallet")
    if wallet < 0:
        raise ValueError(f"{name}.wallet: negative")
    return wallet


def _sizes(
    ladder: Mapping[str, Any], name: str, contract: Contract, liquidation: Pair | None, entry: int
) -> tuple[int, int | None, int]:
    """The lump in lots, the whole ladder in lots (if given so) and the number of accounts."""
    if (ladder.get("qty") is None) == (ladder.get("notional") is None):
        raise ValueError(f"{name}: exactly one of qty and notional")
    given = ladder.get("lump")
    lump = None if given is None else whole(exact(given, name) / contract.lot, f"{name}.lump")
    if lump is not None and lump < 1:
        raise ValueError(f"{name}.lump: not positive")
    if ladder.get("qty") is not None:
        total = whole(exact(ladder["qty"], name) / contract.lot, f"{name}.qty")
        if total < 1:
            raise ValueError(f"{name}.qty: not positive")
        lump = total if lump is None else lump
        return lump, total, math.ceil(Fraction(total, lump))
    if lump is None:
        raise ValueError(f"{name}: notional needs a lump")
    price = (Fraction(entry) if liquidation is None else liquidation.middle) * contract.tick
    notional = exact(ladder["notional"], f"{name}.notional")
    if notional <= 0:
        raise ValueError(f"{name}.notional: not positive")
    count = math.floor(notional / (price * lump * contract.lot) + Fraction(1, 2))
    return lump, None, max(count, 1)


@dataclass(frozen=True)
class _Builder:
    name: str
    contract: Contract
    side: int
    entry: int
    wallet: int

    def stop(self, price: Fraction) -> int:
        """The stop on the tick: up for a short, down for a long; beyond the start price."""
        stop = math.floor(price) if self.side > 0 else math.ceil(price)
        if self.side * (self.contract.start - stop) <= 0 or stop < 1:
            raise ValueError(f"{self.name}.stop_price: not beyond the start price")
        return stop

    def at_leverage(self, qty: int, leverage: Fraction, stop: int | None) -> Trader:
        cost = self.contract.rules.value(self.entry, qty)
        return self._account(qty, math.ceil(cost / leverage), stop)

    def at_liquidation_price(self, qty: int, price: Fraction, stop: int | None) -> Trader:
        rules = self.contract.rules
        value, cost = price * qty * rules.scale, rules.value(self.entry, qty)
        return self._account(qty, rules.margin_at(value, cost, self.side), stop)

    def _account(self, qty: int, margin: int, stop: int | None) -> Trader:
        rules = self.contract.rules
        cost = rules.value(self.entry, qty)
        if margin <= 0:
            raise ValueError(f"{self.name}: margin {margin} is not positive")
        if Fraction(cost, margin) > rules.tier(cost).max_leverage:
            raise ValueError(f"{self.name}: leverage above the tier's maximum")
        margin += self.wallet
        position = Position(self.side * qty, self.side * cost, margin)
        if rules.triggered(position, margin, self.contract.start):
            raise ValueError(f"{self.name}: liquidated at the start price")
        return Trader(position, stop)


@dataclass(frozen=True)
class PoissonGroup:
    """A cell a tick, all with the same mean; every account is one lump that breaks at its tick."""

    number: int
    ticks: tuple[int, ...]
    mean: float
    traders: tuple[Trader, ...]

    def cells(self) -> list[tuple[int, float]]:
        """The tick and the mean number of accounts of each cell."""
        return [(tick, self.mean) for tick in self.ticks]

    def trader(self, cell: int, drawn: int) -> Trader:  # noqa: ARG002
        """The account of a cell, whatever the word."""
        return self.traders[cell]


def _poisson(build: _Builder, prices: Pair, lump: int, expected: Fraction) -> PoissonGroup:
    if prices.first >= prices.last:
        raise ValueError(f"{build.name}.liquidation_price: from must be below to")
    if build.side < 0:
        ticks = range(math.floor(prices.first) + 1, math.floor(prices.last) + 1)
    else:
        ticks = range(math.ceil(prices.last) - 1, math.ceil(prices.first) - 1, -1)
    if not ticks:
        raise ValueError(f"{build.name}.liquidation_price: no tick in the range")
    mean = expected / len(ticks)
    if mean > 100:
        raise ValueError(f"{build.name}: more than 100 accounts a tick")
    traders = tuple(build.at_liquidation_price(lump, Fraction(tick), None) for tick in ticks)
    return PoissonGroup(0, tuple(ticks), float(mean), traders)
