//! The matching where something must be looked at for every maker: the same owner, or a position that is to be reduced.

use super::OrderBook;
use super::command::{CancelReason, Event};
use super::ladder::NONE;
use super::order::Fill;
use super::queue::NIL;
use super::rules::{Positions, SelfTrade};
use super::supply::Supply;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side};

/// The order that takes.
pub(super) struct Taker {
    pub(super) id: OrderId,
    pub(super) owner: AccountId,
    pub(super) side: Side,
    pub(super) left: i64,
    pub(super) rule: SelfTrade,
}

/// What happens between a taker and the next maker.
enum Meeting {
    /// They trade so much.
    Trade(i64),
    /// So much of the maker and of the taker is cancelled: one owner.
    Own { maker: i64, taker: i64 },
}

impl Taker {
    fn meet(&self, maker: AccountId, qty: i64) -> Meeting {
        let least = qty.min(self.left);
        if maker != self.owner {
            return Meeting::Trade(least);
        }
        match self.rule {
            SelfTrade::Allow => Meeting::Trade(least),
            SelfTrade::CancelNewest => Meeting::Own { maker: 0, taker: self.left },
            SelfTrade::CancelOldest => Meeting::Own { maker: qty, taker: 0 },
            SelfTrade::CancelBoth => Meeting::Own { maker: qty, taker: self.left },
            SelfTrade::Decrement => Meeting::Own { maker: least, taker: least },
        }
    }
}

impl<S: Supply> OrderBook<S> {
    /// Lets a taker trade down to the key `limit`, maker by maker.
    pub(super) fn take_guarded(
        &mut self,
        taker: &mut Taker,
        limit: u64,
        positions: &dyn Positions,
        events: &mut Vec<Event>,
    ) {
        let resting = taker.side.opposite();
        while taker.left > 0 {
            let Some(slot) = self.next_maker(resting, limit) else { return };
            self.trim(slot, resting, positions, events);
            if !self.orders.is_live(slot) {
                continue;
            }
            let (owner, qty) = (self.orders.at(slot).owner, self.orders.at(slot).qty);
            match taker.meet(owner, qty) {
                Meeting::Trade(qty) => self.trade(taker, slot, qty, events),
                Meeting::Own { maker, taker: newest } => {
                    if maker > 0 {
                        self.shrink(slot, maker, CancelReason::SelfTrade, events);
                    }
                    if newest > 0 {
                        taker.left -= newest;
                        events.push(Event::Cancelled {
                            id: taker.id,
                            owner,
                            qty: Lots(newest),
                            left: Lots(taker.left),
                            reason: CancelReason::SelfTrade,
                        });
                    }
                }
            }
        }
    }

    /// The order next to trade within the key `limit`; supply that comes first becomes one.
    fn next_maker(&mut self, resting: Side, limit: u64) -> Option<u32> {
        loop {
            let best = self.ladders[resting.index()].best();
            let undrawn = self.undrawn(resting);
            if best.min(undrawn) > limit.min(NONE - 1) {
                return None;
            }
            if undrawn > best {
                return Some(self.ladders[resting.index()].queue_mut(best).head());
            }
            let level = self.draw(resting);
            self.insert(resting, level);
        }
    }

    /// A reduce-only maker loses what would not reduce.
    fn trim(&mut self, slot: u32, side: Side, positions: &dyn Positions, events: &mut Vec<Event>) {
        if self.rare.reducers == 0 || !self.is_reduce_only(slot) {
            return;
        }
        let order = *self.orders.at(slot);
        let excess = order.qty - self.reducible(order.owner, side, positions).min(order.qty);
        if excess > 0 {
            self.shrink(slot, excess, CancelReason::ReduceOnly, events);
        }
    }

    fn is_reduce_only(&self, slot: u32) -> bool {
        self.rare.specials.get(self.orders.id(slot)).is_some_and(|special| special.terms.reduce_only)
    }

    /// Takes a part of a resting order off, or all of it, without a trade.
    pub(super) fn shrink(&mut self, slot: u32, by: i64, reason: CancelReason, events: &mut Vec<Event>) {
        let (id, owner) = (self.orders.id(slot), self.orders.at(slot).owner);
        let left = self.reduce_slot(slot, by);
        events.push(Event::Cancelled { id, owner, qty: Lots(by), left, reason });
    }

    fn trade(&mut self, taker: &mut Taker, slot: u32, qty: i64, events: &mut Vec<Event>) {
        let resting = taker.side.opposite();
        let (maker_order, maker) = (self.orders.id(slot), self.orders.at(slot).owner);
        let (_, key) = super::ladder::unplace(self.orders.at(slot).place);
        let price = super::ladder::price(resting, key);
        let maker_remaining = self.reduce_slot(slot, qty);
        taker.left -= qty;
        if self.rare.tracks {
            self.rare.net.add(taker.owner, taker.side, qty);
            self.rare.net.add(maker, resting, qty);
        }
        self.last = Some(price);
        self.volume = self.volume.saturating_add(qty);
        let fill = Fill { price, qty: Lots(qty), maker_order, maker, maker_remaining };
        events.push(Event::Filled { taker: taker.id, owner: taker.owner, side: taker.side, fill });
    }

    /// Whether the whole taker would trade within the key `limit`: as [`take_guarded`](Self::take_guarded), changing nothing
    /// but that supply is drawn.
    pub(super) fn can_fill_guarded(&mut self, taker: &Taker, limit: u64, positions: &dyn Positions) -> bool {
        let resting = taker.side.opposite();
        let (mut left, mut at) = (taker.left, self.drawn_after(resting, 0));
        let mut tried = std::mem::take(&mut self.rare.tried);
        tried.clear();
        'levels: while at <= limit && at != NONE {
            let mut slot = self.ladders[resting.index()].queue_mut(at).head();
            while slot != NIL {
                let (owner, mut qty) = (self.orders.at(slot).owner, self.orders.at(slot).qty);
                if self.rare.reducers > 0 && self.is_reduce_only(slot) {
                    qty = qty.min(self.reducible(owner, resting, positions));
                }
                let probe = Taker { left, ..*taker };
                match probe.meet(owner, qty) {
                    Meeting::Trade(qty) => {
                        left -= qty;
                        tried.push((owner, qty));
                        if self.rare.tracks {
                            self.rare.net.add(owner, resting, qty);
                            self.rare.net.add(taker.owner, taker.side, qty);
                        }
                    }
                    Meeting::Own { taker: 0, .. } => {}
                    Meeting::Own { .. } if qty == 0 => {}
                    Meeting::Own { .. } => break 'levels,
                }
                if left == 0 {
                    break 'levels;
                }
                slot = self.orders.next(slot);
            }
            at = self.drawn_after(resting, at);
        }
        if self.rare.tracks {
            for &(owner, qty) in &tried {
                self.rare.net.add(owner, resting, -qty);
                self.rare.net.add(taker.owner, taker.side, -qty);
            }
        }
        self.rare.tried = tried;
        left == 0
    }
}
