//! The book against the naive book, event by event: calm flow, deep sweeps, prices far outside the window, lazy supply, every
//! type of order, and books that go on from their snapshot.

#[path = "common/book/mod.rs"]
mod common;

use std::collections::HashMap;

use common::flow::{CALM, Flow, Queued, SUPPLY_TAG, Seed, Shape};
use common::{Ask, Told, Why};
use perpcore::book::{
    Band, CancelReason, Command, Event, Fill, NewOrder, Notional, OrderBook, Rules, SUPPLY_ORDER,
};
use perpcore::error::Reject;
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks, Time};

/// The real book, and what it takes to speak the naive one's words.
struct Real {
    book: OrderBook<Queued>,
    /// By tag.
    ids: Vec<OrderId>,
    /// By slot.
    tags: Vec<(OrderId, u64)>,
    held: HashMap<u32, i64>,
    events: Vec<Event>,
    fills: Vec<Fill>,
    depth: Vec<(Ticks, Lots)>,
    /// What was seen of reasons to cancel and to refuse.
    seen: u128,
}

impl Real {
    fn new(flow: &Flow, supply: Queued) -> Real {
        let min_notional = Notional(flow.naive.min_notional);
        let rules = Rules { self_trade: flow.naive.rule, min_notional, ..Rules::default() };
        Real {
            book: OrderBook::with_rules(supply, rules).unwrap(),
            ids: Vec::new(),
            tags: Vec::new(),
            held: HashMap::new(),
            events: Vec::new(),
            fills: Vec::new(),
            depth: Vec::new(),
            seen: 0,
        }
    }

    fn id(&self, tag: u64) -> OrderId {
        self.ids.get(usize::try_from(tag).unwrap()).copied().unwrap_or(SUPPLY_ORDER)
    }

    fn know(&mut self, tag: u64, id: OrderId) {
        self.ids.resize(usize::try_from(tag).unwrap() + 1, SUPPLY_ORDER);
        self.ids[usize::try_from(tag).unwrap()] = id;
        if id == SUPPLY_ORDER {
            return;
        }
        let slot = id.slot() as usize;
        self.tags.resize(self.tags.len().max(slot + 1), (OrderId(u64::MAX), 0));
        self.tags[slot] = (id, tag);
    }

    /// Orders that were supply have one tag.
    fn tag(&self, id: OrderId) -> u64 {
        self.tags
            .get(id.slot() as usize)
            .filter(|(known, _)| *known == id)
            .map_or(SUPPLY_TAG, |&(_, tag)| tag)
    }

    fn command(&self, ask: Ask) -> Command {
        match ask {
            Ask::Add(order, terms) => Command::Add { order, terms },
            Ask::Cancel(tag) => Command::Cancel(self.id(tag)),
            Ask::Reduce(tag, by) => Command::Reduce { id: self.id(tag), by: Lots(by) },
            Ask::Replace(tag, price, qty, tif) => {
                Command::Replace { id: self.id(tag), price: Ticks(price), qty: Lots(qty), tif }
            }
            Ask::Owner(owner) => Command::CancelOwner(AccountId(owner)),
            Ask::Clock(now) => Command::Clock(Time(now)),
            Ask::Mark(price) => Command::Mark(Ticks(price)),
            Ask::Index(price) => Command::Index(Ticks(price)),
            Ask::Band(band) => {
                Command::Band(band.map(|(low, high)| Band { low: Ticks(low), high: Ticks(high) }))
            }
            Ask::Halt => Command::Halt,
            Ask::Resume => Command::Resume,
        }
    }

