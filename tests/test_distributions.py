"""A number may be a distribution: written, read, changed and refused like a number."""

import json
import pickle
import time
from decimal import Decimal

import numpy as np
import polars
import pytest

import perpcore as pc

LAWS = {
    "uniform": pc.Uniform(15_000, 25_000),
    "normal": pc.Normal(20_000, 1_000, low=1_000, high=30_000),
    "log_normal": pc.LogNormal(median=20_000, sigma="0.1", low=10_000, high=40_000),
    "exponential": pc.Exponential(20_000, low=1, high=50_000),
    "pareto": pc.Pareto(10_000, 5 / 3, high=50_000),
    "beta": pc.Beta(2, 3, 10_000, 30_000),
    "trapezoid": pc.Trapezoid(10_000, 15_000, 20_000, 30_000),
    "choice": pc.Choice([20_000, 25_000], weights=[1, 3]),
    "empirical": pc.Empirical(np.array([20_000.0, 21_000.5, 19_000])),
    "mixture": pc.Mixture([pc.Uniform(15_000, 20_000), pc.Choice([25_000])], weights=[2, 1]),
}


def pushed(law: object) -> pc.Scenario:
    return pc.presets.rocketcoin().replace({"ignition.qty": law})


def drawn_everywhere() -> pc.Scenario:
    """A distribution in every place that takes one."""
    quote = pc.Quote(
        side="asks",
        level_qty=pc.Uniform(100, 300),
        half_spread=pc.Choice(["0", "0.05"]),
        levels=pc.Uniform(200, 400),
        level_gap=pc.Uniform(0.01, 0.05),
        jitter=pc.Uniform(0, 0.05),
    )
    return pc.presets.reference().replace(
        {
            "start_price": pc.Uniform(9.8, 10.2),
            "total_supply": pc.Uniform(2e7, 3e7),
            "circulating": pc.Uniform(1e7, 2e7),
            "spot.taker_fee": pc.Uniform(0, 0.001),
            "spot.asks.depth": pc.LogNormal(20_000, 0.1, low=10_000, high=40_000),
            "spot.bids": pc.Orders(
                levels=pc.Choice([5, 10]),
                level_gap=0.05,
                orders=pc.Uniform(1, 3),
                order_qty=pc.Exponential(5),
            ),
            "spot.quote": quote.replace(around="spot_mid", side="bids"),
            "perp.asks": pc.Levels(
                levels=[(12, 500), ("12.5", 700)], tail_depth=pc.Uniform(5, 9), noise=pc.Beta(2, 2)
            ),
            "venue.mark": "mean_of_mids",
            "venue.insurance_fund": pc.Exponential(1e6, high=1e7),
            "venue.max_rounds": pc.Uniform(50, 90),
            "venue.liquidations_per_round": pc.Uniform(500, 900),
            "venue.tiers[0].maintenance_rate": pc.Uniform(0.01, 0.012),
            "market_maker.capital": pc.Pareto(1e7, 3, high=1e8),
            "market_maker.hedge_ratio": pc.Beta(5, 2),
            "market_maker.quote": quote,
            "positions": [
                *pc.presets.reference().positions,
                pc.Ladder(
                    side="short",
                    qty=pc.Uniform(5_000, 9_000),
                    lump=pc.Uniform(5, 15),
                    liquidation_price=(pc.Uniform(11, 12), 14),
                    stop_price=pc.Uniform(11, 12),
                ),
            ],
            "ignition.market": "perp",
            "copula": pc.Copula(["market_maker.hedge_ratio", "positions[1].lump"], [[1, -0.5], [-0.5, 1]]),
        }
    )


@pytest.fixture(params=[*LAWS, "everywhere"])
def scenario(request: pytest.FixtureRequest) -> pc.Scenario:
    return drawn_everywhere() if request.param == "everywhere" else pushed(LAWS[request.param])


def test_toml_dict_and_pickle_give_an_equal_scenario(scenario: pc.Scenario) -> None:
    for again in (
        pc.Scenario.from_toml(scenario.to_toml()),
        pc.Scenario.from_dict(scenario.to_dict()),
        pickle.loads(pickle.dumps(scenario)),
    ):
        assert again == scenario
        assert hash(again) == hash(scenario)
        assert again.digest() == scenario.digest()


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_what_it_was_called_with(name: str) -> None:
    law = LAWS[name]
    assert eval(repr(law), vars(pc)) == law
    assert pushed(law).to_dict()["ignition"]["qty"]["dist"] == name


