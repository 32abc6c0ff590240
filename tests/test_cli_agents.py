"""A run in which agents act, in words."""

import re

import pytest

import perpcore as pc
from perpcore.cli.expected import size
from perpcore.cli.verdict import verdict


def words(run: pc.Run) -> str:
    return " ".join(verdict(run).split())


def test_what_the_other_agents_earned_is_told():
    run = pc.presets.funding_trap().run(seed=1)
    agents, told = run.agents, words(run)
    last = agents["time"] == agents["time"][-1]
    apart = ("market_maker", "whale", "buyers")  # who buys on margin is among the scenario's traders
    others = sum(
        profit
        for name, profit in zip(agents["agent"][last], agents["profit"][last], strict=True)
        if name not in apart
    )
    said = re.search(r"the other agents ([\d,]+)", told)
    assert said
    assert float(said[1].replace(",", "")) == pytest.approx(abs(others), abs=0.5)
    assert others < 0
    assert said.start() < told.index("Gained:")


def test_liquidated_agents_are_told_apart_from_the_positions():
    run = pc.presets.funding_trap().run(seed=1)
    assert run.summary["fuel_burnt"] == 0
    assert words(run).count("3 accounts, 3 agents among them, with ") == 1
    assert "0 % of the named positions and the crowds'." in words(run)


def test_what_the_push_found_and_that_it_was_not_alone():
    scenario = pc.presets.funding_trap()
    run = scenario.run(seed=1)
    assert "the cascade carried" not in words(run)
    assert f"; the run ended at {run.summary['final_price']:.2f}, " in words(run)
    stages, cost = run.stages, run.summary["ignition_cost"] / run.summary["ignition_qty"]
    before = stages["spot_last"][stages["time"] < 25_200][-1]
    assert before > 12
    assert f", {cost:.2f} each, found spot at {before:.2f}; the run" in words(run)
    calm = scenario.replace(agents=[agent for agent in scenario.agents if agent.name != "whale"]).run(seed=1)
    assert words(calm).startswith("Nobody ignited; the run ended at ")
    assert "Nobody was liquidated. " in words(calm)


@pytest.mark.parametrize("venue", [None, "deribit_inverse"])
@pytest.mark.parametrize(
    "batch",
    [
        pc.Ladder(side="short", notional=1_000_000, lump=100, liquidation_price=[11, 12]),
        pc.Ladder(side="short", notional=1_000_000, lump=100, leverage=5),
        pc.Population(side="short", accounts=2_000, leverage=5, notional=500),
    ],
)
def test_what_is_expected_of_a_batch_is_what_a_run_has(venue, batch):
    rules = {} if venue is None else {"venue": pc.venues.load(venue)}
    scenario = pc.presets.rocketcoin().replace({"positions": [batch], "ignition.qty": 60_000} | rules)
    tokens, _ = size(batch, scenario)
    s = scenario.run(seed=1).summary
    assert s["liquidated_qty"] > 0
    assert s["liquidated_qty"] / s["fuel_burnt"] == pytest.approx(float(tokens), rel=1e-3)
