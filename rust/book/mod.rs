//! The limit order book: price-time priority, integer ticks and lots.
//!
//! ```
//! use perpcore::book::{NewOrder, OrderBook, OrderKind, TimeInForce};
//! use perpcore::ids::AccountId;
//! use perpcore::units::{Lots, Side, Ticks};
//!
//! let mut book = OrderBook::new(());
//! let mut fills = Vec::new();
//! let ask = OrderKind::Limit { price: Ticks(1_001), tif: TimeInForce::Gtc };
//! let ask = NewOrder { owner: AccountId(8), side: Side::Sell, qty: Lots(5), kind: ask };
//! let resting = book.submit(ask, &mut fills)?.resting.unwrap();
//!
//! let buy = NewOrder { owner: AccountId(9), side: Side::Buy, qty: Lots(2), kind: OrderKind::Market };
//! assert_eq!(book.submit(buy, &mut fills)?.filled, Lots(2));
//! assert_eq!((fills[0].price, fills[0].maker), (Ticks(1_001), AccountId(8)));
//! assert_eq!(book.cancel(resting)?, Lots(3));
//! # Ok::<(), perpcore::error::Reject>(())
//! ```
//!
//! [`OrderBook::submit`] is the short way for plain orders in a book without rules. Everything else (stops, expiry,
//! reduce-only, self-trade prevention, replace, rules, halts) goes through [`OrderBook::apply`]: commands in, events out.
//! [`batch`] takes arrays of them.
//!
//! Levels of a side lie in a window of ticks with a bitmap (`ladder.rs`, `bitmap.rs`), far ones in a tree; orders in a slab,
//! linked into queues (`queue.rs`). Once the buffers have grown, only the tree allocates. What few orders have stands beside
//! the slab (`special.rs`, `rare.rs`), and one counter, `watch`, says whether plain matching (`matching.rs`) may run or each
//! maker must be looked at (`guarded.rs`). A [`Supply`] holds levels that rest since the start and are drawn when they are
//! reached.

mod apply;
pub mod batch;
mod bitmap;
mod bytes;
mod check;
mod codes;
mod command;
mod fees;
mod guarded;
mod ladder;
mod matching;
mod order;
mod query;
mod queue;
mod rare;
mod rules;
mod snapshot;
mod special;
mod supply;

pub use command::{CancelReason, Command, Event};
pub use fees::{Fees, FillFees};
pub use order::{
    Fill, MAX_LEVEL, MAX_PRICE, NewOrder, OrderKind, Outcome, RestingOrder, SUPPLY_ORDER, TimeInForce,
};
pub use query::{QueuePlace, Taken};
pub use rare::WaitingOrder;
pub use rules::{Band, Notional, Positions, Rules, SelfTrade, Source, Terms, Trigger, TriggerKind};
pub use snapshot::SnapshotError;
pub use supply::{Level, Supply};

use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Ticks};
use ladder::{Ladder, NONE, key, place, price, unplace};
use matching::ANY;
use queue::Orders;
use rare::{NOWHERE, Rare};

/// A limit order book over what a [`Supply`] has resting from the start (`()`: nothing). In arguments named `resting`,
/// `Side::Buy` means the bids, `Side::Sell` the asks.
pub struct OrderBook<S: Supply = ()> {
    supply: S,
    ladders: [Ladder; 2],
    orders: Orders,
    last: Option<Ticks>,
    volume: i64,
    /// How many things forbid plain matching: rules, a halt, reduce-only orders, stops on last trades.
    watch: usize,
    rare: Rare,
    /// Supply levels of one price on their way into the ladder.
    same_price: Vec<Level>,
}

impl<S: Supply> OrderBook<S> {
    /// A book in which nothing rests but the supply.
    pub fn new(supply: S) -> Self {
        let ladders = [Ladder::new(), Ladder::new()];
        let (orders, rare) = (Orders::new(), Rare::default());
        OrderBook { supply, ladders, orders, last: None, volume: 0, watch: 0, rare, same_price: Vec::new() }
    }

    /// The same under rules.
    ///
    /// # Errors
    /// `Band` if its band is none.
    pub fn with_rules(supply: S, rules: Rules) -> Result<Self, Reject> {
        let mut book = Self::new(supply);
        book.set_rules(rules)?;
        Ok(book)
    }

