"""Formulas of margin as vectorised pure functions over numpy arrays, computed in Rust.

In floating point; the engine's own are exact integers (`docs/MODEL.md` section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore import _core
from perpcore._structs import problem, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from perpcore.venues import MarginTiers

__all__ = ["bankruptcy_price", "liquidation_price"]


def liquidation_price(
    *, side: ArrayLike, qty: ArrayLike, entry_price: ArrayLike, margin: ArrayLike, tiers: MarginTiers
) -> Any:
    """Price at which an isolated linear position's equity equals its maintenance margin.

    For a position of size ``q`` and side ``s`` (+1 long, -1 short) in a tier of rate ``r`` and deduction
    ``c``:
    ``(s q entry - margin - c) / (q (s - r))``, in the tier of the notional at that price.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Size in tokens, more than 0.
    entry_price : array_like of float
    margin : array_like of float
        Isolated margin in quote currency.
    tiers : MarginTiers

    Returns
    -------
    float or numpy.ndarray of float64
        Of the arguments' broadcast shape; NaN where no positive price liquidates.

    Raises
    ------
    ScenarioError
        A side that is none, a size that is not positive, an entry or margin that is not finite, shapes that
        do not broadcast.

    References
    ----------
    Binance, "How to Calculate Liquidation Price of USD-M Futures Contracts": LP with one position.
    """
    rows = [
        (float(floor), float(rate), float(deduction))
        for (floor, rate, _), deduction in zip(tiers.rows, tiers.deductions, strict=True)
    ]
    return _each(_core.liquidation_price, side, qty, entry_price, margin, rows)


def bankruptcy_price(*, side: ArrayLike, qty: ArrayLike, entry_price: ArrayLike, margin: ArrayLike) -> Any:
    """Price at which nothing of an isolated linear position's margin is left: ``entry - s margin / q``.

    Parameters
    ----------
    side : {"long", "short"} or array_like of those or of +1 and -1
    qty : array_like of float
        Size in tokens, more than 0.
    entry_price : array_like of float
    margin : array_like of float
        Isolated margin in quote currency.

    Returns
    -------
    float or numpy.ndarray of float64
        Of the arguments' broadcast shape.

    Raises
    ------
    ScenarioError
        A side that is none, a size that is not positive, an entry or margin that is not finite, shapes that
        do not broadcast.
    """
    return _each(_core.bankruptcy_price, side, qty, entry_price, margin)


def _each(
    formula: Any, side: ArrayLike, qty: ArrayLike, entry: ArrayLike, margin: ArrayLike, *rest: object
) -> Any:
    numbers = [_finite(name, x) for name, x in (("qty", qty), ("entry_price", entry), ("margin", margin))]
    given = (_signs(side), *numbers)
    try:
        arrays = np.broadcast_arrays(*given)
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in given)
        names = "side, qty, entry_price, margin"
        raise problem(names, f"what has the shapes {shapes}", "shapes that broadcast") from None
    shape = arrays[0].shape
    signs, size, entries, margins = (
        np.ascontiguousarray(array, dtype=np.float64).ravel() for array in arrays
    )
    if not (size > 0).all():
        raise problem("qty", size[~(size > 0)][0], "more than 0")
    prices = formula(signs * size, entries, margins, *rest).reshape(shape)
    return prices if shape else float(prices)


def _finite(name: str, values: ArrayLike) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise problem(name, shown(values), "numbers") from None
    if not np.isfinite(array).all():
        raise problem(name, array[~np.isfinite(array)].ravel()[0], "finite numbers")
    return array


def _signs(side: ArrayLike) -> NDArray[np.float64]:
    allowed = '"long" or "short", or +1 or -1'
    try:
        given = np.asarray(side)
    except ValueError:  # ragged
        raise problem("side", shown(side), allowed) from None
    if given.dtype.kind in "US":
        signs = np.where(given == "long", 1.0, np.where(given == "short", -1.0, 0.0))
    else:
        signs = _finite("side", given)
    wrong = np.abs(signs) != 1
    if wrong.any():
        raise problem("side", repr(given[wrong].ravel()[0].item()), allowed)
    return signs
