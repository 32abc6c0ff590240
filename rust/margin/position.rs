//! A position: quantity and cost, never an average price.

use crate::units::{Lots, Overflow, Quote, Side};

/// One account's position in one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Signed: longs positive.
    pub qty: Lots,
    /// Signed sum of the values of the fills that opened it.
    pub cost: Quote,
    /// Set aside for it out of the account's balance; nothing for a cross account.
    pub margin: Quote,
}

const _: () = assert!(size_of::<Position>() == 24);

impl Position {
    /// Profit at a mark at which the position is worth `value` (signed).
    #[inline]
    pub fn profit(&self, value: Quote) -> Result<Quote, Overflow> {
        value.minus(self.cost)
    }

    /// Takes a fill of `qty` lots (unsigned), `value` being that of a long of them, and returns the profit it realises.
    ///
    /// Closing releases cost and margin pro rata, cut toward zero; what is more than the position opens the other way.
    /// A fill that flips the position is split in proportion, cut toward zero.
    #[inline]
    pub fn fill(&mut self, side: Side, qty: Lots, value: Quote) -> Result<Quote, Overflow> {
        let open = self.qty.abs();
        if self.qty.0 * side.sign() >= 0 {
            self.extend(side, qty, value)?;
            return Ok(Quote::ZERO);
        }
        if qty <= open {
            return self.close(side, qty, value);
        }
        let closing = value.share(open.0, qty.0);
        let profit = self.close(side, open, closing)?;
        self.extend(side, qty.minus(open)?, value.minus(closing)?)?;
        Ok(profit)
    }

    /// Closes all of it for this value, that of a long of as much, and returns the profit.
    #[inline]
    pub fn close_out(&self, value: Quote) -> Result<Quote, Overflow> {
        Quote(self.qty.0.signum() * value.0).minus(self.cost)
    }

    #[inline]
    fn extend(&mut self, side: Side, qty: Lots, value: Quote) -> Result<(), Overflow> {
        self.qty = self.qty.plus(Lots(side.sign() * qty.0))?;
        self.cost = self.cost.plus(Quote(side.sign() * value.0))?;
        Ok(())
    }

    #[inline]
    fn close(&mut self, side: Side, qty: Lots, value: Quote) -> Result<Quote, Overflow> {
        let open = self.qty.abs();
        let released = self.cost.share(qty.0, open.0);
        self.margin = self.margin.minus(self.margin.share(qty.0, open.0))?;
        self.qty = self.qty.plus(Lots(side.sign() * qty.0))?;
        self.cost = self.cost.minus(released)?;
        Quote(-side.sign() * value.0).minus(released)
    }
}
