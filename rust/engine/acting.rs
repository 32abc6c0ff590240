//! Phase 1: agents act, one after the other, and their orders match.

use std::sync::Arc;

use super::booking::Filled;
use super::{Simulation, Trace, Watch};
use crate::agents::{Actor, Intent, Resting};
use crate::book::{NewOrder, OrderKind, TimeInForce};
use crate::error::{Reject, RunError, Whose};
use crate::event::{Cause, LedgerAccount, Market};
use crate::ids::AccountId;
use crate::margin::Position;
use crate::units::{Lots, Overflow, Quote, Rate, Side, Ticks, div_ceil, narrow};
use crate::world::Account;
use crate::world::agents::{Agent, Plan, desk_account, venue_account};

/// Largest price of an agent's order.
const MOST: Ticks = crate::book::MAX_PRICE;

impl<T: Trace> Simulation<'_, T> {
    /// Lets agents act until one comes that its user acts for: which one that is. None once all have.
    pub fn act(&mut self) -> Result<Option<usize>, RunError> {
        let agents = Arc::clone(&self.world.agents);
        let mut actors = std::mem::take(&mut self.actors);
        let acted = self.act_on(&agents, &mut actors);
        self.actors = actors;
        acted
    }

    fn act_on(&mut self, agents: &[Agent], actors: &mut [Actor]) -> Result<Option<usize>, RunError> {
        while let Some(agent) = agents.get(self.next_actor) {
            let number = self.next_actor;
            self.next_actor += 1;
            if self.clock == agent.until {
                self.withdraw_all(number)?;
            }
            if self.clock < agent.from || self.clock >= agent.until {
                continue;
            }
            if matches!(agent.plan, Plan::External) {
                return Ok(Some(number));
            }
            self.act_as(number, agent, &mut actors[number])?;
        }
        Ok(None)
    }

    fn act_as(&mut self, number: usize, agent: &Agent, actor: &mut Actor) -> Result<(), RunError> {
        if let Plan::Hunter(hunter) = &agent.plan {
            self.seen.ahead = self.look_ahead(hunter.reach)?;
        }
        if let Plan::FundingArbitrageur(plan) = &agent.plan
            && self.funding.rate() >= plan.enter
        {
            self.seen.basis = self.look_across();
        }
        if matches!(&agent.plan, Plan::Crowd(crowd) if crowd.hold.is_some()) {
            self.leave_crowd(number)?;
        }
        let mut intents = std::mem::take(&mut self.intents);
        intents.clear();
        let hand = self.hand(number);
        actor.decide(agent, &*self, hand, &mut intents).whose(actor.venue, "order")?;
        if actor.wants_paper() {
            actor.note_paper(self.agent_profit(number)?);
        }
        for &intent in &intents {
            self.carry_out(number, agent, actor, intent)?;
        }
        self.intents = intents;
        Ok(())
    }

    fn carry_out(
        &mut self,
        number: usize,
        agent: &Agent,
        actor: &mut Actor,
        intent: Intent,
    ) -> Result<(), RunError> {
        match intent {
            Intent::CancelUntil(step) => {
                while let Some(&resting) = self.resting[number].front().filter(|order| order.step <= step) {
                    self.resting[number].pop_front();
                    self.cancel(number, &resting)?;
                }
            }
            Intent::Take { market, side, qty, cause } => {
                let filled = self.take(number, agent, market, side, qty, cause)?;
                actor.filled(side, filled.qty, filled.value, cause).whose(actor.venue, "fills")?;
            }
            Intent::Carry { side, qty } => {
                let filled = self.take(number, agent, Market::Perp, side, qty, Cause::Arbitrage)?;
                let spot = filled.qty.0.checked_mul(self.world.spot_lots()).map(Lots);
                let spot = spot.ok_or(Overflow).whose(actor.venue, "quantity")?;
                self.take(number, agent, Market::Spot, side.opposite(), spot, Cause::Arbitrage)?;
            }
            Intent::Post { market, side, price, qty } => {
                self.post(number, agent, (market, side, price), qty)?;
            }
            Intent::Join { market, side, behind, qty } => {
                let price = self.behind_best(market, side, behind);
                self.post(number, agent, (market, side, price), qty)?;
            }
            Intent::Open { side, qty, word } => {
                if let Plan::Crowd(crowd) = &agent.plan
                    && actor.crowd() < crowd.max_accounts
                    && let Some(account) = self.open(number, side, qty, crowd.leverage.draw(word))?
                {
                    actor.opened();
                    self.members[number].came.push(account);
                    if let Some(hold) = &crowd.hold {
                        self.members[number].leaves(self.clock + hold.draw(word), account);
                    }
                }
            }
        }
        Ok(())
    }

    /// A market order, as far as the agent may trade.
    pub(super) fn take(
        &mut self,
        number: usize,
        agent: &Agent,
        market: Market,
        side: Side,
        qty: Lots,
        cause: Cause,
    ) -> Result<Filled, RunError> {
        self.take_to(number, agent, (market, OrderKind::Market), side, qty, cause)
    }

    /// The same of any kind that does not rest.
    pub(super) fn take_to(
        &mut self,
        number: usize,
        agent: &Agent,
        (market, kind): (Market, OrderKind),
        side: Side,
        qty: Lots,
        cause: Cause,
    ) -> Result<Filled, RunError> {
        let (owner, qty) = self.admissible(number, agent, market, side, qty)?;
        if qty < Lots(1) {
            return Ok(Filled::default());
        }
        self.trade(market, NewOrder { owner, side, qty, kind }, cause)
    }

    /// Whose order it would be, and how much of it the agent may send.
    fn admissible(
        &self,
        number: usize,
        agent: &Agent,
        market: Market,
        side: Side,
        qty: Lots,
    ) -> Result<(AccountId, Lots), RunError> {
        Ok(match (market, side) {
            (Market::Spot, Side::Buy) => (desk_account(number), qty),
            (Market::Spot, Side::Sell) => (desk_account(number), qty.min(self.sellable(number))),
            _ => (venue_account(number), self.allowed(number, agent, side, qty)?),
        })
    }

    /// Lots of the perpetual, at most `qty`, that an agent's margin allows it to trade or to offer, if all that it offers on
    /// that side were filled before.
    pub(super) fn allowed(
        &self,
        number: usize,
        agent: &Agent,
        side: Side,
        qty: Lots,
    ) -> Result<Lots, RunError> {
        if self.is_halted() {
            return Ok(Lots::ZERO);
        }
        if agent.capital.is_none() {
            return Ok(qty);
        }
        let account = venue_account(number);
        let held = i128::from(side.sign() * self.positions[account.index()].qty.0);
        let lot = self.world.perp.contract.worth(self.mark, Lots(1)).whose(account, "worth of a lot")?;
        let open = self.world.venue.tiers.most_open(self.equity(account)?, agent.leverage, lot);
        let offered = self.offered(number, Market::Perp, side);
        let room = (open - held).max(-held) - i128::from(offered.0);
        Ok(qty.min(Lots(i64::try_from(room.max(0)).unwrap_or(i64::MAX))))
    }

    /// Posts an order, as far as the agent may; none if it would trade, or if there is nothing to offer.
    fn post(
        &mut self,
        number: usize,
        agent: &Agent,
        (market, side, price): (Market, Side, Ticks),
        qty: Lots,
    ) -> Result<(), RunError> {
        let (owner, qty) = self.admissible(number, agent, market, side, qty)?;
        if qty < Lots(1) || !(Ticks(1)..=MOST).contains(&price) {
            return Ok(());
        }
        match self.place(number, market, side, price, qty)? {
            Err(Reject::WouldTrade) => Ok(()),
            Err(reject) => Err(RunError::Order { account: owner, reject }),
            Ok(_) => {
                self.counts.orders += 1;
                Ok(())
            }
        }
    }

    /// The same of what is known to be allowed; or why the book refused it.
    pub(super) fn place(
        &mut self,
        number: usize,
        market: Market,
        side: Side,
        price: Ticks,
        qty: Lots,
    ) -> Result<Result<Resting, Reject>, RunError> {
        let spot = market == Market::Spot;
        let owner = if spot { desk_account(number) } else { venue_account(number) };
        let kind = OrderKind::Limit { price, tif: TimeInForce::PostOnly };
        let order = NewOrder { owner, side, qty, kind };
        let book = if spot { &mut self.spot } else { &mut self.perp };
        if book.supply().quotes_at(side, price) {
            book.draw_to(side, price); // what is posted there came before
        }
        let mut fills = std::mem::take(&mut self.fills);
        fills.clear();
        let outcome =
            if spot { self.spot.submit(order, &mut fills) } else { self.perp.submit(order, &mut fills) };
        self.fills = fills;
        let id = match outcome.and_then(|outcome| outcome.resting.ok_or(Reject::WouldTrade)) {
            Ok(id) => id,
            Err(reject) => return Ok(Err(reject)),
        };
        self.offered[number].add(market, side, qty).whose(owner, "offers")?;
        let resting = Resting { step: self.clock, market, side, id };
        self.resting[number].push_back(resting);
        Ok(Ok(resting))
    }

    fn behind_best(&self, market: Market, side: Side, behind: Ticks) -> Ticks {
        let (best, last) = match market {
            Market::Spot => (self.spot.best(side), self.spot_last()),
            Market::Perp | Market::OffBook => (self.perp.best(side), self.perp_last()),
        };
        let (from, behind) = best.map_or((last, behind.0 + 1), |best| (best, behind.0));
        Ticks(from.0 - side.sign() * behind)
    }

    /// Cancels an order, if it still rests; what was left of it.
    pub(super) fn cancel(&mut self, number: usize, resting: &Resting) -> Result<(), RunError> {
        let &Resting { market, side, id, .. } = resting;
        let book = if market == Market::Spot { &mut self.spot } else { &mut self.perp };
        let left = match book.cancel(id) {
            Ok(left) => left,
            Err(Reject::UnknownOrder) => return Ok(()), // it was filled
            Err(reject) => return Err(RunError::Order { account: venue_account(number), reject }),
        };
        self.counts.orders += 1;
        self.offered[number].add(market, side, -left).whose(venue_account(number), "offers")
    }

    /// A new account opens a position, if anything is filled: which one.
    fn open(
        &mut self,
        number: usize,
        side: Side,
        qty: Lots,
        leverage: Rate,
    ) -> Result<Option<AccountId>, RunError> {
        if self.is_halted() {
            return Ok(None);
        }
        let id = self.seat(Position::default(), Quote::ZERO, Watch::Sorted);
        let order = NewOrder { owner: id, side, qty, kind: OrderKind::Market };
        let filled = self.trade(Market::Perp, order, Cause::Crowd)?;
        if filled.qty == Lots::ZERO {
            self.unseat();
            return Ok(None);
        }
        self.next_account = AccountId(id.0 + 1);
        self.check_accounts()?;
        let cost = self.positions[id.index()].cost.abs();
        let leverage = leverage.0.min(self.max_leverage(cost));
        let exact = div_ceil(i128::from(cost.0) * i128::from(Rate::ONE), i128::from(leverage));
        let margin = narrow(exact).map(Quote).whose(id, "margin")?;
        let deposit = margin.plus(filled.fee.max(Quote::ZERO)).whose(id, "margin")?;
        self.deposit(LedgerAccount::Trader(id), deposit)?;
        self.named_margin = self.named_margin.plus(deposit).whose(id, "margin")?;
        let brought = &mut self.brought[number].1;
        *brought = brought.plus(deposit).whose(id, "margin")?;
        self.positions[id.index()].margin = margin;
        self.counts.opened_qty = self.counts.opened_qty.plus(filled.qty).whose(id, "open interest")?;
        self.rewatch(id)?;
        if T::ON {
            let position = self.positions[id.index()];
            self.trace.account(self.stage.round, id, &Account { position, liquidation: None, stop: None });
        }
        Ok(Some(id))
    }
}
