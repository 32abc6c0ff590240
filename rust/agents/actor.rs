//! An agent on its way: what it has resting, what it remembers, and what it answers with.

use super::{
    crowd, funding_arbitrageur::LockedLeg, holders::Seller, hunter, momentum::Trend, noise::Called,
    spot_maker, whale::Plot,
};
use crate::event::{Cause, Market};
use crate::ids::{AccountId, OrderId};
use crate::random::Words;
use crate::units::{Lots, Overflow, Quote, Rate, Side, Ticks};
use crate::world::agents::{Agent, Plan, venue_account};

/// What an agent wants done, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Cancel what it posted in this step or before, oldest first.
    CancelUntil(u64),
    /// A market order.
    Take {
        /// Where.
        market: Market,
        /// Which way.
        side: Side,
        /// How much, if it may.
        qty: Lots,
        /// Why.
        cause: Cause,
    },
    /// A market order in the perpetual, and what was filled the other way round in spot.
    Carry {
        /// Of the perpetual.
        side: Side,
        /// In its lots.
        qty: Lots,
    },
    /// A post-only order at this price.
    Post {
        /// Where.
        market: Market,
        /// Which side.
        side: Side,
        /// In its ticks.
        price: Ticks,
        /// How much, if it may.
        qty: Lots,
    },
    /// The same, so many ticks behind the best of its own side.
    Join {
        /// Where.
        market: Market,
        /// Which side.
        side: Side,
        /// Behind the best.
        behind: Ticks,
        /// How much, if it may.
        qty: Lots,
    },
    /// A new account that opens a position.
    Open {
        /// Of its order.
        side: Side,
        /// In lots of the perpetual.
        qty: Lots,
        /// Draws its leverage and its time.
        word: u64,
    },
}

impl Intent {
    /// A market order for a signed quantity; none for nothing.
    pub(super) fn toward(market: Market, signed: Lots, most: Lots, cause: Cause) -> Option<Intent> {
        let qty = signed.abs().min(most);
        let side = if signed.0 > 0 { Side::Buy } else { Side::Sell };
        (qty > Lots::ZERO).then_some(Intent::Take { market, side, qty, cause })
    }
}

/// What selling the perpetual brings over what spot costs, in a unit of its own.
#[derive(Clone, Copy, Debug)]
pub struct Basis {
    /// The bid in the perpetual less the ask in spot.
    pub premium: i128,
    /// The ask in spot.
    pub ask: i128,
    /// Lots of the perpetual that these prices hold for.
    pub qty: Lots,
}

impl Basis {
    /// The lots at which the premium is at least so much of the ask.
    pub fn from(&self, share: Rate) -> Result<Lots, Overflow> {
        let premium = self.premium.checked_mul(i128::from(Rate::ONE)).ok_or(Overflow)?;
        let enough = premium >= self.ask.checked_mul(i128::from(share.0)).ok_or(Overflow)?;
        Ok(if enough { self.qty } else { Lots::ZERO })
    }
}

/// What an agent sees.
pub trait Scene {
    /// The step, from 1.
    fn step(&self) -> u64;
    /// The start price in spot ticks.
    fn start(&self) -> Ticks;
    /// The start price in the perpetual's ticks.
    fn perp_start(&self) -> Ticks;
    /// The index of the last round, in spot ticks.
    fn index(&self) -> Ticks;
    /// The mark of the last round.
    fn mark(&self) -> Ticks;
    /// The mark at the end of the step so many before the last.
    fn mark_before(&self, steps: u64) -> Ticks;
    /// The last trade in spot.
    fn spot_last(&self) -> Ticks;
    /// The rate that was paid last.
    fn funding_rate(&self) -> Rate;
    /// What shorting the perpetual against spot brings at the best prices; none if one is missing.
    fn basis(&self) -> Option<Basis>;
    /// Spot lots in a lot of the perpetual.
    fn spot_lots(&self) -> i64;
    /// What the liquidations ahead are worth at the mark: of shorts above, of longs below.
    fn ahead(&self) -> (Quote, Quote);
}

/// What an agent has in hand.
#[derive(Clone, Copy, Debug)]
pub struct Hand {
    /// Its position.
    pub qty: Lots,
    /// Its tokens.
    pub tokens: Lots,
    /// Those it came with, and those that came by unlocks.
    pub brought: Lots,
}

impl Hand {
    /// What it holds in a market.
    pub fn held(&self, market: Market) -> Lots {
        if market == Market::Spot { self.tokens } else { self.qty }
    }
}

/// An order of an agent that may rest in a book.
#[derive(Clone, Copy, Debug)]
pub struct Resting {
    /// Posted in this step.
    pub step: u64,
    /// Where.
    pub market: Market,
    /// Which side.
    pub side: Side,
    /// In the book.
    pub id: OrderId,
}

