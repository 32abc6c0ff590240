"""What returns remember, how heavy their tails are, and what goes with volume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from perpcore._structs import problem, shown
from perpcore.analysis.facts._bootstrap import (
    RESAMPLES,
    block_length,
    interval,
    resampled_blocks,
    starts,
)
from perpcore.analysis.facts._columns import check_scipy, column, enough, share, whole, whole_lags, z
from perpcore.analysis.facts._fact import Fact

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from perpcore.analysis.facts._columns import Floats, Integers

Side = Literal["both", "plus", "minus"]
SIDES = {"both": "|r|", "plus": "r", "minus": "-r"}
LEAST_TAIL = 30
BEYOND = 5  # lags that a market may remember before its returns count as correlated


@dataclass(frozen=True, slots=True, eq=False)
class Autocorrelation:
    """Sample autocorrelations, with the band in which those of a series without any lie.

    Attributes
    ----------
    lag : numpy.ndarray
        Whole numbers of returns.
    value : numpy.ndarray
        Autocorrelation at each lag.
    low, high : numpy.ndarray
        The band around 0 at each lag.
    first : int
        How many leading lags lie outside it without a break.
    statistic, p_value : float
        Joint test of all lags: chi squared, and how likely more is without autocorrelation.
    beyond : int
        The lag up to which `p_value_beyond` looks at none.
    p_value_beyond : float
        Joint test of the lags after it; nan where there are none.
    n : int
        Returns.
    confidence : float
        Of the band.
    """

    lag: Integers
    value: Floats
    low: Floats
    high: Floats
    first: int
    statistic: float
    p_value: float
    beyond: int
    p_value_beyond: float
    n: int
    confidence: float

    @property
    def outside(self) -> float:
        """The share of lags outside the band; 1 - confidence is expected where there is nothing."""
        return float(((self.value < self.low) | (self.value > self.high)).mean())

    def __repr__(self) -> str:
        return (
            f"Autocorrelation({len(self.lag)} lags of {self.n:,} returns: first {self.value[0]:.3g}, "
            f"{self.outside:.0%} outside the band, p {self.p_value:.3g}, "
            f"beyond lag {self.beyond} p {self.p_value_beyond:.3g})"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """How long large returns follow large ones.

    Attributes
    ----------
    autocorrelation : Autocorrelation
        Of absolute returns.
    mean : Fact
        Mean autocorrelation over all lags.
    """

    autocorrelation: Autocorrelation
    mean: Fact


def autocorrelation(
    returns: ArrayLike, lags: int | ArrayLike = 60, *, beyond: int = BEYOND, confidence: float = 0.95
) -> Autocorrelation:
    r"""Autocorrelations of returns, with a band and tests that allow for changing volatility.

    Parameters
    ----------
    returns : array of shape (n,)
        Of equal spans of time, as `bars` makes them.
    lags : int or array of int
        How many from 1, or which.
    beyond : int
        The last lag that the second joint test leaves out.
    confidence : float
        Of the band.

    Returns
    -------
    Autocorrelation

    Raises
    ------
    ScenarioError
        Fewer than four returns for each lag, returns not finite or all the same, lags that can't be, no
        scipy.

    Notes
    -----
    With :math:`e_t` the returns less their mean, :math:`\rho_k = \sum e_t e_{t-k} / \sum e_t^2`. Where
    returns are uncorrelated but their size is not, the variance of :math:`\rho_k` is not 1/n but
    :math:`\tau_k = \sum e_t^2 e_{t-k}^2 / (\sum e_t^2)^2` [1]_ [2]_; the band is
    :math:`\pm z \sqrt{\tau_k}`, and the joint statistic :math:`\sum \rho_k^2 / \tau_k` has as many degrees of
    freedom as lags [3]_. It takes the products of different lags as uncorrelated, as they are where
    volatility is symmetric in the returns before it.

    References
    ----------
    .. [1] Diebold, Testing for serial correlation in the presence of ARCH, 1986.
    .. [2] Lo and MacKinlay, Stock market prices do not follow random walks, 1988.
    .. [3] Lobato, Nankervis and Savin, Testing for autocorrelation using a modified Box-Pierce Q test, 2001.
    """
    check_scipy("autocorrelation")
    return _autocorrelation(column("returns", returns), lags, beyond, confidence)


def _autocorrelation(
    values: Floats, lags: int | ArrayLike, beyond: int, confidence: float
) -> Autocorrelation:
    from scipy.special import chdtrc

    reach = z(confidence)
    lag = whole_lags(lags, len(values))
    beyond = whole("beyond", beyond, 0)
    apart = values - values.mean()
    if np.ptp(values) == 0:
        raise problem("returns", f"{len(values):,} times {values[0]:g}", "returns that differ")
    apart = apart / np.abs(apart).max()  # fourth powers of small returns stay in range
    squares = apart**2
    total = float(squares.sum())
    rho = np.array([apart[k:] @ apart[:-k] for k in lag]) / total
    tau = np.array([squares[k:] @ squares[:-k] for k in lag]) / total**2
    band = reach * np.sqrt(tau)
    outside = np.abs(rho) > band
    scores = np.divide(rho**2, tau, out=np.zeros(len(lag)), where=tau > 0)
    later = lag > beyond
    return Autocorrelation(
        lag=lag,
        value=rho,
        low=-band,
        high=band,
        first=int(np.argmin(np.append(outside, False))),
        statistic=float(scores.sum()),
        p_value=float(chdtrc(len(lag), scores.sum())),
        beyond=beyond,
        p_value_beyond=float(chdtrc(later.sum(), scores[later].sum())) if later.any() else math.nan,
        n=len(values),
        confidence=confidence,
    )


def volatility_clustering(
    returns: ArrayLike, lags: int | ArrayLike = 60, *, block: int | None = None, confidence: float = 0.95
) -> Clustering:
    """Autocorrelations of absolute returns, and their mean over the lags with an interval.

    Parameters
    ----------
    returns : array of shape (n,)
        Of equal spans of time.
    lags : int or array of int
        How many from 1, or which.
    block : int, optional
        Returns of a block that is drawn; if not given the square root of n, or twice the longest lag where
        that is more.
    confidence : float
        Of the band, and of the mean's interval.

    Returns
    -------
    Clustering

    Raises
    ------
    ScenarioError
        What `autocorrelation` refuses, absolute returns that are all the same, fewer than ten blocks.

    Notes
    -----
    Each absolute return stands beside the mean of those at the lags before it; blocks of such pairs are drawn
    [1]_, so that no lag reaches across a joint. The interval is that of 1,000 resamples, each over its own
    error [2]_: percentiles alone would too often lie below.

    References
    ----------
    .. [1] Künsch, The jackknife and the bootstrap for general stationary observations, 1989.
    .. [2] Götze and Künsch, Second-order correctness of the blockwise bootstrap, 1996.
    """
    check_scipy("volatility_clustering")
    sizes = np.abs(column("returns", returns))
    found = _autocorrelation(sizes, lags, BEYOND, confidence)
    longest = int(found.lag[-1])
    block = block_length(len(sizes) - longest, 2 * longest, block)
    scaled = (sizes - sizes.mean()) / sizes.std()
    now = scaled[longest:]
    before = np.mean([scaled[longest - k : len(scaled) - k] for k in found.lag], axis=0)
    low, high = _studentised(now, before, block, confidence)
    which = f"lags 1 to {longest}" if len(found.lag) == longest else f"{len(found.lag)} lags up to {longest}"
    said = f"mean autocorrelation of |r| over {which}; bootstrap of blocks of {block:,}"
    mean = Fact("volatility_clustering", float(found.value.mean()), low, high, len(sizes), said, confidence)
    return Clustering(found, mean)


def _studentised(now: Floats, before: Floats, block: int, confidence: float) -> tuple[float, float]:
    """Interval of the covariance of both over the variance of `now`."""
    columns = np.stack([now, before, now * before, now**2])
    x, y, xy, xx = columns.mean(axis=1)
    value = (xy - x * y) / (xx - x * x)
    each = resampled_blocks(columns, block)
    x, y, xy, xx = each.mean(axis=2)
    variance = xx - x * x
    drawn = (xy - x * y) / variance
    # What each block adds to its resample's figure, to first order; its spread is the figure's error.
    a, b = each[0] - x[:, None], each[1] - y[:, None]
    products = each[2] - x[:, None] * b - y[:, None] * a - xy[:, None]
    squares = each[3] - 2 * x[:, None] * a - xx[:, None]
    errors = (products - drawn[:, None] * squares).std(axis=1, ddof=1) / variance / math.sqrt(each.shape[2])
    low, high = interval((drawn - value) / errors, confidence)
    spread = float(drawn.std())
    return float(value - high * spread), float(value - low * spread)


def hill(returns: ArrayLike, tail: float = 0.01, *, side: Side = "both", confidence: float = 0.95) -> Fact:
    r"""Exponent of the tail of returns: P(abs(r) > x) falls as x to the power of minus this.

    Parameters
    ----------
    returns : array of shape (n,)
    tail : float
        Share of all returns that is the tail.
    side : {"both", "plus", "minus"}
        The tail of absolute returns, of returns above 0, of returns below 0.
    confidence : float
        Of the interval.

    Returns
    -------
    Fact
        `n` is the number of returns; the definition says how many are in the tail.

    Raises
    ------
    ScenarioError
        Returns not finite; fewer than 30 in the tail; a tail that reaches 0, or is one value only.

    Notes
    -----
    With u the largest value outside the tail and k values beyond it,
    :math:`\alpha = k / \sum \ln(x_i / u)` [1]_. Values that tie with u are outside. The interval is
    :math:`\alpha \pm z \alpha / \sqrt k`, which holds for independent returns with a Pareto tail; where
    volatility clusters it is too narrow [2]_.

    References
    ----------
    .. [1] Hill, A simple general approach to inference about the tail of a distribution, 1975.
    .. [2] Kearns and Pagan, Estimating the density tail index for financial time series, 1997.
    """
    reach, part = z(confidence), share("tail", tail)
    if side not in SIDES:
        raise problem("side", shown(side), f"one of {', '.join(SIDES)}")
    values = column("returns", returns)
    least = math.ceil(LEAST_TAIL / part)
    enough("returns", len(values), "returns", least, f": {LEAST_TAIL} in a tail of {part:.3g}")
    sizes = {"both": np.abs, "plus": np.positive, "minus": np.negative}[side](values)
    beyond = math.floor(part * len(sizes) + 1e-9)
    u = float(np.partition(sizes, -beyond - 1)[-beyond - 1])
    if u <= 0:
        count = int((sizes > 0).sum())
        said = f"{count:,} of {len(sizes):,} with {SIDES[side]} more than 0"
        raise problem("returns", said, f"more than {beyond:,}, those of a tail of {part:.3g}")
    logs = np.log(sizes[sizes > u] / u)
    k = len(logs)
    if k < LEAST_TAIL:
        said = f"{k:,} returns beyond {u:.6g}, with which others tie"
        raise problem("returns", said, f"at least {LEAST_TAIL} in the tail")
    alpha = k / float(logs.sum())
    half = reach * alpha / math.sqrt(k)
    said = f"Hill exponent of {SIDES[side]} beyond {u:.6g}, {k:,} in its {100 * part:.3g} % tail"
    return Fact("hill", alpha, alpha - half, alpha + half, len(values), said, confidence)


def volume_volatility(
    returns: ArrayLike, volume: ArrayLike, *, block: int | None = None, confidence: float = 0.95
) -> Fact:
    """Spearman's rank correlation of absolute returns and volume.

    Parameters
    ----------
    returns, volume : array of shape (n,)
        Of the same spans of time, as `bars` makes them.
    block : int, optional
        Rows of a block that is drawn; the square root of n if not given.
    confidence : float
        Of the interval: percentiles of 1,000 resamples of blocks of rows, each ranked anew.

    Returns
    -------
    Fact

    Raises
    ------
    ScenarioError
        Columns of different lengths, not finite, volumes below 0, either all the same, fewer than 100 rows.
    """
    share("confidence", confidence)
    sizes = np.abs(column("returns", returns))
    volumes = column("volume", volume, length=len(sizes), least=0)
    enough("returns", len(sizes), "returns", 100, "")
    ranked = []
    for field, values in (("returns", sizes), ("volume", volumes)):
        kinds, which = np.unique(values, return_inverse=True)
        if len(kinds) == 1:
            raise problem(field, f"{len(sizes):,} times {kinds[0]:g}", "sizes that differ")
        ranked.append(which)
    block = block_length(len(sizes), 1, block)
    value = _rank_correlation(ranked[0], ranked[1], np.ones(len(sizes)))
    draws = np.empty(RESAMPLES)
    for i, begin in enumerate(starts(len(sizes), block)):
        draws[i] = _rank_correlation(ranked[0], ranked[1], _times_drawn(begin, block, len(sizes)))
    low, high = interval(draws[np.isfinite(draws)], confidence)
    said = f"Spearman correlation of |r| and volume; bootstrap of blocks of {block:,}"
    return Fact("volume_volatility", value, low, high, len(sizes), said, confidence)


def _times_drawn(begin: Integers, block: int, count: int) -> Floats:
    """How often each row is in blocks that begin there."""
    steps = np.bincount(begin, minlength=count + block).astype(np.float64)
    steps -= np.bincount(begin + block, minlength=count + block)[: count + block]
    drawn = steps.cumsum()
    drawn[:block] += drawn[count:]
    return drawn[:count]


def _rank_correlation(first: Integers, second: Integers, drawn: Floats) -> float:
    """Spearman's correlation of rows that are there so many times, of columns numbered by size."""
    a, b = _ranks(first, drawn), _ranks(second, drawn)
    rows = drawn.sum()
    a, b = a - (drawn @ a) / rows, b - (drawn @ b) / rows
    both = math.sqrt((drawn @ (a * a)) * (drawn @ (b * b)))
    return float(drawn @ (a * b)) / both if both > 0 else math.nan


def _ranks(which: Integers, drawn: Floats) -> Floats:
    """Mean rank of each row among all that are drawn; ties share theirs."""
    counts = np.bincount(which, weights=drawn)
    ranks: Floats = (counts.cumsum() - counts / 2)[which]
    return ranks
