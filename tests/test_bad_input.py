"""Bad input is refused with the field, the value and what is allowed."""

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
    "an unknown rule": ({"venue.trigger": "sometimes"}, "venue.trigger", "'sometimes'", "at_or_below"),
    "one and a half rounds": ({"venue.max_rounds": 1.5}, "venue.max_rounds", "1.5", "whole number"),
    "text for a count": (
        {"market_maker.quote.levels": "x"},
        "market_maker.quote.levels",
        "'x'",
        "whole number",
    ),
    "a count of many digits": ({"venue.max_rounds": 10**5000}, "venue.max_rounds", "int", "2**63"),
    "no spot": ({"spot": None}, "spot", "None", "object"),
    "text for a book": ({"spot.asks": "x"}, "spot.asks", "'x'", "object"),
    "a triple": (
        {"positions[0].liquidation_price": (11, 12, 13)},
        "positions[0].liquidation_price",
        "11",
        "a number, a pair of them or a distribution",
    ),
    "NaN as text": ({"market_maker.hedge_ratio": "NaN"}, "market_maker.hedge_ratio", "NaN", "finite"),
    "NaN in plain data": (
        {"market_maker": {"capital": 1, "hedge_ratio": "NaN"}},
        "market_maker.hedge_ratio",
        "NaN",
        "finite",
    ),
    "yes for a number": ({"start_price": True}, "start_price", "True", "finite"),
    "numpy's yes": ({"start_price": np.True_}, "start_price", "True", "finite"),
    "an underscore": ({"start_price": "1_0"}, "start_price", "1_0", "finite"),
    "a space": ({"start_price": " 10"}, "start_price", "' 10'", "finite"),
    "digits of Tibet": ({"start_price": "\u0f21\u0f20"}, "start_price", "\u0f21\u0f20", "finite"),
    "29 digits": ({"total_supply": "1" * 20 + "." + "1" * 9}, "total_supply", "1" * 20, "28 digits"),
    "5000 digits": ({"total_supply": 10**5000}, "total_supply", "int", "below 1e24"),
    "bytes": ({"total_supply": b"1"}, "total_supply", "b'1'", "finite"),
    "no path": ({"": 1}, "''", "path", "names of fields"),
    "dots": ({"...": 1}, "'...'", "path", "names of fields"),
    "no text for a path": ({5: 1}, "5", "path", "names of fields"),
    "a part and what is in it": (
        {"venue": pc.presets.rocketcoin().venue, "venue.max_rounds": 5},
        "venue",
        "'venue.max_rounds'",
        "only one",
    ),
    "an exponent for a position": ({"positions[\u00b2].qty": 1}, "positions[\u00b2].qty", "\u00b2", "from 0"),
    "half a letter": ({"name": "\ud800"}, "name", "ud800", "UTF-8"),
    "a version to come": ({"schema_version": 2}, "schema_version", "2", "1"),
    "not a number": ({"start_price": float("nan")}, "start_price", "nan", "finite"),
    "infinite": ({"market_maker.capital": float("inf")}, "market_maker.capital", "inf", "finite"),
    "text for a number": ({"spot.tick_size": "thin"}, "spot.tick_size", "thin", "finite"),
    "thirty digits": ({"start_price": "1e30"}, "start_price", "1E+30", "below 1e24"),
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


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "start_price = " + "1" * 5000])
def test_a_file_that_is_too_much_is_refused(text):
    with pytest.raises(pc.ScenarioError, match="TOML"):
        pc.Scenario.from_toml(text)


def test_plain_data_has_names_that_are_text():
    data = pc.presets.rocketcoin().to_dict()
    deep = []
    for _ in range(10_000):
        deep = [deep]
    for wrong in ({**data, 5: 1}, {**data, "spot": {**data["spot"], None: 1}}, {**data, "\ud800": 1}):
        with pytest.raises(pc.ScenarioError, match="names that are text"):
            pc.Scenario.from_dict(wrong)
    for wrong in ([], {**data, "positions": deep}):
        with pytest.raises(pc.ScenarioError):
            pc.Scenario.from_dict(wrong)


@pytest.mark.parametrize("seed", [-1, 2**64, "1", 1.0, True, np.True_, np.array([1, 2])])
@pytest.mark.parametrize("field", ["seed", "path"])
def test_a_seed_or_path_that_is_none_is_refused(field, seed):
    with pytest.raises(pc.ScenarioError) as caught:
        pc.presets.rocketcoin().run(**{"seed": 1, field: seed})
    assert caught.value.problems[0][0] == field
    assert "2**64" in caught.value.problems[0][2]


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


def test_a_formula_refuses_shapes_that_do_not_broadcast():
    with pytest.raises(pc.ScenarioError, match="broadcast"):
        pc.rules.bankruptcy_price(**{**RULES, "qty": [1.0, 2.0], "margin": [1.0, 2.0, 3.0]})


@pytest.mark.parametrize("notional", [float("nan"), -1, "much", None])
def test_no_maintenance_margin_of_what_is_no_notional(notional):
    tiers = pc.MarginTiers(tiers=[pc.Tier(min_notional=0, maintenance_rate=0.01, max_leverage=20)])
    with pytest.raises(pc.ScenarioError) as caught:
        tiers.maintenance_margin(notional)
    assert caught.value.problems[0][0] == "notional"


@pytest.mark.parametrize("tiers", [None, "x", [1]])
def test_tiers_that_are_none_are_refused(tiers):
    with pytest.raises(pc.ScenarioError, match="tiers"):
        pc.MarginTiers(tiers=tiers)


def test_more_tiers_than_a_population_can_tell_apart_are_refused():
    brackets = [{"min_notional": i, "maintenance_rate": "0.01", "max_leverage": 20} for i in range(257)]
    with pytest.raises(pc.ScenarioError, match=r"^venue.tiers: 257 tiers is not allowed: at most 256"):
        pc.presets.rocketcoin().replace({"venue.tiers": brackets})
