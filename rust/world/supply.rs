//! The levels of a market as a book's supply, drawn only when the price gets there.

use std::sync::Arc;

use super::check::MAX_TICKS;
use super::liquidity::{Orders, Shape, Tail};
use super::quotes::{Posting, Quotes, Quoting};
use crate::book::{Level, Supply};
use crate::ids::{AccountId, OrderId};
use crate::random::{Stream, Words};
use crate::units::{Lots, Side, Ticks};

/// What one market has resting that its book has not seen: levels since the start, and quotes posted anew every round.
#[derive(Clone, Debug)]
pub struct WorldSupply {
    owner: AccountId,
    sides: [HalfSupply; 2],
}

#[derive(Clone, Debug)]
struct HalfSupply {
    start: Start,
    quotes: Quotes,
    /// Price of whichever comes next.
    next: Option<Ticks>,
}

/// Numbers of the streams that a market's sides draw from, bids before asks.
#[derive(Clone, Copy, Debug)]
pub struct SupplyStreams {
    pub(super) levels: u64,
    pub(super) quotes: u64,
}

impl SupplyStreams {
    /// Spot's.
    pub const SPOT: SupplyStreams = SupplyStreams { levels: 1, quotes: 5 };
    /// The perpetual's.
    pub const PERP: SupplyStreams = SupplyStreams { levels: 3, quotes: 7 };
}

impl WorldSupply {
    /// Of one path, nothing drawn yet. `room` is what quotes may sell in all.
    pub fn new(
        shapes: &[Arc<Shape>; 2],
        quoting: Option<&Quoting>,
        owner: AccountId,
        streams: SupplyStreams,
        seed: u64,
        path: u64,
    ) -> WorldSupply {
        let half = |side: Side| {
            let n = side.index() as u64;
            let words = |stream| Words::new(Stream::new(seed, path, stream + n));
            let start = Start::new(&shapes[side.index()], side, words(streams.levels));
            let next = start.next.map(|(price, _)| price);
            HalfSupply { start, quotes: Quotes::new(quoting, side, words(streams.quotes)), next }
        };
        WorldSupply { owner, sides: Side::BOTH.map(half) }
    }

    /// The same for another path of the same world; nothing is allocated.
    pub fn restart(&mut self, seed: u64, path: u64, streams: SupplyStreams) {
        for (n, half) in (0..).zip(&mut self.sides) {
            half.start.restart(Words::new(Stream::new(seed, path, streams.levels + n)));
            half.quotes.restart(Words::new(Stream::new(seed, path, streams.quotes + n)));
            half.peek();
        }
    }

    /// Withdraws what was not drawn yet, for good.
    pub fn close(&mut self) {
        for half in &mut self.sides {
            half.start.next = None;
            half.quotes.withdraw();
            half.peek();
        }
    }

    /// Withdraws the quotes that were not drawn yet.
    pub fn withdraw_quotes(&mut self) {
        for half in &mut self.sides {
            half.quotes.withdraw();
            half.peek();
        }
    }

    /// The next quote that became an order of the book and has not been asked for; [`returned`](Self::returned) must follow.
    pub fn next_entered(&mut self) -> Option<(Side, OrderId)> {
        Side::BOTH.into_iter().find_map(|side| Some((side, self.sides[side.index()].quotes.entered.pop()?)))
    }

    /// What was cancelled of a quote in the book can be sold again.
    pub fn returned(&mut self, side: Side, qty: Lots) {
        self.sides[side.index()].quotes.returned(qty);
    }

    /// Asks of quotes may sell so much more.
    pub fn add_room(&mut self, qty: Lots) {
        self.sides[Side::Sell.index()].quotes.add_room(qty);
    }

    /// Whether time alone gives a side's quotes strength.
    pub fn recovers(&self) -> bool {
        self.sides.iter().any(|half| half.quotes.recover())
    }

    /// Whether a quote of a side that was not drawn yet may stand at this price.
    pub fn quotes_at(&self, resting: Side, price: Ticks) -> bool {
        self.sides[resting.index()].quotes.stand_at(price)
    }

    /// Posts the quotes of a side in a round, none at `limit` or beyond: it would trade.
    pub fn quote(&mut self, resting: Side, posting: &Posting, limit: Option<Ticks>) {
        let half = &mut self.sides[resting.index()];
        half.quotes.post(posting, limit);
        half.peek();
    }
}

impl HalfSupply {
    fn peek(&mut self) {
        let (start, quote) = (self.start.next, self.quotes.next);
        self.next = match (start, quote) {
            (Some((a, _)), Some((b, _))) => {
                Some(if self.start.side.sign() * (b.0 - a.0) > 0 { b } else { a })
            }
            (one, other) => one.or(other).map(|(price, _)| price),
        };
    }
}

