"""Formulas row by row: over arrays of numbers, or over sequences along the last axis (levels, samples)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore._structs import problem, shown
from perpcore.rules._arrays import finite, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

NO_BOUND = float(np.finfo(np.float64).max)
ABOVE = "more than 0"
NOT_BELOW = "0 or more"


def above(**arguments: ArrayLike) -> None:
    """Refuse what is not more than 0."""
    _hold(arguments, np.greater, ABOVE)


def not_below(**arguments: ArrayLike) -> None:
    """Refuse what is below 0."""
    _hold(arguments, np.greater_equal, NOT_BELOW)


def choice(name: str, value: object, *allowed: str) -> None:
    """Refuse what is none of the names."""
    if value not in allowed:
        raise problem(name, shown(value), " or ".join(f'"{each}"' for each in allowed))


def each(formula: Callable[..., NDArray[np.float64]], *rest: object, **columns: ArrayLike) -> Any:
    """`formula` of every row of the columns: an array of their shape, or a float."""
    flat, shape = rows(**columns)
    return shaped(formula(*flat, *rest), shape)


def sequences(**arguments: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Arguments that are sequences along their last axis, of one length; NaN is what is missing."""
    arrays = {}
    for name, values in arguments.items():
        array = holed(name, values)
        if not array.ndim:
            raise problem(name, shown(values), "a sequence of numbers")
        arrays[name] = array
    return arrays


def holed(name: str, values: ArrayLike | None) -> NDArray[np.float64]:
    """Numbers, or NaN (None) for one that is missing."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise problem(name, shown(values), "numbers, or None for one that is missing") from None
    finite(name, np.where(np.isnan(array), 0.0, array))
    return array


def along(
    tables: Mapping[str, NDArray[np.float64]], columns: Mapping[str, ArrayLike] | None = None
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]], tuple[int, ...], int]:
    """Tables and columns broadcast over all axes but the tables' last.

    Flat arrays of the tables and of the columns, the shape that a number a row has, and the tables' width.
    """
    given = {name: finite(name, values) for name, values in (columns or {}).items()}
    try:
        (width,) = np.broadcast_shapes(*(table.shape[-1:] for table in tables.values()))
        lead = np.broadcast_shapes(
            *(table.shape[:-1] for table in tables.values()), *(column.shape for column in given.values())
        )
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in (*tables.values(), *given.values()))
        names = ", ".join((*tables, *given))
        raise problem(names, f"what has the shapes {shapes}", "shapes that broadcast") from None
    flat = [_flat(table, (*lead, width)) for table in tables.values()]
    return flat, [_flat(column, lead) for column in given.values()], lead, width


def shaped(found: NDArray[np.float64], shape: tuple[int, ...]) -> Any:
    """What Rust gives, in the shape that was asked; one number as a float."""
    return found.reshape(shape) if shape else float(found[0])


def parted(found: NDArray[np.float64], shape: tuple[int, ...], width: int) -> list[Any]:
    """The columns of a result with `width` numbers a row."""
    return [shaped(np.ascontiguousarray(column), shape) for column in found.reshape(-1, width).T]


def _flat(array: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.ascontiguousarray(np.broadcast_to(array, shape)).ravel()


def _hold(arguments: Mapping[str, ArrayLike], test: Callable[..., Any], allowed: str) -> None:
    for name, values in arguments.items():
        array = holed(name, values)
        wrong = ~(test(array, 0.0) | np.isnan(array))
        if wrong.any():
            raise problem(name, array[wrong].ravel()[0], allowed)
