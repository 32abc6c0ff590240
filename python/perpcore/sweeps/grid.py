"""Which scenarios: a grid of values or a list of points, read and checked before any path is run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore._core import ScenarioError
from perpcore._structs import _names, entries, number, position, problem, problems, shown, unknown
from perpcore.distributions import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from perpcore.scenario import Scenario

    Key = str | tuple[str, ...]
    Grid = Mapping[Key, Sequence[Any]] | Sequence[Mapping[Key, Any]]

MAX_CELLS = 1_000_000
CHECKED_AT_ONCE = 16


@dataclass(frozen=True)
class Axis:
    """Fields that move together, and what they become: as many values a step as there are fields."""

    fields: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Points:
    """What every cell changes, by number.

    Attributes
    ----------
    fields : tuple of str
        Dotted paths of all that is changed.
    axes : tuple of Axis
        Of a grid, whose last axis runs fastest; none of a list of points.
    listed : tuple of tuple
        Of a list of points, the values of each.
    """

    fields: tuple[str, ...]
    axes: tuple[Axis, ...] = ()
    listed: tuple[tuple[Any, ...], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Cells along each axis."""
        return tuple(map(len, self.axes)) if self.axes else (len(self.listed),)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def __getitem__(self, cell: int) -> dict[str, Any]:
        if not self.axes:
            return dict(zip(self.fields, self.listed[cell], strict=True))
        places = np.unravel_index(cell, self.shape)
        values = (axis.values[int(i)] for axis, i in zip(self.axes, places, strict=True))
        return dict(zip(self.fields, itertools.chain.from_iterable(values), strict=True))

    def label(self, cell: int) -> str:
        """A cell as an error names it."""
        changes = ", ".join(f"{field} = {said(value)}" for field, value in self[cell].items())
        return f"cell {cell} ({changes})"

    def column(self, field: str) -> NDArray[Any]:
        """The values of a field, one a cell: doubles where all are numbers, else text."""
        at = self.fields.index(field)
        if not self.axes:
            return as_array([values[at] for values in self.listed])
        which, within = next(
            (i, axis.fields.index(field)) for i, axis in enumerate(self.axes) if field in axis.fields
        )
        along = as_array([values[within] for values in self.axes[which].values])
        return along[np.unravel_index(np.arange(len(self)), self.shape)[which]]


def as_array(values: Sequence[Any]) -> NDArray[Any]:
    """Doubles where all are numbers, else text."""
    try:
        return np.array([float(number("value", value)) for value in values])
    except ScenarioError:
        return np.array([said(value) for value in values])


def said(value: Any) -> str:
    """A value in words: a number as its digits, a distribution as it was called."""
    try:
        return text(number("value", value))
    except ScenarioError:
        return value if isinstance(value, str) else text(value)


def read(scenario: Scenario, grid: object) -> Points:
    """The points that a grid or a list means; `Scenario.sweep` says which forms there are.

    Raises
    ------
    ScenarioError
        No grid, an empty axis, a field that is not there or is named twice, two values that are the same.
    """
    if isinstance(grid, Mapping):
        points = _of_axes(grid)
    elif isinstance(grid, Sequence) and not isinstance(grid, str | bytes):
        points = _of_list(grid)
    else:
        allowed = "a mapping of dotted paths to sequences of values, or a list of mappings to values"
        raise problem("grid", shown(grid), allowed)
    if len(points) > MAX_CELLS:
        raise problem("grid", f"{len(points):,} cells", f"at most {MAX_CELLS:,}")
    named: dict[tuple[str, ...], str] = {}
    for field in points.fields:
        names = tuple(_names(field))
        if names in named:
            raise problem("grid", f"{field} beside {named[names]}", "every field once")
        named[names] = field
        _check_there(scenario, names, field)
    return points


def _of_axes(grid: Mapping[Any, Any]) -> Points:
    if not grid:
        raise problem("grid", "{}", "at least one field with its values")
    axes = tuple(_axis(_fields(key), values) for key, values in grid.items())
    return Points(fields=tuple(field for axis in axes for field in axis.fields), axes=axes)


def _fields(key: object) -> tuple[str, ...]:
    fields = key if isinstance(key, tuple) else (key,)
    if not fields or not all(isinstance(field, str) for field in fields):
        raise problem("grid", f"the key {shown(key)}", "a dotted path, or a tuple of them")
    return fields


