//! Integer ticks, lots and money: newtypes with checked arithmetic, and the one place where anything is rounded.

use std::ops::Neg;

use serde::Serialize;

/// A price, in whole ticks of its market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Ticks(pub i64);

/// A quantity, in whole lots of its market; signed where it is a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Lots(pub i64);

/// An amount of money, in whole `quote_step`s; signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Quote(pub i64);

/// A rate (fee, maintenance, hedge ratio) in parts per billion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Rate(pub i64);

/// A moment of simulation time, in whole steps of the caller's clock (nanoseconds, by custom).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// Which way an order trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Takes asks, rests as a bid.
    Buy,
    /// Takes bids, rests as an ask.
    Sell,
}

impl Side {
    /// Both sides, buys first.
    pub const BOTH: [Side; 2] = [Side::Buy, Side::Sell];

    /// The other side.
    #[inline]
    pub const fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// +1 for a buy, -1 for a sell.
    #[inline]
    pub const fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }

    /// The side that closes a position of this signed quantity.
    #[inline]
    pub const fn closing(position: Lots) -> Side {
        if position.0 > 0 { Side::Sell } else { Side::Buy }
    }

    /// This side's slot in a pair, buys first.
    #[inline]
    pub const fn index(self) -> usize {
        match self {
            Side::Buy => 0,
            Side::Sell => 1,
        }
    }
}

/// A figure that does not fit the integers the books are kept in. Never wrapped, always reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

macro_rules! checked {
    ($($unit:ident)*) => {$(
        impl $unit {
            /// Nothing.
            pub const ZERO: $unit = $unit(0);

            /// The sum, or [`Overflow`].
            #[inline]
            pub fn plus(self, other: $unit) -> Result<$unit, Overflow> {
                self.0.checked_add(other.0).map($unit).ok_or(Overflow)
            }

            /// The difference, or [`Overflow`].
            #[inline]
            pub fn minus(self, other: $unit) -> Result<$unit, Overflow> {
                self.0.checked_sub(other.0).map($unit).ok_or(Overflow)
            }

            /// The amount without its sign.
            #[inline]
            pub const fn abs(self) -> $unit {
                $unit(self.0.abs())
            }

            /// The part `numerator / denominator` of it, cut toward zero.
            #[inline]
            pub fn share(self, numerator: i64, denominator: i64) -> $unit {
                if numerator == denominator {
                    return self;
                }
                // |numerator| <= |denominator|, so the result fits wherever the amount did.
                narrow(i128::from(self.0) * i128::from(numerator) / i128::from(denominator)).map_or(self, $unit)
            }
        }

        impl Neg for $unit {
            type Output = $unit;
            #[inline]
            fn neg(self) -> $unit {
                $unit(-self.0)
            }
        }
    )*};
}
checked!(Ticks Lots Quote);

impl Ticks {
    /// `a / b` rounded to the nearest integer, halves up; `b > 0`.
    pub fn nearest(a: i128, b: i128) -> Result<Ticks, Overflow> {
        narrow((2 * a + b).div_euclid(2 * b)).map(Ticks)
    }
}

impl Rate {
    /// One, in parts per billion.
    pub const ONE: i64 = 1_000_000_000;

    /// The rate's part of an amount: `(floor, ceil)` of the exact product. They differ by at most one step.
    #[inline]
    pub fn of(self, amount: Quote) -> Result<(Quote, Quote), Overflow> {
        if self.0 == 0 {
            return Ok((Quote::ZERO, Quote::ZERO));
        }
        let exact = i128::from(self.0) * i128::from(amount.0);
        let floor = exact.div_euclid(i128::from(Rate::ONE));
        let ceil = div_ceil(exact, i128::from(Rate::ONE));
        Ok((Quote(narrow(floor)?), Quote(narrow(ceil)?)))
    }
}

/// An `i128` intermediate back into the 64 bits the books are kept in.
#[inline]
pub fn narrow(wide: i128) -> Result<i64, Overflow> {
    i64::try_from(wide).map_err(|_| Overflow)
}

/// Ceiling division; `b > 0`.
#[inline]
pub const fn div_ceil(a: i128, b: i128) -> i128 {
    -((-a).div_euclid(b))
}

/// Greatest common divisor, positive; `b > 0`.
pub const fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}

/// A decimal unit (a tick, a lot, a quote step) as an exact fraction, to show integers in units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// Whole number.
    pub numerator: f64,
    /// Power of ten.
    pub denominator: f64,
}

impl Unit {
    /// `count` units as the nearest double: one rounded division, so that 1967 cents are 19.67.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    pub fn of(self, count: i64) -> f64 {
        count as f64 * self.numerator / self.denominator
    }
}
