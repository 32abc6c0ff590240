"""Prices at irregular times as bars on a regular grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perpcore._structs import problem
from perpcore.analysis.facts._columns import column, positive, rising, span

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from perpcore.analysis.facts._columns import Floats

GAP = 10  # bars without a price that are taken for a quiet market, not for missing data
MOST = 100_000_000
SLACK = 1e-9  # of a bar: what binary fractions may be off


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars of equal length; every array has one value a bar.

    Attributes
    ----------
    time : numpy.ndarray
        When each bar ends, in seconds as they were given; whole multiples of `every_s`.
    price : numpy.ndarray
        The last price at or before that time.
    returns : numpy.ndarray
        Logarithm of `price` over that of the bar before; over the price where the grid begins for the first.
    volume : numpy.ndarray or None
        Summed over (time - every_s, time]; None where none was given.
    every_s : float
        Length of a bar, seconds.
    """

    time: Floats
    price: Floats
    returns: Floats
    volume: Floats | None
    every_s: float

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return (
            f"Bars({len(self):,} of {self.every_s:g} s, from {self.time[0]:.15g} to {self.time[-1]:.15g} s)"
        )


def bars(
    time: ArrayLike,
    price: ArrayLike,
    *,
    every_s: float = 60,
    volume: ArrayLike | None = None,
    max_gap_s: float | None = None,
) -> Bars:
    """Last price, summed volume and log returns on a regular grid.

    Parameters
    ----------
    time : array of shape (n,)
        Of each price, seconds from anywhere; rising, ties allowed (the last of them counts).
    price : array of shape (n,)
        More than 0.
    every_s : float
        Length of a bar, seconds.
    volume : array of shape (n,), optional
        Traded at, or since the price before, each time.
    max_gap_s : float, optional
        The longest time without a price that is taken for a quiet market; 10 bars if not given.

    Returns
    -------
    Bars
        From the first whole multiple of `every_s` at or after the first price to the last one at or before
        the last. A bar without a price has that of the bar before, and a volume of 0.

    Raises
    ------
    ScenarioError
        Columns of different lengths, not finite, prices not above 0, times that fall; a longer gap, with
        where it is; fewer than two bars.

    Examples
    --------
    >>> made = pc.analysis.facts.bars([0, 30, 60, 61, 170, 200], [10, 11, 12, 11, 12, 9], volume=[1] * 6)
    >>> made.time, made.price, made.volume
    (array([ 60., 120., 180.]), array([12., 11., 12.]), array([2., 1., 1.]))
    """
    every = span("every_s", every_s)
    times = rising("time", time)
    prices = positive("price", price, length=len(times))
    volumes = None if volume is None else column("volume", volume, length=len(times), least=0)
    _check_gaps(times, GAP * every if max_gap_s is None else span("max_gap_s", max_gap_s))
    length = float(times[-1] - times[0]) if len(times) else 0.0
    if length / every > MOST:
        raise problem("every_s", f"{every:g} s for {length:g} s", f"{MOST:,} bars at most")
    first = math.ceil(times[0] / every - SLACK) if len(times) else 0
    last = math.floor(times[-1] / every + SLACK) if len(times) else 0
    if last - first < 2:
        said = f"{len(times):,} prices over {length:g} s"
        raise problem("time", said, f"at least two whole bars of {every:g} s")
    grid = every * np.arange(first, last + 1)
    upto = np.searchsorted(times, grid + SLACK * every, side="right")
    at = prices[np.maximum(upto - 1, 0)]
    summed = None
    if volumes is not None:
        summed = np.diff(np.concatenate([[0.0], volumes.cumsum()])[upto])
    return Bars(grid[1:], at[1:], np.diff(np.log(at)), summed, every)


def _check_gaps(times: Floats, longest: float) -> None:
    gaps = np.diff(times)
    wide = np.flatnonzero(gaps > longest)
    if not len(wide):
        return
    row = int(wide[0])
    others = f", the first of {len(wide):,}" if len(wide) > 1 else ""
    said = f"a gap of {gaps[row]:.10g} s after {times[row]:.15g} s (row {row:,}{others})"
    raise problem("time", said, f"at most {longest:g} s without a price (max_gap_s)")
