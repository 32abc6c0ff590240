//! What an index price is made of: sources, their weights, delays and outliers, in whole numbers.

use serde::{Deserialize, Serialize};

use super::mark::Pace;
use crate::units::{Overflow, Rate, Ticks};

/// Which price of spot the sources follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexPrice {
    /// Its last trade.
    #[default]
    Last,
    /// Its mid, to the nearest tick.
    Mid,
}

/// A market that the index looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its weight.
    pub weight: Rate,
    /// How much of spot's way it goes.
    pub follows: Rate,
    /// By how many rounds it is late.
    pub delay: u64,
}

/// What the index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Index {
    /// Made of spot prices.
    Spot(SpotIndex),
    /// A perpetual without a spot market: the average of its own mark.
    OwnMark(Pace),
}

impl Default for Index {
    fn default() -> Index {
        Index::Spot(SpotIndex::default())
    }
}

/// An index of spot prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpotIndex {
    /// Which price.
    pub price: IndexPrice,
    /// Where from; nowhere: the spot market alone.
    pub sources: Vec<Source>,
    /// How far from the median a source may be.
    pub outlier: Option<Rate>,
    /// Whether one farther away is left out, or else taken at the bound.
    pub drop_outliers: bool,
}

impl Index {
    /// Whether it is spot's last trade and nothing else.
    pub fn is_plain(&self) -> bool {
        matches!(self, Index::Spot(spot) if spot.sources.is_empty() && spot.price == IndexPrice::Last)
    }
}

impl SpotIndex {
    /// The longest delay of a source.
    pub fn longest(&self) -> u64 {
        self.sources.iter().map(|source| source.delay).max().unwrap_or(0)
    }

    /// The index in spot ticks, `of(delay)` being the spot price so many rounds ago. `prices` is scratch memory.
    pub fn price(
        &self,
        start: Ticks,
        of: impl Fn(u64) -> Ticks,
        prices: &mut Vec<i128>,
    ) -> Result<Ticks, Overflow> {
        if self.sources.is_empty() {
            return Ok(of(0));
        }
        prices.clear();
        prices.extend(self.sources.iter().map(|source| source.price(start, of(source.delay))));
        let [low, high] = self.bounds(prices);
        let (mut sum, mut weights) = (0, 0);
        for (source, &price) in self.sources.iter().zip(prices.iter()) {
            if self.drop_outliers && !(low..=high).contains(&price) {
                continue;
            }
            sum += i128::from(source.weight.0) * price.clamp(low, high);
            weights += i128::from(source.weight.0);
        }
        // Two halves that are far apart leave out each other: their median is what is left.
        let (sum, weights) = if weights == 0 { ((low + high).div_euclid(2), 1) } else { (sum, weights) };
        Ok(Ticks::nearest(sum, weights * i128::from(Rate::ONE))?.max(Ticks(1)))
    }

    /// What a source may say.
    fn bounds(&self, prices: &[i128]) -> [i128; 2] {
        let Some(outlier) = self.outlier else { return [i128::MIN, i128::MAX] };
        let median = median(prices);
        let most = (median * i128::from(outlier.0)).div_euclid(i128::from(Rate::ONE));
        [median - most, median + most]
    }
}

impl Source {
    /// Its price in billionths of a tick.
    #[inline]
    fn price(&self, start: Ticks, spot: Ticks) -> i128 {
        let moved = i128::from(spot.0) - i128::from(start.0);
        i128::from(start.0) * i128::from(Rate::ONE) + i128::from(self.follows.0) * moved
    }
}

/// The middle price, or the mean of the two in the middle, cut down.
fn median(prices: &[i128]) -> i128 {
    // There are few: the price that has as many below it as it should.
    let at = |place: usize| {
        prices.iter().copied().find(|&price| {
            let below = prices.iter().filter(|&&other| other < price).count();
            let same = prices.iter().filter(|&&other| other == price).count();
            (below..below + same).contains(&place)
        })
    };
    let (low, high) = (at((prices.len() - 1) / 2), at(prices.len() / 2));
    low.zip(high).map_or(0, |(low, high)| (low + high).div_euclid(2))
}
