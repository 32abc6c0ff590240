"""The engine's book as levels: it keeps orders, so a level is one order, and a new quantity replaces it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perpcore.sources.engine import EngineBook


class LevelBook:
    """A book that is told what each level holds."""

    def __init__(self) -> None:
        self._engine = EngineBook()
        # What the engine refused because it would have traded, to be tried again.
        self._crossing: dict[int, tuple[int, int, int]] = {}

    def apply(self, rows: NDArray[np.void]) -> bool:
        """Set levels to their new quantities, all at once.

        Parameters
        ----------
        rows : ndarray of `LEVEL`
            One update.

        Returns
        -------
        bool
            False if the levels cross: those that would trade are left out until they do not.
        """
        wanted = self._crossing
        columns = (rows[name].tolist() for name in ("side", "price", "qty"))
        for level in zip(*columns, strict=True):
            wanted[2 * level[1] + level[0]] = level  # the last one counts
        changed = {ref: level for ref, level in wanted.items() if self._engine.left(ref) != level[2]}
        for ref in changed:  # first what goes: no order of rows makes a book cross that ends uncrossed
            self._engine.cancel(ref)
        self._crossing = {
            ref: level for ref, level in changed.items() if level[2] and not self._engine.add(ref, *level)
        }
        return not self._crossing

    def depth(self, side: int, levels: int = 10) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Prices in ticks and quantities in lots of the best levels of `BUY` (bids) or `SELL` (asks)."""
        prices, sizes = self._engine.depth(side, levels)
        return np.array(prices, np.int64), np.array(sizes, np.int64)
