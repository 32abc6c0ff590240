//! Commands: each is checked whole, then carried out.

use super::OrderBook;
use super::check::{Plan, is_price};
use super::command::{CancelReason, Command, Event};
use super::guarded::Taker;
use super::ladder::{key, place, unplace};
use super::order::{NewOrder, OrderKind, TimeInForce};
use super::rare::NOWHERE;
use super::rules::{Positions, Rules, SelfTrade, Source, Terms};
use super::supply::Supply;
use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Ticks, Time};

impl<S: Supply> OrderBook<S> {
    /// Carries out a command and appends what happened to `events`. `positions` speaks as of before the command; it is asked
    /// for owners of reduce-only orders only.
    ///
    /// # Errors
    /// What [`Event::Rejected`] says too: then nothing has changed and it is the only event.
    pub fn apply(
        &mut self,
        command: Command,
        positions: &dyn Positions,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.rare.net.clear();
        self.apply_since(command, positions, events)
    }

    /// As [`apply`](Self::apply), with `positions` as of when the net trades were last cleared.
    pub(super) fn apply_since(
        &mut self,
        command: Command,
        positions: &dyn Positions,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.rare.tracks = self.rare.reducers > 0;
        let done = match command {
            Command::Add { order, terms } => self.add(&order, terms, positions, events),
            Command::Cancel(id) => self.cancel_one(id, events),
            Command::Reduce { id, by } => self.reduce_one(id, by, events),
            Command::Replace { id, price, qty, tif } => self.replace(id, price, qty, tif, positions, events),
            Command::CancelOwner(owner) => self.cancel_all_of(owner, events),
            Command::Clock(now) => self.clock(now, events),
            Command::Mark(price) => self.report(Source::Mark, price),
            Command::Index(price) => self.report(Source::Index, price),
            Command::Band(band) => self.set_rules(Rules { band, ..self.rare.rules }),
            Command::Halt => {
                self.set_halted(true);
                Ok(())
            }
            Command::Resume => {
                self.set_halted(false);
                self.collect(Source::Mark);
                self.collect(Source::Last);
                self.collect(Source::Index);
                Ok(())
            }
        };
        match done {
            Ok(()) => self.enter_triggered(positions, events),
            Err(reject) => events.push(Event::Rejected(reject)),
        }
        done
    }

    fn add(
        &mut self,
        order: &NewOrder,
        terms: Terms,
        positions: &dyn Positions,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.check_form(order, &terms)?;
        let waits = match terms.trigger {
            Some(trigger) => {
                if self.watched(trigger.source).is_some_and(|price| trigger.is_due(order.side, price)) {
                    return Err(Reject::WouldTrigger);
                }
                None
            }
            None => Some(self.check_entry(order, &terms, None, positions)?),
        };
        if !self.orders.has_room() {
            return Err(Reject::Full);
        }
        let qty = waits.map_or(order.qty.0, |plan| plan.qty);
        let slot = self.orders.hold(Self::nowhere(order.side), order.owner, qty);
        self.remember(slot, terms, order.kind);
        self.rare.tracks |= terms.reduce_only;
        events.push(Event::Accepted { id: self.orders.id(slot), qty: Lots(qty) });
        if let Some(plan) = waits {
            self.enter(slot, plan, positions, events);
        }
        Ok(())
    }

    /// An order in no queue matches; what is left of it rests or is cancelled.
    fn enter(&mut self, slot: u32, plan: Plan, positions: &dyn Positions, events: &mut Vec<Event>) {
        let (id, owner, side) = (self.orders.id(slot), self.orders.at(slot).owner, self.side_of(slot));
        let rule = self.terms_of(slot).self_trade.unwrap_or(self.rare.rules.self_trade);
        let mut taker = Taker { id, owner, side, left: plan.qty, rule };
        let plain = rule == SelfTrade::Allow && self.rare.reducers == 0 && !self.rare.tracks;
        let fits = match (plan.whole, plain) {
            (false, _) => true,
            (true, true) => self.can_fill(side.opposite(), plan.limit, taker.left),
            (true, false) => self.can_fill_guarded(&taker, plan.limit, positions),
        };
        match (fits, plain) {
            (false, _) => {}
            (true, true) => self.take_plain(&mut taker, plan.limit, events),
            (true, false) => self.take_guarded(&mut taker, plan.limit, positions, events),
        }
        match plan.rest {
            Some(price) if taker.left > 0 => self.rest(slot, price, taker.left, events),
            _ => {
                if taker.left > 0 {
                    let reason = if fits { CancelReason::Unfilled } else { CancelReason::Killed };
                    events.push(Event::Cancelled { id, owner, qty: Lots(taker.left), left: Lots(0), reason });
                }
                self.forget(slot);
                self.orders.release(slot);
            }
        }
        if !self.rare.halted {
            self.collect(Source::Last);
        }
    }

    /// [`take`](Self::take) for a command.
    fn take_plain(&mut self, taker: &mut Taker, limit: u64, events: &mut Vec<Event>) {
        let mut fills = std::mem::take(&mut self.rare.fills);
        fills.clear();
        taker.left = self.take(taker.side.opposite(), limit, taker.left, &mut fills);
        let (id, owner, side) = (taker.id, taker.owner, taker.side);
        events.extend(fills.iter().map(|&fill| Event::Filled { taker: id, owner, side, fill }));
        self.rare.fills = fills;
    }

    fn rest(&mut self, slot: u32, price: Ticks, qty: i64, events: &mut Vec<Event>) {
        let side = self.side_of(slot);
        let at = key(side, price);
        let order = self.orders.at_mut(slot);
        (order.qty, order.place) = (qty, place(side, at));
        let queue = self.ladders[side.index()].open(at);
        self.orders.link_back(queue, slot);
        events.push(Event::Rested { id: self.orders.id(slot), price, qty: Lots(qty) });
    }

