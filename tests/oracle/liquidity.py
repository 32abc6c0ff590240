"""What rests in a book at the start (MODEL section 3), as an iterator of levels from the best away."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from .book import Level
from .distributions import Law, is_distribution, parse_law, points
from .philox import word
from .units import exact, integer, required, table, whole

NOISE_ONE = 2**20


@dataclass(frozen=True)
class Words:
    """The words of one stream on one path."""

    seed: int
    stream: int
    path: int

    def __getitem__(self, n: int) -> int:
        return word(self.seed, self.stream, n, self.path)

    def short(self, n: int) -> int:
        """The upper 12 bits of number n of 16 bits: four to a word, the lowest first."""
        return (self[n // 4] >> 16 * (n % 4)) % 2**16 >> 4


@dataclass(frozen=True)
class Lots:
    """A quantity: the same each time, or by a law's table of 4,096."""

    table: tuple[int, ...]

    def at(self, drawn: int) -> int:
        """The lots that 12 bits pick."""
        return self.table[drawn] if len(self.table) > 1 else self.table[0]

    @property
    def most(self) -> int:
        """The most it can be."""
        return self.table[-1]


@dataclass(frozen=True)
class Liquidity:
    """Explicit levels, then (if `depth`, in lots a tick, is given) a linear tail counted from `tail_from`."""

    side: int
    levels: tuple[Level, ...]
    tail_from: int
    depth: Fraction | None
    noise: tuple[int, ...] | None
    words: Words

    def _noisy(self, qty: int, n: int) -> int:
        return qty if self.noise is None else qty * self.noise[self.words.short(n)] // NOISE_ONE

    def walk(self) -> Iterator[Level]:
        """The levels from the best away; bids end at one tick, asks never."""
        numbered = ((price, self._noisy(qty, n)) for n, (price, qty) in enumerate(self._plain()))
        yield from ((price, qty) for price, qty in numbered if qty > 0)

    def _plain(self) -> Iterator[Level]:
        """Number 0 is a level of nothing where there are no explicit ones."""
        yield from self.levels or ((self.tail_from, 0),)
        if self.depth is None:
            return
        for k in itertools.count(1):
            price = self.tail_from - self.side * k
            if price < 1:
                return
            yield price, math.floor(k * self.depth) - math.floor((k - 1) * self.depth)

    def most(self) -> int | None:
        """The most it can hold; none if without end."""
        if self.depth is not None:
            return None
        largest = NOISE_ONE if self.noise is None else self.noise[-1]
        return sum(qty * largest // NOISE_ONE for _, qty in self.levels)


@dataclass(frozen=True)
class Orders:
    """So many orders a level, levels one gap from each other, each with lots of its own."""

    side: int
    start: int
    levels: int
    gap: int
    orders: int
    lots: Lots
    words: Words

    def walk(self) -> Iterator[Level]:
        """The orders from the best away, at one price the oldest first."""
        for i in range(1, self.levels + 1):
            price = self.start - self.side * i * self.gap
            if price < 1:
                return
            for j in range(self.orders):
                yield price, self.lots.at(self.words.short((i - 1) * self.orders + j))

    def most(self) -> int | None:
        """The most they can hold."""
        return self.levels * self.orders * self.lots.most


def parse_lots(value: Any, lot: Fraction, name: str) -> Lots:
    """A number of whole lots, or the table T of a law."""
    if not is_distribution(value):
        lots = whole(exact(value, name) / lot, name)
        if lots < 1:
            raise ValueError(f"{name}: too small")
        return Lots((lots,))
    return _lots_of(parse_law(value, name), float(lot))


@lru_cache(maxsize=256)
def _lots_of(law: Law, lot: float) -> Lots:
    return Lots(tuple(max(1, math.floor(quantile / lot + 0.5)) for quantile in points(law)))


def _parse_noise(value: Any, name: str) -> tuple[int, ...] | None:
    """The table F, in units of 2^-20."""
    if value is None or value == "none":
        return None
    law = parse_law(value, name)
    if points(law)[0] < 0:
        raise ValueError(f"{name}: below 0")
    factors = _factors_of(law)
    if factors[-1] >= 4096 * NOISE_ONE:
        raise ValueError(f"{name}: not below 4096")
    return factors


@lru_cache(maxsize=256)
def _factors_of(law: Law) -> tuple[int, ...]:
    return tuple(math.floor(x * NOISE_ONE + 0.5) for x in points(law))


def parse_liquidity(
    value: object, side: int, start: int, tick: Fraction, lot: Fraction, name: str, words: Words
) -> Liquidity | Orders | None:
    """`linear`, `levels` or `orders`, or nothing at all."""
    if value is None or value == "none":
        return None
    keys = "kind depth levels tail_depth noise level_gap orders order_qty"
    entry = table(value, name, tuple(keys.split()))
    if entry.get("kind") == "orders":
        return _parse_orders(entry, side, start, tick, lot, name, words)
    noise = _parse_noise(entry.get("noise"), f"{name}.noise")
    if "levels" not in entry:
        depth = _depth(required(entry, "depth", name), tick, lot, name)
        return Liquidity(side, (), start, depth, noise, words)
    levels = tuple(
        (
            whole(exact(price, name) / tick, f"{name}.levels: price"),
            whole(exact(qty, name) / lot, f"{name}.levels: qty"),
        )
        for price, qty in entry["levels"]
    )
    prices = [price for price, _ in levels]
    if not levels or min(prices) < 1 or min(qty for _, qty in levels) < 1:
        raise ValueError(f"{name}.levels: prices and quantities must be positive")
    if any(side * (nearer - farther) <= 0 for nearer, farther in itertools.pairwise(prices)):
        raise ValueError(f"{name}.levels: not from the best away")
    tail = entry.get("tail_depth")
    depth_lots = None if tail is None else _depth(tail, tick, lot, name)
    return Liquidity(side, levels, prices[-1], depth_lots, noise, words)


def _parse_orders(
    entry: Mapping[str, Any], side: int, start: int, tick: Fraction, lot: Fraction, name: str, words: Words
) -> Orders:
    table(entry, name, ("kind", "levels", "level_gap", "orders", "order_qty"))
    gap = whole(exact(required(entry, "level_gap", name), f"{name}.level_gap") / tick, f"{name}.level_gap")
    if gap < 1:
        raise ValueError(f"{name}.level_gap: not positive")
    return Orders(
        side=side,
        start=start,
        levels=integer(required(entry, "levels", name), f"{name}.levels", 1),
        gap=gap,
        orders=integer(entry.get("orders", 1), f"{name}.orders", 1),
        lots=parse_lots(required(entry, "order_qty", name), lot, f"{name}.order_qty"),
        words=words,
    )


def _depth(value: object, tick: Fraction, lot: Fraction, name: str) -> Fraction:
    depth = exact(value, f"{name}.depth") * tick / lot
    if depth <= 0:
        raise ValueError(f"{name}: depth must be positive")
    return depth


def cut(levels: Iterator[Level], lots: int) -> Iterator[Level]:
    """The levels from the best on until `lots` are used up, the last one cut to fit."""
    for price, qty in levels:
        if lots <= 0:
            return
        yield price, min(qty, lots)
        lots -= qty
