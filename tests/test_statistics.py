"""Statistics of an ensemble against numpy's of its columns, in units, with either `keep`."""

import numpy as np
import pytest

import perpcore as pc

PATHS = 500
NUMBERS = ["final_price", "peak_multiple", "rounds", "liquidated_qty", "attacker_pnl", "market_maker_pnl"]


@pytest.fixture(scope="module")
def columns() -> pc.Ensemble:
    return run("columns")


@pytest.fixture(scope="module", params=["columns", "statistics"])
def ensemble(request) -> pc.Ensemble:
    return run(request.param)


def run(keep: str) -> pc.Ensemble:
    shorts = pc.Ladder(side="short", qty=40_000, lump=100, liquidation_price=(11, 13), placement="poisson")
    scenario = pc.presets.rocketcoin().replace(
        {"positions": (shorts,), "market_maker.hedge_ratio": 0.8, "ignition.qty": 20_500}
    )
    return scenario.monte_carlo(paths=PATHS, seed=2, keep=keep, progress=False)


@pytest.mark.parametrize("name", NUMBERS)
def test_moments_are_numpys(ensemble, columns, name):
    x = columns[name].astype(float)
    found = ensemble.moments(name)
    assert (found["count"], found["missing"]) == (PATHS, 0)
    assert found["mean"] == pytest.approx(x.mean(), rel=1e-8)  # a ratio counts billionths
    assert found["variance"] == pytest.approx(x.var(ddof=1), rel=1e-6)
    assert found["standard_error"] == pytest.approx(x.std(ddof=1) / PATHS**0.5, rel=1e-6)
    assert (found["min"], found["max"]) == pytest.approx((x.min(), x.max()), rel=1e-8)
    assert ensemble.variance(name) == found["variance"]
    assert ensemble.std(name) == pytest.approx(x.std(ddof=1), rel=1e-6)
    mean = ensemble.mean(name)
    half = 1.959963984540054 * found["standard_error"]
    assert mean == pytest.approx((found["mean"], found["mean"] - half, found["mean"] + half))


@pytest.mark.parametrize("name", NUMBERS)
def test_quantiles_are_numpys_to_a_bucket(ensemble, columns, name):
    q = np.array([[0.0, 0.01, 0.25], [0.5, 0.9, 1.0]])
    found = ensemble.quantile(name, q)
    expected = np.quantile(columns[name], q, method="inverted_cdf")
    assert found.value.shape == found.low.shape == q.shape
    np.testing.assert_allclose(found.value, expected, rtol=1 / 2048)
    assert np.all((found.low <= found.value) & (found.value <= found.high))
    if name == "final_price":  # every tick has its bucket
        np.testing.assert_array_equal(found.value, expected)
    one = ensemble.quantile(name, 0.25)
    assert isinstance(one.value, float)
    assert one.value == found.value[0, 2]
    wider = ensemble.quantile(name, 0.25, confidence=0.999)
    assert wider.low <= one.low <= one.high <= wider.high


def test_exceedance_counts_what_is_above_and_not_what_is_at_it(ensemble, columns):
    prices = columns["final_price"]
    x = np.array([0.0, *np.unique(prices)[[0, 2, 5]], 1e9])
    found = ensemble.exceedance("final_price", x)
    np.testing.assert_array_equal(found.value, [(prices > each).mean() for each in x])
    assert (found.value[0], found.high[0]) == (1.0, 1.0)
    assert (found.value[-1], found.low[-1]) == (0.0, 0.0)
    multiples = columns["peak_multiple"]
    for m in np.unique(multiples)[:5]:
        assert ensemble.exceedance("peak_multiple", m).value == (multiples > m).mean()
    assert ensemble.exceedance("final_price", np.inf).value == 0
    with pytest.raises(ValueError, match="not a number"):
        ensemble.exceedance("final_price", np.nan)


@pytest.mark.parametrize("name", NUMBERS)
def test_tails_are_means_of_the_sorted_ends(ensemble, columns, name):
    x = np.sort(columns[name].astype(float))
    assert ensemble.tail_expectation(name, 0.9).value == pytest.approx(x[-50:].mean(), rel=1e-3)
    assert ensemble.tail_expectation(name, 0.1, tail="lower").value == pytest.approx(x[:50].mean(), rel=1e-3)
    low, value, high = (ensemble.tail_expectation(name, [0.5, 0.95])[i] for i in (1, 0, 2))
    assert np.all((low <= value) & (value <= high))
    assert ensemble.tail_expectation(name, 0.0).value == pytest.approx(x.mean(), rel=1e-3)


@pytest.mark.parametrize(
    "ask",
    [
        lambda e: e.quantile("final_price", 1.5),
        lambda e: e.quantile("final_price", [0.5, np.nan]),
        lambda e: e.quantile("final_price", 0.5, confidence=1.0),
        lambda e: e.mean("final_price", confidence=-0.1),
        lambda e: e.tail_expectation("final_price", 0.5, tail="both"),
    ],
)
def test_what_has_no_meaning_is_a_value_error(ensemble, ask):
    with pytest.raises(ValueError, match=r"confidence|q|tail"):
        ask(ensemble)


def test_a_ratio_to_zero_is_missing_and_not_zero():
    found = pc.presets.rocketcoin().replace(positions=()).monte_carlo(paths=3, seed=1, progress=False)
    assert found.moments("fuel_burnt")["missing"] == 3
    assert np.isnan(found["fuel_burnt"]).all()
    assert all(np.isnan(each) for each in found.quantile("fuel_burnt", 0.5))
    assert "no positions" in repr(found)


def test_no_quantile_of_nothing():
    empty = np.array([])
    found = run("statistics").quantile("final_price", empty)
    assert found.value.shape == (0,)
