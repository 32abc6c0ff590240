"""Market orders of noise that call forth others: a Hawkes process in steps (docs/AGENTS.md, section 3)."""

import numpy as np
import pytest

import perpcore as pc
from perpcore.analysis import facts

BRANCHING = 0.6


def world(step_s="0.1", horizon_s=2_000, **noise):
    """One agent that takes a token at a time from a deep book in spot."""
    book = {"tick_size": "0.0001", "lot_size": 1}
    deep = pc.Linear(depth=10**9)
    return pc.Scenario(
        start_price=10,
        total_supply=10**9,
        circulating=10**9,
        spot=pc.Market(**book, asks=deep, bids=deep),
        perp=pc.Market(**book, asks=deep),
        venue=pc.presets.rocketcoin().venue,
        market_maker=pc.MarketMaker(capital=1_000, hedge_ratio=0),
        positions=(),
        time=pc.Time(step_s=step_s, horizon_s=horizon_s, sample_s=horizon_s),
        agents=[
            pc.agents.Noise(name="noise", market="spot", qty=1, tokens=10**6, **({"rate_per_s": 1} | noise))
        ],
    )


def orders(scenario, path):
    """When the steps began in which orders came, one entry an order."""
    run = scenario.run(seed=1, path=path)
    return run.stages["time"][np.searchsorted(run.stages["round"], run.fills["round"])]


def test_the_mean_rate_stays_and_counts_spread_as_hawkes_processes_do():
    """Variance over mean of counts in long windows is 1 / (1 - n)^2 (Hawkes 1971)."""
    clusters = world(branching=BRANCHING, decay_s=2)
    runs = clusters.monte_carlo(paths=400, seed=1, progress=False)
    counts = runs["spot_volume"]
    fano, expected = 1 / (1 - BRANCHING) ** 2, 2_000
    error = np.sqrt(fano * expected / len(counts))
    lost = BRANCHING * 2 / (1 - BRANCHING)  # what the quiet before the start would have called forth
    assert abs(counts.mean() - expected + lost) < 4 * error
    spread = counts.var(ddof=1) / counts.mean()
    assert abs(spread / fano - 1) < 4 * np.sqrt(2 / len(counts))


def test_the_fitted_branching_is_the_one_that_was_set():
    scenario = world(horizon_s=3_000, branching=BRANCHING, decay_s=2)
    times = orders(scenario, 0)
    within = np.random.default_rng(1).uniform(0, 0.1, len(times))  # where in its step
    found = facts.fit_hawkes(np.sort(times + within), end=3_000.2).branching
    assert found.low < BRANCHING < found.high
    assert found.high - found.low < 0.2


def test_without_branching_counts_are_poisson():
    counts = world().monte_carlo(paths=400, seed=1, progress=False)["spot_volume"]
    assert abs(counts.var(ddof=1) / counts.mean() - 1) < 4 * np.sqrt(2 / len(counts))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"branching": 1, "decay_s": 1}, r"branching: 1 .*0\.99"),
        ({"branching": "-0.1", "decay_s": 1}, r"branching: -0\.1"),
        ({"branching": "0.5"}, r"decay_s: none .*more than 0 seconds"),
        ({"branching": "0.5", "decay_s": 0}, r"decay_s: 0 .*more than 0 seconds"),
        ({"decay_s": 1}, r"decay_s: 1 .*without a branching"),
    ],
)
def test_what_cannot_be_is_refused(given, field):
    with pytest.raises(pc.ScenarioError, match=field):
        world(**given)