    /// What is not drawn yet.
    #[inline]
    pub fn supply(&self) -> &S {
        &self.supply
    }

    /// What is not drawn yet, to change it: to close it, say. Its prices may not go back to where it was drawn.
    #[inline]
    pub fn supply_mut(&mut self) -> &mut S {
        &mut self.supply
    }

    /// Matches an order and lets what is left of it rest, if it is to; its fills are appended to `fills`. A refused order
    /// changes nothing. A fill-or-kill order that cannot be filled is not refused but cancelled: nothing filled.
    ///
    /// # Errors
    /// `Quantity` below one lot; `Price` outside 1 to [`MAX_PRICE`]; `WouldTrade`; `LevelOverflow` beyond [`MAX_LEVEL`] at
    /// its price; `Full`; `Watched` if the book is not [plain](Self::is_plain).
    #[inline]
    pub fn submit(&mut self, order: NewOrder, fills: &mut Vec<Fill>) -> Result<Outcome, Reject> {
        if order.qty.0 < 1 {
            return Err(Reject::Quantity);
        }
        if self.watch != 0 {
            return Err(Reject::Watched);
        }
        let against = order.side.opposite();
        let (price, tif) = match order.kind {
            OrderKind::Limit { price, tif } => (price, tif),
            OrderKind::Protected { price } => (price, TimeInForce::Ioc),
            OrderKind::Market => {
                return Ok(cancelled(order.qty, self.take(against, ANY, order.qty.0, fills)));
            }
        };
        if price.0 < 1 || price > MAX_PRICE {
            return Err(Reject::Price);
        }
        let limit = key(against, price);
        match tif {
            TimeInForce::Ioc => {}
            TimeInForce::Fok => {
                if !self.can_fill(against, limit, order.qty.0) {
                    return Ok(cancelled(order.qty, order.qty.0));
                }
            }
            TimeInForce::Gtc => return self.take_and_rest(order, price, limit, fills),
            TimeInForce::PostOnly => {
                if self.best_key(against) <= limit {
                    return Err(Reject::WouldTrade);
                }
                return self.take_and_rest(order, price, limit, fills);
            }
            TimeInForce::PostOnlySlide => {
                let price = self.passive(order.side, price, tif)?;
                return self.take_and_rest(order, price, 0, fills);
            }
        }
        Ok(cancelled(order.qty, self.take(against, limit, order.qty.0, fills)))
    }

    #[inline]
    fn take_and_rest(
        &mut self,
        order: NewOrder,
        price: Ticks,
        limit: u64,
        fills: &mut Vec<Fill>,
    ) -> Result<Outcome, Reject> {
        if order.qty > MAX_LEVEL {
            return Err(Reject::LevelOverflow);
        }
        if !self.orders.has_room() {
            return Err(Reject::Full);
        }
        let left = self.take(order.side.opposite(), limit, order.qty.0, fills);
        let mut outcome = cancelled(order.qty, left);
        if left > 0 {
            let at = key(order.side, price);
            let queue = self.ladders[order.side.index()].open(at);
            // Only an order that took nothing can find others at its price: refusing it still changes nothing.
            if queue.qty > MAX_LEVEL.0 - left {
                return Err(Reject::LevelOverflow);
            }
            outcome.resting = Some(self.orders.push_back(queue, place(order.side, at), order.owner, left));
        }
        Ok(outcome)
    }

    /// Takes an order out of the book; what was left of it.
    ///
    /// # Errors
    /// `UnknownOrder` if it does not rest (any more).
    #[inline]
    pub fn cancel(&mut self, id: OrderId) -> Result<Lots, Reject> {
        let slot = self.orders.find(id).ok_or(Reject::UnknownOrder)?;
        Ok(self.remove(slot))
    }

    /// Makes an order smaller; it keeps its place in the queue. What is left of it: at nothing or below it is cancelled.
    ///
    /// # Errors
    /// `Quantity` if `by` is below one lot; `UnknownOrder` if it does not rest (any more).
    pub fn reduce(&mut self, id: OrderId, by: Lots) -> Result<Lots, Reject> {
        if by.0 < 1 {
            return Err(Reject::Quantity);
        }
        let slot = self.orders.find(id).ok_or(Reject::UnknownOrder)?;
        Ok(self.reduce_slot(slot, by.0))
    }

