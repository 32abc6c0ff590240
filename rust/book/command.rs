//! Commands in, events out.

use super::order::{Fill, NewOrder, TimeInForce};
use super::rules::{Band, Terms};
use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Ticks, Time};

/// What can be asked of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// An order enters, or waits for its trigger.
    Add {
        /// Whose, which way, how much, at what price.
        order: NewOrder,
        /// What else it asks for.
        terms: Terms,
    },
    /// A resting or waiting order is taken out.
    Cancel(OrderId),
    /// A resting or waiting order gets smaller and keeps its place; at nothing or below it is cancelled.
    Reduce {
        /// Which.
        id: OrderId,
        /// By how much.
        by: Lots,
    },
    /// A resting order gets another price and quantity under the same id, all or nothing. It keeps its place only at the
    /// same price and no larger; else it enters anew (and may trade), its terms unchanged.
    Replace {
        /// Which.
        id: OrderId,
        /// Its new limit.
        price: Ticks,
        /// What shall be left of it from now on.
        qty: Lots,
        /// `Gtc`, `PostOnly` or `PostOnlySlide`.
        tif: TimeInForce,
    },
    /// All resting and waiting orders of an account are cancelled. Costs a look at every order (some 1 ns each).
    CancelOwner(AccountId),
    /// The clock advances; orders whose time has come are cancelled, earliest first, then oldest.
    Clock(Time),
    /// The mark price is this.
    Mark(Ticks),
    /// The index price is this.
    Index(Ticks),
    /// The price band is this from now on. Resting orders stay.
    Band(Option<Band>),
    /// No order enters and nothing triggers until [`Command::Resume`]; cancels, reductions and the clock go on.
    Halt,
    /// Trading goes on; what should have triggered meanwhile does so: on mark, then last, then index.
    Resume,
}

impl NewOrder {
    /// The command that adds it.
    pub fn add(self) -> Command {
        Command::Add { order: self, terms: Terms::default() }
    }

    /// The command that adds it under these terms.
    pub fn with(self, terms: Terms) -> Command {
        Command::Add { order: self, terms }
    }
}

/// Why an order, or a part of it, was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// By name.
    Asked,
    /// With all of its owner's.
    Owner,
    /// Nothing was left to trade with within its limit, and it was not to rest.
    Unfilled,
    /// Fill-or-kill: not all of it could be had.
    Killed,
    /// It would have traded with its own owner.
    SelfTrade,
    /// It would not have reduced its owner's position.
    ReduceOnly,
    /// Its time had come.
    Expired,
    /// It triggered and was refused on entering.
    Refused(Reject),
}

impl CancelReason {
    /// The code in tables: `Asked` 0, ... `Expired` 6; a refused one 64 + the code of its [`Reject`].
    pub const fn code(self) -> u8 {
        match self {
            CancelReason::Asked => 0,
            CancelReason::Owner => 1,
            CancelReason::Unfilled => 2,
            CancelReason::Killed => 3,
            CancelReason::SelfTrade => 4,
            CancelReason::ReduceOnly => 5,
            CancelReason::Expired => 6,
            CancelReason::Refused(reject) => 64 + reject.code(),
        }
    }
}

/// What a command did, in the order in which it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order is in the book, about to match, or waits for its trigger.
    Accepted {
        /// Its id.
        id: OrderId,
        /// How much of it: reduce-only may have trimmed it.
        qty: Lots,
    },
    /// A trade.
    Filled {
        /// The order that took.
        taker: OrderId,
        /// Whose it is.
        owner: AccountId,
        /// Which way it trades.
        side: Side,
        /// With whom, at what price, how much.
        fill: Fill,
    },
    /// What is left of an order rests now.
    Rested {
        /// Which.
        id: OrderId,
        /// At its limit, or where it slid to.
        price: Ticks,
        /// How much.
        qty: Lots,
    },
    /// An order or a part of it is gone without a trade.
    Cancelled {
        /// Which.
        id: OrderId,
        /// Whose.
        owner: AccountId,
        /// How much.
        qty: Lots,
        /// What is left of it.
        left: Lots,
        /// Why.
        reason: CancelReason,
    },
    /// An order got smaller by name.
    Reduced {
        /// Which.
        id: OrderId,
        /// What is left of it.
        left: Lots,
    },
    /// An order has another price or quantity.
    Replaced {
        /// Which.
        id: OrderId,
        /// Its limit.
        price: Ticks,
        /// What it has to trade now.
        qty: Lots,
        /// Whether it kept its place in the queue. If not, it enters now.
        kept: bool,
    },
    /// A waiting order enters.
    Triggered {
        /// Which.
        id: OrderId,
    },
    /// The command was refused and has changed nothing.
    Rejected(Reject),
}
