//! What neither margin nor fund could pay is taken from open profits, pro rata.

use super::{Simulation, Trace, Watch};
use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Reason};
use crate::ids::AccountId;
use crate::units::{Lots, Quote, narrow};
use crate::venue::LossSharing;

impl<T: Trace> Simulation<'_, T> {
    /// Whoever has a profit at the mark bears his part of the round's venue loss: it is added to what his position cost.
    pub(super) fn share_losses(&mut self) -> Result<(), RunError> {
        let loss = self.stage.venue_loss;
        if self.world.venue.loss_sharing == LossSharing::None || loss <= Quote::ZERO {
            return Ok(());
        }
        self.draw_everybody()?;
        let winners = self.winners()?;
        let all: i128 = winners.iter().map(|(_, profit)| i128::from(profit.0)).sum();
        let shared = i128::from(loss.0).min(all);
        if shared == 0 {
            return Ok(());
        }
        let floors: Vec<i128> = winners.iter().map(|(_, p)| shared * i128::from(p.0) / all).collect();
        let mut over = shared - floors.iter().sum::<i128>();
        for (&(account, profit), floor) in winners.iter().zip(floors) {
            let more = i128::from(over > 0 && floor < i128::from(profit.0));
            over -= more;
            let share = Quote(narrow(floor + more).whose(account, "share of a loss")?);
            self.bear(account, share)?;
        }
        let shared = Quote(narrow(shared - over).whose(AccountId::TAKEOVER_DESK, "shared loss")?);
        self.pay(LedgerAccount::Clearing, LedgerAccount::VenueLoss, shared, Reason::LossShare)?;
        self.stage.socialised_loss = shared;
        self.stage.venue_loss = loss.minus(shared).whose(AccountId::TAKEOVER_DESK, "venue loss")?;
        Ok(())
    }

    fn winners(&self) -> Result<Vec<(AccountId, Quote)>, RunError> {
        let mut winners = Vec::new();
        for (id, position) in (0..).map(AccountId).zip(&self.positions) {
            if position.qty == Lots::ZERO || id == AccountId::TAKEOVER_DESK || id == AccountId::VAULT {
                continue;
            }
            let value = self.world.perp.contract.value(self.mark, position.qty);
            let profit = value.and_then(|value| position.profit(value)).whose(id, "profit")?;
            if profit > Quote::ZERO {
                winners.push((id, profit));
            }
        }
        Ok(winners)
    }

    fn bear(&mut self, account: AccountId, share: Quote) -> Result<(), RunError> {
        if share == Quote::ZERO {
            return Ok(());
        }
        let cost = &mut self.positions[account.index()].cost;
        *cost = cost.plus(share).whose(account, "cost")?;
        if account >= self.world.named && self.watch[account.index()] != Watch::Stopped {
            self.touch(account);
            self.rewatch(account)?;
        }
        Ok(())
    }
}
