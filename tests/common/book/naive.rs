//! The slow book: sorted vectors, plain loops, a copy of everything where something is tried out. It shares the order types
//! with the real book, and no code.

use std::collections::HashMap;

use perpcore::book::{NewOrder, OrderKind, SelfTrade, Source, Terms, TimeInForce, Trigger, TriggerKind};
use perpcore::error::Reject;
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Side, Ticks};

use super::{Ask, Told, Why};

const MAX_PRICE: i64 = 1 << 40;
const MAX_LEVEL: i128 = (1 << 62) - 1;

#[derive(Clone, Debug)]
pub struct Order {
    pub tag: u64,
    pub price: i64,
    pub qty: i64,
    pub owner: u32,
    pub terms: Terms,
}

#[derive(Clone, Debug)]
pub struct Waiting {
    pub tag: u64,
    pub order: NewOrder,
    pub terms: Terms,
    pub trigger: Trigger,
}

/// Where and how an order may enter.
struct Entry {
    qty: i64,
    limit: Option<i64>,
    rest: Option<i64>,
    whole: bool,
}

/// Both sides sorted with the next order to trade last.
#[derive(Clone, Default)]
pub struct NaiveBook {
    bids: Vec<Order>,
    asks: Vec<Order>,
    pub waiting: Vec<Waiting>,
    pub last: Option<i64>,
    pub mark: Option<i64>,
    pub index: Option<i64>,
    pub volume: i64,
    pub now: i64,
    pub halted: bool,
    pub band: Option<(i64, i64)>,
    pub rule: SelfTrade,
    pub min_notional: i128,
    pub positions: HashMap<u32, i64>,
    next_in: Vec<u64>,
}

fn within(side: Side, limit: Option<i64>, price: i64) -> bool {
    match (limit, side) {
        (None, _) => true,
        (Some(limit), Side::Buy) => price <= limit,
        (Some(limit), Side::Sell) => price >= limit,
    }
}

fn reached(trigger: Trigger, side: Side, price: i64) -> bool {
    match (trigger.kind, side) {
        (TriggerKind::Stop, Side::Buy) | (TriggerKind::TakeProfit, Side::Sell) => price >= trigger.price.0,
        (TriggerKind::Stop, Side::Sell) | (TriggerKind::TakeProfit, Side::Buy) => price <= trigger.price.0,
    }
}

impl NaiveBook {
    pub fn side(&self, side: Side) -> &Vec<Order> {
        if side == Side::Buy { &self.bids } else { &self.asks }
    }

    fn side_mut(&mut self, side: Side) -> &mut Vec<Order> {
        if side == Side::Buy { &mut self.bids } else { &mut self.asks }
    }

    /// The caller names a new order by a tag of his own; tags rise.
    pub fn apply(&mut self, tag: u64, ask: Ask) -> Result<Vec<Told>, Reject> {
        let mut told = Vec::new();
        match ask {
            Ask::Add(order, terms) => self.add(tag, order, terms, &mut told)?,
            Ask::Cancel(tag) => self.cancel(tag, Why::Asked, &mut told)?,
            Ask::Reduce(tag, by) => self.reduce(tag, by, &mut told)?,
            Ask::Replace(tag, price, qty, tif) => self.replace(tag, price, qty, tif, &mut told)?,
            Ask::Owner(owner) => {
                let of_bids = self.bids.iter().chain(&self.asks).filter(|o| o.owner == owner).map(|o| o.tag);
                let waiting = self.waiting.iter().filter(|w| w.order.owner.0 == owner).map(|w| w.tag);
                let tags: Vec<u64> = of_bids.chain(waiting).collect();
                tags.into_iter().for_each(|tag| self.cancel(tag, Why::Owner, &mut told).unwrap());
            }
            Ask::Clock(now) => self.clock(now, &mut told)?,
            Ask::Mark(price) => {
                self.mark = Some(checked(price)?);
                self.line_up(Source::Mark);
            }
            Ask::Index(price) => {
                self.index = Some(checked(price)?);
                self.line_up(Source::Index);
            }
            Ask::Band(band) => {
                if band.is_some_and(|(low, high)| low < 1 || high > MAX_PRICE || low > high) {
                    return Err(Reject::Band);
                }
                self.band = band;
            }
            Ask::Halt => self.halted = true,
            Ask::Resume => {
                self.halted = false;
                [Source::Mark, Source::Last, Source::Index].into_iter().for_each(|s| self.line_up(s));
            }
        }
        while !self.next_in.is_empty() {
            let tag = self.next_in.remove(0);
            self.trigger(tag, &mut told);
        }
        Ok(told)
    }

