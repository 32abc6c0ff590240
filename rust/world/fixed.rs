//! Accounts that are the same in every path, with what is worth knowing of them beforehand.

use super::solve::Account;
use crate::event::Mechanism;
use crate::ids::AccountId;
use crate::margin::{Due, Position, Way};
use crate::units::{Lots, Overflow, Ticks};

/// They are numbered behind those who act.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    /// In the order of their ids.
    pub accounts: Vec<Account>,
    /// Their thresholds in the order in which a mark reaches them, up and down.
    pub sorted: [Vec<Due>; 2],
    /// Sum of their positions and margins.
    pub sum: Position,
    /// Sum of their quantities without sign.
    pub open_interest: Lots,
    /// Those that were given as columns.
    pub given: Vec<Given>,
}

/// The accounts of an entry of positions that were given as columns, a row each.
#[derive(Clone, Debug)]
pub struct Given {
    /// Which entry.
    pub entry: usize,
    /// The place of its first account among the fixed ones.
    pub first: usize,
    /// The row of each of its accounts.
    pub rows: Vec<u32>,
}

impl Fixed {
    /// How many there are.
    #[allow(clippy::cast_possible_truncation)] // a million at most
    pub fn count(&self) -> u32 {
        self.accounts.len() as u32
    }

    /// The entry of positions and the row that an account was given in, by its place among the fixed ones.
    pub fn row_of(&self, place: usize) -> Option<(usize, u32)> {
        let given = self.given.iter().rev().find(|given| given.first <= place)?;
        given.rows.get(place - given.first).map(|&row| (given.entry, row))
    }

    pub(super) fn new(
        accounts: Vec<Account>,
        given: Vec<Given>,
        first: AccountId,
    ) -> Result<Fixed, Overflow> {
        let mut fixed = Fixed { given, ..Fixed::default() };
        for (account, id) in accounts.iter().zip(first.0..) {
            let Position { qty, cost, margin } = account.position;
            let way = Way::of(&account.position);
            let due = |threshold, mechanism| Due { threshold, account: AccountId(id), mechanism };
            let side = &mut fixed.sorted[way as usize];
            side.extend(account.liquidation.map(|tick| due(tick, Mechanism::Liquidation)));
            side.extend(account.stop.map(|tick| due(tick, Mechanism::Stop)));
            fixed.sum.qty = fixed.sum.qty.plus(qty)?;
            fixed.sum.cost = fixed.sum.cost.plus(cost)?;
            fixed.sum.margin = fixed.sum.margin.plus(margin)?;
            fixed.open_interest = fixed.open_interest.plus(qty.abs())?;
        }
        for way in Way::BOTH {
            fixed.sorted[way as usize].sort_unstable_by_key(|due| due.rank(way, Ticks::ZERO));
        }
        fixed.accounts = accounts;
        Ok(fixed)
    }
}
