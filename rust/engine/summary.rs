//! The run in one row, in exact integers.

use serde::Serialize;

use super::{Simulation, Totals, Trace};
use crate::error::{RunError, Whose};
use crate::event::{LedgerAccount, Market};
use crate::ids::AccountId;
use crate::units::{Lots, Overflow, Quote, Side, Ticks, narrow};
use crate::world::agents::Plan;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// No threshold was left within reach.
    Quiet,
    /// The round limit of the venue was met.
    MaxRounds,
    /// Quiet, after an order in spot found the float on offer gone.
    SpotExhausted,
    /// The end of a run through time.
    Horizon,
    /// It did not: its user looks at it on its way, or leaves it there.
    Unfinished,
}

impl StopReason {
    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            StopReason::Quiet => "quiet",
            StopReason::MaxRounds => "max_rounds",
            StopReason::SpotExhausted => "spot_exhausted",
            StopReason::Horizon => "horizon",
            StopReason::Unfinished => "unfinished",
        }
    }
}

/// `docs/MODEL.md` section 8. Prices in ticks, quantities in lots of their market, money in quote steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Summary {
    pub ignition_side: Side,
    pub ignition_qty: Lots,
    pub ignition_cost: Quote,
    pub start_price: Ticks,
    pub peak_price: Ticks,
    pub final_price: Ticks,
    pub rounds: u64,
    pub totals: Totals,
    pub burnt_qty: Lots,
    pub named_qty: Lots,
    pub hedge_shortfall: Lots,
    /// Never below minus the fund's start.
    pub insurance_fund_change: Quote,
    /// What the fund could not pay if its positions were closed at the last mark.
    pub insurance_fund_shortfall: Quote,
    /// Perpetual account and spot desk.
    pub market_maker_pnl: Quote,
    /// Spot lots.
    pub market_maker_unhedged_qty: Lots,
    pub market_maker_liquidated: bool,
    /// Of all accounts of the scenario.
    pub positions_pnl: Quote,
    pub rest_of_market_pnl: Quote,
    /// Of the backstop vault.
    pub vault_pnl: Quote,
    /// Of the attacker and of whales.
    pub attacker_pnl: Quote,
    /// The same with whales' profits when their exits began.
    pub attacker_paper_pnl: Quote,
    /// Orders, cancels and fills.
    pub events: u64,
    /// Payments of funding.
    pub payments: u64,
    /// Those that longs made.
    pub positive_payments: u64,
    /// Of all samples.
    pub peak_open_interest: Lots,
    /// Spot lots that arbitrageurs hold at the end.
    pub locked_float: Lots,
    /// Spot lots there are at the end.
    pub final_circulating: Lots,
    pub spot_exhausted: bool,
    pub stop_reason: StopReason,
}