    fn add(&mut self, tag: u64, order: NewOrder, terms: Terms, told: &mut Vec<Told>) -> Result<(), Reject> {
        self.check_form(&order, &terms)?;
        if let Some(trigger) = terms.trigger {
            if self.watched(trigger.source).is_some_and(|price| reached(trigger, order.side, price)) {
                return Err(Reject::WouldTrigger);
            }
            told.push(Told::Accepted { tag, qty: order.qty.0 });
            self.waiting.push(Waiting { tag, order, terms, trigger });
            return Ok(());
        }
        let entry = self.check_entry(&order, &terms, None)?;
        told.push(Told::Accepted { tag, qty: entry.qty });
        self.enter(tag, &order, terms, &entry, told);
        Ok(())
    }

    fn watched(&self, source: Source) -> Option<i64> {
        match source {
            Source::Mark => self.mark,
            Source::Last => self.last,
            Source::Index => self.index,
        }
    }

    fn check_form(&self, order: &NewOrder, terms: &Terms) -> Result<(), Reject> {
        if order.qty.0 <= 0 {
            return Err(Reject::Quantity);
        }
        if self.halted {
            return Err(Reject::Halted);
        }
        match order.kind {
            OrderKind::Market => {}
            OrderKind::Limit { price, .. } | OrderKind::Protected { price } => _ = checked(price.0)?,
        }
        if let Some(trigger) = terms.trigger {
            checked(trigger.price.0)?;
        }
        match terms.expires {
            Some(at) if at.0 <= self.now => Err(Reject::Time),
            _ => Ok(()),
        }
    }

    fn check_entry(&self, order: &NewOrder, terms: &Terms, own: Option<u64>) -> Result<Entry, Reject> {
        let edge = self.band.map(|(low, high)| if order.side == Side::Buy { high } else { low });
        let mut entry = Entry { qty: order.qty.0, limit: edge, rest: None, whole: false };
        let mut tif = TimeInForce::Ioc;
        match order.kind {
            OrderKind::Market => {}
            OrderKind::Protected { price } => {
                let nearer =
                    |edge: i64| if order.side == Side::Buy { edge.min(price.0) } else { edge.max(price.0) };
                entry.limit = Some(edge.map_or(price.0, nearer));
            }
            OrderKind::Limit { price, tif: asked } => {
                if self.band.is_some_and(|(low, high)| price.0 < low || price.0 > high) {
                    return Err(Reject::Band);
                }
                entry.limit = Some(price.0);
                tif = asked;
            }
        }
        if terms.reduce_only {
            entry.qty = entry.qty.min(self.reducible(order.owner.0, order.side));
            if entry.qty == 0 {
                return Err(Reject::ReduceOnly);
            }
        } else {
            let price = match order.kind {
                OrderKind::Limit { price, .. } => Some(price.0),
                _ => self.best(order.side.opposite()),
            };
            let worth = price.map(|price| i128::from(price) * i128::from(order.qty.0));
            if worth.is_some_and(|worth| worth < self.min_notional) {
                return Err(Reject::MinNotional);
            }
        }
        entry.whole = tif == TimeInForce::Fok;
        if matches!(tif, TimeInForce::Ioc | TimeInForce::Fok) {
            return Ok(entry);
        }
        let mut price = entry.limit.unwrap();
        if let (TimeInForce::PostOnly | TimeInForce::PostOnlySlide, Some(best)) =
            (tif, self.best(order.side.opposite()).filter(|&best| within(order.side, Some(price), best)))
        {
            price = if order.side == Side::Buy { best - 1 } else { best + 1 };
            if tif == TimeInForce::PostOnly || checked(price).is_err() {
                return Err(Reject::WouldTrade);
            }
            if self.band.is_some_and(|(low, high)| price < low || price > high) {
                return Err(Reject::Band);
            }
            entry.limit = Some(price);
        }
        entry.rest = Some(price);
        if self.level(order.side, price, own) + i128::from(entry.qty) > MAX_LEVEL {
            return Err(Reject::LevelOverflow);
        }
        Ok(entry)
    }

