//! The book against the naive book, event by event: calm flow, deep sweeps, prices far outside the window, lazy supply.

#[path = "common/naive_book.rs"]
mod naive_book;

use std::collections::VecDeque;

use naive_book::{NaiveBook, Order, Rng};
use perpcore::book::{Fill, Level, NewOrder, OrderBook, OrderKind, SUPPLY_ORDER, Supply, TimeInForce};
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks};

/// Tags of supply levels: the book gives them ids of its own, or none.
const SUPPLY_TAGS: u64 = 1 << 60;

/// A supply that counts nothing and hides nothing: two queues.
#[derive(Default)]
struct Queued([VecDeque<Level>; 2]);

impl Supply for Queued {
    fn next_price(&self, resting: Side) -> Option<Ticks> {
        self.0[resting.index()].front().map(|level| level.price)
    }
    fn draw(&mut self, resting: Side) -> Option<Level> {
        self.0[resting.index()].pop_front()
    }
}

/// What kind of day it is.
#[derive(Clone, Copy)]
struct Flow {
    /// Orders alive, about.
    live: usize,
    /// Passive prices lie up to this far behind the middle.
    width: i64,
    /// One event in this many takes a good part of the book, or all of it.
    sweep_every: i64,
    /// One event in this many moves the middle by up to `jump`.
    jump_every: i64,
    jump: i64,
    /// One passive price in this many lies anywhere up to the highest.
    far_every: i64,
    /// Levels a side in the supply.
    supply: i64,
}

struct Pair {
    book: OrderBook<Queued>,
    naive: NaiveBook,
    rng: Rng,
    flow: Flow,
    middle: i64,
    ids: Vec<OrderId>,
    /// Tags from here on belong to the present path.
    path_from: usize,
    fills: Vec<Fill>,
    depth: Vec<(Ticks, Lots)>,
}

impl Pair {
    fn new(seed: u64, flow: Flow) -> Pair {
        let mut pair = Pair {
            book: OrderBook::new(Queued::default()),
            naive: NaiveBook::default(),
            rng: Rng(seed),
            flow,
            middle: 1_000_000,
            ids: Vec::new(),
            path_from: 0,
            fills: Vec::new(),
            depth: Vec::new(),
        };
        pair.restart();
        pair
    }

    fn restart(&mut self) {
        let mut supply = Queued::default();
        self.naive = NaiveBook::default();
        self.middle = self.rng.range(500_000, 2_000_000);
        let mut tag = SUPPLY_TAGS;
        for side in Side::BOTH {
            let mut price = self.middle;
            for _ in 0..self.flow.supply {
                price -= side.sign() * self.rng.range(1, 40);
                if price < 1 {
                    break;
                }
                let (qty, owner) = (self.rng.range(1, 9), 3);
                let level = Level { price: Ticks(price), qty: Lots(qty), owner: AccountId(owner) };
                supply.0[side.index()].push_back(level);
                self.naive.rest(side, Order { tag, price, qty, owner });
                tag += 1;
            }
        }
        self.path_from = self.ids.len();
        self.book.clear(supply);
    }

    fn price(&mut self, side: Side) -> i64 {
        let rng = &mut self.rng;
        if rng.one_in(self.flow.far_every) {
            let offset = 1_i64 << rng.range(0, 40);
            return if side == Side::Buy { (self.middle - offset).max(1) } else { self.middle + offset }
                .min(1 << 40);
        }
        // Small offsets more often than large ones, and sometimes across the middle.
        let width = (rng.range(1, self.flow.width) * rng.range(1, 64) / 64).max(1);
        let offset = if rng.one_in(12) { -width / 16 } else { width };
        (self.middle - side.sign() * offset).clamp(1, 1 << 40)
    }

