//! What a book demands of orders, and what an order may ask beyond price and quantity: plain data.

use super::fees::Fees;
use super::order::MAX_PRICE;
use crate::ids::AccountId;
use crate::units::{Lots, Side, Ticks, Time};

/// Price times quantity, in ticks x lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notional(pub i128);

impl Notional {
    /// Of so many lots at this price.
    #[inline]
    pub const fn of(price: Ticks, qty: Lots) -> Notional {
        Notional(price.0 as i128 * qty.0 as i128)
    }
}

/// What happens when an order would trade with a resting one of the same owner. The incoming order decides: its own terms,
/// or else the book's rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SelfTrade {
    /// They trade.
    #[default]
    Allow,
    /// What is left of the incoming order is cancelled.
    CancelNewest,
    /// The resting order is cancelled, the incoming one goes on.
    CancelOldest,
    /// Both are cancelled.
    CancelBoth,
    /// Both lose the smaller quantity of the two, which no one trades; the one used up is gone.
    Decrement,
}

/// Which price a trigger watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The mark price the caller reports.
    Mark,
    /// The book's own last trade.
    Last,
    /// The index price the caller reports.
    Index,
}

/// From which side the price must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerKind {
    /// A stop: a buy at or above its price, a sell at or below.
    Stop,
    /// A take-profit: a buy at or below its price, a sell at or above.
    TakeProfit,
}

/// When a waiting order enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trigger {
    /// The price it watches.
    pub source: Source,
    /// From 1 to [`MAX_PRICE`].
    pub price: Ticks,
    /// Stop or take-profit.
    pub kind: TriggerKind,
}

impl Trigger {
    /// Whether it waits for the price to rise to it.
    #[inline]
    pub fn rises(self, side: Side) -> bool {
        (side == Side::Buy) == (self.kind == TriggerKind::Stop)
    }

    /// Whether this price sets it off.
    #[inline]
    pub fn is_due(self, side: Side, price: Ticks) -> bool {
        if self.rises(side) { price >= self.price } else { price <= self.price }
    }
}

/// What an order asks for beyond side, price and quantity. The default asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Instead of the book's rule.
    pub self_trade: Option<SelfTrade>,
    /// May only make its owner's position smaller: trimmed to it (or refused) when it enters, and trimmed again (or
    /// cancelled) at the moment it would be hit.
    pub reduce_only: bool,
    /// Cancelled once the clock reaches this.
    pub expires: Option<Time>,
    /// Waits for this before it enters.
    pub trigger: Option<Trigger>,
}

impl Terms {
    /// With self-trade prevention of its own.
    #[must_use]
    pub const fn self_trade(mut self, rule: SelfTrade) -> Terms {
        self.self_trade = Some(rule);
        self
    }

    /// Reduce-only.
    #[must_use]
    pub const fn reduce_only(mut self) -> Terms {
        self.reduce_only = true;
        self
    }

    /// Good till this time.
    #[must_use]
    pub const fn expires(mut self, at: Time) -> Terms {
        self.expires = Some(at);
        self
    }

    /// A stop (or stop-limit, by the order's kind).
    #[must_use]
    pub const fn stop(mut self, source: Source, price: Ticks) -> Terms {
        self.trigger = Some(Trigger { source, price, kind: TriggerKind::Stop });
        self
    }

    /// A take-profit (or take-profit-limit).
    #[must_use]
    pub const fn take_profit(mut self, source: Source, price: Ticks) -> Terms {
        self.trigger = Some(Trigger { source, price, kind: TriggerKind::TakeProfit });
        self
    }
}

/// Prices the book trades at, ends included: a limit outside is refused, a market order stops at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Band {
    /// Lowest.
    pub low: Ticks,
    /// Highest.
    pub high: Ticks,
}

impl Band {
    /// Whether it is one: from 1 to [`MAX_PRICE`], not upside down.
    pub fn is_valid(self) -> bool {
        self.low.0 >= 1 && self.low <= self.high && self.high <= MAX_PRICE
    }

    #[inline]
    pub(super) fn holds(self, price: Ticks) -> bool {
        self.low <= price && price <= self.high
    }
}

/// What holds of every order of a book. The default demands nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Where an order does not say.
    pub self_trade: SelfTrade,
    /// Least price x quantity (a market order's at the opposite best); reduce-only orders are free of it.
    pub min_notional: Notional,
    /// Prices allowed.
    pub band: Option<Band>,
    /// Charged by whoever reads the fills: see [`Fees::on`].
    pub fees: Fees,
}

impl Rules {
    /// Whether matching need not look at them.
    pub(super) fn are_plain(&self) -> bool {
        self.self_trade == SelfTrade::Allow && self.min_notional.0 <= 0 && self.band.is_none()
    }
}

/// Who holds what, for reduce-only orders: signed positions as they are before the command (or the batch). What is traded
/// during it the book adds by itself. `()` holds nothing; a closure will do.
pub trait Positions {
    /// The account's position.
    fn position(&self, owner: AccountId) -> Lots;
}

impl Positions for () {
    fn position(&self, _owner: AccountId) -> Lots {
        Lots::ZERO
    }
}

impl<F: Fn(AccountId) -> Lots> Positions for F {
    fn position(&self, owner: AccountId) -> Lots {
        self(owner)
    }
}