impl Supply for WorldSupply {
    #[inline]
    fn next_price(&self, resting: Side) -> Option<Ticks> {
        self.sides[resting.index()].next
    }

    #[inline]
    fn draw(&mut self, resting: Side) -> Option<Level> {
        let half = &mut self.sides[resting.index()];
        let price = half.next?;
        let owner = self.owner;
        // At one price what rests since the start comes first.
        let level = match half.start.next {
            Some((at, qty)) if at == price => {
                half.start.advance();
                Level { price, qty, owner, newest: false }
            }
            _ => Level { price, qty: half.quotes.draw()?, owner, newest: true },
        };
        half.peek();
        Some(level)
    }

    #[inline]
    fn entered(&mut self, resting: Side, id: OrderId) {
        self.sides[resting.index()].quotes.entered.push(id);
    }
}

/// Where the drawing of one side's levels has got to.
#[derive(Clone, Debug)]
struct Start {
    shape: Arc<Shape>,
    side: Side,
    words: Words,
    next: Option<(Ticks, Lots)>,
    /// Explicit levels, or orders, drawn.
    drawn: usize,
    /// Ticks of the tail drawn, and the part of a lot they left over.
    ticks: i64,
    part: i64,
    /// Lots that may still be drawn.
    left: i64,
}

impl Start {
    fn new(shape: &Arc<Shape>, side: Side, words: Words) -> Start {
        let mut start = Start {
            shape: Arc::clone(shape),
            side,
            words: words.clone(),
            next: None,
            drawn: 0,
            ticks: 0,
            part: 0,
            left: 0,
        };
        start.restart(words);
        start
    }

    fn restart(&mut self, words: Words) {
        self.words = words;
        (self.drawn, self.ticks, self.part) = (0, 0, 0);
        self.left = self.shape.cap.map_or(i64::MAX, |cap| cap.0);
        self.advance();
    }

    /// Draws the next level; the cut at the float comes last.
    #[inline]
    fn advance(&mut self) {
        let shape = &*self.shape;
        self.next = loop {
            let (price, lots, number) = if let Some(&(price, lots)) = shape.levels.get(self.drawn) {
                self.drawn += 1;
                (price, lots.0, self.drawn as u64 - 1)
            } else if let Some(tail) = &shape.tail {
                let Some((price, lots)) = tail_level(tail, self.side, &mut self.ticks, &mut self.part) else {
                    break None;
                };
                let explicit = shape.levels.len() as u64;
                let k = self.ticks.unsigned_abs();
                (price, lots, if explicit == 0 { k } else { explicit - 1 + k })
            } else if let Some(orders) = &shape.orders {
                let number = self.drawn as u64;
                self.drawn += 1;
                let Some(price) = order_price(orders, self.side, number) else { break None };
                (price, orders.sizes.draw(self.words.short(number)).0, number)
            } else {
                break None;
            };
            let lots = match &shape.noise {
                Some(noise) => noise.apply(lots, self.words.short(number)),
                None => lots,
            };
            if lots > 0 {
                break Some((price, Lots(lots.min(self.left))));
            }
        };
        self.next = self.next.filter(|&(_, lots)| lots.0 > 0);
        self.left -= self.next.map_or(0, |(_, lots)| lots.0);
    }
}

/// The next tick of a tail that holds a whole lot.
#[inline]
fn tail_level(tail: &Tail, side: Side, ticks: &mut i64, part: &mut i64) -> Option<(Ticks, i64)> {
    if tail.whole > 0 {
        *ticks += 1;
        *part += tail.part;
    } else {
        let steps = (tail.denominator - *part - 1) / tail.part + 1;
        *ticks += steps;
        *part += tail.part * steps;
    }
    let price = tail.origin.0 - side.sign() * *ticks;
    if !(1..=MAX_TICKS).contains(&price) {
        return None;
    }
    let carried = *part >= tail.denominator;
    *part -= if carried { tail.denominator } else { 0 };
    Some((Ticks(price), tail.whole + i64::from(carried)))
}

fn order_price(orders: &Orders, side: Side, number: u64) -> Option<Ticks> {
    let level = i64::try_from(number).ok()? / orders.each + 1;
    let away = level.checked_mul(orders.gap).filter(|_| level <= orders.levels)?;
    let price = orders.origin.0.checked_sub(side.sign() * away)?;
    (1..=MAX_TICKS).contains(&price).then_some(Ticks(price))
}
