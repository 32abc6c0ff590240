"""Bars, and what returns remember: against statsmodels, scipy and laws that are known."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.tsa import stattools

import perpcore as pc
from perpcore.analysis import facts
from perpcore.analysis.facts import _bootstrap
from perpcore.analysis.facts.returns import _rank_correlation, _times_drawn


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def garch(random: np.random.Generator, n: int, a: float = 0.1, b: float = 0.85) -> np.ndarray:
    """GARCH(1,1) with normal innovations and variance 1."""
    noise, returns, variance = random.standard_normal(n), np.empty(n), 1.0
    for i in range(n):
        returns[i] = np.sqrt(variance) * noise[i]
        variance = (1 - a - b) + a * returns[i] ** 2 + b * variance
    return returns


def within(hits: int, trials: int, rate: float) -> bool:
    """Whether a count is what a rate makes likely: inside the central 99.9 %."""
    low, high = stats.binom.interval(0.999, trials, rate)
    return bool(low <= hits <= high)


# ---- bars ----


def test_bars_are_those_of_pandas():
    pandas = pytest.importorskip("pandas")
    random = chance(1)
    time = np.sort(random.uniform(1_000, 90_000, 5_000)).round(3)
    price, volume = np.exp(random.standard_normal(5_000).cumsum() / 100), random.exponential(size=5_000)
    made = facts.bars(time, price, every_s=60, volume=volume)
    index = pandas.to_datetime(np.rint(time * 1_000).astype(np.int64), unit="ms")
    table = pandas.DataFrame({"price": price, "volume": volume}, index=index)
    bins = table.resample("60s", closed="right", label="right")
    last, summed = bins["price"].last().ffill(), bins["volume"].sum()
    ends = pandas.to_datetime(made.time, unit="s")
    assert len(ends) == int(time[-1] // 60) - int(-(-time[0] // 60))
    assert np.array_equal(made.price, last.loc[ends])
    assert np.allclose(made.volume, summed.loc[ends], atol=1e-9)
    assert np.allclose(made.returns[1:], np.diff(np.log(made.price)))
    assert (made.time % 60 == 0).all()


def test_a_bar_without_a_price_has_the_last_and_no_volume():
    made = facts.bars([0, 50, 250, 300], [1, 2, 3, 4], every_s=50, volume=[9, 1, 1, 1])
    assert made.price.tolist() == [2, 2, 2, 2, 3, 4]
    assert made.volume.tolist() == [1, 0, 0, 0, 1, 1]
    assert made.returns.tolist() == [np.log(2), 0, 0, 0, np.log(3) - np.log(2), np.log(4) - np.log(3)]


def test_samples_on_a_grid_of_decimals_are_its_bars():
    time = 0.1 * np.arange(10_000)  # none of them a multiple of 0.1 in binary
    price = np.exp(chance(2).standard_normal(10_000) / 100)
    made = facts.bars(time, price, every_s=0.1, volume=np.arange(10_000))
    assert np.array_equal(made.price, price[1:])
    assert np.array_equal(made.volume, np.arange(1, 10_000))


def test_the_last_of_tied_prices_counts():
    assert facts.bars([0, 10, 10, 20], [1, 5, 3, 4], every_s=10).price.tolist() == [3, 4]


@pytest.mark.parametrize(
    ("time", "price", "options", "said"),
    [
        ([], [], {}, "time: 0 prices over 0 s is not allowed: at least two whole bars of 60 s"),
        ([0, 100], [1, 1], {}, "time: 2 prices over 100 s is not allowed: at least two whole bars"),
        ([0, 60, 59], [1, 1, 1], {}, "time: 59 in row 2 after 60 is not allowed: times that rise"),
        ([0, 60], [1], {}, "price: 1 values is not allowed: 2: one a row"),
        ([0, 60], [1, 0], {}, "price: 0 in row 1 is not allowed: more than 0"),
        ([0, np.nan], [1, 1], {}, "time: nan in row 1 is not allowed: finite numbers"),
        ([0, 60], [1, np.inf], {}, "price: inf in row 1 is not allowed: finite numbers"),
        ([[0]], [1], {}, "time: an array of shape (1, 1) is not allowed: one of a single dimension"),
        (["a"], [1], {}, "time: ['a'] is not allowed: an array of numbers"),
        ([0, 60], [1, 1], {"every_s": 0}, "every_s: 0 is not allowed: a finite number of seconds"),
        ([0, 60], [1, 1], {"volume": [1, -1]}, "volume: -1 in row 1 is not allowed: 0 or more"),
        ([0, 1e12], [1, 1], {"max_gap_s": 1e13}, "every_s: 60 s for 1e+12 s is not allowed: 100,000,000"),
        (
            [0, 60, 1_000, 3_000],
            [1, 1, 1, 1],
            {},
            "time: a gap of 940 s after 60 s (row 1, the first of 2) is not allowed: at most 600 s",
        ),
    ],
)
def test_bars_say_what_is_wrong(time, price, options, said):
    with pytest.raises(pc.ScenarioError) as caught:
        facts.bars(time, price, **options)
    assert said in str(caught.value)


def test_a_longer_gap_is_allowed_where_it_is_said():
    assert len(facts.bars([0, 60, 1_000], [1, 1, 2], max_gap_s=940)) == 16


# ---- autocorrelation ----


def test_autocorrelations_are_those_of_statsmodels():
    returns = chance(3).standard_t(4, 3_000)
    found = facts.autocorrelation(returns, 40)
    assert np.allclose(found.value, stattools.acf(returns, nlags=40, fft=False)[1:], atol=1e-14)


def test_the_band_of_even_volatility_is_bartletts():
    found = facts.autocorrelation(chance(4).standard_normal(200_000), 20)
    assert np.allclose(found.high * np.sqrt(200_000), 1.96, rtol=0.03)


@pytest.mark.parametrize("law", ["normal", "garch"])
def test_the_tests_of_autocorrelation_keep_their_size(law):
    trials, n, lags = 400, 2_000, 20
    outside, joint, beyond = 0, 0, 0
    for seed in range(trials):
        random = chance(seed)
        returns = random.standard_normal(n) if law == "normal" else garch(random, n)
        found = facts.autocorrelation(returns, lags)
        outside += int((np.abs(found.value) > found.high).sum())
        joint += found.p_value < 0.05
        beyond += found.p_value_beyond < 0.05
    assert within(joint, trials, 0.05)
    assert within(beyond, trials, 0.05)
    assert abs(outside / (trials * lags) - 0.05) < 0.01


def test_bartletts_band_would_not_keep_it_under_garch():
    found = [facts.autocorrelation(garch(chance(seed), 2_000), 1).value[0] for seed in range(200)]
    assert (np.abs(found) > 1.96 / 2_000**0.5).mean() > 0.08


def test_moving_averages_and_autoregressions_are_found():
    noise = chance(5).standard_normal(100_001)
    found = facts.autocorrelation(noise[1:] - 0.5 * noise[:-1], 20)
    assert found.first == 1
    assert abs(found.value[0] - -0.5 / 1.25) < 0.01
    assert found.p_value < 1e-10 < found.p_value_beyond
    series = np.zeros(100_000)
    for i in range(1, len(series)):
        series[i] = 0.6 * series[i - 1] + noise[i]
    found = facts.autocorrelation(series, [1, 2, 3])
    assert np.allclose(found.value, [0.6, 0.36, 0.216], atol=0.015)
    assert found.first == 3
    assert np.isnan(found.p_value_beyond)


def test_chosen_lags_are_among_all():
    returns = chance(6).standard_normal(1_000)
    some, every = facts.autocorrelation(returns, [2, 7, 30]), facts.autocorrelation(returns, 30)
    assert np.array_equal(some.value, every.value[[1, 6, 29]])


@pytest.mark.parametrize(
    ("returns", "options", "said"),
    [
        (np.ones(100), {"lags": 10}, "returns: 100 times 1 is not allowed: returns that differ"),
        (np.arange(239.0), {}, "returns: 239 returns is not allowed: at least 240: 4 for each of 60 lags"),
        (np.arange(99.0), {"lags": [3, 3]}, "lags: [3, 3] is not allowed: whole numbers from 1 that rise"),
        (np.arange(99.0), {"lags": 0}, "lags: 0 is not allowed: whole numbers from 1"),
        (np.arange(99.0), {"lags": 1.5}, "lags: 1.5 is not allowed: whole numbers from 1"),
        (np.arange(99.0), {"lags": 5, "beyond": -1}, "beyond: -1 is not allowed: a whole number from 0"),
        (np.arange(99.0), {"lags": 5, "confidence": 1}, "confidence: 1 is not allowed: more than 0 and less"),
        ([1, np.nan], {"lags": 1}, "returns: nan in row 1 is not allowed: finite numbers"),
    ],
)
def test_autocorrelation_says_what_is_wrong(returns, options, said):
    with pytest.raises(pc.ScenarioError) as caught:
        facts.autocorrelation(returns, **options)
    assert said in str(caught.value)


# ---- clustering ----


def test_clustering_is_found_where_it_is():
    clustered = facts.volatility_clustering(garch(chance(7), 20_000))
    assert clustered.mean.low > 0
    assert clustered.autocorrelation.first > 10
    even = facts.volatility_clustering(chance(8).standard_t(3, 20_000))
    assert even.mean.low < 0 < even.mean.high
    sizes = np.abs(garch(chance(7), 20_000))
    assert np.isclose(clustered.mean.value, stattools.acf(sizes, nlags=60)[1:].mean())


def test_the_interval_of_clustering_has_the_mean_of_the_law():
    longer = [facts.volatility_clustering(garch(chance(s), 100_000), 20).mean.value for s in range(900, 910)]
    truth, hits = np.mean(longer), 0
    for seed in range(100):
        mean = facts.volatility_clustering(garch(chance(seed), 10_000), 20).mean
        hits += mean.low <= truth <= mean.high
    assert hits >= 88, f"{hits} of 100 at 95 %"


def test_clustering_needs_ten_blocks():
    with pytest.raises(pc.ScenarioError, match="940 returns is not allowed: at least 1,200: 10 blocks"):
        facts.volatility_clustering(chance(9).standard_normal(1_000))


# ---- Hill ----


def by_hand(sizes: np.ndarray, k: int) -> float:
    """Hill's formula, from the largest down."""
    ordered = np.sort(sizes)[::-1]
    return 1 / np.mean([np.log(ordered[i] / ordered[k]) for i in range(k)])


