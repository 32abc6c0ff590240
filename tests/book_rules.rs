//! Rules and order types one by one: what each does, said in figures.

use perpcore::book::{
    Band, CancelReason, Command, Event, Fees, Fill, MAX_LEVEL, NewOrder, Notional, OrderBook, OrderKind,
    Rules, SUPPLY_ORDER, SelfTrade, SnapshotError, Source, Terms, TimeInForce,
};
use perpcore::error::Reject;
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Quote, Rate, Side, Ticks, Time};

const A: AccountId = AccountId(8);
const B: AccountId = AccountId(9);

/// A book whose accounts hold what the test says.
struct Desk {
    book: OrderBook,
    events: Vec<Event>,
    held: i64,
}

impl Desk {
    fn new(rules: Rules) -> Desk {
        Desk { book: OrderBook::with_rules((), rules).unwrap(), events: Vec::new(), held: 0 }
    }
    fn tell(&mut self, command: Command) -> Result<(), Reject> {
        self.events.clear();
        let (hash, held) = (self.book.state_hash(), Lots(self.held));
        let done = self.book.apply(command, &|_| held, &mut self.events);
        assert!(done.is_ok() || self.book.state_hash() == hash, "a refused command changes nothing");
        done
    }
    fn add(&mut self, order: NewOrder, terms: Terms) -> Result<OrderId, Reject> {
        self.tell(order.with(terms))?;
        let Event::Accepted { id, .. } = self.events[0] else { panic!("{:?}", self.events) };
        Ok(id)
    }
    fn rest(&mut self, owner: AccountId, side: Side, price: i64, qty: i64) -> OrderId {
        self.add(limit(owner, side, price, qty), Terms::default()).unwrap()
    }
    fn fills(&self) -> Vec<(i64, i64)> {
        let fill = |event: &Event| match event {
            Event::Filled { fill, .. } => Some((fill.price.0, fill.qty.0)),
            _ => None,
        };
        self.events.iter().filter_map(fill).collect()
    }
    fn cancels(&self) -> Vec<(OrderId, i64, CancelReason)> {
        let cancel = |event: &Event| match *event {
            Event::Cancelled { id, qty, reason, .. } => Some((id, qty.0, reason)),
            _ => None,
        };
        self.events.iter().filter_map(cancel).collect()
    }
    fn depth(&mut self, side: Side) -> Vec<(i64, i64)> {
        let mut out = Vec::new();
        self.book.depth(side, usize::MAX, &mut out);
        out.iter().map(|(price, qty)| (price.0, qty.0)).collect()
    }
}

fn limit(owner: AccountId, side: Side, price: i64, qty: i64) -> NewOrder {
    NewOrder::limit(owner, side, Ticks(price), Lots(qty))
}

fn market(owner: AccountId, side: Side, qty: i64) -> NewOrder {
    NewOrder::market(owner, side, Lots(qty))
}

fn desk() -> Desk {
    Desk::new(Rules::default())
}

#[test]
fn post_only_slides_behind_the_opposite_best() {
    let mut desk = desk();
    desk.rest(A, Side::Sell, 100, 5);
    let slide = limit(B, Side::Buy, 103, 2).tif(TimeInForce::PostOnlySlide);
    desk.add(slide, Terms::default()).unwrap();
    assert_eq!(desk.depth(Side::Buy), [(99, 2)]);
    let mut fills = Vec::new();
    let id = desk.book.submit(slide, &mut fills).unwrap().resting.unwrap();
    assert_eq!(desk.book.order(id).unwrap().price, Ticks(99));
    desk.rest(A, Side::Buy, 1, 1);
    let below = limit(B, Side::Sell, 1, 2).tif(TimeInForce::PostOnlySlide);
    desk.add(below, Terms::default()).unwrap();
    assert_eq!(desk.depth(Side::Sell), [(100, 7)]);
    let mut desk = self::desk();
    desk.rest(A, Side::Sell, 1, 5);
    assert_eq!(
        desk.add(slide, Terms::default()),
        Err(Reject::WouldTrade),
        "there is no tick below the first"
    );
}