    fn new_order(&mut self) -> NewOrder {
        let side = if self.rng.one_in(2) { Side::Buy } else { Side::Sell };
        let price = Ticks(self.price(side));
        let tif = match self.rng.below(20) {
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Fok,
            2 | 3 => TimeInForce::PostOnly,
            _ => TimeInForce::Gtc,
        };
        let mut order = NewOrder {
            owner: AccountId(u32::try_from(self.rng.range(8, 40)).unwrap()),
            side,
            qty: Lots(self.rng.range(1, 20)),
            kind: OrderKind::Limit { price, tif },
        };
        if self.rng.one_in(self.flow.sweep_every) {
            order.qty = Lots(self.rng.range(1, 12 * i64::try_from(self.flow.live).unwrap()));
            if self.rng.one_in(2) {
                order.kind = OrderKind::Market;
            } else {
                let reach = self.rng.range(1, 2 * self.flow.width);
                let price = Ticks((self.middle + side.sign() * reach).max(1));
                order.kind = OrderKind::Limit { price, tif };
            }
        } else if self.rng.one_in(25) {
            order.kind = OrderKind::Market;
        } else if self.rng.one_in(400) {
            order.qty = Lots([0, -3, i64::MAX, (1 << 62) - 1][usize::try_from(self.rng.below(4)).unwrap()]);
            // Huge orders may not be left to rest: totals of the naive book are plain sums.
            order.kind = OrderKind::Limit { price: Ticks(self.rng.range(-2, 1)), tif: TimeInForce::Fok };
        }
        order
    }

    fn submit(&mut self) {
        let order = self.new_order();
        let tag = self.ids.len() as u64;
        self.fills.clear();
        let got = self.book.submit(order, &mut self.fills);
        let want = self.naive.submit(tag, order);
        match (got, want) {
            (Err(got), Err(want)) => assert_eq!(got, want, "{order:?}"),
            (Ok(got), Ok(want)) => {
                assert_eq!((got.filled.0, got.remaining.0), (want.filled, want.remaining), "{order:?}");
                assert_eq!(got.resting.is_some(), want.rests, "{order:?}");
                assert_eq!(self.fills.len(), want.fills.len(), "{order:?}");
                for (got, want) in self.fills.iter().zip(&want.fills) {
                    assert_eq!((got.price.0, got.qty.0), (want.price, want.qty), "{order:?}");
                    assert_eq!(
                        (got.maker.0, got.maker_remaining.0),
                        (want.maker_owner, want.maker_remaining)
                    );
                    if want.maker < SUPPLY_TAGS {
                        assert_eq!(got.maker_order, self.ids[usize::try_from(want.maker).unwrap()]);
                    }
                }
                // An order that does not rest gets an id nobody knows.
                self.ids.push(got.resting.unwrap_or(SUPPLY_ORDER));
            }
            (got, want) => panic!("{order:?}: {got:?}, but naive {want:?}"),
        }
    }

    /// A tag of this path, most likely a recent one, alive or not.
    fn any_tag(&mut self) -> Option<usize> {
        let count = i64::try_from(self.ids.len() - self.path_from).unwrap();
        let recent = i64::try_from(3 * self.flow.live).unwrap().min(count);
        let back = if self.rng.one_in(50) { count } else { recent };
        (count > 0).then(|| self.ids.len() - 1 - usize::try_from(self.rng.below(back)).unwrap())
    }

    fn cancel_or_reduce(&mut self) {
        let Some(tag) = self.any_tag() else { return };
        let id = self.ids[tag];
        if self.rng.one_in(5) {
            let by = self.rng.range(-1, 12);
            let want = self.naive.reduce(tag as u64, by).map(Lots);
            assert_eq!(self.book.reduce(id, Lots(by)), want);
        } else {
            assert_eq!(self.book.cancel(id), self.naive.cancel(tag as u64).map(Lots));
        }
        if self.rng.one_in(16) {
            let tag = self.any_tag().unwrap();
            let want = self.naive.order(tag as u64).map(|(side, o)| (side, o.price, o.qty, o.owner));
            let got = self.book.order(self.ids[tag]);
            assert_eq!(got.map(|o| (o.side, o.price.0, o.remaining.0, o.owner.0)), want);
        }
    }

