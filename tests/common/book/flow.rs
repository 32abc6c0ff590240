//! Random flows of every kind of order: calm days, deep sweeps, prices all over. They look at the slow book only.

use std::collections::VecDeque;

use perpcore::book::{
    Level, NewOrder, OrderKind, SelfTrade, Source, Supply, Terms, TimeInForce, Trigger, TriggerKind,
};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Side, Ticks, Time};

use super::Ask;
use super::naive::{NaiveBook, Order};
use super::rng::Rng;

/// Tags of supply levels: the book gives them ids of its own, or none.
pub const SUPPLY_TAG: u64 = 1 << 60;

/// Who owns the supply.
pub const HOLDERS: u32 = 3;

const TIFS: [TimeInForce; 5] =
    [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::PostOnly, TimeInForce::PostOnlySlide];
const RULES: [SelfTrade; 5] = [
    SelfTrade::Allow,
    SelfTrade::CancelNewest,
    SelfTrade::CancelOldest,
    SelfTrade::CancelBoth,
    SelfTrade::Decrement,
];

/// A supply that counts nothing and hides nothing: two queues.
#[derive(Clone, Default)]
pub struct Queued(pub [VecDeque<Level>; 2]);

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
pub struct Shape {
    /// Orders alive, about.
    pub live: usize,
    /// Passive prices lie up to this far behind the middle.
    pub width: i64,
    /// One event in this many takes a good part of the book, or all of it.
    pub sweep_every: i64,
    /// One event in this many moves the middle by up to `jump`.
    pub jump_every: i64,
    pub jump: i64,
    /// One passive price in this many lies anywhere up to the highest.
    pub far_every: i64,
    /// Levels a side in the supply.
    pub supply: i64,
    /// One order in this many has terms, one event in four times as many is about rules; 0: none, ever.
    pub special_every: i64,
}

pub const CALM: Shape = Shape {
    live: 150,
    width: 120,
    sweep_every: 5_000,
    jump_every: 50,
    jump: 3,
    far_every: 1_000,
    supply: 0,
    special_every: 3,
};

pub struct Flow {
    pub naive: NaiveBook,
    pub rng: Rng,
    pub shape: Shape,
    middle: i64,
    /// The next order's.
    pub tag: u64,
}

impl Flow {
    pub fn new(seed: u64, shape: Shape) -> Flow {
        Flow { naive: NaiveBook::default(), rng: Rng(seed), shape, middle: 0, tag: 0 }
    }

    /// An empty book, but for supply; under rules or not.
    pub fn restart(&mut self) -> Queued {
        let mut supply = Queued::default();
        self.naive = NaiveBook::default();
        self.tag = 0;
        self.middle = self.rng.range(500_000, 2_000_000);
        let mut tag = SUPPLY_TAG;
        for side in Side::BOTH {
            let mut price = self.middle;
            for _ in 0..self.shape.supply {
                price -= side.sign() * self.rng.range(1, 40);
                if price < 1 {
                    break;
                }
                let (qty, owner) = (self.rng.range(1, 9), HOLDERS);
                let level =
                    Level { price: Ticks(price), qty: Lots(qty), owner: AccountId(owner), newest: false };
                supply.0[side.index()].push_back(level);
                self.naive.rest(side, Order { tag, price, qty, owner, terms: Terms::default() });
                tag += 1;
            }
        }
        if self.shape.special_every > 0 && self.rng.one_in(2) {
            self.naive.rule = self.rng.pick(&RULES);
            self.naive.min_notional = i128::from(self.rng.pick(&[0, self.middle, 3 * self.middle]));
        }
        supply
    }

    fn price(&mut self, side: Side) -> i64 {
        let rng = &mut self.rng;
        if rng.one_in(self.shape.far_every) {
            let offset = 1_i64 << rng.range(0, 40);
            return if side == Side::Buy { (self.middle - offset).max(1) } else { self.middle + offset }
                .min(1 << 40);
        }
        // Small offsets more often than large ones, and sometimes across the middle.
        let width = (rng.range(1, self.shape.width) * rng.range(1, 64) / 64).max(1);
        let offset = if rng.one_in(12) { -width / 16 } else { width };
        (self.middle - side.sign() * offset).clamp(1, 1 << 40)
    }

    fn owner(&mut self) -> AccountId {
        let holders = self.shape.supply > 0 && self.shape.special_every > 0 && self.rng.one_in(20);
        AccountId(if holders { HOLDERS } else { u32::try_from(self.rng.range(8, 20)).unwrap() })
    }

    fn side(&mut self) -> Side {
        if self.rng.one_in(2) { Side::Buy } else { Side::Sell }
    }

