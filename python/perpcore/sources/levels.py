"""Books by level: rows of absolute quantities, and the engine's book that follows them.

What every source of levels becomes is `Updates`; `LevelBook` applies them to the engine's book, `replay`
proves it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perpcore._core import ScenarioError
from perpcore._structs import plain, problem
from perpcore.sources.columns import Column, Mask, on_grid, step_of
from perpcore.sources.engine import BUY, SELL
from perpcore.sources.level_book import LevelBook
from perpcore.sources.level_replay import LevelReplay, replay

__all__ = ["BUY", "LEVEL", "SELL", "LevelBook", "LevelReplay", "Updates", "replay"]

#: What a level holds from now on. `time`: the venue's, `received`: the recorder's, ns since 1970, 0 if
#: unknown; `price` in ticks; `qty` in lots, 0: the level is gone; `update`: rows of one number take effect
#: together; `side`: 0 bids, 1 asks; `snapshot`: 1 if the update is a whole book, which replaces what was.
LEVEL = np.dtype(
    [
        ("time", "i8"),
        ("received", "i8"),
        ("update", "i8"),
        ("price", "i8"),
        ("qty", "i8"),
        ("side", "u1"),
        ("snapshot", "u1"),
    ],
    align=True,
)


class Updates(NamedTuple):
    """Books and their changes, one after the other.

    Attributes
    ----------
    rows : ndarray of `LEVEL`
    tick_size, lot_size : Decimal
        Units of price and quantity in the rows.
    symbol : str
        As the source names it; empty if it does not.
    """

    rows: NDArray[np.void]
    tick_size: Decimal
    lot_size: Decimal
    symbol: str

    def on(self, tick_size: Decimal, lot_size: Decimal) -> Updates:
        """The same in other units, of which those it has are multiples."""
        rows = self.rows.copy()
        for name, old, new in (("price", self.tick_size, tick_size), ("qty", self.lot_size, lot_size)):
            ratio = old / new
            largest = int(np.abs(rows[name]).max(initial=0))
            if ratio != int(ratio) or largest * int(ratio) >= 1 << 63:
                raise problem(
                    f"{name} unit",
                    plain(new),
                    f"one that {plain(old)} is a multiple of, and not finer by far",
                )
            rows[name] *= int(ratio)
        return Updates(rows, tick_size, lot_size, self.symbol)


def finest(*steps: Decimal) -> Decimal:
    """The coarsest step on which what stands on any of these stands."""
    places = max(max(0, -int(step.as_tuple().exponent)) for step in steps)
    return Decimal(math.gcd(*(int(step.scaleb(places)) for step in steps))).scaleb(-places)


def rows_of(
    prices: Column,
    amounts: Column,
    *,
    grid: tuple[object, object],
    where: Callable[[int], str],
) -> tuple[NDArray[np.void], Decimal, Decimal]:
    """Rows with price and quantity filled in, and their units.

    Parameters
    ----------
    prices, amounts : Column
    grid : (number or None, number or None)
        Tick and lot size; the coarsest that fit if None.
    where : callable
        What an error calls the i-th row.
    """
    rows = np.zeros(len(prices.digits), LEVEL)
    steps = []
    for field, what, column, given, least in (
        ("price", "tick_size", prices, grid[0], 1),
        ("qty", "lot_size", amounts, grid[1], 0),
    ):
        values, step, off = on_grid(column, step_of(what, given))
        _refuse(column, off, field, f"a multiple of {what} {plain(step)}, below 2**63 of them", where)
        _refuse(column, values < least, field, "more than 0" if least else "0 or more", where)
        rows[field] = values
        steps.append(step)
    return rows, steps[0], steps[1]


def _refuse(column: Column, bad: Mask, field: str, allowed: str, where: Callable[[int], str]) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        value = plain(Decimal(int(column.digits[row])).scaleb(-int(column.places[row])))
        raise problem(where(row), f"{field} {value}", allowed)


def check_books(updates: Updates, where: Callable[[int], str]) -> None:
    """Whole books: bids fall, asks rise, nothing is empty, and they do not cross.

    The rows of a book lie together, bids first.
    """
    rows = updates.rows
    empty = rows["qty"] == 0
    if empty.any():
        raise _at(updates, int(np.argmax(empty)), "qty", "more than 0", where)
    follows = (rows["update"][1:] == rows["update"][:-1]) & (rows["side"][1:] == rows["side"][:-1])
    away = np.where(rows["side"][1:] == SELL, 1, -1)
    bad = follows & (away * (rows["price"][1:] - rows["price"][:-1]) <= 0)
    if bad.any():
        raise _at(updates, int(np.argmax(bad)) + 1, "price", "beyond the level before it", where)
    best_bid = _best(rows, BUY)
    for row in np.flatnonzero(_first_of_side(rows) & (rows["side"] == SELL)).tolist():
        bid = best_bid.get(int(rows["update"][row]))
        if bid is not None and rows["price"][row] <= bid:
            allowed = f"above the best bid, {plain(bid * updates.tick_size)}: the book is crossed"
            raise _at(updates, row, "price", allowed, where)


def _first_of_side(rows: NDArray[np.void]) -> Mask:
    first = np.ones(len(rows), bool)
    first[1:] = (rows["update"][1:] != rows["update"][:-1]) | (rows["side"][1:] != rows["side"][:-1])
    return first


def _best(rows: NDArray[np.void], side: int) -> dict[int, int]:
    """Of each update the first price of a side."""
    best = rows[_first_of_side(rows) & (rows["side"] == side)]
    return dict(zip(best["update"].tolist(), best["price"].tolist(), strict=True))


def _at(updates: Updates, row: int, field: str, allowed: str, where: Callable[[int], str]) -> ScenarioError:
    unit = updates.tick_size if field == "price" else updates.lot_size
    return problem(where(row), f"{field} {plain(int(updates.rows[field][row]) * unit)}", allowed)