def test_a_distribution_is_an_inline_table() -> None:
    text = pushed(pc.Uniform(3, "25.50")).to_toml()
    assert 'qty = { dist = "uniform", low = 3, high = 25.5 }' in text
    by_hand = text.replace("high = 25.5 }", "high = 4e1}")
    assert pc.Scenario.from_toml(by_hand).ignition.qty == pc.Uniform(3, 40)


def test_parameters_are_exact_whatever_they_came_as() -> None:
    for low in (0.3, "0.3", Decimal("0.3"), np.float32("0.3"), np.array(0.3)):
        assert pc.Uniform(low, np.int64(1)) == pc.Uniform(Decimal("0.3"), 1)
    digests = {pushed(pc.Uniform(low, 20_000)).digest() for low in (100, "1e2", 100.0, Decimal("100.00"))}
    assert len(digests) == 1


def test_replace_goes_into_a_distribution() -> None:
    scenario = pushed(pc.Mixture([pc.Uniform(1, 2_000), pc.Choice([5, 6])], weights=[1, 2]))
    changed = scenario.replace({"ignition.qty.components[0].high": 3_000, "ignition.qty.weights[1]": 4})
    assert changed.ignition.qty == pc.Mixture([pc.Uniform(1, 3_000), pc.Choice([5, 6])], weights=[1, 4])
    assert pushed(pc.Uniform(3, 25)).replace({"ignition.qty.high": 30}).ignition.qty == pc.Uniform(3, 30)


def test_a_number_becomes_a_distribution_and_back() -> None:
    scenario = pc.presets.rocketcoin()
    drawn = scenario.replace(
        {"positions[0].liquidation_price": pc.Uniform(11, 12), "venue.max_rounds": pc.Choice([7])}
    )
    assert drawn.digest() != scenario.digest()
    back = drawn.replace(
        {"positions[0].liquidation_price": 11, "venue.max_rounds": scenario.venue.max_rounds}
    )
    assert (back, back.digest()) == (scenario, scenario.digest())


def test_a_distribution_may_be_plain_data() -> None:
    plain = {"dist": "uniform", "low": 3, "high": "25"}
    assert pushed(plain) == pushed(pc.Uniform(3, 25))
    data = pc.presets.rocketcoin().to_dict()
    data["ignition"]["qty"] = pc.Uniform(3, 25)
    assert pc.Scenario.from_dict(data) == pushed(plain)


def test_a_position_without_a_kind_is_a_ladder() -> None:
    scenario = pc.presets.rocketcoin()
    data = scenario.to_dict()
    for batch in data["positions"]:
        del batch["kind"]
    assert pc.Scenario.from_dict(data) == scenario


# ---- observed values ----


def test_a_million_floats_are_taken_and_written_as_they_are() -> None:
    values = np.random.default_rng(1).lognormal(9, 0.3, 1_000_000)
    began = time.perf_counter()
    scenario = pushed(pc.Empirical(values))
    assert time.perf_counter() - began < 10  # some two seconds; an object a number would take a minute
    law = scenario.ignition.qty
    np.testing.assert_array_equal(np.asarray(law.values), values)
    written = json.loads(scenario._json())["ignition"]["qty"]["values"]
    assert [*map(float, written[:1000])] == values[:1000].tolist()
    assert written[0] == repr(float(values[0]))
    assert scenario.replace(name="other").ignition.qty.values is law.values
    assert len(repr(scenario)) < 400


def test_observed_values_come_from_anything_that_holds_numbers() -> None:
    law = pc.Empirical([1, 2.5, Decimal("0.1")])
    assert law == pc.Empirical(np.array([1, 2.5, 0.1])) == pc.Empirical(np.array([1, 2.5, 0.1], np.float32))
    assert law == pc.Empirical(polars.Series([1.0, 2.5, 0.1])) == pc.Empirical(("1", "2.5", "0.1"))
    assert [*law.values] == [1, 2.5, 0.1]
    assert (law.values[1], law.values[-2:].tolist(), len(law.values)) == (2.5, [2.5, 0.1], 3)
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(law.values)[0] = 5


def test_observed_values_are_a_copy() -> None:
    values = np.array([1.0, 2.0])
    law = pc.Empirical(values)
    values[0] = 9
    assert law == pc.Empirical([1, 2])


def test_floats_are_rounded_to_what_a_scenario_can_hold() -> None:
    values = np.random.default_rng(1).normal(0, 1, 10_000) * 10.0 ** np.arange(-20, 20).repeat(250)
    law = pc.Empirical(values)
    texts = law.values.texts()
    assert max(len(text.partition(".")[2]) for text in texts) <= 18
    assert "-0" not in texts
    np.testing.assert_allclose(np.asarray(law.values), values, rtol=1e-15, atol=5e-19)
    assert [*map(float, texts)] == [*law.values]
    seventh = 0.01 / 7  # 19 decimals
    weight = pc.Choice([1, 2], weights=[seventh, 1]).weights[0]
    corner = pc.Copula(["a", "b"], np.array([[1, seventh], [seventh, 1]])).matrix[0][1]
    assert weight == corner == round(weight, 18)
    assert float(weight) == pytest.approx(seventh, rel=1e-14)


