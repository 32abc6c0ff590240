"""Arguments as arrays: what every formula checks before Rust sees a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore._structs import problem, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """`values` as floats, all finite."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise problem(name, shown(values), "numbers") from None
    if not np.isfinite(array).all():
        raise problem(name, array[~np.isfinite(array)].ravel()[0], "finite numbers")
    return array


def signs(side: ArrayLike) -> NDArray[np.float64]:
    """+1 and -1 of what says long and short."""
    allowed = '"long" or "short", or +1 or -1'
    try:
        given = np.asarray(side)
    except ValueError:  # ragged
        raise problem("side", shown(side), allowed) from None
    if given.dtype.kind in "US":
        found = np.where(given == "long", 1.0, np.where(given == "short", -1.0, 0.0))
    else:
        found = finite("side", given)
    wrong = np.abs(found) != 1
    if wrong.any():
        raise problem("side", repr(given[wrong].ravel()[0].item()), allowed)
    return found


def rows(**arguments: ArrayLike) -> tuple[list[NDArray[np.float64]], tuple[int, ...]]:
    """Finite arguments broadcast to one shape: a flat array of each, and the shape."""
    given = {name: finite(name, values) for name, values in arguments.items()}
    try:
        arrays = np.broadcast_arrays(*given.values())
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in given.values())
        raise problem(", ".join(given), f"what has the shapes {shapes}", "shapes that broadcast") from None
    flat: list[Any] = [np.ascontiguousarray(array, dtype=np.float64).ravel() for array in arrays]
    return flat, arrays[0].shape
