//! Everything that can be wrong with an order, found before anything of the book changes.

use super::OrderBook;
use super::ladder::{key, unplace};
use super::matching::ANY;
use super::order::{MAX_LEVEL, MAX_PRICE, NewOrder, OrderKind, TimeInForce};
use super::rules::{Notional, Positions, Source, Terms};
use super::supply::Supply;
use crate::error::Reject;
use crate::ids::AccountId;
use crate::units::{Side, Ticks, Time};

/// How an order that passed will enter.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    /// Trimmed, if it is reduce-only.
    pub(super) qty: i64,
    /// The last key of the other side it trades at.
    pub(super) limit: u64,
    /// Where what is left of it rests.
    pub(super) rest: Option<Ticks>,
    /// All or nothing.
    pub(super) whole: bool,
}

pub(super) const fn is_price(price: Ticks) -> bool {
    price.0 >= 1 && price.0 <= MAX_PRICE.0
}

impl<S: Supply> OrderBook<S> {
    /// What is wrong with an order whether it enters now or waits.
    pub(super) fn check_form(&self, order: &NewOrder, terms: &Terms) -> Result<(), Reject> {
        if order.qty.0 < 1 {
            return Err(Reject::Quantity);
        }
        if self.rare.halted {
            return Err(Reject::Halted);
        }
        if let OrderKind::Limit { price, .. } | OrderKind::Protected { price } = order.kind {
            if !is_price(price) {
                return Err(Reject::Price);
            }
        }
        if terms.trigger.is_some_and(|trigger| !is_price(trigger.price)) {
            return Err(Reject::Price);
        }
        if terms.expires.is_some_and(|at| at <= self.rare.now) {
            return Err(Reject::Time);
        }
        Ok(())
    }

    /// What is wrong with entering now, after [`check_form`](Self::check_form); the first that applies, in this order: band,
    /// reduce-only, minimum notional, post-only, level. `own` is the order it replaces.
    pub(super) fn check_entry(
        &self,
        order: &NewOrder,
        terms: &Terms,
        own: Option<u32>,
        positions: &dyn Positions,
    ) -> Result<Plan, Reject> {
        let mut plan = self.plan(order)?;
        if terms.reduce_only {
            plan.qty = plan.qty.min(self.reducible(order.owner, order.side, positions));
            if plan.qty < 1 {
                return Err(Reject::ReduceOnly);
            }
        } else {
            self.check_notional(order)?;
        }
        let OrderKind::Limit { price, tif } = order.kind else { return Ok(plan) };
        if matches!(tif, TimeInForce::PostOnly | TimeInForce::PostOnlySlide) {
            plan.rest = Some(self.passive(order.side, price, tif)?);
            plan.limit = 0;
        }
        match plan.rest {
            Some(price) => self.check_level(order.side, price, plan.qty, own).map(|()| plan),
            None => Ok(plan),
        }
    }

    /// Limit and what becomes of the rest, inside the band.
    fn plan(&self, order: &NewOrder) -> Result<Plan, Reject> {
        let (against, band) = (order.side.opposite(), self.rare.rules.band);
        let plan = |limit| Plan { qty: order.qty.0, limit, rest: None, whole: false };
        let edge =
            |band: super::Band| key(against, if order.side == Side::Buy { band.high } else { band.low });
        match order.kind {
            OrderKind::Market => Ok(plan(band.map_or(ANY, edge))),
            OrderKind::Protected { price } => Ok(plan(key(against, price).min(band.map_or(ANY, edge)))),
            OrderKind::Limit { price, tif } => {
                if band.is_some_and(|band| !band.holds(price)) {
                    return Err(Reject::Band);
                }
                let rests = !matches!(tif, TimeInForce::Ioc | TimeInForce::Fok);
                let whole = tif == TimeInForce::Fok;
                Ok(Plan { rest: rests.then_some(price), whole, ..plan(key(against, price)) })
            }
        }
    }

    fn check_notional(&self, order: &NewOrder) -> Result<(), Reject> {
        let least = self.rare.rules.min_notional;
        if least.0 <= 0 {
            return Ok(());
        }
        let price = match order.kind {
            OrderKind::Limit { price, .. } => Some(price),
            OrderKind::Market | OrderKind::Protected { .. } => self.best(order.side.opposite()),
        };
        match price {
            Some(price) if Notional::of(price, order.qty) < least => Err(Reject::MinNotional),
            _ => Ok(()),
        }
    }

    /// Where a post-only order may rest.
    #[inline]
    pub(super) fn passive(&self, side: Side, price: Ticks, tif: TimeInForce) -> Result<Ticks, Reject> {
        let against = side.opposite();
        let best = self.best_key(against);
        if best > key(against, price) {
            return Ok(price);
        }
        if tif == TimeInForce::PostOnly {
            return Err(Reject::WouldTrade);
        }
        let slid = Ticks(super::ladder::price(against, best).0 - side.sign());
        if !is_price(slid) {
            return Err(Reject::WouldTrade);
        }
        if self.rare.rules.band.is_some_and(|band| !band.holds(slid)) {
            return Err(Reject::Band);
        }
        Ok(slid)
    }

    /// Whether so much more fits the level. An order that takes anything finds no others at its price, so that this is known
    /// before it matches.
    fn check_level(&self, side: Side, price: Ticks, qty: i64, own: Option<u32>) -> Result<(), Reject> {
        let at = key(side, price);
        let mut there = self.ladders[side.index()].qty_at(at);
        if let Some(order) = own.map(|slot| self.orders.at(slot)) {
            if unplace(order.place) == (side, at) {
                there -= order.qty;
            }
        }
        if qty > MAX_LEVEL.0 - there { Err(Reject::LevelOverflow) } else { Ok(()) }
    }

    /// How much of its owner's position an order on this side can still reduce.
    pub(super) fn reducible(&self, owner: AccountId, side: Side, positions: &dyn Positions) -> i64 {
        let position = i128::from(positions.position(owner).0) + self.rare.net.of(owner);
        let reducible = -i128::from(side.sign()) * position;
        i64::try_from(reducible.max(0)).unwrap_or(i64::MAX)
    }

    /// The price a trigger watches, if it is known.
    pub(super) fn watched(&self, source: Source) -> Option<Ticks> {
        match source {
            Source::Mark => self.rare.mark,
            Source::Last => self.last,
            Source::Index => self.rare.index,
        }
    }

    /// The clock.
    pub fn now(&self) -> Time {
        self.rare.now
    }

    /// Whether trading is halted.
    pub fn is_halted(&self) -> bool {
        self.rare.halted
    }

    /// The mark or index price last reported, or the last trade.
    pub fn price_of(&self, source: Source) -> Option<Ticks> {
        self.watched(source)
    }

    /// Whether plain [`submit`](Self::submit) will do: no rule, reduce-only order or stop on last trades to look after.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.watch == 0
    }
}
