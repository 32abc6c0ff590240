//! Who belongs to a crowd, and closes when its time is over.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Simulation, Trace};
use crate::book::{NewOrder, OrderKind};
use crate::error::{RunError, Whose};
use crate::event::{Cause, Market};
use crate::ids::AccountId;
use crate::units::{Lots, Side};

/// The step in which somebody closes, and who.
type Leave = Reverse<(u64, AccountId)>;

/// Who belongs to a crowd, and who of it closes when.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// Its accounts, as they came.
    pub came: Vec<AccountId>,
    queue: BinaryHeap<Leave>,
    /// Whose order was not filled in full.
    left: Vec<Leave>,
}

impl Members {
    /// From this step on.
    pub fn leaves(&mut self, step: u64, account: AccountId) {
        self.queue.push(Reverse((step, account)));
    }

    /// For the next path.
    pub fn clear(&mut self) {
        self.came.clear();
        self.queue.clear();
        self.left.clear();
    }

    /// The first who is due, taken.
    fn due(&mut self, step: u64) -> Option<Leave> {
        let &Reverse((first, _)) = self.queue.peek()?;
        if first <= step { self.queue.pop() } else { None }
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// Those of a crowd whose time is over close, longest due first; what is not filled stays due.
    pub(super) fn leave_crowd(&mut self, number: usize) -> Result<(), RunError> {
        if self.is_halted() {
            return Ok(());
        }
        while let Some(leave) = self.members[number].due(self.clock) {
            if self.close(leave.0.1)? {
                self.members[number].left.push(leave);
            }
        }
        let Members { queue, left, .. } = &mut self.members[number];
        queue.extend(left.drain(..));
        Ok(())
    }

    /// An account closes at market what it still has, settled like a stop; whether something is left.
    fn close(&mut self, account: AccountId) -> Result<bool, RunError> {
        let position = self.positions[account.index()];
        if position.qty == Lots::ZERO {
            return Ok(false); // the venue closed it
        }
        let side = Side::closing(position.qty);
        let order = NewOrder { owner: account, side, qty: position.qty.abs(), kind: OrderKind::Market };
        let before = self.free_cash(account)?;
        let filled = self.trade(Market::Perp, order, Cause::Crowd)?;
        if filled.qty == Lots::ZERO {
            return Ok(true);
        }
        self.unwatch(account); // what is left of it is watched anew
        let freed = self.free_cash(account)?.minus(before).whose(account, "free cash")?;
        let settled = self.settle_stopped(account, freed)?;
        self.tally_deficit(account, &settled)?;
        Ok(self.positions[account.index()].qty != Lots::ZERO)
    }
}
