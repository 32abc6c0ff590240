"""Frictions are switched off one at a time, and what that changes is measured over the same draws."""

import math

import numpy as np
import pytest

import perpcore as pc
from perpcore.analysis.effects import mean_effect, median_effect
from perpcore.analysis.without import most

HOUR = 3_600
MAKER = {
    "hedge_ratio": "0.3",
    "hedge_latency_s": 2,
    "hedge_band": 500,
    "inventory_limit": 400_000,
    "skew": "0.0000001",
    "widen": "0.5",
    "withdraw_move": "0.2",
    "withdraw_s": 30,
}


def squeeze(**changes) -> pc.Scenario:
    """RocketCoin through time with few accounts, a drawn push and a small market maker."""
    usual = {
        "time": pc.Time(step_s=1, horizon_s=60),
        "ignition": pc.Ignition(qty=pc.Uniform(19_000, 30_000), at_s=10),
        "market_maker.capital": 300_000,
        "positions[0].lump": 1_000,
        "positions[1].lump": 1_000,
    }
    return pc.presets.rocketcoin("300k").replace({**usual, **changes})


def differing(one: pc.Scenario, other: pc.Scenario) -> set[str]:
    """Paths of what differs."""

    def flat(data, at=""):
        if isinstance(data, dict | list):
            items = data.items() if isinstance(data, dict) else enumerate(data)
            for key, value in items:
                yield from flat(value, f"{at}.{key}" if at else str(key))
        else:
            yield at, data

    return {path for path, _ in set(flat(one.to_dict())) ^ set(flat(other.to_dict()))}


def test_a_scenario_has_the_frictions_it_has():
    assert list(pc.frictions(pc.presets.rocketcoin())) == ["partial_hedging", "market_maker_capital"]
    whole = pc.presets.reference().replace({"market_maker.capital": 10**11})
    assert list(pc.frictions(whole)) == []


def test_each_is_switched_off_alone():
    changes = {f"market_maker.{name}": value for name, value in MAKER.items()}
    quote = pc.Quote(side="asks", level_qty=1_000, levels=9, recovery_half_life_s=30)
    changes |= {
        "market_maker.quote": quote,
        "spot.asks": pc.Levels(levels=[("10.5", 40_000)]),
        "spot.quote": quote.replace(follows_float=True, around="start", skew="0.000001"),
        "venue.price_band": "0.1",
        "venue.halt": pc.venues.Halt(move="0.3", window_s=60, pause_s=30),
        "venue.stress_margin": pc.venues.StressMargin(move="0.3", window_s=60, factor=2),
        "venue.funding": pc.venues.Funding(stress_above="0.001"),
    }
    scenario = squeeze(**changes)
    off = {name: differing(scenario, without) for name, without in pc.frictions(scenario).items()}
    assert off == {
        "partial_hedging": {"market_maker.hedge_ratio"},
        "hedge_latency": {"market_maker.hedge_latency_s"},
        "hedge_band": {"market_maker.hedge_band"},
        "market_maker_inventory": {"market_maker.inventory_limit"},
        "market_maker_skew": {"market_maker.skew"},
        "market_maker_widening": {"market_maker.widen"},
        "market_maker_withdrawal": {"market_maker.withdraw_move", "market_maker.withdraw_s"},
        "market_maker_capital": {"market_maker.capital"},
        "liquidity_recovery": {
            "spot.quote.recovery_half_life_s",
            "market_maker.quote.recovery_half_life_s",
        },
        "float_in_quotes": {"spot.quote.follows_float"},
        "lasting_impact": {"spot.quote.skew"},
        "stress_margin": {f"venue.stress_margin.{name}" for name in ("move", "window_s", "factor")},
        "funding_interval": {"venue.funding.stress_above"},
        "price_band": {"venue.price_band"},
        "halt": {f"venue.halt.{name}" for name in ("move", "window_s", "pause_s")},
    }
    for name, without in pc.frictions(scenario).items():
        assert name not in pc.frictions(without)


def test_agents_stay_where_they_are_and_do_nothing():
    """Numbers are drawn by an agent's place."""
    crowd = pc.agents.ShortCrowd(name="crowd", rate_per_s=1, qty=100, leverage=5)
    scenario = squeeze(
        agents=[
            pc.agents.Holders(name="sellers", tokens=100_000, elasticity=1, order_qty=500),
            crowd,
            crowd.replace(name="dip", side="long"),
            pc.agents.Holders(name="others", tokens=100_000, elasticity=0, order_qty=500),
        ],
        **{"venue.spot_margin": "0.5", "spot.bids": pc.Linear(depth=20_000)},
    )
    off = {name: differing(scenario, without) for name, without in pc.frictions(scenario).items()}
    del off["partial_hedging"], off["market_maker_capital"]
    assert off == {
        "holders_selling": {"agents.0.elasticity"},
        "new_shorts": {"agents.1.rate_per_s"},
        "new_longs": {"agents.2.rate_per_s"},
        "spot_margin": {"venue.spot_margin"},
    }
    quiet = pc.frictions(scenario)["new_shorts"].run(seed=1)
    assert {"crowd", "holders"} <= set(scenario.run(seed=1).fills["cause"])
    assert "holders" in quiet.fills["cause"]