@pytest.mark.parametrize("alpha", [1.5, 3.0, 4.5])
def test_hill_finds_the_exponent_of_pareto_draws_as_often_as_it_says(alpha):
    trials, hits = 400, 0
    for seed in range(trials):
        random = chance(seed)
        draws = (1 + random.pareto(alpha, 10_000)) * random.choice([-1, 1], 10_000)
        found = facts.hill(draws)
        hits += found.low <= alpha <= found.high
    assert within(hits, trials, 0.95)
    assert np.isclose(found.value, by_hand(np.abs(draws), 100))


def test_hill_of_students_t_is_near_its_degrees_of_freedom():
    found = [facts.hill(chance(seed).standard_t(3, 100_000), 0.005).value for seed in range(40)]
    assert abs(np.mean(found) - 3) < 0.2


def test_each_tail_has_its_own_exponent():
    random = chance(10)
    up, down = 1 + random.pareto(2, 50_000), -1 - random.pareto(4, 50_000)
    returns = random.permutation(np.concatenate([up, down]))
    plus, minus = facts.hill(returns, side="plus"), facts.hill(returns, side="minus")
    assert plus.low < 2 < plus.high
    assert minus.low < 4 < minus.high
    assert np.isclose(plus.value, by_hand(up, 1_000))
    assert "|r|" not in plus.definition


