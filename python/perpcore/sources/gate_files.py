"""Gate.io's recorded replies, read and checked: an order book and the specification of its contract."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec

from perpcore._core import ScenarioError
from perpcore._structs import number, plain, problem, read

#: A path, or what the file at it holds, parsed.
BookSource = str | PathLike[str] | Mapping[str, Any]
ContractsSource = str | PathLike[str] | Mapping[str, Any] | Sequence[Mapping[str, Any]]

#: Fields of a contract that are more than 0.
POSITIVE = frozenset(
    "quanto_multiplier order_size_min order_price_round order_price_deviate mark_price position_size"
    " leverage_min".split()
)

#: Prices and tokens, from the best price away.
Rows = tuple[tuple[Decimal, Decimal], ...]

A_BOOK = "an order book of Gate's futures API: an object with asks and bids"
CONTRACTS = "contracts of Gate's futures API: a list of objects with a name, or one of them"


class Level(msgspec.Struct, frozen=True):
    """One level as recorded: price in quote currency, size in contracts."""

    p: Decimal
    s: Decimal


class Book(msgspec.Struct, frozen=True):
    """An order book as recorded; other keys of the reply are not looked at."""

    asks: tuple[Level, ...]
    bids: tuple[Level, ...]


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of a contract's specification that a scenario is built from."""

    name: str
    type: str = "direct"
    quanto_multiplier: Decimal
    order_size_min: Decimal = Decimal(1)
    order_price_round: Decimal
    order_price_deviate: Decimal
    mark_price: Decimal
    position_size: Decimal
    maintenance_rate: Decimal
    leverage_min: Decimal
    leverage_max: Decimal
    maker_fee_rate: Decimal
    taker_fee_rate: Decimal


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A book and its contract, checked, in tokens and quote currency."""

    source: str
    contract: Contract
    lot_size: Decimal
    open_interest: Decimal
    asks: Rows
    bids: Rows


def recording(book: BookSource, contracts: ContractsSource | None, contract: str | None) -> Recording:
    """Read and check a book and the specification of its contract."""
    path = Path(book) if isinstance(book, str | PathLike) else None
    where = path.name if path else "book"
    data = _load("book", book)
    if not isinstance(data, Mapping) or not {"asks", "bids"} & data.keys():
        raise problem(where, _short(data), A_BOOK)
    spec = _contract(path, contracts, contract)
    with _inside(where):
        levels = read(data, Book)
        unit = _size_unit(spec)
        asks = _side("asks", levels.asks, spec, unit)
        bids = _side("bids", levels.bids, spec, unit)
        _check_match(asks, bids, spec)
    return Recording(
        source=where,
        contract=spec,
        lot_size=unit * spec.quanto_multiplier,
        open_interest=spec.position_size * spec.quanto_multiplier,
        asks=asks,
        bids=bids,
    )


# ---- files ----


def _load(field: str, source: object) -> Any:
    """What a file holds, its numbers exact; a source that is no path as it is."""
    if not isinstance(source, str | PathLike):
        return source
    path = Path(source)
    try:
        return msgspec.json.Decoder(float_hook=Decimal).decode(path.read_bytes())
    except OSError as error:
        raise problem(field, path, f"a file that can be read ({error.strerror})") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise problem(path.name, "its text", f"valid JSON ({error})") from None


def _contract(book: Path | None, source: ContractsSource | None, name: str | None) -> Contract:
    """The specification that is named, or that the book's file name tells."""
    if source is None:
        source = _beside(book)
    where = Path(source).name if isinstance(source, str | PathLike) else "contracts"
    data = _load("contracts", source)
    rows = [data] if isinstance(data, Mapping) else data
    if (
        not isinstance(rows, list | tuple)
        or not rows
        or not all(isinstance(row, Mapping) and "name" in row for row in rows)
    ):
        raise problem(where, _short(data), CONTRACTS)
    named = {str(row["name"]): row for row in rows}
    name = name if name is not None else _guess(book, named)
    if str(name) not in named:  # whatever was given as a name
        close = difflib.get_close_matches(str(name).upper(), named, 3, 0.5)
        hint = f"; did you mean {' or '.join(close)}?" if close else f": {_listed(sorted(named))}"
        raise problem("contract", repr(name), f"one of the {len(named)} contracts of {where}{hint}")
    with _inside(f"{where}: {name}"):
        spec = read(named[name], Contract)
        _check_contract(spec)
    return spec


def _beside(book: Path | None) -> Path:
    """The one file of contracts in the book's folder."""
    if book is None:
        raise problem("contracts", "None", "it must be given when the book is not a file")
    found = sorted(path for path in book.parent.glob("*contracts*.json") if path.name != book.name)
    if len(found) != 1:
        seen = (
            f"{len(found)} of them are there ({_listed([path.name for path in found])})"
            if found
            else "there is none"
        )
        raise problem(
            "contracts", "None", f"it must be given unless one *contracts*.json lies beside {book}: {seen}"
        )
    return found[0]