#[test]
fn each_self_trade_rule() {
    let cases = [
        (SelfTrade::Allow, vec![(100, 2), (100, 3)], vec![], vec![]),
        (SelfTrade::CancelNewest, vec![], vec![5], vec![(100, 6)]),
        (SelfTrade::CancelOldest, vec![(100, 4)], vec![2, 1], vec![]),
        (SelfTrade::CancelBoth, vec![], vec![2, 5], vec![(100, 4)]),
        (SelfTrade::Decrement, vec![(100, 3)], vec![2, 2], vec![(100, 1)]),
    ];
    for (rule, fills, cancelled, left) in cases {
        for on_order in [true, false] {
            let rules =
                Rules { self_trade: if on_order { SelfTrade::Allow } else { rule }, ..Rules::default() };
            let terms = if on_order { Terms::default().self_trade(rule) } else { Terms::default() };
            let mut desk = Desk::new(rules);
            desk.rest(A, Side::Sell, 100, 2);
            desk.rest(B, Side::Sell, 100, 4);
            desk.add(market(A, Side::Buy, 5), terms).unwrap();
            assert_eq!(desk.fills(), fills, "{rule:?}");
            let cancels: Vec<i64> = desk.cancels().iter().map(|&(_, qty, _)| qty).collect();
            assert_eq!(cancels, cancelled, "{rule:?}");
            let left = if rule == SelfTrade::Allow { vec![(100, 1)] } else { left.clone() };
            assert_eq!(desk.depth(Side::Sell), left, "{rule:?}");
        }
    }
}

#[test]
fn fill_or_kill_counts_only_what_would_trade() {
    let mut desk = desk();
    desk.rest(A, Side::Sell, 100, 2);
    desk.rest(B, Side::Sell, 101, 4);
    let fok = |qty| limit(A, Side::Buy, 101, qty).tif(TimeInForce::Fok);
    for rule in [SelfTrade::CancelNewest, SelfTrade::CancelBoth, SelfTrade::Decrement] {
        desk.add(fok(4), Terms::default().self_trade(rule)).unwrap();
        assert_eq!(desk.cancels().last().unwrap().2, CancelReason::Killed);
        assert_eq!(desk.depth(Side::Sell), [(100, 2), (101, 4)], "{rule:?}");
    }
    let oldest = Terms::default().self_trade(SelfTrade::CancelOldest);
    desk.add(fok(5), oldest).unwrap();
    assert_eq!(desk.depth(Side::Sell), [(100, 2), (101, 4)], "5 are not there without his own 2");
    desk.add(fok(4), oldest).unwrap();
    assert_eq!((desk.fills(), desk.depth(Side::Sell)), (vec![(101, 4)], vec![]));
}

#[test]
fn reduce_only_is_trimmed_on_entering_and_when_hit() {
    let mut desk = desk();
    desk.held = -5;
    let reduce = Terms::default().reduce_only();
    assert_eq!(desk.add(limit(A, Side::Sell, 100, 1), reduce), Err(Reject::ReduceOnly));
    let first = desk.add(limit(A, Side::Buy, 100, 9), reduce).unwrap();
    assert_eq!(desk.depth(Side::Buy), [(100, 5)]);
    let second = desk.add(limit(A, Side::Buy, 99, 5), reduce).unwrap();
    assert_eq!(desk.book.submit(market(B, Side::Sell, 1), &mut Vec::new()), Err(Reject::Watched));
    // The first takes four of the five; of the second one lot still reduces.
    desk.tell(Command::Reduce { id: first, by: Lots(1) }).unwrap();
    desk.add(market(B, Side::Sell, 9), Terms::default()).unwrap();
    assert_eq!(desk.fills(), [(100, 4), (99, 1)]);
    assert_eq!(desk.cancels()[0], (second, 4, CancelReason::ReduceOnly));
    assert!(desk.book.is_plain());
}

