"""Who leads: against the sum over all pairs, numpy's correlations, and pairs whose lag is known."""

import time

import numpy as np
import pytest

import perpcore as pc
from perpcore.analysis import facts


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def ticks(random: np.random.Generator, walk: np.ndarray, n: int, late: float = 0.0):
    """Ticks at random times of a walk of one step a millisecond, seen so much later."""
    at = np.sort(random.choice(len(walk), n, replace=False))
    return at / 1_000 + late, np.exp(walk[at])


def all_pairs(ta, pa, tb, pb, lag):
    """Hayashi and Yoshida's sum as it is written, times in whole milliseconds."""
    ta, tb = np.rint(1_000 * ta).astype(int), np.rint(1_000 * (tb - lag)).astype(int)
    ra, rb = np.diff(np.log(pa)), np.diff(np.log(pb))
    total = 0.0
    for i in range(len(ra)):
        overlap = np.maximum(ta[i], tb[:-1]) < np.minimum(ta[i + 1], tb[1:])
        total += ra[i] * rb[overlap].sum()
    return total / np.sqrt((ra**2).sum() * (rb**2).sum())


@pytest.mark.parametrize("counts", [(400, 900), (900, 400)])
def test_the_correlation_is_that_over_all_pairs(counts):
    random = chance(1)
    walk = random.standard_normal(60_000).cumsum() / 1_000
    ends = np.array([0, 59_999])
    series = []
    for n in counts:
        at = np.unique(np.concatenate([ends, random.choice(60_000, n)]))
        series += [at / 1_000, np.exp(walk[at] + random.standard_normal(len(at)) / 100)]
    found = facts.lead_lag(*series, max_lag_s=0.5, step_s=0.25)
    expected = [all_pairs(*series, lag) for lag in found.lag_s]
    assert found.lag_s.tolist() == [-0.5, -0.25, 0, 0.25, 0.5]
    assert np.allclose(found.correlation, expected, atol=1e-12)


def test_on_one_regular_grid_it_is_the_plain_correlation():
    random = chance(2)
    a, b = random.standard_normal((2, 5_000))
    b[2:] += a[:-2]
    prices = [np.exp(np.append(0, r).cumsum() / 1_000) for r in (a, b)]
    grid = 0.1 * np.arange(5_001)
    found = facts.lead_lag(grid, prices[0], grid, prices[1], max_lag_s=0.4, step_s=0.1)
    norm = np.sqrt((a @ a) * (b @ b))
    lagged = [a[: len(a) - k] @ b[k:] if k >= 0 else a[-k:] @ b[:k] for k in range(-4, 5)]
    assert np.allclose(found.correlation, np.array(lagged) / norm, atol=1e-12)
    assert np.isclose(found.lag.value, 0.2)


@pytest.mark.parametrize(("late", "leader"), [(0.3, "a"), (-0.3, "b")])
def test_a_known_lag_is_found(late, leader):
    random = chance(3)
    walk = random.standard_normal(600_000).cumsum() / 1_000
    a, b = ticks(random, walk, 8_000), ticks(random, walk, 3_000, late)
    found = facts.lead_lag(*a, *b, max_lag_s=1, step_s=0.05)
    assert abs(found.lag.value - late) < 0.051
    assert found.lag.low <= late + 0.051
    assert found.lag.high >= late - 0.051
    assert found.leader == leader
    back = facts.lead_lag(*b, *a, max_lag_s=1, step_s=0.05)
    assert np.allclose(back.correlation, found.correlation[::-1], atol=1e-12)
    assert np.isclose(back.ratio.value, 1 / found.ratio.value)


def test_where_nobody_leads_the_ratio_says_so():
    wrong = 0
    for seed in range(60):
        random = chance(seed)
        walk = random.standard_normal(300_000).cumsum() / 1_000
        a, b = ticks(random, walk, 3_000), ticks(random, walk, 3_000)
        wrong += facts.lead_lag(*a, *b, max_lag_s=0.5, step_s=0.1).leader != "neither"
    assert wrong <= 8, f"{wrong} of 60 at 95 %"


def test_a_million_ticks_take_seconds():
    random = chance(4)
    walk = random.standard_normal(1_000_000).cumsum() / 10_000
    at = np.sort(random.uniform(0, 86_400, 1_000_000))
    begin = time.perf_counter()
    found = facts.lead_lag(at, np.exp(walk), at + 0.5, np.exp(walk), max_lag_s=2, step_s=0.1)
    assert time.perf_counter() - begin < 30
    assert np.isclose(found.lag.value, 0.5)


GOOD = (np.arange(1_000), 1 + chance(5).uniform(size=1_000))


@pytest.mark.parametrize(
    ("a", "b", "options", "said"),
    [
        (
            GOOD,
            GOOD,
            {"max_lag_s": 10},
            "time_a: 999 s in common with time_b is not allowed: at least 1000 s",
        ),
        (GOOD, GOOD, {"step_s": 6}, "step_s: 6 s is not allowed: 1e-6 s to max_lag_s, 5 s"),
        (GOOD, GOOD, {"step_s": 0}, "step_s: 0 is not allowed: a finite number of seconds, more than 0"),
        (
            GOOD,
            (GOOD[0], np.ones(1_000)),
            {},
            "price_b: 0 changes in the common time is not allowed: at least 30",
        ),
        (GOOD, (GOOD[0][:5], GOOD[1][:5]), {}, "price_b: 5 prices is not allowed: at least 31"),
        (
            (GOOD[0][::-1], GOOD[1]),
            GOOD,
            {},
            "time_a: 998 in row 1 after 999 is not allowed: times that rise",
        ),
        ((GOOD[0], -GOOD[1]), GOOD, {}, "is not allowed: more than 0"),
        ((GOOD[0] + 2_000, GOOD[1]), GOOD, {}, "time_a: 0 s in common with time_b is not allowed"),
    ],
)
def test_lead_lag_says_what_is_wrong(a, b, options, said):
    with pytest.raises(pc.ScenarioError) as caught:
        facts.lead_lag(*a, *b, **{"max_lag_s": 5, "step_s": 1, **options})
    assert said in str(caught.value)
