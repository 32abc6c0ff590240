//! Cases one by one: defects found in other books, the edges of the ranges, and what supply must do.

use perpcore::book::{
    Fill, Level, MAX_LEVEL, MAX_PRICE, NewOrder, OrderBook, OrderKind, Outcome, QueuePlace, SUPPLY_ORDER,
    Supply, TimeInForce,
};
use perpcore::error::Reject;
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks};

const A: AccountId = AccountId(8);
const B: AccountId = AccountId(9);

fn limit(owner: AccountId, side: Side, price: i64, qty: i64, tif: TimeInForce) -> NewOrder {
    NewOrder { owner, side, qty: Lots(qty), kind: OrderKind::Limit { price: Ticks(price), tif } }
}

/// A book, its fills, and short words for orders.
struct Desk<S: Supply> {
    book: OrderBook<S>,
    fills: Vec<Fill>,
}

impl<S: Supply> Desk<S> {
    fn new(supply: S) -> Self {
        Desk { book: OrderBook::new(supply), fills: Vec::new() }
    }
    fn send(&mut self, order: NewOrder) -> Result<Outcome, Reject> {
        self.fills.clear();
        self.book.submit(order, &mut self.fills)
    }
    fn rest(&mut self, owner: AccountId, side: Side, price: i64, qty: i64) -> OrderId {
        self.send(limit(owner, side, price, qty, TimeInForce::Gtc)).unwrap().resting.expect("it rests")
    }
    fn market(&mut self, side: Side, qty: i64) -> Outcome {
        self.send(NewOrder { owner: B, side, qty: Lots(qty), kind: OrderKind::Market }).unwrap()
    }
    fn traded(&self) -> Vec<(i64, i64, u32)> {
        self.fills.iter().map(|fill| (fill.price.0, fill.qty.0, fill.maker.0)).collect()
    }
    fn depth(&mut self, side: Side) -> Vec<(i64, i64)> {
        let mut out = Vec::new();
        self.book.depth(side, usize::MAX, &mut out);
        out.iter().map(|(price, qty)| (price.0, qty.0)).collect()
    }
}

#[test]
fn two_orders_at_one_price_both_survive() {
    let mut desk = Desk::new(());
    let first = desk.rest(A, Side::Sell, 100, 3);
    let second = desk.rest(B, Side::Sell, 100, 4);
    assert_ne!(first, second);
    assert_eq!(desk.depth(Side::Sell), [(100, 7)]);
    assert_eq!(desk.book.cancel(first), Ok(Lots(3)));
    assert_eq!(desk.book.order(second).unwrap().remaining, Lots(4));
    assert_eq!(desk.depth(Side::Sell), [(100, 4)]);
}

#[test]
fn a_market_order_returns_after_the_partly_filled_last_order_is_cancelled() {
    let mut desk = Desk::new(());
    let ask = desk.rest(A, Side::Sell, 100, 5);
    assert_eq!(desk.market(Side::Buy, 2).filled, Lots(2));
    assert_eq!(desk.book.cancel(ask), Ok(Lots(3)));
    let outcome = desk.market(Side::Buy, 2);
    assert_eq!((outcome.filled, outcome.remaining, outcome.resting), (Lots(0), Lots(2), None));
    assert_eq!(desk.book.best(Side::Sell), None);
}

#[test]
fn a_deep_sweep_stops_at_its_limit() {
    let mut desk = Desk::new(());
    for price in 1_000..9_000 {
        desk.rest(A, Side::Sell, price * 50, 1);
    }
    let outcome = desk.send(limit(B, Side::Buy, 5_000 * 50 + 49, 100_000, TimeInForce::Gtc)).unwrap();
    assert_eq!(outcome.filled, Lots(4_001));
    assert!(desk.fills.iter().zip(1_000..).all(|(fill, price)| fill.price == Ticks(price * 50)));
    assert_eq!(desk.book.best(Side::Buy), Some(Ticks(250_049)));
    assert_eq!(desk.book.best(Side::Sell), Some(Ticks(250_050)));
    assert_eq!(desk.book.last(), Some(Ticks(250_000)));
    assert_eq!(desk.book.volume(), Lots(4_001));
}

