//! Supply with many orders at one price and quotes that come last, against the naive book: older than all orders, or newer,
//! drawn or not.

#[path = "common/book/mod.rs"]
mod common;

use std::collections::VecDeque;

use common::naive::{NaiveBook, Order};
use common::rng::Rng;
use common::{Ask, Told};
use perpcore::book::{
    Fill, Level, NewOrder, OrderBook, OrderKind, QueuePlace, SUPPLY_ORDER, Supply, Terms, TimeInForce,
};
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks};

const FLOWS: u64 = 10_000;
const MIDDLE: i64 = 100;
const TAKER: AccountId = AccountId(7);

/// Per side: what was there since the start, and quotes; both from the best away.
#[derive(Default)]
struct Both {
    start: [VecDeque<Level>; 2],
    quotes: [VecDeque<Level>; 2],
    entered: Vec<OrderId>,
}

impl Both {
    fn next(&self, side: Side) -> Option<&Level> {
        let (start, quote) = (self.start[side.index()].front(), self.quotes[side.index()].front());
        match (start, quote) {
            (Some(a), Some(b)) if side.sign() * (b.price.0 - a.price.0) > 0 => quote,
            (Some(_), _) => start,
            (None, _) => quote,
        }
    }
}

impl Supply for Both {
    fn next_price(&self, resting: Side) -> Option<Ticks> {
        self.next(resting).map(|level| level.price)
    }

    fn draw(&mut self, resting: Side) -> Option<Level> {
        let level = *self.next(resting)?;
        let from = if level.newest { &mut self.quotes } else { &mut self.start };
        from[resting.index()].pop_front()
    }

    fn entered(&mut self, _resting: Side, id: OrderId) {
        self.entered.push(id);
    }
}

/// Both books; every order has an owner of its own, so that fills name orders.
struct Flow {
    rng: Rng,
    real: OrderBook<Both>,
    naive: NaiveBook,
    owners: u32,
    /// Orders sent that may rest, by id and owner.
    sent: Vec<(OrderId, u32)>,
    /// Owners of the round's quotes.
    quoted: Vec<u32>,
    fills: Vec<Fill>,
    /// Prices with old supply, orders and quotes; fills of whole supply; quotes withdrawn undrawn, and as orders.
    seen: [u64; 4],
}

impl Flow {
    fn new(seed: u64) -> Flow {
        let real = OrderBook::new(Both::default());
        let mut flow = Flow {
            rng: Rng(seed),
            real,
            naive: NaiveBook::default(),
            owners: 100,
            sent: Vec::new(),
            quoted: Vec::new(),
            fills: Vec::new(),
            seen: [0; 4],
        };
        for side in Side::BOTH {
            let levels = flow.levels(side, MIDDLE, false);
            flow.real.supply_mut().start[side.index()] = levels;
        }
        flow
    }

    /// Several orders at each of some prices behind `from`; they rest in the naive book at once.
    fn levels(&mut self, side: Side, from: i64, newest: bool) -> VecDeque<Level> {
        let (mut price, mut levels) = (from, VecDeque::new());
        for _ in 0..self.rng.range(0, 6) {
            price -= side.sign() * self.rng.range(1, 2);
            for _ in 0..self.rng.range(1, 3) {
                self.owners += 1;
                let (owner, qty) = (self.owners, self.rng.range(1, 9));
                let (tag, terms) = (u64::from(owner), Terms::default());
                self.quoted.extend(newest.then_some(owner));
                self.naive.rest(side, Order { tag, price, qty, owner, terms });
                let (price, qty, owner) = (Ticks(price), Lots(qty), AccountId(owner));
                levels.push_back(Level { price, qty, owner, newest });
            }
        }
        levels
    }

    fn send(&mut self, owner: AccountId, side: Side, qty: i64, kind: OrderKind) {
        let order = NewOrder { owner, side, qty: Lots(qty), kind };
        self.fills.clear();
        let outcome = self.real.submit(order, &mut self.fills);
        let told = self.naive.apply(owner.0.into(), Ask::Add(order, Terms::default()));
        assert_eq!(outcome.err(), told.as_ref().err().copied(), "{order:?}");
        let expected = told.unwrap_or_default().into_iter().filter_map(|told| match told {
            Told::Filled { maker_owner, price, qty, maker_left, .. } => {
                Some((maker_owner, price, qty, maker_left))
            }
            _ => None,
        });
        let fills = self.fills.iter().map(|f| (f.maker.0, f.price.0, f.qty.0, f.maker_remaining.0));
        assert!(fills.clone().eq(expected.clone()), "{order:?}: {:?}, not {:?}", self.fills, {
            expected.collect::<Vec<_>>()
        });
        for fill in self.fills.iter().filter(|fill| fill.maker_order == SUPPLY_ORDER) {
            assert_eq!(fill.maker_remaining, Lots::ZERO, "what is left over is an order");
            self.seen[1] += 1;
        }
        if let Some(id) = outcome.ok().and_then(|outcome| outcome.resting) {
            self.sent.push((id, owner.0));
        }
    }

    /// An order that may rest: before the quotes of its round.
    fn place(&mut self) {
        self.owners += 1;
        let side = self.rng.pick(&Side::BOTH);
        let price = Ticks(MIDDLE - side.sign() * self.rng.range(-3, 9));
        let tif = self.rng.pick(&[TimeInForce::Gtc, TimeInForce::PostOnly, TimeInForce::PostOnlySlide]);
        let qty = self.rng.range(1, 9);
        self.send(AccountId(self.owners), side, qty, OrderKind::Limit { price, tif });
    }

