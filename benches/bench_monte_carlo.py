"""What a Python user waits for when it is many paths; an element is a path, or a row."""

import pytest

import perpcore as pc

PATHS, ROWS = 20_000, 1_000_000
MONEY = "bad_debt ignition_cost liquidated_notional market_maker_pnl paid_by_fund positions_pnl".split()


@pytest.fixture(scope="module", params=[200, 20], ids=["heavy", "light"])
def reference(request):
    return pc.presets.reference(smallest_size=request.param)


@pytest.fixture(scope="module")
def million():
    """A million rows of paths that take next to nothing."""
    small = pc.presets.reference(smallest_size=20).replace({"positions[0].accounts": 10})
    return small.monte_carlo(paths=ROWS, seed=1, progress=False)


@pytest.mark.parametrize("n_threads", [1, 2])
def bench_monte_carlo(benchmark, reference, n_threads):
    """Rows of all figures."""
    benchmark.extra_info["elements"] = PATHS
    options = {"paths": PATHS, "seed": 1, "n_threads": n_threads, "progress": False}
    assert len(benchmark.pedantic(reference.monte_carlo, kwargs=options, rounds=5)) == PATHS


def bench_monte_carlo_statistics(benchmark, reference):
    """The same, one thread, statistics instead of rows."""
    benchmark.extra_info["elements"] = PATHS
    options = {"paths": PATHS, "seed": 1, "n_threads": 1, "keep": "statistics", "progress": False}
    assert len(benchmark.pedantic(reference.monte_carlo, kwargs=options, rounds=5)) == PATHS


def bench_one_path(benchmark, reference):
    """What there is to do before the first path: checks, quantile tables."""
    benchmark(reference.monte_carlo, paths=1, seed=1, progress=False)


def bench_replace(benchmark, reference):
    """A scenario with another push, checked."""
    benchmark(reference.replace, {"ignition.qty": pc.Uniform(15_000, 25_000)})


def bench_column(benchmark, million):
    """A million rows as doubles in units, another column each time: a column is made once."""
    benchmark.extra_info["elements"] = ROWS
    names = iter(MONEY)
    benchmark.pedantic(million.__getitem__, setup=lambda: ((next(names),), {}), rounds=len(MONEY))


def bench_column_again(benchmark, million):
    """One that was made before."""
    benchmark(million.__getitem__, "final_price")


def bench_quantile(benchmark, million):
    """Of a million rows, another column each time: its histogram is made once."""
    benchmark.extra_info["elements"] = ROWS
    names = iter(MONEY)
    setup = lambda: ((next(names), [0.5, 0.99]), {})  # noqa: E731
    benchmark.pedantic(million.quantile, setup=setup, rounds=len(MONEY))


def bench_quantile_again(benchmark, million):
    """One whose histogram was made before."""
    benchmark(million.quantile, "final_price", [0.5, 0.99])
