"""How large orders are, and how they follow each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from perpcore._structs import problem
from perpcore.analysis.facts._columns import check_scipy, enough, positive, rising, span, z
from perpcore.analysis.facts._fact import Fact

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from perpcore.analysis.facts._columns import Floats, Integers

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
LEAST = 100  # sizes, or arrivals
LEAST_TAIL = 50  # sizes beyond a cut-off: with fewer, Clauset et al. find, estimates are off
CUTS = 200  # cut-offs that are tried at a time
LEAST_WINDOWS = 30
WINDOWS_S = (1.0, 10.0, 60.0)


@dataclass(frozen=True, slots=True)
class OrderSizes:
    """The law of order sizes.

    Attributes
    ----------
    n : int
        Sizes.
    mean, median : float
        In the unit of sizes, as `quantiles` and `cut`.
    quantiles : dict of float to float
        5, 25, 50, 75, 95 and 99 %.
    exponent : Fact
        Of the tail: P(size > x) falls as x to the power of minus this; that of the density is one more.
    cut : float
        The size from which the power law is fitted.
    tail : int
        Sizes from there.
    distance : float
        Kolmogorov-Smirnov distance of the tail from its power law.
    vuong : float
        Log-likelihood of the power law less that of a log-normal cut at the same size, over its standard
        deviation: above 0 the power law is nearer.
    p_value : float
        How likely one so far from 0 is where both are equally near; above 0.1 or so they can't be told apart.
    round_share : float
        Share of sizes that are whole multiples of `round_to`; nan where none was given.
    """

    n: int
    mean: float
    median: float
    quantiles: dict[float, float]
    exponent: Fact
    cut: float
    tail: int
    distance: float
    vuong: float
    p_value: float
    round_share: float


@dataclass(frozen=True, slots=True, eq=False)
class InterArrivals:
    """The law of the times between arrivals.

    Attributes
    ----------
    n : int
        Arrivals.
    rate : float
        Arrivals a second.
    tied : float
        Share of arrivals at the time of the one before.
    median : float
        Seconds between arrivals that do not tie.
    cv : float
        Standard deviation over mean of those; 1 for a Poisson process.
    shape : Fact
        Of the Weibull law; 1 is the exponential one, below 1 arrivals come in bursts.
    scale : float
        Of the Weibull law, seconds.
    log_likelihood_exponential, log_likelihood_weibull : float
        At their best fits.
    p_value : float
        Likelihood ratio test of the exponential against the Weibull law.
    window_s : numpy.ndarray
        Windows, seconds.
    windows : numpy.ndarray
        How many whole ones there are.
    fano : numpy.ndarray
        Variance over mean of the arrivals, ties included, in a window; 1 for a Poisson process, nan where
        there are fewer than 30 windows.
    """

    n: int
    rate: float
    tied: float
    median: float
    cv: float
    shape: Fact
    scale: float
    log_likelihood_exponential: float
    log_likelihood_weibull: float
    p_value: float
    window_s: Floats
    windows: Integers
    fano: Floats


def order_sizes(
    qty: ArrayLike, *, lot: float | None = None, round_to: float | None = None, confidence: float = 0.95
) -> OrderSizes:
    r"""Mean, quantiles and tail of order sizes, the tail held against a log-normal one.

    Parameters
    ----------
    qty : array of shape (n,)
        Sizes, more than 0.
    lot : float, optional
        Where sizes are whole multiples of this, and the tail begins at few of them: what was rounded to a lot
        counts as half a lot to either side.
    round_to : float, optional
        What counts as a round size: its whole multiples.
    confidence : float
        Of the exponent's interval.

    Returns
    -------
    OrderSizes

    Raises
    ------
    ScenarioError
        Fewer than 100 sizes, sizes not finite or not above 0, all too much the same for a tail of 50 with two
        sizes in it, no scipy.

    Notes
    -----
    Beyond a cut c the exponent is :math:`n / \sum \ln(x_i / c)` (with a lot, c less half of it), the cut the
    one at which the Kolmogorov-Smirnov distance of the tail from its law is least [1]_. Up to 200 sizes are
    tried as cuts, equally far apart in rank, then all (up to 200) between the neighbours of the best. The
    interval is :math:`\alpha \pm z \alpha / \sqrt n`: it takes the cut as known. Whether the law holds at
    all is not tested; the comparison says which of two is nearer [2]_.

    References
    ----------
    .. [1] Clauset, Shalizi and Newman, Power-law distributions in empirical data, 2009.
    .. [2] Vuong, Likelihood ratio tests for model selection and non-nested hypotheses, 1989.
    """
    check_scipy("order_sizes")
    reach = z(confidence)
    sizes = np.sort(positive("qty", qty))
    enough("qty", len(sizes), "sizes", LEAST, "")
    half = 0.0 if lot is None else span("lot", lot, allowed="a finite number, more than 0") / 2
    if half > sizes[0] * (0.5 + 1e-9):
        raise problem("lot", f"{2 * half:g}", f"at most the smallest size, {sizes[0]:g}")
    cut, alpha, distance = _best_cut(sizes, half)
    beyond = sizes[np.searchsorted(sizes, cut) :]
    vuong, p_value = _against_log_normal(beyond, alpha, cut - half)
    rounded = math.nan
    if round_to is not None:
        unit = span("round_to", round_to, allowed="a finite number, more than 0")
        multiples = sizes / unit
        rounded = float((np.abs(multiples - np.rint(multiples)) < 1e-9 * np.maximum(multiples, 1)).mean())
    interval = reach * alpha / math.sqrt(len(beyond))
    said = (
        f"tail exponent of {len(beyond):,} sizes from {cut:.6g}, the cut of least Kolmogorov-Smirnov distance"
    )
    quantiles = np.quantile(sizes, QUANTILES)
    return OrderSizes(
        n=len(sizes),
        mean=float(sizes.mean()),
        median=float(np.median(sizes)),
        quantiles=dict(zip(QUANTILES, map(float, quantiles), strict=True)),
        exponent=Fact("order_sizes", alpha, alpha - interval, alpha + interval, len(sizes), said, confidence),
        cut=cut,
        tail=len(beyond),
        distance=distance,
        vuong=vuong,
        p_value=p_value,
        round_share=rounded,
    )


def _best_cut(sizes: Floats, half: float) -> tuple[float, float, float]:
    """Cut, exponent and distance where the distance is least; sizes rise."""
    kinds, first = np.unique(sizes, return_index=True)
    usable = int(((len(sizes) - first >= LEAST_TAIL) & (kinds < kinds[-1])).sum())
    if not usable:
        said = f"{len(kinds):,} different sizes in {len(sizes):,}, {kinds[-1]:g} the largest"
        raise problem("qty", said, f"a tail of at least {LEAST_TAIL} with two sizes in it")
    sums = np.log(sizes)[::-1].cumsum()[::-1]
    # Evenly in rank: close together where sizes are many, and each size once.
    ranks = np.linspace(0, first[usable - 1], CUTS)
    coarse = np.unique(np.searchsorted(first, ranks, side="right") - 1)
    tried = {int(i): _fit(sizes, sums, int(first[i]), half) for i in coarse}
    best = min(tried, key=lambda i: tried[i][1])
    at = int(np.searchsorted(coarse, best))
    low, high = coarse[max(0, at - 1)], coarse[min(len(coarse) - 1, at + 1)]
    for i in np.unique(np.linspace(low, high, min(CUTS, int(high - low) + 1)).astype(np.int64)):
        tried.setdefault(int(i), _fit(sizes, sums, int(first[i]), half))
    best = min(tried, key=lambda i: tried[i][1])
    return float(kinds[best]), *tried[best]


def _fit(sizes: Floats, sums: Floats, begin: int, half: float) -> tuple[float, float]:
    """Exponent of the sizes from there, and their distance from its law."""
    tail, n = sizes[begin:], len(sizes) - begin
    cut = tail[0] - half
    alpha = n / float(sums[begin] - n * math.log(cut))
    last = np.append(tail[1:] != tail[:-1], True)
    upto = np.flatnonzero(last) + 1.0
    law = 1 - ((tail[last] + half) / cut) ** -alpha
    apart = np.abs(upto / n - law).max()
    if half == 0:
        apart = max(apart, np.abs(np.append(0.0, upto[:-1]) / n - law).max())
    return alpha, float(apart)


def _against_log_normal(tail: Floats, alpha: float, cut: float) -> tuple[float, float]:
    """Vuong's statistic of the power law against a log-normal, both from the cut; and its p-value."""
    from scipy.optimize import minimize
    from scipy.special import erfc, log_ndtr

    # In units of the mean excess the power law is Exp(1); the log-normal needs two moments only.
    y = alpha * np.log(tail / cut)
    first, second = float(y.mean()), float((y**2).mean())

    def loss(at: Floats) -> float:
        mean, log_sd = at
        sd = math.exp(log_sd)
        around = (second - 2 * mean * first + mean**2) / (2 * sd**2)
        return float(log_sd + around + log_ndtr(mean / sd))

    bounds = [(-50.0, float(y.max()) + 1), (-7.0, 5.0)]
    begins = [(first, 0.5 * math.log(max(second - first**2, 1e-6))), (-2.0, 0.7)]
    options = {"xatol": 1e-7, "fatol": 1e-11, "maxiter": 2_000}
    tried = [minimize(loss, at, method="Nelder-Mead", bounds=bounds, options=options) for at in begins]
    found = min(tried, key=lambda each: each.fun)
    mean, sd = float(found.x[0]), math.exp(found.x[1])
    normal = -math.log(sd) - 0.5 * math.log(2 * math.pi) - (y - mean) ** 2 / (2 * sd**2) - log_ndtr(mean / sd)
    ahead = -y - normal
    deviation = float(ahead.std())
    if deviation == 0:
        return 0.0, 1.0
    ratio = float(ahead.sum()) / (deviation * math.sqrt(len(y)))
    return ratio, float(erfc(abs(ratio) / math.sqrt(2)))