def _axis(fields: tuple[str, ...], values: object) -> Axis:
    name = ", ".join(fields)
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str | bytes):
        raise problem(name, shown(values), "a sequence of values")
    if len(values) == 0:
        raise problem(name, "an axis without values", "at least one value")
    steps = tuple(_step(fields, value) for value in values)
    seen: dict[tuple[str, ...], int] = {}
    for i, step in enumerate(steps):
        words = tuple(map(said, step))
        if words in seen:
            which = f"{', '.join(words)} at {seen[words]} and {i}"
            raise problem(name, which, "every value of an axis once")
        seen[words] = i
    return Axis(fields, steps)


def _step(fields: tuple[str, ...], value: Any) -> tuple[Any, ...]:
    if len(fields) == 1:
        return (value,)
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str) or len(value) != len(fields):
        allowed = f"{len(fields)} values each, one for each of these fields"
        raise problem(", ".join(fields), shown(value), allowed)
    return tuple(value)


def _of_list(points: Sequence[Any]) -> Points:
    if not points:
        raise problem("grid", "[]", "at least one point")
    flat = []
    for i, point in enumerate(points):
        if not isinstance(point, Mapping) or not point:
            raise problem(f"grid[{i}]", shown(point), "a mapping of dotted paths to values")
        steps = [(fields, _step(fields, value)) for key, value in point.items() if (fields := _fields(key))]
        flat.append({field: x for fields, step in steps for field, x in zip(fields, step, strict=True)})
    first = flat[0]
    for i, values in enumerate(flat):
        if values.keys() != first.keys():
            allowed = f"the fields of the first point: {', '.join(first)}"
            raise problem(f"grid[{i}]", f"a point with {', '.join(values)}", allowed)
    fields = tuple(first)
    return Points(fields=fields, listed=tuple(tuple(values[name] for name in fields) for values in flat))


def _check_there(scenario: Scenario, names: tuple[str, ...], field: str) -> None:
    """Whether a scenario has such a field, before any cell is built."""
    part: Any = scenario
    for name in names:
        if isinstance(part, tuple):
            called = [getattr(item, "name", None) for item in part]
            place = position(name, called)
            if place is None:
                raise problem(field, name, entries(called))
            part = part[place]
        else:
            known = getattr(part, "__struct_fields__", ())
            if name not in known:
                raise unknown(field, name, known)
            part = getattr(part, name)


def built(scenario: Scenario, points: Points, n_threads: int) -> list[str]:
    """Every cell's scenario as the core reads it, all of them checked; over threads, since a check takes ms.

    What is most often wrong is looked at first: the ends of all axes, then each axis alone.

    Raises
    ------
    ScenarioError
        A cell that is not allowed, with its number, its values, the field, and what is allowed; two cells
        that are the same scenario.
    """
    found = [""] * len(points)
    order = [*_telling(points.shape)]
    known = set(order)
    order += [cell for cell in range(len(points)) if cell not in known]
    parts = [order[i : i + CHECKED_AT_ONCE] for i in range(0, len(order), CHECKED_AT_ONCE)]

    def build(part: list[int]) -> None:
        for cell in part:
            found[cell] = _cell(scenario, points, cell)

    pool = ThreadPoolExecutor(max(1, min(n_threads, len(parts))), thread_name_prefix="perpcore-check")
    try:
        for future in [pool.submit(build, part) for part in parts]:
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)
    seen: dict[str, int] = {}
    for cell, scenario_json in enumerate(found):
        if scenario_json in seen:
            same = f"{points.label(seen[scenario_json])} and {points.label(cell)}"
            raise problem("grid", same, "every cell another scenario")
        seen[scenario_json] = cell
    return found


def _telling(shape: tuple[int, ...]) -> Iterator[int]:
    """Corners, then the cells along each axis from the first corner."""
    seen = set()
    corners = itertools.islice(itertools.product(*({0: 0, n - 1: 0} for n in shape)), 1_024)
    along = ((*(0,) * i, at, *(0,) * (len(shape) - i - 1)) for i, n in enumerate(shape) for at in range(n))
    for places in itertools.chain(corners, along):
        cell = int(np.ravel_multi_index(places, shape))
        if cell not in seen:
            seen.add(cell)
            yield cell


def _cell(scenario: Scenario, points: Points, cell: int) -> str:
    try:
        return scenario.replace(points[cell])._json()
    except ScenarioError as error:
        label = points.label(cell)
        named = [(f"{label}: {field}", value, allowed) for field, value, allowed in error.problems]
        raise problems(named) from None
