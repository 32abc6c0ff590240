"""Updates of levels through the engine's book, each state compared with what was published up to then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perpcore.sources.level_book import LevelBook

if TYPE_CHECKING:
    from perpcore.sources.levels import Updates

#: Levels that are compared in all; with more updates than that allows, every so many states are compared.
WORK = 50_000_000
#: Added to the prices of asks: beyond every price of the engine.
ASK = np.int64(1) << 62


@dataclass(slots=True, kw_only=True)
class LevelReplay:
    """The verdict on a sequence of updates.

    Attributes
    ----------
    snapshots, steps : int
        Whole books, and changes applied to them.
    skipped : int
        Changes before the first whole book.
    rows : int
        Levels set by those that were applied.
    compared : int
        States of which every level was compared with the last quantity published for it.
    mismatches : int
        Updates after which a level differs or the book is crossed.
    first : int or None
        Number of the first of them.
    bids, asks : int
        Levels at the end.
    best_bid, best_ask : Decimal or None
        At the end, in units of price.
    """

    symbol: str
    snapshots: int = 0
    steps: int = 0
    skipped: int = 0
    rows: int = 0
    compared: int = 0
    mismatches: int = 0
    first: int | None = None
    bids: int = 0
    asks: int = 0
    best_bid: Decimal | None = None
    best_ask: Decimal | None = None


class _Published:
    """The last quantity published for each level, written down without a book."""

    def __init__(self, rows: NDArray[np.void]) -> None:
        # Every level that is ever named, the bids' and then the asks', in order of price.
        levels, self._codes = np.unique(rows["price"] + rows["side"] * ASK, return_inverse=True)
        self._asks = int(np.searchsorted(levels, ASK))
        self._prices, self._qty = levels % ASK, np.zeros(len(levels), np.int64)

    def __len__(self) -> int:
        return len(self._qty)

    def note(self, rows: NDArray[np.void], start: int, stop: int) -> None:
        """Rows `start` to `stop` are published; a whole book replaces all."""
        if rows["snapshot"][start]:
            self._qty[:] = 0
        for code, qty in zip(self._codes[start:stop].tolist(), rows["qty"][start:stop].tolist(), strict=True):
            self._qty[code] = qty

    def side(self, side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Prices and quantities from the best away."""
        part = slice(self._asks, None) if side else slice(0, self._asks)
        prices, qty = self._prices[part], self._qty[part]
        if not side:
            prices, qty = prices[::-1], qty[::-1]
        return prices[qty > 0], qty[qty > 0]


def replay(updates: Updates, *, progress: Callable[[int], object] | None = None) -> LevelReplay:
    """Play updates into the engine's book.

    Parameters
    ----------
    updates : Updates
    progress : callable, optional
        Called now and then with how many updates were done since.

    Returns
    -------
    LevelReplay
        `mismatches` is 0 if every state that was compared is as published and none crosses.
    """
    rows = updates.rows
    found, book = LevelReplay(symbol=updates.symbol), LevelBook()
    starts = np.flatnonzero(np.diff(rows["update"], prepend=rows["update"][0] - 1 if len(rows) else 0))
    stops = [*starts[1:].tolist(), len(rows)]
    published = _Published(rows)
    every = max(1, len(starts) * len(published) // WORK)
    told = 0
    for number, (start, stop) in enumerate(zip(starts.tolist(), stops, strict=True)):
        part = rows[start:stop]
        if part["snapshot"][0]:
            book = LevelBook()
            found.snapshots += 1
        elif not found.snapshots:
            found.skipped += 1
            continue
        else:
            found.steps += 1
        found.rows += len(part)
        published.note(rows, start, stop)
        agrees = book.apply(part)
        if number % every == 0 or stop == len(rows):
            found.compared += 1
            agrees &= _same(book, published)
        if not agrees:
            found.mismatches += 1
            found.first = int(part["update"][0]) if found.first is None else found.first
        if progress is not None and number - told >= 100:
            progress(number - told)
            told = number
    if progress is not None:
        progress(len(starts) - told)
    _describe(found, updates, published)
    return found


def _same(book: LevelBook, published: _Published) -> bool:
    for side in (0, 1):
        prices, qty = published.side(side)
        held = book.depth(side, len(prices) + 1)
        if not (np.array_equal(held[0], prices) and np.array_equal(held[1], qty)):
            return False
    return True


def _describe(found: LevelReplay, updates: Updates, published: _Published) -> None:
    bids, asks = published.side(0)[0], published.side(1)[0]
    found.bids, found.asks = len(bids), len(asks)
    found.best_bid = int(bids[0]) * updates.tick_size if len(bids) else None
    found.best_ask = int(asks[0]) * updates.tick_size if len(asks) else None
