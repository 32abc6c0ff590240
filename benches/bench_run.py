"""What a Python user waits for."""

import numpy as np
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


def bench_month(benchmark):
    """Thirty days in steps of a second, all agents on; its events are the elements."""
    coin = pc.presets.altseason()
    run = benchmark.pedantic(coin.run, kwargs={"seed": 1, "path": 100, "keep": "samples"}, rounds=3)
    benchmark.extra_info["elements"] = int(run.series["events"].sum())


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


def bench_limit_integers(benchmark):
    """One limit order that rests: integer price and quantity on a grid of ones."""
    book = pc.OrderBook(tick_size=1, lot_size=1)
    benchmark(book.limit, "buy", price=1000, qty=5)


def bench_limit_decimal_strings(benchmark):
    """The same from decimal strings."""
    book = pc.OrderBook(tick_size="0.01", lot_size="0.001")
    benchmark(book.limit, "buy", price="10.01", qty="1.5")


def bench_apply(benchmark):
    """A million rows: 52 % passive adds, 42 % cancels, 6 % aggressive; a row takes a millionth of it."""
    from perpcore.events import EVENT, Kind

    rng, n = np.random.default_rng(1), 1_000_000
    benchmark.extra_info["elements"] = n
    events = np.zeros(n, dtype=EVENT)
    draw, adds = rng.random(n), np.arange(n)
    events["kind"] = np.where(draw < 0.58, Kind.LIMIT, Kind.CANCEL)
    events["side"] = rng.integers(0, 2, n)
    events["reference"] = np.where(draw < 0.58, adds, np.maximum(adds - rng.integers(1, 6000, n), 0))
    away = np.where(draw < 0.52, rng.integers(1, 200, n), -rng.integers(1, 20, n))
    events["price"] = 10_000 + np.where(events["side"] == 1, away, -away)
    events["qty"] = rng.integers(1, 10, n)
    benchmark.pedantic(lambda book: book.apply(events), setup=lambda: ((book_of_ones(),), {}), rounds=7)


def book_of_ones():
    return pc.OrderBook(tick_size=1, lot_size=1)