def inter_arrivals(
    time: ArrayLike, *, windows_s: ArrayLike = WINDOWS_S, confidence: float = 0.95
) -> InterArrivals:
    """Rate of arrivals, and how far from a Poisson process they are.

    Parameters
    ----------
    time : array of shape (n,)
        Of each arrival, seconds; rising, ties allowed.
    windows_s : array of float
        Windows in which arrivals are counted, seconds.
    confidence : float
        Of the shape's interval.

    Returns
    -------
    InterArrivals

    Raises
    ------
    ScenarioError
        Fewer than 100 arrivals at different times, times not finite or falling, all equally far apart,
        windows not above 0, no scipy.

    Notes
    -----
    Arrivals at one time are one for the laws, as trades of one order are [1]_; rate and counts have them all.
    Both laws are fitted by maximum likelihood; the interval of the shape k is k plus or minus
    z k sqrt(6 / (pi^2 n)), which holds for independent times [2]_.

    References
    ----------
    .. [1] Engle and Russell, Autoregressive conditional duration, 1998.
    .. [2] Johnson, Kotz and Balakrishnan, Continuous univariate distributions, vol. 1, 1994, ch. 21.
    """
    check_scipy("inter_arrivals")
    from scipy.special import chdtrc

    reach = z(confidence)
    times = rising("time", time)
    between = np.diff(times)
    apart = between[between > 0]
    enough("time", len(apart) + 1 if len(times) else 0, "arrivals at different times", LEAST, "")
    if apart.std() < 1e-9 * apart.mean():
        raise problem("time", f"{len(apart):,} times {apart[0]:g} s between arrivals", "times that differ")
    windows = np.atleast_1d(np.asarray(windows_s, np.float64))
    if windows.ndim != 1 or not (np.isfinite(windows) & (windows > 0)).all():
        raise problem("windows_s", windows.tolist(), "finite numbers of seconds, more than 0")
    mean = float(apart.mean())
    shape, scale = _weibull(apart)
    n = len(apart)
    exponential = -n * (1 + math.log(mean))
    scaled = np.log(apart / scale)
    weibull = n * math.log(shape / scale) + float(((shape - 1) * scaled - np.exp(shape * scaled)).sum())
    half = reach * shape * math.sqrt(6 / n) / math.pi
    said = f"Weibull shape of {n:,} times between arrivals, by maximum likelihood; 1 is exponential"
    counted = [_fano(times, window) for window in windows]
    return InterArrivals(
        n=len(times),
        rate=(len(times) - 1) / float(times[-1] - times[0]),
        tied=1 - n / len(between),
        median=float(np.median(apart)),
        cv=float(apart.std() / mean),
        shape=Fact("inter_arrivals", shape, shape - half, shape + half, len(times), said, confidence),
        scale=scale,
        log_likelihood_exponential=exponential,
        log_likelihood_weibull=weibull,
        p_value=float(chdtrc(1, max(0.0, 2 * (weibull - exponential)))),
        window_s=windows,
        windows=np.array([whole for whole, _ in counted]),
        fano=np.array([fano for _, fano in counted]),
    )


def _weibull(apart: Floats) -> tuple[float, float]:
    """Shape and scale of greatest likelihood: the one root of the shape's equation."""
    from scipy.optimize import brentq

    logs = np.log(apart)
    largest, mean = float(logs.max()), float(logs.mean())

    def score(shape: float) -> float:
        weights = np.exp(shape * (logs - largest))
        return float(weights @ logs / weights.sum()) - 1 / shape - mean

    low, high = 1e-3, 1.0
    while score(high) < 0:
        low, high = high, 2 * high
    shape = float(brentq(score, low, high, xtol=1e-12, rtol=1e-12))
    scale = math.exp(largest + math.log(float(np.exp(shape * (logs - largest)).mean())) / shape)
    return shape, scale


def _fano(times: Floats, window: float) -> tuple[int, float]:
    """Whole windows, and variance over mean of the counts in them."""
    whole = int((times[-1] - times[0]) / window)
    if whole < LEAST_WINDOWS:
        return whole, math.nan
    upto = np.searchsorted(times, times[0] + window * np.arange(whole + 1))
    counts = np.diff(upto)
    return whole, float(counts.var(ddof=1) / counts.mean())
