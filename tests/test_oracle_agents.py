"""The engine and the oracle agree bit for bit where agents act: every table, account and figure."""

import random
from decimal import Decimal

import pytest

import perpcore as pc
from comparison import assert_same, assert_same_row
from oracle.lively import lively_scenario, lively_things
from oracle.worked import by_hand

CHUNKS, EACH, PATHS = 8, 40, 2

#: Shares of worlds that must at least show this; some half of what they did when this was written.
COVERAGE = {
    "noise": 0.5,
    "an agent's order hit": 0.5,
    "a liquidation": 0.45,
    "funding": 0.3,
    "a whale": 0.25,
    "a crowd": 0.2,
    "a crowd leaves": 0.1,
    "an unlock": 0.2,
    "hunting": 0.2,
    "arbitrage": 0.2,
    "momentum": 0.2,
    "holders sell": 0.2,
    "a way out": 0.2,
    "locked tokens": 0.12,
    "an agent liquidated": 0.05,
}


def test_a_threshold_behind_a_stop_follows_funding():
    """Four payments, 46 in all: the short has 246 and the threshold 1246 / 10.1, in the round of its stop."""
    funding = {"interval_h": 1, "interest": Decimal("0.08"), "clamp": 1}
    scenario = by_hand(60, longs=(), short={"stop_price": 101}, funding=funding)
    scenario |= {"time": {"step_s": 3600, "horizon_s": 21_600}}
    scenario["ignition"]["at_s"] = 14_400
    expected = assert_same(scenario, seed=1)
    assert [row["threshold"] for row in expected.liquidations] == [101, 124]


@pytest.mark.parametrize("world", [334, 2313, 6098])
def test_worlds_that_differed_once_agree(world):
    """A desk whose losses outgrew its cost, or any price; collateral of an agent without a position."""
    assert_same(lively_scenario(random.Random(world), world), world)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_worlds_of_agents_agree(chunk):
    """A traced run, lazy or eager, and the row of an ensemble."""
    counts = dict.fromkeys(COVERAGE, 0)
    for i in range(chunk * EACH, (chunk + 1) * EACH):
        scenario, path = lively_scenario(random.Random(i), i), i % PATHS
        try:
            expected = assert_same(scenario, i, path, modes=[i // 2 % 2 == 0])
            ensemble = pc.Scenario.from_dict(scenario).monte_carlo(
                paths=PATHS, seed=i, n_threads=1, progress=False
            )
            assert_same_row(ensemble, path, expected)
        except BaseException:
            print(f"lively_scenario(random.Random({i}), {i}), seed {i}, path {path}")
            raise
        happened = lively_things(scenario, expected)
        for what in counts:
            counts[what] += what in happened
    for what, least in COVERAGE.items():
        assert counts[what] >= least * EACH, f"only {counts[what]} of {EACH} worlds: {what}"
