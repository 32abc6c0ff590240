//! What becomes of what a liquidation left: it stays, or goes to the fund's desk, the vault, or counterparties.

use super::settlement::{Sent, Settled};
use super::{Simulation, Trace};
use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Reason};
use crate::ids::AccountId;
use crate::margin::{Position, bankruptcy_value};
use crate::units::{Lots, Quote};
use crate::venue::Rest;

const DESK: AccountId = AccountId::TAKEOVER_DESK;
const VAULT: AccountId = AccountId::VAULT;

impl<T: Trace> Simulation<'_, T> {
    /// Whether what the order left stays with the account.
    #[inline]
    pub(super) fn stays(&self, order: &Sent) -> Result<bool, RunError> {
        let account = order.account;
        let position = &self.positions[account.index()];
        if position.qty == Lots::ZERO || self.is_cross(account) {
            return Ok(false);
        }
        if order.ordered < order.position.abs() && order.filled.qty == order.ordered {
            return Ok(true);
        }
        if self.world.venue.rest == Rest::Takeover {
            return Ok(false);
        }
        let equity = self.equity(account)?.plus(order.freed).whose(account, "equity")?;
        Ok(equity >= Quote::ZERO)
    }

    /// All that the order set free stands behind what is still open, less the fee.
    pub(super) fn keep(&mut self, order: &Sent) -> Result<Settled, RunError> {
        let account = order.account;
        let margin = self.positions[account.index()].margin;
        let behind = margin.plus(order.freed).whose(account, "margin")?;
        let mut settled = self.cover_deficit(account, (-behind).max(Quote::ZERO))?;
        let behind = behind.max(Quote::ZERO);
        settled.liquidation_fee = self.charge_liquidation(account, order.filled.value, behind)?;
        let left = behind.minus(settled.liquidation_fee).whose(account, "margin")?;
        self.positions[account.index()].margin = left;
        settled.idle = order.filled.qty == Lots::ZERO;
        self.rewatch(account)?;
        Ok(settled)
    }

    /// What is still open goes to counterparties or to the desk, with its margin.
    pub(super) fn dispose(&mut self, account: AccountId, settled: &mut Settled) -> Result<(), RunError> {
        if self.deleverages(account)? {
            self.deleverage_account(account, settled)?;
        }
        self.hand_over(account, settled)
    }

    /// What is open goes to the desk.
    fn hand_over(&mut self, account: AccountId, settled: &mut Settled) -> Result<(), RunError> {
        let taken = std::mem::take(&mut self.positions[account.index()]);
        if taken.qty != Lots::ZERO {
            settled.taken_over_qty = taken.qty.abs();
            let value = bankruptcy_value(&taken, taken.margin).whose(account, "bankruptcy value")?;
            settled.taken_over_value = self.world.perp.contract.directed(value);
            self.take_over(account, taken, DESK)?;
        }
        Ok(())
    }

    /// Whether counterparties are deleveraged instead of a takeover by the desk.
    #[inline]
    fn deleverages(&self, account: AccountId) -> Result<bool, RunError> {
        let Some(rule) = self.world.venue.adl else { return Ok(false) };
        if self.world.venue.rest == Rest::Keep && !self.is_cross(account) {
            return Ok(true);
        }
        let left = &self.positions[account.index()];
        let value = self.world.perp.contract.value(self.mark, left.qty);
        let equity = value.and_then(|value| left.profit(value)?.plus(left.margin));
        let equity = equity.whose(account, "equity")?;
        rule.instead(equity, self.fund_worth()?, self.highest_fund).whose(account, "insurance fund")
    }

    /// The fund's balance and what its desk is worth at the mark.
    pub(super) fn fund_worth(&self) -> Result<Quote, RunError> {
        let desk = self.account_value(DESK)?;
        self.ledger.balance(LedgerAccount::InsuranceFund).plus(desk).whose(DESK, "insurance fund")
    }

    /// The vault takes it over before it is bankrupt.
    pub(super) fn settle_backstop(&mut self, account: AccountId) -> Result<Settled, RunError> {
        let taken = std::mem::take(&mut self.positions[account.index()]);
        let value = bankruptcy_value(&taken, taken.margin).whose(account, "bankruptcy value")?;
        self.take_over(account, taken, VAULT)?;
        let value = self.world.perp.contract.directed(value);
        Ok(Settled { taken_over_qty: taken.qty.abs(), taken_over_value: value, ..Settled::default() })
    }

    /// No order was sent: counterparties are deleveraged, the desk takes what they cannot.
    pub(super) fn settle_deleveraged(&mut self, account: AccountId) -> Result<Settled, RunError> {
        let mut settled = Settled::default();
        self.deleverage_account(account, &mut settled)?;
        self.hand_over(account, &mut settled)?;
        Ok(settled)
    }

    /// A position goes to the desk or the vault whole: quantity, cost, margin and its money.
    pub(super) fn take_over(
        &mut self,
        account: AccountId,
        taken: Position,
        to: AccountId,
    ) -> Result<(), RunError> {
        self.pay(LedgerAccount::Trader(account), LedgerAccount::Trader(to), taken.margin, Reason::Takeover)?;
        let whole = &mut self.positions[to.index()];
        whole.qty = whole.qty.plus(taken.qty).whose(to, "quantity")?;
        whole.cost = whole.cost.plus(taken.cost).whose(to, "cost")?;
        whole.margin = whole.margin.plus(taken.margin).whose(to, "margin")?;
        if whole.qty == Lots::ZERO {
            let closed = std::mem::take(whole);
            self.pay(LedgerAccount::Clearing, LedgerAccount::Trader(to), -closed.cost, Reason::Profit)?;
        }
        Ok(())
    }
}
