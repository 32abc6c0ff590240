//! Phase 5: who pays for the forced orders of the round, and what the fund's desk does.

use super::{Simulation, Trace, Watch, is_cross};
use crate::book::{NewOrder, OrderKind};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Liquidation, Mechanism, Reason};
use crate::ids::AccountId;
use crate::margin::{Position, bankruptcy_value};
use crate::units::{Lots, Quote, Side};
use crate::venue::{Settlement, Standing, Unwind, cover, settle_liquidation, settle_stop};

const DESK: AccountId = AccountId::TAKEOVER_DESK;

impl<T: Trace> Simulation<'_, T> {
    /// Settles every forced order in the order they were sent, then the desk; true if the desk traded.
    pub(super) fn settle(&mut self) -> Result<bool, RunError> {
        let mut forced = std::mem::take(&mut self.forced);
        for record in &mut forced {
            match record.mechanism {
                Mechanism::Liquidation => self.settle_liquidated(record)?,
                Mechanism::Stop => self.settle_stopped(record)?,
            }
            self.tally(record)?;
            self.trace.liquidation(self.stage.round, record);
        }
        forced.clear();
        self.forced = forced;
        self.run_desk()
    }

    /// Cash of an account that no margin is set aside from.
    pub(super) fn free_cash(&self, account: AccountId) -> Result<Quote, RunError> {
        let margin = self.positions[account.index()].margin;
        self.ledger.cash(account).minus(margin).whose(account, "free cash")
    }

    fn standing(&self, account: AccountId, freed: Quote) -> Standing {
        let position = &self.positions[account.index()];
        let cross = is_cross(account);
        Standing {
            free: if cross { self.ledger.cash(account) } else { freed },
            margin: position.margin,
            open: position.qty != Lots::ZERO,
            cross,
        }
    }

    fn settle_liquidated(&mut self, record: &mut Liquidation) -> Result<(), RunError> {
        let account = record.account;
        let settled =
            settle_liquidation(self.standing(account, record.freed)).whose(account, "settlement")?;
        self.cover_deficit(account, &settled, record)?;
        let left = &mut self.positions[account.index()];
        left.margin = settled.taken_over;
        if left.qty != Lots::ZERO {
            let taken = std::mem::take(left);
            record.taken_over_qty = taken.qty.abs();
            record.taken_over_value =
                bankruptcy_value(&taken, taken.margin).whose(account, "bankruptcy value")?;
            self.take_over(account, taken)?;
        }
        record.returned = settled.returned;
        self.pay(
            LedgerAccount::Trader(account),
            LedgerAccount::InsuranceFund,
            settled.returned,
            Reason::Leftover,
        )
    }

    fn settle_stopped(&mut self, record: &mut Liquidation) -> Result<(), RunError> {
        let account = record.account;
        let settled = settle_stop(self.standing(account, record.freed)).whose(account, "settlement")?;
        self.cover_deficit(account, &settled, record)?;
        let left = &mut self.positions[account.index()];
        left.margin = settled.margin;
        if left.qty != Lots::ZERO && self.watch[account.index()] != Watch::Seized {
            if let Some((way, due)) = self.liquidation_due(account)? {
                self.moved.insert(way, due.threshold, account);
            }
            self.watch[account.index()] = Watch::Moved;
        }
        record.returned = settled.returned;
        Ok(())
    }

    /// A deficit is paid by the fund up to its balance, then by the venue.
    fn cover_deficit(
        &mut self,
        account: AccountId,
        settled: &Settlement,
        record: &mut Liquidation,
    ) -> Result<(), RunError> {
        if settled.deficit == Quote::ZERO {
            return Ok(());
        }
        let fund = self.ledger.balance(LedgerAccount::InsuranceFund);
        let (paid, lost) = cover(settled.deficit, fund).whose(account, "deficit")?;
        let to = LedgerAccount::Trader(account);
        self.pay(LedgerAccount::InsuranceFund, to, paid, Reason::FundPayment)?;
        self.pay(LedgerAccount::VenueLoss, to, lost, Reason::VenuePayment)?;
        (record.deficit, record.paid_by_fund, record.venue_loss) = (settled.deficit, paid, lost);
        Ok(())
    }

    /// What is left of a position goes to the desk whole: quantity, cost, margin and its money.
    fn take_over(&mut self, account: AccountId, taken: Position) -> Result<(), RunError> {
        self.pay(
            LedgerAccount::Trader(account),
            LedgerAccount::Trader(DESK),
            taken.margin,
            Reason::Takeover,
        )?;
        let desk = &mut self.positions[DESK.index()];
        desk.qty = desk.qty.plus(taken.qty).whose(DESK, "quantity")?;
        desk.cost = desk.cost.plus(taken.cost).whose(DESK, "cost")?;
        desk.margin = desk.margin.plus(taken.margin).whose(DESK, "margin")?;
        if desk.qty == Lots::ZERO {
            let closed = std::mem::take(desk);
            self.pay(LedgerAccount::Clearing, LedgerAccount::Trader(DESK), -closed.cost, Reason::Profit)?;
        }
        Ok(())
    }

    /// The desk closes what it holds, if it does so at once, and settles with the fund like an account after a liquidation.
    fn run_desk(&mut self) -> Result<bool, RunError> {
        let held = self.positions[DESK.index()].qty;
        let mut traded = false;
        if self.world.venue.unwind == Unwind::AtOnce && held != Lots::ZERO {
            let order =
                NewOrder { owner: DESK, side: Side::closing(held), qty: held.abs(), kind: OrderKind::Market };
            traded = self.trade_perp(order, Cause::Unwind)?.qty != Lots::ZERO;
        }
        let settled = settle_stop(self.standing(DESK, self.free_cash(DESK)?)).whose(DESK, "settlement")?;
        let mut record = Liquidation::none(DESK);
        self.cover_deficit(DESK, &settled, &mut record)?;
        self.positions[DESK.index()].margin = settled.margin;
        self.pay(
            LedgerAccount::Trader(DESK),
            LedgerAccount::InsuranceFund,
            settled.returned,
            Reason::Leftover,
        )?;
        self.tally_deficit(&record)?;
        Ok(traded)
    }

    /// A market maker without position and in debt has a deficit like anybody, and is out.
    pub(super) fn bankrupt_maker(&mut self) -> Result<(), RunError> {
        const MAKER: AccountId = AccountId::MARKET_MAKER;
        let flat = self.positions[MAKER.index()].qty == Lots::ZERO;
        if !self.maker.alive || !flat || self.ledger.cash(MAKER) >= Quote::ZERO {
            return Ok(());
        }
        let settled = settle_stop(self.standing(MAKER, Quote::ZERO)).whose(MAKER, "settlement")?;
        let mut record = Liquidation::none(MAKER);
        self.cover_deficit(MAKER, &settled, &mut record)?;
        self.withdraw_maker();
        self.tally_deficit(&record)
    }

    fn tally(&mut self, record: &Liquidation) -> Result<(), RunError> {
        let whose = record.account;
        let forced = record.filled_value.plus(record.taken_over_value).whose(whose, "forced value")?;
        let stage = &mut self.stage;
        let side =
            if record.position.0 < 0 { &mut stage.forced_buy_value } else { &mut stage.forced_sell_value };
        *side = side.plus(forced).whose(whose, "forced value")?;
        let (accounts, qty, value) = match record.mechanism {
            Mechanism::Liquidation => {
                (&mut stage.liquidated_accounts, &mut stage.liquidated_qty, &mut stage.liquidated_value)
            }
            Mechanism::Stop => {
                (&mut stage.stopped_accounts, &mut stage.stopped_qty, &mut stage.stopped_value)
            }
        };
        *accounts += 1;
        *qty = qty.plus(record.filled_qty).whose(whose, "forced quantity")?;
        *value = value.plus(record.filled_value).whose(whose, "forced value")?;
        let taken = &mut stage.taken_over_qty;
        *taken = taken.plus(record.taken_over_qty).whose(whose, "quantity taken over")?;
        let taken = &mut stage.taken_over_value;
        *taken = taken.plus(record.taken_over_value).whose(whose, "value taken over")?;
        if whose >= AccountId::FIRST_NAMED {
            let burnt = record.filled_qty.plus(record.taken_over_qty);
            self.burnt_qty = burnt.and_then(|qty| self.burnt_qty.plus(qty)).whose(whose, "fuel burnt")?;
        }
        self.tally_deficit(record)
    }

    fn tally_deficit(&mut self, record: &Liquidation) -> Result<(), RunError> {
        let stage = &mut self.stage;
        for (sum, part) in [
            (&mut stage.bad_debt, record.deficit),
            (&mut stage.paid_by_fund, record.paid_by_fund),
            (&mut stage.venue_loss, record.venue_loss),
        ] {
            *sum = sum.plus(part).whose(record.account, "sum of deficits")?;
        }
        Ok(())
    }
}
