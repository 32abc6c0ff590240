//! Phase 3: what longs and shorts pay each other.

use super::{Simulation, Trace};
use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Reason};
use crate::ids::AccountId;
use crate::units::{Overflow, Quote, Rate, Side, Ticks};
use crate::venue::{Funding, FundingNotional, Premiums, premium, whole};
use crate::world::World;

const DESK: AccountId = AccountId::TAKEOVER_DESK;
const VAULT: AccountId = AccountId::VAULT;

/// What funding remembers from round to round.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FundingClock {
    /// Premiums since the last payment.
    premiums: Premiums,
    /// When the next payment is due.
    next: i128,
    /// From one payment to the next.
    interval: i128,
    /// The last rate.
    rate: Rate,
    /// Payments so far, and those that longs made.
    payments: (u64, u64),
}

impl FundingClock {
    /// The rate that was paid last, 0 before any.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Payments so far, and those that longs made.
    pub const fn payments(&self) -> (u64, u64) {
        self.payments
    }

    /// As it was at the start.
    pub fn restart(&mut self, world: &World) {
        let rules = world.venue.funding.as_ref();
        let (next, interval) = rules.map_or((0, 0), |rules| (rules.next_in, rules.interval));
        *self = FundingClock { next, interval, ..FundingClock::default() };
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// The part of the last rate that is still to come.
    pub(super) fn funding_to_come(&self) -> Rate {
        let Some(rules) = &self.world.venue.funding else { return Rate::default() };
        let FundingClock { next, interval, rate, .. } = self.funding;
        let left = (next - rules.begin(self.clock)).clamp(0, interval);
        // No more than the rate itself.
        Rate(i64::try_from(i128::from(rate.0) * left / interval).unwrap_or(rate.0))
    }

    /// Phase 3: the round's premium, and the payment if one is due.
    pub(super) fn fund(&mut self) -> Result<(), RunError> {
        let Some(rules) = self.world.venue.funding.filter(|_| self.first_of_step) else { return Ok(()) };
        let rate = self.funding_due(&rules).whose(AccountId::REST_OF_MARKET, "funding rate")?;
        match rate {
            Some(rate) if rate != Rate::default() => {
                let price = match rules.notional {
                    FundingNotional::Mark => Ok(self.mark),
                    FundingNotional::Index => self.funding_index(),
                };
                let price = price.whose(AccountId::REST_OF_MARKET, "index price")?;
                self.stage.funding_rate = rate;
                self.exchange_funding(rate, price)
            }
            _ => Ok(()),
        }
    }

    /// The rate, if a payment is due in this round.
    fn funding_due(&mut self, rules: &Funding) -> Result<Option<Rate>, Overflow> {
        let (bid, ask) = (self.impact_price(Side::Buy)?, self.impact_price(Side::Sell)?);
        let premium = premium(bid, ask, self.fine_index());
        let now = rules.begin(self.clock);
        let clock = &mut self.funding;
        clock.premiums.add(rules.average, premium);
        if now < clock.next {
            return Ok(None);
        }
        let rate = rules.rate(clock.premiums.mean(rules), clock.interval)?;
        clock.premiums = Premiums::default();
        clock.rate = rate;
        clock.payments = (clock.payments.0 + 1, clock.payments.1 + u64::from(rate.0 > 0));
        clock.interval = rules.interval_after(rate, clock.interval);
        // One that fell into a long round is not made up for.
        clock.next += ((now - clock.next) / clock.interval + 1) * clock.interval;
        Ok(Some(rate))
    }

    /// The round's index in ticks of the perpetual.
    fn funding_index(&self) -> Result<Ticks, Overflow> {
        Ok(whole(self.fine_index())?.max(Ticks(1)))
    }

    /// Everybody with a position pays or receives; first all payments come in, then they go out, what rounding leaves goes to
    /// the fund.
    fn exchange_funding(&mut self, rate: Rate, price: Ticks) -> Result<(), RunError> {
        self.draw_everybody()?;
        let mut left = Quote::ZERO;
        for pays in [true, false] {
            for id in 0..self.positions.len() {
                let account = AccountId(u32::try_from(id).unwrap_or(u32::MAX));
                let sign = self.positions[id].qty.0.signum() * rate.0.signum();
                if sign == 0 || (sign > 0) != pays {
                    continue;
                }
                let amount = self.funding_of(account, rate, price, pays).whose(account, "funding")?;
                if pays {
                    self.pay_funding(account, amount)?;
                } else {
                    self.receive_funding(account, amount)?;
                }
                let flow = if pays { amount } else { -amount };
                left = left.plus(flow).whose(account, "funding")?;
                if self.positions[id].qty.0 > 0 {
                    let paid = &mut self.stage.funding_paid;
                    *paid = paid.plus(flow).whose(account, "funding")?;
                }
            }
        }
        self.pay(LedgerAccount::Clearing, LedgerAccount::InsuranceFund, left, Reason::Rounding)
    }

    /// Who pays pays the next whole step, who receives gets the last one.
    fn funding_of(
        &self,
        account: AccountId,
        rate: Rate,
        price: Ticks,
        pays: bool,
    ) -> Result<Quote, Overflow> {
        let notional = self.world.perp.contract.worth(price, self.positions[account.index()].qty)?;
        let (floor, ceil) = Rate(rate.0.abs()).of(notional)?;
        Ok(if pays { ceil } else { floor })
    }

    /// Isolated accounts and the desk pay out of their margin; what it does not hold is a deficit. The attacker and the rest of
    /// the market bring the money from outside; the market maker and the vault pay out of their balance.
    fn pay_funding(&mut self, account: AccountId, amount: Quote) -> Result<(), RunError> {
        let payer = LedgerAccount::Trader(account);
        match account {
            AccountId::ATTACKER | AccountId::REST_OF_MARKET => {
                self.deposit(payer, amount)?;
                let so_far = &mut self.financed[account.index()];
                *so_far = so_far.plus(amount).whose(account, "financing")?;
            }
            VAULT => {}
            _ if self.is_cross(account) => {} // a financed agent gets what it lacks at the end of the round
            _ => {
                let margin = self.positions[account.index()].margin;
                let short = amount.minus(margin).whose(account, "funding")?.max(Quote::ZERO);
                let settled = self.cover_deficit(account, short)?;
                self.tally_deficit(account, &settled)?;
                self.positions[account.index()].margin =
                    (margin.minus(amount).whose(account, "margin")?).max(Quote::ZERO);
            }
        }
        self.pay(payer, LedgerAccount::Clearing, amount, Reason::Funding)?;
        if account == VAULT {
            let margin = &mut self.positions[VAULT.index()].margin;
            *margin = (*margin).min(self.ledger.cash(VAULT).max(Quote::ZERO));
        }
        self.margin_changed(account)
    }

    fn receive_funding(&mut self, account: AccountId, amount: Quote) -> Result<(), RunError> {
        self.pay(LedgerAccount::Clearing, LedgerAccount::Trader(account), amount, Reason::Funding)?;
        if account == DESK || account >= self.world.named && !self.is_cross(account) {
            let margin = &mut self.positions[account.index()].margin;
            *margin = margin.plus(amount).whose(account, "margin")?;
        }
        self.margin_changed(account)
    }

    /// Its thresholds are where they are no more.
    fn margin_changed(&mut self, account: AccountId) -> Result<(), RunError> {
        if account < self.world.named {
            return Ok(());
        }
        self.rewatch(account)
    }
}