def _guess(book: Path | None, names: Mapping[str, object]) -> str:
    """The contract whose name the book's file name contains, as a whole word."""
    if len(names) == 1 and book is None:
        return next(iter(names))
    stem = book.stem if book else ""
    found = [
        name
        for name in names
        if name and re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", stem)
    ]
    if len(found) != 1:
        seen = f"{_listed(found)} do" if found else "none does"
        place = f"the name of {book.name}" if book else "a book that is not a file"
        raise problem(
            "contract", "None", f"it must be given unless {place} contains one contract's name: {seen}"
        )
    return found[0]


# ---- meaning ----


def _check_contract(spec: Contract) -> None:
    """Refuse what no scenario can be built from."""
    for field in Contract.__struct_fields__:
        value = getattr(spec, field)
        if isinstance(value, Decimal):
            number(field, value)
            if field in POSITIVE and value <= 0:
                raise problem(field, plain(value), "more than 0")
    if spec.type != "direct":
        raise problem(
            "type", repr(spec.type), "'direct': a contract on tokens, settled in its quote currency"
        )
    if not 0 < spec.maintenance_rate <= Decimal("0.99"):
        raise problem("maintenance_rate", plain(spec.maintenance_rate), "more than 0 and at most 0.99")
    if not spec.leverage_min <= spec.leverage_max < 1 / spec.maintenance_rate:
        most = plain(round(1 / spec.maintenance_rate, 6))
        allowed = f"at least leverage_min and less than 1 / maintenance_rate = {most}"
        raise problem("leverage_max", plain(spec.leverage_max), allowed)
    for field in ("maker_fee_rate", "taker_fee_rate"):
        if abs(getattr(spec, field)) >= 1:
            raise problem(field, plain(getattr(spec, field)), "between -1 and 1: a rate of value")
    unit = _size_unit(spec)
    if not _whole(spec.position_size, unit):
        raise problem("position_size", plain(spec.position_size), f"a multiple of {plain(unit)} contracts")


def _size_unit(spec: Contract) -> Decimal:
    """Sizes are whole contracts, unless the contract trades in fractions."""
    return min(Decimal(1), spec.order_size_min)


def _side(side: str, recorded: tuple[Level, ...], spec: Contract, unit: Decimal) -> Rows:
    """One side in tokens; every level on the grid and farther away than the one before it."""
    if not recorded:
        raise problem(side, "[]", "at least one level")
    levels: list[tuple[Decimal, Decimal]] = []
    for i, level in enumerate(recorded):
        price, size = number(f"{side}[{i}].p", level.p), number(f"{side}[{i}].s", level.s)
        tick = spec.order_price_round
        if price <= 0 or not _whole(price, tick):
            raise problem(
                f"{side}[{i}].p", plain(price), f"a positive multiple of order_price_round = {plain(tick)}"
            )
        if size <= 0 or not _whole(size, unit):
            raise problem(f"{side}[{i}].s", plain(size), f"a positive multiple of {plain(unit)} contracts")
        if levels and (price <= levels[-1][0] if side == "asks" else price >= levels[-1][0]):
            away = "above" if side == "asks" else "below"
            raise problem(
                f"{side}[{i}].p", plain(price), f"{away} the level before it, {plain(levels[-1][0])}"
            )
        levels.append((price, size * spec.quanto_multiplier))
    return tuple(levels)


def _check_match(asks: Rows, bids: Rows, spec: Contract) -> None:
    """Refuse a crossed book, and one that is another contract's."""
    bid, ask = bids[0][0], asks[0][0]
    if bid >= ask:
        raise problem("bids[0].p", plain(bid), f"below the best ask, {plain(ask)}: the book is crossed")
    mark, reach = spec.mark_price, min(spec.order_price_deviate, Decimal("0.5"))
    if not bid * (1 - reach) <= mark <= ask * (1 + reach):
        allowed = (
            f"within order_price_deviate of the mark price of {spec.name}, {plain(mark)}: another's book?"
        )
        raise problem("asks[0].p", plain(ask), allowed)


def _whole(value: Decimal, unit: Decimal) -> bool:
    try:
        return value % unit == 0
    except InvalidOperation:  # more than 28 digits between them
        return False


@contextmanager
def _inside(where: str) -> Iterator[None]:
    """Errors name the file, too."""
    try:
        yield
    except ScenarioError as error:
        field, value, allowed = error.problems[0]
        raise problem(f"{where}: {field}", value, allowed) from None


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _short(data: object) -> str:
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."
