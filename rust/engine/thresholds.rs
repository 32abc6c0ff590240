//! Phase 4: thresholds the mark has reached become orders and match.

use super::settlement::Sent;
use super::{Simulation, Trace, Watch};
use crate::book::{MAX_PRICE, NewOrder, OrderKind, TimeInForce};
use crate::error::{RunError, Whose};
use crate::event::{Cause, LedgerAccount, Liquidation, Market, Mechanism};
use crate::ids::AccountId;
use crate::margin::{
    Arrival, Contract, Due, Position, TierRule, Way, bankruptcy_price, bankruptcy_value, next_due,
};
use crate::units::{Lots, Overflow, Quote, Rate, Side, Ticks};
use crate::venue::{LiquidationOrder, Seen, fillable_price, order_qty};
use crate::world::agents::venue_account;

/// Where a threshold was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Fixed(Way),
    Waiting(Way),
    Moved(Way),
    /// Which of those that are due.
    Cross(usize),
}

impl Source {
    const ACCOUNTS: [Source; 6] = [
        Source::Fixed(Way::Up),
        Source::Fixed(Way::Down),
        Source::Waiting(Way::Up),
        Source::Waiting(Way::Down),
        Source::Moved(Way::Up),
        Source::Moved(Way::Down),
    ];
}

/// What is done about a position that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// An order for so many lots.
    Order(Lots),
    /// The vault takes it over.
    Vault,
    /// Counterparties are deleveraged.
    Deleverage,
    /// Nothing yet: it cools down.
    Wait,
}

/// The last rounds in which an account's liquidation was ordered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ordered {
    /// Of any order.
    pub any: Option<u64>,
    /// Of an order for less than all.
    part: Option<u64>,
}

/// Orders between two looks at the interrupt flag.
pub(super) const PATIENCE: u64 = 4096;

