//! Accounts come into being when the mark first reaches their cell.

use super::{Simulation, Trace, Watch};
use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Mechanism, Reason, Transfer};
use crate::ids::AccountId;
use crate::margin::{Due, Way};
use crate::units::{Overflow, Ticks};
use crate::world::Account;

const REST: AccountId = AccountId::REST_OF_MARKET;

/// Accounts of one path at most.
const MAX_ACCOUNTS: usize = 50_000_000;

impl<T: Trace> Simulation<'_, T> {
    /// Draws the cells that the mark has reached.
    pub(super) fn draw_accounts(&mut self) -> Result<(), RunError> {
        let mut slot = 0;
        for population in 0..self.world.populations.len() {
            for group in 0..self.world.populations[population].groups() {
                while let Some((at, way)) =
                    self.world.populations[population].reached_at(group, self.next_cell[slot])
                    && (self.mark.0 - at.0) * way >= 0
                {
                    self.enter_cell(population, group, slot)?;
                    self.next_cell[slot] += 1;
                }
                slot += 1;
            }
        }
        for waiting in &mut self.waiting {
            waiting.sort();
        }
        if self.positions.len() > MAX_ACCOUNTS {
            return Err(RunError::Accounts { most: MAX_ACCOUNTS });
        }
        Ok(())
    }

    #[inline]
    fn enter_cell(&mut self, population: usize, group: usize, slot: usize) -> Result<(), RunError> {
        let cell = self.next_cell[slot];
        let mut arrivals = std::mem::take(&mut self.arrivals);
        arrivals.clear();
        let drawn = match &mut self.drawn {
            Some(drawn) => Ok(arrivals.append(&mut drawn.groups[slot][cell])),
            None => {
                let path = (self.seed, self.path);
                self.world.populations[population].draw(path, group, cell, |account| arrivals.push(account))
            }
        };
        drawn.whose(self.next_account(), "value of an account")?;
        for account in &arrivals {
            self.enter(account).whose(self.next_account(), "value of an account")?;
        }
        self.arrivals = arrivals;
        Ok(())
    }

    #[allow(clippy::cast_possible_truncation)]
    const fn next_account(&self) -> AccountId {
        AccountId(self.positions.len() as u32) // below MAX_ACCOUNTS and what one round adds
    }

    /// One more account: it deposits its margin, the rest of the market takes the other side.
    #[inline]
    fn enter(&mut self, account: &Account) -> Result<(), Overflow> {
        let id = self.next_account();
        let position = account.position;
        self.ledger.open(position.margin)?;
        self.named_margin = self.named_margin.plus(position.margin)?;
        let rest = &mut self.positions[REST.index()];
        rest.qty = rest.qty.minus(position.qty)?;
        rest.cost = rest.cost.minus(position.cost)?;
        self.positions.push(position);
        self.watch.push(Watch::Sorted);
        if let Some(threshold) = account.liquidation {
            self.wait(Way::of(&position), threshold, id);
        }
        if T::ON {
            let to = LedgerAccount::Trader(id);
            let amount = position.margin;
            let transfer = Transfer { from: LedgerAccount::Outside, to, amount, reason: Reason::Deposit };
            self.trace.transfer(self.stage.round, &transfer);
            self.trace.account(self.stage.round, id, account);
        }
        Ok(())
    }

    #[inline]
    fn wait(&mut self, way: Way, threshold: Ticks, account: AccountId) {
        self.waiting[way as usize].push(Due { threshold, account, mechanism: Mechanism::Liquidation });
    }
}
