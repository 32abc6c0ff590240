"""The ensembles that speed is measured on: what they are, and what is said of one path of them."""

import json
import re
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import perpcore as pc
from perpcore.cli import main
from perpcore.cli.expected import drawn, mean, size
from perpcore.cli.verdict import facts, verdict

VARIANTS = {
    "reference": pc.presets.reference,
    "light": lambda: pc.presets.reference(smallest_size=20),
    "requote": lambda: pc.presets.reference(requote=True),
    "two-books": pc.presets.two_books,
    "two-books, 50 accounts": lambda: pc.presets.two_books(accounts=50),
}


@pytest.fixture(params=VARIANTS)
def scenario(request: pytest.FixtureRequest) -> pc.Scenario:
    return VARIANTS[request.param]()


def sizes_of(scenario: pc.Scenario, path: int) -> np.ndarray[Any, Any]:
    """Of everyone: a push to twice the price reaches them all."""
    start = scenario.start_price
    doubling = {
        "spot.asks": pc.Linear(depth=1000),
        "spot.quote": None,
        "ignition": pc.Ignition(qty=1000 * start),
        "venue.mark": "index",
        "venue.max_rounds": 1,
    }
    orders = scenario.replace(doubling).run(seed=1, path=path).liquidations
    assert len(np.unique(orders["account"])) == len(orders)
    return orders["qty"]


def test_a_population_is_what_the_model_says(scenario: pc.Scenario) -> None:
    worlds = [sizes_of(scenario, path) for path in range(40)]
    tokens, expected = size(scenario.positions[0], scenario)
    counts = [*map(len, worlds)]
    assert np.mean(counts) == pytest.approx(expected, abs=4 * (expected / len(counts)) ** 0.5)
    assert np.var(counts) == pytest.approx(expected, rel=1.2)  # Poisson; 40 of them
    sizes = np.concatenate(worlds)
    error = sizes.std() / len(sizes) ** 0.5
    assert sizes.mean() == pytest.approx(
        float(tokens) / expected, abs=4 * error + float(scenario.perp.lot_size)
    )


def test_sizes_of_two_books_are_5_to_40_lots() -> None:
    sizes = np.concatenate([sizes_of(pc.presets.two_books(), path) for path in range(10)])
    found, counts = np.unique(sizes, return_counts=True)
    assert found.tolist() == [*range(5, 41)]
    assert counts.min() > 0.5 * counts.mean()


def test_requote_moves_the_perpetuals_asks_into_quotes() -> None:
    scenario = pc.presets.reference(requote=True)
    depth = scenario.depth()
    perp = depth["book"] == "perp"
    assert scenario.perp.asks is None
    assert depth["price"][perp] == pytest.approx(10 + 0.01 * np.arange(400))
    assert depth["qty"][perp].mean() == pytest.approx(600, rel=0.1)


def test_noise_differs_from_path_to_path_and_not_within_one() -> None:
    scenario = pc.presets.reference()
    one, other = (scenario.depth(levels=500, seed=1, path=path) for path in (0, 1))
    again = scenario.depth(levels=500, seed=1, path=0)
    np.testing.assert_array_equal(one["qty"], again["qty"])
    assert not np.array_equal(one["qty"], other["qty"])
    seed = np.random.SeedSequence(3)
    drawn = [scenario.depth(levels=500, seed=each)["qty"] for each in (seed, seed, None, None)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[2], drawn[3])
    spot = one["book"] == "spot"
    assert one["qty"][spot].min() >= 100
    assert one["qty"][spot].max() <= 300
    assert one["qty"][spot].mean() == pytest.approx(200, rel=0.1)


@pytest.mark.parametrize(
    ("smallest_size", "liquidated", "fills", "rounds", "end"),
    [(200, 986, 1415, 5.4, 13.44), (20, 584, 706, 4.1, 11.15)],
)
def test_the_reference_ends_where_its_sketch_does(smallest_size, liquidated, fills, rounds, end) -> None:
    scenario = pc.presets.reference(smallest_size=smallest_size)
    runs = [scenario.run(seed=1, path=path) for path in range(100)]
    names = ("liquidated_accounts", "rounds", "final_price")
    found = np.array([[*(run.summary[name] for name in names), len(run.fills)] for run in runs])
    error = found.std(axis=0) / len(runs) ** 0.5
    # What the sketch is said to give is rounded, and 0.1 of a round is much of an error.
    away = np.abs(found.mean(axis=0) - [liquidated, rounds, end, fills])
    assert (away < 4 * error + [0.5, 0.05, 0.005, 0.5]).all(), (found.mean(axis=0), error)


