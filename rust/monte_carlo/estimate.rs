//! Quantiles, exceedance and tails of a column, each with an interval; in the column's exact units.

use super::histogram::Bucket;
use super::statistics::Statistics;
use crate::random::normal;

/// A figure estimated from paths, and where the true one is with the confidence asked for. A bound that so few paths cannot
/// give is infinite; a figure of nothing is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// From here.
    pub low: f64,
    /// To here.
    pub high: f64,
}

impl Estimate {
    const NONE: Estimate = Estimate { value: f64::NAN, low: f64::NAN, high: f64::NAN };

    /// The interval of a normal variable.
    fn normal(value: f64, deviation: f64, z: f64) -> Estimate {
        if deviation.is_nan() {
            return Estimate { value, low: f64::NEG_INFINITY, high: f64::INFINITY };
        }
        Estimate { value, low: value - z * deviation, high: value + z * deviation }
    }

    /// Each of the three figures changed by an increasing function.
    pub fn map(self, change: impl Fn(f64) -> f64) -> Estimate {
        Estimate { value: change(self.value), low: change(self.low), high: change(self.high) }
    }
}

/// Which end of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Above the quantile.
    Upper,
    /// Below it.
    Lower,
}

impl Statistics {
    /// The mean, with the interval of the central limit theorem.
    pub fn mean_within(&self, confidence: f64) -> Estimate {
        if self.count == 0 {
            return Estimate::NONE;
        }
        Estimate::normal(self.mean(), self.standard_error(), deviations(confidence))
    }

    /// The smallest number that a share `q` of the paths does not exceed (numpy's `inverted_cdf`), to one bucket's width.
    ///
    /// The interval runs between order statistics: how many paths lie below the true quantile is binomial, taken as normal
    /// (W. J. Conover, "Practical Nonparametric Statistics", 3rd ed., 1999, section 3.2).
    #[allow(clippy::cast_precision_loss)]
    pub fn quantile(&self, q: f64, confidence: f64) -> Estimate {
        if self.count == 0 || !(0.0..=1.0).contains(&q) {
            return Estimate::NONE;
        }
        let n = self.count as f64;
        // 0.07 x 100 is a little more than 7 in doubles.
        let rank = (n * q * (1.0 - 4.0 * f64::EPSILON)).ceil().clamp(1.0, n);
        let spread = deviations(confidence) * (n * q * (1.0 - q)).sqrt();
        let (low, high) = ((n * q - spread).floor(), (n * q + spread).ceil() + 1.0);
        let [low_at, value, high_at] = self.ranked([low.max(1.0), rank, high.min(n)]);
        Estimate {
            value,
            low: if low < 1.0 { f64::NEG_INFINITY } else { low_at },
            high: if high > n { f64::INFINITY } else { high_at },
        }
    }

    /// The numbers of these ranks, 1 the smallest; ranks upward.
    #[allow(clippy::cast_precision_loss)]
    fn ranked<const N: usize>(&self, ranks: [f64; N]) -> [f64; N] {
        let (mut found, mut next, mut below) = ([f64::NAN; N], 0, 0u64);
        for bucket in self.histogram.buckets() {
            let upto = below + bucket.count;
            while next < N && ranks[next] <= upto as f64 {
                found[next] = bucket.ranked(ranks[next] - below as f64);
                next += 1;
            }
            below = upto;
        }
        found
    }

    /// The share of paths above `threshold`, with the interval of E. B. Wilson, "Probable inference, the law of succession,
    /// and statistical inference" (JASA 22, 1927). Where the threshold falls between the numbers of one bucket the share is
    /// interpolated and the interval is as wide as the bucket allows.
    #[allow(clippy::cast_precision_loss)]
    pub fn exceedance(&self, threshold: i64, confidence: f64) -> Estimate {
        if self.count == 0 {
            return Estimate::NONE;
        }
        let (mut sure, mut likely, mut possible) = (0, 0, 0);
        for bucket in self.histogram.buckets().rev().take_while(|bucket| bucket.max > threshold) {
            let (at_least, about, at_most) = bucket.above(threshold);
            sure += at_least;
            likely += about;
            possible += at_most;
        }
        let (n, z) = (self.count as f64, deviations(confidence));
        let low = if sure == 0 { 0.0 } else { wilson(sure as f64, n, z).0 };
        let high = if possible == self.count { 1.0 } else { wilson(possible as f64, n, z).1 };
        Estimate { value: likely as f64 / n, low, high }
    }