/// What a kind remembers.
#[derive(Clone, Debug)]
enum Mind {
    Noise(Called),
    Momentum(Trend),
    Holders(Seller),
    SpotMaker,
    FundingArbitrageur(LockedLeg),
    Crowd(u32),
    Hunter,
    Whale(Plot),
    Reactive,
    External,
}

/// An agent on its way.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Its account at the venue.
    pub venue: AccountId,
    words: Words,
    mind: Mind,
}

impl Actor {
    /// Before anything happened.
    pub fn new(number: usize, plan: &Plan, words: Words) -> Actor {
        let mind = match plan {
            Plan::Noise(_) => Mind::Noise(Called::default()),
            Plan::Momentum(_) => Mind::Momentum(Trend::default()),
            Plan::Holders(_) => Mind::Holders(Seller::default()),
            Plan::SpotMaker(_) => Mind::SpotMaker,
            Plan::FundingArbitrageur(_) => Mind::FundingArbitrageur(LockedLeg::default()),
            Plan::Crowd(_) => Mind::Crowd(0),
            Plan::Hunter(_) => Mind::Hunter,
            Plan::Whale(_) => Mind::Whale(Plot::default()),
            Plan::StockArbitrageur(_) => Mind::Reactive,
            Plan::External => Mind::External,
        };
        Actor { venue: venue_account(number), words, mind }
    }

    /// Phase 1: what it wants done in this step.
    pub fn decide(
        &mut self,
        agent: &Agent,
        scene: &impl Scene,
        hand: Hand,
        out: &mut Vec<Intent>,
    ) -> Result<(), Overflow> {
        let words = &mut Draws { words: &mut self.words, first: scene.step() << 26 };
        match (&agent.plan, &mut self.mind) {
            (Plan::Noise(plan), Mind::Noise(called)) => called.decide(plan, scene.step(), words, out),
            (Plan::Momentum(plan), Mind::Momentum(trend)) => out.extend(trend.decide(plan, scene, hand)?),
            (Plan::Holders(plan), Mind::Holders(seller)) => out.extend(seller.decide(plan, scene, hand)?),
            (Plan::SpotMaker(plan), Mind::SpotMaker) => spot_maker::decide(plan, scene, hand, out)?,
            (Plan::FundingArbitrageur(plan), Mind::FundingArbitrageur(leg)) => {
                out.extend(leg.decide(plan, scene, hand)?);
            }
            (Plan::Crowd(plan), Mind::Crowd(_)) => crowd::decide(plan, scene, words, out),
            (Plan::Hunter(plan), Mind::Hunter) => out.extend(hunter::decide(plan, scene, hand)?),
            (Plan::Whale(plan), Mind::Whale(plot)) => plot.decide(plan, scene, hand, out)?,
            _ => {} // reactive or external
        }
        Ok(())
    }

    /// What a market order of it came to.
    pub fn filled(&mut self, side: Side, qty: Lots, value: Quote, cause: Cause) -> Result<(), Overflow> {
        match &mut self.mind {
            Mind::Holders(seller) if side == Side::Sell => seller.sold = seller.sold.plus(qty)?,
            Mind::Whale(plot) if cause == Cause::Ignition => plot.ignited(qty, value)?,
            _ => {}
        }
        Ok(())
    }

    /// Accounts its crowd has opened.
    pub fn crowd(&self) -> u32 {
        if let Mind::Crowd(opened) = self.mind { opened } else { 0 }
    }

    /// One more account of its crowd.
    pub fn opened(&mut self) {
        if let Mind::Crowd(opened) = &mut self.mind {
            *opened += 1;
        }
    }

    /// The push of a whale so far: quantity and cost.
    pub fn ignition(&self) -> (Lots, Quote) {
        if let Mind::Whale(plot) = &self.mind { plot.ignition } else { (Lots::ZERO, Quote::ZERO) }
    }

    /// A whale whose exit has just begun writes down what it would have made at the marks.
    pub fn note_paper(&mut self, profit: Quote) {
        if let Mind::Whale(plot) = &mut self.mind {
            plot.paper = Some(profit);
        }
    }

    /// Whether that is due.
    pub fn wants_paper(&self) -> bool {
        matches!(&self.mind, Mind::Whale(plot) if plot.exit_begun() && plot.paper.is_none())
    }

    /// The profit of a whale when its exit began.
    pub fn paper(&self) -> Option<Quote> {
        if let Mind::Whale(plot) = &self.mind { plot.paper } else { None }
    }

    /// The index at the end of a step.
    pub fn see_index(&mut self, index: Ticks) {
        if let Mind::Whale(plot) = &mut self.mind
            && plot.ignite_begun
        {
            plot.peak = plot.peak.max(index);
        }
    }
}

/// The numbers of one step.
pub(super) struct Draws<'a> {
    words: &'a mut Words,
    first: u64,
}

impl Draws<'_> {
    /// Number `n` of the step.
    #[inline]
    pub fn word(&mut self, n: u64) -> u64 {
        self.words.at(self.first + n)
    }
}