#[test]
fn orders_expire_in_the_order_of_their_times() {
    let mut desk = desk();
    let until = |at| Terms::default().expires(Time(at));
    let late = desk.add(limit(A, Side::Buy, 100, 1), until(20)).unwrap();
    let old = desk.add(limit(A, Side::Buy, 100, 2), until(10)).unwrap();
    let young = desk.add(limit(A, Side::Sell, 200, 3), until(10)).unwrap();
    let stop = desk.add(market(A, Side::Buy, 4), until(15).stop(Source::Mark, Ticks(500))).unwrap();
    desk.tell(Command::Clock(Time(9))).unwrap();
    assert!(desk.events.is_empty());
    desk.tell(Command::Clock(Time(20))).unwrap();
    let order: Vec<OrderId> = desk.cancels().iter().map(|&(id, ..)| id).collect();
    assert_eq!(order, [old, young, stop, late]);
    assert_eq!(desk.tell(Command::Clock(Time(19))), Err(Reject::Time));
    assert_eq!(desk.add(limit(A, Side::Buy, 100, 1), until(20)), Err(Reject::Time));
}

#[test]
fn stops_enter_by_distance_then_age_and_set_off_others() {
    let mut desk = desk();
    for price in 100..110 {
        desk.rest(B, Side::Sell, price, 1);
    }
    let stop = |source, price| Terms::default().stop(source, Ticks(price));
    desk.tell(Command::Mark(Ticks(50))).unwrap();
    assert_eq!(desk.add(market(A, Side::Buy, 1), stop(Source::Mark, 50)), Err(Reject::WouldTrigger));
    let far = desk.add(market(A, Side::Buy, 1), stop(Source::Mark, 58)).unwrap();
    let near = desk.add(market(A, Side::Buy, 1), stop(Source::Mark, 52)).unwrap();
    let same = desk.add(market(A, Side::Buy, 1), stop(Source::Mark, 52)).unwrap();
    let on_last = desk.add(limit(A, Side::Buy, 104, 2), stop(Source::Last, 102)).unwrap();
    let resting = desk.add(market(A, Side::Buy, 1), stop(Source::Mark, 61)).unwrap();
    desk.tell(Command::Mark(Ticks(60))).unwrap();
    let order: Vec<OrderId> = (desk.events.iter())
        .filter_map(|event| if let Event::Triggered { id } = event { Some(*id) } else { None })
        .collect();
    assert_eq!(order, [near, same, far, on_last], "the third trade, at 102, reached the last price's stop");
    assert_eq!(desk.fills(), [(100, 1), (101, 1), (102, 1), (103, 1), (104, 1)]);
    assert_eq!(desk.book.waiting(resting).unwrap().trigger.price, Ticks(61));
    let replace = Command::Replace { id: resting, price: Ticks(9), qty: Lots(1), tif: TimeInForce::Gtc };
    assert_eq!(desk.tell(replace), Err(Reject::Waiting));
    desk.tell(Command::Cancel(resting)).unwrap();
    assert_eq!(desk.book.waiting(resting), None);
}

#[test]
fn a_take_profit_waits_for_the_other_direction() {
    let mut desk = desk();
    desk.rest(B, Side::Buy, 100, 9);
    desk.tell(Command::Index(Ticks(100))).unwrap();
    let take = Terms::default().take_profit(Source::Index, Ticks(105));
    desk.add(limit(A, Side::Sell, 101, 3), take).unwrap();
    assert_eq!(desk.add(limit(A, Side::Buy, 99, 3), take), Err(Reject::WouldTrigger));
    desk.tell(Command::Index(Ticks(104))).unwrap();
    assert!(desk.events.is_empty());
    desk.tell(Command::Index(Ticks(105))).unwrap();
    assert_eq!(desk.depth(Side::Sell), [(101, 3)]);
}