#[test]
fn first_in_first_out_after_a_partial_fill_and_a_reduction() {
    let mut desk = Desk::new(());
    let first = desk.rest(AccountId(11), Side::Buy, 100, 5);
    desk.rest(AccountId(12), Side::Buy, 100, 5);
    desk.rest(AccountId(13), Side::Buy, 100, 5);
    desk.market(Side::Sell, 2);
    assert_eq!(desk.book.reduce(first, Lots(1)), Ok(Lots(2)));
    desk.market(Side::Sell, 8);
    assert_eq!(desk.traded(), [(100, 2, 11), (100, 5, 12), (100, 1, 13)]);
    assert_eq!(desk.fills[2].maker_remaining, Lots(4));
}

#[test]
fn an_id_outlives_neither_its_order_nor_its_path() {
    let mut desk = Desk::new(());
    let old = desk.rest(A, Side::Sell, 100, 5);
    desk.book.cancel(old).unwrap();
    let new = desk.rest(A, Side::Sell, 100, 5);
    assert_eq!(old.slot(), new.slot(), "the slot is used again");
    assert_eq!(desk.book.cancel(old), Err(Reject::UnknownOrder));
    assert_eq!(desk.book.reduce(old, Lots(1)), Err(Reject::UnknownOrder));
    assert_eq!(desk.book.order(old), None);
    desk.book.clear(());
    assert_eq!(desk.book.cancel(new), Err(Reject::UnknownOrder));
    let next = desk.rest(A, Side::Sell, 100, 5);
    assert_eq!(desk.book.cancel(new), Err(Reject::UnknownOrder));
    assert_eq!(desk.book.cancel(next), Ok(Lots(5)));
    for id in [0, 1, 2, u64::MAX, 1 << 32] {
        assert_eq!(desk.book.cancel(OrderId(id)), Err(Reject::UnknownOrder));
    }
}

#[test]
fn reduce_to_nothing_or_beyond_cancels() {
    let mut desk = Desk::new(());
    for by in [5, 6, i64::MAX] {
        let id = desk.rest(A, Side::Sell, 100, 5);
        assert_eq!(desk.book.reduce(id, Lots(by)), Ok(Lots(0)));
        assert_eq!(desk.book.order(id), None);
        assert_eq!(desk.book.best(Side::Sell), None);
    }
    let id = desk.rest(A, Side::Sell, 100, 5);
    assert_eq!(desk.book.reduce(id, Lots(0)), Err(Reject::Quantity));
    assert_eq!(desk.book.reduce(id, Lots(i64::MIN)), Err(Reject::Quantity));
}

#[test]
fn the_edges_of_price_and_quantity() {
    let mut desk = Desk::new(());
    for price in [0, -1, i64::MIN, MAX_PRICE.0 + 1, i64::MAX] {
        for side in Side::BOTH {
            assert_eq!(desk.send(limit(A, side, price, 1, TimeInForce::Gtc)), Err(Reject::Price));
        }
    }
    for qty in [0, -1, i64::MIN] {
        assert_eq!(desk.send(limit(A, Side::Buy, 1, qty, TimeInForce::Gtc)), Err(Reject::Quantity));
    }
    desk.rest(A, Side::Buy, 1, 1);
    desk.rest(A, Side::Sell, MAX_PRICE.0, 2);
    assert_eq!(
        desk.send(limit(B, Side::Buy, MAX_PRICE.0, 1, TimeInForce::PostOnly)),
        Err(Reject::WouldTrade)
    );
    assert_eq!(desk.market(Side::Sell, i64::MAX).filled, Lots(1));
    assert_eq!(desk.market(Side::Buy, i64::MAX).filled, Lots(2));
    assert_eq!(desk.book.last(), Some(MAX_PRICE));
}

#[test]
fn a_level_that_would_overflow_refuses_and_changes_nothing() {
    let mut desk = Desk::new(());
    let too_much = limit(A, Side::Sell, 7, MAX_LEVEL.0 + 1, TimeInForce::Gtc);
    assert_eq!(desk.send(too_much), Err(Reject::LevelOverflow));
    assert_eq!(desk.book.best(Side::Sell), None);
    desk.rest(A, Side::Sell, 7, MAX_LEVEL.0);
    assert_eq!(desk.send(limit(B, Side::Sell, 7, 1, TimeInForce::Gtc)), Err(Reject::LevelOverflow));
    assert_eq!(desk.depth(Side::Sell), [(7, MAX_LEVEL.0)]);
    for _ in 0..3 {
        assert_eq!(desk.market(Side::Buy, i64::MAX).filled, MAX_LEVEL);
        desk.rest(A, Side::Sell, 7, MAX_LEVEL.0);
    }
    assert_eq!(desk.book.volume(), Lots(i64::MAX), "the volume stays at what it can show");
}

