"""Columns of real accounts: numbers held once in a process, known by the digest of their content."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import msgspec
import numpy as np

from perpcore import _core
from perpcore._structs import Opaque, plain, problem, problems, shown
from perpcore.distributions import _floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

WRITTEN = 1_000  # rows that a text holds as they are; more are named by their digest
TOLD = 5  # bad rows that an error names one by one


class Origin(NamedTuple):
    """Where a column was read."""

    parquet: str
    column: str


class Column(Opaque):
    """Numbers of accounts, a row each, or one for all: read-only, compared and hashed by their content.

    Parameters
    ----------
    held : _core.Column
        The numbers, which the core holds.
    origin : Origin, optional
        The file they stand in.
    """

    #: What it holds, as an error says it.
    KIND: ClassVar[str] = "an array of numbers, a list of them, or one for all accounts"

    def __init__(self, held: _core.Column, origin: Origin | None = None) -> None:
        self._held = held
        self.origin = origin

    @classmethod
    def read(cls, given: object, field: str) -> Self:
        """Whatever holds them; or a mapping: their ``sha256``, the ``parquet`` file and its ``column``."""
        if isinstance(given, cls):
            return given
        if isinstance(given, Mapping):
            return cls._named(given, field)
        if np.ma.is_masked(given):
            raise problem(field, "an array with masked values", f"{cls.KIND}, none of them masked")
        return cls.of(cls._values(given, field))

    @classmethod
    def of(cls, values: NDArray[np.float64], origin: Origin | None = None) -> Self:
        """These numbers."""
        values = np.ascontiguousarray(values, "<f8") + 0.0  # no zero below zero
        values[np.isnan(values)] = np.nan  # one kind of it
        digest = hashlib.sha256(values.data).hexdigest()
        return cls(_core.Column(digest, values), origin)

    @classmethod
    def from_parquet(cls, origin: Origin, field: str) -> Self:
        """A column of a Parquet file."""
        from pyarrow import ArrowException, parquet, types

        try:
            column = parquet.read_table(origin.parquet, columns=[origin.column])[origin.column]
        except (OSError, ArrowException, KeyError) as error:
            allowed = f"a Parquet file with a column {origin.column!r} ({str(error).splitlines()[0]})"
            raise problem(field, origin.parquet, allowed) from None
        if types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        return cls.of(cls._values(column, field), origin)

    @classmethod
    def _named(cls, given: Mapping[Any, Any], field: str) -> Self:
        allowed = 'columns by name: {sha256 = "...", parquet = "a file", column = "its name there"}'
        if not all(isinstance(text, str) for text in (*given, *given.values())) or "sha256" not in given:
            raise problem(field, shown(dict(given)), f"{cls.KIND}; or {allowed}")
        extra = set(given) - {"sha256", "parquet", "column"}
        if extra:
            raise problem(f"{field}.{min(extra)}", shown(given[min(extra)]), allowed)
        digest = given["sha256"]
        origin = None
        if "parquet" in given:
            origin = Origin(given["parquet"], given.get("column", field.rpartition(".")[2]))
        held = _core.Column.find(digest)
        if held is not None:
            return cls(held, origin)
        if origin is None:
            allowed = (
                "the digest of a column that this process holds; accounts that stand in a Parquet file"
                " (Accounts.to_parquet, Accounts.from_parquet) are found anywhere"
            )
            raise problem(f"{field}.sha256", digest, allowed)
        read = cls.from_parquet(origin, field)
        if read.digest != digest:
            value = f"{origin.parquet}, whose column {origin.column!r} has the digest {read.digest[:12]}..."
            raise problem(field, value, f"the content with the digest {digest[:12]}...: the file has changed")
        return read

    @classmethod
    def _values(cls, given: object, field: str) -> NDArray[np.float64]:
        if hasattr(given, "__array__"):
            array = np.atleast_1d(np.asarray(given))
            given = array.tolist() if array.dtype == object else array
        elif not isinstance(given, list | tuple):
            given = [given]
        if isinstance(given, list | tuple) and None in given:
            given = [math.nan if item is None else item for item in given]
        return _floats(given, field)

    @property
    def held(self) -> _core.Column:
        """What the core holds: there as long as somebody has it."""
        return self._held

    @property
    def digest(self) -> str:
        """SHA-256 of the numbers as 64-bit floats, in hexadecimal."""
        return self._held.digest

    @property
    def values(self) -> NDArray[np.float64]:
        """The numbers, read-only, without a copy."""
        return self._held.values

    def plain(self) -> Any:
        """A list; of more than 1,000 rows the digest, and where they stand."""
        return self._items() if len(self) <= WRITTEN else self._reference()

    def _items(self) -> list[Any]:
        return [Decimal(repr(value)) for value in self.values.tolist()]

    def _reference(self) -> dict[str, str]:
        return {"sha256": self.digest, **(self.origin._asdict() if self.origin else {})}

    def json(self) -> msgspec.Raw:
        """The digest: the core holds the numbers."""
        return msgspec.Raw(f'"{self.digest}"')

    def toml(self) -> str:
        """As `plain`."""
        if len(self) <= WRITTEN:
            return f"[{', '.join(map(_toml, self._items()))}]"
        return f"{{ {', '.join(f'{key} = {_toml(text)}' for key, text in self._reference().items())} }}"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.values, dtype=dtype) if copy else np.asarray(self.values, dtype=dtype)

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Column) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (type(self), self.digest, self._packed(), self.origin)

    def _packed(self) -> NDArray[Any]:
        """The numbers in as few bytes as they take."""
        return np.array(self.values)

    def __repr__(self) -> str:
        if len(self) <= 8:
            return f"[{', '.join(map(str, self._items()))}]"
        low, high = np.nanmin(self.values), np.nanmax(self.values)
        return f"<{len(self):,} numbers from {low:g} to {high:g}>"


class Sides(Column):
    """Sides of accounts: 1 long, -1 short."""

    KIND = 'an array of "long" and "short" (or 1 and -1), a list of them, or one for all accounts'
    NAMES: ClassVar[Mapping[str, float]] = {"short": -1.0, "long": 1.0, "sell": -1.0, "buy": 1.0}

    @classmethod
    def _values(cls, given: object, field: str) -> NDArray[np.float64]:
        array = np.atleast_1d(np.asarray(given))
        if array.ndim == 1 and array.dtype.kind in "iuf":
            return array.astype(np.float64)
        if array.ndim != 1 or array.dtype.kind not in "OU":
            raise problem(field, shown(given), cls.KIND)
        sides = np.zeros(len(array))
        for name, side in cls.NAMES.items():
            for spelled in (name, name.upper(), name.capitalize()):
                sides[array == spelled] = side
                if sides.all():
                    return sides
        wrong = np.flatnonzero(sides == 0)
        one = len(array) == 1
        found = [
            (field if one else f"{field}[{row}]", shown(array[row]), '"long" or "short"')
            for row in wrong[:TOLD].tolist()
        ]
        if len(wrong) > TOLD:
            found.append((field, f"{len(wrong):,} of {len(array):,} sides", "none that is no side"))
        raise problems(found)

    def _items(self) -> list[Any]:
        names = {1.0: "long", -1.0: "short"}
        return [names.get(side, Decimal(repr(side))) for side in self.values.tolist()]

    def _packed(self) -> NDArray[Any]:
        small = self.values.astype(np.int8)
        return small if np.array_equal(small, self.values) else super()._packed()


def _unpickled(kind: type[Column], digest: str, packed: NDArray[Any], origin: Origin | None) -> Column:
    return kind(_core.Column.find(digest) or _core.Column(digest, packed.astype(np.float64)), origin)


def _toml(value: str | Decimal) -> str:
    if isinstance(value, str):
        return msgspec.json.encode(value).decode()  # a basic string of TOML
    return plain(value) if value.is_finite() else str(value).lower()


def exists(path: str | os.PathLike[str]) -> str:
    """A file's path as text, if it can be read."""
    try:
        with Path(path).open("rb"):
            return str(path)
    except (OSError, TypeError, ValueError) as error:
        raise problem("path", shown(path), f"a readable Parquet file ({error})") from None
