//! Orders of a user, between [`open_step`](Simulation::open_step) and [`close_step`](Simulation::close_step). Unlike an
//! agent's they are not cut to what is allowed but refused.

use std::fmt;
use std::sync::Arc;

use super::{Simulation, Trace};
use crate::agents::Resting;
use crate::book::{MAX_PRICE, NewOrder, OrderKind, TimeInForce};
use crate::error::{Reject, RunError, Whose};
use crate::event::{Cause, Market};
use crate::ids::AccountId;
use crate::units::{Lots, Quote, Side, Ticks};
use crate::world::agents::{desk_account, venue_account};

/// Worth of what a user may have out on one side of a book: a part of what 64 bits hold, so that positions and cash have room.
const LARGEST: Quote = Quote(i64::MAX >> 6);

/// An order as its user gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The spot book or the perpetual's.
    pub market: Market,
    /// Which way.
    pub side: Side,
    /// In lots of that market.
    pub qty: Lots,
    /// Its limit; none: a market order.
    pub price: Option<Ticks>,
    /// What becomes of what finds no match. (A market order never rests.)
    pub tif: TimeInForce,
}

/// What it came to.
#[derive(Clone, Copy, Debug)]
pub struct Submitted {
    /// Filled at once.
    pub filled: Lots,
    /// What is left of it, where that rests.
    pub resting: Option<Resting>,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody trades in the perpetual now.
    Halted,
    /// The account's margin does not allow so much.
    Margin {
        /// What it does.
        allowed: Lots,
    },
    /// The desk does not have so much that it does not offer already.
    Tokens {
        /// What it has.
        sellable: Lots,
    },
    /// The price band does not allow a limit so far from the mark.
    Band {
        /// The furthest it does.
        limit: Ticks,
    },
    /// So much would not be counted exactly.
    Size {
        /// The most that is.
        most: Lots,
    },
    /// By the book.
    Book(Reject),
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// Nothing has changed.
    Refused(Refusal),
    /// The run can't go on.
    Run(RunError),
}

impl From<RunError> for SubmitError {
    fn from(error: RunError) -> SubmitError {
        SubmitError::Run(error)
    }
}