def test_zeros_change_nothing_but_the_share():
    tail = 1 + chance(11).pareto(3, 1_000)
    assert facts.hill(np.append(tail, np.zeros(9_000)), 0.01).value == facts.hill(tail, 0.1).value


def test_ties_with_the_threshold_are_outside():
    sizes = np.concatenate([np.full(9_900, 1.0), np.full(50, 2.0), 2 + chance(12).pareto(3, 50)])
    found = facts.hill(sizes, 0.008)  # 80: the 50 beyond 2, for 30 of the others tie with it
    assert np.isclose(found.value, 1 / np.mean(np.log(sizes[-50:] / 2)))
    assert "beyond 2, 50 in its 0.8 % tail" in found.definition


@pytest.mark.parametrize(
    ("returns", "options", "said"),
    [
        (np.ones(40), {}, "returns: 40 returns is not allowed: at least 3,000: 30 in a tail of 0.01"),
        (np.zeros(3_000), {}, "returns: 0 of 3,000 with |r| more than 0 is not allowed: more than 30"),
        (np.ones(3_000), {}, "returns: 0 returns beyond 1, with which others tie is not allowed"),
        (np.ones(3_000), {"side": "minus"}, "returns: 0 of 3,000 with -r more than 0 is not allowed"),
        (np.ones(3_000), {"side": "up"}, "side: 'up' is not allowed: one of both, plus, minus"),
        (np.ones(3_000), {"tail": 1.0}, "tail: 1.0 is not allowed: more than 0 and less than 1"),
        (np.ones(3_000), {"tail": "x"}, "tail: 'x' is not allowed: more than 0 and less than 1"),
    ],
)
def test_hill_says_what_is_wrong(returns, options, said):
    with pytest.raises(pc.ScenarioError) as caught:
        facts.hill(returns, **options)
    assert said in str(caught.value)


