//! Phase 5: who pays for the forced orders of the round, and what the fund's desk does.

use super::booking::Filled;
use super::{Simulation, Trace, Watch};
use crate::book::{NewOrder, OrderKind};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Liquidation, Market, Mechanism, Reason};
use crate::ids::AccountId;
use crate::units::{Lots, Overflow, Quote, Side};
use crate::venue::{Leftover, Standing, Unwind, cover, settle_liquidation, settle_stop};

const DESK: AccountId = AccountId::TAKEOVER_DESK;

/// A forced order that was sent and matched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub account: AccountId,
    pub mechanism: Mechanism,
    /// The position before, signed.
    pub position: Lots,
    /// What the order was for.
    pub ordered: Lots,
    /// Whether the account had orders before.
    pub again: bool,
    pub filled: Filled,
    /// Margin and profit that its fills set free, less fees.
    pub freed: Quote,
}

impl Sent {
    /// No order, so no fills.
    #[inline]
    pub fn nothing(account: AccountId, mechanism: Mechanism, position: Lots) -> Sent {
        let (ordered, filled, freed) = (position.abs(), Filled::default(), Quote::ZERO);
        Sent { account, mechanism, position, ordered, again: false, filled, freed }
    }
}

/// How a forced order was settled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settled {
    pub taken_over_qty: Lots,
    pub taken_over_value: Quote,
    pub adl_qty: Lots,
    pub adl_value: Quote,
    pub adl_relief: Quote,
    pub liquidation_fee: Quote,
    pub returned: Quote,
    pub deficit: Quote,
    pub paid_by_fund: Quote,
    pub venue_loss: Quote,
    /// It stays as it was, untouched.
    pub idle: bool,
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
        self.stirred = !self.burnt.is_empty();
        self.settle_burnt()?;
        let mut sent = std::mem::take(&mut self.sent);
        for (i, order) in sent.iter().enumerate() {
            let settled = match order.mechanism {
                Mechanism::Stop => self.settle_stopped(order.account, order.freed)?,
                _ => self.settle_liquidated(order)?,
            };
            self.stirred |= !settled.idle;
            if self.world.is_agent(order.account) {
                self.watch[order.account.index()] = Watch::Sorted; // it may trade again
            }
            self.tally(order, &settled)?;
            if T::ON {
                let record = complete(self.records[i], order, &settled);
                self.trace.liquidation(self.stage.round, &record);
            }
        }
        sent.clear();
        self.sent = sent;
        self.records.clear();
        let traded = self.run_desk()?;
        if self.places && !self.world.venue.is_plain() {
            self.deleverage_desk()?;
            self.deleverage_vault()?;
            self.share_losses()?;
        }
        Ok(traded)
    }

    /// Cash of an account that no margin is set aside from.
    #[inline]
    pub(super) fn free_cash(&self, account: AccountId) -> Result<Quote, RunError> {
        let margin = self.positions[account.index()].margin;
        self.ledger.cash(account).minus(margin).whose(account, "free cash")
    }

    #[inline]
    pub(super) fn standing(&self, account: AccountId, freed: Quote) -> Standing {
        let position = &self.positions[account.index()];
        let cross = self.is_cross(account);
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
        match order.mechanism {
            Mechanism::Backstop => return self.settle_backstop(account),
            Mechanism::Deleveraging => return self.settle_deleveraged(account),
            Mechanism::Liquidation | Mechanism::Stop => {}
        }
        if self.stays(order)? {
            return self.keep(order);
        }
        self.sell_collateral(account)?;
        let mut settled = self.settle_closed(account, order.freed, order.filled.value)?;
        if self.positions[account.index()].qty != Lots::ZERO {
            self.dispose(account, &mut settled)?;
        }
        Ok(settled)
    }

    /// Losses are met from the margin that is still there, what is left over goes where the venue says; a position that is
    /// still open keeps its margin for whoever gets it.
    #[inline]
    pub(super) fn settle_closed(
        &mut self,
        account: AccountId,
        freed: Quote,
        value: Quote,
    ) -> Result<Settled, RunError> {
        let settlement = settle_liquidation(self.standing(account, freed)).whose(account, "settlement")?;
        let mut settled = self.cover_deficit(account, settlement.deficit)?;
        self.positions[account.index()].margin = settlement.taken_over;
        settled.returned = settlement.returned;
        if settled.returned > Quote::ZERO {
            settled.liquidation_fee = self.charge_liquidation(account, value, settled.returned)?;
            settled.returned =
                settled.returned.minus(settled.liquidation_fee).whose(account, "liquidation fee")?;
            if self.world.venue.leftover == Leftover::Fund {
                self.give_back(account, settled.returned)?;
            }
        }
        Ok(settled)
    }

    /// The fee of a liquidation of this value, at most what there is, to the fund.
    #[inline]
    pub(super) fn charge_liquidation(
        &mut self,
        account: AccountId,
        value: Quote,
        most: Quote,
    ) -> Result<Quote, RunError> {
        let fee = self.world.venue.liquidation_fee.of(value).whose(account, "liquidation fee")?.1.min(most);
        self.pay(LedgerAccount::Trader(account), LedgerAccount::InsuranceFund, fee, Reason::LiquidationFee)?;
        Ok(fee)
    }

    /// What a stop, or a trader's own order that closes, set free stays his; what it lacks is met from the margin that is still
    /// there, then a deficit.
    pub(super) fn settle_stopped(&mut self, account: AccountId, freed: Quote) -> Result<Settled, RunError> {
        let settlement = settle_stop(self.standing(account, freed)).whose(account, "settlement")?;
        let mut settled = self.cover_deficit(account, settlement.deficit)?;
        let left = &mut self.positions[account.index()];
        left.margin = settlement.margin;
        if left.qty != Lots::ZERO && self.watch[account.index()] != Watch::Seized {
            self.rewatch(account)?;
        }
        self.rerank(account)?;
        settled.returned = settlement.returned;
        Ok(settled)
    }

    /// A deficit is paid by the fund up to its balance, then by the venue.
    #[inline]
    pub(super) fn cover_deficit(&mut self, account: AccountId, deficit: Quote) -> Result<Settled, RunError> {
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
    pub(super) fn give_back(&mut self, account: AccountId, returned: Quote) -> Result<(), RunError> {
        self.pay(LedgerAccount::Trader(account), LedgerAccount::InsuranceFund, returned, Reason::Leftover)
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
        let contract = self.world.perp.contract;
        let Filled { qty, value, .. } = order.filled;
        let value = contract.notional(qty, value).whose(whose, "notional")?;
        let taken_over_value = contract.notional(settled.taken_over_qty, settled.taken_over_value);
        let taken_over_value = taken_over_value.whose(whose, "notional")?;
        let forced = value.plus(taken_over_value).whose(whose, "forced value")?;
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
        *accounts += u64::from(!order.again);
        *sum = sum.plus(qty).whose(whose, "forced quantity")?;
        *worth = worth.plus(value).whose(whose, "forced value")?;
        if settled.taken_over_qty != Lots::ZERO {
            let taken = &mut stage.taken_over_qty;
            *taken = taken.plus(settled.taken_over_qty).whose(whose, "quantity taken over")?;
            let taken = &mut stage.taken_over_value;
            *taken = taken.plus(taken_over_value).whose(whose, "value taken over")?;
        }
        if whose >= self.world.named {
            let burnt = qty.plus(settled.taken_over_qty).and_then(|burnt| burnt.plus(settled.adl_qty));
            self.counts.burnt_qty =
                burnt.and_then(|qty| self.counts.burnt_qty.plus(qty)).whose(whose, "fuel burnt")?;
        }
        self.tally_deficit(whose, settled)
    }

    #[inline]
    pub(super) fn tally_deficit(&mut self, whose: AccountId, settled: &Settled) -> Result<(), RunError> {
        let gross = settled.deficit.plus(settled.adl_relief).whose(whose, "deficit")?;
        let stage = &mut self.stage;
        let fees = &mut stage.liquidation_fees;
        *fees = fees.plus(settled.liquidation_fee).whose(whose, "liquidation fees")?;
        if gross == Quote::ZERO {
            return Ok(());
        }
        for (sum, part) in [
            (&mut stage.bad_debt, gross),
            (&mut stage.adl_relief, settled.adl_relief),
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
        adl_qty: settled.adl_qty,
        adl_value: settled.adl_value,
        adl_relief: settled.adl_relief,
        liquidation_fee: settled.liquidation_fee,
        returned: settled.returned,
        deficit: settled.deficit,
        paid_by_fund: settled.paid_by_fund,
        venue_loss: settled.venue_loss,
        ..record
    }
}
