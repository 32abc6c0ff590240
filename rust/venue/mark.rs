//! What a mark price is made of: averages, medians and bounds, in whole numbers.

use serde::{Deserialize, Serialize};

use crate::units::{Overflow, Quote, Rate, Ticks};

/// What the mark price is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkPrice {
    /// The index.
    #[default]
    Index,
    /// The mean of both books' mids.
    MeanOfMids,
    /// The perpetual's last trade.
    Last,
    /// The perpetual's mid.
    Mid,
    /// The mean of what a certain notional would get on either side of the perpetual's book.
    ImpactMid,
    /// The index and the average of the basis.
    EmaBasis,
    /// Binance's median: the index with the funding to come, the index with the average basis, the last trade.
    Median,
    /// Hyperliquid's median, without other venues' perpetuals: the oracle with the average basis, the median of best bid, best
    /// ask and last trade, and the average of that.
    Hyperliquid,
}

impl MarkPrice {
    /// Whether it moves with what is quoted in the perpetual's book.
    pub const fn reads_quotes(self) -> bool {
        !matches!(self, MarkPrice::Index | MarkPrice::Last)
    }
}

/// A tick is so many fine ones.
pub const FINE: i128 = 1 << 20;

/// A price in fine ticks.
#[inline]
pub const fn fine(price: Ticks) -> i128 {
    price.0 as i128 * FINE
}

/// The nearest tick to a price in fine ones, halves up.
#[inline]
pub fn whole(fine: i128) -> Result<Ticks, Overflow> {
    Ticks::nearest(fine, FINE)
}

/// The part of the way that an exponential average goes in a round, in units of 2^-32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace(pub i64);

impl Pace {
    /// `1 - exp(-round / constant)`; none where time stands still.
    #[allow(clippy::cast_possible_truncation)]
    pub fn of(round_seconds: f64, constant: f64) -> Pace {
        Pace((-libm::expm1(-round_seconds / constant) * 4_294_967_296.0).floor() as i64)
    }

    /// The average after one more sample.
    #[inline]
    pub const fn follow(self, average: i128, sample: i128) -> i128 {
        average + (((sample - average) * self.0 as i128) >> 32)
    }
}

/// How the mark is taken from prices, beyond its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marking {
    /// Of the basis' average.
    pub basis: Pace,
    /// Of the average of Hyperliquid's own median: 30 s.
    pub book: Pace,
    /// Largest relative move in a round.
    pub step: Option<Rate>,
    /// What impact prices are for; 0: the best price.
    pub impact_notional: Quote,
}

/// What a mark may be made of, in fine ticks of the perpetual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    /// The index.
    pub index: i128,
    /// The perpetual's last trade.
    pub last: i128,
    /// Its mid.
    pub mid: i128,
    /// Impact bid and ask, where the book holds as much.
    pub impact: Option<[i128; 2]>,
    /// Median of best bid, best ask and last trade.
    pub book: i128,
    /// Its average.
    pub book_average: i128,
    /// Average of mid less index.
    pub basis: i128,
    /// The part of the last funding rate that is still to come.
    pub funding: Rate,
}

impl Prices {
    /// The mark of this kind, in fine ticks. (The mean of mids is not among what this sees.)
    pub fn mark(&self, kind: MarkPrice) -> i128 {
        let with_basis = self.index + self.basis;
        match kind {
            MarkPrice::Index | MarkPrice::MeanOfMids => self.index,
            MarkPrice::Last => self.last,
            MarkPrice::Mid => self.mid,
            MarkPrice::ImpactMid => self.impact.map_or(self.last, |[bid, ask]| (bid + ask).div_euclid(2)),
            MarkPrice::EmaBasis => with_basis,
            MarkPrice::Median => median(with_funding(self.index, self.funding), with_basis, self.last),
            MarkPrice::Hyperliquid => median(with_basis, self.book, self.book_average),
        }
    }

    /// What the averages would be if nothing changed any more.
    #[must_use]
    pub const fn settled(mut self) -> Prices {
        self.basis = self.mid - self.index;
        self.book_average = self.book;
        self
    }
}

/// The middle one.
#[inline]
pub fn median(a: i128, b: i128, c: i128) -> i128 {
    a.max(b).min(a.min(b).max(c))
}

/// Binance's Price 1: the index with the part of the last funding rate that is still to come.
pub fn with_funding(index: i128, rate: Rate) -> i128 {
    index + (index * i128::from(rate.0)).div_euclid(i128::from(Rate::ONE))
}

/// The price as near to `target` as a move by `step` allows, or by one tick if that is less.
pub fn within_step(previous: Ticks, target: Ticks, step: Rate) -> Result<Ticks, Overflow> {
    let most = Ticks(step.of(Quote(previous.0))?.0.0.max(1));
    Ok(target.clamp(previous.minus(most)?, previous.plus(most)?))
}
