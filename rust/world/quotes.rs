//! Quotes that are posted anew in every round, level by level as the price gets there.

use std::sync::Arc;

use super::agents::Skew;
use super::frictions::Recovery;
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
    /// How fast what was filled comes back; none: at once.
    pub recovery: Option<Recovery>,
    /// What all asks of a run may sell.
    pub room: Lots,
    /// Whether asks grow and shrink with what of it is left.
    pub follows_float: bool,
    /// How holders' quotes move with what they bought.
    pub skew: Skew,
}

/// How quotes are posted in a round.
#[derive(Clone, Copy, Debug)]
pub struct Posting {
    /// Which round it is.
    pub round: u64,
    /// Whether it is a step's first.
    pub first_of_step: bool,
    /// The price they stand around.
    pub around: Ticks,
    /// By so much they stand farther away.
    pub wider: Ticks,
    /// Which sides: bids, asks.
    pub sides: [bool; 2],
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
    /// From there to the first level.
    half_spread: i64,
    limit: Option<Ticks>,
    level: i64,
    /// With jitter: the levels of the round in the order of their prices.
    sorted: Vec<(Ticks, i64)>,
    /// Lots that may still be sold.
    room: i64,
    /// And so many more once they are posted again.
    more_room: i64,
    /// Lots filled since they were last posted, and of what is drawn what may still be.
    filled: i64,
    /// How much of its lots a level has, in units of 2^-32.
    strength: i64,
    /// The same, with what they follow.
    share: i64,
    /// Whether they stand.
    posted: bool,
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
            half_spread: 0,
            limit: None,
            level: 0,
            sorted: Vec::new(),
            room: 0,
            more_room: 0,
            filled: 0,
            strength: Recovery::FULL,
            share: Recovery::FULL,
            posted: false,
            next: None,
            entered: Vec::new(),
        };
        quotes.restart(words);
        quotes
    }

    pub fn restart(&mut self, words: Words) {
        self.words = words;
        self.room = self.plan.as_ref().filter(|_| self.resting == Side::Sell).map_or(i64::MAX, |p| p.room.0);
        (self.filled, self.strength, self.posted) = (0, Recovery::FULL, false);
        self.more_room = 0;
        self.next = None;
        self.entered.clear();
    }

    pub fn withdraw(&mut self) {
        // What was drawn ahead was not sold.
        let ahead = self.next.take().map_or(Lots::ZERO, |(_, qty)| qty);
        self.room = self.room.saturating_add(ahead.0);
        self.posted = false;
    }

    pub fn returned(&mut self, qty: Lots) {
        self.room = self.room.saturating_add(qty.0);
        self.filled -= qty.0;
    }

    /// From the next posting on they may sell so much more.
    pub fn add_room(&mut self, qty: Lots) {
        self.more_room = self.more_room.saturating_add(qty.0);
    }

    /// Whether time alone gives them strength.
    pub fn recover(&self) -> bool {
        let recovery = self.plan.as_ref().and_then(|plan| plan.recovery).filter(|_| self.posted);
        recovery.is_some_and(|recovery| recovery.after(self.strength, Lots::ZERO, true) != self.strength)
    }

    pub fn post(&mut self, posting: &Posting, limit: Option<Ticks>) {
        self.withdraw();
        let Some(plan) = &self.plan else { return };
        self.posted = true;
        self.room = self.room.saturating_add(std::mem::take(&mut self.more_room));
        if let Some(recovery) = plan.recovery {
            let filled = Lots(std::mem::take(&mut self.filled));
            self.strength = recovery.after(self.strength, filled, posting.first_of_step);
        }
        self.share = if plan.follows_float { self.share_left(plan.room) } else { self.strength };
        self.numbers = posting.round.wrapping_mul(plan.levels.unsigned_abs());
        (self.around, self.limit, self.level) = (posting.around.0, limit, 0);
        self.half_spread = plan.half_spread.0.saturating_add(posting.wider.0);
        if plan.jitter > Ticks::ZERO {
            self.sorted.clear();
            for level in 0..plan.levels {
                let word = self.words.at(self.numbers + level.unsigned_abs());
                let jitter = (i128::from(word & 0xffff_ffff) * (i128::from(plan.jitter.0) + 1)) >> 32;
                let jitter = i64::try_from(jitter).unwrap_or(plan.jitter.0);
                let price = price(plan, self.half_spread, self.resting, self.around, level, jitter);
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

    /// Their strength times what they may sell over what it was at the start.
    fn share_left(&self, start: Lots) -> i64 {
        if self.resting == Side::Buy {
            return self.strength;
        }
        let share = i128::from(self.strength) * i128::from(self.room) / i128::from(start.0.max(1));
        i64::try_from(share).unwrap_or(i64::MAX)
    }

    /// Whether one that was not drawn yet may stand at this price.
    pub fn stand_at(&self, at: Ticks) -> bool {
        let (Some(plan), Some(_)) = (&self.plan, self.next) else { return false };
        // The next one is drawn ahead.
        let first = self.level - 1;
        if plan.jitter > Ticks::ZERO {
            let left = usize::try_from(first).ok().and_then(|first| self.sorted.get(first..));
            return left.is_some_and(|left| left.iter().any(|&(price, _)| price == at));
        }
        let away = i128::from(self.resting.sign()) * (i128::from(self.around) - i128::from(at.0));
        let beyond = away - i128::from(self.half_spread);
        let gap = i128::from(plan.level_gap.0);
        beyond % gap == 0 && (first.into()..plan.levels.into()).contains(&(beyond / gap))
    }

    pub fn draw(&mut self) -> Option<Lots> {
        let (_, qty) = self.next?;
        self.filled += qty.0;
        self.advance();
        Some(qty)
    }

    fn advance(&mut self) {
        self.next = None;
        let Some(plan) = &self.plan else { return };
        // Nothing is left of any level: thousands of them need not be drawn to find that out.
        if Recovery::part(self.share, plan.level_qty.largest()) == Lots(0) {
            return;
        }
        while self.level < plan.levels {
            let (price, level) = if plan.jitter > Ticks::ZERO {
                let posted = usize::try_from(self.level).ok().and_then(|level| self.sorted.get(level));
                let Some(&posted) = posted else { return };
                posted
            } else {
                (price(plan, self.half_spread, self.resting, self.around, self.level, 0), self.level)
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
            let qty = if self.share != Recovery::FULL {
                match Recovery::part(self.share, qty) {
                    Lots(0) => continue,
                    part => part,
                }
            } else {
                qty
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

fn price(plan: &Quoting, half: i64, resting: Side, around: i64, level: i64, jitter: i64) -> Ticks {
    let away = half.saturating_add(level.saturating_mul(plan.level_gap.0)).saturating_add(jitter);
    Ticks(around.saturating_sub(resting.sign().saturating_mul(away)))
}
