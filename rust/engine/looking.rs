//! What agents see of the world.

use super::carrying::best;
use super::{Simulation, Trace, Watch};
use crate::agents::{Basis, Hand, Scene};
use crate::error::{RunError, Whose};
use crate::event::{Market, Mechanism};
use crate::ids::AccountId;
use crate::margin::{Due, Way};
use crate::units::{Lots, Quote, Rate, Side, Ticks, narrow};
use crate::world::agents::{desk_account, venue_account};

/// What takes a look at books or accounts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// What liquidations ahead are worth: of shorts above, of longs below.
    pub ahead: (Quote, Quote),
    /// What selling the perpetual brings over spot.
    pub basis: Option<Basis>,
}

impl<T: Trace> Scene for Simulation<'_, T> {
    fn step(&self) -> u64 {
        self.clock
    }

    fn start(&self) -> Ticks {
        self.world.spot.start
    }

    fn perp_start(&self) -> Ticks {
        self.world.perp.start
    }

    fn index(&self) -> Ticks {
        self.index
    }

    fn mark(&self) -> Ticks {
        self.mark
    }

    fn mark_before(&self, steps: u64) -> Ticks {
        self.past_marks.before_last(steps)
    }

    fn spot_last(&self) -> Ticks {
        Simulation::spot_last(self)
    }

    fn funding_rate(&self) -> Rate {
        self.funding.rate()
    }

    fn basis(&self) -> Option<Basis> {
        self.seen.basis
    }

    fn spot_lots(&self) -> i64 {
        self.world.spot_lots()
    }

    fn ahead(&self) -> (Quote, Quote) {
        self.seen.ahead
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// What an agent has.
    pub(super) fn hand(&self, agent: usize) -> Hand {
        Hand {
            qty: self.positions[venue_account(agent).index()].qty,
            tokens: self.tokens[desk_account(agent).index()],
            brought: self.brought[agent].0,
        }
    }

    /// Spot lots its desk may sell: what it has less what it offers.
    pub(super) fn sellable(&self, agent: usize) -> Lots {
        let has = self.tokens[desk_account(agent).index()].0;
        Lots((has - self.offered(agent, Market::Spot, Side::Sell).0).max(0))
    }

    /// What the best prices bring who sells the perpetual and buys spot, and how much of it there is.
    pub(super) fn look_across(&mut self) -> Option<Basis> {
        let (bid, wanted) = best(&mut self.perp, Side::Buy, &mut self.levels)?;
        let (ask, offered) = best(&mut self.spot, Side::Sell, &mut self.levels)?;
        let (n, d) = self.world.conversion.tick;
        let ask = i128::from(ask.0) * n;
        let qty = wanted.min(Lots(offered.0 / self.world.spot_lots()));
        Some(Basis { premium: i128::from(bid.0) * d - ask, ask, qty })
    }

    /// What is open and breaks within `reach` of the mark is worth so much at the mark: shorts above, longs below.
    pub(super) fn look_ahead(&self, reach: Rate) -> Result<(Quote, Quote), RunError> {
        let far = self.far(reach);
        let up = self.worth_ahead(Way::Up, Ticks(self.mark.0.saturating_add(far)))?;
        let down = self.worth_ahead(Way::Down, Ticks(self.mark.0 - far))?;
        Ok((up, down))
    }

    fn worth_ahead(&self, way: Way, to: Ticks) -> Result<Quote, RunError> {
        let beyond = |due: &Due| way.distance(self.mark, due.threshold) > 0;
        let ahead = self.open_until(way, to).filter(|(due, _)| beyond(due));
        let qty = ahead.map(|(_, qty)| i128::from(qty.0)).sum();
        let whose = AccountId::REST_OF_MARKET;
        let qty = narrow(qty).map(Lots).whose(whose, "quantity ahead")?;
        self.world.perp.contract.worth(self.mark, qty).whose(whose, "notional ahead")
    }

    /// The liquidations that are due within `reach` of the mark, those of longs from the mark down, then those of shorts up,
    /// and what their accounts hold; looking so far brings into being who is there.
    pub fn thresholds_within(&mut self, reach: Rate) -> Result<Vec<(Due, Lots)>, RunError> {
        let far = self.far(reach);
        self.draw_within(far)?;
        let mut found = Vec::new();
        for way in [Way::Down, Way::Up] {
            let sign = if way == Way::Up { 1 } else { -1 };
            let first = found.len();
            let ahead = self.open_until(way, Ticks(self.mark.0.saturating_add(sign * far)));
            let ahead = ahead.filter(|(due, _)| way.distance(self.mark, due.threshold) > 0);
            found.extend(ahead.map(|(due, qty)| (due, Lots(-sign * qty.0))));
            found[first..].sort_by_key(|(due, _)| due.rank(way, self.mark));
        }
        Ok(found)
    }

    /// Price and quantity of the best levels of a side of a book.
    pub fn depth(&mut self, market: Market, side: Side, levels: usize) -> Vec<(Ticks, Lots)> {
        let book = if market == Market::Spot { &mut self.spot } else { &mut self.perp };
        let mut found = Vec::new();
        book.depth(side, levels, &mut found);
        found
    }

    /// So much of the mark, in ticks.
    fn far(&self, reach: Rate) -> i64 {
        let far = i128::from(self.mark.0) * i128::from(reach.0) / i128::from(Rate::ONE);
        i64::try_from(far).unwrap_or(i64::MAX / 4)
    }

    /// What an account is worth at the mark, what stands behind its position counted, and where the venue closes it, if it does.
    pub fn stand(&self, account: AccountId) -> Result<(Quote, Option<Ticks>), RunError> {
        let maker = account == AccountId::MARKET_MAKER && self.maker.alive;
        let agent = self.world.agent_of(account).is_some() && !self.is_financed(account);
        if self.positions[account.index()].qty == Lots::ZERO {
            let worth = if agent { self.equity(account)? } else { self.account_value(account)? };
            return Ok((worth, None));
        }
        if account < self.world.named && !maker && !agent {
            return Ok((self.account_value(account)?, None)); // nobody closes these
        }
        let due = self.liquidation_due(account)?;
        Ok((self.equity(account)?, due.map(|(_, due)| due.threshold)))
    }

    /// Open accounts with thresholds up to `to` on this way, and what they hold, without sign; only of use where accounts have
    /// their places.
    pub(super) fn open_until(&self, way: Way, to: Ticks) -> impl Iterator<Item = (Due, Lots)> {
        let fixed = &self.world.fixed.sorted[way as usize][self.fixed_taken[way as usize]..];
        let fixed = fixed.iter().copied().take_while(move |due| way.distance(due.threshold, to) >= 0);
        let sorted = fixed.chain(self.waiting[way as usize].as_far_as(to));
        let sorted = sorted.filter(|due| self.watch[due.account.index()] == Watch::Sorted);
        let moved = self.moved.as_far_as(way, to).filter(|due| self.stands(due));
        let broken = sorted.chain(moved).filter(|due| due.mechanism == Mechanism::Liquidation);
        let held = broken.map(|due| (due, self.positions[due.account.index()].qty.abs()));
        held.filter(|&(_, qty)| qty != Lots::ZERO)
    }

    /// Whether a threshold among the moved ones is still where its account breaks.
    pub(super) fn stands(&self, due: &Due) -> bool {
        self.watch[due.account.index()] == Watch::Moved && self.moved_to[due.account.index()] == due.threshold
    }
}