    fn told(&mut self, tag: u64, event: Event) -> Told {
        match event {
            Event::Accepted { id, qty } => {
                self.know(tag, id);
                Told::Accepted { tag, qty: qty.0 }
            }
            Event::Filled { taker, owner, side, fill } => {
                *self.held.entry(owner.0).or_default() += side.sign() * fill.qty.0;
                *self.held.entry(fill.maker.0).or_default() -= side.sign() * fill.qty.0;
                let (taker, maker) = (self.tag(taker), self.tag(fill.maker_order));
                filled(taker, owner, maker, &fill)
            }
            Event::Rested { id, price, qty } => {
                Told::Rested { tag: self.tag(id), price: price.0, qty: qty.0 }
            }
            Event::Cancelled { id, owner, qty, left, reason } => {
                self.seen |= 1 << (reason.code() & 63);
                let (tag, owner, qty, left) = (self.tag(id), owner.0, qty.0, left.0);
                Told::Cancelled { tag, owner, qty, left, why: why(reason) }
            }
            Event::Reduced { id, left } => Told::Reduced { tag: self.tag(id), left: left.0 },
            Event::Replaced { id, price, qty, kept } => {
                Told::Replaced { tag: self.tag(id), price: price.0, qty: qty.0, kept }
            }
            Event::Triggered { id } => Told::Triggered { tag: self.tag(id) },
            Event::Rejected(reject) => panic!("{reject} is told with other events"),
        }
    }
}

fn filled(taker: u64, owner: AccountId, maker: u64, fill: &Fill) -> Told {
    let (owner, maker_owner, maker_left) = (owner.0, fill.maker.0, fill.maker_remaining.0);
    Told::Filled { taker, owner, maker, maker_owner, price: fill.price.0, qty: fill.qty.0, maker_left }
}

fn why(reason: CancelReason) -> Why {
    match reason {
        CancelReason::Asked => Why::Asked,
        CancelReason::Owner => Why::Owner,
        CancelReason::Unfilled => Why::Unfilled,
        CancelReason::Killed => Why::Killed,
        CancelReason::SelfTrade => Why::SelfTrade,
        CancelReason::ReduceOnly => Why::ReduceOnly,
        CancelReason::Expired => Why::Expired,
        CancelReason::Refused(reject) => Why::Refused(reject.code()),
    }
}

/// Supply levels are all one order to the real book's caller.
fn without_supply(told: &mut Told) {
    if let Told::Filled { maker: tag, .. } | Told::Cancelled { tag, .. } = told {
        *tag = (*tag).min(SUPPLY_TAG);
    }
}

/// Through `apply`: every event is the same.
fn by_command(flow: &mut Flow, real: &mut Real, tag: u64, ask: Ask) {
    let command = real.command(ask);
    let mut events = std::mem::take(&mut real.events);
    events.clear();
    let watches = flow.rng.one_in(64);
    let before = watches.then(|| real.book.state_hash());
    let held = &real.held;
    let got = real.book.apply(
        command,
        &|owner: AccountId| Lots(held.get(&owner.0).copied().unwrap_or(0)),
        &mut events,
    );
    match (got, flow.naive.apply(tag, ask)) {
        (Err(got), Err(want)) => {
            assert_eq!(got, want, "{ask:?}");
            real.seen |= 1 << (64 + got.code());
            assert_eq!(events, [Event::Rejected(got)]);
            assert!(before.is_none_or(|before| before == real.book.state_hash()), "a reject changes nothing");
        }
        (Ok(()), Ok(mut want)) => {
            let mut got: Vec<Told> = events.iter().map(|&event| real.told(tag, event)).collect();
            want.iter_mut().for_each(without_supply);
            if matches!(ask, Ask::Owner(_)) {
                got.sort_unstable();
                want.sort_unstable();
            }
            assert_eq!(got, want, "{ask:?}");
        }
        (got, want) => panic!("{ask:?}: {got:?} {events:?}, but naive {want:?}"),
    }
    real.events = events;
}