#[test]
fn fill_or_kill_looks_first() {
    let mut desk = Desk::new(());
    desk.rest(A, Side::Sell, 100, 5);
    desk.rest(A, Side::Sell, 90_000, 5);
    let killed = desk.send(limit(B, Side::Buy, 89_999, 6, TimeInForce::Fok)).unwrap();
    assert_eq!((killed.filled, killed.remaining, killed.resting), (Lots(0), Lots(6), None));
    assert!(desk.fills.is_empty());
    let filled = desk.send(limit(B, Side::Buy, 90_000, 6, TimeInForce::Fok)).unwrap();
    assert_eq!((filled.filled, filled.remaining), (Lots(6), Lots(0)));
    assert_eq!(desk.traded(), [(100, 5, 8), (90_000, 1, 8)]);
}

#[test]
fn cancel_owner_takes_both_sides_and_no_one_else() {
    let mut desk = Desk::new(());
    desk.rest(A, Side::Sell, 100, 5);
    desk.rest(B, Side::Sell, 100, 4);
    desk.rest(A, Side::Buy, 90, 3);
    desk.rest(A, Side::Buy, 1, 2);
    assert_eq!(desk.book.cancel_owner(A), Lots(10));
    assert_eq!(desk.book.cancel_owner(A), Lots(0));
    assert_eq!((desk.depth(Side::Buy), desk.depth(Side::Sell)), (vec![], vec![(100, 4)]));
}

/// Asks of 2 lots a tick from `next` on, no bids.
struct Stairs {
    next: i64,
    open: bool,
}

const HOLDERS: AccountId = AccountId::HOLDERS;

impl Supply for Stairs {
    fn next_price(&self, resting: Side) -> Option<Ticks> {
        (resting == Side::Sell && self.open).then_some(Ticks(self.next))
    }
    fn draw(&mut self, resting: Side) -> Option<Level> {
        let price = self.next_price(resting)?;
        self.next += 1;
        Some(Level { price, qty: Lots(2), owner: HOLDERS, newest: false })
    }
}

fn stairs() -> Desk<Stairs> {
    Desk::new(Stairs { next: 1_001, open: true })
}

#[test]
fn supply_is_drawn_only_when_reached() {
    let mut desk = stairs();
    assert_eq!(desk.book.best(Side::Sell), Some(Ticks(1_001)));
    desk.rest(A, Side::Buy, 1_000, 5);
    assert_eq!(desk.send(limit(A, Side::Buy, 1_001, 1, TimeInForce::PostOnly)), Err(Reject::WouldTrade));
    assert_eq!(desk.book.supply().next, 1_001);
    assert_eq!(desk.market(Side::Buy, 5).filled, Lots(5));
    assert_eq!(desk.book.supply().next, 1_004);
    assert_eq!(desk.traded(), [(1_001, 2, 3), (1_002, 2, 3), (1_003, 1, 3)]);
    assert_eq!(desk.fills[0].maker_order, SUPPLY_ORDER);
    assert_eq!(desk.book.cancel(desk.fills[2].maker_order), Ok(Lots(1)), "the remainder is an order");
    let mut out = Vec::new();
    desk.book.depth(Side::Sell, 2, &mut out);
    assert_eq!(out, [(Ticks(1_004), Lots(2)), (Ticks(1_005), Lots(2))]);
}

#[test]
fn supply_was_there_first() {
    let mut desk = stairs();
    desk.rest(A, Side::Sell, 1_002, 7);
    desk.rest(A, Side::Sell, 1_000, 1);
    assert_eq!(desk.market(Side::Buy, 6).filled, Lots(6));
    assert_eq!(desk.traded(), [(1_000, 1, 8), (1_001, 2, 3), (1_002, 2, 3), (1_002, 1, 8)]);
    assert_eq!(desk.book.best(Side::Sell), Some(Ticks(1_002)));
}

#[test]
fn undrawn_supply_is_closed_by_its_owner() {
    let mut desk = stairs();
    desk.market(Side::Buy, 1);
    assert_eq!(desk.book.cancel_owner(HOLDERS), Lots(1));
    assert_eq!(desk.book.best(Side::Sell), Some(Ticks(1_002)));
    desk.book.supply_mut().open = false;
    assert_eq!(desk.book.best(Side::Sell), None);
    assert_eq!(desk.market(Side::Buy, 1).filled, Lots(0));
}