#[test]
fn replace_keeps_the_place_only_if_smaller_at_its_price() {
    let mut desk = desk();
    let first = desk.rest(A, Side::Buy, 100, 5);
    let second = desk.rest(B, Side::Buy, 100, 5);
    let ask = desk.rest(B, Side::Sell, 105, 2);
    let to =
        |id, price, qty| Command::Replace { id, price: Ticks(price), qty: Lots(qty), tif: TimeInForce::Gtc };
    desk.tell(to(first, 100, 4)).unwrap();
    assert_eq!(desk.book.queue_place(first).unwrap().orders, 0);
    desk.tell(to(first, 100, 6)).unwrap();
    let place = desk.book.queue_place(first).unwrap();
    assert_eq!((place.orders, place.lots), (1, Lots(5)));
    assert_eq!(desk.tell(to(second, 0, 1)), Err(Reject::Price));
    assert_eq!(desk.tell(to(second, 100, 0)), Err(Reject::Quantity));
    assert_eq!(desk.tell(to(SUPPLY_ORDER, 100, 1)), Err(Reject::UnknownOrder));
    let big = to(second, 100, MAX_LEVEL.0 - 5);
    assert_eq!(desk.tell(big), Err(Reject::LevelOverflow), "six lots of the other order are there");
    desk.tell(to(second, 100, MAX_LEVEL.0 - 6)).unwrap();
    desk.tell(to(second, 105, 7)).unwrap();
    assert_eq!(desk.fills(), [(105, 2)]);
    assert_eq!(desk.book.order(second).unwrap().remaining, Lots(5), "the same id rests at its new limit");
    assert_eq!(desk.book.order(ask), None);
}

#[test]
fn band_notional_and_halt() {
    let band = Some(Band { low: Ticks(90), high: Ticks(110) });
    let mut desk = Desk::new(Rules { band, min_notional: Notional(500), ..Rules::default() });
    for price in [89, 111] {
        assert_eq!(desk.add(limit(A, Side::Sell, price, 9), Terms::default()), Err(Reject::Band));
    }
    assert_eq!(desk.add(limit(A, Side::Sell, 99, 5), Terms::default()), Err(Reject::MinNotional));
    desk.rest(A, Side::Sell, 100, 5);
    desk.rest(A, Side::Sell, 110, 5);
    assert_eq!(desk.add(market(B, Side::Buy, 4), Terms::default()), Err(Reject::MinNotional));
    desk.tell(Command::Band(Some(Band { low: Ticks(90), high: Ticks(105) }))).unwrap();
    desk.add(market(B, Side::Buy, 7), Terms::default()).unwrap();
    assert_eq!((desk.fills(), desk.depth(Side::Sell)), (vec![(100, 5)], vec![(110, 5)]));
    desk.tell(Command::Band(None)).unwrap();
    let protected = NewOrder { kind: OrderKind::Protected { price: Ticks(109) }, ..market(B, Side::Buy, 7) };
    desk.add(protected, Terms::default()).unwrap();
    assert_eq!(desk.cancels()[0].2, CancelReason::Unfilled);
    let ask = desk.rest(A, Side::Sell, 120, 7);
    let stop = desk.add(market(B, Side::Buy, 7), Terms::default().stop(Source::Mark, Ticks(9))).unwrap();
    desk.tell(Command::Halt).unwrap();
    assert_eq!(desk.add(limit(A, Side::Buy, 100, 9), Terms::default()), Err(Reject::Halted));
    desk.tell(Command::Mark(Ticks(10))).unwrap();
    desk.tell(Command::Reduce { id: ask, by: Lots(1) }).unwrap();
    assert!(desk.book.waiting(stop).is_some());
    desk.tell(Command::Resume).unwrap();
    assert_eq!(desk.fills(), [(110, 5), (120, 2)]);
}

