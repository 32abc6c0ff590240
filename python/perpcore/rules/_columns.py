"""Arguments of formulas, and the two ways into the core: row by row, and along sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perpcore._structs import problem, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Formula = Callable[..., NDArray[np.float64]]

Contract = Literal["linear", "inverse"]
SIDES = '"long" or "short", or +1 or -1'


def each(formula: Formula, *options: object, **arguments: ArrayLike | None) -> Any:
    """A formula of the core over arguments of one shape after broadcasting; a float where all are scalars.

    What the arguments may be, the core checks in the pass that it makes over them.
    """
    (found,) = several(1, formula, *options, **arguments)
    return found


def several(width: int, formula: Formula, *options: object, **arguments: ArrayLike | None) -> list[Any]:
    """The same of a formula that gives so many numbers."""
    arrays = {name: numbers(name, x) for name, x in arguments.items()}
    shape = _broadcast(arrays, (array.shape for array in arrays.values()))
    found = formula([_column(array, shape) for array in arrays.values()], *options)
    return [_shaped(column, shape) for column in found.reshape(-1, width).T]


def along(
    formula: Formula, *options: object, sequences: dict[str, ArrayLike], **columns: ArrayLike | None
) -> NDArray[np.float64]:
    """A formula of the core over sequences along the last axis, and columns that broadcast over the others.

    What it gives for a sequence lies along the last axis. The first of `sequences` has to be one; of the
    others a number stands for as many.
    """
    name, values = next(iter(sequences.items()))
    if not np.ndim(numbers(name, values)):
        raise problem(name, shown(values), "a sequence of numbers")
    tables = {name: np.atleast_1d(numbers(name, x)) for name, x in sequences.items()}
    arrays = {name: numbers(name, x) for name, x in columns.items()}
    given = tables | arrays
    (length,) = _broadcast(given, (table.shape[-1:] for table in tables.values()))
    shapes = [table.shape[:-1] for table in tables.values()] + [array.shape for array in arrays.values()]
    lead = _broadcast(given, shapes)
    flat = [np.ascontiguousarray(np.broadcast_to(x, (*lead, length))).ravel() for x in tables.values()]
    columns_of = [_column(array, lead) for array in arrays.values()]
    found = formula((int(np.prod(lead, dtype=np.int64)), length), flat, columns_of, *options)
    return found.reshape(*lead, found.shape[1])


def one(found: NDArray[np.float64], at: int = 0) -> Any:
    """Of what `along` gives, one number of each sequence."""
    return _shaped(found[..., at], found.shape[:-1])


def numbers(name: str, values: ArrayLike | None) -> NDArray[np.float64]:
    """Float64, without a copy of what is that already; NaN for None, +1 and -1 for sides."""
    if name == "side":
        return signs(values)
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise problem(name, shown(values), "numbers") from None


def signs(side: ArrayLike | None) -> NDArray[np.float64]:
    """+1 and -1, from those or from "long" and "short"."""
    try:
        given = np.asarray(side)
        if given.dtype.kind not in "US":
            return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):  # ragged, or no numbers
        raise problem("side", shown(side), SIDES) from None
    found = np.where(given == "long", 1.0, np.where(given == "short", -1.0, 0.0))
    if not found.all():
        raise problem("side", repr(given[found == 0].ravel()[0].item()), SIDES)
    return found


def is_inverse(contract: Contract) -> bool:
    """Whether quantities are face values in quote currency and money is coin."""
    return chosen("contract", contract, ("linear", "inverse")) == "inverse"


def chosen(field: str, value: str, allowed: tuple[str, ...]) -> str:
    """One of a few names."""
    if value not in allowed:
        raise problem(field, shown(value), " or ".join(f'"{name}"' for name in allowed))
    return value


def scalar(field: str, value: object, *, end: float = np.inf) -> float:
    """One number from 0 to below `end`."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise problem(field, shown(value), "a number") from None
    if not 0 <= number < end:
        below = f" and below {end:g}" if np.isfinite(end) else ", finite"
        raise problem(field, number, f"0 or more{below}")
    return number


def _broadcast(arrays: dict[str, NDArray[np.float64]], shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        given = ", ".join(str(array.shape) for array in arrays.values())
        raise problem(", ".join(arrays), f"what has the shapes {given}", "shapes that broadcast") from None


def _shaped(found: NDArray[np.float64], shape: tuple[int, ...]) -> Any:
    """In the shape that was asked; one number as a float."""
    return found.reshape(shape) if shape else float(found.item())


def _column(array: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One number, or as many as the shape has."""
    whole = array if array.size == 1 else np.broadcast_to(array, shape)
    return np.ascontiguousarray(whole).reshape(-1)