    fn reducible(&self, owner: u32, side: Side) -> i64 {
        let position = self.positions.get(&owner).copied().unwrap_or(0);
        if side == Side::Buy { (-position).max(0) } else { position.max(0) }
    }

    fn enter(&mut self, tag: u64, order: &NewOrder, terms: Terms, entry: &Entry, told: &mut Vec<Told>) {
        let (owner, mut left) = (order.owner.0, entry.qty);
        if entry.whole {
            let mut copy = self.clone();
            let mut said = Vec::new();
            let missing = copy.trade(tag, order, &terms, entry, &mut said);
            let traded = said
                .iter()
                .map(|told| if let Told::Filled { qty, .. } = told { i128::from(*qty) } else { 0 });
            if missing > 0 || traded.sum::<i128>() < i128::from(entry.qty) {
                told.push(Told::Cancelled { tag, owner, qty: left, left: 0, why: Why::Killed });
            } else {
                *self = copy;
                told.extend(said);
            }
            left = 0;
        } else {
            left = self.trade(tag, order, &terms, entry, told).min(left);
        }
        match entry.rest {
            Some(price) if left > 0 => {
                told.push(Told::Rested { tag, price, qty: left });
                self.rest(order.side, Order { tag, price, qty: left, owner, terms });
            }
            _ if left > 0 => {
                told.push(Told::Cancelled { tag, owner, qty: left, left: 0, why: Why::Unfilled })
            }
            _ => {}
        }
        self.line_up(Source::Last);
    }

    /// Trades; what is left.
    fn trade(
        &mut self,
        tag: u64,
        order: &NewOrder,
        terms: &Terms,
        entry: &Entry,
        told: &mut Vec<Told>,
    ) -> i64 {
        let (owner, against) = (order.owner.0, order.side.opposite());
        let rule = terms.self_trade.unwrap_or(self.rule);
        let mut left = entry.qty;
        while left > 0 {
            let Some(maker) = self.side(against).last().cloned() else { break };
            if !within(order.side, entry.limit, maker.price) {
                break;
            }
            let may = if maker.terms.reduce_only { self.reducible(maker.owner, against) } else { maker.qty };
            if may < maker.qty {
                self.cut_best(against, maker.qty - may, Why::ReduceOnly, told);
                continue;
            }
            let least = left.min(maker.qty);
            if maker.owner == owner && rule != SelfTrade::Allow {
                let (of_maker, of_taker) = match rule {
                    SelfTrade::CancelNewest => (0, left),
                    SelfTrade::CancelOldest => (maker.qty, 0),
                    SelfTrade::CancelBoth => (maker.qty, left),
                    _ => (least, least),
                };
                if of_maker > 0 {
                    self.cut_best(against, of_maker, Why::SelfTrade, told);
                }
                if of_taker > 0 {
                    left -= of_taker;
                    told.push(Told::Cancelled { tag, owner, qty: of_taker, left, why: Why::SelfTrade });
                }
                continue;
            }
            left -= least;
            let maker_left = self.take_off_best(against, least);
            *self.positions.entry(owner).or_default() += order.side.sign() * least;
            *self.positions.entry(maker.owner).or_default() -= order.side.sign() * least;
            self.last = Some(maker.price);
            self.volume = self.volume.saturating_add(least);
            let (price, maker_owner, maker) = (maker.price, maker.owner, maker.tag);
            told.push(Told::Filled { taker: tag, owner, maker, maker_owner, price, qty: least, maker_left });
        }
        left
    }

