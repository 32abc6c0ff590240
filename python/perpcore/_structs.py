"""What all parts of a scenario share: exact numbers, replacing by path, plain data in and out."""

from __future__ import annotations

import difflib
import functools
import operator
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

import msgspec
import numpy as np

from perpcore._core import ScenarioError

if TYPE_CHECKING:
    Number = Decimal | int | float | str
    Range = Number | tuple[Number, Number]
else:
    # What a field holds once read; constructors take any of the above.
    Number = Decimal
    Range = Decimal | tuple[Decimal, Decimal]

T = TypeVar("T")

NUMBER = "a finite number below 1e24 with at most 18 decimals and 28 digits"
FIXED = "a number; it cannot be drawn from a distribution"
TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf(inity)?)", re.ASCII | re.IGNORECASE)
TAGS = ("kind", "dist")  # fields that say what a part is
SHOWN = 80  # characters of a value that an error repeats


class MisfitError(ScenarioError, ValueError):
    """Fields that do not go together; a ValueError too, so that msgspec adds where their part stands."""


def problem(field: str, value: object, allowed: str) -> ScenarioError:
    """One problem as the error that is raised for it."""
    return problems([(field, str(value), allowed)])


def problems(found: list[tuple[str, str, str]], kind: type[ScenarioError] = ScenarioError) -> ScenarioError:
    """Several (field, value, what is allowed) as one error."""
    lines = (f"{field}: {value} is not allowed: {allowed}" for field, value, allowed in found)
    error = kind("\n".join(lines))
    error.problems = found
    return error


def shown(value: object) -> str:
    """A value as an error repeats it: whatever it is, and not too long."""
    try:
        text = repr(value)
    except Exception:  # an int may be too long for its digits; and other types have reprs of their own
        return f"a value of type {type(value).__name__} that cannot be shown"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 20]}... ({len(text)} characters)"


def number(field: str, value: object) -> Decimal:
    """`value` as an exact decimal; a float in its shortest form."""
    if isinstance(value, msgspec.Struct | Mapping):
        raise problem(field, shown(value), FIXED)
    try:
        read = _decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        raise problem(field, shown(value), NUMBER) from None
    if read.is_finite() and not read:
        return Decimal(0)
    if not read.is_finite() or not -18 <= read.adjusted() < 24:
        raise problem(field, _figure(value, read), NUMBER)
    _, digits, exponent = read.as_tuple()
    assert isinstance(exponent, int)
    if exponent >= -18 and len(digits) <= 28:
        return read
    zeros = 0
    while not digits[-1 - zeros]:
        zeros += 1
    if exponent + zeros < -18 or len(digits) - zeros > 28:
        raise problem(field, _figure(value, read), NUMBER)
    return read


def _figure(value: object, read: Decimal) -> str:
    text = str(read if isinstance(value, str | int) else value)
    return text if len(text) <= SHOWN else shown(value)


