//! What a quantity at a price is worth.

use crate::units::{Lots, Overflow, Quote, Ticks, div_ceil, narrow};

/// A tick beyond every price: closing there is worth next to nothing in coin.
pub const FARTHEST: Ticks = Ticks(1 << 60);

/// A linear contract, or a spot market: value is price times quantity. An inverse contract: face value over price, in coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Linear: quote steps of one lot at one tick. Inverse: coin steps of one lot at one tick, times `divisor`.
    pub scale: i64,
    /// 0: linear.
    divisor: i64,
    /// Inverse: quote steps of one lot, whatever the price.
    face: i64,
}

impl Contract {
    /// One whose lot is worth `scale` steps at one tick.
    pub const fn linear(scale: i64) -> Contract {
        Contract { scale, divisor: 0, face: 0 }
    }

    /// One whose lot is `face` quote steps, worth `n / (d x price)` coin steps; `None` if `n` is not below 2^62, `d` not up
    /// to 2^40.
    pub fn inverse((n, d): (i128, i128), face: i64) -> Option<Contract> {
        let scale = i64::try_from(n).ok().filter(|n| (1..1 << 62).contains(n))?;
        let divisor = i64::try_from(d).ok().filter(|d| (1..=1 << 40).contains(d))?;
        Some(Contract { scale, divisor, face })
    }

    /// Whether margin and profit are in coin.
    #[inline]
    pub const fn is_inverse(&self) -> bool {
        self.divisor != 0
    }

    /// Exact value, signed like the quantity. An inverse one's, rounded to the nearest coin step, has the other sign: a long
    /// owes coin against its face, and gains as that gets less. So profit is value less cost for both.
    #[inline]
    pub fn value(&self, price: Ticks, qty: Lots) -> Result<Quote, Overflow> {
        if self.is_inverse() {
            return self.coin(price, qty);
        }
        price.0.checked_mul(qty.0).and_then(|v| v.checked_mul(self.scale)).map(Quote).ok_or(Overflow)
    }

    /// The same without sign.
    #[inline]
    pub fn worth(&self, price: Ticks, qty: Lots) -> Result<Quote, Overflow> {
        self.value(price, qty).map(Quote::abs)
    }

    #[cold]
    fn coin(&self, price: Ticks, qty: Lots) -> Result<Quote, Overflow> {
        let worth = self.worth_at((price.0.into(), 1), qty)?;
        Ok(Quote(-qty.0.signum() * worth.0))
    }

    /// Coin steps, without sign, at a price of `n / d` ticks: the nearest, halves up.
    pub fn worth_at(&self, (n, d): (i128, i128), qty: Lots) -> Result<Quote, Overflow> {
        let product = |a: i128, b: i128| a.checked_mul(b).ok_or(Overflow);
        let exact = product(self.per_tick(qty), d)?;
        let whole = product(self.divisor.into(), n)?;
        if whole <= 0 {
            return Err(Overflow);
        }
        let rounded = product(exact, 2)?.checked_add(whole).ok_or(Overflow)? / product(whole, 2)?;
        narrow(rounded).map(Quote)
    }

    /// Steps by which the value of a position moves with one tick; for an inverse one its worth at one tick times the
    /// divisor.
    #[inline]
    pub fn per_tick(&self, qty: Lots) -> i128 {
        i128::from(qty.0.unsigned_abs()) * i128::from(self.scale)
    }

    /// What a position of this quantity is worth, without sign, from what a long is: its value in the contract's direction.
    #[inline]
    pub const fn directed(&self, value: Quote) -> Quote {
        if self.is_inverse() { Quote(-value.0) } else { value }
    }

    /// What forced orders are counted by: an inverse contract's face, or else the value, in quote steps.
    #[inline]
    pub fn notional(&self, qty: Lots, value: Quote) -> Result<Quote, Overflow> {
        if self.is_inverse() {
            return qty.0.checked_mul(self.face).map(Quote).ok_or(Overflow);
        }
        Ok(value)
    }

    /// Inverse: the last tick at which this quantity is worth so many coin steps or more; 0 if none, [`FARTHEST`] if all are.
    pub fn last_worth(&self, qty: Lots, worth: i128) -> Ticks {
        if worth <= 0 {
            return FARTHEST;
        }
        // Twice the worth rounds to `2 x worth - 1` or more: 2^104 at most.
        let tick = 2 * self.per_tick(qty) / (i128::from(self.divisor) * (2 * worth - 1));
        Ticks(narrow(tick).unwrap_or(FARTHEST.0).min(FARTHEST.0))
    }

    /// The most lots that are worth less than this at a price; -1 if even none is.
    pub fn lots_below(&self, price: Ticks, worth: Quote) -> Result<Lots, Overflow> {
        if !self.is_inverse() {
            let a_lot = self.value(price, Lots(1))?;
            return Ok(Lots((worth.0 - 1).div_euclid(a_lot.0)));
        }
        if worth.0 <= 0 {
            return Ok(Lots(-1));
        }
        let whole = i128::from(self.divisor) * i128::from(price.0);
        let edge = whole.checked_mul(2 * i128::from(worth.0) - 1).ok_or(Overflow)?;
        narrow(div_ceil(edge, 2 * i128::from(self.scale)) - 1).map(Lots)
    }
}
