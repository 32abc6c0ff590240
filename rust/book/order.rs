//! What goes into a book and what comes out of it, as plain records.

use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Ticks};

/// The highest price a book keeps; the lowest is one tick.
pub const MAX_PRICE: Ticks = Ticks(1 << 40);

/// The most lots that orders may add up to at one price (a supply level's come on top and fit as well).
pub const MAX_LEVEL: Lots = Lots((1 << 62) - 1);

/// The maker order of a fill that took a whole supply level: it never became an order. No order ever has this id.
pub const SUPPLY_ORDER: OrderId = OrderId(0);

/// How long a limit order stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeInForce {
    /// Until cancelled: what does not trade at once rests.
    Gtc,
    /// What does not trade at once is cancelled.
    Ioc,
    /// All at once or nothing.
    Fok,
    /// Refused if any of it would trade at once.
    PostOnly,
    /// Never trades at once: where it would, it is priced one tick behind the opposite best instead.
    PostOnlySlide,
}

/// Market or limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderKind {
    /// At any price (inside the price band, if there is one); what does not fill is cancelled.
    Market,
    /// A market order that goes no further than this; what does not fill is cancelled. Unlike a limit it is not refused
    /// outside a price band, but stops at whichever comes first.
    Protected {
        /// From 1 to [`MAX_PRICE`].
        price: Ticks,
    },
    /// At this price or better.
    Limit {
        /// From 1 to [`MAX_PRICE`].
        price: Ticks,
        /// What becomes of the part that does not trade at once.
        tif: TimeInForce,
    },
}

/// An order on its way into the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Whose.
    pub owner: AccountId,
    /// Buys or sells.
    pub side: Side,
    /// At least one lot.
    pub qty: Lots,
    /// Market or limit.
    pub kind: OrderKind,
}

impl NewOrder {
    /// A limit order, good till cancelled.
    pub const fn limit(owner: AccountId, side: Side, price: Ticks, qty: Lots) -> NewOrder {
        NewOrder { owner, side, qty, kind: OrderKind::Limit { price, tif: TimeInForce::Gtc } }
    }

    /// A market order.
    pub const fn market(owner: AccountId, side: Side, qty: Lots) -> NewOrder {
        NewOrder { owner, side, qty, kind: OrderKind::Market }
    }

    /// A limit order with another time in force; market orders stay as they are.
    #[must_use]
    pub const fn tif(mut self, tif: TimeInForce) -> NewOrder {
        if let OrderKind::Limit { price, .. } = self.kind {
            self.kind = OrderKind::Limit { price, tif };
        }
        self
    }
}

/// One trade with one resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The resting order's price.
    pub price: Ticks,
    /// How much; positive.
    pub qty: Lots,
    /// The resting order, or [`SUPPLY_ORDER`].
    pub maker_order: OrderId,
    /// Whose it is.
    pub maker: AccountId,
    /// What still rests of it.
    pub maker_remaining: Lots,
}

/// Where a book's fills go: a vector, or whatever needs less than all of them.
pub trait FillSink {
    /// One more fill, the next in order.
    fn push(&mut self, fill: Fill);
}

impl FillSink for Vec<Fill> {
    #[inline]
    fn push(&mut self, fill: Fill) {
        self.push(fill);
    }
}

/// What became of a submitted order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its id, if a part of it rests now.
    pub resting: Option<OrderId>,
    /// Traded.
    pub filled: Lots,
    /// Not traded: rests if `resting` names it, else cancelled.
    pub remaining: Lots,
}

/// An order that rests in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestingOrder {
    /// Its price.
    pub price: Ticks,
    /// What is left of it.
    pub remaining: Lots,
    /// Whose.
    pub owner: AccountId,
    /// Bid or ask.
    pub side: Side,
}

const _: () = assert!(size_of::<Fill>() == 40);
