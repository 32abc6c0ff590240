"""Tardis' ``incremental_book_L2`` files: every change of a venue's book, by level.

`docs/SOURCES.md` gives the format.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from perpcore._structs import Number, problem
from perpcore.sources.columns import Column, Fields, common, pieces
from perpcore.sources.files import Source, Text, read_bytes, wrong
from perpcore.sources.levels import LEVEL, Updates, rows_of

__all__ = ["COLUMNS", "read"]

COLUMNS = ("exchange", "symbol", "timestamp", "local_timestamp", "is_snapshot", "side", "price", "amount")
SYMBOL, TIME, LOCAL, SNAPSHOT, SIDE, PRICE, AMOUNT = range(1, 8)
US = 1000


def read(
    source: Source,
    *,
    symbol: str | None = None,
    tick_size: Number | None = None,
    lot_size: Number | None = None,
) -> Updates:
    """Read a file of ``incremental_book_L2``.

    Rows that were received at one time are one update; so is a run of snapshot rows.

    Parameters
    ----------
    source : path
        A .csv or .csv.gz file.
    symbol : str, optional
        Whose rows; must be given if the file holds several.
    tick_size, lot_size : number, optional
        The coarsest that fit if not given.

    Returns
    -------
    Updates

    Raises
    ------
    ScenarioError
        Its field is ``file:line``.
    """
    text = read_bytes(source)
    header, _, data = text.data.partition(b"\n")
    if header.strip() != ",".join(COLUMNS).encode():
        found = header.decode("utf-8", "replace").strip()
        raise wrong(text.name, 1, found or "nothing", f"the header {','.join(COLUMNS)}")
    parts, prices, amounts, lines = [], [], [], []
    line = 2
    for fields in pieces(Text(text.name, data), COLUMNS, line):
        mine, symbol = _mine(fields, symbol)
        rows, price, amount = _piece(fields)
        parts.append(rows[mine])
        prices.append(Column(price.digits[mine], price.places[mine]))
        amounts.append(Column(amount.digits[mine], amount.places[mine]))
        lines.append(line + np.flatnonzero(mine))
        line += len(fields)
    at = np.concatenate([*lines, np.zeros(0, np.int64)])
    if not len(at):
        what = "rows below the header" if symbol is None else f"rows of {symbol}"
        raise wrong(text.name, line, "the end of the file", what)

    def where(row: int) -> str:
        return f"{text.name}:{at[row]}"

    levels, tick, lot = rows_of(common(prices), common(amounts), grid=(tick_size, lot_size), where=where)
    rows = np.concatenate(parts)
    rows["price"], rows["qty"] = levels["price"], levels["qty"]
    back = np.flatnonzero(np.diff(rows["received"]) < 0)
    if len(back):
        raise problem(where(int(back[0]) + 1), "local_timestamp", "not before that of the row above")
    rows["update"] = np.cumsum(_begins(rows)) - 1
    return Updates(rows, tick, lot, symbol or "")


def _mine(fields: Fields, symbol: str | None) -> tuple[NDArray[np.bool_], str]:
    """The rows of a symbol: the one that is asked for, or the only one."""
    if symbol is not None:
        return fields.is_word(SYMBOL, symbol), symbol
    only = fields.text(0, SYMBOL)
    mine = fields.is_word(SYMBOL, only)
    if not mine.all():
        other = fields.text(int(np.argmin(mine)), SYMBOL)
        raise problem("symbol", "None", f"it must be given: the file holds {only}, {other}, ...")
    return mine, only


def _piece(fields: Fields) -> tuple[NDArray[np.void], Column, Column]:
    rows = np.zeros(len(fields), LEVEL)
    rows["time"] = fields.integers(TIME) * US
    rows["received"] = fields.integers(LOCAL) * US
    rows["snapshot"] = fields.words(SNAPSHOT, ("false", "true"))
    rows["side"] = fields.words(SIDE, ("bid", "ask"))
    return rows, fields.decimals(PRICE), fields.decimals(AMOUNT)


def _begins(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """Where an update begins: the time changes or a snapshot does, but not inside a snapshot."""
    begins = np.ones(len(rows), bool)
    snapshot = rows["snapshot"].astype(bool)
    begins[1:] = (np.diff(rows["received"]) != 0) & ~(snapshot[1:] & snapshot[:-1])
    begins[1:] |= snapshot[1:] != snapshot[:-1]
    return begins
