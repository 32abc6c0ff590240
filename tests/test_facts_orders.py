"""Laws of order sizes and of times between arrivals: against scipy, powerlaw and known exponents."""

import io
import zipfile
from pathlib import Path

import numpy as np
import powerlaw
import pytest
from scipy import optimize, stats

import perpcore as pc
from perpcore.analysis import facts
from perpcore.sources import lobster


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def body_and_tail(random: np.random.Generator, alpha: float, n: int) -> np.ndarray:
    """Half uniform below 10, half Pareto from 10: a cut that is known."""
    return np.concatenate([random.uniform(0, 10, n // 2), 10 * (1 + random.pareto(alpha, n // 2))])


@pytest.mark.parametrize("alpha", [1.2, 2.5])
def test_the_cut_and_the_exponent_of_a_tail_are_found(alpha):
    hits, cuts = 0, []
    for seed in range(30):
        found = facts.order_sizes(body_and_tail(chance(seed), alpha, 2_000))
        hits += found.exponent.low <= alpha <= found.exponent.high
        cuts.append(found.cut)
    assert hits >= 23, f"{hits} of 30 at 95 %, which takes the cut as known"
    assert 9 < np.median(cuts) < 13


def test_the_exponent_is_that_of_scipys_pareto():
    found = facts.order_sizes(sizes := body_and_tail(chance(1), 1.5, 4_000))
    tail = sizes[sizes >= found.cut]
    shape, _, _ = stats.pareto.fit(tail, floc=0, fscale=found.cut)
    assert np.isclose(found.exponent.value, shape)
    assert np.isclose(found.distance, stats.kstest(tail, stats.pareto(shape, scale=found.cut).cdf).statistic)
    assert found.tail == len(tail)


def test_the_cut_is_the_best_of_all_or_near_it():
    sizes = body_and_tail(chance(2), 1.5, 1_000)
    found = facts.order_sizes(sizes)
    least = 1.0
    for cut in np.sort(sizes)[:-50]:
        tail = sizes[sizes >= cut]
        law = stats.pareto(1 / np.log(tail / cut).mean(), scale=cut)
        least = min(least, stats.kstest(tail, law.cdf).statistic)
    assert least - 1e-12 <= found.distance < 1.1 * least


@pytest.mark.filterwarnings("ignore")
def test_powerlaw_finds_the_same():
    sizes = body_and_tail(chance(3), 1.5, 1_000)
    other, found = powerlaw.Fit(sizes, verbose=False), facts.order_sizes(sizes)
    assert abs(other.power_law.alpha - 1 - found.exponent.value) < 0.05
    fixed = powerlaw.Fit(sizes, xmin=found.cut, verbose=False)
    ratio, p_value = fixed.distribution_compare("power_law", "lognormal", normalized_ratio=True)
    assert np.isclose(ratio, found.vuong, atol=0.1)
    assert np.isclose(p_value, found.p_value, atol=0.1)


def test_whole_lots_count_half_a_lot_to_either_side():
    sizes = np.rint(2.5 * (1 + chance(4).pareto(1.5, 50_000)))
    found = facts.order_sizes(sizes, lot=1)
    assert found.exponent.low < 1.5 < found.exponent.high
    assert abs(facts.order_sizes(sizes).exponent.value - 1.5) > abs(found.exponent.value - 1.5)


def test_log_normal_sizes_are_nearer_to_their_law():
    found = facts.order_sizes(np.maximum(chance(5).lognormal(0, 1.5, 20_000), 1.0), lot=0.02)
    assert found.vuong < 0
    pareto = facts.order_sizes(1 + chance(5).pareto(1.5, 20_000))
    assert pareto.vuong > -1


def test_sizes_have_numpys_mean_and_quantiles():
    sizes = chance(6).choice([10.0, 50.0, 70.0, 100.0, 250.0, 1_000.0], 1_000)
    found = facts.order_sizes(sizes, round_to=50)
    assert (found.n, found.mean, found.median) == (1_000, sizes.mean(), np.median(sizes))
    assert found.quantiles[0.95] == np.quantile(sizes, 0.95)
    assert found.round_share == ((sizes != 10) & (sizes != 70)).mean()
    assert np.isnan(facts.order_sizes(sizes).round_share)


@pytest.mark.parametrize(
    ("qty", "options", "said"),
    [
        (np.arange(1, 41), {}, "qty: 40 sizes is not allowed: at least 100"),
        (np.arange(200), {}, "qty: 0 in row 0 is not allowed: more than 0"),
        (np.full(200, 7.0), {}, "qty: 1 different sizes in 200, 7 the largest is not allowed: a tail"),
        (np.arange(1, 201), {"lot": 5}, "lot: 5 is not allowed: at most the smallest size, 1"),
        (np.arange(1, 201), {"round_to": -1}, "round_to: -1 is not allowed: a finite number, more than 0"),
    ],
)
def test_order_sizes_say_what_is_wrong(qty, options, said):
    with pytest.raises(pc.ScenarioError) as caught:
        facts.order_sizes(qty, **options)
    assert said in str(caught.value)


def test_poisson_arrivals_are_exponential_as_often_as_it_says():
    hits = rejected = 0
    for seed in range(300):
        found = facts.inter_arrivals(chance(seed).exponential(0.5, 2_000).cumsum())
        hits += found.shape.low <= 1 <= found.shape.high
        rejected += found.p_value < 0.05
    assert 274 <= hits <= 296
    assert 4 <= rejected <= 27
    assert abs(found.rate - 2) < 0.2
    assert abs(found.cv - 1) < 0.1
    assert 0.8 < found.fano[0] < 1.2


def test_the_weibull_law_is_scipys():
    times = np.concatenate([[0.0], chance(7).weibull(0.6, 5_000).cumsum()])
    found = facts.inter_arrivals(times)
    shape, _, scale = stats.weibull_min.fit(np.diff(times), floc=0)
    assert np.isclose(found.shape.value, shape, rtol=1e-3)
    assert np.isclose(found.scale, scale, rtol=1e-3)
    law = stats.weibull_min(found.shape.value, scale=found.scale)
    assert np.isclose(found.log_likelihood_weibull, law.logpdf(np.diff(times)).sum())
    exponential = stats.expon(scale=np.diff(times).mean())
    assert np.isclose(found.log_likelihood_exponential, exponential.logpdf(np.diff(times)).sum())
    assert found.shape.low < 0.6 < found.shape.high
    assert found.p_value < 1e-10


def test_tied_arrivals_count_for_rate_and_windows_only():
    single = np.arange(1, 2_001) + chance(8).uniform(0, 0.5, 2_000)
    one, two = facts.inter_arrivals(single), facts.inter_arrivals(np.repeat(single, 2))
    assert (two.shape.value, two.cv, two.median) == (one.shape.value, one.cv, one.median)
    assert two.tied == 2_000 / 3_999
    assert np.isclose(two.rate, 2 * one.rate, rtol=1e-3)
    assert np.allclose(two.fano[:2], 2 * one.fano[:2], equal_nan=True)


def test_windows_too_few_to_count_in_have_no_figure():
    found = facts.inter_arrivals(chance(9).exponential(1, 1_000).cumsum(), windows_s=[1, 100])
    assert found.windows[1] < 30
    assert np.isfinite(found.fano[0])
    assert np.isnan(found.fano[1])


@pytest.mark.parametrize(
    ("time", "options", "said"),
    [
        ([], {}, "time: 0 arrivals at different times is not allowed: at least 100"),
        (np.zeros(500), {}, "time: 1 arrivals at different times is not allowed: at least 100"),
        (np.arange(500), {}, "time: 499 times 1 s between arrivals is not allowed: times that differ"),
        ([1, 0], {}, "time: 0 in row 1 after 1 is not allowed: times that rise"),
        (
            np.arange(500) ** 2,
            {"windows_s": [0]},
            "windows_s: [0.0] is not allowed: finite numbers of seconds",
        ),
    ],
)
def test_inter_arrivals_say_what_is_wrong(time, options, said):
    with pytest.raises(pc.ScenarioError) as caught:
        facts.inter_arrivals(time, **options)
    assert said in str(caught.value)


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        pc.ScenarioError, match=r"order_sizes: .* only with scipy: pip install perpcore\[facts\]"
    ):
        facts.order_sizes(np.arange(1, 200))


def test_a_real_day_has_the_figures_of_its_file(shared: Path):
    archive = shared / "data" / "lobster" / "LOBSTER_SampleFile_AMZN_2012-06-21_1.zip"
    if not archive.is_file():
        pytest.skip("real data: no LOBSTER sample")
    with zipfile.ZipFile(archive) as files:
        (name,) = [name for name in files.namelist() if "message" in name]
        rows = np.loadtxt(io.BytesIO(files.read(name)), delimiter=",", usecols=(0, 1, 3))
    day = lobster.read(archive).messages
    found = facts.inter_arrivals(day["time"] / 1e9)
    between = np.diff(rows[:, 0])
    assert np.isclose(found.rate, len(between) / between.sum())
    assert np.isclose(found.median, np.median(between[between > 1e-10]), rtol=1e-6)
    weights = np.log(between[between > 1e-10])
    root = optimize.brentq(
        lambda k: (np.exp(k * weights) @ weights) / np.exp(k * weights).sum() - 1 / k - weights.mean(),
        0.01,
        5,
    )
    assert np.isclose(found.shape.value, root, rtol=1e-6)
    assert found.fano[0] > 2
    new = facts.order_sizes(day["size"][day["kind"] == 1], lot=1, round_to=100)
    sizes = rows[rows[:, 1] == 1, 2]
    assert (new.n, new.median) == (len(sizes), np.median(sizes))
    assert np.isclose(new.mean, sizes.mean())
    assert new.round_share == (sizes % 100 == 0).mean()
