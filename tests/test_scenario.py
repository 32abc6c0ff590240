"""A scenario is frozen, exact, and survives TOML, pickle and replace."""

import pickle
from decimal import Decimal

import msgspec
import numpy as np
import pytest

import perpcore as pc

READINGS = [None, "300k", "consistent"]


@pytest.mark.parametrize("reading", READINGS)
def test_toml_and_pickle_give_an_equal_scenario(reading):
    scenario = pc.presets.rocketcoin(reading)
    for again in (
        pc.Scenario.from_toml(scenario.to_toml()),
        pickle.loads(pickle.dumps(scenario)),
        pc.Scenario.from_dict(scenario.to_dict()),
    ):
        assert again == scenario
        assert hash(again) == hash(scenario)
        assert again.digest() == scenario.digest()


def test_everything_a_scenario_can_say_survives_toml():
    scenario = pc.presets.rocketcoin().replace(
        {
            "spot.asks": pc.Levels(levels=[(10.01, 5), ("10.5", 7)], tail_depth=1e-7),
            "spot.bids": pc.Linear(depth=3),
            "spot.maker_fee": -0.00015,
            "venue.trigger": "below",
            "venue.liquidation_order": "limit_at_bankruptcy",
            "venue.unwind": "at_once",
            "venue.liquidations_per_round": 3,
            "market_maker.residual": "absorbed_by_longs",
            "market_maker.quote": pc.Quote(
                side="both", level_qty=5, half_spread="0.02", levels=3, level_gap=0.1
            ),
            "positions": [
                pc.Ladder(side="short", qty=100, lump=10, leverage=[3, 9], stop_price=[10.5, 12]),
                pc.Ladder(side="long", qty=10, lump=1, liquidation_price=(5, 9), placement="poisson"),
            ],
            "ignition": pc.Ignition(side="sell", qty=10),
        }
    )
    assert pc.Scenario.from_toml(scenario.to_toml()) == scenario


def test_numbers_are_exact_whatever_they_came_as():
    scenario = pc.presets.rocketcoin()
    kinds = (np.float64, np.float32, np.float16, np.longdouble)
    for ratio in (0.3, "0.3", Decimal("0.3"), "3e-1", *(kind("0.3") for kind in kinds), np.array(0.3)):
        assert scenario.replace({"market_maker.hedge_ratio": ratio}).market_maker.hedge_ratio == Decimal(
            "0.3"
        )


def test_integers_and_arrays_of_numpy_are_numbers():
    scenario = pc.presets.rocketcoin()
    levels = pc.Levels(levels=np.array([[10.5, 7.0], [11.0, 5.0]]))
    assert levels.levels == ((Decimal("10.5"), 7), (11, 5))
    changed = scenario.replace(
        {
            "circulating": np.int64(900_000),
            "venue.max_rounds": np.uint8(5),
            "name": np.str_("x"),
            "spot.asks": levels,
        }
    )
    assert (changed.circulating, changed.venue.max_rounds) == (900_000, 5)
    assert pc.Scenario.from_toml(changed.to_toml()) == changed


def test_no_zero_differs_from_another():
    scenario = pc.presets.rocketcoin()
    digests = {
        scenario.replace({"spot.taker_fee": zero}).digest() for zero in (0, -0.0, "0e30", Decimal("-0e-99"))
    }
    assert digests == {scenario.replace({"spot.taker_fee": "0.00"}).digest()}


def test_a_part_may_be_plain_data():
    scenario = pc.presets.rocketcoin()
    assert scenario.replace(spot=scenario.spot.to_dict()) == scenario


def test_a_scenario_cannot_be_changed():
    with pytest.raises(AttributeError, match="immutable"):
        pc.presets.rocketcoin().start_price = 11


def test_the_digest_tells_scenarios_apart():
    scenario = pc.presets.rocketcoin()
    assert scenario.digest() != scenario.replace(circulating=999_999).digest()


@pytest.mark.parametrize("reading", READINGS)
def test_python_and_rust_know_the_same_fields(reading):
    """Rust refuses unknown fields; here every field Python has is sent, set or not."""
    scenario = pc.presets.rocketcoin(reading)
    everything = msgspec.json.encode(scenario, enc_hook=str).decode()
    pc._core.check(everything)


def test_margin_tiers_are_taken_as_they_are():
    tiers = pc.MarginTiers.from_ccxt(
        [
            {"minNotional": 0, "maintenanceMarginRate": 0.01, "maxLeverage": 20},
            {"minNotional": 50_000.0, "maintenanceMarginRate": 0.025, "maxLeverage": 10},
        ]
    )
    assert tiers.deductions == (0, Decimal(750))
    assert tiers.maintenance_margin(60_000) == tiers.maintenance_margin(np.float64(60_000)) == 750
    scenario = pc.presets.rocketcoin().replace({"venue.tiers": tiers})
    assert scenario.venue.tiers == tiers.tiers
    assert pc.Scenario.from_toml(scenario.to_toml()) == scenario
