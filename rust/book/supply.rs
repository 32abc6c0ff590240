//! What rests at a tick not yet seen.

use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Ticks};

/// One level of a supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// From 1 to [`MAX_PRICE`](super::MAX_PRICE).
    pub price: Ticks,
    /// From 1 to [`MAX_LEVEL`](super::MAX_LEVEL).
    pub qty: Lots,
    /// Who rests there.
    pub owner: AccountId,
    /// Behind all orders at its price; else before them.
    pub newest: bool,
}

/// Orders that rest without the book having seen them, drawn only when matching or a query reaches them. `resting` is `Buy`
/// for bids, `Sell` for asks; prices move from the best away (asks rise, bids fall), and no bid reaches an ask. Of one price
/// those that are not `newest` come first, the oldest first. The book asks for the next price often: keep it at hand.
pub trait Supply {
    /// Price of the next level not yet drawn.
    fn next_price(&self, resting: Side) -> Option<Ticks>;

    /// Draws the level that [`next_price`](Supply::next_price) announced.
    fn draw(&mut self, resting: Side) -> Option<Level>;

    /// A level that is `newest` became an order of the book.
    #[inline]
    fn entered(&mut self, resting: Side, id: OrderId) {
        let _ = (resting, id);
    }
}

/// Nothing.
impl Supply for () {
    #[inline]
    fn next_price(&self, _resting: Side) -> Option<Ticks> {
        None
    }

    #[inline]
    fn draw(&mut self, _resting: Side) -> Option<Level> {
        None
    }
}
