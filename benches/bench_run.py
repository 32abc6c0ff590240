"""What a Python user waits for."""

import pytest

import perpcore as pc


@pytest.fixture(scope="module")
def scenario():
    return pc.presets.rocketcoin()


def bench_build(benchmark, scenario):
    """Read, check and build: 78,764 accounts."""
    benchmark(pc.Scenario.from_toml, scenario.to_toml())


def bench_run(benchmark, scenario):
    """Build again, run with its trace: 78,764 liquidations."""
    run = benchmark(scenario.run, seed=1)
    assert run.summary["final_price"] == 19.67


def bench_tables(benchmark, scenario):
    """All tables of a run, as Arrow columns."""
    run = scenario.run(seed=1)
    benchmark(lambda: (run.stages, run.fills, run.liquidations, run.ledger, run.accounts))


def bench_order(benchmark):
    """One limit order that rests, and its cancel, from decimal strings."""
    book = pc.OrderBook(tick_size="0.01", lot_size="0.001")

    def place_and_cancel():
        book.cancel(book.limit("buy", price="10.01", qty="1.5").id)

    benchmark(place_and_cancel)
