"""The engine and the oracle agree bit for bit where agents act: every table, account and figure."""

import random
from decimal import Decimal

import pytest

import perpcore as pc
from comparison import assert_same, assert_same_row
from oracle.lively import lively_scenario, lively_things
from oracle.state import COLLATERAL
from oracle.worked import by_hand

UNIT = 10**6  # steps of one unit of money
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


@pytest.mark.parametrize("world", [334, 465, 2313, 6098])
def test_worlds_that_differed_once_agree(world):
    """A desk's cost of the other sign, or a debt that no price closes; an agent flat, in debt, with tokens.

    In 465 the arbitrageur between the venues closes what the market maker holds, who is in debt by then.

    What random worlds hold may change: bankruptcy values and the agent are also worked by hand.
    """
    assert_same(lively_scenario(random.Random(world), world), world)


@pytest.mark.parametrize(("margin", "sold", "owed"), [("0.5", [(3, 96, 1)], 0), ("0", [], 89 * UNIT)])
def test_an_agent_who_closes_in_debt_sells_tokens_first(margin, sold, owed):
    """10 of capital; long at 100, closed at 1: 89 are owed, for which one token goes at 96.

    The sale ends round 3 and asks for no other: steps and rounds are the same.
    """
    scenario = by_hand(1, longs=(), asks=[(100, 1)], spot_margin=Decimal(margin), insurance_fund=50)
    del scenario["ignition"]
    scenario["spot"]["bids"] = {"kind": "linear", "depth": 1}
    tokens = {"qty": 9, "at_s": 0}
    whale = {"accumulate": tokens, "longs": {"qty": 1, "at_s": 1}, "exit": {"at_s": 2, "over_s": 3}}
    terms = {"kind": "whale", "name": "whale", "capital": 10, "leverage": 20}
    scenario |= {"time": {"step_s": 1, "horizon_s": 5}, "positions": [], "agents": [terms | whale]}
    expected = assert_same(scenario, seed=1)
    collateral = [fill for fill in expected.fills if fill["cause"] == COLLATERAL]
    assert [(fill["round"], fill["price"], fill["qty"]) for fill in collateral] == sold
    assert [stage["round"] for stage in expected.stages] == [0, 1, 2, 3, 4, 5]
    assert sum(stage["bad_debt"] for stage in expected.stages) == owed


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