/// Through `submit`: fills and what rests are the same.
fn by_submit(flow: &mut Flow, real: &mut Real, tag: u64, order: NewOrder) {
    real.fills.clear();
    let got = real.book.submit(order, &mut real.fills);
    let want = flow.naive.apply(tag, Ask::Add(order, perpcore::book::Terms::default()));
    match (got, want) {
        (Err(got), Err(want)) => assert_eq!(got, want, "{order:?}"),
        (Ok(got), Ok(mut want)) => {
            want.iter_mut().for_each(without_supply);
            let fills: Vec<Told> = real
                .fills
                .iter()
                .map(|fill| filled(tag, order.owner, real.tag(fill.maker_order), fill))
                .collect();
            for fill in &real.fills {
                *real.held.entry(order.owner.0).or_default() += order.side.sign() * fill.qty.0;
                *real.held.entry(fill.maker.0).or_default() -= order.side.sign() * fill.qty.0;
            }
            assert_eq!(want[0], Told::Accepted { tag, qty: order.qty.0 });
            let rest: Vec<Told> = match (got.resting, got.remaining.0) {
                (_, 0) => vec![],
                (None, _) => vec![*want.last().unwrap()],
                (Some(id), qty) => {
                    let price = real.book.order(id).unwrap().price.0;
                    vec![Told::Rested { tag, price, qty }]
                }
            };
            let told: Vec<Told> = fills.into_iter().chain(rest).collect();
            assert_eq!(told, want[1..], "{order:?}");
            assert_eq!(got.filled.0 + got.remaining.0, order.qty.0);
            real.know(tag, got.resting.unwrap_or(SUPPLY_ORDER));
        }
        (got, want) => panic!("{order:?}: {got:?}, but naive {want:?}"),
    }
}

fn event(flow: &mut Flow, real: &mut Real, number: u64) {
    let (tag, ask) = flow.next_ask();
    match ask {
        Ask::Add(order, terms)
            if terms == perpcore::book::Terms::default() && real.book.is_plain() && number % 4 != 0 =>
        {
            by_submit(flow, real, tag, order);
        }
        _ => by_command(flow, real, tag, ask),
    }
    for side in Side::BOTH {
        assert_eq!(real.book.best(side).map(|p| p.0), flow.naive.best(side));
    }
    assert_eq!(real.book.last().map(|p| p.0), flow.naive.last);
    assert_eq!(real.book.volume().0, flow.naive.volume);
    if number % 64 == 0 {
        compare(flow, real, 5);
        compare_one(flow, real);
    }
    if number % 8_192 == 0 {
        compare(flow, real, usize::MAX);
        go_on_from_a_snapshot(real);
    }
}

fn compare(flow: &Flow, real: &mut Real, levels: usize) {
    for side in Side::BOTH {
        real.depth.clear();
        real.book.depth(side, levels, &mut real.depth);
        let want = flow.naive.depth(side, levels);
        assert!(real.depth.iter().map(|(p, q)| (p.0, q.0)).eq(want), "depth of {side:?}");
    }
}

/// One order and its place in the queue.
fn compare_one(flow: &mut Flow, real: &mut Real) {
    let tag = flow.any_tag();
    let id = real.id(tag);
    let want = flow.naive.order(tag).map(|(side, o)| (side, o.price, o.qty, o.owner));
    let got = real.book.order(id);
    assert_eq!(got.map(|o| (o.side, o.price.0, o.remaining.0, o.owner.0)), want);
    let place = real.book.queue_place(id);
    assert_eq!(place.is_some(), want.is_some());
    if let (Some(place), Some((side, price, ..))) = (place, want) {
        let orders = flow.naive.side(side).iter().rev();
        let ahead = orders.filter(|o| o.price == price).take_while(|o| o.tag != tag);
        let (lots, orders) = ahead.fold((0, 0), |(lots, orders), o| (lots + o.qty, orders + 1));
        assert_eq!((place.lots.0, place.orders), (lots, orders));
    }
    let waits = flow.naive.waiting.iter().find(|w| w.tag == tag);
    let got = real.book.waiting(id).map(|w| (w.owner, w.qty, w.kind, w.trigger));
    assert_eq!(got, waits.map(|w| (w.order.owner, w.order.qty, w.order.kind, w.trigger)));
}

