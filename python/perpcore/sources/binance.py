"""Binance's USD-M futures: a depth snapshot and the stream of diffs after it.

`docs/SOURCES.md` gives the formats and the rule by which diffs continue a snapshot.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from perpcore._structs import Number, problem
from perpcore.sources.columns import column_of
from perpcore.sources.files import Source, Text, no_json, read_bytes, wrong
from perpcore.sources.levels import BUY, LEVEL, SELL, Updates, check_books, finest, rows_of

__all__ = ["DIFF", "Diffs", "Snapshot", "chain", "read_diffs", "read_snapshot"]

#: A diff. `time`, `event_time`: of the transaction and the message, `received`: the recorder's, all in ns
#: since 1970, 0 if not recorded; `first`, `last`, `previous`: the venue's U, u, pu; `line` in the file;
#: `start`, `stop`: its rows.
DIFF = np.dtype(
    [(name, "i8") for name in "time event_time received first last previous line start stop".split()]
)

MS = 1_000_000
Level = tuple[str, str]


class _Snapshot(msgspec.Struct, frozen=True):
    """``GET /fapi/v1/depth``."""

    last_update: int = msgspec.field(name="lastUpdateId")
    bids: list[Level]
    asks: list[Level]
    time: int = msgspec.field(name="T", default=0)


class _Diff(msgspec.Struct, frozen=True):
    """An event ``depthUpdate``."""

    symbol: str = msgspec.field(name="s")
    first: int = msgspec.field(name="U")
    last: int = msgspec.field(name="u")
    previous: int = msgspec.field(name="pu")
    bids: list[Level] = msgspec.field(name="b")
    asks: list[Level] = msgspec.field(name="a")
    event_time: int = msgspec.field(name="E")
    time: int = msgspec.field(name="T")


class _Line(msgspec.Struct, frozen=True):
    """A message as a recorder writes it: alone, or as `data` of a combined stream."""

    kind: str = msgspec.field(name="e", default="")
    symbol: str = msgspec.field(name="s", default="")
    data: msgspec.Raw = msgspec.Raw()
    received: Decimal = msgspec.field(name="recv", default=Decimal(0))


class Snapshot(NamedTuple):
    """A whole book, as of the update `last_update`."""

    last_update: int
    updates: Updates


class Diffs(NamedTuple):
    """Diffs of one symbol.

    Attributes
    ----------
    messages : ndarray of `DIFF`
    updates : Updates
        Rows of all of them; `update` is the place in `messages`.
    name : str
        The file's.
    """

    messages: NDArray[np.void]
    updates: Updates
    name: str


def read_snapshot(
    source: Source, *, symbol: str = "", tick_size: Number | None = None, lot_size: Number | None = None
) -> Snapshot:
    """Read a reply of ``GET /fapi/v1/depth``.

    Parameters
    ----------
    source : path
        A JSON file (.json or .json.gz).
    symbol : str
        For reports; the reply does not name it.
    tick_size, lot_size : number, optional
        The coarsest that fit if not given.

    Returns
    -------
    Snapshot

    Raises
    ------
    ScenarioError
        Its field names file and line, or file and level.
    """
    text = read_bytes(source)
    try:
        read = msgspec.json.decode(text.data, type=_Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise no_json(text, error, "a depth snapshot of Binance") from None

    def where(row: int) -> str:
        bids = len(read.bids)
        return f"{text.name}: bids[{row}]" if row < bids else f"{text.name}: asks[{row - bids}]"

    rows, tick, lot = _rows([*read.bids, *read.asks], grid=(tick_size, lot_size), where=where)
    rows["time"], rows["snapshot"] = read.time * MS, 1
    rows["side"][len(read.bids) :] = SELL
    updates = Updates(rows, tick, lot, symbol)
    check_books(updates, where)
    return Snapshot(read.last_update, updates)


def read_diffs(
    source: Source,
    *,
    symbol: str | None = None,
    tick_size: Number | None = None,
    lot_size: Number | None = None,
) -> Diffs:
    """Read recorded ``depthUpdate`` events; other events are passed over.

    Parameters
    ----------
    source : path
        One message a line (.jsonl or .jsonl.gz), as the venue sends it, alone or in the envelope of a
        combined stream (``{"stream": ..., "data": ...}``); ``recv`` beside ``data`` is when it was received,
        in seconds since 1970.
    symbol : str, optional
        Whose; must be given if the file holds several.
    tick_size, lot_size : number, optional
        The coarsest that fit if not given.

    Returns
    -------
    Diffs

    Raises
    ------
    ScenarioError
        Its field is ``file:line``.
    """
    text = read_bytes(source)
    symbol, found = _of_symbol(text, symbol)
    messages = np.zeros(len(found), DIFF)
    levels: list[Level] = []
    sides: list[int] = []
    for i, (line, received, diff) in enumerate(found):
        start = len(levels)
        for side, part in ((BUY, diff.bids), (SELL, diff.asks)):
            levels += part
            sides += [side] * len(part)
        times = (diff.time * MS, diff.event_time * MS, received)
        messages[i] = (*times, diff.first, diff.last, diff.previous, line, start, len(levels))
    update = np.repeat(np.arange(len(messages)), messages["stop"] - messages["start"])

    def where(row: int) -> str:
        return f"{text.name}:{messages['line'][update[row]]}"

    rows, tick, lot = _rows(levels, grid=(tick_size, lot_size), where=where)
    rows["side"], rows["update"] = sides, update
    rows["time"], rows["received"] = messages["time"][update], messages["received"][update]
    return Diffs(messages, Updates(rows, tick, lot, symbol), text.name)


def _rows(
    levels: list[Level], *, grid: tuple[object, object], where: Callable[[int], str]
) -> tuple[NDArray[np.void], Decimal, Decimal]:
    prices = column_of([price for price, _ in levels], "price", where)
    amounts = column_of([qty for _, qty in levels], "qty", where)
    return rows_of(prices, amounts, grid=grid, where=where)


def _of_symbol(text: Text, symbol: str | None) -> tuple[str, list[tuple[int, int, _Diff]]]:
    """Line, time of receipt and content of each diff of a symbol."""
    lines, diffs = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_Diff)
    found: dict[str, list[tuple[int, int, _Diff]]] = {}
    for number, line in enumerate(text.data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            outer = inner = lines.decode(line)
            if bytes(outer.data):
                line = bytes(outer.data)
                inner = lines.decode(line)
            if inner.kind != "depthUpdate":
                continue
            if symbol is not None and inner.symbol != symbol:
                found.setdefault(inner.symbol, [])
                continue
            diff = diffs.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise wrong(text.name, number, "its text", f"a message of Binance's streams ({error})") from None
        if diff.first > diff.last:
            raise wrong(text.name, number, f"U {diff.first}", f"at most u, {diff.last}")
        found.setdefault(diff.symbol, []).append((number, int(outer.received * 1_000_000_000), diff))
    return _choose(text.name, symbol, found)


def _choose(
    name: str, symbol: str | None, found: dict[str, list[tuple[int, int, _Diff]]]
) -> tuple[str, list[tuple[int, int, _Diff]]]:
    listed = ", ".join(sorted(found)[:8]) + (", ..." if len(found) > 8 else "")
    if not found:
        raise wrong(name, 1, "this file", "messages with at least one depthUpdate event")
    if symbol is None and len(found) > 1:
        raise problem("symbol", "None", f"it must be given: {name} holds {listed}")
    chosen = symbol if symbol is not None else next(iter(found))
    if not found.get(chosen):
        close = difflib.get_close_matches(chosen.upper(), found, 1)
        hint = f"; did you mean {close[0]}?" if close else f": {listed}"
        raise problem("symbol", repr(chosen), f"one of the {len(found)} in {name}{hint}")
    return chosen, found[chosen]


def chain(snapshot: Snapshot, diffs: Diffs) -> Updates:
    """The snapshot and the diffs that continue it, if none is missing.

    Diffs that end before the snapshot (u < lastUpdateId) are passed over. The first of the others must span
    it (U <= lastUpdateId <= u); every other must follow the one before it (its pu is that one's u).

    Returns
    -------
    Updates
        Update 0 is the snapshot, 1 the first diff that was not passed over.

    Raises
    ------
    ScenarioError
        A gap, a diff that is there twice or out of order; its field is ``file:line`` of the diff.
    """
    late = np.flatnonzero(diffs.messages["last"] >= snapshot.last_update)
    if not len(late):
        last, allowed = diffs.messages[-1], f"at least lastUpdateId, {snapshot.last_update}"
        raise wrong(diffs.name, int(last["line"]), f"u {last['last']}", allowed)
    skipped = int(late[0])
    _check_chain(snapshot.last_update, diffs, diffs.messages[skipped:])
    tick = finest(snapshot.updates.tick_size, diffs.updates.tick_size)
    lot = finest(snapshot.updates.lot_size, diffs.updates.lot_size)
    book, changes = (part.on(tick, lot).rows for part in (snapshot.updates, diffs.updates))
    changes = changes[changes["update"] >= skipped]
    changes["update"] += 1 - skipped
    rows = np.concatenate([book, changes]).astype(LEVEL)
    return Updates(rows, tick, lot, diffs.updates.symbol)


def _check_chain(snapshot: int, diffs: Diffs, used: NDArray[np.void]) -> None:
    first = used[0]
    if first["first"] > snapshot:
        allowed = f"at most lastUpdateId, {snapshot}: diffs between them are missing"
        raise wrong(diffs.name, int(first["line"]), f"U {first['first']}", allowed)
    broken = np.flatnonzero(used["previous"][1:] != used["last"][:-1])
    if not len(broken):
        return
    before, at = used[int(broken[0])], used[int(broken[0]) + 1]
    value = f"pu {at['previous']}"
    allowed = f"{before['last']}, the u of line {before['line']}"
    if (same := used["last"] == at["last"])[: int(broken[0]) + 1].any():
        value = f"u {at['last']}"
        allowed = (
            f"a diff that is not there yet: line {used['line'][int(np.argmax(same))]} has it, a duplicate"
        )
    elif at["previous"] > before["last"]:
        allowed += ": diffs between them are missing, a gap"
    else:
        allowed += ": out of order"
    raise wrong(diffs.name, int(at["line"]), value, allowed)
