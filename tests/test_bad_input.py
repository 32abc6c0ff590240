"""Bad input is refused with the field, the value and what is allowed; no panic reaches Python."""

import numpy as np
import pytest

import perpcore as pc

CASES = {
    "depth below zero": ({"spot.asks.depth": -5}, "spot.asks.depth", "-5", "more than 0"),
    "price off the tick": ({"start_price": "10.005"}, "start_price", "10.005", "multiple of tick_size 0.01"),
    "entry off the tick": (
        {"positions[1].entry_price": "9.999"},
        "positions[1].entry_price",
        "9.999",
        "tick_size",
    ),
    "a quintillion tokens": (
        {"total_supply": 10**18},
        "total_supply",
        "1000000000000000000",
        "9007199254740992",
    ),
    "a quintillion shorted": (
        {"positions[0]": pc.Ladder(side="short", qty=10**18, lump=10, leverage=5)},
        "positions[0].qty",
        "1000000000000000000",
        "9007199254740992",
    ),
    "too many accounts": (
        {"positions[0]": pc.Ladder(side="short", qty=10**9, lump=1, leverage=5)},
        "positions[0].lump",
        "1",
        "at most 1000000 accounts",
    ),
    "an empty book": ({"spot.asks": None}, "spot.asks", "an empty book", "liquidity on the side"),
    "an empty list of levels": (
        {"spot.asks": pc.Levels(levels=[])},
        "spot.asks.levels",
        "[]",
        "at least one",
    ),
    "nobody sells the perpetual": (
        {"market_maker.quote": None},
        "perp.asks",
        "an empty book",
        "market_maker.quote",
    ),
    "leverage above the tier": (
        {"positions[0]": pc.Ladder(side="short", qty=100, leverage=21)},
        "positions[0].leverage",
        "21.00",
        "at most 20",
    ),
    "liquidated at the start": (
        {"positions[0]": pc.Ladder(side="long", qty=100, leverage=5, entry_price=13)},
        "positions[0].leverage",
        "liquidation at 10.5",
        "below start_price 10",
    ),
    "a stop on the wrong side": (
        {"positions[0].stop_price": 9},
        "positions[0].stop_price",
        "9",
        "above start_price 10",
    ),
    "both sizes": ({"positions[0].qty": 10}, "positions[0]", "both qty and notional", "exactly one"),
    "levels in disorder": (
        {"spot.asks": pc.Levels(levels=[(11, 5), (10.5, 5)])},
        "spot.asks.levels[1]",
        "10.5",
        "above the level before",
    ),
    "a crossed book": (
        {"spot.bids": pc.Levels(levels=[(11, 5)]), "spot.asks": pc.Levels(levels=[(11, 5)])},
        "spot.bids.levels[0]",
        "11",
        "below the best ask",
    ),
    "more in the float than there is": (
        {"circulating": 10_000_001},
        "circulating",
        "10000001",
        "total_supply",
    ),
    "no tiers": ({"venue.tiers": []}, "venue.tiers", "[]", "at least one tier"),
    "tiers that fall": (
        {
            "venue.tiers": [
                pc.Tier(min_notional=0, maintenance_rate=0.02, max_leverage=20),
                pc.Tier(min_notional=10, maintenance_rate=0.01, max_leverage=20),
            ]
        },
        "venue.tiers[1].maintenance_rate",
        "0.01",
        "not below",
    ),
    "nothing bought": ({"ignition.qty": 0}, "ignition.qty", "0", "from 1"),
    "half a lot": ({"ignition.qty": 0.5}, "ignition.qty", "0.5", "multiple of lot_size 1"),
    "hedged a hundredfold": (
        {"market_maker.hedge_ratio": 100},
        "market_maker.hedge_ratio",
        "100",
        "from 0 to 10",
    ),
    "no rounds": ({"venue.max_rounds": 0}, "venue.max_rounds", "0", "from 1"),
    "an unknown rule": ({"venue.trigger": "sometimes"}, "venue.trigger", "given", "at_or_below"),
    "a version to come": ({"schema_version": 2}, "schema_version", "2", "1"),
    "not a number": ({"start_price": float("nan")}, "start_price", "nan", "finite"),
    "infinite": ({"market_maker.capital": float("inf")}, "capital", "inf", "finite"),
    "text for a number": ({"spot.tick_size": "thin"}, "tick_size", "thin", "finite"),
    "thirty digits": ({"start_price": "1e30"}, "start_price", "1e30", "below 1e24"),
    "a field that is not": ({"venue.triger": 1}, "venue.triger", "triger", "did you mean trigger?"),
    "a ladder that is not": ({"positions[10].qty": 1}, "positions[10].qty", "10", "from 0 to 9"),
}


