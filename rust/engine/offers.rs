//! What an agent's resting orders offer.

use crate::event::Market;
use crate::units::{Lots, Overflow, Side};

/// Lots by book and side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offers {
    spot: [Lots; 2],
    perp: [Lots; 2],
}

impl Offers {
    /// Lots that rest on a side of a book.
    pub fn on(&self, market: Market, side: Side) -> Lots {
        match market {
            Market::Spot => self.spot[side as usize],
            Market::Perp => self.perp[side as usize],
            Market::OffBook => Lots::ZERO,
        }
    }

    /// An order was posted; or, below zero, filled or cancelled.
    pub fn add(&mut self, market: Market, side: Side, qty: Lots) -> Result<(), Overflow> {
        let offered = match market {
            Market::Spot => &mut self.spot[side as usize],
            Market::Perp => &mut self.perp[side as usize],
            Market::OffBook => return Ok(()), // what is closed off the book fills nobody's order
        };
        *offered = offered.plus(qty)?;
        Ok(())
    }
}
