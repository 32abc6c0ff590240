"""Order books in ccxt's unified structure, one or a sequence of them.

`docs/SOURCES.md` gives the format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from perpcore._structs import Number, problem
from perpcore.sources.columns import column_of
from perpcore.sources.files import Source, Text, no_json, read_bytes, short
from perpcore.sources.levels import SELL, Updates, check_books, rows_of

__all__ = ["read"]

Book = Mapping[str, Any]

A_BOOK = "an order book of ccxt: an object with bids and asks, lists of [price, amount]"
MS = 1_000_000


def read(
    source: Source | Book | Sequence[Book], *, tick_size: Number | None = None, lot_size: Number | None = None
) -> Updates:
    """Read order books as ``fetch_order_book`` returns them.

    Parameters
    ----------
    source : path, mapping or sequence of mappings
        A JSON file with one book (.json), one book a line (.jsonl), either compressed (.gz); or books as ccxt
        gives them. All of one symbol.
    tick_size, lot_size : number, optional
        The coarsest that fit if not given. Floats are read in their shortest decimal form.

    Returns
    -------
    Updates
        Each book is an update, and replaces the one before it.

    Raises
    ------
    ScenarioError
        Its field is ``file:line`` for one book a line, ``file: bids[3]`` or ``book: bids[3]`` else.
    """
    named = _loaded(source)
    if not named:
        raise problem("books", "[]", "at least one")
    symbol = _symbol(named[0][1])
    prices, amounts, places, sizes = [], [], [], []
    for name, book in named:
        if _symbol(book) != symbol:
            raise problem(name, f"symbol {_symbol(book)!r}", f"{symbol!r}, that of the first book")
        counts = []
        for side in ("bids", "asks"):
            found = [_level(name, side, i, level) for i, level in enumerate(_side(name, book, side))]
            prices += [price for price, _ in found]
            amounts += [amount for _, amount in found]
            places += [f"{name}: {side}[{i}]" for i in range(len(found))]
            counts.append(len(found))
        sizes.append(counts)

    where = places.__getitem__
    grid = (tick_size, lot_size)
    read_as = (column_of(prices, "price", where), column_of(amounts, "amount", where))
    rows, tick, lot = rows_of(*read_as, grid=grid, where=where)
    lengths = np.array(sizes)
    rows["update"] = np.repeat(np.arange(len(named)), lengths.sum(axis=1))
    rows["side"] = np.repeat(np.arange(lengths.size) % 2 == 1, lengths.ravel()) * SELL
    rows["time"] = np.array([_time(*each) for each in named])[rows["update"]]
    rows["snapshot"] = 1
    updates = Updates(rows, tick, lot, symbol)
    check_books(updates, where)
    return updates


def _loaded(source: object) -> list[tuple[str, Book]]:
    """Books, and what errors call them."""
    if isinstance(source, Mapping):
        return [("book", source)]
    if not isinstance(source, str | PathLike):
        if not isinstance(source, Sequence):
            raise problem("books", short(source), A_BOOK)
        return [(f"books[{i}]", book) for i, book in enumerate(source)]
    text = read_bytes(source)
    decoder = msgspec.json.Decoder(float_hook=Decimal)
    lined = ".jsonl" in Path(source).suffixes
    books = []
    for number, line in enumerate(text.data.splitlines() if lined else [text.data], 1):
        if lined and not line.strip():
            continue
        try:
            book = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise no_json(Text(text.name, line), error, "valid JSON", number) from None
        books.append((f"{text.name}:{number}" if lined else text.name, book))
    return books


def _symbol(book: object) -> str:
    symbol = book.get("symbol") if isinstance(book, Mapping) else None
    return "" if symbol is None else str(symbol)


def _side(name: str, book: object, side: str) -> Sequence[Any]:
    levels = book.get(side) if isinstance(book, Mapping) else None
    if not isinstance(levels, list | tuple):
        raise problem(name, short(book), A_BOOK)
    return levels


def _level(name: str, side: str, i: int, level: object) -> tuple[str, str]:
    """Price and amount as they are written; a third entry (order count, id, time) is not looked at."""
    if not isinstance(level, list | tuple) or not 2 <= len(level) <= 3:
        raise problem(f"{name}: {side}[{i}]", short(level), "[price, amount]")
    for value in level[:2]:
        if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
            raise problem(f"{name}: {side}[{i}]", short(level), "numbers")
    return str(level[0]), str(level[1])


def _time(name: str, book: Book) -> int:
    """The book's time in ns, 0 if it has none."""
    time = book.get("timestamp")
    if time is None:
        return 0
    if isinstance(time, bool) or not isinstance(time, int) or not 0 <= time < (1 << 63) // MS:
        raise problem(name, f"timestamp {short(time)}", "milliseconds since 1970, or nothing")
    return time * MS
