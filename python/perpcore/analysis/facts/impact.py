"""What a metaorder moves, by a fixed protocol: the same world with it and without it, by size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import numpy as np

from perpcore._structs import Number, problem, shown
from perpcore.agents import Leg, Whale
from perpcore.analysis.facts._bootstrap import RESAMPLES, interval
from perpcore.analysis.facts._columns import positive, share, span, whole, z
from perpcore.analysis.facts._fact import Fact

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from perpcore.results import Run
    from perpcore.scenario import Scenario

    Floats = NDArray[np.float64]

#: The name of the agent who executes; no other's.
WHO = "metaorder"
DEFINITION = "exponent of relative impact at the end of a purchase, in its size"


@dataclass(frozen=True, slots=True)
class Impact:
    """Impact of metaorders by size; columns in the order of `size`.

    Attributes
    ----------
    size : array
        Tokens.
    participation : array
        Size over all that traded in its market while it was executed, the mean of all paths.
    impact, low, high : array
        Relative to the price without it, at the end of the execution: mean of all paths, and its normal
        interval (none, nan, of a single path).
    after, after_low, after_high : array
        The same `wait_s` later.
    slope, after_slope : Fact
        Exponents of size: weighted least squares of log impact on log size. `after_slope` is nan where a
        mean is not positive.
    """

    size: Floats
    participation: Floats
    impact: Floats
    low: Floats
    high: Floats
    after: Floats
    after_low: Floats
    after_high: Floats
    slope: Fact
    after_slope: Fact


def metaorder_impact(
    scenario: Scenario,
    *,
    sizes: ArrayLike,
    at_s: float,
    over_s: float,
    wait_s: float = 0.0,
    market: Literal["spot", "perp"] = "spot",
    paths: int = 20,
    seed: int = 0,
    n_threads: int | None = None,
    confidence: float = 0.95,
) -> Impact:
    """Measure what a purchase of each size moves its market by.

    An agent is added behind all others, so that theirs are the same random numbers with it and without it. It
    buys evenly over `over_s` at market, financed, and keeps what it bought. Impact is the last trade's price
    over the one in the same path without it, less 1.

    Parameters
    ----------
    scenario : Scenario
        A run through time; its horizon becomes the end of the wait.
    sizes : array
        Tokens, to the nearest lot; rising, over a hundredfold or more: `numpy.geomspace` makes nine of two
        decades.
    at_s, over_s, wait_s : float
        Seconds after the start at which it begins, that it takes, and after its end.
    market : {"spot", "perp"}
    paths : int
        Worlds, from 1; the same for each size.
    seed : int
    n_threads : int, optional
        As many as there are processors if not given; no result depends on it.
    confidence : float
        Of the intervals.

    Returns
    -------
    Impact

    Raises
    ------
    ScenarioError
        No time, sizes of less than two decades or that the book could not fill, or a mean impact that is not
        positive: more paths are needed then.

    Notes
    -----
    Weights are inverse variances of log impact (equal where a size has none). The slope's interval is the
    bootstrap's over paths, drawn together for all sizes; in a world without chance it has no width. In a
    static book impact follows from the book: with depth that grows as ``distance^a`` the slope is ``1 / a``.
    Real metaorders show some 0.5 [1]_ to 0.6 [2]_.

    References
    ----------
    .. [1] Toth et al., Anomalous price impact and the critical nature of liquidity in financial markets,
       Physical Review X 1, 2011.
    .. [2] Almgren, Thum, Hauptmann and Li, Direct estimation of equity market impact, Risk 18, 2005.
    """
    at_s, over_s = span("at_s", at_s), span("over_s", over_s)
    if wait_s != 0:
        wait_s = span("wait_s", wait_s)
    if market not in ("spot", "perp"):
        raise problem("market", shown(market), '"spot" or "perp"')
    paths, confidence = whole("paths", paths, 1), share("confidence", confidence)
    quantities = _sizes(sizes, (scenario.spot if market == "spot" else scenario.perp).lot_size)
    worlds = _worlds(scenario, quantities, at_s, over_s, wait_s, market)

    def one(job: tuple[int, int]) -> tuple[float, float, float]:
        index, path = job
        run = worlds[index].run(seed=seed, path=path)
        if index:
            _check_filled(run, float(quantities[index - 1]), market)
        return _measured(run, market, at_s, at_s + over_s)

    jobs = [(index, path) for index in range(len(worlds)) for path in range(paths)]
    with ThreadPoolExecutor(n_threads or os.cpu_count()) as pool:
        figures = np.array(list(pool.map(one, jobs))).reshape(len(worlds), paths, 3)
    moved = figures[1:, :, :2] / figures[0, :, :2] - 1
    return _impact(quantities, moved, figures[1:, :, 2], confidence)


def _sizes(sizes: ArrayLike, lot: Number) -> Floats:
    exact = Decimal(str(lot))
    # the nearest decimal of whole lots, not a product of floats
    read = np.array([float(round(size / float(exact)) * exact) for size in positive("sizes", sizes)])
    if len(read) < 3 or read[0] <= 0 or (np.diff(read) <= 0).any() or read[-1] < 99 * read[0]:
        raise problem(
            "sizes",
            shown(read.tolist()),
            "three or more that rise, over a hundredfold or more, each of a lot or more",
        )
    return read


def _worlds(
    scenario: Scenario, sizes: Floats, at_s: float, over_s: float, wait_s: float, market: str
) -> list[Scenario]:
    """The scenario without the order, then with each size; its agent is there in all of them."""
    if scenario.time is None:
        raise problem("time", "none", "a run through time")
    # no shorter than was asked, also where floats add up to a bit less
    horizon = Decimal(repr(at_s)) + Decimal(repr(over_s)) + Decimal(repr(wait_s))
    begin, length = Decimal(repr(at_s)), Decimal(repr(over_s))
    legs = [None, *(Leg(qty=Decimal(repr(float(q))), at_s=begin, over_s=length) for q in sizes)]
    base: Sequence[object] = scenario.agents
    return [
        scenario.replace(
            {
                "time.horizon_s": horizon,
                "time.sample_s": horizon,
                "time.until": "horizon",
                "agents": (*base, _buyer(leg, market)),
            }
        )
        for leg in legs
    ]


def _buyer(leg: Leg | None, market: str) -> Whale:
    return Whale(name=WHO, accumulate=leg) if market == "spot" else Whale(name=WHO, longs=leg)


def _measured(run: Run, market: str, begin: float, end: float) -> tuple[float, float, float]:
    """Last price at the end of the execution and of the run, and what traded meanwhile."""
    time = run.scenario.time
    assert time is not None
    stages = run.stages
    clock = np.asarray(run.exact("stages")["clock"])
    first, last = (round(at / float(time.step_s)) for at in (begin, end))
    until = int(np.searchsorted(clock, last, side="right"))
    since = int(np.searchsorted(clock, first, side="right"))
    prices = stages[f"{market}_last"]
    volume = float(np.asarray(stages[f"{market}_volume"])[since:until].sum())
    return float(prices[until - 1]), float(prices[-1]), volume


def _check_filled(run: Run, size: float, market: str) -> None:
    agents = run.agents
    mine = np.flatnonzero(np.asarray(agents["agent"]) == WHO)
    got = float(np.asarray(agents["tokens" if market == "spot" else "qty"])[mine[-1]])
    if got < size * (1 - 1e-6):
        raise problem(
            "sizes", f"{size:,.10g}", f"what the book fills: here {got:,.10g} tokens (path {run.path})"
        )


def _impact(sizes: Floats, moved: Floats, volumes: Floats, confidence: float) -> Impact:
    paths = moved.shape[1]
    means = moved.mean(axis=1)
    errors = moved.std(axis=1, ddof=1) / np.sqrt(paths) if paths > 1 else np.full_like(means, np.nan)
    reach = z(confidence) * errors
    if (means[:, 0] <= 0).any():
        row = int(np.flatnonzero(means[:, 0] <= 0)[0])
        raise problem(
            "paths", f"{paths:,}", f"more: the mean impact of size {sizes[row]:,.6g} is {means[row, 0]:.3g}"
        )
    slopes = [_slope(sizes, moved[:, :, i], errors[:, i], confidence) for i in (0, 1)]
    return Impact(
        size=sizes,
        participation=(sizes[:, None] / volumes).mean(axis=1),
        impact=means[:, 0],
        low=means[:, 0] - reach[:, 0],
        high=means[:, 0] + reach[:, 0],
        after=means[:, 1],
        after_low=means[:, 1] - reach[:, 1],
        after_high=means[:, 1] + reach[:, 1],
        slope=slopes[0],
        after_slope=slopes[1],
    )


def _slope(sizes: Floats, moved: Floats, errors: Floats, confidence: float) -> Fact:
    """Weighted least squares of log means on log sizes, and the bootstrap over paths."""
    means = moved.mean(axis=1)
    if (means <= 0).any():
        return Fact("impact_slope", np.nan, np.nan, np.nan, moved.shape[1], DEFINITION, confidence)
    certain = not (np.isfinite(errors) & (errors > 1e-9 * means)).all()
    weights = np.ones_like(means) if certain else (means / errors) ** 2
    x = np.log(sizes)

    def fitted(drawn: Floats) -> Floats:
        # a resample in which a size's mean is not positive has no logarithm there: that size is left out
        kept = np.where(drawn > 0, weights[:, None], 0.0)
        y = np.log(np.where(drawn > 0, drawn, 1.0))
        centre = (kept * x[:, None]).sum(axis=0) / kept.sum(axis=0)
        away = x[:, None] - centre
        slopes: Floats = (kept * away * y).sum(axis=0) / (kept * away**2).sum(axis=0)
        return slopes

    paths = moved.shape[1]
    chosen = np.random.default_rng(0).integers(paths, size=(RESAMPLES, paths))  # the same for the same data
    low, high = interval(fitted(moved[:, chosen].mean(axis=2)), confidence)
    return Fact("impact_slope", float(fitted(means[:, None])[0]), low, high, paths, DEFINITION, confidence)
