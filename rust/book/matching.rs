//! The matching: resting orders and undrawn supply, one price after the other.

use super::OrderBook;
use super::ladder::{NONE, key, place, price};
use super::order::{Fill, FillSink, MAX_LEVEL, MAX_PRICE, SUPPLY_ORDER};
use super::queue::NIL;
use super::supply::{Level, Supply};
use crate::units::{Lots, Side};

/// The limit of a market order: every key there is.
pub(super) const ANY: u64 = NONE - 1;

impl<S: Supply> OrderBook<S> {
    /// Takes up to `want` lots from this side's levels, none beyond the key `limit`; what it could not get.
    #[inline]
    pub(super) fn take(&mut self, resting: Side, limit: u64, want: i64, fills: &mut impl FillSink) -> i64 {
        if self.take_from_first(resting, limit, want, fills) {
            return 0;
        }
        self.take_levels(resting, limit, want, fills)
    }

    fn take_levels(&mut self, resting: Side, limit: u64, mut want: i64, fills: &mut impl FillSink) -> i64 {
        let before = want;
        let mut last = NONE;
        while want > 0 {
            let best = self.ladders[resting.index()].best();
            let undrawn = self.undrawn(resting);
            if best.min(undrawn) > limit {
                break;
            }
            if undrawn <= best {
                let left = self.take_undrawn(resting, want, fills);
                last = if left < want { undrawn } else { last };
                want = left;
            } else {
                want = self.take_level(resting, best, want, fills);
                last = best;
            }
        }
        if want < before {
            self.last = Some(price(resting, last));
            self.volume = self.volume.saturating_add(before - want);
        }
        want
    }

    /// Takes all of it from the first order of the best level, if that order is larger: most orders end there.
    #[allow(clippy::inline_always)] // left to itself the compiler forgets it as soon as something else grows: 5 % of a path
    #[inline(always)]
    fn take_from_first(&mut self, resting: Side, limit: u64, want: i64, fills: &mut impl FillSink) -> bool {
        let ladder = &mut self.ladders[resting.index()];
        let best = ladder.best();
        if best > limit || self.supply.next_price(resting).is_some_and(|next| key(resting, next) <= best) {
            return false;
        }
        let queue = ladder.queue_mut(best);
        let order = self.orders.at_mut(queue.head());
        if order.qty <= want {
            return false;
        }
        order.qty -= want;
        queue.qty -= want;
        let (price, maker, rest) = (price(resting, best), order.owner, order.qty);
        let maker_order = self.orders.id(queue.head());
        fills.push(Fill { price, qty: Lots(want), maker_order, maker, maker_remaining: Lots(rest) });
        self.last = Some(price);
        self.volume = self.volume.saturating_add(want);
        true
    }

    /// Takes from the orders at one key, oldest first.
    #[inline]
    fn take_level(&mut self, resting: Side, best: u64, mut want: i64, fills: &mut impl FillSink) -> i64 {
        let price = price(resting, best);
        let ladder = &mut self.ladders[resting.index()];
        let queue = ladder.queue_mut(best);
        let before = want;
        let mut slot = queue.head();
        while want > 0 && slot != NIL {
            let maker_order = self.orders.id(slot);
            let order = self.orders.at_mut(slot);
            let qty = order.qty.min(want);
            order.qty -= qty;
            want -= qty;
            let rest = order.qty;
            fills.push(Fill {
                price,
                qty: Lots(qty),
                maker_order,
                maker: order.owner,
                maker_remaining: Lots(rest),
            });
            if rest == 0 {
                slot = self.orders.pop(slot);
            }
        }
        if slot == NIL {
            ladder.close(best);
        } else {
            queue.qty -= before - want;
            self.orders.set_head(queue, slot);
        }
        want
    }

    /// Takes the next supply level: whole without ever making an order of it, if it is all there is at its price, or it is
    /// put in.
    #[inline]
    fn take_undrawn(&mut self, resting: Side, want: i64, fills: &mut impl FillSink) -> i64 {
        let level = self.draw(resting);
        let at = key(resting, level.price);
        let behind = level.newest && self.ladders[resting.index()].best() == at;
        if level.qty.0 > want || behind || self.undrawn(resting) == at {
            self.insert(resting, level);
            return want;
        }
        fills.push(Fill {
            price: level.price,
            qty: level.qty,
            maker_order: SUPPLY_ORDER,
            maker: level.owner,
            maker_remaining: Lots::ZERO,
        });
        want - level.qty.0
    }

    /// Whether `want` lots can be had within the key `limit`. Draws the supply it has to look at.
    pub(super) fn can_fill(&mut self, resting: Side, limit: u64, mut want: i64) -> bool {
        let mut at = self.drawn_after(resting, 0);
        while at <= limit {
            let qty = self.ladders[resting.index()].queue_mut(at).qty;
            if qty >= want {
                return true;
            }
            want -= qty;
            at = self.drawn_after(resting, at);
        }
        false
    }

    /// The next level after this key, put into the ladder if it was supply; [`NONE`] if there is none.
    pub(super) fn drawn_after(&mut self, resting: Side, after: u64) -> u64 {
        let next = self.ladders[resting.index()].after(after).min(self.undrawn(resting));
        while next != NONE && self.undrawn(resting) == next {
            let level = self.draw(resting);
            self.insert(resting, level);
        }
        next
    }

    /// The key of the next supply level, or [`NONE`].
    #[inline]
    pub(super) fn undrawn(&self, resting: Side) -> u64 {
        self.supply.next_price(resting).map_or(NONE, |price| key(resting, price))
    }

    #[inline]
    pub(super) fn draw(&mut self, resting: Side) -> Level {
        let level = self.supply.draw(resting).expect("a supply draws the level it announced");
        debug_assert!(level.price.0 >= 1 && level.price <= MAX_PRICE, "{level:?}");
        debug_assert!(level.qty.0 >= 1 && level.qty <= MAX_LEVEL, "{level:?}");
        debug_assert!(
            self.supply
                .next_price(resting)
                .is_none_or(|next| { key(resting, next) >= key(resting, level.price) })
        );
        level
    }

    /// Puts a supply level where it stands at its price, and with it all others there that come before its orders.
    pub(super) fn insert(&mut self, resting: Side, level: Level) {
        let at = key(resting, level.price);
        if level.newest {
            let queue = self.ladders[resting.index()].open(at);
            let id = self.orders.push_back(queue, place(resting, at), level.owner, level.qty.0);
            return self.supply.entered(resting, id);
        }
        let mut level = Some(level);
        let mut newest = None;
        while let Some(oldest) = level.take() {
            self.same_price.push(oldest);
            if self.undrawn(resting) == at {
                let next = self.draw(resting);
                if next.newest { newest = Some(next) } else { level = Some(next) }
            }
        }
        let queue = self.ladders[resting.index()].open(at);
        while let Some(level) = self.same_price.pop() {
            self.orders.push_front(queue, place(resting, at), level.owner, level.qty.0);
        }
        if let Some(level) = newest {
            self.insert(resting, level);
        }
    }
}
