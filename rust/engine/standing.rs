//! How agents stand at the end of a round: financed accounts have what they lack deposited, others may be bankrupt.

use std::sync::Arc;

use super::{Simulation, Trace};
use crate::book::{NewOrder, OrderKind};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Market, Reason};
use crate::ids::AccountId;
use crate::units::{Lots, Overflow, Quote, Rate, Side, div_ceil, narrow};
use crate::venue::settle_stop;
use crate::world::agents::{desk_account, venue_account};

/// Tokens that came into being so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unlocked {
    /// Which of the world's unlocks comes next.
    next: usize,
    /// What holders got.
    pub to_holders: Lots,
}

impl<T: Trace> Simulation<'_, T> {
    /// Financed agents get what they lack; one with capital, no position and a debt has a deficit.
    pub(super) fn stand_good(&mut self) -> Result<(), RunError> {
        for number in 0..self.world.agents.len() {
            let account = venue_account(number);
            let owed = -self.ledger.cash(account);
            if owed <= Quote::ZERO {
                continue;
            }
            if self.world.agents[number].capital.is_none() {
                self.deposit(LedgerAccount::Trader(account), owed)?;
                let so_far = &mut self.financed[account.index()];
                *so_far = so_far.plus(owed).whose(account, "financing")?;
            } else if self.positions[account.index()].qty == Lots::ZERO {
                self.sell_collateral(account)?;
                let settlement =
                    settle_stop(self.standing(account, Quote::ZERO)).whose(account, "settlement")?;
                let settled = self.cover_deficit(account, settlement.deficit)?;
                self.tally_deficit(account, &settled)?;
            }
        }
        Ok(())
    }

    /// Whether an account has no threshold because somebody stands good for it.
    pub(super) fn is_financed(&self, account: AccountId) -> bool {
        self.world.agent_of(account).is_some_and(|number| self.world.agents[number].capital.is_none())
    }

    /// What an agent's tokens count as margin.
    #[inline]
    pub(super) fn token_margin(&self, account: AccountId) -> Result<Quote, Overflow> {
        let weight = self.world.venue.spot_margin;
        let Some(number) = self.world.agent_of(account).filter(|_| weight != Rate::default()) else {
            return Ok(Quote::ZERO);
        };
        let tokens = self.tokens[desk_account(number).index()];
        let value = self.world.spot.contract.value(self.index, tokens)?;
        Ok(weight.of(value)?.0)
    }

    /// Tokens that count as margin are sold until what the account owes is covered.
    pub(super) fn sell_collateral(&mut self, account: AccountId) -> Result<(), RunError> {
        let Some(number) = self.world.agent_of(account) else { return Ok(()) };
        if self.world.venue.spot_margin == Rate::default() {
            return Ok(());
        }
        let desk = desk_account(number);
        self.withdraw_asks(number)?;
        loop {
            let owed = -self.ledger.cash(account);
            let tokens = self.tokens[desk.index()];
            let Some(bid) = self.spot.best(Side::Buy).filter(|_| owed > Quote::ZERO) else { return Ok(()) };
            let lot = self.world.spot.contract.worth(bid, Lots(1)).whose(desk, "worth of a lot")?;
            let wanted = narrow(div_ceil(i128::from(owed.0), i128::from(lot.0))).whose(desk, "quantity")?;
            let qty = tokens.min(Lots(wanted));
            if qty <= Lots::ZERO {
                return Ok(());
            }
            let order = NewOrder { owner: desk, side: Side::Sell, qty, kind: OrderKind::Market };
            let filled = self.trade(Market::Spot, order, Cause::Collateral)?;
            let got = filled.value.minus(filled.fee).whose(desk, "proceeds")?.min(owed);
            if filled.qty == Lots::ZERO || got <= Quote::ZERO {
                return Ok(());
            }
            let (from, to) = (LedgerAccount::Trader(desk), LedgerAccount::Trader(account));
            self.pay(from, to, got, Reason::Collateral)?;
        }
    }

    /// Cancels the asks of an agent's desk: what they offer is to be sold.
    fn withdraw_asks(&mut self, number: usize) -> Result<(), RunError> {
        self.withdraw_where(number, |market, side| market == Market::Spot && side == Side::Sell)
    }

    /// Cancels what an agent has in the perpetual's book: its position is closed by the venue.
    pub(super) fn withdraw_agent(&mut self, account: AccountId) -> Result<(), RunError> {
        let Some(number) = self.world.agent_of(account) else { return Ok(()) };
        self.withdraw_where(number, |market, _| market == Market::Perp)
    }

    /// Cancels all an agent has in the books: it is gone.
    pub(super) fn withdraw_all(&mut self, number: usize) -> Result<(), RunError> {
        self.withdraw_where(number, |_, _| true)
    }

    fn withdraw_where(
        &mut self,
        number: usize,
        which: impl Fn(Market, Side) -> bool,
    ) -> Result<(), RunError> {
        let mut resting = std::mem::take(&mut self.resting[number]);
        let withdrawn = resting.iter().filter(|order| which(order.market, order.side));
        for order in withdrawn {
            self.cancel(number, order)?;
        }
        resting.retain(|order| !which(order.market, order.side));
        self.resting[number] = resting;
        Ok(())
    }

    /// What an agent has at the venue, position and balance: its own, or of all that belong to its crowd.
    pub fn holding(&self, number: usize) -> Result<(Lots, Quote), RunError> {
        let own = venue_account(number);
        let (mut qty, mut balance) = (self.positions[own.index()].qty, self.ledger.cash(own));
        for &account in &self.members[number].came {
            qty = qty.plus(self.positions[account.index()].qty).whose(account, "sum of positions")?;
            balance = balance.plus(self.ledger.cash(account)).whose(account, "sum of balances")?;
        }
        Ok((qty, balance))
    }

    /// What an agent has made: both accounts, its position at the mark and its tokens at the last price, less what it brought; a crowd's accounts too.
    pub fn agent_profit(&self, number: usize) -> Result<Quote, RunError> {
        let (venue, desk) = (venue_account(number), desk_account(number));
        let tokens = self.world.spot.contract.value(self.spot_last(), self.tokens[desk.index()]);
        let capital = self.world.agents[number].capital.unwrap_or(Quote::ZERO);
        let brought =
            [capital, self.financed[venue.index()], self.financed[desk.index()], self.brought[number].1];
        let brought = brought.into_iter().try_fold(Quote::ZERO, Quote::plus);
        let mut has = self.account_value(venue)?.plus(self.ledger.cash(desk));
        for &account in &self.members[number].came {
            let value = self.account_value(account)?;
            has = has.and_then(|has| has.plus(value));
        }
        let profit = has.and_then(|has| has.plus(tokens?)?.minus(brought?));
        profit.whose(venue, "profit")
    }

    /// Tokens whose time has come.
    pub(super) fn unlock(&mut self) -> Result<(), RunError> {
        let unlocks = Arc::clone(&self.world.unlocks);
        while let Some(unlock) = unlocks.get(self.unlocked.next).filter(|unlock| unlock.step <= self.clock) {
            self.unlocked.next += 1;
            let account = unlock.holder.map_or(AccountId::HOLDERS, desk_account);
            self.circulating = self.circulating.plus(unlock.qty).whose(account, "tokens")?;
            let tokens = &mut self.tokens[account.index()];
            *tokens = tokens.plus(unlock.qty).whose(account, "tokens")?;
            match unlock.holder {
                None => {
                    let holders = &mut self.unlocked.to_holders;
                    *holders = holders.plus(unlock.qty).whose(account, "tokens")?;
                    self.spot.supply_mut().add_room(unlock.qty);
                }
                Some(number) => {
                    let value = self.world.spot.contract.value(self.spot_last(), unlock.qty);
                    let (tokens, worth) = self.brought[number];
                    let worth =
                        value.and_then(|value| worth.plus(value)).whose(account, "value of tokens")?;
                    self.brought[number] = (tokens.plus(unlock.qty).whose(account, "tokens")?, worth);
                }
            }
        }
        Ok(())
    }
}