    /// Cancels all resting orders of an account; their quantity (at most 2^63 - 1). Looks at every order of the book.
    /// Undrawn supply stays: whoever owns it closes it.
    pub fn cancel_owner(&mut self, owner: AccountId) -> Lots {
        let mut total = 0_i64;
        for slot in 1..self.orders.end() {
            if self.orders.is_live(slot) && self.orders.at(slot).owner == owner {
                total = total.saturating_add(self.remove(slot).0);
            }
        }
        Lots(total)
    }

    /// The best price of a side, undrawn supply counted.
    #[inline]
    pub fn best(&self, resting: Side) -> Option<Ticks> {
        let best = self.best_key(resting);
        (best != NONE).then(|| price(resting, best))
    }

    /// The price of the last trade.
    #[inline]
    pub fn last(&self) -> Option<Ticks> {
        self.last
    }

    /// Lots traded so far (at most 2^63 - 1).
    #[inline]
    pub fn volume(&self) -> Lots {
        Lots(self.volume)
    }

    /// A resting order. (One that [waits](Self::waiting) does not rest.)
    #[inline]
    pub fn order(&self, id: OrderId) -> Option<RestingOrder> {
        let order = self.orders.at(self.orders.find(id)?);
        let (side, key) = unplace(order.place);
        (key != NOWHERE).then_some(RestingOrder {
            price: price(side, key),
            remaining: Lots(order.qty),
            owner: order.owner,
            side,
        })
    }

    /// Empties the book for the next path, at the cost of what was touched. Ids given out so far stay unknown.
    pub fn clear(&mut self, supply: S) {
        self.restart(|old| *old = supply);
    }

    /// The same, with the supply brought back to its start by the caller.
    pub fn restart(&mut self, supply: impl FnOnce(&mut S)) {
        supply(&mut self.supply);
        self.ladders.iter_mut().for_each(Ladder::clear);
        self.orders.clear();
        self.last = None;
        self.volume = 0;
        self.rare.clear();
        self.watch = usize::from(!self.rare.rules.are_plain());
    }

    #[inline]
    fn best_key(&self, resting: Side) -> u64 {
        self.ladders[resting.index()].best().min(self.undrawn(resting))
    }

    #[inline]
    fn remove(&mut self, slot: u32) -> Lots {
        let (side, key) = unplace(self.orders.at(slot).place);
        if self.watch != 0 || key == NOWHERE {
            self.forget(slot);
            if key == NOWHERE {
                let left = self.orders.at(slot).qty;
                self.orders.release(slot);
                return Lots(left);
            }
        }
        let ladder = &mut self.ladders[side.index()];
        let queue = ladder.queue_mut(key);
        let left = self.orders.remove(queue, slot);
        if queue.is_empty() {
            ladder.close(key);
        }
        Lots(left)
    }

    /// Takes so much off an order, or all there is; what is left of it.
    fn reduce_slot(&mut self, slot: u32, by: i64) -> Lots {
        let order = self.orders.at_mut(slot);
        if by >= order.qty {
            self.remove(slot);
            return Lots::ZERO;
        }
        order.qty -= by;
        let (left, (side, key)) = (order.qty, unplace(order.place));
        if key != NOWHERE {
            self.ladders[side.index()].queue_mut(key).qty -= by;
        }
        Lots(left)
    }

    /// Takes a resting order out of its queue; it keeps its id.
    fn unlink(&mut self, slot: u32) {
        let (side, key) = unplace(self.orders.at(slot).place);
        let ladder = &mut self.ladders[side.index()];
        let queue = ladder.queue_mut(key);
        self.orders.unlink(queue, slot);
        if queue.is_empty() {
            ladder.close(key);
        }
    }
}

/// The outcome of an order of which this much found no match and does not rest.
#[inline]
const fn cancelled(qty: Lots, left: i64) -> Outcome {
    Outcome { resting: None, filled: Lots(qty.0 - left), remaining: Lots(left) }
}