    /// An order that does not rest.
    fn take(&mut self) {
        let side = self.rng.pick(&Side::BOTH);
        let price = Ticks(MIDDLE + side.sign() * self.rng.range(-3, 12));
        let kind = match self.rng.below(3) {
            0 => OrderKind::Market,
            1 => OrderKind::Limit { price, tif: TimeInForce::Ioc },
            _ => OrderKind::Limit { price, tif: TimeInForce::Fok },
        };
        let qty = self.rng.range(1, 40);
        self.send(TAKER, side, qty, kind);
    }

    fn cancel(&mut self) {
        let which = self.rng.pick(&[0, 1, 2, 3, 5, 8, 13]);
        if let Some(&(id, owner)) = self.sent.get(which) {
            let told = self.naive.apply(0, Ask::Cancel(owner.into()));
            assert_eq!(self.real.cancel(id).is_ok(), told.is_ok());
        }
    }

    /// Takes all quotes out, whether they became orders or not.
    fn withdraw(&mut self) {
        let supply = self.real.supply_mut();
        let undrawn = supply.quotes.iter_mut().flat_map(|side| side.drain(..));
        let undrawn: Vec<i64> = undrawn.map(|level| level.qty.0).collect();
        let entered = std::mem::take(&mut supply.entered);
        let drawn: Vec<i64> =
            entered.into_iter().flat_map(|id| self.real.cancel(id)).map(|qty| qty.0).collect();
        self.seen[2] += undrawn.len() as u64;
        self.seen[3] += drawn.len() as u64;
        let mut left = 0;
        for owner in self.quoted.drain(..) {
            let told = self.naive.apply(0, Ask::Cancel(owner.into())).unwrap_or_default();
            left += told
                .iter()
                .map(|told| if let Told::Cancelled { qty, .. } = told { *qty } else { 0 })
                .sum::<i64>();
        }
        assert_eq!(left, undrawn.iter().chain(&drawn).sum::<i64>());
    }

    fn quote(&mut self) {
        for side in [Side::Sell, Side::Buy] {
            let best = self.naive.best(side.opposite());
            assert_eq!(self.real.best(side.opposite()), best.map(Ticks));
            let around = MIDDLE + side.sign() * self.rng.range(0, 3);
            let from = best
                .map_or(around, |best| if side == Side::Sell { best.max(around) } else { best.min(around) });
            let quotes = self.levels(side, from, true);
            self.real.supply_mut().quotes[side.index()] = quotes;
        }
        for side in Side::BOTH {
            for orders in self.naive.side(side).chunk_by(|a, b| a.price == b.price) {
                let old = |order: &Order| self.is_old(order.owner);
                let quote = orders.iter().any(|order| self.quoted.contains(&order.owner));
                let order =
                    orders.iter().any(|order| self.sent.iter().any(|&(_, owner)| owner == order.owner));
                self.seen[0] += u64::from(quote && order && orders.iter().any(old));
            }
        }
    }

    fn is_old(&self, owner: u32) -> bool {
        let start = &self.real.supply().start;
        start.iter().flatten().any(|level| level.owner.0 == owner)
    }

    /// Best prices and depth.
    fn look(&mut self) {
        let levels = self.rng.pick(&[1, 3, usize::MAX]);
        for side in Side::BOTH {
            assert_eq!(self.real.best(side), self.naive.best(side).map(Ticks));
            let mut depth = Vec::new();
            self.real.depth(side, levels, &mut depth);
            let depth: Vec<_> = depth.into_iter().map(|(price, qty)| (price.0, qty.0)).collect();
            assert_eq!(depth, self.naive.depth(side, levels));
        }
    }

    /// The place of each order that rests.
    fn stand(&mut self) {
        let quotes = self.real.supply().entered.iter().map(|&id| Some((id, self.real.order(id)?.owner.0)));
        let known: Vec<_> = self.sent.iter().copied().chain(quotes.flatten()).collect();
        for (id, owner) in known {
            let place = self.real.queue_place(id);
            let expected = self.naive.order(owner.into()).map(|(side, order)| {
                let orders = self.naive.side(side);
                let at = orders.iter().position(|other| other.tag == order.tag).unwrap();
                let ahead = orders[at + 1..].iter().take_while(|other| other.price == order.price);
                let lots = Lots(ahead.clone().map(|other| other.qty).sum());
                QueuePlace { lots, orders: ahead.count() }
            });
            assert_eq!(place, expected, "of {owner}");
        }
    }

    fn run(&mut self) {
        for _ in 0..self.rng.range(1, 6) {
            (0..self.rng.range(0, 6)).for_each(|_| self.place());
            self.quote();
            for _ in 0..self.rng.range(0, 6) {
                match self.rng.below(8) {
                    0 | 1 => self.cancel(),
                    2 => self.look(),
                    3 => self.stand(),
                    _ => self.take(),
                }
            }
            self.withdraw();
        }
        self.look();
        assert_eq!(self.real.volume().0, self.naive.volume);
        assert_eq!(self.real.last(), self.naive.last.map(Ticks));
    }
}

#[test]
fn old_supply_then_orders_then_quotes() {
    let mut seen = [0; 4];
    for seed in 0..FLOWS {
        let mut flow = Flow::new(seed);
        flow.run();
        seen.iter_mut().zip(flow.seen).for_each(|(sum, n)| *sum += n);
    }
    println!("{seen:?}");
    assert!(seen.iter().all(|&n| n >= FLOWS / 4), "{seen:?}");
}