# ---- volume ----


def test_volume_and_volatility_are_ranked_as_scipy_does():
    random = chance(13)
    volume = random.poisson(5, 2_000)
    returns = random.standard_normal(2_000).round(1) * np.sqrt(volume)
    found = facts.volume_volatility(returns, volume)
    assert np.isclose(found.value, stats.spearmanr(np.abs(returns), volume).statistic, atol=1e-12)
    assert 0 < found.low < found.value < found.high


def test_resamples_are_ranked_anew():
    random = chance(14)
    a, b = random.integers(0, 9, 500), random.integers(0, 5, 500)
    begin, block = random.integers(0, 500, 20), 25
    rows = ((begin[:, None] + np.arange(block)) % 500).ravel()
    drawn = _times_drawn(begin, block, 500)
    assert np.array_equal(drawn, np.bincount(rows, minlength=500))
    assert np.isclose(_rank_correlation(a, b, drawn), stats.spearmanr(a[rows], b[rows]).statistic)


def test_blocks_of_resamples_are_those_of_their_rows():
    columns, block = chance(15).standard_normal((2, 103)), 10
    rows = (_bootstrap.starts(103, block)[7][:, None] + np.arange(block)) % 103
    assert np.allclose(_bootstrap.resampled_blocks(columns, block)[:, 7], columns[:, rows].mean(axis=2))


def test_the_interval_of_unrelated_volume_holds_zero_as_often_as_it_says():
    hits = 0
    for seed in range(100):
        random = chance(seed)
        found = facts.volume_volatility(random.standard_normal(1_000), random.exponential(size=1_000))
        hits += found.low <= 0 <= found.high
    assert within(hits, 100, 0.93)  # percentiles of 32 blocks: a little too narrow


@pytest.mark.parametrize(
    ("returns", "volume", "said"),
    [
        (np.arange(100.0), np.ones(99), "volume: 99 values is not allowed: 100: one a row"),
        (np.arange(99.0), np.arange(99.0), "returns: 99 returns is not allowed: at least 100"),
        (np.arange(100.0), np.ones(100), "volume: 100 times 1 is not allowed: sizes that differ"),
        (np.ones(100), np.arange(100.0), "returns: 100 times 1 is not allowed: sizes that differ"),
        (np.arange(100.0), -np.arange(100.0), "volume: -1 in row 1 is not allowed: 0 or more"),
    ],
)
def test_volume_and_volatility_say_what_is_wrong(returns, volume, said):
    with pytest.raises(pc.ScenarioError) as caught:
        facts.volume_volatility(returns, volume)
    assert said in str(caught.value)