fn go_on_from_a_snapshot(real: &mut Real) {
    let (bytes, hash) = (real.book.snapshot(), real.book.state_hash());
    let supply = std::mem::take(real.book.supply_mut());
    real.book = OrderBook::restore(&bytes, supply).unwrap();
    assert_eq!(real.book.state_hash(), hash);
    assert!(real.book.snapshot() == bytes, "a snapshot of the restored book is the same");
}

fn run(seed: u64, shape: Shape, events: u64, events_a_path: u64) -> u128 {
    let mut flow = Flow::new(seed, shape);
    let mut at = Seed(seed, 0);
    let supply = flow.restart();
    let mut real = Real::new(&flow, supply);
    let mut seen = 0;
    for number in 1..=events {
        at.1 = number;
        event(&mut flow, &mut real, number);
        if number % events_a_path == 0 {
            seen |= real.seen;
            let supply = flow.restart();
            real = Real::new(&flow, supply);
        }
    }
    seen
}

const SWEEPS: Shape =
    Shape { live: 12_000, width: 100_000, sweep_every: 12_000, jump_every: 3_000, jump: 60_000, ..CALM };

#[test]
fn calm_flow() {
    let seen = run(1, CALM, 1_500_000, 150_000);
    assert_eq!(seen & 0x7f, 0x7f, "every reason to cancel");
    // A full book and its levels' overflow are in book_cases.rs; 15 and up are of plain books and batches.
    for reject in Reject::ALL.into_iter().filter(|r| r.code() < 15) {
        let rare = matches!(reject, Reject::Full | Reject::LevelOverflow);
        assert!(rare || seen >> (64 + reject.code()) & 1 == 1, "never refused: {reject}");
    }
}

#[test]
fn calm_flow_again() {
    run(2, CALM, 1_500_000, 40_000);
}

#[test]
fn plain_calm_flow() {
    run(3, Shape { special_every: 0, live: 300, ..CALM }, 2_500_000, 150_000);
}

#[test]
fn few_special_orders() {
    run(4, Shape { special_every: 300, ..CALM }, 1_500_000, 30_000);
}

#[test]
fn deep_sweeps() {
    run(11, SWEEPS, 200_000, 70_000);
}

#[test]
fn plain_deep_sweeps() {
    run(12, Shape { special_every: 0, ..SWEEPS }, 300_000, 70_000);
}

#[test]
fn prices_all_over() {
    let (width, jump) = (1 << 34, 1 << 30);
    let shape = Shape { live: 300, width, sweep_every: 300, jump_every: 200, jump, far_every: 3, ..CALM };
    run(21, shape, 500_000, 60_000);
    run(22, Shape { special_every: 0, ..shape }, 500_000, 60_000);
}

/// A middle that wanders by less than a window, with orders on both sides of the window's edges.
#[test]
fn along_the_edges_of_the_window() {
    let shape = Shape { live: 200, width: 70_000, sweep_every: 100, jump_every: 20, jump: 40_000, ..CALM };
    run(31, shape, 500_000, 60_000);
    run(32, Shape { special_every: 0, ..shape }, 500_000, 60_000);
}

#[test]
fn lazy_supply() {
    let shape = Shape { supply: 1_500, width: 3_000, sweep_every: 400, jump_every: 30, jump: 300, ..CALM };
    run(41, shape, 100_000, 9_000);
    run(42, Shape { special_every: 0, ..shape }, 200_000, 9_000);
}

#[test]
fn lazy_supply_in_a_crowd() {
    let shape = Shape { supply: 40, width: 200, sweep_every: 60, live: 80, ..CALM };
    run(51, shape, 500_000, 700);
    run(52, Shape { special_every: 0, ..shape }, 500_000, 700);
}
