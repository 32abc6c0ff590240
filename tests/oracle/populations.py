"""Populations (MODEL section 4): accounts by distributions, in cells of ticks."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from .cells import FIRST_STREAM, Batch, Group, Trader
from .distributions import POINTS, Law, ends, is_distribution, parse_law, points
from .ladders import Contract
from .margin import MarginRules, Position
from .units import RATE_ONE, choice, exact, required, table, whole

LEAST, CELLS, ENTRIES, TOLD_APART, MAX_TICK = 1e-9, 4096, 64, 256, 2**40
#: Longs whose maintenance is that of the cost need more.
SAFE_LEVERAGE = 1.1
KEYS = ("kind", "side", "accounts", "entry_price", "leverage", "notional")


@dataclass(frozen=True)
class Entries:
    """The entry ticks and their weights."""

    ticks: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True)
class PopulationGroup:
    """Sizes of one tier: how many accounts are expected, and how they lie on the ticks."""

    number: int
    side: int
    start: int
    rules: MarginRules
    accounts: float
    sizes: tuple[int, ...]
    entries: Entries
    leverage: Law
    rate: int  # in billionths

    def beyond(self, k: int) -> list[float]:
        """For each entry the weight of the accounts at tick `k` or farther from the start."""
        rho, nearest = self.rate / RATE_ONE, self.start - self.side
        if k == nearest:
            return list(self.entries.weights)
        shares = []
        for e, weight in zip(self.entries.ticks, self.entries.weights, strict=True):
            denominator = k * (1 + rho) - e if self.side < 0 else e - k * (1 - rho)
            shares.append(weight * (self.leverage.cdf(e / denominator) if denominator > 0 else 1.0))
        return shares

    @cached_property
    def ticks(self) -> int:
        """How many ticks from the start away are cut into cells."""
        most = MAX_TICK - self.start if self.side < 0 else self.start - 1
        if most < 1 or not self._is_expected(1):
            return 0
        low, high = 1, 2
        while high <= most and self._is_expected(high):
            low, high = high, 2 * high
        high = min(high, most + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._is_expected(middle) else (low, middle)
        return low

    def _is_expected(self, away: int) -> bool:
        return self.accounts * math.fsum(self.beyond(self.start - self.side * away)) >= LEAST

    @property
    def width(self) -> int:
        """The ticks of a cell."""
        return -(-self.ticks // CELLS)

    def first(self, cell: int) -> int:
        """The tick of a cell that the mark reaches first."""
        return self.start - self.side * (1 + cell * self.width)

    def width_of(self, cell: int) -> int:
        """The last cell holds what is left of the ticks."""
        return min(self.width, self.ticks - cell * self.width)

    @cached_property
    def weights(self) -> list[list[float]]:
        """For each cell, and in it for each entry, the weight of the cell's accounts."""
        count = -(-self.ticks // self.width) if self.ticks else 0
        edges = [self.first(cell) for cell in range(count)]
        edges.append(self.start - self.side * (1 + self.ticks))
        beyond = [self.beyond(edge) for edge in edges]
        return [
            [max(one - other, 0.0) for one, other in zip(near, far, strict=True)]
            for near, far in itertools.pairwise(beyond)
        ]

    def cells(self) -> list[tuple[int, float]]:
        """The first tick and the mean number of accounts of each cell."""
        return [(self.first(n), self.accounts * math.fsum(of)) for n, of in enumerate(self.weights)]

    def entry(self, cell: int, number: int) -> int:
        """One of the cell's 64 equally likely entries."""
        weights = self.weights[cell]
        aim, reached = (number + 0.5) / ENTRIES * sum(weights), 0.0
        for tick, weight in zip(self.entries.ticks, weights, strict=True):
            reached += weight
            if reached > aim:
                return tick
        return self.entries.ticks[-1]

    def trader(self, cell: int, drawn: int) -> Trader:
        """The account that a number of 32 bits makes in a cell."""
        qty = self.sizes[(drawn >> 20) * len(self.sizes) >> 12]
        entry = self.entry(cell, (drawn >> 14) % ENTRIES)
        tick = self.first(cell) - self.side * ((drawn % 2**14) * self.width_of(cell) >> 14)
        cost, value = self.rules.value(entry, qty), self.rules.value(tick, qty)
        margin = value * self.rate // RATE_ONE + self.side * (cost - value)
        margin = max(margin, math.ceil(cost / self.rules.tier(cost).max_leverage))
        return Trader(Position(self.side * qty, self.side * cost, margin), None)


@lru_cache(maxsize=64)
def _group(
    number: int,
    side: int,
    start: int,
    rules: MarginRules,
    accounts: float,
    sizes: tuple[int, ...],
    entries: Entries,
    leverage: Law,
    rate: int,
) -> PopulationGroup:
    """A group, made once: what it works out is kept for other paths."""
    return PopulationGroup(number, side, start, rules, accounts, sizes, entries, leverage, rate)


def population(entry: Any, index: int, contract: Contract, seed: int, path: int) -> Batch:
    """The Poisson placed accounts of an entry with `kind = "distribution"`."""
    name = f"positions[{index}]"
    values = table(entry, name, KEYS)
    side = 1 if choice(required(values, "side", name), f"{name}.side", ("long", "short")) == "long" else -1
    accounts = exact(required(values, "accounts", name), f"{name}.accounts")
    if accounts <= 0:
        raise ValueError(f"{name}.accounts: not positive")
    entries = _entries(values.get("entry_price"), contract, f"{name}.entry_price")
    leverage = parse_law(required(values, "leverage", name), f"{name}.leverage")
    least = ends(leverage)[0]
    if least <= 0:
        raise ValueError(f"{name}.leverage: not positive")
    sizes = _sizes(required(values, "notional", name), contract, f"{name}.notional")
    rules, highest = contract.rules, entries.ticks[-1]
    if side > 0 and rules.at_entry and least <= SAFE_LEVERAGE:
        raise ValueError(f"{name}.leverage: 1.1 or less, with maintenance at entry")
    farthest = min(math.floor(highest * (1 + 1 / least)), MAX_TICK) if side < 0 else highest
    groups: list[Group] = []
    for number, own in enumerate(_by_tier(sizes, rules, contract.start)):
        if own:
            group = _group(
                number=number,
                side=side,
                start=contract.start,
                rules=rules,
                accounts=float(accounts) * len(own) / POINTS,
                sizes=own,
                entries=entries,
                leverage=leverage,
                rate=_rate(rules, rules.value(farthest, own[-1]), side, least),
            )
            groups.append(group)
    expected = math.floor(accounts * sum(sizes) / POINTS + Fraction(1, 2))
    return Batch(side, expected, tuple(groups), seed, FIRST_STREAM + index, path)


def _rate(rules: MarginRules, value: int, side: int, least: float) -> int:
    """What equity is held against over value at the highest price of interest, up to billionths."""
    linear = rules.tier_rule == "linear" and len(rules.tiers) > 1
    if rules.tier(value) == rules.tiers[0] and not rules.at_entry and not linear:
        return rules.tiers[0].rate + rules.close_fee
    rho = -(-rules.held_against(value, value) * RATE_ONE // value)
    if side < 0 or not rules.at_entry:
        return rho
    fee = rules.close_fee / RATE_ONE
    x, r = 1.0 - 1.0 / max(least, SAFE_LEVERAGE), rho / RATE_ONE - fee
    return math.ceil((1.0 - x * (1.0 - fee) / (x + r)) * 1e9)


def _sizes(value: Any, contract: Contract, name: str) -> tuple[int, ...]:
    unit = contract.start * contract.tick * contract.lot
    if not is_distribution(value):
        return (max(1, math.floor(exact(value, name) / unit)),) * POINTS
    return _sizes_of(parse_law(value, name), float(unit))


@lru_cache(maxsize=64)
def _sizes_of(law: Law, unit: float) -> tuple[int, ...]:
    return tuple(max(1, math.floor(quantile / unit)) for quantile in points(law))


@lru_cache(maxsize=64)
def _by_tier(sizes: tuple[int, ...], rules: MarginRules, start: int) -> tuple[tuple[int, ...], ...]:
    """The sizes of each tier."""
    found: list[list[int]] = [[] for _ in rules.tiers]
    for size in sizes:
        found[rules.tiers.index(rules.tier(rules.value(start, size)))].append(size)
    return tuple(tuple(own) for own in found)


def _entries(value: Any, contract: Contract, name: str) -> Entries:
    if not is_distribution(value):
        tick = contract.start if value is None else whole(exact(value, name) / contract.tick, name)
        if tick < 1:
            raise ValueError(f"{name}: not positive")
        return Entries((tick,), (1.0,))
    return _entries_of(parse_law(value, name), float(contract.tick))


@lru_cache(maxsize=64)
def _entries_of(law: Law, tick_size: float) -> Entries:
    first, last = (math.floor(end / tick_size + 0.5) for end in ends(law))
    if first < 1:
        raise ValueError("entry_price: not positive")
    together = (last - first) // TOLD_APART + 1
    lowest = range(first, last + 1, together)
    inner = [law.cdf((e - 0.5) * tick_size) for e in lowest[1:]]
    weights = [above - below for below, above in itertools.pairwise([0.0, *inner, 1.0])]
    return Entries(tuple(e + (together - 1) // 2 for e in lowest), tuple(weights))
