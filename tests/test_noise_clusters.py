"""Noise orders that call forth others: their mean, their variance over long times, a fit of what was set."""

import math

import numpy as np
import pytest

import perpcore as pc
from perpcore.analysis.facts import fit_hawkes

#: Seconds: far longer than a cluster lasts.
WINDOW = 2_000


def flow(time: pc.Time, **terms) -> pc.Scenario:
    """Noise orders of one token in a spot market that has all they ask for: each is filled in one piece."""
    noise = pc.agents.Noise(name="noise", market="spot", qty=1, tokens=1_000_000, **terms)
    return pc.presets.rocketcoin().replace(
        {
            "time": time,
            "circulating": 5_000_000,
            "positions": [],
            "ignition": None,
            "agents": [noise],
            "spot.asks": pc.Linear(depth=10**8),
            "spot.bids": pc.Linear(depth=10**8),
        }
    )


def clusters(branching: str, decay_s: int) -> dict:
    return {"branching": branching, "decay_s": decay_s} if float(branching) else {}


@pytest.mark.parametrize("branching", ["0", "0.5", "0.8"])
def test_the_mean_stays_and_the_variance_is_that_of_a_hawkes_process(branching):
    """Of counts N over times far longer than decay / (1 - n): var N = mean N / (1 - n)^2 (Hawkes 1971)."""
    rate, fano = 0.05, 1 / (1 - float(branching)) ** 2
    time = pc.Time(step_s=1, horizon_s=750 * WINDOW, sample_s=WINDOW)
    scenario = flow(time, rate_per_s=str(rate), **clusters(branching, 20))
    # The first sample is the start; in the first window no cluster has come from before.
    counts = scenario.run(seed=1, keep="samples").series["spot_volume"][2:].astype(float)
    mean, n = rate * WINDOW, len(counts)
    assert abs(counts.mean() - mean) < 4 * math.sqrt(fano * mean / n)
    # A variance of n counts has the relative deviation sqrt(2 / n) and a little for their skewness.
    assert counts.var(ddof=1) / counts.mean() == pytest.approx(fano, rel=4 * math.sqrt(2 / n))


@pytest.mark.parametrize("branching", ["0.3", "0.6"])
def test_a_fit_finds_the_branching_that_was_set(branching):
    step, horizon, decay = 0.1, 10_000, 4
    time = pc.Time(step_s=str(step), horizon_s=horizon)
    run = flow(time, rate_per_s="0.5", **clusters(branching, decay)).run(seed=2)
    assert set(run.fills["cause"]) == {"noise"}
    clock = dict(zip(run.stages["round"], run.stages["time"], strict=True))
    ends = np.array([clock[number] for number in run.fills["round"]])
    # Within its step an order comes at any time.
    times = np.sort(ends - step * np.random.default_rng(3).uniform(size=len(ends)))
    fit = fit_hawkes(times, end=horizon, confidence=0.99)
    assert fit.branching.low < float(branching) < fit.branching.high
    assert fit.branching.value == pytest.approx(float(branching), abs=0.06)
    assert fit.beta.low < 1 / decay < fit.beta.high


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"branching": 1, "decay_s": 60}, "branching"),
        ({"branching": "-0.1", "decay_s": 60}, "branching"),
        ({"branching": math.nan, "decay_s": 60}, "branching"),
        ({"branching": "0.5"}, "decay_s"),
        ({"branching": "0.5", "decay_s": 0}, "decay_s"),
        ({"branching": "0.5", "decay_s": -1}, "decay_s"),
        ({"decay_s": 60}, "decay_s"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(terms, field):
    with pytest.raises(pc.ScenarioError) as caught:
        flow(pc.Time(step_s=1, horizon_s=100), rate_per_s=1, **terms)
    assert [problem[0].rpartition(".")[2] for problem in caught.value.problems] == [field]


def test_quotes_lean_only_around_the_start_price_of_a_run_through_time():
    scenario = flow(pc.Time(step_s=1, horizon_s=100), rate_per_s=1)
    quote = pc.Quote(side="both", level_qty=10, around="start", skew="0.0001")
    assert scenario.replace({"spot.quote": quote}).spot.quote.skew > 0
    for path, bad in (
        ("spot.quote", quote.replace(around="mark")),
        ("spot.quote", quote.replace(skew=-1)),
        ("market_maker.quote", quote),
    ):
        with pytest.raises(pc.ScenarioError) as caught:
            scenario.replace({path: bad})
        assert [problem[0] for problem in caught.value.problems] == [f"{path}.skew"]