def _decimal(value: object) -> Decimal:
    """Numbers of Python and numpy, and text that is one; anything else is a TypeError or ValueError."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, str):
        if not TEXT.fullmatch(value):
            raise ValueError
        return Decimal(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_ | np.ndarray):
        raise TypeError
    if isinstance(value, float):  # np.float64 is one, with a repr of its own
        return Decimal(float.__repr__(value))
    if isinstance(value, np.floating):
        return Decimal(str(value))  # as short as its own precision allows
    if hasattr(value, "__index__"):
        return Decimal(operator.index(value))
    if hasattr(value, "__float__"):
        return Decimal(repr(float(value)))
    raise TypeError


def plain(value: Decimal) -> str:
    """Its digits, without an exponent and without trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class Opaque:
    """What a field holds as a whole: many numbers in a form of their own."""

    @classmethod
    def read(cls, given: object, field: str) -> Self:
        """From plain data; `field` is what an error calls it."""
        raise NotImplementedError

    def plain(self) -> Any:
        """As plain data."""
        raise NotImplementedError

    def json(self) -> msgspec.Raw:
        """As the core reads it."""
        raise NotImplementedError

    def toml(self) -> str:
        """As a TOML value."""
        raise NotImplementedError


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A frozen part of a scenario."""

    #: Fields that came when scenarios had digests already: written only where they differ from their default.
    LATER: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        """Numbers become exact decimals."""
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if isinstance(value, list):
                msgspec.structs.force_setattr(self, field, tuple(value))
        for field, drawn in _numeric(type(self)):
            value = getattr(self, field)
            if value is not None:
                msgspec.structs.force_setattr(self, field, _numbers(field, value, drawn=drawn))

    def replace(self, changes: Mapping[str, Any] | None = None, /, **fields: Any) -> Self:
        """A copy with some fields changed.

        Parameters
        ----------
        changes : mapping of str to object, optional
            New values by dotted path, as in ``{"market_maker.hedge_ratio": 0.3, "positions[0].qty": 1000}``;
            what has a name may be named, as in ``{"agents.whale.capital": 0}``.
        **fields
            New values by field name.

        Raises
        ------
        ScenarioError
            A path that does not exist or that another one contains, or a value that is not allowed.
        """
        wanted = {**(changes or {}), **fields}
        new: Self = _changed(self, [(_names(path), path, value) for path, value in wanted.items()], "")
        return new

    def to_dict(self) -> dict[str, Any]:
        """Plain data with exact decimals, without fields left at None; of `LATER`, at their default."""
        data: dict[str, Any] = mapped(self._data(), Opaque, lambda value: value.plain())
        return data

    def _data(self) -> dict[str, Any]:
        """Plain data, but for what is `Opaque`."""
        data: dict[str, Any] = _without_none(_builtins(self))
        return data

    def _check_form(self) -> None:
        """Every field is of its type; what is plain data becomes it."""
        for name, kind, may_be_number in _typed(type(self)):
            held = getattr(self, name)
            if not (may_be_number and type(held) is Decimal):  # exact already
                msgspec.structs.force_setattr(self, name, read(_builtins(held), kind, name))


def _builtins(value: Any) -> Any:
    """Plain data of a part, of whatever is in it."""
    if isinstance(value, msgspec.Struct):
        usual = _usual(type(value))
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        data = {n: _builtins(held) for n, held in fields.items() if n not in usual or held != usual[n]}
        config = value.__struct_config__
        return {config.tag_field: config.tag, **data} if config.tag_field else data
    if isinstance(value, list | tuple):
        return [_builtins(item) for item in value]
    return value


@functools.cache
def _typed(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any, bool], ...]:
    """Names and types of the fields, and which may be a number; msgspec reads them anew at each call."""
    numbers = {
        field.name
        for field in _info(kind).fields
        if any(isinstance(info, msgspec.inspect.DecimalType) for info in _options(field.type))
    }
    return tuple((field.name, field.type, field.name in numbers) for field in msgspec.structs.fields(kind))


def _options(info: Any) -> tuple[Any, ...]:
    """The members of a union, or the one type."""
    members: tuple[Any, ...] = getattr(info, "types", (info,))
    return members


@functools.cache
def _usual(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The defaults of the fields that came later."""
    later = getattr(kind, "LATER", ())
    return {field.name: field.default for field in msgspec.structs.fields(kind) if field.name in later}


def mapped(data: Any, kind: type | tuple[type, ...], change: Callable[[Any], Any]) -> Any:
    """Plain data with every value of a kind changed."""
    if isinstance(data, kind):
        return change(data)
    if isinstance(data, dict):
        return {key: mapped(value, kind, change) for key, value in data.items()}
    if isinstance(data, list):
        return [mapped(value, kind, change) for value in data]
    return data


@functools.cache
def _numeric(kind: type[Struct]) -> tuple[tuple[str, bool], ...]:
    """Fields that hold numbers, or ranges of them; and whether these may be drawn."""
    found = []
    for field in _info(kind).fields:
        inside = [*_inside(field.type)]
        if any(isinstance(info, msgspec.inspect.DecimalType) for info in inside):
            found.append((field.name, any(getattr(info, "tag_field", None) == "dist" for info in inside)))
    return tuple(found)


def _inside(info: Any) -> Iterator[Any]:
    """What a union, or a list, may hold; not what is in its structs."""
    items = getattr(info, "item_types", ()) or [getattr(info, "item_type", None)]
    for part in (*getattr(info, "types", ()), *items):
        if part is not None:
            yield part
            yield from _inside(part)
    yield info


def _numbers(field: str, value: object, *, drawn: bool) -> object:
    if isinstance(value, np.ndarray) and value.ndim:
        value = list(value)
    if isinstance(value, tuple | list):
        return tuple(_numbers(f"{field}[{i}]", item, drawn=drawn) for i, item in enumerate(value))
    if drawn and isinstance(value, msgspec.Struct | Mapping):
        return value  # whether it is a distribution is a matter of form
    return number(field, value)


def _without_none(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_none(value) for key, value in data.items() if value is not None}
    if isinstance(data, list | tuple):
        return [_without_none(value) for value in data]
    return data