    fn compare(&mut self, levels: usize) {
        for side in Side::BOTH {
            self.depth.clear();
            self.book.depth(side, levels, &mut self.depth);
            let want = self.naive.depth(side, levels);
            assert!(self.depth.iter().map(|(p, q)| (p.0, q.0)).eq(want), "depth of {side:?}");
        }
    }

    fn event(&mut self, number: u64) {
        let live = self.naive.side(Side::Buy).len() + self.naive.side(Side::Sell).len();
        let wanted = self.flow.live + 2 * usize::try_from(self.flow.supply).unwrap();
        let adds = if live < wanted { 62 } else { 45 };
        if self.rng.below(100) < adds {
            self.submit();
        } else {
            self.cancel_or_reduce();
        }
        if self.rng.one_in(self.flow.jump_every) {
            self.middle = (self.middle + self.rng.range(-self.flow.jump, self.flow.jump)).max(1_000);
        }
        if self.rng.one_in(20_000) {
            let owner = u32::try_from(self.rng.range(8, 40)).unwrap();
            assert_eq!(self.book.cancel_owner(AccountId(owner)).0, self.naive.cancel_owner(owner));
        }
        for side in Side::BOTH {
            assert_eq!(self.book.best(side).map(|p| p.0), self.naive.best(side));
        }
        assert_eq!(self.book.last().map(|p| p.0), self.naive.last);
        assert_eq!(self.book.volume().0, self.naive.volume);
        if number % 64 == 0 {
            self.compare(5);
        }
        if number % 4_096 == 0 {
            self.compare(usize::MAX);
        }
    }
}

fn run(seed: u64, flow: Flow, events: u64, events_a_path: u64) {
    struct Seed(u64, u64);
    impl Drop for Seed {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("seed {}, event {}", self.0, self.1);
            }
        }
    }
    let mut pair = Pair::new(seed, flow);
    let mut at = Seed(seed, 0);
    for number in 1..=events {
        at.1 = number;
        pair.event(number);
        if number % events_a_path == 0 {
            pair.restart();
        }
    }
}

const CALM: Flow =
    Flow { live: 600, width: 120, sweep_every: 5_000, jump_every: 50, jump: 3, far_every: 1_000, supply: 0 };

#[test]
fn calm_flow() {
    for seed in 1..=4 {
        run(seed, CALM, 400_000, 150_000);
    }
}

#[test]
fn deep_sweeps() {
    let flow =
        Flow { live: 4_000, width: 100_000, sweep_every: 900, jump_every: 3_000, jump: 60_000, ..CALM };
    for seed in 11..=13 {
        run(seed, flow, 120_000, 70_000);
    }
}

#[test]
fn prices_all_over() {
    let flow = Flow {
        live: 500,
        width: 1 << 34,
        sweep_every: 300,
        jump_every: 200,
        jump: 1 << 30,
        far_every: 3,
        supply: 0,
    };
    for seed in 21..=23 {
        run(seed, flow, 200_000, 60_000);
    }
}

/// A middle that wanders by less than a window, with orders on both sides of the window's edges.
#[test]
fn along_the_edges_of_the_window() {
    let flow = Flow { live: 300, width: 70_000, sweep_every: 100, jump_every: 20, jump: 40_000, ..CALM };
    for seed in 31..=33 {
        run(seed, flow, 200_000, 60_000);
    }
}

#[test]
fn lazy_supply() {
    let flow = Flow { supply: 1_500, width: 3_000, sweep_every: 400, jump_every: 30, jump: 300, ..CALM };
    for seed in 41..=43 {
        run(seed, flow, 150_000, 9_000);
    }
}

#[test]
fn lazy_supply_in_a_crowd() {
    let flow = Flow { supply: 40, width: 200, sweep_every: 60, live: 80, ..CALM };
    for seed in 51..=53 {
        run(seed, flow, 200_000, 700);
    }
}
