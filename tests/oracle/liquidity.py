"""What rests in a book at the start (MODEL section 3), as an iterator of levels from the best away."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from .book import Level
from .units import exact, required, table, whole


@dataclass(frozen=True)
class Liquidity:
    """Explicit levels, then (if `depth`, in lots a tick, is given) a linear tail counted from `tail_from`."""

    side: int
    levels: tuple[Level, ...]
    tail_from: int
    depth: Fraction | None

    def walk(self) -> Iterator[Level]:
        """The levels from the best away; bids end at one tick, asks never."""
        yield from self.levels
        if self.depth is None:
            return
        for k in itertools.count(1):
            price = self.tail_from - self.side * k
            if price < 1:
                return
            qty = math.floor(k * self.depth) - math.floor((k - 1) * self.depth)
            if qty > 0:
                yield price, qty


def parse_liquidity(
    value: object, side: int, start: int, tick: Fraction, lot: Fraction, name: str
) -> Liquidity | None:
    """`{kind = "linear", depth}` or `{kind = "levels", levels, tail_depth}`, or nothing at all."""
    if value is None or value == "none":
        return None
    entry = table(value, name, ("kind", "depth", "levels", "tail_depth"))
    if "levels" not in entry:
        depth = _depth(required(entry, "depth", name), tick, lot, name)
        return Liquidity(side, (), start, depth)
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
    return Liquidity(side, levels, prices[-1], depth_lots)


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
