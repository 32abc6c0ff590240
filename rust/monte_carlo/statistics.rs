//! What is known of a column without keeping it: exact integers, so that no order of paths, chunks or machines shows.

use super::histogram::Histogram;
use super::wide::Wide;

/// Streaming statistics of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Paths that have a figure.
    pub count: u64,
    /// Paths that have none: a ratio to zero.
    pub missing: u64,
    /// The sum.
    pub sum: i128,
    /// The sum of squares.
    pub squares: Wide,
    /// The smallest; only of use where `count > 0`.
    pub min: i64,
    /// The largest; only of use where `count > 0`.
    pub max: i64,
    /// The distribution.
    pub histogram: Histogram,
}

impl Default for Statistics {
    fn default() -> Statistics {
        Statistics {
            count: 0,
            missing: 0,
            sum: 0,
            squares: Wide::default(),
            min: i64::MAX,
            max: i64::MIN,
            histogram: Histogram::default(),
        }
    }
}

impl Statistics {
    /// More paths: the figures of those that have one, and how many have none.
    pub fn extend(&mut self, figures: &[i64], missing: u64) {
        self.missing += missing;
        self.count += figures.len() as u64;
        for &x in figures {
            self.sum += i128::from(x);
            let magnitude = u128::from(x.unsigned_abs());
            self.squares.add(magnitude * magnitude);
            self.min = self.min.min(x);
            self.max = self.max.max(x);
            self.histogram.add(x);
        }
    }

    /// One more path.
    pub fn add(&mut self, figure: Option<i64>) {
        match figure {
            Some(x) => self.extend(&[x], 0),
            None => self.extend(&[], 1),
        }
    }

    /// The paths of another one.
    pub fn merge(&mut self, other: &Statistics) {
        self.count += other.count;
        self.missing += other.missing;
        self.sum += other.sum;
        self.squares.merge(other.squares);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.histogram.merge(&other.histogram);
    }

    /// The mean; NaN of nothing.
    #[allow(clippy::cast_precision_loss)]
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.count as f64
    }

    /// The unbiased variance, from exact sums; NaN of fewer than two.
    #[allow(clippy::cast_precision_loss)]
    pub fn variance(&self) -> f64 {
        if self.count < 2 {
            return f64::NAN;
        }
        // n sum(x^2) - (sum x)^2 >= 0, by Cauchy and Schwarz.
        let spread = self.squares.times(self.count).minus(Wide::square(self.sum.unsigned_abs()));
        spread.as_f64() / (self.count as f64 * (self.count - 1) as f64)
    }

    /// The standard error of the mean.
    #[allow(clippy::cast_precision_loss)]
    pub fn standard_error(&self) -> f64 {
        (self.variance() / self.count as f64).sqrt()
    }
}
