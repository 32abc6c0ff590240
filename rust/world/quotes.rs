//! Quotes that are posted anew in every round, level by level as the price gets there.

use std::sync::Arc;

use super::law::Sizes;
use super::scenario::{Around, QuoteSide};
use crate::book::MAX_PRICE;
use crate::ids::OrderId;
use crate::random::Words;
use crate::units::{Lots, Side, Ticks};

/// What is posted in every round, in the market's ticks and lots.
#[derive(Clone, Debug)]
pub struct Quoting {
    /// Which sides.
    pub side: QuoteSide,
    /// Around which price.
    pub around: Around,
    /// From that price to the first level.
    pub half_spread: Ticks,
    /// How many levels.
    pub levels: i64,
    /// From level to level.
    pub level_gap: Ticks,
    /// Up to so many ticks further away, drawn for each level.
    pub jitter: Ticks,
    /// In each level.
    pub level_qty: Arc<Sizes>,
    /// What all asks of a run may sell.
    pub room: Lots,
}

impl Quoting {
    /// Whether this side is quoted.
    pub fn quotes(&self, resting: Side) -> bool {
        match self.side {
            QuoteSide::Both => true,
            QuoteSide::Asks => resting == Side::Sell,
            QuoteSide::Bids => resting == Side::Buy,
        }
    }
}

/// One side's quotes of the round that were not drawn yet.
#[derive(Clone, Debug)]
pub(super) struct Quotes {
    plan: Option<Quoting>,
    resting: Side,
    words: Words,
    /// The round's first number.
    numbers: u64,
    around: i64,
    limit: Option<Ticks>,
    level: i64,
    /// With jitter: the levels of the round in the order of their prices.
    sorted: Vec<(Ticks, i64)>,
    /// Lots that may still be sold.
    room: i64,
    pub next: Option<(Ticks, Lots)>,
    /// Those that became orders of the book.
    pub entered: Vec<OrderId>,
}

impl Quotes {
    pub fn new(plan: Option<&Quoting>, resting: Side, words: Words) -> Quotes {
        let mut quotes = Quotes {
            plan: plan.filter(|plan| plan.quotes(resting)).cloned(),
            resting,
            words: words.clone(),
            numbers: 0,
            around: 0,
            limit: None,
            level: 0,
            sorted: Vec::new(),
            room: 0,
            next: None,
            entered: Vec::new(),
        };
        quotes.restart(words);
        quotes
    }

    pub fn restart(&mut self, words: Words) {
        self.words = words;
        self.room = self.plan.as_ref().filter(|_| self.resting == Side::Sell).map_or(i64::MAX, |p| p.room.0);
        self.next = None;
        self.entered.clear();
    }

    pub fn withdraw(&mut self) {
        // What was drawn ahead was not sold.
        let ahead = self.next.take().map_or(Lots::ZERO, |(_, qty)| qty);
        self.returned(ahead);
    }

    pub fn returned(&mut self, qty: Lots) {
        self.room = self.room.saturating_add(qty.0);
    }

    pub fn add_room(&mut self, qty: Lots) {
        self.room = self.room.saturating_add(qty.0);
    }

    pub fn post(&mut self, round: u64, around: Ticks, limit: Option<Ticks>) {
        self.withdraw();
        let Some(plan) = &self.plan else { return };
        self.numbers = round.wrapping_mul(plan.levels.unsigned_abs());
        (self.around, self.limit, self.level) = (around.0, limit, 0);
        if plan.jitter > Ticks::ZERO {
            self.sorted.clear();
            for level in 0..plan.levels {
                let word = self.words.at(self.numbers + level.unsigned_abs());
                let jitter = (i128::from(word & 0xffff_ffff) * (i128::from(plan.jitter.0) + 1)) >> 32;
                let jitter = i64::try_from(jitter).unwrap_or(plan.jitter.0);
                let price = price(plan, self.resting, self.around, level, jitter);
                if !(Ticks(1)..=MAX_PRICE).contains(&price) {
                    break;
                }
                self.sorted.push((price, level));
            }
            let sign = self.resting.sign();
            self.sorted.sort_unstable_by_key(|&(price, level)| (-sign * price.0, level));
        }
        self.advance();
    }

    pub fn draw(&mut self) -> Option<Lots> {
        let (_, qty) = self.next?;
        self.advance();
        Some(qty)
    }

    fn advance(&mut self) {
        self.next = None;
        let Some(plan) = &self.plan else { return };
        while self.level < plan.levels {
            let (price, level) = if plan.jitter > Ticks::ZERO {
                let posted = usize::try_from(self.level).ok().and_then(|level| self.sorted.get(level));
                let Some(&posted) = posted else { return };
                posted
            } else {
                (price(plan, self.resting, self.around, self.level, 0), self.level)
            };
            if !(Ticks(1)..=MAX_PRICE).contains(&price) {
                return; // and so are all further away
            }
            self.level += 1;
            let trades = |limit: Ticks| self.resting.sign() * (price.0 - limit.0) >= 0;
            if self.limit.is_some_and(trades) {
                continue;
            }
            let qty = match &*plan.level_qty {
                Sizes::Fixed(qty) => *qty,
                law => law.draw((self.words.at(self.numbers + level.unsigned_abs()) >> 48) as u16),
            };
            let qty = Lots(qty.0.min(self.room));
            if qty.0 > 0 {
                self.room -= qty.0;
                self.next = Some((price, qty));
            }
            return;
        }
    }
}

fn price(plan: &Quoting, resting: Side, around: i64, level: i64, jitter: i64) -> Ticks {
    let away =
        plan.half_spread.0.saturating_add(level.saturating_mul(plan.level_gap.0)).saturating_add(jitter);
    Ticks(around.saturating_sub(resting.sign().saturating_mul(away)))
}
