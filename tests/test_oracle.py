"""The engine and the independent oracle agree bit for bit, fill by fill."""

import random

import pytest

import perpcore as pc
from comparison import assert_same, assert_same_row
from oracle.dressed import random_dressed_scenario
from oracle.scenarios import random_scenario

CHUNKS, EACH = 20, 50
DRESSED_CHUNKS, DRESSED_EACH, PATHS = 9, 28, 4


#: Shares of scenarios that must at least do this; some three quarters of what they did when this was written.
COVERAGE = {"sweeps a hundred levels": 0.3, "forces somebody": 0.6, "takes over": 0.25, "has a deficit": 0.2}
#: The same of paths of dressed scenarios; few to a chunk, so that the shares are lower.
DRESSED_COVERAGE = {
    "forces somebody": 0.4,
    "takes over": 0.1,
    "has a deficit": 0.1,
    "forces who came later": 0.2,
    "forces longs": 0.05,
}


def seen(expected):
    fills, summary = expected.fills, expected.summary
    return {
        "sweeps a hundred levels": len({(fill["book"], fill["price"]) for fill in fills}) >= 100,
        "forces somebody": bool(expected.liquidations),
        "takes over": summary["taken_over_qty"] > 0,
        "has a deficit": summary["bad_debt"] > 0,
        "forces longs": any(row["side"] > 0 for row in expected.liquidations),
    }


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_thousand_random_scenarios_agree(chunk):
    counts = dict.fromkeys(COVERAGE, 0)
    for i in range(chunk * EACH, (chunk + 1) * EACH):
        scenario = random_scenario(random.Random(i))
        try:
            expected = assert_same(scenario, seed=i, modes=[i % 2 == 0])
        except BaseException:
            print(f"random_scenario(random.Random({i})), seed {i}")
            raise
        happened = seen(expected)
        for what in counts:
            counts[what] += happened[what]
    for what, least in COVERAGE.items():
        assert counts[what] >= least * EACH, f"only {counts[what]} of {EACH} scenarios: {what}"


def accepted(i):
    """The first of a row of scenarios that can be run: distributions may leave what is allowed."""
    for number in range(i, i + 100_000, 1_000):
        scenario = random_dressed_scenario(random.Random(number), i, PATHS)
        try:
            pc.Scenario.from_dict(scenario)
        except pc.ScenarioError:
            continue
        return number, scenario
    raise AssertionError(f"nothing that can be run from {i} on")


@pytest.mark.parametrize("chunk", range(DRESSED_CHUNKS))
def test_a_thousand_paths_of_dressed_scenarios_agree(chunk):
    """Lazy, eager and the oracle, with populations, laws, noise, quotes and what is drawn per path."""
    counts = dict.fromkeys(DRESSED_COVERAGE, 0)
    for i in range(chunk * DRESSED_EACH, (chunk + 1) * DRESSED_EACH):
        number, scenario = accepted(i)
        ensemble = pc.Scenario.from_dict(scenario).monte_carlo(
            paths=PATHS, seed=i, n_threads=1, progress=False
        )
        for path in range(PATHS):
            try:
                expected = assert_same(scenario, i, path)
                assert_same_row(ensemble, path, expected)
            except BaseException:
                print(
                    f"random_dressed_scenario(random.Random({number}), {i}, {PATHS}), seed {i}, path {path}"
                )
                raise
            late = expected.first_late
            happened = seen(expected) | {
                "forces who came later": any(row["account"] >= late for row in expected.liquidations)
            }
            for what in counts:
                counts[what] += happened[what]
    for what, least in DRESSED_COVERAGE.items():
        share = counts[what] / (DRESSED_EACH * PATHS)
        assert share >= least, f"only {share:.2f} of the paths: {what}"


def test_the_preset_agrees():
    """RocketCoin itself, with lumps of 100 so that the oracle takes seconds."""
    scenario = pc.presets.rocketcoin("300k").to_dict()
    del scenario["description"]  # words, not rules
    for ladder in scenario["positions"]:
        ladder["lump"] = 100
    scenario["positions"][1]["qty"] = 209_100
    assert_same(scenario, seed=1)