    fn take_off_best(&mut self, side: Side, qty: i64) -> i64 {
        let orders = self.side_mut(side);
        let best = orders.last_mut().unwrap();
        best.qty -= qty;
        let left = best.qty;
        if left == 0 {
            orders.pop();
        }
        left
    }

    fn cut_best(&mut self, side: Side, qty: i64, why: Why, told: &mut Vec<Told>) {
        let (tag, owner) = self.side(side).last().map(|o| (o.tag, o.owner)).unwrap();
        let left = self.take_off_best(side, qty);
        told.push(Told::Cancelled { tag, owner, qty, left, why });
    }

    /// Puts an order behind all that are at its price or better.
    pub fn rest(&mut self, side: Side, order: Order) {
        let orders = self.side_mut(side);
        let at = orders.partition_point(|o| match side {
            Side::Buy => o.price < order.price,
            Side::Sell => o.price > order.price,
        });
        orders.insert(at, order);
    }

    pub fn level(&self, side: Side, price: i64, but: Option<u64>) -> i128 {
        let orders = self.side(side);
        let from = orders.partition_point(|o| match side {
            Side::Buy => o.price < price,
            Side::Sell => o.price > price,
        });
        let there = orders[from..].iter().take_while(|o| o.price == price).filter(|o| Some(o.tag) != but);
        there.map(|o| i128::from(o.qty)).sum()
    }

    fn find(&self, tag: u64) -> Option<(Side, usize)> {
        for side in Side::BOTH {
            if let Some(at) = self.side(side).iter().position(|o| o.tag == tag) {
                return Some((side, at));
            }
        }
        None
    }

    pub fn order(&self, tag: u64) -> Option<(Side, Order)> {
        self.find(tag).map(|(side, at)| (side, self.side(side)[at].clone()))
    }

    fn cancel(&mut self, tag: u64, why: Why, told: &mut Vec<Told>) -> Result<(), Reject> {
        let (owner, qty) = if let Some((side, at)) = self.find(tag) {
            let order = self.side_mut(side).remove(at);
            (order.owner, order.qty)
        } else {
            let at = self.waiting.iter().position(|w| w.tag == tag).ok_or(Reject::UnknownOrder)?;
            let gone = self.waiting.remove(at);
            (gone.order.owner.0, gone.order.qty.0)
        };
        told.push(Told::Cancelled { tag, owner, qty, left: 0, why });
        Ok(())
    }

    fn reduce(&mut self, tag: u64, by: i64, told: &mut Vec<Told>) -> Result<(), Reject> {
        if by <= 0 {
            return Err(Reject::Quantity);
        }
        let qty = match self.find(tag) {
            Some((side, at)) => &mut self.side_mut(side)[at].qty,
            None => match self.waiting.iter_mut().find(|w| w.tag == tag) {
                Some(waiting) => &mut waiting.order.qty.0,
                None => return Err(Reject::UnknownOrder),
            },
        };
        if by >= *qty {
            return self.cancel(tag, Why::Asked, told);
        }
        *qty -= by;
        told.push(Told::Reduced { tag, left: *qty });
        Ok(())
    }

