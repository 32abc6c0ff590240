"""What all parts of a scenario share: exact numbers, replacing by path, plain data in and out."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from perpcore._core import ScenarioError

if TYPE_CHECKING:
    Number = Decimal | int | float | str
    Range = Number | tuple[Number, Number]
else:
    # What a field holds once read; constructors take any of the above.
    Number = Decimal
    Range = Decimal | tuple[Decimal, Decimal]

T = TypeVar("T")

NUMBER = "a finite number below 1e24 with at most 18 decimals"


def problem(field: str, value: object, allowed: str) -> ScenarioError:
    """One problem as the error that is raised for it."""
    error = ScenarioError(f"{field}: {value} is not allowed: {allowed}")
    error.problems = [(field, str(value), allowed)]
    return error


def number(field: str, value: object) -> Decimal:
    """`value` as an exact decimal; a float in its shortest form."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        try:
            value = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise problem(field, repr(value), NUMBER) from None
    try:
        read = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        raise problem(field, repr(value), NUMBER) from None
    exponent = read.as_tuple().exponent
    if not isinstance(exponent, int) or read.adjusted() >= 24 or exponent < -18:
        raise problem(field, value, NUMBER)
    return read


def plain(value: Decimal) -> str:
    """Its digits, without an exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen part of a scenario."""

    def __post_init__(self) -> None:
        """Numbers become exact decimals."""
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if isinstance(value, list):
                msgspec.structs.force_setattr(self, field, tuple(value))
        for field in _numeric(type(self)):
            value = getattr(self, field)
            if value is not None:
                msgspec.structs.force_setattr(self, field, _numbers(field, value))

    def replace(self, changes: Mapping[str, Any] | None = None, /, **fields: Any) -> Self:
        """A copy with some fields changed.

        Parameters
        ----------
        changes : mapping of str to object, optional
            New values by dotted path, as in ``{"market_maker.hedge_ratio": 0.3, "positions[0].qty": 1000}``.
        **fields
            New values by field name.

        Raises
        ------
        ScenarioError
            A path that does not exist, or a value that is not allowed.
        """
        wanted = {**(changes or {}), **fields}
        new: Self = _changed(self, [(_parts(path), path, value) for path, value in wanted.items()])
        return new

    def to_dict(self) -> dict[str, Any]:
        """Plain data with exact decimals; fields left at None are left out."""
        data: dict[str, Any] = _without_none(msgspec.to_builtins(self, builtin_types=(Decimal,)))
        return data


@functools.cache
def _numeric(kind: type[Struct]) -> tuple[str, ...]:
    """Fields that hold numbers, or ranges of them."""
    notes = kind.__annotations__
    return tuple(name for name, note in notes.items() if "Number" in note or "Range" in note)


def _numbers(field: str, value: object) -> object:
    if isinstance(value, tuple | list):
        return tuple(_numbers(f"{field}[{i}]", item) for i, item in enumerate(value))
    return number(field, value)


def _without_none(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_none(value) for key, value in data.items() if value is not None}
    if isinstance(data, list | tuple):
        return [_without_none(value) for value in data]
    return data


def _changed(part: Any, changes: list[tuple[list[str], str, Any]]) -> Any:
    """`part` with every change made below it, all at once so that it is checked once."""
    grouped: dict[str, list[tuple[list[str], str, Any]]] = {}
    for names, path, value in changes:
        if not names:
            return value
        grouped.setdefault(names[0], []).append((names[1:], path, value))
    if isinstance(part, tuple):
        items = list(part)
        for name, below in grouped.items():
            if not name.isdigit() or int(name) >= len(items):
                raise problem(below[0][1], name, f"a position from 0 to {len(items) - 1}")
            items[int(name)] = _changed(items[int(name)], below)
        return tuple(items)
    known = getattr(part, "__struct_fields__", ())
    for name, below in grouped.items():
        if name not in known:
            raise unknown(below[0][1], name, known)
    new = {name: _changed(getattr(part, name), below) for name, below in grouped.items()}
    return msgspec.structs.replace(part, **new)


def unknown(path: str, name: str, known: tuple[str, ...]) -> ScenarioError:
    """An unknown field, with the one that was probably meant."""
    close = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return problem(
        path, f"the name {name!r}", f"one of {', '.join(known) or 'nothing: it has no fields'}{hint}"
    )


def read(data: Mapping[str, Any], kind: type[T]) -> T:
    """`data` as a struct; what is wrong with its form is a ScenarioError with the path."""
    _check_numbers(data, "")
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at ")
        path = path.strip("`").removeprefix("$").lstrip(".")
        if found := re.match(r"Object contains unknown field `(.+)`", text):
            name = found.group(1)
            known = _fields_at(kind, data, path)
            raise unknown(f"{path}.{name}" if path else name, name, known) from None
        if found := re.match(r"Object missing required field `(.+)`", text):
            name = found.group(1)
            raise problem(f"{path}.{name}" if path else name, "nothing", "it must be given") from None
        allowed = _choices(kind, data, path) or text[0].lower() + text[1:]
        raise problem(path or "scenario", repr(_value_at(data, path)), allowed) from None


def _check_numbers(data: Any, path: str) -> None:
    """Finite decimals only; reading would lose the path."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            _check_numbers(value, f"{path}.{key}" if path else str(key))
    elif isinstance(data, list | tuple):
        for i, value in enumerate(data):
            _check_numbers(value, f"{path}[{i}]")
    elif isinstance(data, Decimal | float):
        number(path, data)


def _fields_at(kind: Any, data: Any, path: str) -> tuple[str, ...]:
    """Names of the fields of the struct that stands at `path`."""
    info = _one_of(_type_at(kind, data, path), _value_at(data, path))
    return tuple(field.encode_name for field in getattr(info, "fields", ()))


def _choices(kind: Any, data: Any, path: str) -> str:
    """What may stand at `path`, where that is one of a few names."""
    parent, _, name = path.rpartition(".")
    info = _type_at(kind, data, path)
    if name == "kind":
        info = _type_at(kind, data, parent)
    options = getattr(info, "types", (info,))
    names = [value for option in options for value in getattr(option, "values", ())]
    names += [option.tag for option in options if name == "kind" and getattr(option, "tag", None)]
    return f"one of {', '.join(map(str, names))}" if names else ""


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"[.\[\]]+", path) if part]


def _value_at(data: Any, path: str) -> Any:
    for part in _parts(path):
        data = data[int(part)] if isinstance(data, list | tuple) else data[part]
    return data


def _type_at(kind: Any, data: Any, path: str) -> Any:
    """What msgspec knows of the type at `path`."""
    info = msgspec.inspect.type_info(kind)
    for part in _parts(path):
        info = _one_of(info, data)
        data = data[int(part)] if isinstance(data, list | tuple) else data.get(part)
        fields = {field.encode_name: field.type for field in getattr(info, "fields", ())}
        info = fields.get(part, getattr(info, "item_type", info))
    return info


def _one_of(info: Any, data: Any) -> Any:
    """The struct of a union that `data` names by its `kind`."""
    options = [option for option in getattr(info, "types", (info,)) if hasattr(option, "fields")]
    kind = data.get("kind") if isinstance(data, Mapping) else None
    named = [option for option in options if getattr(option, "tag", None) == kind]
    return (named or options or [info])[0]
