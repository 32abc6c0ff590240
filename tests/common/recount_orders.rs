//! Orders of phase 4 and what settling them moves, from `docs/MODEL.md` section 7.

use perpcore::event::{Cause, Liquidation, Mechanism, Trade};
use perpcore::margin::{TierRule, Trigger};
use perpcore::venue::{AdlTrigger, Leftover, LiquidationOrder, LiquidationSize, Rest};

use super::{DESK, Holding, MAKER, NAMED, ONE, Of, Recount, VAULT, hold, up};

/// One order of the round.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// The account when it was sent.
    pub before: Holding,
    pub route: Route,
    /// How far from the mark it goes, if it is fillable.
    away: i128,
    pub freed: i128,
    pub filled: i128,
    pub value: i128,
}

/// What the venue does about an account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Route {
    Order(i128),
    Vault,
    Deleverage,
    Wait,
}

/// How an order was settled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    pub returned: i128,
    pub deficit: i128,
    pub by_fund: i128,
    pub by_venue: i128,
    pub fee: i128,
    pub taken_qty: i128,
    pub taken_value: i128,
    pub adl_qty: i128,
    pub adl_value: i128,
    pub relief: i128,
}

impl Recount<'_> {
    fn tier(&self, notional: i128) -> usize {
        self.tiers.iter().rposition(|tier| tier.0 <= notional).unwrap_or(0)
    }

    /// Maintenance of a notional in billionths, to a whole one.
    fn maintenance(&self, notional: i128) -> i128 {
        let i = self.tier(notional);
        let (floor, rate) = self.tiers[i];
        match self.world.venue.tiers.rule() {
            TierRule::Marginal => {
                let ends = self.tiers.iter().skip(1).map(|t| t.0).chain([i128::MAX]);
                self.tiers.iter().zip(ends).map(|(t, end)| (notional.min(end) - t.0).max(0) * t.1).sum()
            }
            TierRule::WholePosition => notional * rate,
            TierRule::Linear => {
                let rises =
                    |next: &(i128, i128)| up(notional * (notional - floor) * (next.1 - rate), next.0 - floor);
                notional * rate + self.tiers.get(i + 1).map_or(0, rises)
            }
        }
    }

    /// What equity is held against.
    pub fn requirement(&self, own: &Holding) -> i128 {
        let rule = &self.world.venue.margin;
        let value = self.value(self.mark, own.qty).abs();
        let of = if rule.is_at_entry() { own.cost.abs() } else { value };
        up(self.maintenance(of) + value * i128::from(rule.close_fee().0), ONE)
    }

    /// Whether an account is due for liquidation at the mark.
    pub fn due(&self, account: usize, own: &Holding) -> bool {
        let (equity, held) = (self.equity(account, own), self.requirement(own));
        match self.world.venue.margin.trigger {
            Trigger::AtOrBelow => own.qty != 0 && equity <= held,
            Trigger::Below => own.qty != 0 && equity < held,
        }
    }

    pub fn route(&self, account: usize, own: &Holding) -> Route {
        let (venue, lots) = (&self.world.venue, own.qty.abs());
        if account == MAKER {
            return Route::Order(lots);
        }
        let since = self.parts.get(&account).map(|round| self.round - round);
        if let LiquidationSize::Share(rule) = venue.liquidation_size
            && rule.cooldown > 0
            && since.is_some_and(|since| since <= rule.cooldown)
        {
            return Route::Wait;
        }
        if let Some(backstop) = venue.backstop {
            let (equity, held) = (self.equity(account, own), self.requirement(own));
            if equity >= 0 && equity * ONE < held * i128::from(backstop.below.0) {
                return Route::Vault;
            }
            if equity < 0 && venue.adl.is_some() {
                return Route::Deleverage;
            }
        }
        self.lots(own, since)
    }

    fn lots(&self, own: &Holding, since: Option<u64>) -> Route {
        let (all, a_lot) = (own.qty.abs(), self.value(self.mark, 1));
        let value = self.value(self.mark, all);
        match self.world.venue.liquidation_size {
            LiquidationSize::All => Route::Order(all),
            LiquidationSize::Tiers(down) => {
                let i = self.tier(value);
                if i < down {
                    return Route::Order(all);
                }
                // The most lots that are worth less than the floor.
                Route::Order(all - (self.tiers[i - down + 1].0 - 1) / a_lot)
            }
            LiquidationSize::Share(rule) => {
                let again = rule.whole_within > 0 && since.is_some_and(|since| since <= rule.whole_within);
                if again || value <= i128::from(rule.whole_below.0) {
                    return Route::Order(all);
                }
                let part = up(all * i128::from(rule.share.0), ONE);
                Route::Order(part.max(up(rule.least.0.into(), a_lot)).min(all))
            }
        }
    }

    /// How far from the mark a fillable order goes.
    fn fillable(&self, account: usize, own: &Holding) -> i128 {
        let venue = &self.world.venue;
        let (equity, held) = (self.equity(account, own), self.requirement(own));
        let adjustment = i128::from(venue.bankruptcy_adjustment.0);
        let gone =
            if held == 0 { ONE } else { ((held - equity) * adjustment).div_euclid(held).clamp(0, ONE) };
        let most = held * i128::from(venue.fillable_spread.0) / self.value(self.mark, own.qty).abs();
        self.mark * (most * gone / ONE) / ONE
    }

    /// Whether a fill at this price is within the order's limit.
    fn within_limit(&self, account: usize, order: &Order, price: i128) -> bool {
        let own = &order.before;
        match self.world.venue.liquidation_order {
            LiquidationOrder::Market => true,
            LiquidationOrder::LimitAtBankruptcy => {
                let collateral = if account == MAKER { own.cash } else { own.margin };
                self.value(price, own.qty) - own.cost + collateral >= 0
            }
            LiquidationOrder::Fillable if own.qty < 0 => price <= self.mark + order.away,
            LiquidationOrder::Fillable => price >= self.mark - order.away,
        }
    }

    /// The account's order of the round: it must be due for it.
    fn order(&mut self, account: usize, stop: bool) -> Order {
        if let Some(order) = self.now.orders[usize::from(stop)].get(&account) {
            return *order;
        }
        let own = self.held[account];
        let earlier = if stop { &self.now.undiminished } else { &self.now.unsettled };
        let before = earlier.get(&account).copied().unwrap_or(own);
        let route = if stop { Route::Order(before.qty.abs()) } else { self.route(account, &before) };
        let fillable = !stop && self.world.venue.liquidation_order == LiquidationOrder::Fillable;
        let away = if fillable { self.fillable(account, &before) } else { 0 };
        let order = Order { before, route, away, freed: 0, filled: 0, value: 0 };
        self.now.orders[usize::from(stop)].insert(account, order);
        if stop {
            let tick = self.stops[account - NAMED].unwrap_or(0);
            let reached = self.reached(&before, tick) && !self.fired.contains(&account);
            hold!(self, reached, "stop of {account} at {tick} fires at {}: {before:?}", self.mark);
        } else {
            let due = self.due(account, &before);
            hold!(self, due, "{account} is liquidated above maintenance at {}: {before:?}", self.mark);
            hold!(self, route != Route::Wait, "{account} has an order while it cools down: {before:?}");
        }
        order
    }

    /// A forced order trades: it closes what is there, no more than it is for, and keeps to its limit.
    pub fn forced(&mut self, trade: &Trade) {
        let (account, stop) = (trade.taker.index(), trade.cause == Cause::Stop);
        let order = self.order(account, stop);
        let under_way = self.deal.map_or(0, |deal| deal.signed);
        let open = self.held[account].qty + under_way;
        let lots = i128::from(trade.qty.0);
        let left = open + lots * i128::from(trade.taker_side.sign());
        let closes = left.abs() < open.abs() && left * open >= 0;
        hold!(self, closes, "not an order within its position {open}: {trade:?}");
        let Route::Order(most) = order.route else {
            hold!(self, false, "{account} goes to {:?}, not the book: {trade:?}", order.route);
            return;
        };
        let filled = order.filled + under_way.abs() + lots;
        hold!(self, filled <= most, "{account} fills {filled} of {most}: {order:?}");
        if !stop {
            let within = self.within_limit(account, &order, trade.price.0.into());
            hold!(self, within, "{account} fills beyond its limit: {order:?} {trade:?}");
        }
    }

    /// Losses are met from the margin; the rest is a deficit. What is more is free.
    pub fn meet(&mut self, account: usize, free: i128, settled: &mut Settled) -> i128 {
        let own = &mut self.held[account];
        let used = (-free).max(0).min(own.margin);
        own.margin -= used;
        let deficit = (-free - used).max(0);
        let (by_fund, by_venue) = self.cover(account, deficit);
        settled.deficit += deficit;
        settled.by_fund += by_fund;
        settled.by_venue += by_venue;
        free.max(0)
    }

    /// What is free goes to the fund, if the venue has it so.
    pub fn give_back(&mut self, account: usize, free: i128) {
        self.held[account].cash -= free;
        self.system[2] += free;
        self.now.expected.left_over += free;
    }

    fn charge(&mut self, account: usize, value: i128, most: i128) -> i128 {
        let fee = up(value * i128::from(self.world.venue.liquidation_fee.0), ONE).min(most);
        self.held[account].cash -= fee;
        self.system[2] += fee;
        self.now.expected.fees += fee;
        self.see("a liquidation fee", fee > 0);
        fee
    }

    /// An order that closed, or leaves what is not the account's for long.
    pub fn close(&mut self, account: usize, order: &Order) -> Settled {
        let mut settled = Settled::default();
        if account == MAKER {
            // All of his cash stands behind what is left.
            let cash = self.held[account].cash;
            let free = self.meet(account, cash, &mut settled);
            self.held[account].margin = free;
            return settled;
        }
        let free = self.meet(account, order.freed, &mut settled);
        if free > 0 {
            settled.fee = self.charge(account, order.value, free);
            settled.returned = free - settled.fee;
            if self.world.venue.leftover == Leftover::Fund {
                self.give_back(account, settled.returned);
            } else {
                self.see("left-over margin that stays the trader's", settled.returned > 0);
            }
        }
        settled
    }

    fn stays(&self, account: usize, order: &Order) -> bool {
        let (own, Route::Order(lots)) = (self.held[account], order.route) else { return false };
        if own.qty == 0 || account == MAKER {
            return false;
        }
        if lots < order.before.qty.abs() && order.filled == lots {
            return true;
        }
        self.world.venue.rest == Rest::Keep && own.margin + order.freed + self.profit(&own) >= 0
    }

    fn keep(&mut self, account: usize, order: &Order) -> Settled {
        let mut settled = Settled::default();
        let behind = self.held[account].margin + order.freed;
        self.held[account].margin = 0;
        let behind = self.meet(account, behind, &mut settled);
        settled.fee = self.charge(account, order.value, behind);
        self.held[account].margin = behind - settled.fee;
        let whole = order.route == Route::Order(order.before.qty.abs());
        self.see("a rest that was kept", whole || self.world.venue.rest == Rest::Keep);
        self.see("an order that filled nothing and leaves all", order.filled == 0);
        self.see("a kept rest whose margin was gone", settled.deficit > 0);
        settled
    }

    /// Whether counterparties are deleveraged instead of a takeover by the desk.
    pub fn deleverages(&self, account: usize, order: &Order) -> bool {
        let Some(rule) = self.world.venue.adl else { return false };
        if order.route == Route::Deleverage || self.world.venue.rest == Rest::Keep && account != MAKER {
            return true;
        }
        let own = self.held[account];
        let (equity, fund) = (own.margin + self.profit(&own), self.fund_worth());
        let exhausted = equity < 0 && fund + equity < 0;
        match rule.trigger {
            AdlTrigger::Always => true,
            AdlTrigger::FundExhausted => exhausted,
            AdlTrigger::FundDrawdown => {
                let kept = up(self.highest_fund * (ONE - i128::from(rule.drawdown.0)), ONE);
                exhausted || fund + equity.min(0) < kept
            }
        }
    }

    /// The rest is settled as after a closed order, then its counterparties are sought.
    pub fn begin_account(&mut self, account: usize) {
        if self.now.group.as_ref().is_some_and(|group| group.against == account) {
            return;
        }
        let order = self.order(account, false);
        hold!(self, !self.stays(account, &order), "{account} stays but is deleveraged: {order:?}");
        let settled = self.close(account, &order);
        let expected = self.deleverages(account, &order);
        hold!(self, expected, "{account} is deleveraged without a reason: {order:?}");
        self.now.begun = Some((account, settled));
        let value = self.adl_value(account);
        self.begin_group(account, value);
    }

    pub fn take_over(&mut self, account: usize, to: usize, settled: &mut Settled) {
        let Holding { qty, cost, margin, cash, tokens } = self.held[account];
        settled.taken_qty = qty.abs();
        settled.taken_value = if qty < 0 { margin - cost } else { cost - margin };
        self.held[account] = Holding { cash: cash - margin, tokens, ..Holding::default() };
        self.now.expected.taken += margin.abs();
        let whole = &mut self.held[to];
        whole.qty += qty;
        whole.cost += cost;
        whole.margin += margin;
        whole.cash += margin;
        if whole.qty == 0 {
            whole.cash -= whole.cost;
            self.system[3] += whole.cost;
            (whole.cost, whole.margin) = (0, 0);
        }
    }

    pub fn liquidated(&mut self, record: &Liquidation) {
        let account = record.account.index();
        let order = self.order(account, false);
        let mechanism = match order.route {
            Route::Vault => Mechanism::Backstop,
            Route::Deleverage => Mechanism::Deleveraging,
            _ => Mechanism::Liquidation,
        };
        hold!(self, record.mechanism == mechanism, "{mechanism:?} of {order:?}: {record:?}");
        let kept = self.now.begun.is_none() && self.stays(account, &order);
        let mut settled = if let Some((begun, settled)) = self.now.begun.take() {
            hold!(self, begun == account, "{begun} is not settled: {record:?}");
            self.end_account(account, settled)
        } else if order.route == Route::Vault {
            let mut settled = Settled::default();
            self.take_over(account, VAULT, &mut settled);
            settled
        } else if kept {
            self.keep(account, &order)
        } else {
            self.leave(account, &order)
        };
        if self.held[account].qty != 0 && !kept {
            self.take_over(account, DESK, &mut settled);
        }
        self.tally(account, &order, &settled, record);
        self.note(account, &order, &settled);
        let again = self.ordered.insert(account, self.round).is_some();
        self.sum(Of::LiquidatedAccounts, i128::from(!again));
        if matches!(order.route, Route::Order(lots) if lots < order.before.qty.abs()) {
            self.parts.insert(account, self.round);
        }
        self.now.liquidated.insert(account);
        self.maker_out |= account == MAKER;
    }

    /// Nobody was deleveraged; then nobody could be.
    fn leave(&mut self, account: usize, order: &Order) -> Settled {
        let settled = self.close(account, order);
        if self.held[account].qty == 0 || !self.deleverages(account, order) {
            return settled;
        }
        self.begin_group(account, self.adl_value(account));
        self.see("nobody to be deleveraged", true);
        self.end_account(account, settled)
    }

    pub fn stopped(&mut self, record: &Liquidation) {
        let account = record.account.index();
        let order = self.order(account, true);
        let mut settled = Settled::default();
        self.now.unsettled.insert(account, self.held[account]);
        settled.returned = self.meet(account, order.freed, &mut settled);
        self.tally(account, &order, &settled, record);
        self.sum(Of::StoppedAccounts, 1);
        self.now.stopped.insert(account);
        self.fired.insert(account);
    }

    /// The record says what was worked out, and goes into the sums of the round.
    fn tally(&mut self, account: usize, order: &Order, settled: &Settled, record: &Liquidation) {
        let Order { before, .. } = *order;
        let collateral = if account == MAKER { before.cash } else { before.margin };
        let mut figures = [
            (before.qty, record.position.0),
            (self.mark, record.mark.0),
            (collateral, record.margin.0),
            (self.equity(account, &before), record.equity.0),
            (self.requirement(&before), record.maintenance.0),
            (order.filled, record.filled_qty.0),
            (order.value, record.filled_value.0),
            (order.freed, record.freed.0),
            (settled.taken_qty, record.taken_over_qty.0),
            (settled.taken_value, record.taken_over_value.0),
            (settled.adl_qty, record.adl_qty.0),
            (settled.adl_value, record.adl_value.0),
            (settled.relief, record.adl_relief.0),
            (settled.fee, record.liquidation_fee.0),
            (settled.returned, record.returned.0),
            (settled.deficit, record.deficit.0),
            (settled.by_fund, record.paid_by_fund.0),
            (settled.by_venue, record.venue_loss.0),
        ]
        .into_iter();
        let same = figures.all(|(own, theirs)| own == i128::from(theirs));
        hold!(self, same, "{account}: {order:?} {settled:?}: {record:?}");
        let parts = order.filled + settled.taken_qty + settled.adl_qty;
        let stop = record.mechanism == Mechanism::Stop;
        if !stop {
            let held = self.held[account].qty;
            hold!(self, parts + held.abs() == before.qty.abs(), "{held} is still held: {record:?}");
        }
        let side = if before.qty < 0 { Of::ForcedBuy } else { Of::ForcedSell };
        self.sum(side, order.value + settled.taken_value);
        self.sum(if stop { Of::StoppedQty } else { Of::LiquidatedQty }, order.filled);
        self.sum(Of::LiquidatedValue, if stop { 0 } else { order.value });
        self.sum(Of::TakenQty, settled.taken_qty);
        self.sum(Of::TakenValue, if settled.taken_qty == 0 { 0 } else { settled.taken_value });
        self.sum(Of::Relief, settled.relief);
        self.sum(Of::Fees, settled.fee);
    }

    /// No more orders than the venue sends; if it sent fewer, whoever was due when the round began had one, or cools down.
    pub fn nobody_forgotten(&mut self) {
        let limit = self.world.venue.liquidations_per_round.unwrap_or(u64::MAX);
        let orders = (self.now.liquidated.len() + self.now.stopped.len()) as u64;
        hold!(self, orders <= limit, "{orders} orders in a round, {limit} allowed");
        for id in self.now.passed.clone() {
            let reason = self.now.liquidated.contains(&id) || id == MAKER && self.maker_out;
            hold!(self, reason, "{id} was passed over: {:?}", self.held[id]);
        }
        for id in self.now.deleveraged.intersection(&self.now.liquidated).copied().collect::<Vec<_>>() {
            hold!(self, false, "{id} was liquidated and deleveraged in one round");
        }
        if orders >= limit {
            return;
        }
        for id in self.now.due.clone() {
            let had = self.now.liquidated.contains(&id) || self.now.stopped.contains(&id);
            let own = self.held[id];
            let cools = !had && self.route(id, &own) == Route::Wait;
            self.see("an account that cools down", cools);
            hold!(self, had || cools, "{id} is due and got no order: {own:?}");
        }
        for id in self.now.stops_due.clone() {
            let had = self.now.liquidated.contains(&id) || self.now.stopped.contains(&id);
            hold!(self, had, "stop of {id} was reached and not sent: {:?}", self.held[id]);
        }
    }
}