Change = tuple[list[str], str, Any]


def _names(path: object) -> list[str]:
    """The names in a path that a user gave."""
    names = _parts(path) if isinstance(path, str) else []
    if not names:
        raise problem(repr(path), "as a path", "names of fields, as in 'market_maker.hedge_ratio'")
    return names


def _changed(part: Any, changes: list[Change], at: str) -> Any:
    """`part`, which stands at `at`, with all changes below it at once, so that it is checked once."""
    whole = [(path, value) for names, path, value in changes if not names]
    if whole and len(changes) > 1:
        path = whole[0][0]
        others = ", ".join(repr(other) for _, other, _ in changes if other != path)
        raise problem(path, f"a change of it together with {others}", "only one of them in a call")
    if whole:
        return whole[0][1]
    grouped: dict[Any, list[Change]] = {}
    called = [getattr(item, "name", None) for item in part] if isinstance(part, tuple) else []
    for (name, *names), path, value in changes:
        key = position(name, called) if isinstance(part, tuple) else name
        if key is None:
            raise problem(path, name, entries(called))
        grouped.setdefault(key, []).append((names, path, value))
    if isinstance(part, tuple):
        items = list(part)
        for i, below in grouped.items():
            items[i] = _changed(items[i], below, f"{at}[{i}]")
        return tuple(items)
    known = getattr(part, "__struct_fields__", ())
    for name, below in grouped.items():
        if name not in known:
            raise unknown(below[0][1], name, known)
    stem = f"{at}." if at else ""
    new = {name: _changed(getattr(part, name), below, f"{stem}{name}") for name, below in grouped.items()}
    try:
        return msgspec.structs.replace(part, **new)
    except ScenarioError as error:  # a part does not know where it stands
        raise problems([(f"{stem}{field}", value, said) for field, value, said in error.problems]) from None


def position(name: str, called: Sequence[object]) -> int | None:
    """Which of several entries is meant, by its place or by what it is called, if one."""
    if name.isascii() and name.isdecimal() and len(name) < 19 and int(name) < len(called):
        return int(name)
    return called.index(name) if name in called else None


def entries(called: Sequence[object]) -> str:
    """How an error says which entries there are."""
    names = ", ".join(str(name) for name in called if name)
    said = f"a position from 0 to {len(called) - 1}" if called else "nothing: it is empty"
    return f"{said}, or one of {names}" if names else said


def unknown(path: str, name: str, known: tuple[str, ...]) -> ScenarioError:
    """An unknown field, with the one that was probably meant."""
    close = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return problem(
        path, f"the name {name!r}", f"one of {', '.join(known) or 'nothing: it has no fields'}{hint}"
    )


def read(data: Any, kind: type[T], prefix: str = "") -> T:
    """`data` as a struct; what is wrong with its form is a ScenarioError with the path, after `prefix`."""

    def full(path: str, name: str = "") -> str:
        return re.sub(r"\.(?=\[)", "", ".".join(part for part in (prefix, path, name) if part))

    try:
        data = _exact(_info(cast("Hashable", kind)), data, prefix)
        return msgspec.convert(data, kind)
    except RecursionError:
        raise problem(full("") or "scenario", "the data", "nested less deeply") from None
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, MisfitError):
            at = str(error).rpartition(" - at ")[2] if str(error).endswith("`") else ""
            at = at.strip("`").removeprefix("$").lstrip(".")
            misfits = error.__cause__.problems
            raise problems([(full(at, field), value, said) for field, value, said in misfits]) from None
        text, _, path = str(error).partition(" - at ")
        path = path.strip("`").removeprefix("$").lstrip(".")
        if found := re.match(r"Object contains unknown field `(.+)`", text):
            name = found.group(1)
            raise unknown(full(path, name), name, _fields_at(kind, data, path)) from None
        if found := re.match(r"Object missing required field `(.+)`", text):
            name = found.group(1)
            allowed = _choices(kind, data, f"{path}.{name}") or "it must be given"
            raise problem(full(path, name), "nothing", allowed) from None
        allowed = _choices(kind, data, path) or _expected(kind, data, path) or text[0].lower() + text[1:]
        raise problem(full(path) or "scenario", shown(_value_at(data, path)), allowed) from None


@functools.cache
def _info(kind: Hashable) -> Any:
    return msgspec.inspect.type_info(kind)