impl<T: Trace> Simulation<'_, T> {
    /// The summary of a run that stopped for `stop_reason`.
    pub fn summary(&self, stop_reason: StopReason) -> Result<Summary, RunError> {
        let maker = AccountId::MARKET_MAKER;
        let desk = self.account_value(AccountId::TAKEOVER_DESK)?;
        let fund = self.ledger.balance(LedgerAccount::InsuranceFund).plus(desk);
        let fund = fund.whose(AccountId::TAKEOVER_DESK, "insurance fund")?;
        let shortfall = self.maker.hedge_due().whose(maker, "hedge")?.abs();
        let (attacker_pnl, attacker_paper_pnl) = self.attackers_profits()?;
        let (ignition_qty, ignition_cost) = self.pushes()?;
        let (payments, positive_payments) = self.funding.payments();
        Ok(Summary {
            ignition_side: self.world.ignition.0,
            ignition_qty,
            ignition_cost,
            start_price: self.world.spot.start,
            peak_price: self.peak,
            final_price: self.spot_last(),
            rounds: self.stage.round,
            totals: self.totals,
            burnt_qty: self.counts.burnt_qty,
            named_qty: self.open_interest()?,
            hedge_shortfall: shortfall,
            insurance_fund_change: fund
                .max(Quote::ZERO)
                .minus(self.world.venue.insurance_fund)
                .whose(AccountId::TAKEOVER_DESK, "insurance fund")?,
            insurance_fund_shortfall: (-fund).max(Quote::ZERO),
            market_maker_pnl: self.maker_profit()?,
            market_maker_unhedged_qty: self.unhedged().whose(maker, "unhedged quantity")?,
            market_maker_liquidated: !self.maker.alive,
            positions_pnl: self.positions_pnl()?,
            rest_of_market_pnl: self
                .profit(AccountId::REST_OF_MARKET, self.financed[AccountId::REST_OF_MARKET.index()])?,
            vault_pnl: self.profit(
                AccountId::VAULT,
                self.world.venue.backstop.map_or(Quote::ZERO, |backstop| backstop.capital),
            )?,
            attacker_pnl,
            attacker_paper_pnl,
            events: self.events(),
            payments,
            positive_payments,
            peak_open_interest: self.sampler.peak,
            locked_float: self.floats()?.locked,
            final_circulating: self.circulating,
            spot_exhausted: self.spot_exhausted,
            stop_reason,
        })
    }

    /// What the market maker has made, in quote steps: both his accounts.
    pub fn maker_profit(&self) -> Result<Quote, RunError> {
        let maker = AccountId::MARKET_MAKER;
        let pnl = self.profit(maker, self.world.maker.capital)?;
        let desk = self.spot_profit(AccountId::MARKET_MAKER_SPOT, self.world.maker.spot_inventory)?;
        let pnl = self.in_quote(LedgerAccount::Trader(maker), pnl);
        pnl.and_then(|pnl| pnl.plus(desk)).whose(maker, "profit")
    }

    /// What the attacker and whales have made, and what that was on paper when the whales began to leave.
    fn attackers_profits(&self) -> Result<(Quote, Quote), RunError> {
        let attacker = AccountId::ATTACKER;
        let spot = self.spot_profit(attacker, self.world.attacker_tokens())?;
        let position = &self.positions[attacker.index()];
        let value = self.world.perp.contract.value(self.mark, position.qty);
        let pnl = value.and_then(|value| position.profit(value)?.plus(spot)).whose(attacker, "profit")?;
        let pnl = self.in_quote(LedgerAccount::Trader(attacker), pnl).whose(attacker, "profit")?;
        let (mut pnl, mut paper) = (pnl, pnl);
        for (number, actor) in self.actors.iter().enumerate() {
            if matches!(self.world.agents[number].plan, Plan::Whale(_)) {
                let profit = self.agent_profit(number)?;
                pnl = pnl.plus(profit).whose(actor.venue, "profit")?;
                paper = paper.plus(actor.paper().unwrap_or(profit)).whose(actor.venue, "profit")?;
            }
        }
        Ok((pnl, paper))
    }

    /// The push, and those of whales: quantity in lots of its market, cost.
    fn pushes(&self) -> Result<(Lots, Quote), RunError> {
        let (mut qty, mut cost) = self.counts.ignition;
        let in_lots = if self.world.ignition_market == Market::Perp { self.world.spot_lots() } else { 1 };
        for actor in &self.actors {
            let (lots, paid) = actor.ignition();
            qty = qty.plus(Lots(lots.0 / in_lots)).whose(actor.venue, "quantity")?;
            cost = cost.plus(paid).whose(actor.venue, "cost")?;
        }
        Ok((qty, cost))
    }

    /// Money of an account in quote steps: coin at the last price in spot, cut toward zero.
    fn in_quote(&self, account: LedgerAccount, money: Quote) -> Result<Quote, Overflow> {
        if !self.world.perp.contract.is_inverse() || self.world.pays_in_quote(account) {
            return Ok(money);
        }
        let (n, d) = self.world.conversion.coin_value;
        let at_last = i128::from(money.0) * i128::from(self.spot_last().0);
        narrow(at_last.checked_mul(n).ok_or(Overflow)? / d).map(Quote)
    }

    /// Balance and unrealised profit at the mark.
    pub(super) fn account_value(&self, account: AccountId) -> Result<Quote, RunError> {
        let position = &self.positions[account.index()];
        let value = self.world.perp.contract.value(self.mark, position.qty);
        let profit = value.and_then(|value| position.profit(value));
        profit.and_then(|profit| profit.plus(self.ledger.cash(account))).whose(account, "equity")
    }

    /// What the scenario's accounts have now less what they deposited: what all have, less what the others do.
    fn positions_pnl(&self) -> Result<Quote, RunError> {
        let whose = self.world.named;
        let others = (0..whose.0).map(AccountId);
        let (mut cash, mut qty) = (-self.named_margin, Lots::ZERO);
        let mut cost = -self.ledger.balance(LedgerAccount::Clearing);
        let all = LedgerAccount::SYSTEM.into_iter().chain(others.clone().map(LedgerAccount::Trader));
        for id in all.filter(|&id| !self.world.pays_in_quote(id)) {
            cash = cash.minus(self.ledger.balance(id)).whose(whose, "sum of profits")?;
        }
        for id in others {
            let position = &self.positions[id.index()];
            qty = qty.minus(position.qty).whose(whose, "sum of positions")?;
            cost = cost.minus(position.cost).whose(whose, "sum of costs")?;
        }
        let value = self.world.perp.contract.value(self.mark, qty);
        value.and_then(|value| value.minus(cost)?.plus(cash)).whose(whose, "sum of profits")
    }

    /// Lots of the scenario's positions, drawn or not.
    fn open_interest(&self) -> Result<Lots, RunError> {
        let mut expected = self.world.populations.iter().map(|population| population.expected_qty);
        let sum = expected.try_fold(self.world.fixed.open_interest, Lots::plus);
        let sum = sum.and_then(|sum| sum.plus(self.counts.opened_qty));
        sum.whose(self.world.named, "open interest")
    }

    fn profit(&self, account: AccountId, deposited: Quote) -> Result<Quote, RunError> {
        self.account_value(account)?.minus(deposited).whose(account, "profit")
    }

    /// Profit of an account that only trades spot, its tokens valued at the last price, those it came with at the start's.
    fn spot_profit(&self, account: AccountId, brought: Lots) -> Result<Quote, RunError> {
        let contract = self.world.spot.contract;
        let tokens = contract.value(self.spot_last(), self.tokens[account.index()]);
        let before = contract.value(self.world.spot.start, brought);
        let held = tokens.and_then(|now| now.minus(before?));
        let cash = self.ledger.cash(account).minus(self.financed[account.index()]);
        held.and_then(|held| held.plus(cash?)).whose(account, "profit")
    }

    /// Spot lots his short position is worth less those he holds against it.
    fn unhedged(&self) -> Result<Lots, Overflow> {
        let position = &self.positions[AccountId::MARKET_MAKER.index()];
        // In coin a short has a positive cost.
        let (short, (n, d)) = if self.world.perp.contract.is_inverse() {
            (position.cost.0.into(), self.world.conversion.coin)
        } else {
            (-i128::from(position.qty.0), self.world.conversion.lot)
        };
        let short = narrow(short.checked_mul(n).ok_or(Overflow)? / d)?;
        Lots(short).minus(self.maker.hedged)
    }
}