def test_ample_capital_is_the_most_that_fits():
    """What a hundred times the supply is worth, or what the core can count."""
    for lot, capital in (("1", 10**10), ("0.0000001", 144_115_188)):
        scenario = pc.presets.rocketcoin().replace({"perp.lot_size": lot})
        assert pc.frictions(scenario)["market_maker_capital"].market_maker.capital == capital


@pytest.mark.parametrize(
    ("law", "top"),
    [
        (3, 3),
        (pc.Uniform(1, 2), 2),
        (pc.Choice([4, 9, 2]), 9),
        (pc.Empirical([4.0, 9.5]), 9.5),
        (pc.Trapezoid(1, 2, 3, 4), 4),
        (pc.Mixture([pc.Uniform(0, 1), pc.Pareto(1, 2, high=7)], [1, 1]), 7),
        (pc.Beta(2, 3, 0, 10), 10),
    ],
)
def test_the_most_of_a_law_is_its_upper_end(law, top):
    assert most(law) == top


def test_an_ablation_is_its_ensembles_over_the_same_draws():
    scenario = squeeze(**{"market_maker.hedge_latency_s": 3})
    table = pc.ablation(scenario, paths=300, seed=5, progress=False)
    assert table["friction"].tolist() == ["baseline", *pc.frictions(scenario)]
    assert (len(table), table.paths, table.seed, table.confidence) == (4, 300, 5, 0.95)
    base = scenario.monte_carlo(paths=300, seed=5, progress=False)
    for i, without in enumerate([scenario, *pc.frictions(scenario).values()]):
        ensemble = without.monte_carlo(paths=300, seed=5, progress=False)
        np.testing.assert_array_equal(ensemble["ignition_qty"], base["ignition_qty"])
        for name, estimate in (
            ("peak_multiple", ensemble.quantile("peak_multiple", 0.5)),
            ("insurance_fund_change", ensemble.mean("insurance_fund_change")),
            ("market_maker_pnl", ensemble.mean("market_maker_pnl")),
        ):
            assert [table[name + end][i] for end in ("", "_low", "_high")] == [*estimate]
        apart = ensemble["market_maker_pnl"] - base["market_maker_pnl"]
        assert table["market_maker_pnl_effect"][i] == pytest.approx(apart.mean())
        low, high = (table[f"market_maker_pnl_effect_{end}"][i] for end in ("low", "high"))
        assert low <= apart.mean() <= high
    # Who cannot go bankrupt goes on hedging and losing.
    capital = table["friction"].tolist().index("market_maker_capital")
    assert table["market_maker_pnl_effect_high"][capital] < 0 < table["peak_multiple_effect_low"][capital]
    again = pc.ablation(scenario, paths=300, seed=5, n_threads=1, progress=False)
    for name in table:
        np.testing.assert_array_equal(again[name], table[name])


def test_an_ablation_is_a_table():
    table = pc.ablation(pc.presets.rocketcoin(), paths=2, seed=1, progress=False)
    assert table.to_polars().shape == (3, 19)
    lines = repr(table).splitlines()
    assert lines[0] == "Ablation: 2 paths each, seed 1"
    assert lines[2].split()[:3] == ["(as", "it", "is)"]
    assert lines[2].endswith("-3,796,214")
    assert lines[3].split()[0] == "partial_hedging"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"paths": 1}, "paths"),
        ({"paths": "many"}, "paths"),
        ({"paths": 2, "confidence": 1}, "confidence"),
        ({"paths": 2, "confidence": 1.5}, "confidence"),
        ({"paths": 2, "confidence": math.nan}, "confidence"),
        ({"paths": 2, "seed": -1}, "seed"),
        ({"paths": 2, "n_threads": 0}, "n_threads"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(options, field):
    with pytest.raises(pc.ScenarioError) as caught:
        pc.ablation(pc.presets.rocketcoin(), progress=False, **options)
    assert [problem[0] for problem in caught.value.problems] == [field]


def test_intervals_of_effects_hold_what_they_should():
    """Of 400 samples whose true effects are 1 and 0.5: missed by 10 %, and by no more, within 4 sigma."""
    rng = np.random.default_rng(11)
    missed = np.zeros(2)
    for _ in range(400):
        base = rng.normal(size=101)
        off = base + 1 + 0.5 * rng.normal(size=101)
        _, low, high = mean_effect(base, off, 0.9)
        missed[0] += not low <= 1 <= high
        _, low, high = median_effect(base, 0.5 + base + 0.2 * rng.normal(size=101), 0.9)
        missed[1] += not low <= 0.5 <= high
    reach = 4 * math.sqrt(400 * 0.1 * 0.9)
    assert abs(missed[0] - 40) < reach
    assert missed[1] < 40 + reach
