//! The plans of the kinds of agents, in steps, ticks, lots and billionths.

use std::sync::Arc;

use super::{Arrivals, Calls, Holds, Leverages};
use crate::event::Market;
use crate::units::{Lots, Overflow, Quote, Rate, Side, Ticks, narrow};
use crate::world::law::Sizes;

/// A price per lot held, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew {
    /// `n / d` ticks a lot; none if `d` is 0.
    pub n: i128,
    /// Positive where there is a skew.
    pub d: i128,
}

impl Skew {
    /// By how many ticks what is quoted moves for so many lots held: `floor(1/2 - skew x lots)`.
    #[inline]
    pub fn shift(self, held: Lots) -> Result<Ticks, Overflow> {
        if self.d == 0 {
            return Ok(Ticks::ZERO);
        }
        let exact = self.n.checked_mul(i128::from(held.0)).ok_or(Overflow)?;
        let (n, d) = (self.d - 2 * exact, 2 * self.d);
        // Asked for at every step: dividing what fits into 64 bits costs a fraction.
        match (i64::try_from(n), i64::try_from(d)) {
            (Ok(n), Ok(d)) => Ok(Ticks(n.div_euclid(d))),
            _ => narrow(n.div_euclid(d)).map(Ticks),
        }
    }
}

/// Flow without intelligence.
#[derive(Clone, Debug)]
pub struct Noise {
    /// Where.
    pub market: Market,
    /// Market orders of a step that no other called forth.
    pub arrivals: Arrivals,
    /// How market orders call forth others, if they do.
    pub calls: Option<Calls>,
    /// Lots of an order.
    pub qty: Arc<Sizes>,
    /// Limit orders of a step.
    pub limits: Arrivals,
    /// They stand less than so many ticks behind the best of their side.
    pub gap: Ticks,
    /// For so many steps.
    pub lifetime: u64,
}

/// A chartist.
#[derive(Clone, Copy, Debug)]
pub struct Momentum {
    /// Where he trades.
    pub market: Market,
    /// Steps he looks back, at least one.
    pub window: u64,
    /// The relative move he follows.
    pub threshold: Rate,
    /// Lots in a step.
    pub order_qty: Lots,
    /// Lots at most.
    pub max_qty: Lots,
    /// Never short.
    pub long_only: bool,
}

/// Holders who sell into strength.
#[derive(Clone, Copy, Debug)]
pub struct HolderPlan {
    /// The relative rise before they begin.
    pub threshold: Rate,
    /// The share they sell per rise of 100 %.
    pub elasticity: Rate,
    /// Spot lots in a step.
    pub order_qty: Lots,
}

/// Who quotes both sides of spot.
#[derive(Clone, Copy, Debug)]
pub struct SpotMaker {
    /// From the centre to the first level.
    pub half_spread: Ticks,
    /// On each side.
    pub levels: i64,
    /// From level to level.
    pub level_gap: Ticks,
    /// Lots in each.
    pub level_qty: Lots,
    /// How his centre moves with what he holds.
    pub skew: Skew,
    /// Lots more, or less, than at the start at which a side is not quoted.
    pub inventory_limit: Option<Lots>,
}

/// Cash and carry.
#[derive(Clone, Copy, Debug)]
pub struct FundingArbitrageur {
    /// The rate of an interval from which he enters.
    pub enter: Rate,
    /// The rate at which he leaves.
    pub exit: Rate,
    /// The premium of the perpetual over spot, as a share, from which he enters.
    pub min_basis: Rate,
    /// Lots of the perpetual in a step.
    pub order_qty: Lots,
    /// Lots of the perpetual at most.
    pub max_qty: Lots,
    /// Steps his tokens stay locked once he wants to sell what is left over.
    pub lock: u64,
}

/// New accounts that open a position each.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// Of their orders: `Sell` opens shorts.
    pub side: Side,
    /// Who comes in a step.
    pub arrivals: Arrivals,
    /// The share that opens at the start price.
    pub base: Rate,
    /// What is added to it per move of 100 %, upward for shorts.
    pub slope: Rate,
    /// Lots of the perpetual.
    pub qty: Arc<Sizes>,
    /// Leverage in billionths.
    pub leverage: Arc<Leverages>,
    /// Accounts at most.
    pub max_accounts: u32,
    /// Steps after which an account closes; none: it never does.
    pub hold: Option<Arc<Holds>>,
}

/// Who trades ahead of liquidations.
#[derive(Clone, Copy, Debug)]
pub struct Hunter {
    /// Where.
    pub market: Market,
    /// How far ahead he looks, relative.
    pub reach: Rate,
    /// What must stand there.
    pub min_notional: Quote,
    /// Lots in a step.
    pub order_qty: Lots,
    /// Lots at most.
    pub max_qty: Lots,
}

/// So much, from a step on, over a number of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Lots of the leg's market.
    pub qty: Lots,
    /// The first step.
    pub from: u64,
    /// How many, at least one.
    pub steps: u64,
}

/// How a whale sells out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Over so many steps, at least one.
    pub steps: u64,
    /// In this step at the latest.
    pub at: Option<u64>,
    /// Once the index is so far below its peak.
    pub drawdown: Option<Rate>,
}

/// Who ignites.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whale {
    /// Spot, before.
    pub accumulate: Option<Leg>,
    /// The perpetual, before.
    pub longs: Option<Leg>,
    /// Spot, the push.
    pub ignite: Option<Leg>,
    /// When all is sold.
    pub exit: Option<Exit>,
}

/// Holds a position in proportion to the basis.
#[derive(Clone, Copy, Debug)]
pub struct StockArbitrageur {
    /// `n / d` lots of the perpetual per tick of the perpetual.
    pub kappa: (i128, i128),
}