    fn replace(
        &mut self,
        tag: u64,
        price: i64,
        qty: i64,
        tif: TimeInForce,
        told: &mut Vec<Told>,
    ) -> Result<(), Reject> {
        let Some((side, at)) = self.find(tag) else {
            let waits = self.waiting.iter().any(|w| w.tag == tag);
            return Err(if waits { Reject::Waiting } else { Reject::UnknownOrder });
        };
        if matches!(tif, TimeInForce::Ioc | TimeInForce::Fok) {
            return Err(Reject::TimeInForce);
        }
        let old = self.side(side)[at].clone();
        let kind = OrderKind::Limit { price: Ticks(price), tif };
        let owner = AccountId(old.owner);
        let order = NewOrder { owner, side, qty: Lots(qty), kind };
        self.check_form(&order, &old.terms)?;
        let entry = self.check_entry(&order, &old.terms, Some(tag))?;
        let price = entry.rest.unwrap();
        let kept = price == old.price && entry.qty <= old.qty;
        told.push(Told::Replaced { tag, price, qty: entry.qty, kept });
        if kept {
            self.side_mut(side)[at].qty = entry.qty;
        } else {
            self.side_mut(side).remove(at);
            self.enter(tag, &order, old.terms, &entry, told);
        }
        Ok(())
    }

    fn clock(&mut self, now: i64, told: &mut Vec<Told>) -> Result<(), Reject> {
        if now < self.now {
            return Err(Reject::Time);
        }
        self.now = now;
        let resting = self.bids.iter().chain(&self.asks).map(|o| (o.terms.expires, o.tag));
        let all = resting.chain(self.waiting.iter().map(|w| (w.terms.expires, w.tag)));
        let mut over: Vec<_> = all.filter(|(at, _)| at.is_some_and(|at| at.0 <= now)).collect();
        over.sort_unstable();
        over.into_iter().for_each(|(_, tag)| self.cancel(tag, Why::Expired, told).unwrap());
        Ok(())
    }

    /// Those whose trigger is reached get in line: passed by most first, then oldest.
    fn line_up(&mut self, source: Source) {
        let Some(price) = self.watched(source).filter(|_| !self.halted) else { return };
        let due = |w: &&Waiting| w.trigger.source == source && reached(w.trigger, w.order.side, price);
        let mut tags: Vec<(i64, u64)> = (self.waiting.iter().filter(due))
            .map(|w| (-(w.trigger.price.0 - price).abs(), w.tag))
            .filter(|(_, tag)| !self.next_in.contains(tag))
            .collect();
        tags.sort_unstable();
        self.next_in.extend(tags.into_iter().map(|(_, tag)| tag));
    }

    fn trigger(&mut self, tag: u64, told: &mut Vec<Told>) {
        let at = self.waiting.iter().position(|w| w.tag == tag).unwrap();
        let Waiting { order, mut terms, .. } = self.waiting.remove(at);
        terms.trigger = None;
        told.push(Told::Triggered { tag });
        let (owner, qty) = (order.owner.0, order.qty.0);
        match self.check_form(&order, &terms).and_then(|()| self.check_entry(&order, &terms, None)) {
            Ok(entry) => {
                let cut = qty - entry.qty;
                if cut > 0 {
                    told.push(Told::Cancelled {
                        tag,
                        owner,
                        qty: cut,
                        left: entry.qty,
                        why: Why::ReduceOnly,
                    });
                }
                self.enter(tag, &order, terms, &entry, told);
            }
            Err(reject) => {
                let why =
                    if reject == Reject::ReduceOnly { Why::ReduceOnly } else { Why::Refused(reject.code()) };
                told.push(Told::Cancelled { tag, owner, qty, left: 0, why });
            }
        }
    }

    pub fn best(&self, side: Side) -> Option<i64> {
        self.side(side).last().map(|o| o.price)
    }

    pub fn depth(&self, side: Side, levels: usize) -> Vec<(i64, i64)> {
        let mut out: Vec<(i64, i64)> = Vec::new();
        for order in self.side(side).iter().rev() {
            let full = out.len() == levels;
            match out.last_mut().filter(|level| level.0 == order.price) {
                Some(level) => level.1 += order.qty,
                None if full => break,
                None => out.push((order.price, order.qty)),
            }
        }
        out
    }
}

fn checked(price: i64) -> Result<i64, Reject> {
    if (1..=MAX_PRICE).contains(&price) { Ok(price) } else { Err(Reject::Price) }
}