impl<T: Trace> Simulation<'_, T> {
    /// Sends what is due, nearest first, and returns how many orders that were.
    pub(super) fn thresholds(&mut self) -> Result<u64, RunError> {
        (self.cools, self.owed) = (false, Quote::ZERO);
        if self.is_halted() {
            return Ok(0);
        }
        self.draw_accounts()?;
        self.crosses_due()?;
        let limit = self.world.venue.liquidations_per_round.unwrap_or(u64::MAX);
        let mut sent = 0;
        // What is due now was due when the round began: the mark stands still.
        let mut sources = Source::ACCOUNTS.into_iter().filter(|&from| self.peek(from).is_some());
        let only = sources.next().filter(|_| self.crosses.is_empty() && sources.next().is_none());
        if let Some(Source::Waiting(way)) = only
            && self.burns(way)
        {
            sent = self.burn(way, limit)?;
        }
        while sent < limit {
            let next = match only {
                Some(from) => self.peek(from).map(|due| (due, from)),
                None => self.nearest(),
            };
            let Some((mut due, from)) = next else { break };
            match from {
                Source::Fixed(way) => self.fixed_taken[way as usize] += 1,
                Source::Waiting(way) => due.account = self.next_waiting(way),
                Source::Moved(way) => self.moved.take(way),
                Source::Cross(at) => drop(self.crosses.swap_remove(at)),
            }
            if due.mechanism != Mechanism::Stop {
                let moved = matches!(from, Source::Moved(_));
                if self.watch[due.account.index()] == Watch::Moved && !moved {
                    continue; // it stands among the moved ones
                }
                if moved && self.moved_to[due.account.index()] != due.threshold {
                    continue; // it moved on
                }
            }
            sent += u64::from(self.force(due)?);
            if sent % PATIENCE == 0 {
                self.check_interrupt()?;
            }
        }
        self.look_again()?;
        Ok(sent)
    }

    /// What was reached but got no order is looked for again in the next round.
    fn look_again(&mut self) -> Result<(), RunError> {
        let mut spared = std::mem::take(&mut self.spared);
        for account in spared.drain(..) {
            if self.watch[account.index()] != Watch::Seized {
                self.rewatch(account)?;
            }
        }
        self.spared = spared;
        for (way, stop) in self.late_stops.drain(..) {
            self.moved.insert(way, stop);
        }
        Ok(())
    }

    /// Looks for the account's threshold among those that moved, wherever that is by now.
    pub(super) fn rewatch(&mut self, account: AccountId) -> Result<(), RunError> {
        if self.watch[account.index()] == Watch::Sorted {
            self.touch(account); // even if it got no order
        }
        if self.moved_to.len() < self.positions.len() {
            self.moved_to.resize(self.positions.len(), Ticks::ZERO);
        }
        self.unwatch(account);
        self.watch[account.index()] = Watch::Moved;
        if self.positions[account.index()].qty != Lots::ZERO
            && let Some((way, due)) = self.liquidation_due(account)?
        {
            self.moved.insert(way, due);
            self.moved_to[account.index()] = due.threshold;
        }
        Ok(())
    }

    /// Nobody looks for a threshold any more where it moved to.
    pub(super) fn unwatch(&mut self, account: AccountId) {
        let Some(threshold) = self.moved_to.get_mut(account.index()).map(std::mem::take) else { return };
        if threshold != Ticks::ZERO {
            let due = Due { threshold, account, mechanism: Mechanism::Liquidation };
            Way::BOTH.into_iter().for_each(|way| self.moved.remove(way, due));
        }
    }

    /// An account that the scenario names is no longer as it was at the start.
    #[inline]
    pub(super) fn touch(&mut self, account: AccountId) {
        let named = self.world.named.index();
        if (named..named + self.world.fixed.accounts.len()).contains(&account.index()) {
            self.touched.push(account);
        }
    }

    /// Takes the next waiting account; it has a place, or gets one.
    fn next_waiting(&mut self, way: Way) -> AccountId {
        let Arrival { due, position } = self.waiting[way as usize].take();
        if self.places {
            return due.account;
        }
        self.counts.unseated.0 -= position.qty.0.max(0);
        self.seat(position, position.margin, Watch::Sorted)
    }

    #[inline]
    fn peek(&self, from: Source) -> Option<Due> {
        let mark = self.mark;
        match from {
            Source::Fixed(way) => {
                let (sorted, taken) = (&self.world.fixed.sorted, self.fixed_taken);
                next_due(way, &sorted[way as usize], taken[way as usize], mark)
            }
            Source::Waiting(way) => self.waiting[way as usize].peek(mark).map(|arrival| arrival.due),
            Source::Moved(way) => self.moved.peek(way, mark),
            Source::Cross(at) => self.crosses.get(at).map(|&(_, due)| due),
        }
    }

    /// What the mark has reached first, wherever it stands.
    fn nearest(&self) -> Option<(Due, Source)> {
        let previous = self.previous_mark;
        let crosses = self.crosses.iter().enumerate();
        let crosses = crosses.map(|(at, &(way, due))| (due.rank(way, previous), due, Source::Cross(at)));
        let accounts = Source::ACCOUNTS.into_iter().filter_map(|from| {
            let due = self.peek(from)?;
            let way = match from {
                Source::Fixed(way) | Source::Waiting(way) | Source::Moved(way) => way,
                Source::Cross(_) => return None,
            };
            Some((due.rank(way, previous), due, from))
        });
        let first = crosses.chain(accounts).min_by_key(|&(rank, ..)| rank);
        first.map(|(_, due, from)| (due, from))
    }

    /// Cross accounts whose threshold, which moves with every fill, the mark has reached: the market maker and agents.
    fn crosses_due(&mut self) -> Result<(), RunError> {
        self.crosses.clear();
        if self.maker.alive {
            self.look_at_cross(AccountId::MARKET_MAKER)?;
        }
        for number in 0..self.world.agents.len() {
            let account = venue_account(number);
            let margined = self.world.agents[number].capital.is_some();
            if margined && self.positions[account.index()].qty != Lots::ZERO {
                self.look_at_cross(account)?;
            }
        }
        Ok(())
    }

    fn look_at_cross(&mut self, account: AccountId) -> Result<(), RunError> {
        let due = self.liquidation_due(account)?;
        self.crosses.extend(due.filter(|(way, due)| way.distance(due.threshold, self.mark) >= 0));
        Ok(())
    }

    /// Where an account is due for liquidation as it stands.
    pub(super) fn liquidation_due(&self, account: AccountId) -> Result<Option<(Way, Due)>, RunError> {
        let position = &self.positions[account.index()];
        let collateral = self.collateral(account).whose(account, "collateral")?;
        let rule = &self.world.venue.margin;
        let tick = rule.threshold(position, collateral, self.world.perp.contract);
        let tick = tick.whose(account, "liquidation price")?;
        let due =
            |threshold| (Way::of(position), Due { threshold, account, mechanism: Mechanism::Liquidation });
        Ok(tick.map(due))
    }

    /// Sends one stop or liquidation, unless the position is gone or no longer due.
    #[inline]
    fn force(&mut self, due: Due) -> Result<bool, RunError> {
        let account = due.account;
        let position = self.positions[account.index()];
        let watch = self.watch[account.index()];
        let stop = due.mechanism == Mechanism::Stop;
        if position.qty == Lots::ZERO || watch == Watch::Seized {
            if stop && position.qty != Lots::ZERO && self.places {
                self.late_stops.push((Way::of(&position), due)); // its rest may stay
            }
            return Ok(false);
        }
        // An isolated position that is as it was sorted is due from its threshold on, unless less value lowers the rate.
        let stepped = self.world.venue.tiers.rule() == TierRule::WholePosition;
        let known = watch == Watch::Sorted && !self.is_cross(account) && !stepped;
        if !stop && !known && !self.is_due(account)? {
            if stepped && !self.is_cross(account) {
                self.spared.push(account);
            }
            return Ok(false);
        }
        let route =
            if stop || !self.places { Route::Order(position.qty.abs()) } else { self.route(account)? };
        let mechanism = match route {
            Route::Order(_) => due.mechanism,
            Route::Vault => Mechanism::Backstop,
            Route::Deleverage => Mechanism::Deleveraging,
            Route::Wait => {
                self.cools = true;
                self.spared.push(account);
                return Ok(false);
            }
        };
        if T::ON {
            let record = self.record(Due { mechanism, ..due })?;
            self.records.push(record);
        }
        self.watch[account.index()] = match watch {
            _ if !stop => Watch::Seized,
            Watch::Moved => Watch::Moved, // what was sorted is out of date
            _ => Watch::Stopped,
        };
        self.touch(account);
        if account == AccountId::MARKET_MAKER {
            self.withdraw_maker();
        } else {
            self.withdraw_agent(account)?;
        }
        let mut sent = match route {
            Route::Order(qty) => self.send(account, &position, qty, mechanism)?,
            _ => Sent::nothing(account, mechanism, position.qty),
        };
        sent.again = self.places && !stop && self.note_order(account, sent.ordered < position.qty.abs());
        if self.world.venue.liquidation_order == LiquidationOrder::Fillable {
            self.owe(account, &sent).whose(account, "deficit")?;
        }
        self.sent.push(sent);
        Ok(true)
    }

    /// Remembers that an account's liquidation was ordered in this round; whether it was ordered before.
    fn note_order(&mut self, account: AccountId, part: bool) -> bool {
        let at = account.index();
        if self.ordered.len() <= at {
            self.ordered.resize(self.positions.len(), Ordered::default());
        }
        let ordered = &mut self.ordered[at];
        let again = ordered.any.replace(self.stage.round).is_some();
        if part {
            ordered.part = Some(self.clock);
        }
        again
    }

    /// Whether its liquidation was ordered in this round.
    pub(super) fn liquidated_now(&self, account: AccountId) -> bool {
        self.ordered.get(account.index()).is_some_and(|ordered| ordered.any == Some(self.stage.round))
    }

    /// What the venue does about an account that is due.
    fn route(&self, account: AccountId) -> Result<Route, RunError> {
        let venue = &self.world.venue;
        let qty = self.positions[account.index()].qty.abs();
        if venue.is_plain() || self.is_cross(account) {
            return Ok(Route::Order(qty));
        }
        let part = self.ordered.get(account.index()).and_then(|ordered| ordered.part);
        let since_part = part.map(|then| self.clock - then);
        if venue.liquidation_size.cools_down(since_part) {
            return Ok(Route::Wait);
        }
        if let Some(backstop) = venue.backstop {
            let equity = self.equity(account)?;
            if equity < Quote::ZERO && venue.adl.is_some() {
                return Ok(Route::Deleverage);
            }
            let held = i128::from(self.maintenance(account)?.0) * i128::from(backstop.below.0);
            if equity >= Quote::ZERO && i128::from(equity.0) * i128::from(Rate::ONE) < held {
                return Ok(Route::Vault);
            }
        }
        let contract = self.world.perp.contract;
        let value = contract.worth(self.mark, qty).whose(account, "notional")?;
        let lots = order_qty(venue, Seen { qty, value, since_part }, self.mark, contract);
        lots.map(Route::Order).whose(account, "quantity of an order")
    }

    fn is_due(&self, account: AccountId) -> Result<bool, RunError> {
        let equity = self.equity(account)?;
        Ok(self.world.venue.margin.trigger.met(equity, self.maintenance(account)?))
    }

    /// What equity is held against at the mark: maintenance margin, and the closing fee where the venue counts it.
    pub(super) fn maintenance(&self, account: AccountId) -> Result<Quote, RunError> {
        let Position { qty, cost, .. } = self.positions[account.index()];
        let notional = self.world.perp.contract.worth(self.mark, qty).whose(account, "notional")?;
        let held = self.world.venue.margin.requirement(cost.abs(), notional);
        held.whose(account, "maintenance margin")
    }

    /// What is written down of an order before it is sent.
    fn record(&self, due: Due) -> Result<Liquidation, RunError> {
        let account = due.account;
        let position = self.positions[account.index()];
        let margin = self.collateral(account).whose(account, "collateral")?;
        let value = bankruptcy_value(&position, margin).whose(account, "bankruptcy value")?;
        Ok(Liquidation {
            mechanism: due.mechanism,
            position: position.qty,
            threshold: due.threshold,
            mark: self.mark,
            margin,
            equity: self.equity(account)?,
            maintenance: self.maintenance(account)?,
            bankruptcy_value: self.world.perp.contract.directed(value),
            ..Liquidation::none(account)
        })
    }

    /// The order itself: a stop at market, a liquidation as the venue sends them.
    #[inline]
    fn send(
        &mut self,
        account: AccountId,
        position: &Position,
        qty: Lots,
        mechanism: Mechanism,
    ) -> Result<Sent, RunError> {
        let mut sent = Sent::nothing(account, mechanism, position.qty);
        sent.ordered = qty;
        let stop = mechanism == Mechanism::Stop;
        let kind = match self.limit(account, position)? {
            // No bid could be at or above it; nothing is sent.
            Some(price) if !stop && price.0 < 1 => return Ok(sent),
            Some(price) if !stop => OrderKind::Limit { price: price.min(MAX_PRICE), tif: TimeInForce::Ioc },
            _ => OrderKind::Market,
        };
        let side = Side::closing(position.qty);
        let order = NewOrder { owner: account, side, qty, kind };
        let before = self.free_cash(account)?;
        let cause = if stop { Cause::Stop } else { Cause::Liquidation };
        sent.filled = self.trade(Market::Perp, order, cause)?;
        sent.freed = self.free_cash(account)?.minus(before).whose(account, "free cash")?;
        Ok(sent)
    }

    /// How far a liquidation's order may go.
    #[inline]
    fn limit(&self, account: AccountId, position: &Position) -> Result<Option<Ticks>, RunError> {
        let (venue, contract) = (&self.world.venue, self.world.perp.contract);
        match venue.liquidation_order {
            LiquidationOrder::Market => Ok(None),
            LiquidationOrder::LimitAtBankruptcy => {
                let collateral = self.collateral(account);
                let price = collateral.and_then(|margin| bankruptcy_price(position, margin, contract));
                price.map(Some).whose(account, "bankruptcy price")
            }
            LiquidationOrder::Fillable => {
                let value = contract.worth(self.mark, position.qty).whose(account, "notional")?;
                let standing = (self.equity(account)?, self.maintenance(account)?);
                let side = Side::closing(position.qty);
                let price = fillable_price(venue, side, self.mark, value, standing);
                let price = price.whose(account, "fillable price")?;
                let bearable = self.bearable(account, position, contract).whose(account, "fillable price")?;
                Ok(Some(if side == Side::Buy { price.min(bearable) } else { price.max(bearable) }))
            }
        }
    }

    /// How far an order may go so that the fund can still pay for what is lacking.
    fn bearable(
        &self,
        account: AccountId,
        position: &Position,
        contract: Contract,
    ) -> Result<Ticks, Overflow> {
        let fund = self.ledger.balance(LedgerAccount::InsuranceFund).minus(self.owed)?;
        let behind = self.collateral(account)?.plus(fund.max(Quote::ZERO))?;
        bankruptcy_price(position, behind, contract)
    }

    /// What an order lacks is owed by the fund from now on.
    fn owe(&mut self, account: AccountId, sent: &Sent) -> Result<(), Overflow> {
        let behind = if self.is_cross(account) {
            self.ledger.cash(account)
        } else {
            sent.freed.plus(self.positions[account.index()].margin)?
        };
        self.owed = self.owed.plus((-behind).max(Quote::ZERO))?;
        Ok(())
    }

    /// Cancels all the market maker has in the perpetual's book and takes him out.
    pub(super) fn withdraw_maker(&mut self) {
        self.perp.supply_mut().close();
        self.perp.cancel_owner(AccountId::MARKET_MAKER);
        self.maker.alive = false;
    }
}
