"""The engine and the oracle agree bit for bit under every venue rule: orders, vault, deleveraging."""

import random

import pytest

import perpcore as pc
from comparison import assert_same, assert_same_row
from oracle.ruled import reached, ruled_scenario
from oracle.worked import by_hand, long_maker

CHUNKS, EACH, PATHS = 6, 50, 2

#: Shares of scenarios that must at least do this; the counts of rare rules are kept by test_oracle_rules.py.
COVERAGE = {
    "an order": 0.25,
    "a vault takeover": 0.04,
    "deleveraging in place of an order": 0.1,
    "relief": 0.2,
    "a second order": 0.06,
    "settlement": 0.12,
}

WORKED = {
    "deleveraged": by_hand(30, adl={"trigger": "always"}),
    "at the mark before": by_hand(30, adl={"trigger": "always", "price": "previous_mark"}),
    "the market maker deleveraged": long_maker(),
    "to the vault": by_hand(15, rate="0.1", longs=(), backstop={"capital": 10}, settlement_price=95),
    "shared": by_hand(30, asks=[(130, 50)], loss_sharing="profits"),
    "settled": by_hand(1, settlement_price=150, insurance_fund=40, max_rounds=1),
    "with a wallet": by_hand(30, short={"margin_mode": "cross", "wallet": 20}),
}


@pytest.mark.parametrize("name", WORKED)
def test_worked_cases_agree(name):
    assert_same(WORKED[name], seed=1)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_scenarios_under_venue_rules_agree(chunk):
    """Lazy, eager, a row of an ensemble and the oracle."""
    counts = dict.fromkeys(COVERAGE, 0)
    for i in range(chunk * EACH, (chunk + 1) * EACH):
        scenario = ruled_scenario(random.Random(i), i, PATHS)
        try:
            ensemble = pc.Scenario.from_dict(scenario).monte_carlo(
                paths=PATHS, seed=i, n_threads=1, progress=False
            )
            for path in range(PATHS):
                expected = assert_same(scenario, i, path)
                assert_same_row(ensemble, path, expected)
        except BaseException:
            print(f"ruled_scenario(random.Random({i}), {i}, {PATHS}), seed {i}")
            raise
        happened = reached(scenario, expected)
        for what in counts:
            counts[what] += what in happened
    for what, least in COVERAGE.items():
        assert counts[what] >= least * EACH, f"only {counts[what]} of {EACH} scenarios: {what}"
