"""LOBSTER's order flow of a day: every message, and the best levels of the book after each of them.

`docs/SOURCES.md` gives the format. `perpcore.sources.lobster_replay` plays a day into a book.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from perpcore._structs import problem
from perpcore.sources.columns import Fields, Mask, pieces
from perpcore.sources.files import Source, Text, from_archive, read_bytes, wrong
from perpcore.sources.lobster_replay import replay

__all__ = ["LOT_SIZE", "MESSAGE", "TICK_SIZE", "Day", "book_dtype", "read", "replay"]

#: Prices in the files are whole numbers of this, in dollars; sizes are shares.
TICK_SIZE, LOT_SIZE = Decimal("0.0001"), Decimal(1)

#: A message. `time`: ns after midnight; `kind`: 1 new, 2 partial cancel, 3 delete, 4 execution of a visible
#: order, 5 of a hidden one, 6 cross trade, 7 halt; `side`: of the resting order, 0 buy, 1 sell; `price` in
#: ticks.
MESSAGE = np.dtype(
    [("time", "i8"), ("order", "i8"), ("size", "i8"), ("price", "i8"), ("kind", "u1"), ("side", "u1")],
    align=True,
)

HALT = 7
COLUMNS = ("time", "type", "order id", "size", "price", "direction")
SIDES = ("1", "-1")
#: The price of a level that is not there: this for asks, less than nothing for bids.
EMPTY = 9_999_999_999


class Day(NamedTuple):
    """Messages and the book after each.

    Attributes
    ----------
    messages : ndarray of `MESSAGE`
    book : ndarray of `book_dtype`
        Row i is the book after message i.
    name : str
        The message file's, for reports.
    """

    messages: NDArray[np.void]
    book: NDArray[np.void]
    name: str

    @property
    def levels(self) -> int:
        """Levels of a side that the book holds."""
        return int(self.book.dtype["bid_price"].shape[0])


def book_dtype(levels: int) -> np.dtype[np.void]:
    """The best levels of both sides, from the best price away; prices in ticks, sizes in shares.

    A level that is not there has size 0 and the price 9999999999 (asks) or -9999999999 (bids).
    """
    names = ("ask_price", "ask_size", "bid_price", "bid_size")
    return np.dtype([(name, "i8", (levels,)) for name in names])


def read(messages: Source, orderbook: Source | None = None) -> Day:
    """Read a day of LOBSTER data.

    Parameters
    ----------
    messages : path
        The file of messages (.csv or .csv.gz), or a .zip that holds both files.
    orderbook : path, optional
        The file of books; not given with a .zip.

    Returns
    -------
    Day

    Raises
    ------
    ScenarioError
        Its field is ``file:line`` of the first line that is wrong.
    """
    if (Path(messages).suffix.lower() == ".zip") == (orderbook is not None):
        allowed = "given with a file of messages, left out with a .zip of both"
        raise problem("orderbook", repr(orderbook and str(orderbook)), allowed)
    if orderbook is None:
        first, second = from_archive(messages, "message", "orderbook")
    else:
        first, second = read_bytes(messages), read_bytes(orderbook)
    flow, book = _messages(first), _books(second)
    if len(flow) != len(book):
        short, lacking = (second, "a book after") if len(book) < len(flow) else (first, "a message before")
        line = min(len(flow), len(book)) + 1
        allowed = (
            f"{lacking} each of {max(len(flow), len(book)):,} {'messages' if short is second else 'books'}"
        )
        raise wrong(short.name, line, "the end of the file", allowed)
    return Day(flow, book, first.name)


def _messages(text: Text) -> NDArray[np.void]:
    read = [_piece_of_messages(fields) for fields in pieces(text, COLUMNS)]
    if not read:
        raise wrong(text.name, 1, "an empty file", "LOBSTER messages")
    found = np.concatenate(read)
    back = np.flatnonzero(np.diff(found["time"]) < 0)
    if len(back):
        raise wrong(text.name, int(back[0]) + 2, "a time before that of the line above", "one that is not")
    return found


def _piece_of_messages(fields: Fields) -> NDArray[np.void]:
    found = np.zeros(len(fields), MESSAGE)
    found["time"] = fields.scaled(0, 9)
    kind, size, price = fields.integers(1), fields.integers(3), fields.integers(4)
    fields.refuse((kind < 1) | (kind > HALT), 1, "1 to 7")
    orders = kind < HALT
    fields.refuse(orders & (size < 1), 3, "1 or more shares")
    fields.refuse(
        orders & ((price < 1) | (price >= EMPTY)), 4, f"1 to {EMPTY - 1:,} ten-thousandths of a dollar"
    )
    found["kind"], found["size"], found["price"] = kind, size, price
    found["order"] = fields.integers(2)
    fields.refuse((kind < 5) & (found["order"] < 1), 2, "the number of an order, more than 0")
    found["side"] = fields.words(5, SIDES)
    return found


def _books(text: Text) -> NDArray[np.void]:
    columns = text.data.partition(b"\n")[0].count(b",") + 1
    if not text.data.strip():
        raise wrong(text.name, 1, "an empty file", "LOBSTER order books")
    if columns % 4:
        allowed = "four for each level: ask price, ask size, bid price, bid size"
        raise wrong(text.name, 1, f"{columns} fields", allowed)
    names = [
        f"{side} {what} {level}"
        for level in range(1, columns // 4 + 1)
        for side in ("ask", "bid")
        for what in ("price", "size")
    ]
    return np.concatenate([_piece_of_books(fields) for fields in pieces(text, names)])


def _piece_of_books(fields: Fields) -> NDArray[np.void]:
    levels = len(fields.names) // 4
    found = np.empty(len(fields), book_dtype(levels))
    for k in range(levels):
        for offset, side, away in ((0, "ask", 1), (2, "bid", -1)):
            column = 4 * k + offset
            price, size = fields.integers(column), fields.integers(column + 1)
            empty = price == away * EMPTY
            fields.refuse(
                ~empty & ((price < 1) | (price >= EMPTY)), column, "a price, or the mark of no level"
            )
            fields.refuse(np.where(empty, size != 0, size < 1), column + 1, "1 or more shares, 0 at no level")
            if k:
                before = found[f"{side}_price"][:, k - 1]
                fields.refuse(
                    ~_follows(price, before, empty, away), column, "a price beyond the level before it"
                )
            found[f"{side}_price"][:, k], found[f"{side}_size"][:, k] = price, size
    return found


def _follows(price: NDArray[np.int64], before: NDArray[np.int64], empty: Mask, away: int) -> Mask:
    """Levels lie farther and farther away, and there is none behind one that is not there."""
    return np.where(before == away * EMPTY, empty, away * price > away * before)
