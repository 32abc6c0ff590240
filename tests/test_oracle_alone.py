"""What the oracle draws, against what is known without it: numpy's Philox, closed forms, published values."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from oracle.beta import beta_cdf, beta_quantile
from oracle.cells import poisson_count
from oracle.distributions import STANDARD, ends, parse_law, points
from oracle.draws import cholesky, drawn, fnv_1a
from oracle.ladders import Contract
from oracle.margin import MarginRules, Position, Tier
from oracle.philox import MASK, block
from oracle.populations import population


@pytest.mark.parametrize(
    ("seed", "stream", "counter", "path"),
    [(0, 0, 0, 0), (1, 2, 3, 4), (2**64 - 1, 17, (5 << 56) + (9 << 24) + 1, 2**40), (7, 1, MASK, 0)],
)
def test_blocks_are_numpys(seed, stream, counter, path):
    """numpy counts one up before it draws."""
    before = ((path << 64) + counter - 1) % 2**256
    words = np.array([before >> 64 * i & MASK for i in range(4)], dtype=np.uint64)
    philox = np.random.Philox(counter=words, key=np.array([seed, stream], dtype=np.uint64))
    assert [int(word) for word in philox.random_raw(4)] == list(block(seed, stream, counter, path))


def test_the_hash_is_fnv_1a():
    assert [fnv_1a(text) for text in ("", "a", "foobar")] == [
        0xCBF29CE484222325,
        0xAF63DC4C8601EC8C,
        0x85944171F73967E8,
    ]


LAWS = [
    {"dist": "uniform", "low": 2, "high": 5},
    {"dist": "normal", "mean": 3, "sd": 2},
    {"dist": "normal", "mean": 3, "sd": 2, "low": 1, "high": 4},
    {"dist": "log_normal", "median": 3, "sigma": Decimal("0.7")},
    {"dist": "log_normal", "median": 3, "sigma": Decimal("0.7"), "low": 2},
    {"dist": "exponential", "mean": 4, "high": 9},
    {"dist": "pareto", "low": 2, "alpha": Decimal("1.3")},
    {"dist": "beta", "alpha": 2, "beta": 3, "low": 1, "high": 6},
    {"dist": "trapezoid", "a": 1, "b": 2, "c": 4, "d": 7},
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law["dist"])
def test_distribution_functions_undo_quantiles(law):
    law = parse_law(law, "law")
    low, high = ends(law)
    for u in (0.001, 0.25, 0.5, 0.8, 0.999):
        assert law.cdf(law.quantile(u)) == pytest.approx(u, abs=1e-12)
        assert low <= law.quantile(u) <= high


def test_quantiles_in_closed_form():
    quarter = STANDARD.inv_cdf(0.25)
    expected = [2.75, 3 + 2 * quarter, None, 3 * math.exp(0.7 * quarter), None]
    expected += [-4 * math.log(1 - 0.25 * (1 - math.exp(-9 / 4))), 2 * 0.75 ** (-1 / 1.3), None]
    expected.append(
        2 + (0.25 - 1 / 8) * 4
    )  # a rise with an eighth of the weight, then a density of a quarter
    for law, value in zip(LAWS, expected, strict=True):
        if value is not None:
            assert parse_law(law, "law").quantile(0.25) == pytest.approx(value, rel=1e-13)


def test_the_incomplete_beta_function_in_closed_form():
    for x in (0.01, 0.3, 0.5, 0.77, 0.999):
        assert beta_cdf(2, 3, x) == pytest.approx(6 * x**2 - 8 * x**3 + 3 * x**4, rel=1e-13)
        assert beta_cdf(0.5, 0.5, x) == pytest.approx(2 / math.pi * math.asin(math.sqrt(x)), rel=1e-13)
        assert beta_quantile(0.5, 0.5, x) == pytest.approx(math.sin(math.pi * x / 2) ** 2, rel=1e-13)


def test_lists_and_mixtures_pick_by_weight():
    choice = parse_law({"dist": "choice", "values": [5, 1, 3], "weights": [1, 2, 1]}, "law")
    assert [choice.quantile(u) for u in (0.1, 0.49, 0.51, 0.76)] == [1, 1, 3, 5]
    assert parse_law({"dist": "empirical", "values": [4, 1, 4, 2]}, "law").quantile(0.6) == 4
    parts = [{"dist": "uniform", "low": 10, "high": 20}, {"dist": "uniform", "low": 0, "high": 1}]
    mixture = parse_law({"dist": "mixture", "components": parts, "weights": [1, 3]}, "law")
    assert (mixture.quantile(0.125), mixture.quantile(0.625)) == (15.0, 0.5)
    assert mixture.cdf(1) == 0.75
    assert points(mixture)[:2] == (0.5 / 3072, 1.5 / 3072)


def test_poisson_counts_against_tables():
    """P(N <= 0..4) with a mean of 2, to four places: 0.1353, 0.4060, 0.6767, 0.8571, 0.9473."""
    for n, share in enumerate((0.1353, 0.4060, 0.6767, 0.8571, 0.9473)):
        assert (
            poisson_count(2.0, int((share - 1e-4) * 2**64))
            <= n
            < poisson_count(2.0, int((share + 1e-4) * 2**64))
        )
    assert poisson_count(0.0, MASK) == 0
    assert poisson_count(900.0, 2**63) == 900
    counts = [poisson_count(60.0, int(word)) for word in np.random.Philox(1).random_raw(4000)]
    assert np.mean(counts) == pytest.approx(60, abs=0.5)
    assert np.var(counts) == pytest.approx(60, abs=5)


TIERS = (
    Tier(0, 5 * 10**6, Fraction(50), 0),
    Tier(2 * 10**9, 10**7, Fraction(20), 2 * 10**9 * 5 * 10**6),
)


def people(side, **fields):
    rules = MarginRules(TIERS, at_or_below=True, scale=10**5)
    contract = Contract(tick=Fraction(1, 10), lot=Fraction(1), start=100, rules=rules)
    entry = {"kind": "distribution", "side": side, "accounts": 50, "leverage": LEVERAGE, "notional": NOTIONAL}
    return population(entry | fields, 0, contract, seed=3, path=0)


LEVERAGE = {"dist": "log_normal", "median": 8, "sigma": Decimal("0.8"), "low": Decimal("1.2"), "high": 60}
NOTIONAL = {"dist": "pareto", "low": 200, "alpha": Decimal("1.2")}


@pytest.mark.parametrize("side", ["short", "long"])
@pytest.mark.parametrize("entry", [10, {"dist": "normal", "mean": 10, "sd": Decimal("0.3")}])
def test_the_cells_of_a_population_hold_all_of_it(side, entry):
    """Nothing is lost, for no long owes less than nothing: with a leverage above 1 all have a tick."""
    batch = people(side, entry_price=entry)
    assert [group.number for group in batch.groups] == [0, 1]
    means = [mean for group in batch.groups for _, mean in group.cells()]
    assert sum(means) == pytest.approx(50, abs=1e-6)
    assert min(means) >= 0


@pytest.mark.parametrize("side", ["short", "long"])
def test_a_population_lies_where_its_distributions_put_it(side):
    """The share beyond a tick, against two hundred thousand accounts drawn by numpy."""
    batch = people(side, entry_price={"dist": "uniform", "low": 9, "high": 11})
    group, rng = batch.groups[0], np.random.default_rng(1)
    u = group.leverage.cdf(1.2) + rng.random(200_000)
    leverage = np.array(points(group.leverage))[(u * 4096).astype(int)]
    entry = np.floor(rng.uniform(90, 110, 200_000) + 0.5)
    rho = group.rate / 1e9
    if side == "short":
        ticks = np.maximum(np.floor(entry * (1 + 1 / leverage) / (1 + rho)), 101)
    else:
        ticks = np.minimum(np.ceil(entry * (1 - 1 / leverage) / (1 - rho)), 99)
    cells = dict(group.cells())
    for near, far in (
        ((99, 90), (90, 80), (80, 40)) if side == "long" else ((101, 110), (110, 125), (125, 180))
    ):
        low, high = sorted((near, far))
        share = sum(mean for tick, mean in cells.items() if low <= tick <= high) / group.accounts
        assert share == pytest.approx(np.mean((ticks >= low) & (ticks <= high)), abs=0.006)


def test_accounts_of_a_population_break_in_their_cell():
    """Where the venue does not cap the leverage, equity meets maintenance at the tick, or next to it."""
    for side in ("short", "long"):
        batch = people(side, notional=1000)
        (group,) = batch.groups
        for cell in range(0, len(group.cells()), 7):
            trader = group.trader(cell, 1234 << 20)
            tick, qty = group.first(cell), abs(trader.position.qty)
            assert qty == 100
            cap = math.ceil(abs(trader.position.cost) / 50)
            if trader.position.margin > cap:
                s = trader.position.side
                rules, margin = group.rules, trader.position.margin
                assert rules.triggered(trader.position, margin, tick - 2 * s)
                assert not rules.triggered(trader.position, margin, tick + 2 * s)


def test_scalars_are_drawn_by_the_path_of_their_field():
    law = {"dist": "uniform", "low": 0, "high": 1000}
    markets = {name: {"tick_size": Decimal("0.1"), "lot_size": 3} for name in ("spot", "perp")}
    scenario = markets | {"circulating": law, "ignition": {"qty": law}, "market_maker": {"capital": law}}
    one, other = drawn(scenario, 5, 0), drawn(scenario, 5, 1)
    u = ((block(5, 0, fnv_1a("circulating"), 0)[0] >> 11) + 0.5) * 2.0**-53
    assert one["circulating"] == 3 * math.floor(1000 * u / 3 + 0.5)
    assert one["ignition"]["qty"] not in (one["circulating"], other["ignition"]["qty"])
    assert (one["market_maker"]["capital"] * 10**6).denominator == 1
    assert drawn(scenario, 5, 0) == one


def test_copulas_correlate_what_is_drawn():
    law = {"dist": "normal", "mean": 1000, "sd": 100}
    markets = {name: {"tick_size": Decimal("0.1"), "lot_size": 1} for name in ("spot", "perp")}
    fields = ["circulating", "ignition.qty"]
    copula = {"fields": fields, "matrix": [[1, Decimal("0.8")], [Decimal("0.8"), 1]]}
    scenario = markets | {"circulating": law, "ignition": {"qty": law}, "copula": copula}
    paths = [drawn(scenario, 1, path) for path in range(2000)]
    pairs = np.array([[float(path["circulating"]), float(path["ignition"]["qty"])] for path in paths])
    assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(0.8, abs=0.03)
    assert np.std(pairs, axis=0) == pytest.approx([100, 100], rel=0.06)
    matrix = [[1.0, 0.5, 0.2], [0.5, 1.0, -0.3], [0.2, -0.3, 1.0]]
    factor = np.array(cholesky(matrix))
    assert factor @ factor.T == pytest.approx(np.array(matrix))


def test_a_booking_that_turns_a_position_splits_its_value():
    rules = MarginRules(TIERS, at_or_below=True, scale=1)
    after, profit = rules.fill(Position(3, 30, 7), -1, 5, 58)
    assert (after, profit) == (Position(-2, -24, 0), 34 - 30)
