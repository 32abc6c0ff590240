"""Spreads and depth of books: by hand, of a simulation, and of a real day read another way."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

import perpcore as pc
from perpcore.analysis import facts
from perpcore.sources import lobster

NAN = float("nan")
# Mids 100, 100, 102; the second has no second bid, the fourth no ask.
BOOK = {
    "bid_price": [[99.9, 99.0], [99.5, NAN], [101.9, 101.0], [99.0, 98.0]],
    "bid_qty": [[1, 2], [4, NAN], [3, 5], [1, 1]],
    "ask_price": [[100.1, 100.5], [100.5, 101.0], [102.1, 103.0], [9999999999, 9999999999]],
    "ask_qty": [[2, 10], [1, 1], [6, 1], [0, 0]],
}


def changed(**new):
    return {**BOOK, **new}


def test_spreads_by_hand():
    found = facts.spread(**BOOK, tick_size=0.1)
    assert np.isclose(found.price.mean, (0.2 + 1.0 + 0.2) / 3)
    assert np.isclose(found.bp.mean, (20 + 100 + 2_000 / 102) / 3)
    assert found.ticks.quantiles == {0.05: 2, 0.25: 2, 0.5: 2, 0.75: 10, 0.95: 10}
    assert (found.snapshots, found.one_sided, found.time_weighted) == (3, 1, False)
    assert facts.spread(**BOOK).ticks is None


def test_spreads_count_for_as_long_as_they_stood():
    found = facts.spread(**BOOK, tick_size=0.1, time=[0, 1, 7, 8])
    assert np.isclose(found.ticks.mean, (2 * 1 + 10 * 6 + 2 * 1) / 8)
    assert found.ticks.median == 10
    assert found.time_weighted


def test_depth_by_hand():
    found = facts.depth_profile(**BOOK, within_bp=[10, 50, 100])
    assert np.allclose(found.bid_qty, [(1 + 0 + 3) / 3, (1 + 4 + 3) / 3, (3 + 4 + 8) / 3])
    assert np.allclose(found.ask_qty, [(2 + 0 + 6) / 3, (12 + 1 + 6) / 3, (12 + 2 + 7) / 3])
    assert np.allclose(found.bid[0], (99.9 + 3 * 101.9) / 3)
    assert np.allclose(found.ask[1], (200.2 + 1_005 + 100.5 + 6 * 102.1) / 3)
    # The second snapshot's bids end by themselves; of the others all levels are filled.
    assert np.allclose(found.bid_seen, [1, 1, 2 / 3])
    assert np.allclose(found.ask_seen, [1, 1, 1 / 3])
    timed = facts.depth_profile(**BOOK, within_bp=[50], time=[0, 1, 7, 8])
    assert np.allclose(timed.bid_qty, (1 * 1 + 4 * 6 + 3 * 1) / 8)


def test_books_of_a_simulation():
    sim = pc.presets.rocketcoin_live().simulation(seed=1)
    sides, seen = {"bid": [], "ask": []}, []
    for _ in range(5):
        sim.step(60)
        for side, kept in sides.items():
            kept.append(sim.spot.depth(side, levels=5 + len(kept)))
        seen.append((sim.spot.best_ask or NAN) - (sim.spot.best_bid or NAN))
    arrays = (*facts.padded(sides["bid"]), *facts.padded(sides["ask"]))
    found = facts.spread(*arrays)
    assert np.isclose(found.price.mean, np.nanmean(seen))
    profile = facts.depth_profile(*arrays, within_bp=[1e4])
    assert np.isclose(
        profile.ask_qty[0],
        np.mean([qty[price <= 2 * (price[0])].sum() for price, qty in sides["ask"]]),
        rtol=0.05,
    )


@pytest.mark.parametrize(
    ("books", "said"),
    [
        (
            changed(bid_qty=[[1], [1], [1], [1]]),
            "bid_qty: an array of shape (4, 1) is not allowed: that of the",
        ),
        (
            changed(bid_price=[99.0]),
            "bid_price: an array of shape (1,) is not allowed: one of shape (snapshots,",
        ),
        (
            {k: v[:3] if "ask" in k else v for k, v in BOOK.items()},
            "ask_price: 3 snapshots is not allowed: 4,",
        ),
        (
            changed(ask_price=[[99.8, 100]] * 4),
            "bid_price: 99.9 in snapshot 0 is not allowed: at most the ask",
        ),
        (
            changed(bid_price=[[99, 99.5]] * 4),
            "bid_price: 99.5 at level 1 of snapshot 0 is not allowed: a price",
        ),
        (
            changed(bid_qty=[[-1, 1]] * 4),
            "bid_qty: -1 at level 0 of snapshot 0 is not allowed: 0 or more, or nan",
        ),
        (
            changed(bid_price=[[0, -1]] * 4),
            "bid_price: 0 at level 0 of snapshot 0 is not allowed: more than 0",
        ),
        (
            changed(bid_qty=[[0, 1], [1, 0], [1, 1], [1, 1]]),
            "bid_price: 99 at level 1 of snapshot 0 is not allowed: none behind one",
        ),
        (changed(ask_qty=[[0, 0]] * 4), "ask_price: 4 snapshots, none with both sides is not allowed"),
        (changed(time=[0, 0, 0, 0]), "time: no time between snapshots with both sides is not allowed"),
        (changed(time=[0, 1]), "time: 2 values is not allowed: 4: one a row"),
        (changed(tick_size=-1), "tick_size: -1 is not allowed: a finite number, more than 0"),
    ],
)
def test_spread_says_what_is_wrong(books, said):
    with pytest.raises(pc.ScenarioError) as caught:
        facts.spread(**books)
    assert said in str(caught.value)


@pytest.mark.parametrize("within", [[0, 1], [2, 1], [], [NAN]])
def test_distances_rise_from_more_than_nothing(within):
    with pytest.raises(pc.ScenarioError, match="within_bp"):
        facts.depth_profile(**BOOK, within_bp=within)


def test_sides_are_columns_of_one_length():
    with pytest.raises(
        pc.ScenarioError, match=r"sides\[0\]: prices of shape \(2,\) and quantities of \(1,\)"
    ):
        facts.padded([([1, 2], [1])])


def test_a_real_day_has_the_spreads_of_its_file(shared: Path):
    archive = shared / "data" / "lobster" / "LOBSTER_SampleFile_AMZN_2012-06-21_5.zip"
    if not archive.is_file():
        pytest.skip("real data: no LOBSTER sample")
    with zipfile.ZipFile(archive) as files:
        texts = [
            files.read(name) for key in ("message", "orderbook") for name in files.namelist() if key in name
        ]
    seconds = np.loadtxt(io.BytesIO(texts[0]), delimiter=",", usecols=0)
    rows = np.loadtxt(io.BytesIO(texts[1]), delimiter=",", dtype=np.int64)
    day = lobster.read(archive)
    arrays = [day.book[name] for name in ("bid_price", "bid_size", "ask_price", "ask_size")]
    found = facts.spread(*arrays, tick_size=100, time=day.messages["time"] / 1e9)
    cents = (rows[:, 0] - rows[:, 2]) / 100
    assert found.ticks.quantiles[0.05] >= 1
    assert found.snapshots == len(rows)
    assert np.isclose(found.ticks.mean, np.average(cents[:-1], weights=np.diff(seconds)), rtol=1e-6)
    assert np.isclose(facts.spread(*arrays, tick_size=100).ticks.mean, cents.mean())
    profile = facts.depth_profile(*arrays, within_bp=[2, 5])
    mid = (rows[:, 0] + rows[:, 2]) / 2
    shares = sum(np.where(mid - rows[:, k + 2] <= 5e-4 * mid, rows[:, k + 3], 0) for k in range(0, 20, 4))
    assert np.isclose(profile.bid_qty[1], shares.mean())
    assert 0 < profile.ask[0] < profile.ask[1]
