"""How much events call forth events: a Hawkes process with an exponential kernel, by maximum likelihood.

The intensity is ``mu + branching beta sum exp(-beta (t - t_i))`` over the events before `t` (Hawkes 1971):
each calls forth `branching` others on average, the share of all that is not from outside. Times are in one
unit throughout, seconds say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from perpcore._structs import problem, shown
from perpcore.analysis.facts._columns import check_scipy, column, enough, share, span
from perpcore.analysis.facts._fact import Fact

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

LEAST_EVENTS = 20
#: A branching ratio below this is none; one above that is not looked for.
NONE, MOST = 1e-6, 20.0
#: Decays that the search starts from, in mean rates, and ratios.
DECAYS, RATIOS = (0.3, 3.0, 30.0), (0.3, 0.8)
MOST_SIMULATED = 10_000_000


@dataclass(frozen=True, slots=True)
class Hawkes:
    """A fitted Hawkes process.

    Attributes
    ----------
    branching : Fact
        Events that one event calls forth; 0 is a Poisson process, from 1 on it would not calm down.
    beta : Fact
        Decay per unit of time; the kernel's mean delay is its inverse. Nothing is known of it where
        `branching` may be 0: then its interval is wide.
    mu : tuple of Fact
        Events from outside per unit of time, one for each window.
    log_likelihood : float
        At the maximum.
    poisson_log_likelihood : float
        Of homogeneous Poisson processes, a rate for each window.
    events : int
        That were scored: without those at or before the start.
    p_value : float
        Kolmogorov-Smirnov, of the time-rescaled gaps against the exponential law. The parameters are of the
        same data, so it is rather too high: a small one speaks against the model, a large one little for it.
    """

    branching: Fact
    beta: Fact
    mu: tuple[Fact, ...]
    log_likelihood: float
    poisson_log_likelihood: float
    events: int
    p_value: float

    @property
    def likelihood_ratio(self) -> float:
        """Twice what the log-likelihood gains on that of the Poisson processes."""
        return 2 * (self.log_likelihood - self.poisson_log_likelihood)


def fit_hawkes(
    times: ArrayLike | Sequence[ArrayLike],
    *,
    end: float | None = None,
    start: float = 0.0,
    ends: Sequence[float] | None = None,
    starts: Sequence[float] | None = None,
    confidence: float = 0.95,
) -> Hawkes:
    """Fit a Hawkes process to one window of events, or to several together.

    Parameters
    ----------
    times : array, or sequence of arrays
        When events happened, rising. Those at or before the start call forth others, but are not scored
        themselves: what happened before a window opened.
    end, start : float
        Of the window, when `times` is one array.
    ends, starts : sequence of float
        Of each window, when it is several; starts are 0 if not given. `branching` and `beta` are common to
        all, each has its `mu`: what comes from outside differs from coin to coin and hour to hour.
    confidence : float
        Of the intervals, more than 0 and less than 1.

    Returns
    -------
    Hawkes

    Raises
    ------
    ScenarioError
        Fewer than 20 events after the starts, a window without any, times that are equal, do not rise, or lie
        behind the end; scipy is missing.

    Notes
    -----
    The exact likelihood by a recursion, in time proportional to the number of events [1]_, with its gradient;
    maximised over the logarithms of the parameters from six starts that depend on nothing but the data.
    Stationarity is not imposed: `branching` may exceed 1, which in a finite window is a process like any
    other. `beta` is looked for from the inverse of the longest window to ten times that of the shortest gap.
    Intervals are those of the profile likelihood: all values at which the best of the other parameters is not
    worse than the maximum by more than half the quantile of chi-squared with one degree of freedom. An end
    at 0 or infinity says that the data do not bound it. Residuals are those of [2]_.

    References
    ----------
    .. [1] Ozaki, Maximum likelihood estimation of Hawkes' self-exciting point processes, Annals of the
       Institute of Statistical Mathematics 31, 1979.
    .. [2] Ogata, Statistical models for earthquake occurrences and residual analysis for point processes,
       Journal of the American Statistical Association 83, 1988.
    """
    check_scipy("fit_hawkes")
    confidence = share("confidence", confidence)
    data = _Windows.read(times, end=end, start=start, ends=ends, starts=starts)
    return _fitted(data, confidence)


def log_likelihood(
    times: ArrayLike, *, mu: float, branching: float, beta: float, end: float, start: float = 0.0
) -> float:
    """Log-likelihood of a Hawkes process that is given, of events after `start` up to `end`.

    Parameters
    ----------
    times : array
        As `fit_hawkes` takes them; any number.
    mu, beta : float
        More than 0, per unit of time.
    branching : float
        More than 0.
    end, start : float
        Of the window.

    Raises
    ------
    ScenarioError
        Parameters that are not positive, and what `fit_hawkes` refuses.
    """
    check_scipy("log_likelihood")
    given = [("mu", mu), ("branching", branching), ("beta", beta)]
    logs = [math.log(span(field, value, allowed="a finite number, more than 0")) for field, value in given]
    data = _Windows.read(times, end=end, start=start, ends=None, starts=None, least=0)
    return -data.loss(np.array([logs[1], logs[2], logs[0]]))[0]


def simulate_hawkes(mu: float, branching: float, beta: float, end: float, seed: int) -> Floats:
    """Draw a Hawkes process that begins with nothing before it.

    Parameters
    ----------
    mu, beta, end : float
        Rate from outside and decay per unit of time, and length; more than 0.
    branching : float
        From 0.
    seed : int
        Of the draw.

    Returns
    -------
    array
        Times, rising, from 0 to `end`.

    Raises
    ------
    ScenarioError
        Parameters that can't be, or more than ten million events.

    Notes
    -----
    Cluster by cluster [1]_: those from outside are uniform, each has a Poisson number of offspring after
    exponential delays, and so on, generation by generation, as long as any come before the end.

    References
    ----------
    .. [1] Hawkes and Oakes, A cluster process representation of a self-exciting process, Journal of Applied
       Probability 11, 1974.
    """
    mu, beta, end = span("mu", mu), span("beta", beta), span("end", end)
    if branching != 0:
        branching = span("branching", branching, allowed="a finite number from 0")
    chance = np.random.default_rng(seed)
    generation = chance.uniform(0, end, chance.poisson(mu * end))
    born, count = [generation], len(generation)
    while len(generation):
        parents = np.repeat(generation, chance.poisson(branching, len(generation)))
        generation = parents + chance.exponential(1 / beta, len(parents))
        generation = generation[generation <= end]
        born.append(generation)
        count += len(generation)
        if count > MOST_SIMULATED:
            raise problem(
                "branching", branching, f"what gives at most {MOST_SIMULATED:,} events until {end:g}"
            )
    return np.sort(np.concatenate(born))


@dataclass(frozen=True, slots=True)
class _Windows:
    """Events of all windows, one behind the other, and what the likelihood needs of them.

    A point in the search is (log branching, log beta, log mu of each window).
    """

    times: Floats
    gaps: Floats  # to the event before, 0 for the first of a window
    first: NDArray[np.bool_]
    scored: NDArray[np.bool_]
    window: NDArray[np.int64]
    before: Floats  # from an event to its window's start, if it lies before
    after: Floats  # from an event to its window's end
    starts: Floats
    lengths: Floats
    counts: NDArray[np.int64]  # scored ones of each window

    @classmethod
    def read(
        cls,
        times: ArrayLike | Sequence[ArrayLike],
        *,
        end: float | None,
        start: float,
        ends: Sequence[float] | None,
        starts: Sequence[float] | None,
        least: int = LEAST_EVENTS,
    ) -> _Windows:
        """The windows that a caller gives, checked."""
        if (end is None) == (ends is None):
            raise problem("end", shown(end), "the end of one window, or in its place `ends` of several")
        given: Any = times
        if end is not None:
            pieces, fields = [column("times", given)], ["times"]
            begin, stop = column("start", [start]), column("end", [end])
        else:
            pieces = [column(f"times[{i}]", piece) for i, piece in enumerate(given)]
            fields = [f"times[{i}]" for i in range(len(pieces))]
            stop = column("ends", np.asarray(ends), length=len(pieces))
            begin = column("starts", np.zeros(len(stop)) if starts is None else starts, length=len(stop))
        for field, piece, low, high in zip(fields, pieces, begin, stop, strict=True):
            _check(field, piece, low, high, least=min(1, least))
        data = cls._joined(pieces, begin, stop)
        enough("times", int(data.counts.sum()), "events after the start", least, " for a fit")
        return data

    @classmethod
    def _joined(cls, pieces: list[Floats], starts: Floats, ends: Floats) -> _Windows:
        times = np.concatenate(pieces) if pieces else np.empty(0)
        window = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
        first = np.concatenate([np.arange(len(piece)) == 0 for piece in pieces]) if pieces else times > 0
        gaps = np.where(first, 0.0, np.diff(times, prepend=times[:1]))
        scored = times > starts[window]
        return cls(
            times=times,
            gaps=gaps,
            first=first,
            scored=scored,
            window=window,
            before=np.maximum(starts[window] - times, 0.0),
            after=ends[window] - times,
            starts=starts,
            lengths=ends - starts,
            counts=np.bincount(window[scored], minlength=len(pieces)),
        )

    def excitation(self, beta: float) -> tuple[Floats, Floats]:
        """Ozaki's recursion ``R_i = exp(-beta gap_i) (1 + R_(i-1))``, and what changes in it with beta.

        Both are lower triangular systems with one line beside the diagonal.
        """
        from scipy.linalg.lapack import dtbtrs

        decays = np.where(self.first, 0.0, np.exp(-beta * self.gaps))
        band = np.ones((2, len(decays)))
        band[1, :-1] = -decays[1:]
        levels = dtbtrs(band, decays[:, None], uplo="L", diag="U")[0][:, 0]
        slopes = dtbtrs(band, (-self.gaps * levels)[:, None], uplo="L", diag="U")[0][:, 0]
        return levels, slopes

    def loss(self, point: Floats) -> tuple[float, Floats]:
        """The log-likelihood's negative, and its gradient."""
        ratio, beta = math.exp(point[0]), math.exp(point[1])
        mu = np.exp(point[2:])
        levels, slopes = (column[self.scored] for column in self.excitation(beta))
        window = self.window[self.scored]
        rates = mu[window] + ratio * beta * levels
        begun, ended = np.exp(-beta * self.before), np.exp(-beta * self.after)
        called = float((begun - ended).sum())
        value = float(np.log(rates).sum()) - float(mu @ self.lengths) - ratio * called
        later = float((self.after * ended - self.before * begun).sum())
        gradient = np.empty_like(point)
        gradient[0] = ratio * (beta * float((levels / rates).sum()) - called)
        gradient[1] = beta * ratio * (float(((levels + beta * slopes) / rates).sum()) - later)
        gradient[2:] = mu * (np.bincount(window, 1 / rates, minlength=len(mu)) - self.lengths)
        return -value, -gradient

    def bounds(self) -> list[tuple[float, float]]:
        """Where the search looks, in logarithms."""
        shortest = float(self.gaps[~self.first].min()) if not self.first.all() else float(self.lengths.max())
        rates = np.log(self.counts / self.lengths)
        decays = (-math.log(float(self.lengths.max())), math.log(10 / shortest))
        ratios = (math.log(NONE), math.log(MOST))
        return [ratios, decays, *((float(rate) - 14, float(rate) + 2) for rate in rates)]

    def residuals(self, point: Floats) -> Floats:
        """The intensity's integral from each scored event's predecessor, or the start, to it."""
        ratio, beta = math.exp(point[0]), math.exp(point[1])
        levels, _ = self.excitation(beta)
        since = np.where(self.first, self.starts[self.window], self.times - self.gaps)
        begin = np.maximum(since, self.starts[self.window])
        excited = np.where(self.first, 0.0, 1 + np.roll(levels, 1)) * np.exp(-beta * (begin - since))
        passed = self.times - begin
        whole = np.exp(point[2:])[self.window] * passed - ratio * excited * np.expm1(-beta * passed)
        return whole[self.scored]


