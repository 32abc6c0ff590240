"""Fits of Hawkes processes: against the likelihood's double sum, and against processes that are known."""

import math

import numpy as np
import pytest

from perpcore import ScenarioError
from perpcore.analysis.facts.hawkes import fit_hawkes, log_likelihood, simulate_hawkes

pytest.importorskip("scipy", reason="the extra facts")


def double_sum(
    times: np.ndarray, mu: float, branching: float, beta: float, start: float, end: float
) -> float:
    """The log-likelihood as Hawkes (1971) defines it, pair by pair, kernel by kernel."""
    total = -mu * (end - start)
    for t in times:
        total -= branching * (math.exp(-beta * max(start - t, 0)) - math.exp(-beta * (end - t)))
        if t > start:
            total += math.log(mu + sum(branching * beta * math.exp(-beta * (t - s)) for s in times if s < t))
    return total


@pytest.mark.parametrize("start", [0.0, 30.0])
def test_the_recursion_gives_the_double_sum(start: float) -> None:
    times = simulate_hawkes(0.5, 0.7, 0.8, 100, seed=3)
    for mu, branching, beta in [(0.5, 0.7, 0.8), (0.1, 1.4, 0.05), (2.0, 0.01, 500.0)]:
        found = log_likelihood(times, mu=mu, branching=branching, beta=beta, end=100, start=start)
        assert found == pytest.approx(double_sum(times, mu, branching, beta, start, 100), rel=1e-11)


def test_no_other_parameters_near_are_likelier() -> None:
    times = simulate_hawkes(0.3, 0.6, 1.5, 800, seed=5)
    fit = fit_hawkes(times, end=800)
    at = {"mu": fit.mu[0].value, "branching": fit.branching.value, "beta": fit.beta.value}
    assert log_likelihood(times, **at, end=800) == pytest.approx(fit.log_likelihood, abs=1e-9)
    for name in at:
        for factor in (0.99, 1.01):
            other = at | {name: at[name] * factor}
            assert log_likelihood(times, **other, end=800) < fit.log_likelihood


def test_the_interval_ends_where_no_other_parameters_help() -> None:
    # the other two searched by hand on a grid around the fit, not by the fit's own search
    times = simulate_hawkes(0.3, 0.6, 1.5, 800, seed=5)
    fit = fit_hawkes(times, end=800)
    steps = np.exp(np.linspace(-0.5, 0.5, 41))
    for end in (fit.branching.low, fit.branching.high):
        best = max(
            log_likelihood(times, mu=fit.mu[0].value * a, branching=end, beta=fit.beta.value * b, end=800)
            for a in steps
            for b in steps
        )
        assert 2 * (fit.log_likelihood - best) == pytest.approx(
            3.841, abs=0.05
        )  # chi-squared, 1 degree, 95 %


def test_intervals_hold_what_was_simulated_as_often_as_they_say() -> None:
    held, inside, p_values = [], [], []
    for branching in (0.3, 0.6, 0.8):
        for seed in range(50):
            times = simulate_hawkes(0.3, branching, 1.0, 500, seed=1_000 + seed)
            fit = fit_hawkes(times, end=500)
            held.append(fit.branching.low <= branching <= fit.branching.high)
            inside.append(fit.beta.low <= 1.0 <= fit.beta.high)
            p_values.append(fit.p_value)
    # of 150, 142.5 are expected; fewer than 133 or more than 149 once in 500 times together
    assert 133 <= sum(held) <= 149
    assert 133 <= sum(inside) <= 149
    assert np.mean(np.array(p_values) < 0.05) < 0.08  # the model is the right one


def test_the_simulator_has_the_mean_count_of_the_theory() -> None:
    # E N(T) from dm/dt = beta (mu - (1 - n) m), Hawkes 1971
    mu, n, beta, end = 0.5, 0.75, 0.2, 100.0
    calm = beta * (1 - n)
    expected = mu / (1 - n) * (end - n / calm * (1 - math.exp(-calm * end)))
    counts = [len(simulate_hawkes(mu, n, beta, end, seed=seed)) for seed in range(2_000)]
    assert np.mean(counts) == pytest.approx(expected, abs=4 * np.std(counts) / math.sqrt(2_000))


