"""What facts are measured on, checked: finite columns, times that rise, an interval's confidence."""

from __future__ import annotations

import importlib.util
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from perpcore._structs import problem, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


def check_scipy(fact: str) -> None:
    """Refuse where the extra is missing."""
    if importlib.util.find_spec("scipy") is None:
        raise problem(fact, "this fact", "only with scipy: pip install perpcore[facts]")


def column(field: str, values: ArrayLike, *, length: int | None = None, least: float | None = None) -> Floats:
    """Values as a column of finite floats.

    Raises
    ------
    ScenarioError
        Not numbers, not one-dimensional, not of this length, not finite, or below `least`.
    """
    try:
        read = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise problem(field, shown(values), "an array of numbers") from None
    if read.ndim != 1:
        raise problem(field, f"an array of shape {read.shape}", "one of a single dimension")
    if length is not None and len(read) != length:
        raise problem(field, f"{len(read):,} values", f"{length:,}: one a row")
    bad = np.flatnonzero(~np.isfinite(read))
    if len(bad):
        raise problem(field, f"{read[bad[0]]} in row {bad[0]:,}", "finite numbers")
    if least is not None and (bad := np.flatnonzero(read < least)).size:
        raise problem(field, f"{read[bad[0]]:g} in row {bad[0]:,}", f"{least:g} or more")
    return read


def positive(field: str, values: ArrayLike, *, length: int | None = None) -> Floats:
    """As `column`, and all more than 0."""
    read = column(field, values, length=length)
    bad = np.flatnonzero(read <= 0)
    if len(bad):
        raise problem(field, f"{read[bad[0]]:g} in row {bad[0]:,}", "more than 0")
    return read


def rising(field: str, values: ArrayLike, *, length: int | None = None) -> Floats:
    """As `column`, and none below the one before."""
    read = column(field, values, length=length)
    back = np.flatnonzero(np.diff(read) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise problem(field, f"{read[row]:.15g} in row {row:,} after {read[row - 1]:.15g}", "times that rise")
    return read


def enough(field: str, count: int, noun: str, least: int, why: str) -> None:
    """Refuse what is too short."""
    if count < least:
        raise problem(field, f"{count:,} {noun}", f"at least {least:,}{why}")


def span(field: str, value: object, *, allowed: str = "a finite number of seconds, more than 0") -> float:
    """A length of time, or another positive figure."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise problem(field, shown(value), allowed)
    read = float(value)
    if not (np.isfinite(read) and read > 0):
        raise problem(field, shown(value), allowed)
    return read


def whole(field: str, value: object, least: int) -> int:
    """A whole number."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise problem(field, shown(value), f"a whole number from {least}")
    return int(value)


def share(field: str, value: object) -> float:
    """A number between 0 and 1."""
    allowed = "more than 0 and less than 1"
    read = span(field, value, allowed=allowed)
    if read >= 1:
        raise problem(field, shown(value), allowed)
    return read


def z(confidence: object) -> float:
    """How many standard deviations an interval of a normal estimate reaches to either side."""
    return NormalDist().inv_cdf(0.5 + share("confidence", confidence) / 2)


def whole_lags(lags: int | ArrayLike, count: int) -> Integers:
    """Lags from 1, each once and rising; a number is all up to it. `count` values are there for them."""
    allowed = "whole numbers from 1 that rise, or how many from 1"
    read = np.asarray(lags)
    if not np.issubdtype(read.dtype, np.integer) or read.ndim > 1 or read.size == 0:
        raise problem("lags", shown(lags), allowed)
    read = (np.arange(1, int(read) + 1) if read.ndim == 0 else read).astype(np.int64)
    if not len(read) or read[0] < 1 or (np.diff(read) < 1).any():
        raise problem("lags", shown(lags), allowed)
    enough("returns", count, "returns", 4 * int(read[-1]), f": 4 for each of {int(read[-1]):,} lags")
    return read