# ---- what is refused ----

FORM = {
    "unknown law": (
        {"dist": "unifrom", "low": 1, "high": 2},
        "ignition.qty.dist",
        "'unifrom'",
        "one of uniform, normal",
    ),
    "no name": ({"low": 1, "high": 2}, "ignition.qty.dist", "nothing", "one of uniform, normal"),
    "no high": ({"dist": "uniform", "low": 1}, "ignition.qty.high", "nothing", "must be given"),
    "unknown parameter": (
        {"dist": "uniform", "low": 1, "hihg": 2},
        "ignition.qty.hihg",
        "hihg",
        "did you mean high?",
    ),
    "text": ({"dist": "uniform", "low": "x", "high": 2}, "ignition.qty.low", "'x'", "finite number"),
    "NaN": ({"dist": "uniform", "low": 1, "high": float("nan")}, "ignition.qty.high", "nan", "finite number"),
    "a law in a law": (
        {"dist": "uniform", "low": {"dist": "uniform"}, "high": 2},
        "ignition.qty.low",
        "uniform",
        "cannot be drawn",
    ),
    "a list": ([1, 2], "ignition.qty", "Decimal", "a number or a distribution"),
    "another part": (pc.Linear(depth=5), "ignition.qty.dist", "nothing", "one of uniform, normal"),
    "a component that is a number": (
        {"dist": "mixture", "components": [3], "weights": [1]},
        "ignition.qty.components[0]",
        "3",
        "a distribution",
    ),
    "a wrong component": (
        {"dist": "mixture", "components": [{"dist": "uniform", "low": 1, "high": "x"}], "weights": [1]},
        "ignition.qty.components[0].high",
        "'x'",
        "finite number",
    ),
    "observed NaN": (
        {"dist": "empirical", "values": [1, "NaN"]},
        "ignition.qty.values[1]",
        "NaN",
        "finite number",
    ),
    "observed text": (
        {"dist": "empirical", "values": "123"},
        "ignition.qty.values",
        "'123'",
        "a list of numbers",
    ),
}


@pytest.mark.parametrize(("law", "field", "value", "allowed"), FORM.values(), ids=FORM)
def test_a_wrong_form_is_refused_with_its_field(law: object, field: str, value: str, allowed: str) -> None:
    assert_refused({"ignition.qty": law}, field, value, allowed)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: pc.Uniform("x", 2), "low"),
        (lambda: pc.Uniform(pc.Uniform(1, 2), 3), "low"),
        (lambda: pc.Choice([1, True]), "values[1]"),
        (lambda: pc.Empirical([1.0, np.inf]), "values[1]"),
        (lambda: pc.Empirical([1, 10**400]), "values[1]"),
        (lambda: pc.Empirical(np.zeros((2, 2))), "values[0]"),
        (lambda: pc.Empirical(5), "values"),
        (lambda: pc.Market(tick_size=pc.Uniform(1, 2), lot_size=1), "tick_size"),
        (lambda: pc.Levels(levels=[(1, 2), (pc.Uniform(1, 2), 3)]), "levels[1][0]"),
        (lambda: pc.Copula(["a"], [["x"]]), "matrix[0][0]"),
        (
            lambda: pc.MarginTiers(
                tiers=[pc.Tier(min_notional=0, maintenance_rate=pc.Uniform(0, 1), max_leverage=5)]
            ),
            "tiers[0].maintenance_rate",
        ),
    ],
)
def test_a_part_refuses_what_is_no_number(make, field) -> None:
    with pytest.raises(pc.ScenarioError) as caught:
        make()
    assert caught.value.problems[0][0] == field


