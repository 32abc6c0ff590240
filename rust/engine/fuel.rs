//! Accounts come into being when the mark first reaches their cell.

use super::{Simulation, Trace, Watch};
use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Mechanism, Reason, Transfer};
use crate::ids::AccountId;
use crate::margin::{Arrival, Due, Position, Way};
use crate::units::{Lots, Overflow, Quote, Ticks, narrow};
use crate::world::Account;

const REST: AccountId = AccountId::REST_OF_MARKET;

/// Accounts of one path at most.
const MAX_ACCOUNTS: usize = 50_000_000;

impl<T: Trace> Simulation<'_, T> {
    /// Draws the cells that the mark has reached.
    pub(super) fn draw_accounts(&mut self) -> Result<(), RunError> {
        self.draw_within(0)
    }

    /// Draws the cells that begin within so many ticks of the mark.
    pub(super) fn draw_within(&mut self, reach: i64) -> Result<(), RunError> {
        let mark = self.mark.0;
        self.draw_cells(|at, way| (mark - at.0) * way + reach >= 0)
    }

    /// Draws every account there is, for what needs them all: whoever may be deleveraged, pay or receive funding.
    pub(super) fn draw_everybody(&mut self) -> Result<(), RunError> {
        self.draw_cells(|_, _| true)
    }

    /// Draws the next cells of each group as long as they are wanted.
    #[inline]
    fn draw_cells(&mut self, wanted: impl Fn(Ticks, i64) -> bool) -> Result<(), RunError> {
        let (mut slot, before) = (0, self.next_account);
        for population in 0..self.world.populations.len() {
            for group in 0..self.world.populations[population].groups() {
                while let Some((at, way)) =
                    self.world.populations[population].reached_at(group, self.next_cell[slot])
                    && wanted(at, way)
                {
                    let way = if way > 0 { Way::Up } else { Way::Down };
                    self.enter_cell(way, population, group, slot)?;
                    self.next_cell[slot] += 1;
                    self.check_interrupt()?;
                }
                slot += 1;
            }
        }
        if self.next_account != before {
            for waiting in &mut self.waiting {
                waiting.sort();
            }
        }
        Ok(())
    }

    /// The accounts of a cell deposit their margin, the rest of the market takes the other side.
    #[inline]
    fn enter_cell(&mut self, way: Way, population: usize, group: usize, slot: usize) -> Result<(), RunError> {
        // What is asked of every account is asked once.
        if self.places {
            self.enter_cell_as::<true>(way, population, group, slot)
        } else {
            self.enter_cell_as::<false>(way, population, group, slot)
        }
    }

    #[inline]
    fn enter_cell_as<const PLACES: bool>(
        &mut self,
        way: Way,
        population: usize,
        group: usize,
        slot: usize,
    ) -> Result<(), RunError> {
        let cell = self.next_cell[slot];
        let first = self.next_account;
        let mut sum = Sum::default();
        let mut id = first.0;
        let waiting = &mut self.waiting[way as usize];
        let mut enter = |position: Position, liquidation: Option<Ticks>| {
            if let Some(threshold) = liquidation {
                let due = Due { threshold, account: AccountId(id), mechanism: Mechanism::Liquidation };
                waiting.push(Arrival { due, position });
            }
            sum.add(&position);
            if PLACES {
                self.arrivals.push(Account { position, liquidation, stop: None });
            }
            id += 1;
        };
        let drawn = match &self.drawn {
            Some(drawn) => {
                drawn.groups[slot][cell].iter().for_each(|a| enter(a.position, a.liquidation));
                Ok(())
            }
            None => {
                let path = (self.seed, self.path);
                self.world.populations[population].draw(path, group, cell, enter)
            }
        };
        if AccountId(id) == first {
            return drawn.whose(first, "value of an account");
        }
        self.next_account = AccountId(id);
        self.check_accounts()?;
        drawn.and_then(|()| self.take_in(&sum)).whose(first, "value of an account")?;
        if PLACES {
            self.show_arrivals(first);
        } else if way == Way::Down {
            self.counts.unseated = narrow(sum.qty)
                .and_then(|qty| self.counts.unseated.plus(Lots(qty)))
                .whose(first, "open interest")?;
        }
        Ok(())
    }

    /// No more accounts than the memory is good for.
    pub(super) fn check_accounts(&self) -> Result<(), RunError> {
        if self.next_account.index() > MAX_ACCOUNTS {
            return Err(RunError::Accounts { most: MAX_ACCOUNTS });
        }
        Ok(())
    }

    fn take_in(&mut self, sum: &Sum) -> Result<(), Overflow> {
        let [qty, cost, margin] = [sum.qty, sum.cost, sum.margin].map(narrow);
        let margin = Quote(margin?);
        self.named_margin = self.named_margin.plus(margin)?;
        self.ledger.release(LedgerAccount::Outside, margin)?;
        let rest = &mut self.positions[REST.index()];
        rest.qty = rest.qty.minus(Lots(qty?))?;
        rest.cost = rest.cost.minus(Quote(cost?))?;
        Ok(())
    }

    /// Gives an account a place of its own, with what it has by now.
    #[allow(clippy::cast_possible_truncation)] // below MAX_ACCOUNTS
    pub(super) fn seat(&mut self, position: Position, cash: Quote, watch: Watch) -> AccountId {
        let id = AccountId(self.positions.len() as u32);
        self.positions.push(position);
        self.ledger.open(cash);
        self.watch.push(watch);
        id
    }

    /// Takes back the place that was given last: nobody came.
    pub(super) fn unseat(&mut self) {
        self.positions.pop();
        self.ledger.close();
        self.watch.pop();
    }

    /// Where anybody looks, or others may change what they have, accounts have their places from the start, in order.
    fn show_arrivals(&mut self, first: AccountId) {
        let arrivals = std::mem::take(&mut self.arrivals);
        for (id, account) in (first.0..).map(AccountId).zip(&arrivals) {
            let seat = self.seat(account.position, account.position.margin, Watch::Sorted);
            debug_assert_eq!(seat, id);
            let (to, amount) = (LedgerAccount::Trader(id), account.position.margin);
            let transfer = Transfer { from: LedgerAccount::Outside, to, amount, reason: Reason::Deposit };
            self.trace.transfer(self.stage.round, &transfer);
            self.trace.account(self.stage.round, id, account);
        }
        self.arrivals = arrivals;
        self.arrivals.clear();
    }
}

/// Sums over the accounts of a cell.
#[derive(Default)]
struct Sum {
    qty: i128,
    cost: i128,
    margin: i128,
}

impl Sum {
    #[inline]
    fn add(&mut self, position: &Position) {
        self.qty += i128::from(position.qty.0);
        self.cost += i128::from(position.cost.0);
        self.margin += i128::from(position.margin.0);
    }
}
