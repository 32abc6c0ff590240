//! Phase 5: who pays for the forced orders of the round, and what the fund's desk does.

use super::booking::Filled;
use super::{Simulation, Trace, Watch, is_cross};
use crate::book::{NewOrder, OrderKind};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Liquidation, Market, Mechanism, Reason};
use crate::ids::AccountId;
use crate::margin::{Position, bankruptcy_value};
use crate::units::{Lots, Overflow, Quote, Side};
use crate::venue::{Standing, Unwind, cover, settle_liquidation, settle_stop};

const DESK: AccountId = AccountId::TAKEOVER_DESK;

/// A forced order that was sent and matched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    account: AccountId,
    mechanism: Mechanism,
    /// The position before, signed.
    position: Lots,
    pub filled: Filled,
    /// Margin and profit that its fills set free, less fees.
    pub freed: Quote,
}

impl Sent {
    /// No order, so no fills.
    #[inline]
    pub fn nothing(account: AccountId, mechanism: Mechanism, position: Lots) -> Sent {
        Sent { account, mechanism, position, filled: Filled::default(), freed: Quote::ZERO }
    }
}

/// How a forced order was settled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settled {
    taken_over_qty: Lots,
    taken_over_value: Quote,
    returned: Quote,
    deficit: Quote,
    paid_by_fund: Quote,
    pub venue_loss: Quote,
}

impl Settled {
    /// One more deficit.
    pub fn add_deficit(
        &mut self,
        deficit: Quote,
        paid_by_fund: Quote,
        venue_loss: Quote,
    ) -> Result<(), Overflow> {
        self.deficit = self.deficit.plus(deficit)?;
        self.paid_by_fund = self.paid_by_fund.plus(paid_by_fund)?;
        self.venue_loss = self.venue_loss.plus(venue_loss)?;
        Ok(())
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// Settles every forced order in the order they were sent, then the desk; true if the desk traded.
    pub(super) fn settle(&mut self) -> Result<bool, RunError> {
        self.settle_burnt()?;
        let mut sent = std::mem::take(&mut self.sent);
        for (i, order) in sent.iter().enumerate() {
            let settled = match order.mechanism {
                Mechanism::Stop => self.settle_stopped(order)?,
                _ => self.settle_liquidated(order)?,
            };
            self.tally(order, &settled)?;
            if T::ON {
                let record = complete(self.records[i], order, &settled);
                self.trace.liquidation(self.stage.round, &record);
            }
        }
        sent.clear();
        self.sent = sent;
        self.records.clear();
        self.run_desk()
    }

    /// Cash of an account that no margin is set aside from.
    #[inline]
    pub(super) fn free_cash(&self, account: AccountId) -> Result<Quote, RunError> {
        let margin = self.positions[account.index()].margin;
        self.ledger.cash(account).minus(margin).whose(account, "free cash")
    }

    #[inline]
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

    #[inline]
    fn settle_liquidated(&mut self, order: &Sent) -> Result<Settled, RunError> {
        let account = order.account;
        let settlement =
            settle_liquidation(self.standing(account, order.freed)).whose(account, "settlement")?;
        let mut settled = self.cover_deficit(account, settlement.deficit)?;
        let left = &mut self.positions[account.index()];
        left.margin = settlement.taken_over;
        if left.qty != Lots::ZERO {
            let taken = std::mem::take(left);
            settled.taken_over_qty = taken.qty.abs();
            settled.taken_over_value =
                bankruptcy_value(&taken, taken.margin).whose(account, "bankruptcy value")?;
            self.take_over(account, taken)?;
        }
        settled.returned = settlement.returned;
        self.give_back(account, settled.returned)?;
        Ok(settled)
    }

    fn settle_stopped(&mut self, order: &Sent) -> Result<Settled, RunError> {
        let account = order.account;
        let settlement = settle_stop(self.standing(account, order.freed)).whose(account, "settlement")?;
        let mut settled = self.cover_deficit(account, settlement.deficit)?;
        let left = &mut self.positions[account.index()];
        left.margin = settlement.margin;
        if left.qty != Lots::ZERO && self.watch[account.index()] != Watch::Seized {
            if let Some((way, due)) = self.liquidation_due(account)? {
                self.moved.insert(way, due.threshold, account);
            }
            self.watch[account.index()] = Watch::Moved;
        }
        settled.returned = settlement.returned;
        Ok(settled)
    }

    /// A deficit is paid by the fund up to its balance, then by the venue.
    #[inline]
    fn cover_deficit(&mut self, account: AccountId, deficit: Quote) -> Result<Settled, RunError> {
        if deficit == Quote::ZERO {
            return Ok(Settled::default());
        }
        let fund = self.ledger.balance(LedgerAccount::InsuranceFund);
        let (paid_by_fund, venue_loss) = cover(deficit, fund).whose(account, "deficit")?;
        let to = LedgerAccount::Trader(account);
        self.pay(LedgerAccount::InsuranceFund, to, paid_by_fund, Reason::FundPayment)?;
        self.pay(LedgerAccount::VenueLoss, to, venue_loss, Reason::VenuePayment)?;
        Ok(Settled { deficit, paid_by_fund, venue_loss, ..Settled::default() })
    }

    /// What an account has left over goes to the fund.
    #[inline]
    fn give_back(&mut self, account: AccountId, returned: Quote) -> Result<(), RunError> {
        self.pay(LedgerAccount::Trader(account), LedgerAccount::InsuranceFund, returned, Reason::Leftover)
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
            traded = self.trade(Market::Perp, order, Cause::Unwind)?.qty != Lots::ZERO;
        }
        let settlement = settle_stop(self.standing(DESK, self.free_cash(DESK)?)).whose(DESK, "settlement")?;
        let settled = self.cover_deficit(DESK, settlement.deficit)?;
        self.positions[DESK.index()].margin = settlement.margin;
        self.give_back(DESK, settlement.returned)?;
        self.tally_deficit(DESK, &settled)?;
        Ok(traded)
    }