    fn cancel_one(&mut self, id: OrderId, events: &mut Vec<Event>) -> Result<(), Reject> {
        let slot = self.orders.find(id).ok_or(Reject::UnknownOrder)?;
        self.shrink(slot, self.orders.at(slot).qty, CancelReason::Asked, events);
        Ok(())
    }

    fn reduce_one(&mut self, id: OrderId, by: Lots, events: &mut Vec<Event>) -> Result<(), Reject> {
        if by.0 < 1 {
            return Err(Reject::Quantity);
        }
        let slot = self.orders.find(id).ok_or(Reject::UnknownOrder)?;
        if by.0 >= self.orders.at(slot).qty {
            return self.cancel_one(id, events);
        }
        let left = self.reduce_slot(slot, by.0);
        events.push(Event::Reduced { id, left });
        Ok(())
    }

    fn replace(
        &mut self,
        id: OrderId,
        price: Ticks,
        qty: Lots,
        tif: TimeInForce,
        positions: &dyn Positions,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let slot = self.orders.find(id).ok_or(Reject::UnknownOrder)?;
        let old = *self.orders.at(slot);
        let (side, at) = unplace(old.place);
        if at == NOWHERE {
            return Err(Reject::Waiting);
        }
        if matches!(tif, TimeInForce::Ioc | TimeInForce::Fok) {
            return Err(Reject::TimeInForce);
        }
        let order = NewOrder { owner: old.owner, side, qty, kind: OrderKind::Limit { price, tif } };
        // It did not expire yet: the clock would have cancelled it.
        let terms = self.terms_of(slot);
        self.check_form(&order, &terms)?;
        let plan = self.check_entry(&order, &terms, Some(slot), positions)?;
        let price = plan.rest.unwrap_or(price);
        let kept = key(side, price) == at && plan.qty <= old.qty;
        if kept {
            self.reduce_slot(slot, old.qty - plan.qty);
        } else {
            self.unlink(slot);
            let order = self.orders.at_mut(slot);
            (order.place, order.qty) = (Self::nowhere(side), plan.qty);
        }
        events.push(Event::Replaced { id, price, qty: Lots(plan.qty), kept });
        if !kept {
            self.enter(slot, plan, positions, events);
        }
        Ok(())
    }

    fn cancel_all_of(&mut self, owner: AccountId, events: &mut Vec<Event>) -> Result<(), Reject> {
        for slot in 1..self.orders.end() {
            if self.orders.is_live(slot) && self.orders.at(slot).owner == owner {
                self.shrink(slot, self.orders.at(slot).qty, CancelReason::Owner, events);
            }
        }
        Ok(())
    }

    fn clock(&mut self, now: Time, events: &mut Vec<Event>) -> Result<(), Reject> {
        if now < self.rare.now {
            return Err(Reject::Time);
        }
        self.rare.now = now;
        while let Some((_, seq, id)) = self.rare.expiries.pop(now.0) {
            let lives = self.rare.specials.get(id).is_some_and(|special| special.seq == seq);
            if let Some(slot) = self.orders.find(id).filter(|_| lives) {
                self.shrink(slot, self.orders.at(slot).qty, CancelReason::Expired, events);
            }
        }
        Ok(())
    }

    fn report(&mut self, source: Source, price: Ticks) -> Result<(), Reject> {
        if !is_price(price) {
            return Err(Reject::Price);
        }
        match source {
            Source::Mark => self.rare.mark = Some(price),
            Source::Index => self.rare.index = Some(price),
            Source::Last => {}
        }
        if !self.rare.halted {
            self.collect(source);
        }
        Ok(())
    }

    /// Orders whose trigger is reached line up to enter: those whose price was passed by most first, then the oldest.
    fn collect(&mut self, source: Source) {
        let Some(price) = self.watched(source) else { return };
        for rises in [true, false] {
            let reached = if rises { price.0 } else { -price.0 };
            while let Some((key, seq, id)) = self.rare.triggers.heap(source, rises).pop(reached) {
                let waits =
                    self.rare.specials.get(id).is_some_and(|s| s.seq == seq && s.terms.trigger.is_some());
                if waits && self.orders.find(id).is_some() {
                    self.rare.due.push((key - reached, seq, id));
                }
            }
        }
        self.rare.due.sort_unstable();
        self.rare.triggered.extend(self.rare.due.drain(..).map(|(_, _, id)| id));
    }

    /// Triggered orders enter one after the other; those that their trades trigger line up behind.
    fn enter_triggered(&mut self, positions: &dyn Positions, events: &mut Vec<Event>) {
        while let Some(id) = self.rare.triggered.pop_front() {
            let (Some(slot), Some(&special)) = (self.orders.find(id), self.rare.specials.get(id)) else {
                continue;
            };
            self.disarm(&special);
            events.push(Event::Triggered { id });
            let held = self.orders.at(slot);
            let order = NewOrder {
                owner: held.owner,
                side: self.side_of(slot),
                qty: Lots(held.qty),
                kind: special.kind,
            };
            let terms = self.terms_of(slot);
            let entry = self
                .check_form(&order, &terms)
                .and_then(|()| self.check_entry(&order, &terms, None, positions));
            match entry {
                Ok(plan) => {
                    let cut = order.qty.0 - plan.qty;
                    if cut > 0 {
                        self.shrink(slot, cut, CancelReason::ReduceOnly, events);
                    }
                    self.enter(slot, plan, positions, events);
                }
                Err(Reject::ReduceOnly) => self.shrink(slot, order.qty.0, CancelReason::ReduceOnly, events),
                Err(reject) => self.shrink(slot, order.qty.0, CancelReason::Refused(reject), events),
            }
        }
    }
}
