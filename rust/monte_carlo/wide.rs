//! Sums of squares of 64-bit integers, exact in 256 bits.

/// A non-negative integer below 2^256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    /// Its upper and lower 128 bits.
    pub(super) fn parts(self) -> (u128, u128) {
        (self.high, self.low)
    }

    /// What has these parts.
    pub(super) fn from_parts((high, low): (u128, u128)) -> Wide {
        Wide { high, low }
    }

    /// Adds a number. Squares of 64-bit integers would need 2^130 of them to overflow.
    #[inline]
    pub fn add(&mut self, x: u128) {
        let (low, carry) = self.low.overflowing_add(x);
        self.low = low;
        self.high += u128::from(carry);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Wide) {
        self.add(other.low);
        self.high += other.high;
    }

    /// The square of a number.
    pub fn square(x: u128) -> Wide {
        let (a, b) = (x >> 64, x & u128::from(u64::MAX));
        let mut square = Wide { high: a * a, low: b * b };
        // 2ab 2^64: its upper part goes to `high`.
        let cross = a * b;
        square.high += cross >> 63;
        square.add(cross << 65);
        square
    }

    /// Times a factor; the caller knows that it fits.
    pub fn times(self, factor: u64) -> Wide {
        let factor = u128::from(factor);
        let (a, b) = (self.low >> 64, self.low & u128::from(u64::MAX));
        let mut product = Wide { high: self.high * factor, low: b * factor };
        product.high += (a * factor) >> 64;
        product.add((a * factor) << 64);
        product
    }

    /// What is left after taking a smaller one away.
    pub fn minus(self, smaller: Wide) -> Wide {
        let (low, borrow) = self.low.overflowing_sub(smaller.low);
        Wide { high: self.high - smaller.high - u128::from(borrow), low }
    }

    /// As a double, to some 2^-52 of it.
    #[allow(clippy::cast_precision_loss)]
    pub fn as_f64(self) -> f64 {
        self.high as f64 * (u128::MAX as f64) + self.low as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_products_and_differences_are_exact() {
        let top = u128::from(u64::MAX);
        assert_eq!(Wide::square(top), Wide { high: 0, low: top * top });
        // (2^127 + 1)^2 = 2^254 + 2^128 + 1
        assert_eq!(Wide::square((1 << 127) + 1), Wide { high: (1 << 126) + 1, low: 1 });
        // (2^128 - 1)^2 = 2^256 - 2^129 + 1
        assert_eq!(Wide::square(u128::MAX), Wide { high: u128::MAX - 1, low: 1 });
        let mut sum = Wide::default();
        (0..5).for_each(|_| sum.add(u128::MAX));
        assert_eq!(sum, Wide { high: 0, low: u128::MAX }.times(5));
        assert_eq!(sum.minus(Wide { high: 0, low: u128::MAX }), Wide { high: 0, low: u128::MAX }.times(4));
        assert_eq!(Wide { high: 1, low: 0 }.as_f64(), 2f64.powi(128));
    }
}
