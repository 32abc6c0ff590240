"""Stops, replace, queries and snapshots of `pc.OrderBook`, one at a time."""

import math

import pytest

import perpcore as pc


@pytest.fixture
def book():
    book = pc.OrderBook(tick_size="0.01", lot_size=1)
    for price, qty, owner in [(10.01, 5, 1), (10.01, 7, 2), (10.02, 10, 3)]:
        book.limit("sell", price=price, qty=qty, owner=owner)
    book.limit("buy", price=9.99, qty=10, owner=4)
    return book


def test_a_stop_waits_for_the_mark_and_then_trades(book):
    stop = book.stop("buy", trigger=10.5, qty=6, owner=9)
    assert stop.filled == 0
    assert stop.id is not None
    assert book.mark(10.49) == []
    events = book.mark(10.5)
    assert events[0].kind == "triggered"
    assert sum(event.qty for event in events if event.kind == "filled") == 6


def test_a_stop_that_would_trigger_at_once_is_refused(book):
    book.mark(10.5)
    before = book.state_hash()
    with pytest.raises(pc.OrderError, match="trigger at once"):
        book.stop("buy", trigger=10.4, qty=1)
    assert book.state_hash() == before


def test_a_take_profit_waits_for_the_other_side(book):
    book.mark(10.5)
    order = book.stop("buy", trigger=10.4, qty=1, take_profit=True, price=10.01)
    assert order.id is not None
    assert any(event.kind == "triggered" for event in book.mark(10.3))


def test_replace_keeps_its_place_only_when_it_may(book):
    (first, second, _), ids = book.orders("ask"), [row[0] for row in book.orders("ask")]
    assert (first[1], second[1]) == (1, 2)
    assert book.queue_position(ids[1]) == (5.0, 1)
    book.replace(ids[0], qty=3)
    assert [row[1] for row in book.orders("ask")] == [1, 2, 3]
    book.replace(ids[0], qty=4)
    assert [row[1] for row in book.orders("ask")] == [2, 1, 3]
    book.replace(ids[0], price=10.02)
    assert [row[1] for row in book.orders("ask")] == [2, 3, 1]
    before = book.state_hash()
    with pytest.raises(pc.OrderError):
        book.replace(ids[0], price=9.99, tif="post_only")
    assert book.state_hash() == before


def test_what_an_order_would_cost_is_what_it_then_costs(book):
    filled, mean, worst = book.quote("buy", qty=15)
    assert (filled, worst) == (15.0, 10.02)
    fills = book.market("buy", qty=15).fills
    assert mean == pytest.approx(sum(fill.price * fill.qty for fill in fills) / 15)
    assert math.isnan(book.quote("buy", qty=5, limit=10.01)[1])


def test_impact_price_and_depth_to_a_notional(book):
    assert book.impact_price("buy", notional="120.12") == pytest.approx(10.01)
    assert math.isnan(book.impact_price("buy", notional=1000))
    prices, sizes = book.depth("ask", notional=121)
    assert (prices.tolist(), sizes.tolist()) == ([10.01, 10.02], [12.0, 10.0])


def test_reduce_only_follows_the_position(book):
    book.set_position(9, -3)
    assert book.limit("buy", price=10.01, qty=5, owner=9, reduce_only=True).filled == 3
    with pytest.raises(pc.OrderError, match="reduce"):
        book.limit("buy", price=10.01, qty=1, owner=9, reduce_only=True)


def test_good_till_time_and_mass_cancel(book):
    order = book.limit("buy", price=9.5, qty=1, expires=100)
    assert book.clock(99) == []
    assert [event.reason for event in book.clock(100)] == ["expired"]
    with pytest.raises(pc.OrderError, match="no resting"):
        book.cancel(order.id)
    assert book.cancel_owner(1) == 5.0
    assert [row[1] for row in book.orders("ask")] == [2, 3]


@pytest.mark.parametrize(
    ("rule", "filled", "left"),
    [("allow", 5, 7), ("cancel_newest", 0, 12), ("cancel_oldest", 6, 1), ("decrement", 1, 6)],
)
def test_self_trade_prevention(rule, filled, left):
    book = pc.OrderBook(tick_size="0.01", lot_size=1, self_trade=rule)
    book.limit("sell", price=10, qty=5, owner=1)
    book.limit("sell", price=10, qty=7, owner=2)
    result = book.limit("buy", price=10, qty=6 if rule != "allow" else 5, owner=1, tif="ioc")
    assert result.filled == filled
    assert sum(row[3] for row in book.orders("ask")) == left


def test_a_halted_book_refuses_orders_and_goes_on_where_it_was(book):
    book.halt()
    with pytest.raises(pc.OrderError, match="halted"):
        book.market("buy", qty=1)
    book.resume()
    assert book.market("buy", qty=1).filled == 1


def test_a_band_protects(book):
    book.set_band(9.9, 10.01)
    assert book.market("buy", qty=20).filled == 12
    with pytest.raises(pc.OrderError, match="band"):
        book.limit("buy", price=11, qty=1)
    book.set_band(None, None)
    assert book.market("buy", qty=20, protection=10.02).filled == 10


def test_a_snapshot_restores_everything(book):
    stop = book.stop("sell", trigger=9, qty=3, owner=8)
    again = pc.OrderBook.restore(book.snapshot(), tick_size="0.01", lot_size=1)
    assert again.state_hash() == book.state_hash()
    assert again.orders("ask") == book.orders("ask")
    assert again.cancel(stop.id) == 3.0
    for damaged in (
        b"",
        b"nonsense",
        book.snapshot()[:-1],
        book.snapshot()[:40] + b"x" + book.snapshot()[41:],
    ):
        with pytest.raises(pc.OrderError, match="snapshot"):
            pc.OrderBook.restore(damaged, tick_size="0.01", lot_size=1)


def test_fees_are_exact_and_rebates_negative():
    book = pc.OrderBook(tick_size="0.01", lot_size="0.001", maker_fee="-0.00015", taker_fee="0.00075")
    maker, taker = book.fees("10.01", "1.234")
    assert maker == pytest.approx(-10.01 * 1.234 * 0.00015, abs=1e-6)
    assert taker == pytest.approx(10.01 * 1.234 * 0.00075, abs=1e-6)
    assert taker >= 10.01 * 1.234 * 0.00075
