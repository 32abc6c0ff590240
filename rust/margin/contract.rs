//! What a quantity at a price is worth.

use crate::units::{Lots, Overflow, Quote, Ticks};

/// A linear contract, or a spot market: value is price times quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Quote steps of one lot at one tick.
    pub scale: i64,
}

impl Contract {
    /// Exact value in quote steps, signed like the quantity.
    #[inline]
    pub fn value(&self, price: Ticks, qty: Lots) -> Result<Quote, Overflow> {
        price.0.checked_mul(qty.0).and_then(|v| v.checked_mul(self.scale)).map(Quote).ok_or(Overflow)
    }

    /// Quote steps by which the value of a position moves with one tick.
    #[inline]
    pub fn per_tick(&self, qty: Lots) -> i128 {
        i128::from(qty.0.unsigned_abs()) * i128::from(self.scale)
    }
}
