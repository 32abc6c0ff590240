"""`pc.OrderBook` from Python: priority, units, refusals that change nothing."""

from decimal import Decimal

import numpy as np
import pytest

import perpcore as pc


@pytest.fixture
def book():
    book = pc.OrderBook(tick_size="0.01", lot_size="0.001")
    book.limit("sell", price="10.02", qty=3, owner=1)
    book.limit("sell", price=10.01, qty="1.5", owner=2)
    book.limit("sell", price=Decimal("10.01"), qty=1, owner=3)
    book.limit("buy", price="9.99", qty=2, owner=4)
    return book


def state(book):
    return [np.concatenate(book.depth(side, levels=100)).tolist() for side in ("bid", "ask")]


def test_best_prices_and_depth_are_in_units(book):
    assert (book.best_bid, book.best_ask) == (9.99, 10.01)
    prices, sizes = book.depth("ask", levels=10)
    assert prices.tolist() == [10.01, 10.02]
    assert sizes.tolist() == [2.5, 3.0]
    assert len(book.depth("ask", levels=1)[0]) == 1


def test_older_orders_fill_first_at_the_resting_price(book):
    result = book.market("buy", qty=4, owner=9)
    assert [(fill.price, fill.qty, fill.maker) for fill in result.fills] == [
        (10.01, 1.5, 2),
        (10.01, 1.0, 3),
        (10.02, 1.5, 1),
    ]
    assert (result.filled, result.remaining, result.id) == (4.0, 0.0, None)
    assert book.last_price == 10.02


def test_a_limit_order_rests_and_can_be_reduced_and_cancelled(book):
    result = book.limit("buy", price="10.01", qty=4, owner=9)
    assert (result.filled, result.remaining) == (2.5, 1.5)
    assert book.best_bid == 10.01
    assert book.reduce(result.id, "0.5") == 1.0
    assert book.cancel(result.id) == 1.0
    with pytest.raises(pc.OrderError, match="no resting order"):
        book.cancel(result.id)


def test_ioc_never_rests_and_fok_never_fills_in_part(book):
    result = book.limit("buy", price="10.01", qty=4, tif="ioc")
    assert (result.filled, result.remaining, result.id) == (2.5, 1.5, None)
    before = state(book)
    assert book.limit("buy", price="10.02", qty=4, tif="fok").filled == 0
    assert state(book) == before


def test_an_empty_book_has_no_prices():
    book = pc.OrderBook(tick_size=1, lot_size=1)
    assert (book.best_bid, book.best_ask, book.last_price) == (None, None, None)
    assert book.market("buy", qty=1).filled == 0


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ({"price": "10.005", "qty": 1}, "price: 10.005 is not allowed: a multiple of tick_size 0.01"),
        ({"price": 0, "qty": 1}, "price: 0 is not allowed"),
        ({"price": 10, "qty": "0.0001"}, "qty: 0.0001 is not allowed: a multiple of lot_size 0.001"),
        ({"price": 10, "qty": -1}, "qty: -1 is not allowed"),
        ({"price": 10, "qty": 10**18}, "qty: 1000000000000000000 is not allowed"),
        ({"price": float("nan"), "qty": 1}, "price: NaN is not allowed: a finite decimal"),
        ({"price": "ten", "qty": 1}, 'price: "ten" is not allowed: a finite decimal'),
        ({"price": True, "qty": 1}, "price: True is not allowed"),
        ({"price": 10.01, "qty": 1, "tif": "post_only"}, "a post-only order would trade"),
        ({"price": 10, "qty": 1, "tif": "day"}, 'tif: "day" is not allowed: "gtc", "ioc"'),
    ],
)
def test_a_refused_order_changes_nothing(book, order, message):
    before = state(book)
    with pytest.raises(pc.OrderError) as caught:
        book.limit("buy", **order)
    assert message in str(caught.value)
    assert state(book) == before


def test_sides_are_named_in_the_error(book):
    with pytest.raises(pc.OrderError, match='side: "long" is not allowed: "buy" or "sell"'):
        book.market("long", qty=1)
    with pytest.raises(pc.OrderError, match='"bid" or "ask"'):
        book.depth("buy")


def test_a_grid_must_be_positive():
    with pytest.raises(pc.OrderError, match="tick_size: 0 is not allowed: more than 0"):
        pc.OrderBook(tick_size=0, lot_size=1)


def test_an_id_or_owner_that_cannot_be_is_refused_by_name(book):
    before = state(book)
    for refused in (
        lambda: book.cancel(-1),
        lambda: book.reduce(2**70, 1),
        lambda: book.queue_position("first"),
        lambda: book.replace(-5, qty=1),
    ):
        with pytest.raises(pc.OrderError, match=r"id: .* is not allowed: the id of an order"):
            refused()
    for owner in (-1, 2**32, "me"):
        with pytest.raises(pc.OrderError, match=r"owner: .* is not allowed"):
            book.limit("buy", price=9, qty=1, owner=owner)
    assert state(book) == before
