//! Auto-deleveraging: a bankrupt position is closed, off the book, against the counterparties that rank highest.

use std::cmp::Reverse;

use super::ranking::Ranked;
use super::settlement::Settled;
use super::{Simulation, Trace, Watch};
use crate::error::{RunError, Whose};
use crate::event::{Adl, LedgerAccount, Reason};
use crate::ids::AccountId;
use crate::margin::{Position, bankruptcy_value};
use crate::units::{Lots, Overflow, Quote, Side};
use crate::venue::{AdlPrice, Leftover, settle_liquidation, settle_stop};

const MAKER: AccountId = AccountId::MARKET_MAKER;
const REST: AccountId = AccountId::REST_OF_MARKET;
const DESK: AccountId = AccountId::TAKEOVER_DESK;
const VAULT: AccountId = AccountId::VAULT;

/// Closed so far.
#[derive(Clone, Copy, Debug, Default)]
struct Closed {
    qty: Lots,
    value: Quote,
}

impl<T: Trace> Simulation<'_, T> {
    /// Closes what is left of an account against counterparties, and settles what that left over or lacks.
    pub(super) fn deleverage_account(
        &mut self,
        account: AccountId,
        settled: &mut Settled,
    ) -> Result<(), RunError> {
        let position = self.positions[account.index()];
        let value = match self.adl_price() {
            AdlPrice::Bankruptcy => bankruptcy_value(&position, position.margin),
            AdlPrice::PreviousMark => self.world.perp.contract.value(self.previous_mark, position.qty.abs()),
        };
        let value = self.not_negative(value.whose(account, "bankruptcy value")?);
        let before = self.free_cash(account)?;
        let closed = self.deleverage(account, value)?;
        let freed = self.free_cash(account)?.minus(before).whose(account, "free cash")?;
        let mut standing = self.standing(account, freed);
        // The cash of a cross account was settled before; what is left of it went into its margin.
        (standing.free, standing.cross) = (freed, false);
        let settlement = settle_liquidation(standing).whose(account, "settlement")?;
        let covered = self.cover_deficit(account, settlement.deficit)?;
        self.positions[account.index()].margin = settlement.taken_over;
        let all = settled.add_deficit(covered.deficit, covered.paid_by_fund, covered.venue_loss);
        all.whose(account, "sum of deficits")?;
        if self.world.venue.leftover == Leftover::Fund {
            self.give_back(account, settlement.returned)?;
        }
        let relief = self.relief(&position, closed.qty, covered.deficit).whose(account, "relief")?;
        settled.returned = settled.returned.plus(settlement.returned).whose(account, "left-over margin")?;
        (settled.adl_qty, settled.adl_value, settled.adl_relief) = (closed.qty, closed.value, relief);
        Ok(())
    }

    /// What the closed part would have lacked at the mark, less what it lacks now.
    fn relief(&self, position: &Position, closed: Lots, deficit: Quote) -> Result<Quote, Overflow> {
        let part = |whole: Quote| whole.share(closed.0, position.qty.abs().0.max(1));
        let value = self.world.perp.contract.value(self.mark, position.qty)?;
        let equity = part(position.profit(value)?.plus(position.margin)?);
        Ok((-equity).minus(deficit)?.max(Quote::ZERO))
    }

    /// A value in the contract's direction, nothing if it points the other way.
    fn not_negative(&self, value: Quote) -> Quote {
        let contract = self.world.perp.contract;
        contract.directed(contract.directed(value).max(Quote::ZERO))
    }

    fn adl_price(&self) -> AdlPrice {
        self.world.venue.adl.map_or(AdlPrice::Bankruptcy, |rule| rule.price)
    }

    /// Once the fund is exhausted, its desk marked, the desk itself is closed against counterparties.
    pub(super) fn deleverage_desk(&mut self) -> Result<(), RunError> {
        let open = self.positions[DESK.index()].qty != Lots::ZERO;
        if self.world.venue.adl.is_none() || !open || self.fund_worth()? >= Quote::ZERO {
            return Ok(());
        }
        let fund = self.ledger.balance(LedgerAccount::InsuranceFund);
        self.pay(LedgerAccount::InsuranceFund, LedgerAccount::Trader(DESK), fund, Reason::FundPayment)?;
        let margin = &mut self.positions[DESK.index()].margin;
        *margin = margin.plus(fund).whose(DESK, "margin")?;
        self.deleverage_venue(DESK)?;
        let left = settle_stop(self.standing(DESK, self.free_cash(DESK)?)).whose(DESK, "settlement")?;
        let covered = self.cover_deficit(DESK, left.deficit)?;
        self.positions[DESK.index()].margin = left.margin;
        self.give_back(DESK, left.returned)?;
        self.tally_deficit(DESK, &covered)
    }

    /// An isolated vault that is under water is closed against counterparties; one without a position may owe.
    pub(super) fn deleverage_vault(&mut self) -> Result<(), RunError> {
        let Some(backstop) = self.world.venue.backstop else { return Ok(()) };
        let open = self.positions[VAULT.index()].qty != Lots::ZERO;
        if backstop.isolated
            && open
            && self.world.venue.adl.is_some()
            && self.account_value(VAULT)? < Quote::ZERO
        {
            self.positions[VAULT.index()].margin = self.ledger.cash(VAULT);
            self.deleverage_venue(VAULT)?;
        }
        let owed = (-self.ledger.cash(VAULT)).max(Quote::ZERO);
        if self.positions[VAULT.index()].qty != Lots::ZERO || owed == Quote::ZERO {
            return Ok(());
        }
        let covered = self.cover_deficit(VAULT, owed)?;
        self.tally_deficit(VAULT, &covered)
    }

    /// The desk or the vault, closed at its own bankruptcy value.
    fn deleverage_venue(&mut self, account: AccountId) -> Result<(), RunError> {
        let position = self.positions[account.index()];
        let value = bankruptcy_value(&position, position.margin).whose(account, "bankruptcy value")?;
        // The desk may have traded with some of them.
        self.ranking.forget();
        let before = self.free_cash(account)?;
        let closed = self.deleverage(account, self.not_negative(value))?;
        let freed = self.free_cash(account)?.minus(before).whose(account, "free cash")?;
        // It lacks something still where even a price of nothing was too much.
        let lacking = settle_stop(self.standing(account, freed)).whose(account, "settlement")?.deficit;
        let relief = self.relief(&position, closed.qty, lacking).whose(account, "relief")?;
        self.tally_deficit(account, &Settled { adl_relief: relief, ..Settled::default() })
    }

    /// Closes an account's position for this value against the counterparties that rank highest.
    fn deleverage(&mut self, account: AccountId, value: Quote) -> Result<Closed, RunError> {
        self.check_interrupt()?;
        self.draw_everybody()?;
        let position = self.positions[account.index()];
        let side = Side::closing(position.qty);
        let (mut left, mut worth) = (position.qty.abs(), value);
        self.rank_counterparties(side)?;
        while left > Lots::ZERO
            && let Some(ranked) = self.next_counterparty(side)?
        {
            let Ranked { score, account: Reverse(counterparty) } = ranked;
            let before = self.positions[counterparty.index()];
            let qty = left.min(before.qty.abs());
            let part = worth.share(qty.0, left.0);
            let mut after = before;
            let profit = after.fill(side.opposite(), qty, part).whose(counterparty, "profit")?;
            if !self.affords(counterparty, &before, &after, profit)? {
                self.ranking.pass_over(ranked);
                continue;
            }
            let seen = self.seen_at_mark(counterparty)?;
            self.exchange(side, account, counterparty, qty, part)?;
            self.after_adl(counterparty, side, qty, part)?;
            self.rerank(counterparty)?;
            let adl = Adl {
                account: counterparty,
                against: account,
                position: before.qty,
                qty,
                value: part.abs(),
                profit,
                score,
                profit_share: seen.profit_share(),
                leverage: seen.leverage(),
            };
            self.trace.adl(self.stage.round, &adl);
            left = left.minus(qty).whose(account, "quantity")?;
            worth = worth.minus(part).whose(account, "value")?;
            let stage = &mut self.stage;
            stage.adl_accounts += 1;
            stage.adl_qty = stage.adl_qty.plus(qty).whose(account, "quantity")?;
            let part = self.world.perp.contract.notional(qty, part).whose(account, "notional")?;
            stage.adl_value = stage.adl_value.plus(part).whose(account, "value")?;
        }
        self.ranking.end_group(side);
        let done = |all: Quote| all.minus(worth).whose(account, "value");
        Ok(Closed { qty: Lots(position.qty.abs().0 - left.0), value: done(value)?.abs() })
    }

    /// Whether it would not be left in debt.
    fn affords(
        &self,
        account: AccountId,
        before: &Position,
        after: &Position,
        profit: Quote,
    ) -> Result<bool, RunError> {
        let stake = match account {
            REST => return Ok(true),
            _ if self.is_financed(account) => return Ok(true),
            _ if self.is_cross(account) => Ok(self.ledger.cash(account)),
            _ => before.margin.minus(after.margin),
        };
        let left = stake.and_then(|stake| stake.plus(profit)).whose(account, "balance")?;
        Ok(left >= Quote::ZERO)
    }

    /// What follows from it for the counterparty: hedges, financing, a new threshold.
    fn after_adl(
        &mut self,
        account: AccountId,
        closing: Side,
        qty: Lots,
        value: Quote,
    ) -> Result<(), RunError> {
        match account {
            MAKER => {
                // He closes the other way round.
                let sold = Lots(closing.sign() * qty.0);
                self.maker.sold(sold, value).whose(MAKER, "net sales")?;
            }
            REST => self.finance_rest()?,
            _ if account >= self.world.named => {
                self.touch(account);
                if self.watch[account.index()] != Watch::Stopped {
                    self.rewatch(account)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The rest of the market has what it lacks deposited.
    pub(super) fn finance_rest(&mut self) -> Result<(), RunError> {
        let owed = (-self.ledger.cash(REST)).max(Quote::ZERO);
        self.deposit(LedgerAccount::Trader(REST), owed)?;
        let so_far = &mut self.financed[REST.index()];
        *so_far = so_far.plus(owed).whose(REST, "financing")?;
        Ok(())
    }
}