@pytest.mark.parametrize(("changes", "field", "value", "allowed"), CASES.values(), ids=CASES)
def test_a_scenario_is_refused_with_field_value_and_what_is_allowed(changes, field, value, allowed):
    with pytest.raises(pc.ScenarioError) as caught:
        pc.presets.rocketcoin().replace(changes)
    assert [field] == [problem[0] for problem in caught.value.problems]
    ((_, given, said),) = caught.value.problems
    assert value in given
    assert allowed in said
    assert f"{field}: {given} is not allowed: {said}" in str(caught.value)


def test_all_problems_are_named_at_once():
    with pytest.raises(pc.ScenarioError) as caught:
        pc.presets.rocketcoin().replace({"start_price": "10.005", "spot.asks.depth": 0, "ignition.qty": -1})
    assert {problem[0] for problem in caught.value.problems} >= {
        "start_price",
        "spot.asks.depth",
        "ignition.qty",
    }


TOML = {
    "unknown key": (
        ("hedge_ratio", "hedge_ration"),
        "market_maker.hedge_ration",
        "did you mean hedge_ratio?",
    ),
    "missing key": (("start_price = 10", ""), "start_price", "it must be given"),
    "wrong kind": (('kind = "linear"', 'kind = "liner"'), "spot.asks.kind", "one of linear, levels"),
    "wrong choice": (('side = "short"', 'side = "shirt"'), "positions[0].side", "one of long, short"),
    "nan": (("start_price = 10", "start_price = nan"), "start_price", "finite"),
    "text": (("depth = 20000", 'depth = "deep"'), "spot.asks.depth", "decimal"),
    "not TOML": (("start_price = 10", "start_price : 10"), "TOML", "valid TOML"),
}


@pytest.mark.parametrize(("edit", "field", "allowed"), TOML.values(), ids=TOML)
def test_a_file_is_refused_with_the_path_of_the_field(edit, field, allowed):
    text = pc.presets.rocketcoin().to_toml()
    assert edit[0] in text
    with pytest.raises(pc.ScenarioError) as caught:
        pc.Scenario.from_toml(text.replace(*edit))
    assert caught.value.problems[0][0] == field
    assert allowed in caught.value.problems[0][2]


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(pc.ScenarioError, match="seed"):
        pc.presets.rocketcoin().run(seed=seed)


def test_a_figure_that_does_not_fit_is_an_error_with_its_account():
    """Some 10^18 steps of margin each: the sum of a few accounts leaves 64 bits."""
    huge = pc.presets.rocketcoin().replace(
        {
            "positions": [pc.Ladder(side="short", qty=9 * 10**11, lump=9 * 10**10, leverage=1)],
            "venue.tiers": [pc.Tier(min_notional=0, maintenance_rate=0.01, max_leverage=20)],
        }
    )
    with pytest.raises(pc.RunError, match=r"of account \d+ does not fit 64 bits"):
        huge.run(seed=1)


RULES = {"side": "short", "qty": 1.0, "entry_price": 10.0, "margin": 1.0}


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("side", "buy", "long"),
        ("side", 0, "long"),
        ("qty", -1.0, "more than 0"),
        ("entry_price", np.nan, "finite"),
        ("margin", [1.0, np.inf], "finite"),
        ("qty", "much", "numbers"),
    ],
)
def test_a_formula_refuses_what_is_no_position(field, value, allowed):
    tiers = pc.MarginTiers(tiers=[pc.Tier(min_notional=0, maintenance_rate=0.01, max_leverage=20)])
    with pytest.raises(pc.ScenarioError) as caught:
        pc.rules.liquidation_price(**{**RULES, field: value}, tiers=tiers)
    assert caught.value.problems[0][0] == field
    assert allowed in caught.value.problems[0][2]
