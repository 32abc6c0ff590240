//! A column's statistics as few numbers: what is missing, the squares, and the buckets that are not empty.
//!
//! Count, sum, smallest and largest follow from the buckets. A bucket tells how far its smallest number lies above the largest
//! of the one before, how wide it is, how many it holds, and what their sum has beyond so many times the smallest: four small
//! numbers, three of them mostly 0 or 1.

use serde::{Deserialize, Serialize};

use super::histogram::Bucket;
use super::statistics::Statistics;
use super::wide::Wide;

/// `(rise, width, count, excess)`.
type Step = (u64, u64, u64, u128);

/// Statistics of one column.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    missing: u64,
    squares: (u128, u128),
    steps: Vec<Step>,
}

/// Keeps the order of the integers.
#[allow(clippy::cast_sign_loss)] // the bits are meant
const fn lifted(x: i64) -> u64 {
    x as u64 ^ (1 << 63)
}

#[allow(clippy::cast_possible_wrap)]
const fn lowered(x: u64) -> i64 {
    (x ^ (1 << 63)) as i64
}

impl Packed {
    /// Of a column.
    #[allow(clippy::cast_sign_loss)] // a sum is not below its count times the smallest
    pub fn new(statistics: &Statistics) -> Packed {
        let mut before = 0;
        let steps = statistics.histogram.buckets().map(|b| {
            let (min, max) = (lifted(b.min), lifted(b.max));
            let excess = (b.sum - i128::from(b.min) * i128::from(b.count)) as u128;
            let step = (min - before, max - min, b.count, excess);
            before = max;
            step
        });
        Packed { missing: statistics.missing, steps: steps.collect(), squares: statistics.squares.parts() }
    }

    /// The statistics again, if they can be those of so many paths.
    pub fn open(&self, paths: u64) -> Option<Statistics> {
        let mut found = Statistics { missing: self.missing, ..Statistics::default() };
        let mut before = None;
        for &step in &self.steps {
            let bucket = bucket(before, step)?;
            before = Some(lifted(bucket.max));
            found.count = found.count.checked_add(bucket.count).filter(|&count| count <= paths)?;
            found.sum += bucket.sum; // below 2^64 numbers of 64 bits each
            (found.min, found.max) = (found.min.min(bucket.min), found.max.max(bucket.max));
            found.histogram.put(&bucket)?;
        }
        let every = found.count.checked_add(self.missing) == Some(paths);
        found.squares = Wide::from_parts(self.squares);
        // What later sums rely on: no square is above 2^126, and Cauchy and Schwarz.
        let most = Wide::square(1 << 63).times(found.count);
        let least = Wide::square(found.sum.unsigned_abs());
        let fits = found.squares <= most && found.squares.times(found.count) >= least;
        (every && fits).then_some(found)
    }
}

/// What a step says, if it can be.
fn bucket(before: Option<u64>, (rise, width, count, excess): Step) -> Option<Bucket> {
    if count == 0 || (rise == 0 && before.is_some()) {
        return None;
    }
    let min = before.unwrap_or(0).checked_add(rise)?;
    let max = min.checked_add(width)?;
    // Both ends are taken, so one number pins the sum, two leave nothing, more leave at most this.
    let least = if width == 0 { 0 } else { u128::from(width) };
    let most = u128::from(count - 1) * u128::from(width);
    if !(least..=most).contains(&excess) {
        return None;
    }
    let (min, max) = (lowered(min), lowered(max));
    let sum = (i128::from(min) * i128::from(count)).checked_add(i128::try_from(excess).ok()?)?;
    Some(Bucket { count, min, max, sum })
}