impl From<Reject> for SubmitError {
    fn from(reject: Reject) -> SubmitError {
        SubmitError::Refused(Refusal::Book(reject))
    }
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitError::Refused(Refusal::Halted) => f.write_str("the perpetual is halted"),
            SubmitError::Refused(Refusal::Margin { allowed }) => {
                write!(f, "margin allows at most {} lots", allowed.0)
            }
            SubmitError::Refused(Refusal::Tokens { sellable }) => {
                write!(f, "the desk may sell at most {} lots", sellable.0)
            }
            SubmitError::Refused(Refusal::Band { limit }) => {
                write!(f, "the price band ends at {} ticks", limit.0)
            }
            SubmitError::Refused(Refusal::Size { most }) => write!(f, "an order has at most {} lots", most.0),
            SubmitError::Refused(Refusal::Book(reject)) => reject.fmt(f),
            SubmitError::Run(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SubmitError {}

impl<T: Trace> Simulation<'_, T> {
    /// Sends an order for agent `number`.
    pub fn submit(&mut self, number: usize, order: Submission) -> Result<Submitted, SubmitError> {
        let Submission { market, side, qty, price, tif } = order;
        self.check_submission(number, &order)?;
        let owner = if market == Market::Spot { desk_account(number) } else { venue_account(number) };
        let rests = price.filter(|_| matches!(tif, TimeInForce::Gtc | TimeInForce::PostOnly));
        let crosses = self.would_trade(&order);
        if rests.is_some() && tif == TimeInForce::PostOnly && crosses {
            return Err(Reject::WouldTrade.into());
        }
        let mut filled = Lots::ZERO;
        if crosses && (tif != TimeInForce::Fok || self.can_fill(&order)?) {
            let kind =
                price.map_or(OrderKind::Market, |price| OrderKind::Limit { price, tif: TimeInForce::Ioc });
            filled = self.trade(market, NewOrder { owner, side, qty, kind }, Cause::External)?.qty;
        } else if rests.is_none() {
            self.counts.orders += 1;
        }
        let Some(price) = rests.filter(|_| filled < qty) else {
            return Ok(Submitted { filled, resting: None });
        };
        self.forget_filled(number);
        // What would have traded has; so it rests like a post-only order.
        let resting = self.place(number, market, side, price, Lots(qty.0 - filled.0))??;
        self.counts.orders += u64::from(!crosses);
        Ok(Submitted { filled, resting: Some(resting) })
    }

    /// Cancels an order of agent `number`; what was left of it.
    pub fn withdraw(&mut self, number: usize, resting: &Resting) -> Result<Lots, SubmitError> {
        let book = if resting.market == Market::Spot { &self.spot } else { &self.perp };
        let left = book.order(resting.id).ok_or(Reject::UnknownOrder)?.remaining;
        self.cancel(number, resting)?;
        self.resting[number].retain(|order| (order.market, order.id) != (resting.market, resting.id));
        Ok(left)
    }

    /// Drops its orders that rest no more, each time there are twice as many.
    fn forget_filled(&mut self, number: usize) {
        let resting = &mut self.resting[number];
        if resting.len().is_power_of_two() {
            let (spot, perp) = (&self.spot, &self.perp);
            resting.retain(|order| match order.market {
                Market::Spot => spot.order(order.id).is_some(),
                Market::Perp | Market::OffBook => perp.order(order.id).is_some(),
            });
        }
    }

    fn check_submission(&self, number: usize, order: &Submission) -> Result<(), SubmitError> {
        let &Submission { market, side, qty, price, tif } = order;
        if qty < Lots(1) {
            return Err(Reject::Quantity.into());
        }
        if price.is_some_and(|price| !(Ticks(1)..=MAX_PRICE).contains(&price)) {
            return Err(Reject::Price.into());
        }
        let most = self.largest(number, order)?;
        if qty > most {
            return Err(SubmitError::Refused(Refusal::Size { most }));
        }
        if market == Market::Spot {
            let sellable = self.sellable(number);
            let lacks = side == Side::Sell && qty > sellable;
            return if lacks { Err(SubmitError::Refused(Refusal::Tokens { sellable })) } else { Ok(()) };
        }
        if self.is_halted() {
            return Err(SubmitError::Refused(Refusal::Halted));
        }
        if let Some(price) = price {
            let kind = OrderKind::Limit { price, tif };
            let order = NewOrder { owner: venue_account(number), side, qty, kind };
            if let Some(NewOrder { kind: OrderKind::Limit { price: limit, .. }, .. }) = self.admit(order)?
                && limit != price
            {
                return Err(SubmitError::Refused(Refusal::Band { limit }));
            }
        }
        let agents = Arc::clone(&self.world.agents);
        let allowed = self.allowed(number, &agents[number], side, qty)?;
        if allowed < qty {
            return Err(SubmitError::Refused(Refusal::Margin { allowed }));
        }
        Ok(())
    }

    /// Lots of an order that are worth [`LARGEST`] at its price and at the last one, with all that rests on that side.
    fn largest(&self, number: usize, order: &Submission) -> Result<Lots, RunError> {
        let spot = order.market == Market::Spot;
        let (terms, last) = if spot {
            (&self.world.spot, self.spot_last())
        } else {
            (&self.world.perp, self.mark.max(self.perp_last()))
        };
        let price = order.price.map_or(last, |price| price.max(last));
        let lot = terms.contract.worth(price, Lots(1)).whose(venue_account(number), "worth of a lot")?;
        let offered = self.offered(number, order.market, order.side);
        Ok(Lots((LARGEST.0 / lot.0.max(1) - offered.0).max(0)))
    }

    /// Whether an order meets anything.
    fn would_trade(&self, order: &Submission) -> bool {
        let against = order.side.opposite();
        let book = if order.market == Market::Spot { &self.spot } else { &self.perp };
        let best = book.best(against);
        let reaches = |best: Ticks, limit: Ticks| order.side.sign() * (limit.0 - best.0) >= 0;
        best.is_some_and(|best| order.price.is_none_or(|limit| reaches(best, limit)))
    }

    /// Whether the book holds enough for all of it.
    fn can_fill(&mut self, order: &Submission) -> Result<bool, RunError> {
        let &Submission { market, side, qty, price, tif } = order;
        let against = side.opposite();
        if market == Market::Spot {
            return Ok(self.spot.quote(against, qty, price).qty == qty);
        }
        let kind = price.map_or(OrderKind::Market, |price| OrderKind::Limit { price, tif });
        let admitted = self.admit(NewOrder { owner: AccountId::FIRST_AGENT, side, qty, kind })?;
        let limit = admitted.and_then(|order| match order.kind {
            OrderKind::Limit { price, .. } | OrderKind::Protected { price } => Some(price),
            OrderKind::Market => None,
        });
        Ok(self.perp.quote(against, qty, limit).qty == qty)
    }
}
