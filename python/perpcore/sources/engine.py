"""The engine's book for replays: orders by the caller's own numbers, prices and sizes whole ticks and lots.

The one place that names the binding's calls, so that a batch interface can take over here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from perpcore._core import OrderBook, OrderError

BUY, SELL = 0, 1
_ORDER: tuple[Literal["buy"], Literal["sell"]] = ("buy", "sell")
_RESTING: tuple[Literal["bid"], Literal["ask"]] = ("bid", "ask")


class EngineBook:
    """An empty book on a grid of 1 by 1.

    `BUY` is the side of bids, `SELL` of asks. An order is known by the `ref` under which it was added; what
    rests of it is kept from the engine's answers.
    """

    def __init__(self) -> None:
        self._book = OrderBook(tick_size=1, lot_size=1)
        self._resting: dict[int, tuple[int, int]] = {}  # ref -> the engine's id, what is left
        self._places: dict[int, tuple[int, int]] = {}
        self._refs: dict[int, int] = {}

    def __contains__(self, ref: int) -> bool:
        return ref in self._resting

    def left(self, ref: int) -> int:
        """What rests of an order, 0 if it does not."""
        return self._resting.get(ref, (0, 0))[1]

    def rests_at(self, ref: int, side: int, price: int) -> bool:
        """Whether an order rests, on this side and at this price."""
        return ref in self._resting and self._places[ref] == (side, price)

    def add(self, ref: int, side: int, price: int, qty: int) -> bool:
        """Let an order rest; False, and nothing has changed, if it would trade."""
        try:
            order = self._book.limit(_ORDER[side], price=price, qty=qty, tif="post_only").id
        except OrderError as error:
            if "would trade" not in str(error):
                raise
            return False
        assert order is not None
        self._resting[ref] = (order, qty)
        self._refs[order] = ref
        self._places[ref] = (side, price)
        return True

    def cancel(self, ref: int) -> int:
        """Take an order out; what was left of it, 0 if it did not rest."""
        if ref not in self._resting:
            return 0
        order, _ = self._resting.pop(ref)
        del self._refs[order], self._places[ref]
        return int(self._book.cancel(order))

    def reduce(self, ref: int, by: int) -> bool:
        """Make an order smaller in its place; False if less than `by` rests of it."""
        order, left = self._resting.get(ref, (0, 0))
        if left < by:
            return False
        self._note(order, int(self._book.reduce(order, by)))
        return True

    def take(self, side: int, price: int, qty: int) -> list[tuple[int, int]]:
        """Trade against what rests, at `price` or better: whose order was filled, and how much."""
        fills = []
        for fill in self._book.limit(_ORDER[side], price=price, qty=qty, tif="ioc").fills:
            order, filled = fill.maker_id, int(fill.qty)
            ref = self._refs[order]
            fills.append((ref, filled))
            self._note(order, self._resting[ref][1] - filled)
        return fills

    def depth(self, side: int, levels: int) -> tuple[list[int], list[int]]:
        """Prices and quantities of the best levels."""
        prices, sizes = self._book.depth(_RESTING[side], levels=levels)
        return prices.astype(np.int64).tolist(), sizes.astype(np.int64).tolist()

    def _note(self, order: int, left: int) -> None:
        ref = self._refs[order]
        if left:
            self._resting[ref] = (order, left)
        else:
            del self._resting[ref], self._refs[order], self._places[ref]