VALUES = {
    "below the range": ({"ignition.qty": pc.Uniform(-5, 10)}, "ignition.qty", "from -5 to 10", ""),
    "no bounds": ({"ignition.qty": pc.Normal(20_000, 1_000)}, "ignition.qty", "", ""),
    "above the range": (
        {"market_maker.hedge_ratio": pc.Uniform(0, 11)},
        "market_maker.hedge_ratio",
        "11",
        "",
    ),
    "the wrong way round": ({"ignition.qty": pc.Uniform(10, 5)}, "ignition.qty.high", "5", ""),
    "no spread": ({"ignition.qty": pc.Normal(5, -1, 1, 9)}, "ignition.qty.sd", "-1", ""),
    "no tail": ({"ignition.qty": pc.Pareto(5, 0, 9)}, "ignition.qty.alpha", "0", ""),
    "a fall": ({"ignition.qty": pc.Trapezoid(5, 6, 4, 9)}, "ignition.qty.c", "4", ""),
    "nothing to choose": ({"ignition.qty": pc.Choice([])}, "ignition.qty.values", "0 values", ""),
    "nothing observed": ({"ignition.qty": pc.Empirical([])}, "ignition.qty.values", "0 values", ""),
    "too few weights": ({"ignition.qty": pc.Choice([1, 2], [1])}, "ignition.qty.weights", "1", ""),
    "a weight below zero": (
        {"ignition.qty": pc.Choice([1, 2], [1, -1])},
        "ignition.qty.weights[1]",
        "-1",
        "",
    ),
    "a wrong component": (
        {"ignition.qty": pc.Mixture([pc.Uniform(1, 2), pc.Uniform(3, 2)], [1, 1])},
        "ignition.qty.components[1].high",
        "2",
        "",
    ),
    "noise below zero": ({"spot.asks.noise": pc.Uniform(-1, 2)}, "spot.asks.noise", "from -", "from 0"),
    "a copula of nothing": (
        {
            "ignition.qty": pc.Uniform(1, 9),
            "copula": pc.Copula(["ignition.qty", "start_price"], [[1, 0], [0, 1]]),
        },
        "copula.fields[1]",
        "start_price",
        "",
    ),
    "a copula that is none": (
        {
            "ignition.qty": pc.Uniform(1, 9),
            "market_maker.hedge_ratio": pc.Uniform(0, 1),
            "copula": pc.Copula(["ignition.qty", "market_maker.hedge_ratio"], [[1, 2], [2, 1]]),
        },
        "copula.matrix[0][1]",
        "",
        "from -1 to 1",
    ),
    "quotes of nobody": (
        {"perp.quote": pc.Quote(side="asks", level_qty=5)},
        "perp.quote",
        "",
        "market_maker.quote",
    ),
}


@pytest.mark.parametrize(("changes", "field", "value", "allowed"), VALUES.values(), ids=VALUES)
def test_a_distribution_that_is_not_allowed(changes: dict, field: str, value: str, allowed: str) -> None:
    assert_refused(changes, field, value, allowed)


def assert_refused(changes: dict, field: str, value: str, allowed: str) -> None:
    with pytest.raises(pc.ScenarioError) as caught:
        pc.presets.rocketcoin().replace(changes)
    problems = {name: (given, said) for name, given, said in caught.value.problems}
    assert field in problems
    given, said = problems[field]
    assert value in given
    assert allowed in said


# ---- and it runs ----


def test_a_drawn_scenario_runs_and_tells_its_story(scenario: pc.Scenario) -> None:
    runs = [scenario.run(seed=1, path=path) for path in range(4)]
    drawn = "start_price" if scenario.ignition.market == "perp" else "ignition_qty"
    assert len({run.summary[drawn] for run in runs}) > 1
    lazy, eager = runs[0], scenario.run(seed=1, path=0, lazy=False)
    assert lazy.exact("summary") == eager.exact("summary")
    for name in lazy.exact("fills").columns:
        np.testing.assert_array_equal(lazy.exact("fills")[name], eager.exact("fills")[name])


def crowd(entry_price: object, side: str = "short") -> pc.Scenario:
    accounts = pc.Population(
        side=side, accounts=1_000, entry_price=entry_price, leverage=pc.Uniform(12, 18), notional=500
    )
    return pc.presets.rocketcoin().replace({"positions": [accounts]})


@pytest.mark.parametrize("price", ["9.975", "10.005", "10.015", "10.025", "10.035", "10.125"])
def test_entries_half_a_tick_off_are_all_there(price):
    for law in pc.Choice([price]), pc.Empirical([price, price]), pc.Normal(price, "1e-18"):
        many = crowd(law).monte_carlo(paths=50, seed=1, progress=False)
        assert many.mean("liquidated_accounts").value == pytest.approx(1_000, rel=0.02)


def test_a_law_that_cannot_be_is_named_and_not_the_value_that_was_tried():
    with pytest.raises(
        pc.ScenarioError, match=r"^ignition.qty: a distribution from 0 to 25000 is not allowed"
    ):
        pushed(pc.LogNormal(20_000, 20, high=25_000))


def test_a_law_without_a_floor_is_told_how_to_get_one():
    with pytest.raises(pc.ScenarioError, match=r"leverage: .* low cuts a distribution off"):
        crowd(10).replace({"positions[0].leverage": pc.LogNormal(10, 1)})
