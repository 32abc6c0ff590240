"""Cells (MODEL section 4): accounts that come into being when the mark reaches them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from .margin import Position
from .philox import block

FIRST_STREAM = 16


@dataclass(frozen=True)
class Trader:
    """An account of the scenario as it starts."""

    position: Position
    stop: int | None


class Group(Protocol):
    """Cells in the order the mark reaches them."""

    @property
    def number(self) -> int:
        """Its number in the batch."""

    def cells(self) -> list[tuple[int, float]]:
        """The first tick and the mean number of accounts of each cell."""

    def trader(self, cell: int, drawn: int) -> Trader:
        """The account that a number of 32 bits makes in a cell."""


@dataclass(frozen=True)
class Batch:
    """An entry of `positions` whose accounts are Poisson placed, on one path."""

    side: int
    expected_lots: int
    groups: tuple[Group, ...]
    seed: int
    stream: int
    path: int

    def traders(self, group: Group, cell: int, mean: float) -> list[Trader]:
        """The accounts of one cell."""
        words = self._words(group.number, cell)
        count = poisson_count(mean, next(words))
        numbers = (half for word in words for half in (word % 2**32, word >> 32))
        return [group.trader(cell, next(numbers)) for _ in range(count)]

    def _words(self, group: int, cell: int) -> Iterator[int]:
        counter = (group << 56) + (cell << 24)
        while True:
            yield from block(self.seed, self.stream, counter, self.path)
            counter += 1


class Arrivals:
    """The cells of a batch that the mark has not reached yet."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.waiting = [(group, list(enumerate(group.cells()))) for group in batch.groups]

    def reached(self, mark: int | None) -> Iterator[Trader]:
        """The accounts of the cells that the mark reaches now (of all, if none), group by group."""
        for group, cells in self.waiting:
            while cells and (mark is None or self.batch.side * (cells[0][1][0] - mark) >= 0):
                number, (_, mean) = cells.pop(0)
                yield from self.batch.traders(group, number, mean)


def poisson_count(mean: float, drawn: int) -> int:
    """The least `n` whose share of 2^64 at or below it is above the word."""
    if mean <= 0:
        return 0
    first = max(0, math.floor(mean - 10 * math.sqrt(mean) - 10))
    last = math.ceil(mean + 10 * math.sqrt(mean) + 30)
    total = 0.0
    for n in range(first, last):
        total += math.exp(n * math.log(mean) - mean - math.lgamma(n + 1))
        if math.floor(total * 2.0**64) > drawn:
            return n
    return last