def test_poisson_events_call_forth_none() -> None:
    ratios, zero_held = [], 0
    for seed in range(20):
        fit = fit_hawkes(simulate_hawkes(1.0, 0, 1.0, 400, seed=seed), end=400)
        ratios.append(fit.branching.value)
        zero_held += fit.branching.low == 0
        assert fit.likelihood_ratio >= -1e-4  # the search ends at a ratio of 1e-6
    assert np.median(ratios) < 0.08
    assert zero_held >= 16


def test_clusters_are_told_from_poisson_events_and_from_another_kernel() -> None:
    times = simulate_hawkes(0.2, 0.8, 1.0, 1_000, seed=2)
    assert fit_hawkes(times, end=1_000).likelihood_ratio > 100
    # bursts at fixed hours: no exponential kernel's gaps
    even = (np.arange(40)[:, None] * 25.0 + np.arange(10) * 1.0).ravel()
    assert fit_hawkes(even, end=1_000).p_value < 1e-3


def test_windows_are_pooled_with_one_kernel_and_a_rate_each() -> None:
    rates = [0.2, 1.0, 0.5, 0.1]
    pieces = [simulate_hawkes(mu, 0.6, 2.0, 400, seed=7 + i) for i, mu in enumerate(rates)]
    fit = fit_hawkes(pieces, ends=[400] * 4)
    assert fit.branching.low < 0.6 < fit.branching.high
    assert [fact.low < mu < fact.high for fact, mu in zip(fit.mu, rates, strict=True)] == [True] * 4
    assert fit.events == sum(map(len, pieces))
    given = {"branching": fit.branching.value, "beta": fit.beta.value, "end": 400}
    parts = [log_likelihood(p, mu=m.value, **given) for p, m in zip(pieces, fit.mu, strict=True)]
    assert sum(parts) == pytest.approx(fit.log_likelihood, abs=1e-8)
    alone = fit_hawkes(pieces[1], end=400).branching
    assert fit.branching.high - fit.branching.low < alone.high - alone.low


def test_what_was_before_the_start_counts_as_history() -> None:
    times = simulate_hawkes(0.3, 0.7, 0.5, 3_000, seed=11)
    fit = fit_hawkes(times, start=1_000, end=3_000)
    assert fit.events == (times > 1_000).sum()
    assert fit.branching.low < 0.7 < fit.branching.high
    shifted = fit_hawkes(times - 1_000, start=0, end=2_000)
    assert shifted.branching.value == pytest.approx(fit.branching.value, rel=1e-3)


@pytest.mark.parametrize(
    ("times", "options", "said"),
    [
        (np.arange(19.0) + 1, {"end": 30}, "19 events after the start"),
        (np.append(np.arange(30.0), 29.0), {"end": 40}, "29 in row 30 after 29"),
        (np.arange(30.0)[::-1], {"end": 40}, "times that rise"),
        (np.arange(30.0), {"end": 20}, "up to the end at 20"),
        (np.arange(30.0), {"end": -1}, "after the start at 0"),
        (np.arange(30.0), {}, "in its place `ends`"),
        (np.append(np.arange(30.0), np.nan), {"end": 40}, "finite numbers"),
        ([np.arange(30.0), [0.0]], {"ends": [40, 40]}, r"times\[1\]: 0 events"),
        ([np.arange(30.0)], {"ends": [40, 40]}, "ends: 2 values"),
        (np.arange(30.0), {"end": 40, "confidence": 1}, "confidence: 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused(times: object, options: dict[str, object], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        fit_hawkes(times, **options)  # type: ignore[arg-type]


def test_a_process_that_explodes_is_refused() -> None:
    with pytest.raises(ScenarioError, match="at most 10,000,000 events"):
        simulate_hawkes(1.0, 2.0, 1.0, 1_000, seed=1)