    fn new_order(&mut self) -> NewOrder {
        let (side, owner) = (self.side(), self.owner());
        let price = Ticks(self.price(side));
        let tif = if self.rng.one_in(4) { self.rng.pick(&TIFS) } else { TimeInForce::Gtc };
        let qty = Lots(self.rng.range(1, 20));
        let mut order = NewOrder { owner, side, qty, kind: OrderKind::Limit { price, tif } };
        if self.rng.one_in(self.shape.sweep_every) {
            order.qty = Lots(self.rng.range(1, 12 * i64::try_from(self.shape.live).unwrap()));
            let reach = self.rng.range(1, 2 * self.shape.width);
            let price = Ticks((self.middle + side.sign() * reach).clamp(1, 1 << 40));
            order.kind = match self.rng.below(4) {
                0 => OrderKind::Protected { price },
                1 => OrderKind::Limit { price, tif },
                _ => OrderKind::Market,
            };
        } else if self.rng.one_in(25) {
            order.kind = OrderKind::Market;
        } else if self.rng.one_in(400) {
            order.qty = Lots(self.rng.pick(&[0, -3, i64::MAX, (1 << 62) - 1, i64::MIN]));
            let price = Ticks(self.rng.pick(&[1, 0, -1, i64::MIN, i64::MAX, 1 << 40, (1 << 40) + 1]));
            order.kind = OrderKind::Limit { price, tif: TimeInForce::Fok };
        }
        order
    }

    fn terms(&mut self) -> Terms {
        let mut terms = Terms::default();
        if self.shape.special_every == 0 || !self.rng.one_in(self.shape.special_every) {
            return terms;
        }
        if self.rng.one_in(3) {
            terms.self_trade = Some(self.rng.pick(&RULES));
        }
        terms.reduce_only = self.rng.one_in(4);
        if self.rng.one_in(4) {
            let distance = self.rng.pick(&[0, 1, 5, 40, 400]);
            terms.expires = Some(Time(self.naive.now + distance));
        }
        if self.rng.one_in(3) {
            let price = Ticks(self.trigger_price());
            let kind = self.rng.pick(&[TriggerKind::Stop, TriggerKind::TakeProfit]);
            let source = self.rng.pick(&[Source::Mark, Source::Last, Source::Index]);
            terms.trigger = Some(Trigger { source, price, kind });
        }
        terms
    }

    fn trigger_price(&mut self) -> i64 {
        let reach = (self.shape.width / 4).max(4);
        (self.middle + self.rng.range(-reach, reach)).clamp(0, (1 << 40) + 1)
    }

    /// A tag of this path, most likely a recent one, alive or not.
    pub fn any_tag(&mut self) -> u64 {
        let count = i64::try_from(self.tag).unwrap().max(1);
        let recent = i64::try_from(3 * self.shape.live).unwrap().min(count);
        let back = if self.rng.one_in(50) { count } else { recent };
        self.tag.max(1) - 1 - self.rng.below(back).unsigned_abs()
    }

    fn about_rules(&mut self) -> Ask {
        let middle = self.middle;
        match self.rng.below(100) {
            0..40 => Ask::Clock(self.naive.now + self.rng.range(-1, 12)),
            40..60 => Ask::Mark(self.trigger_price()),
            60..80 => Ask::Index(self.trigger_price()),
            80..92 => Ask::Band(match self.rng.below(4) {
                0 => Some((middle - self.shape.width / 2, middle + self.shape.width / 2)),
                1 => Some((middle + 1, middle)),
                _ => None,
            }),
            92..94 => Ask::Halt,
            _ => Ask::Resume,
        }
    }

    /// What happens next, and the tag it has if it adds an order.
    pub fn next_ask(&mut self) -> (u64, Ask) {
        if self.rng.one_in(self.shape.jump_every) {
            self.middle = (self.middle + self.rng.range(-self.shape.jump, self.shape.jump)).max(1_000);
        }
        if self.naive.halted && self.rng.one_in(8) {
            return (self.tag, Ask::Resume);
        }
        if self.shape.special_every > 0 && self.rng.one_in(4 * self.shape.special_every) {
            return (self.tag, self.about_rules());
        }
        if self.rng.one_in(8_000) {
            // Not the holders: what is undrawn of the supply is theirs to close.
            return (self.tag, Ask::Owner(u32::try_from(self.rng.range(8, 20)).unwrap()));
        }
        let live = self.naive.side(Side::Buy).len() + self.naive.side(Side::Sell).len();
        let wanted = self.shape.live + 2 * usize::try_from(self.shape.supply).unwrap();
        let adds = if live < wanted { 62 } else { 45 };
        match self.rng.below(100) {
            n if n < adds || self.tag == 0 => {
                self.tag += 1;
                (self.tag - 1, Ask::Add(self.new_order(), self.terms()))
            }
            n if n < 90 => (self.tag, Ask::Cancel(self.any_tag())),
            n if n < 95 => (self.tag, Ask::Reduce(self.any_tag(), self.rng.range(-1, 12))),
            _ if self.shape.special_every == 0 => (self.tag, Ask::Cancel(self.any_tag())),
            _ => (self.tag, self.replacement()),
        }
    }

    fn replacement(&mut self) -> Ask {
        let tag = self.any_tag();
        let (side, price) = match self.naive.order(tag) {
            Some((side, order)) => (side, order.price),
            None => (self.side(), self.middle),
        };
        let price = if self.rng.one_in(3) { price } else { self.price(side) };
        let tif = if self.rng.one_in(3) { self.rng.pick(&TIFS) } else { TimeInForce::Gtc };
        Ask::Replace(tag, price, self.rng.range(0, 25), tif)
    }
}

/// Prints what brings a failure back.
pub struct Seed(pub u64, pub u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}, event {}", self.0, self.1);
        }
    }
}