def _check(field: str, times: Floats, start: float, end: float, *, least: int) -> None:
    if not end > start:
        raise problem("end", f"{end:.15g}", f"after the start at {start:.15g}")
    wrong = np.flatnonzero(np.diff(times) <= 0)
    if len(wrong):
        row = int(wrong[0]) + 1
        told = f"{times[row]:.15g} in row {row:,} after {times[row - 1]:.15g}"
        raise problem(field, told, "times that rise, none equal: `thin` keeps one of each second")
    if len(times) and times[-1] > end:
        raise problem(field, f"{times[-1]:.15g}", f"times up to the end at {end:.15g}")
    enough(field, int((times > start).sum()), "events after the start", least, "")


Loss = Callable[["Floats"], "tuple[float, Floats]"]


def _search(loss: Loss, start: Floats, bounds: list[tuple[float, float]]) -> tuple[float, Floats]:
    from scipy.optimize import minimize

    low, high = np.array(bounds).T
    found = minimize(loss, np.clip(start, low, high), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.fun), np.asarray(found.x, dtype=np.float64)


def _fitted(data: _Windows, confidence: float) -> Hawkes:
    from scipy import stats

    bounds, rates = data.bounds(), data.counts / data.lengths
    mean = float(data.counts.sum() / data.lengths.sum())
    points = [
        np.log(np.concatenate([[ratio, decay * mean], rates * (1 - ratio)]))
        for decay in DECAYS
        for ratio in RATIOS
    ]
    least, best = min((_search(data.loss, point, bounds) for point in points), key=lambda found: found[0])
    worse = least + stats.chi2.ppf(confidence, 1) / 2
    events = int(data.counts.sum())

    def fact(index: int, name: str, count: int, words: str) -> Fact:
        low, high = _profile(data, best, index, bounds, worse)
        value = math.exp(best[index])
        value = 0.0 if index == 0 and value <= 2 * NONE else value
        return Fact(name, value, low, high, count, words, confidence)

    poisson = float((data.counts * np.log(rates)).sum()) - events
    return Hawkes(
        branching=fact(0, "branching_ratio", events, "events that one calls forth (exponential Hawkes)"),
        beta=fact(1, "beta", events, "decay of what an event calls forth, per unit of time"),
        mu=tuple(
            fact(2 + i, "mu", int(count), "events from outside per unit of time")
            for i, count in enumerate(data.counts)
        ),
        log_likelihood=-least,
        poisson_log_likelihood=poisson,
        events=events,
        p_value=float(stats.kstest(data.residuals(best), "expon").pvalue),
    )


def _profile(
    data: _Windows, best: Floats, index: int, bounds: list[tuple[float, float]], worse: float
) -> tuple[float, float]:
    """Where the profile of one parameter crosses `worse`, below and above."""
    from scipy.optimize import brentq

    others = np.arange(len(best)) != index
    rest = [bound for bound, kept in zip(bounds, others, strict=True) if kept]

    def excess(at: float) -> float:
        def loss(point: Floats) -> tuple[float, Floats]:
            whole = np.empty_like(best)
            whole[index], whole[others] = at, point
            value, gradient = data.loss(whole)
            return value, gradient[others]

        return _search(loss, best[others], rest)[0] - worse

    ends = []
    for bound, sign, open_end in ((bounds[index][0], -1, 0.0), (bounds[index][1], 1, math.inf)):
        near, far = float(best[index]), float(best[index]) + sign * 0.25
        while (far - bound) * sign < 0 and excess(far) <= 0:
            near, far = far, far + 2 * (far - near)
        if (far - bound) * sign >= 0:
            far = bound
            if near == far or excess(far) <= 0:
                ends.append(open_end)
                continue
        ends.append(math.exp(brentq(excess, min(near, far), max(near, far), xtol=1e-4)))
    return ends[0], ends[1]
