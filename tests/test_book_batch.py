"""`OrderBook.apply`: arrays of commands do what single calls do, and garbage is refused row by row."""

import numpy as np
import pytest

import perpcore as pc
from perpcore.events import CANCEL, EVENT, FILL, REJECT, REJECT_REASONS, Flag, Kind, Tif


def new_book(**rules):
    return pc.OrderBook(tick_size="0.01", lot_size="0.001", **rules)


def rows(*events):
    """Rows from dicts; what is not given is zero."""
    array = np.zeros(len(events), dtype=EVENT)
    for row, event in zip(array, events, strict=True):
        for name, value in event.items():
            row[name] = value
    return array


def limit(reference, side, price, qty, **more):
    return {"kind": Kind.LIMIT, "reference": reference, "side": side, "price": price, "qty": qty, **more}


def test_the_records_have_their_documented_sizes():
    assert [dtype.itemsize for dtype in (EVENT, FILL, REJECT, CANCEL)] == [48, 48, 16, 40]


def test_a_batch_fills_rejects_and_cancels():
    book = new_book()
    applied = book.apply(
        rows(
            limit(0, 1, 1001, 5, owner=7),
            limit(1, 1, 1002, 5, owner=8),
            {"kind": Kind.MARKET, "side": 0, "qty": 7, "reference": 2, "owner": 9},
            {"kind": Kind.CANCEL, "reference": 0},
            {"kind": Kind.CANCEL, "reference": 44},
            limit(3, 0, 900, 0),
            {"kind": Kind.REDUCE, "reference": 1, "qty": 1},
            {"kind": Kind.REPLACE, "reference": 1, "price": 1003, "qty": 4},
            limit(4, 0, 1003, 9, tif=Tif.IOC),
        )
    )
    names = ["event", "price", "qty", "maker_reference", "maker_owner", "taker_owner"]
    assert applied.fills[names].tolist() == [
        (2, 1001, 5, 0, 7, 9),
        (2, 1002, 2, 1, 8, 9),
        (8, 1003, 4, 1, 8, 0),
    ]
    assert applied.rejects["event"].tolist() == [3, 4, 5]
    reasons = [REJECT_REASONS[code] for code in applied.rejects["reason"]]
    assert "no resting" in reasons[0]
    assert "reference" in reasons[1]
    assert "at least one lot" in reasons[2]
    assert applied.cancels[["event", "qty", "left"]].tolist() == [(8, 5, 0)]
    assert book.best_ask is None


def flow(rng, n):
    """Adds, cancels and market orders around a price, as events; every reference is new."""
    events = np.zeros(n, dtype=EVENT)
    kinds = rng.choice([Kind.LIMIT, Kind.CANCEL, Kind.MARKET, Kind.REDUCE], n, p=[0.55, 0.3, 0.1, 0.05])
    events["kind"], events["side"] = kinds, rng.integers(0, 2, n)
    events["owner"] = rng.integers(1, 20, n)
    adds = np.isin(kinds, [Kind.LIMIT, Kind.MARKET])
    events["reference"] = np.where(adds, np.arange(n), rng.integers(0, np.maximum(np.arange(n), 1)))
    away = rng.geometric(0.1, n)
    events["price"] = np.where(kinds == Kind.LIMIT, 1000 + np.where(events["side"] == 1, away, -away) - 1, 0)
    events["qty"] = rng.integers(1, 10, n)
    return events


def by_single_calls(book, events):
    fills, ids = [], {}
    for i, event in enumerate(events):
        side, qty = ("buy", "sell")[event["side"]], int(event["qty"])
        try:
            if event["kind"] == Kind.LIMIT:
                price = int(event["price"])
                result = book.limit(
                    side, price=f"{price / 100:.2f}", qty=qty / 1000, owner=int(event["owner"])
                )
            elif event["kind"] == Kind.MARKET:
                result = book.market(side, qty=qty / 1000, owner=int(event["owner"]))
            elif event["kind"] == Kind.CANCEL:
                book.cancel(ids.get(int(event["reference"]), 2**63))
                continue
            else:
                book.reduce(ids.get(int(event["reference"]), 2**63), qty / 1000)
                continue
        except pc.OrderError:
            continue
        ids[i] = result.id if result.id is not None else 2**63
        fills += [(i, fill.price, fill.qty, fill.maker) for fill in result.fills]
    return fills


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_is_its_single_calls(seed):
    events = flow(np.random.default_rng(seed), 4000)
    together, apart = new_book(), new_book()
    fills = []
    for at in range(0, len(events), 1000):
        got = together.apply(events[at : at + 1000]).fills
        fills += [
            (int(f["event"]) + at, f["price"] / 100, f["qty"] / 1000, int(f["maker_owner"])) for f in got
        ]
    assert len(fills) > 300
    assert fills == by_single_calls(apart, events)
    assert together.state_hash() == apart.state_hash()


def test_rules_hold_in_a_batch():
    book = new_book(self_trade="cancel_newest", min_notional=1)
    applied = book.apply(
        rows(
            limit(0, 1, 1000, 200, owner=5),
            limit(1, 0, 1000, 150, owner=5),
            limit(2, 0, 999, 1, owner=6),
            limit(3, 0, 1000, 100, owner=6, flags=Flag.REDUCE_ONLY),
        )
    )
    assert len(applied.fills) == 0
    assert applied.cancels["qty"].tolist() == [150]
    assert applied.rejects["event"].tolist() == [2, 3]


def test_garbage_is_refused_and_changes_nothing():
    rng = np.random.default_rng(1)
    book = new_book()
    book.limit("sell", price=10, qty=1)
    events = np.frombuffer(rng.bytes(48 * 2000), dtype=EVENT).copy()
    events["kind"] = rng.integers(12, 256, 2000)
    before = book.state_hash()
    applied = book.apply(events)
    assert len(applied.rejects) == 2000
    assert len(applied.fills) == 0
    assert book.state_hash() == before


def test_random_bytes_never_end_the_process():
    rng = np.random.default_rng(2)
    for _ in range(20):
        events = np.frombuffer(rng.bytes(48 * 500), dtype=EVENT).copy()
        events["kind"] %= 12
        new_book().apply(events)


@pytest.mark.parametrize(
    "events",
    [np.zeros(3), np.zeros((2, 2), dtype=EVENT), [1, 2], np.zeros(2, dtype=FILL), None],
    ids=["floats", "a matrix", "a list", "other records", "nothing"],
)
def test_an_array_of_another_kind_is_refused(events):
    with pytest.raises(pc.OrderError, match=r"events: .* is not allowed: a one-dimensional numpy array"):
        new_book().apply(events)


def test_arrays_that_do_not_lie_in_a_row_are_read_all_the_same():
    events = rows(limit(0, 1, 1001, 5), limit(1, 1, 1002, 5), limit(2, 0, 1002, 7))
    spread = np.zeros(6, dtype=EVENT)
    spread[::2] = events
    misaligned = np.frombuffer(b"x" + events.tobytes(), dtype=np.uint8)[1:].view(EVENT)
    want = new_book().apply(events).fills
    assert len(want) == 2
    for other in (spread[::2], misaligned):
        assert new_book().apply(other).fills.tobytes() == want.tobytes()
