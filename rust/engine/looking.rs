//! What agents see of the world.

use super::{Simulation, Trace, Watch};
use crate::agents::{Hand, Scene};
use crate::error::{RunError, Whose};
use crate::event::Mechanism;
use crate::ids::AccountId;
use crate::margin::{Due, Way};
use crate::units::{Lots, Quote, Rate, Ticks, narrow};
use crate::world::agents::{desk_account, venue_account};

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

    fn spot_lots(&self) -> i64 {
        self.world.spot_lots()
    }

    fn ahead(&self) -> (Quote, Quote) {
        self.ahead
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
        Lots((self.tokens[desk_account(agent).index()].0 - self.offered[agent].0).max(0))
    }

    /// Looks as far as `reach` from the mark, which brings into being who is there; what is open and breaks within it is worth
    /// so much at the mark: shorts above, longs below.
    pub(super) fn look_ahead(&mut self, reach: Rate) -> Result<(Quote, Quote), RunError> {
        let far = i128::from(self.mark.0) * i128::from(reach.0) / i128::from(Rate::ONE);
        // The reach is below one.
        let far = i64::try_from(far).unwrap_or(0);
        self.draw_within(far)?;
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