#[test]
fn what_it_would_take() {
    let mut desk = desk();
    for (price, qty) in [(100, 5), (101, 5), (110, 100)] {
        desk.rest(A, Side::Sell, price, qty);
    }
    let taken = desk.book.quote(Side::Sell, Lots(7), None);
    assert_eq!((taken.qty, taken.notional, taken.worst), (Lots(7), Notional(702), Some(Ticks(101))));
    assert_eq!(desk.book.quote(Side::Sell, Lots(99), Some(Ticks(105))).qty, Lots(10));
    assert_eq!(desk.book.quote(Side::Buy, Lots(1), None).mean(), None);
    let impact = desk.book.impact(Side::Sell, Notional(1_006)).unwrap();
    assert_eq!((impact.qty, impact.notional), (Lots(11), Notional(1_115)));
    assert_eq!(desk.book.impact(Side::Sell, Notional(1 << 40)), None);
    let mut out = Vec::new();
    assert!(desk.book.depth_to(Side::Sell, Notional(501), &mut out));
    assert_eq!(out.len(), 2);
    assert!(!desk.book.depth_to(Side::Sell, Notional(i128::MAX), &mut out));
}

#[test]
fn fees_and_rebates_round_against_the_payer() {
    let fees = Fees { maker: Rate(-20_000), taker: Rate(500_000) };
    let fill = Fill {
        price: Ticks(1_001),
        qty: Lots(3),
        maker_order: SUPPLY_ORDER,
        maker: A,
        maker_remaining: Lots(0),
    };
    let paid = fees.on(&fill, 100).unwrap();
    // 300,300 x 0.0005 = 150.15; 300,300 x -0.00002 = -6.006.
    assert_eq!((paid.value, paid.taker, paid.maker), (Quote(300_300), Quote(151), Quote(-6)));
    assert_eq!((paid.income, paid.rounding), (Quote(150 - 7), Quote(2)));
    assert!(fees.on(&Fill { qty: Lots(i64::MAX), ..fill }, i64::MAX).is_err());
}

#[test]
fn equal_books_have_one_hash_whatever_their_slabs() {
    let (mut one, mut two) = (desk(), desk());
    one.rest(A, Side::Buy, 100, 5);
    one.rest(B, Side::Buy, 100, 5);
    let gone = two.rest(B, Side::Sell, 300, 1);
    two.rest(A, Side::Buy, 100, 9);
    two.tell(Command::Cancel(gone)).unwrap();
    two.rest(B, Side::Buy, 100, 5);
    assert_ne!(one.book.state_hash(), two.book.state_hash());
    let mut orders = Vec::new();
    two.book.orders(Side::Buy, &mut orders);
    two.tell(Command::Reduce { id: orders[0].0, by: Lots(4) }).unwrap();
    assert_eq!(one.book.state_hash(), two.book.state_hash());
    one.tell(Command::CancelOwner(A)).unwrap();
    assert_ne!(one.book.state_hash(), two.book.state_hash());
}

#[test]
fn a_snapshot_names_what_is_wrong_with_it() {
    let mut desk = desk();
    desk.rest(A, Side::Buy, 100, 5);
    let bytes = desk.book.snapshot();
    let read = |bytes: &[u8]| OrderBook::restore(bytes, ()).err().unwrap();
    assert_eq!(read(b""), SnapshotError::NotASnapshot);
    assert_eq!(read(b"LOBSTER"), SnapshotError::NotASnapshot);
    let mut other = bytes.clone();
    other[6] = 9;
    assert_eq!(read(&other), SnapshotError::Version(9));
    assert_eq!(read(&bytes[..bytes.len() - 1]), SnapshotError::Checksum);
    let mut other = bytes;
    other[40] ^= 1;
    assert_eq!(read(&other), SnapshotError::Checksum);
}
