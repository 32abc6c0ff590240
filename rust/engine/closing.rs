//! A venue that delists the perpetual closes every position at its settlement price.

use super::{Simulation, Trace};
use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Reason};
use crate::ids::AccountId;
use crate::units::Quote;

impl<T: Trace> Simulation<'_, T> {
    /// Closes everybody at the settlement price, if there is one; deficits are covered.
    pub fn close_at_settlement(&mut self) -> Result<(), RunError> {
        let Some(price) = self.world.settlement_price else { return Ok(()) };
        self.draw_everybody()?;
        for id in (0..self.positions.len()).filter_map(|id| u32::try_from(id).ok()).map(AccountId) {
            let closed = std::mem::take(&mut self.positions[id.index()]);
            let value = self.world.perp.contract.value(price, closed.qty);
            let profit = value.and_then(|value| closed.profit(value)).whose(id, "profit")?;
            self.pay(LedgerAccount::Clearing, LedgerAccount::Trader(id), profit, Reason::Settlement)?;
            self.touch(id);
        }
        for id in (0..self.positions.len()).filter_map(|id| u32::try_from(id).ok()).map(AccountId) {
            let owed = (-self.ledger.cash(id)).max(Quote::ZERO);
            if owed == Quote::ZERO {
                continue;
            }
            if id == AccountId::REST_OF_MARKET || id == AccountId::ATTACKER || self.is_financed(id) {
                self.deposit(LedgerAccount::Trader(id), owed)?;
                let so_far = &mut self.financed[id.index()];
                *so_far = so_far.plus(owed).whose(id, "financing")?;
                continue;
            }
            let covered = self.cover_deficit(id, owed)?;
            self.totals.add_deficit(&covered).whose(id, "sum of deficits")?;
        }
        Ok(())
    }
}