def _exact(info: Any, data: Any, path: str) -> Any:
    """`data` with exact numbers where `info` wants them; later their path would be lost."""
    if isinstance(data, msgspec.Struct):
        data = _builtins(data)
    for option in _options(info):
        if isinstance(option, msgspec.inspect.CustomType) and issubclass(option.cls, Opaque):
            return None if data is None else option.cls.read(data, path)
    if isinstance(data, Mapping):
        if isinstance(info, msgspec.inspect.DecimalType):
            raise problem(path, shown(data), FIXED)
        data = _tagged(info, data)
        fields = {field.encode_name: field.type for field in getattr(_one_of(info, data), "fields", ())}
        for key in data:
            if not isinstance(key, str) or not _writable(key):
                raise problem(path or "scenario", f"the name {shown(key)}", "names that are text")
        return {
            key: _exact(fields.get(key), value, f"{path}.{key}" if path else key)
            for key, value in data.items()
        }
    options = _options(info)
    if isinstance(data, list | tuple):
        kind = _item(info)
        return [_exact(kind, value, f"{path}[{i}]") for i, value in enumerate(data)]
    if data is not None and any(isinstance(option, msgspec.inspect.DecimalType) for option in options):
        return number(path, data)
    if any(isinstance(option, msgspec.inspect.IntType) for option in options):
        return _whole(path, data)
    if isinstance(data, str) and not _writable(data):
        raise problem(path, shown(data), "text that can be written in UTF-8")
    return str(data) if isinstance(data, str) else data  # numpy's text too


def _whole(path: str, data: Any) -> Any:
    """An integer of numpy is one; whether anything else is, msgspec says."""
    if isinstance(data, np.integer):
        data = int(data)
    if isinstance(data, int) and not -(2**63) <= data < 2**63:
        raise problem(path, shown(data), "a whole number below 2**63")
    return data


def _writable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _fields_at(kind: Any, data: Any, path: str) -> tuple[str, ...]:
    """Names of the fields of the struct that stands at `path`."""
    info = _one_of(_type_at(kind, data, path), _value_at(data, path))
    return tuple(field.encode_name for field in getattr(info, "fields", ()))


def _choices(kind: Any, data: Any, path: str) -> str:
    """What may stand at `path`, where that is one of a few names."""
    parent, _, name = path.rpartition(".")
    info = _type_at(kind, data, parent if name in TAGS else path)
    options = _options(info)
    names = [value for option in options for value in getattr(option, "values", ())]
    names += [option.tag for option in options if getattr(option, "tag_field", None) == name]
    return f"one of {', '.join(map(str, names))}" if names else ""


def _expected(kind: Any, data: Any, path: str) -> str:
    """What may stand at `path`, where that may be drawn."""
    info = _type_at(kind, data, path)
    options = _options(info)
    if not any(getattr(option, "tag_field", None) == "dist" for option in options):
        return ""
    names = {"IntType": "a whole number", "DecimalType": "a number", "TupleType": "a pair of them"}
    known = [names[type(option).__name__] for option in options if type(option).__name__ in names]
    return f"{', '.join(known)} or a distribution" if known else "a distribution"


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"[.\[\]]+", path) if part]


def _value_at(data: Any, path: str) -> Any:
    for part in _parts(path):
        data = data[int(part)] if isinstance(data, list | tuple) else data[part]
    return data


def _type_at(kind: Any, data: Any, path: str) -> Any:
    """What msgspec knows of the type at `path`."""
    info = _info(kind)
    for part in _parts(path):
        if isinstance(data, list | tuple):
            info, data = _item(info), data[int(part)]
        else:
            fields = {field.encode_name: field.type for field in getattr(_one_of(info, data), "fields", ())}
            info, data = fields.get(part), data.get(part)
    return info


def _item(info: Any) -> Any:
    """The type of the items of a list, or of a pair of one kind."""
    for option in _options(info):
        if hasattr(option, "item_type"):
            return option.item_type
        if hasattr(option, "item_types"):
            return option.item_types[0]
    return None


def _one_of(info: Any, data: Any) -> Any:
    """The struct of a union that `data` names by its `kind`."""
    options = [option for option in _options(info) if hasattr(option, "fields")]
    tags = [data[name] for name in TAGS if name in data] if isinstance(data, Mapping) else []
    named = [option for option in options if getattr(option, "tag", None) in tags]
    return (named or options or [info])[0]


def _tagged(info: Any, data: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A position without a kind is a ladder."""
    tags = [getattr(option, "tag", None) for option in _options(info)]
    return {"kind": "ladder", **data} if "ladder" in tags and "kind" not in data else data
