//! Phase 6, behind the market maker: who ties the two venues together.

use std::sync::Arc;

use super::{Simulation, Trace};
use crate::agents::{Quotes, carry};
use crate::book::{OrderBook, OrderKind, TimeInForce};
use crate::error::{RunError, Whose};
use crate::event::{Cause, Market};
use crate::units::{Lots, Overflow, Side, Ticks};
use crate::world::WorldSupply;
use crate::world::agents::{Agent, Plan, StockArbitrageur, venue_account};

/// Trades of one arbitrageur in a round at most.
const MOST: usize = 10_000;

impl<T: Trace> Simulation<'_, T> {
    /// Every stock arbitrageur brings its position to what the basis calls for; whether any of them traded.
    pub(super) fn carry(&mut self) -> Result<bool, RunError> {
        if self.world.agents.is_empty() || self.is_halted() {
            return Ok(false);
        }
        let agents = Arc::clone(&self.world.agents);
        let (mut requoted, mut traded) = (false, false);
        for (number, agent) in agents.iter().enumerate() {
            if let Plan::StockArbitrageur(plan) = &agent.plan
                && (agent.from..agent.until).contains(&self.clock)
            {
                if !requoted {
                    self.requote()?;
                    requoted = true;
                }
                for _ in 0..MOST {
                    if !self.carry_once(number, agent, plan)? {
                        break;
                    }
                    traded = true;
                }
            }
        }
        Ok(traded)
    }

    /// Quotes follow what the round traded: else the arbitrageur would take what stands where the price was.
    fn requote(&mut self) -> Result<(), RunError> {
        let first = std::mem::take(&mut self.first_of_step); // no time has passed
        let posted = self.post_quotes();
        self.first_of_step = first;
        posted
    }

    fn carry_once(
        &mut self,
        number: usize,
        agent: &Agent,
        plan: &StockArbitrageur,
    ) -> Result<bool, RunError> {
        let account = venue_account(number);
        let quotes = Quotes {
            perp_bid: best(&mut self.perp, Side::Buy, &mut self.levels),
            perp_ask: best(&mut self.perp, Side::Sell, &mut self.levels),
            spot_bid: best(&mut self.spot, Side::Buy, &mut self.levels),
            spot_ask: best(&mut self.spot, Side::Sell, &mut self.levels),
        };
        let short = -self.positions[account.index()].qty;
        let units = (self.world.conversion.tick, self.world.spot_lots());
        let next = carry(plan, &quotes, short, self.sellable(number), units).whose(account, "basis")?;
        let (Some((side, qty)), Some((price, _))) = (
            next,
            if next.is_some_and(|(side, _)| side == Side::Sell) { quotes.perp_bid } else { quotes.perp_ask },
        ) else {
            return Ok(false);
        };
        let kind = OrderKind::Limit { price, tif: TimeInForce::Ioc };
        let filled = self.take_to(number, agent, (Market::Perp, kind), side, qty, Cause::Arbitrage)?;
        if filled.qty == Lots::ZERO {
            return Ok(false);
        }
        let spot = filled.qty.0.checked_mul(self.world.spot_lots()).map(Lots);
        let spot = spot.ok_or(Overflow).whose(account, "quantity")?;
        self.take(number, agent, Market::Spot, side.opposite(), spot, Cause::Arbitrage)?;
        Ok(true)
    }
}

/// The best price of a side and what stands there.
pub(super) fn best(
    book: &mut OrderBook<WorldSupply>,
    side: Side,
    levels: &mut Vec<(Ticks, Lots)>,
) -> Option<(Ticks, Lots)> {
    levels.clear();
    book.depth(side, 1, levels);
    levels.first().copied()
}