    /// A market maker without position and in debt has a deficit like anybody, and is out.
    pub(super) fn bankrupt_maker(&mut self) -> Result<(), RunError> {
        const MAKER: AccountId = AccountId::MARKET_MAKER;
        let flat = self.positions[MAKER.index()].qty == Lots::ZERO;
        if !self.maker.alive || !flat || self.ledger.cash(MAKER) >= Quote::ZERO {
            return Ok(());
        }
        let settlement = settle_stop(self.standing(MAKER, Quote::ZERO)).whose(MAKER, "settlement")?;
        let settled = self.cover_deficit(MAKER, settlement.deficit)?;
        self.withdraw_maker();
        self.tally_deficit(MAKER, &settled)
    }

    #[inline]
    fn tally(&mut self, order: &Sent, settled: &Settled) -> Result<(), RunError> {
        let whose = order.account;
        let Filled { qty, value, .. } = order.filled;
        let forced = value.plus(settled.taken_over_value).whose(whose, "forced value")?;
        let stage = &mut self.stage;
        let side =
            if order.position.0 < 0 { &mut stage.forced_buy_value } else { &mut stage.forced_sell_value };
        *side = side.plus(forced).whose(whose, "forced value")?;
        let (accounts, sum, worth) = match order.mechanism {
            Mechanism::Stop => {
                (&mut stage.stopped_accounts, &mut stage.stopped_qty, &mut stage.stopped_value)
            }
            _ => (&mut stage.liquidated_accounts, &mut stage.liquidated_qty, &mut stage.liquidated_value),
        };
        *accounts += 1;
        *sum = sum.plus(qty).whose(whose, "forced quantity")?;
        *worth = worth.plus(value).whose(whose, "forced value")?;
        if settled.taken_over_qty != Lots::ZERO {
            let taken = &mut stage.taken_over_qty;
            *taken = taken.plus(settled.taken_over_qty).whose(whose, "quantity taken over")?;
            let taken = &mut stage.taken_over_value;
            *taken = taken.plus(settled.taken_over_value).whose(whose, "value taken over")?;
        }
        if whose >= AccountId::FIRST_NAMED {
            let burnt = qty.plus(settled.taken_over_qty);
            self.burnt_qty = burnt.and_then(|qty| self.burnt_qty.plus(qty)).whose(whose, "fuel burnt")?;
        }
        self.tally_deficit(whose, settled)
    }

    #[inline]
    pub(super) fn tally_deficit(&mut self, whose: AccountId, settled: &Settled) -> Result<(), RunError> {
        if settled.deficit == Quote::ZERO {
            return Ok(());
        }
        let stage = &mut self.stage;
        for (sum, part) in [
            (&mut stage.bad_debt, settled.deficit),
            (&mut stage.paid_by_fund, settled.paid_by_fund),
            (&mut stage.venue_loss, settled.venue_loss),
        ] {
            *sum = sum.plus(part).whose(whose, "sum of deficits")?;
        }
        Ok(())
    }
}

/// The whole row of a forced order.
const fn complete(record: Liquidation, order: &Sent, settled: &Settled) -> Liquidation {
    Liquidation {
        filled_qty: order.filled.qty,
        filled_value: order.filled.value,
        fee: order.filled.fee,
        freed: order.freed,
        taken_over_qty: settled.taken_over_qty,
        taken_over_value: settled.taken_over_value,
        returned: settled.returned,
        deficit: settled.deficit,
        paid_by_fund: settled.paid_by_fund,
        venue_loss: settled.venue_loss,
        ..record
    }
}