    /// The mean of the share `1 - q` (lower: `q`) of the paths at that end, also called expected shortfall or CTE. Where the
    /// share is not a whole number of paths the last one counts in part (C. Acerbi and D. Tasche, "On the coherence of
    /// expected shortfall", 2002).
    ///
    /// The interval is asymptotic: with `k` paths in the tail, `(s^2 + q (CTE - VaR)^2) / k` is the variance (B. J. Manistre
    /// and G. H. Hancock, "Variance of the CTE estimator", North American Actuarial Journal 9(2), 2005).
    #[allow(clippy::cast_precision_loss)]
    pub fn tail_expectation(&self, q: f64, tail: Tail, confidence: f64) -> Estimate {
        if self.count == 0 || !(0.0..=1.0).contains(&q) {
            return Estimate::NONE;
        }
        let share = if tail == Tail::Upper { 1.0 - q } else { q };
        // The tail holds one path at least.
        let k = (self.count as f64 * share).max(1.0);
        let at_risk = self.quantile(q, confidence).value;
        let (mut left, mut sum, mut squares) = (k, 0.0, 0.0);
        // Counted from the quantile, so that the squares keep their digits.
        let mut take = |bucket: Bucket| {
            let taken = left.min(bucket.count as f64);
            let (mean, variance) = bucket.end(taken, tail);
            let beyond = mean - at_risk;
            left -= taken;
            sum += taken * beyond;
            squares += taken * (beyond * beyond + variance);
            left > 0.0
        };
        let buckets = self.histogram.buckets();
        match tail {
            Tail::Upper => buckets.rev().all(&mut take),
            Tail::Lower => buckets.into_iter().all(&mut take),
        };
        let beyond = sum / k;
        if k < 2.0 {
            return Estimate::normal(at_risk + beyond, f64::NAN, 0.0);
        }
        let variance = ((squares - sum * beyond) / (k - 1.0)).max(0.0);
        let deviation = ((variance + (1.0 - share) * beyond * beyond) / k).sqrt();
        Estimate::normal(at_risk + beyond, deviation, deviations(confidence))
    }
}

/// Between its smallest and its largest, a bucket's numbers are taken to lie evenly.
#[allow(clippy::cast_precision_loss)]
impl Bucket {
    fn width(&self) -> f64 {
        (i128::from(self.max) - i128::from(self.min)) as f64
    }

    /// The number of this rank, 1 the smallest.
    fn ranked(&self, rank: f64) -> f64 {
        if self.count == 1 {
            return self.min as f64;
        }
        self.min as f64 + self.width() * (rank - 1.0) / (self.count - 1) as f64
    }

    /// How many numbers lie above `threshold`: at least, about, at most.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a count
    fn above(&self, threshold: i64) -> (u64, u64, u64) {
        if threshold < self.min {
            return (self.count, self.count, self.count);
        }
        let below = (i128::from(threshold) - i128::from(self.min)) as f64 / self.width();
        let steps = self.count - 1;
        (1, (steps - (steps as f64 * below).floor() as u64).clamp(1, steps), steps)
    }

    /// Mean and variance of the `taken` numbers at an end.
    fn end(&self, taken: f64, tail: Tail) -> (f64, f64) {
        let count = self.count as f64;
        if self.min == self.max {
            return (self.min as f64, 0.0);
        }
        if taken >= count {
            let variance = self.width() * self.width() / 12.0 * (count + 1.0) / (count - 1.0);
            return (self.sum as f64 / count, variance);
        }
        let reach = self.width() * (taken - 1.0).max(0.0) / (count - 1.0);
        let mean = match tail {
            Tail::Upper => self.max as f64 - reach / 2.0,
            Tail::Lower => self.min as f64 + reach / 2.0,
        };
        (mean, reach * reach / 12.0)
    }
}

fn wilson(hits: f64, n: f64, z: f64) -> (f64, f64) {
    let (share, square) = (hits / n, z * z);
    let centre = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    (centre - half, centre + half)
}

/// How many standard deviations about its mean a normal variable stays within with this probability.
fn deviations(confidence: f64) -> f64 {
    if (0.0..1.0).contains(&confidence) { normal::quantile((1.0 + confidence) / 2.0) } else { f64::NAN }
}