#[test]
fn fill_or_kill_sees_supply() {
    let mut desk = stairs();
    let order = |qty| limit(B, Side::Buy, 1_003, qty, TimeInForce::Fok);
    assert_eq!(desk.send(order(7)).unwrap().filled, Lots(0));
    assert_eq!(desk.send(order(6)).unwrap().filled, Lots(6));
    assert_eq!(desk.traded(), [(1_001, 2, 3), (1_002, 2, 3), (1_003, 2, 3)]);
}

#[test]
fn a_sweep_through_far_supply_and_orders_between() {
    let mut desk = stairs();
    desk.rest(A, Side::Sell, 150_000, 1);
    desk.rest(A, Side::Sell, 1 << 39, 1);
    let reached = desk.send(limit(B, Side::Buy, 200_000, 1 << 40, TimeInForce::Ioc)).unwrap();
    assert_eq!(reached.filled, Lots(2 * (200_000 - 1_000) + 1));
    assert!(desk.fills.windows(2).all(|pair| pair[0].price <= pair[1].price));
    assert_eq!(desk.book.best(Side::Sell), Some(Ticks(200_001)));
}

/// Asks in the order in which they come.
#[derive(Default)]
struct Listed {
    next: std::collections::VecDeque<Level>,
    entered: Vec<OrderId>,
}

impl Supply for Listed {
    fn next_price(&self, resting: Side) -> Option<Ticks> {
        self.next.front().filter(|_| resting == Side::Sell).map(|level| level.price)
    }
    fn draw(&mut self, _resting: Side) -> Option<Level> {
        self.next.pop_front()
    }
    fn entered(&mut self, _resting: Side, id: OrderId) {
        self.entered.push(id);
    }
}

#[test]
fn at_one_price_old_supply_then_orders_then_the_newest() {
    let level = |price, qty, owner, newest| {
        let (price, qty, owner) = (Ticks(price), Lots(qty), AccountId(owner));
        Level { price, qty, owner, newest }
    };
    let queue = [
        level(100, 1, 21, false),
        level(100, 2, 22, false),
        level(100, 3, 31, true),
        level(100, 4, 32, true),
        level(101, 5, 33, true),
    ];
    let all = [(100, 1, 21), (100, 2, 22), (100, 6, 8), (100, 3, 31), (100, 4, 32), (101, 5, 33)];
    for (slices, drawn) in [(1, false), (21, false), (1, true), (21, true)] {
        let mut desk = Desk::new(Listed { next: queue.into(), entered: Vec::new() });
        desk.rest(A, Side::Sell, 100, 6);
        if drawn {
            assert_eq!(desk.depth(Side::Sell), [(100, 16), (101, 5)]);
            assert_eq!(desk.book.supply().entered.len(), 3);
        }
        let mut traded: Vec<(i64, i64, u32)> = Vec::new();
        for _ in 0..slices {
            assert_eq!(desk.market(Side::Buy, 21 / slices).filled, Lots(21 / slices));
            for (price, qty, maker) in desk.traded() {
                match traded.last_mut().filter(|last| last.2 == maker) {
                    Some(last) => last.1 += qty,
                    None => traded.push((price, qty, maker)),
                }
            }
        }
        assert_eq!(traded, all);
    }

    let mut desk = Desk::new(Listed { next: queue.into(), entered: Vec::new() });
    let order = desk.rest(A, Side::Sell, 100, 6);
    assert_eq!(desk.book.queue_place(order), Some(QueuePlace { lots: Lots(3), orders: 2 }));
    let quotes = desk.book.supply().entered.clone();
    assert_eq!(quotes.len(), 2, "all at its price are drawn, none beyond");
    assert_eq!(desk.book.queue_place(quotes[1]), Some(QueuePlace { lots: Lots(12), orders: 4 }));
    assert_eq!(desk.book.cancel(quotes[0]), Ok(Lots(3)));
    assert_eq!(desk.book.queue_place(quotes[1]), Some(QueuePlace { lots: Lots(9), orders: 3 }));
    assert_eq!(desk.depth(Side::Sell), [(100, 13), (101, 5)]);
}