# ---- what is said ----


def test_a_run_is_told(scenario: pc.Scenario) -> None:
    run = scenario.run(seed=1, path=3)
    told = verdict(run)
    assert "nan" not in told
    assert str(run).count("\n") == 5
    where = (
        "in the perpetual left spot at 103."
        if scenario.ignition.market == "perp"
        else "moved spot from 10.00"
    )
    assert where in told
    forced = run.summary["liquidated_accounts"] > 0
    assert ("of the expected positions" in told) == forced == ("the cascade carried it to" in told)


def test_check_tells_what_is_drawn(scenario: pc.Scenario) -> None:
    said = dict(facts(scenario))
    paths = [*drawn(scenario)]
    assert paths
    assert said["drawn"].startswith(", ".join(paths))
    count = size(scenario.positions[0], scenario)[1]
    assert f"in about {count:,} accounts" in said["open interest"]
    push = f"{mean(scenario.ignition.qty):,.0f} tokens"
    assert push in said["push"]
    assert ("about" in said["push"]) == ("ignition.qty" in paths)
    assert ("of the perpetual" in said["push"]) == (scenario.ignition.market == "perp")


@pytest.mark.parametrize("name", ["reference", "two-books"])
def test_the_command_line_knows_them(name: str) -> None:
    def out(*arguments: str) -> str:
        result = CliRunner().invoke(main, [*arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    assert pc.Scenario.from_toml(out("presets", name)) == pc.presets.load(name)
    assert out("check", name).startswith(f"ok: {name}\n")
    assert re.search(r"^ push ", out("run", name, "--path", "2"), re.MULTILINE)
    summaries = [json.loads(out("run", name, "--json", "--path", path))["summary"] for path in ("0", "1")]
    assert summaries[0]["final_price"] != summaries[1]["final_price"]
    changed = out("run", "reference", "--json", "--set", "ignition.qty.high=10_000.01")
    assert 10_000 <= json.loads(changed)["summary"]["ignition_qty"] <= 10_000.01
    inline = out("run", name, "--json", "--set", 'market_maker.hedge_ratio={dist="choice", values=[0.0]}')
    assert json.loads(inline)["summary"]["hedge_qty"] == 0


@pytest.mark.parametrize(
    ("law", "average"),
    [
        (pc.Trapezoid(9.5, 10, 10.5, 11), 10.25),
        (pc.Beta(2, 3, 0, 10), 4),
        (pc.Choice([1, 2], [1, 3]), 1.75),
        (pc.Empirical([1, 2, 6]), 3),
        (pc.Mixture([pc.Uniform(0, 1), pc.Choice([5])], [1, 2]), 3.5),
        (pc.LogNormal(median=1, sigma=0.5), 1.1331),
        (pc.Exponential(2), 2),
        (pc.Normal(0, 1, low=0), 0.7979),
        (pc.Pareto(200, 3), 300),
        (pc.Trapezoid(3, 3, 3, 3), 3),
    ],
)
def test_means_in_words_are_the_laws(law: object, average: float) -> None:
    assert float(mean(law)) == pytest.approx(average, rel=2e-3)


def test_the_long_cascade_is_the_squeeze_in_a_mirror() -> None:
    up, down = (s.run(seed=1) for s in (pc.presets.rocketcoin(), pc.presets.long_cascade()))
    for table, prices, alike, opposite in (
        (
            "stages",
            ("index", "mark", "spot_last", "perp_last"),
            ("liquidated_accounts", "liquidated_qty", "spot_volume", "perp_volume"),
            ("hedge_qty",),
        ),
        ("fills", ("price",), ("round", "book", "qty", "taker", "maker", "cause"), ("taker_side",)),
        ("liquidations", ("threshold", "mark"), ("round", "account", "qty", "filled_qty"), ("side",)),
    ):
        one, other = up.exact(table), down.exact(table)
        for name in prices:
            assert (one[name] + other[name] == 2_000).all(), name  # around 1,000 ticks
        for name in alike:
            assert (one[name] == other[name]).all(), name
        for name in opposite:
            assert (one[name] == -other[name]).all(), name
    assert (up.summary["final_price"], down.summary["final_price"]) == (19.67, 0.33)
