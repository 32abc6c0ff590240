"""Who moves first: the correlation of two prices at shifted times, without a common grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perpcore._structs import problem
from perpcore.analysis.facts._bootstrap import LEAST_BLOCKS, RESAMPLES, interval
from perpcore.analysis.facts._columns import enough, positive, rising, share, span
from perpcore.analysis.facts._fact import Fact

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from perpcore.analysis.facts._columns import Floats, Integers

MICROSECONDS = 1_000_000
BLOCKS = 100  # at most, and each ten times as long as the longest lag
LEAST_CHANGES = 30


@dataclass(frozen=True, slots=True, eq=False)
class LeadLag:
    """Correlation of two prices over lags; at positive lags what a does comes first.

    Attributes
    ----------
    lag_s : numpy.ndarray
        Lags, seconds: from -max_lag_s to max_lag_s.
    correlation : numpy.ndarray
        Of the changes of a with those of b that much later.
    low, high : numpy.ndarray
        Interval of each.
    lag : Fact
        Where the absolute correlation is largest, seconds; positive: a leads b.
    ratio : Fact
        Squared correlations at positive lags over those at negative lags; above 1: a leads b.
    """

    lag_s: Floats
    correlation: Floats
    low: Floats
    high: Floats
    lag: Fact
    ratio: Fact

    @property
    def leader(self) -> str:
        """Who leads, "a" or "b", where the interval of the ratio leaves out 1; else "neither"."""
        if self.ratio.low > 1:
            return "a"
        return "b" if self.ratio.high < 1 else "neither"

    def __repr__(self) -> str:
        peak = self.correlation[np.abs(self.correlation).argmax()]
        return (
            f"LeadLag(leader {self.leader}, correlation {peak:.3g} at {self.lag.value:g} s; {self.ratio!r})"
        )


def lead_lag(
    time_a: ArrayLike,
    price_a: ArrayLike,
    time_b: ArrayLike,
    price_b: ArrayLike,
    *,
    max_lag_s: float,
    step_s: float,
    confidence: float = 0.95,
) -> LeadLag:
    r"""Which of two prices leads, by how long and how clearly.

    Parameters
    ----------
    time_a, time_b : array of shape (n,), (m,)
        Of each price, seconds on one clock, rising, read to the microsecond; of tied ones the last counts.
        They need not be the same, nor regular.
    price_a, price_b : array of shape (n,), (m,)
        More than 0.
    max_lag_s : float
        The longest lag, seconds.
    step_s : float
        Between lags, seconds; from 1e-6. Of series on one regular grid, a multiple of its step.
    confidence : float
        Of all intervals.

    Returns
    -------
    LeadLag

    Raises
    ------
    ScenarioError
        Columns of different lengths, not finite, prices not above 0, times that fall; fewer than 30 changes
        of either price; less common time than ten blocks of ten times `max_lag_s`; steps that are no lags.

    Notes
    -----
    The correlation is the sum of products of log returns whose spans of time overlap [1]_, those of b shifted
    back by the lag [2]_, over the root of the product of both sums of squares, in the time both have in
    common. The ratio is :math:`\sum_{l>0} \rho^2(l) / \sum_{l>0} \rho^2(-l)` [3]_. Intervals are percentiles
    of 1,000 resamples of blocks of time, up to 100 blocks, each at least ten times as long as the longest
    lag. Noise is squared with the rest, so that the ratio of weakly correlated prices is drawn towards 1, in
    its resamples more than in itself.

    Each lag costs a binary search for each change of the price that changes less often.

    References
    ----------
    .. [1] Hayashi and Yoshida, On covariance estimation of non-synchronously observed diffusion processes,
       2005.
    .. [2] Hoffmann, Rosenbaum and Yoshida, Estimation of the lead-lag parameter from non-synchronous data,
       2013.
    .. [3] Huth and Abergel, High frequency lead/lag relationships: empirical facts, 2014.

    Examples
    --------
    >>> walk = 100 * np.exp(0.001 * np.random.default_rng(1).standard_normal(2_000).cumsum())
    >>> t = np.arange(2_000)
    >>> found = pc.analysis.facts.lead_lag(t, walk, t + 3, walk, max_lag_s=5, step_s=1)
    >>> found.leader, found.lag.value
    ('a', 3.0)
    """
    share("confidence", confidence)
    most, step = span("max_lag_s", max_lag_s), span("step_s", step_s)
    steps = int(most / step + 1e-9)
    if step * MICROSECONDS < 1 or steps < 1 or steps > 100_000:
        raise problem(
            "step_s", f"{step:g} s", f"1e-6 s to max_lag_s, {most:g} s, and at most 100,000 lags a side"
        )
    lag_s = step * np.arange(-steps, steps + 1)
    a, b = _ticks("a", time_a, price_a), _ticks("b", time_b, price_b)
    begin, end = max(a[0][0], b[0][0]), min(a[0][-1], b[0][-1])
    edges = _blocks(begin, end, most)
    a, b = _within("a", a, begin, end), _within("b", b, begin, end)
    shifts = np.rint(lag_s * MICROSECONDS).astype(np.int64)
    swapped = len(a[0]) > len(b[0])
    products = _products(b, a, -shifts, edges) if swapped else _products(a, b, shifts, edges)
    squares = np.stack([_squares(a, edges), _squares(b, edges)], axis=1)
    correlation = _correlations(products, squares, np.ones((1, len(products))))[0]
    blocks = len(products)
    drawn = np.random.default_rng(0).multinomial(blocks, np.full(blocks, 1 / blocks), size=RESAMPLES)
    draws = _correlations(products, squares, drawn.astype(np.float64))
    reach = confidence / 2
    low, high = np.quantile(draws, [0.5 - reach, 0.5 + reach], axis=0)
    at = lag_s[np.abs(draws).argmax(axis=1)]
    n = min(len(a[0]), len(b[0])) - 1
    said = f"bootstrap of {blocks} blocks of time"
    lag = Fact(
        "lead_lag",
        float(lag_s[np.abs(correlation).argmax()]),
        *interval(at, confidence),
        n,
        f"lag of the largest Hayashi-Yoshida correlation, seconds, positive: a leads; {said}",
        confidence,
    )
    ratio = Fact(
        "lead_lag_ratio",
        float(_ratios(correlation[None])[0]),
        *interval(_ratios(draws), confidence),
        n,
        f"squared correlations at lags {step:g} to {step * steps:g} s over those at negative ones; {said}",
        confidence,
    )
    return LeadLag(lag_s.astype(np.float64), correlation, low, high, lag, ratio)


def _ticks(which: str, time: ArrayLike, price: ArrayLike) -> tuple[Integers, Floats]:
    """Microseconds and log prices, one a time."""
    times = rising(f"time_{which}", time)
    prices = positive(f"price_{which}", price, length=len(times))
    stamps = np.rint(times * MICROSECONDS).astype(np.int64)
    last = np.append(stamps[1:] != stamps[:-1], True)[: len(stamps)]
    enough(f"price_{which}", len(times), "prices", LEAST_CHANGES + 1, "")
    return stamps[last], np.log(prices[last])


def _within(which: str, ticks: tuple[Integers, Floats], begin: int, end: int) -> tuple[Integers, Floats]:
    """Those of the time that both have in common."""
    first, last = np.searchsorted(ticks[0], begin, "left"), np.searchsorted(ticks[0], end, "right")
    stamps, logs = ticks[0][first:last], ticks[1][first:last]
    changes = int((np.diff(logs) != 0).sum())
    enough(f"price_{which}", changes, "changes in the common time", LEAST_CHANGES, "")
    return stamps, logs


def _blocks(begin: int, end: int, most: float) -> Integers:
    """Where the blocks of time that both have in common end, but for the last."""
    common = max(0.0, float(end - begin) / MICROSECONDS)
    least = LEAST_BLOCKS * 10 * most
    if common < least:
        said = f"{common:g} s in common with time_b"
        raise problem(
            "time_a", said, f"at least {least:g} s for lags up to {most:g} s: {LEAST_BLOCKS} blocks"
        )
    count = min(BLOCKS, int(common / (10 * most) + 1e-9))
    return np.linspace(begin, end, count + 1)[1:-1].astype(np.int64)


def _products(
    a: tuple[Integers, Floats], b: tuple[Integers, Floats], shifts: Integers, edges: Integers
) -> Floats:
    """Products of overlapping returns, b's shifted back by each lag: sums by block, shape (blocks, lags)."""
    (time_a, log_a), (time_b, log_b) = a, b
    change = np.diff(log_a)
    moved = np.flatnonzero(change)
    change, since, upto = change[moved], time_a[moved], time_a[moved + 1]
    block = np.searchsorted(edges, upto)
    found = np.empty((len(edges) + 1, len(shifts)))
    last = len(time_b) - 1
    for i, shift in enumerate(shifts):
        # What of b overlaps (since, upto] is one stretch: from the tick at or before it to that at or after.
        before = np.maximum(np.searchsorted(time_b, since + shift, side="right") - 1, 0)
        after = np.minimum(np.searchsorted(time_b, upto + shift, side="left"), last)
        weights = change * (log_b[after] - log_b[before])
        found[:, i] = np.bincount(block, weights=weights, minlength=len(edges) + 1)
    return found


def _squares(ticks: tuple[Integers, Floats], edges: Integers) -> Floats:
    """Sums of squared returns by block."""
    time, log = ticks
    block = np.searchsorted(edges, time[1:])
    return np.bincount(block, weights=np.diff(log) ** 2, minlength=len(edges) + 1).astype(np.float64)


def _correlations(products: Floats, squares: Floats, drawn: Floats) -> Floats:
    """Of each resample (rows) at each lag."""
    norm = np.sqrt((drawn @ squares).prod(axis=1))
    top = drawn @ products
    found: Floats = np.divide(top, norm[:, None], out=np.zeros_like(top), where=norm[:, None] > 0)
    return found


def _ratios(correlation: Floats) -> Floats:
    """Squares at positive lags over those at negative ones."""
    middle = correlation.shape[1] // 2
    squares = correlation**2
    later, earlier = squares[:, middle + 1 :].sum(axis=1), squares[:, :middle].sum(axis=1)
    found: Floats = np.divide(later, earlier, out=np.full(len(later), np.inf), where=earlier > 0)
    return found
