"""Arguments of formulas as columns of numbers: sides, shapes, contracts, and one call into the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from perpcore._structs import problem, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Contract = Literal["linear", "inverse"]
SIDES = '"long" or "short", or +1 or -1'


def each(formula: Callable[..., NDArray[np.float64]], *options: object, **arguments: ArrayLike) -> Any:
    """A formula of the core over arguments of one shape after broadcasting; a float where all are scalars.

    What the numbers may be, the core checks in the pass that it makes over them.
    """
    arrays = {name: signs(x) if name == "side" else numbers(name, x) for name, x in arguments.items()}
    shape = _shape(arrays)
    found = formula([_column(array, shape) for array in arrays.values()], *options)
    return found.reshape(shape) if shape else float(found[0])


def numbers(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Float64, without a copy of what is that already."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise problem(name, shown(values), "numbers") from None


def signs(side: ArrayLike) -> NDArray[np.float64]:
    """+1 and -1, from those or from "long" and "short"."""
    try:
        given = np.asarray(side)
    except ValueError:  # ragged
        raise problem("side", shown(side), SIDES) from None
    if given.dtype.kind not in "US":
        return numbers("side", given)
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
        raise problem(field, repr(value), " or ".join(map(repr, allowed)))
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


def _shape(arrays: dict[str, NDArray[np.float64]]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays.values())
        raise problem(", ".join(arrays), f"what has the shapes {shapes}", "shapes that broadcast") from None


def _column(array: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One number, or as many as the shape has."""
    whole = array if array.size == 1 else np.broadcast_to(array, shape)
    return np.ascontiguousarray(whole).reshape(-1)
