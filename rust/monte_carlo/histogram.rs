//! A log-linear histogram of 64-bit integers: as fine as the numbers need, exact where they are small.
//!
//! Below 4,096 (either sign) every integer has a bucket of its own; above, every octave has 2,048 of equal width, so that a
//! bucket is never wider than 1/2,048 of what is in it. A bucket of the octaves knows its smallest and largest number and
//! their sum; a bucket with one distinct number, however often, therefore loses nothing. Everything is an integer: merging
//! is exact and its order makes no difference.

/// Integers of smaller magnitude are counted one by one.
pub const LINEAR: usize = 4096;
/// Buckets of an octave.
const SLOTS: usize = 2048;
/// Octaves from 2^12 to 2^63, which only the smallest integer reaches.
const OCTAVES: usize = 52;

/// Numbers close to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How many; never 0 in what [`Histogram::buckets`] gives.
    pub count: u64,
    /// The smallest.
    pub min: i64,
    /// The largest.
    pub max: i64,
    /// Their sum.
    pub sum: i128,
}

impl Bucket {
    const EMPTY: Bucket = Bucket { count: 0, min: i64::MAX, max: i64::MIN, sum: 0 };

    #[inline]
    fn add(&mut self, x: i64) {
        self.count += 1;
        self.min = self.min.min(x);
        self.max = self.max.max(x);
        self.sum += i128::from(x);
    }

    fn merge(&mut self, other: &Bucket) {
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
    }
}

type Octave = Option<Box<[Bucket]>>;

/// Numbers of one sign by magnitude.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Half {
    /// Counts of 0 to 4,095; empty until there is one.
    linear: Vec<u64>,
    /// Octaves as far as there is one.
    octaves: Vec<Octave>,
}

/// Where a magnitude of at least [`LINEAR`] is counted: its octave and its slot.
#[inline]
#[allow(clippy::cast_possible_truncation)] // both are small
const fn slot(magnitude: u64) -> (usize, usize) {
    let octave = 51 - magnitude.leading_zeros() as usize;
    (octave, (magnitude >> (octave + 1)) as usize - SLOTS)
}

impl Half {
    #[inline]
    fn add(&mut self, x: i64) {
        let magnitude = x.unsigned_abs();
        if magnitude < LINEAR as u64 {
            if self.linear.is_empty() {
                self.linear = vec![0; LINEAR];
            }
            #[allow(clippy::cast_possible_truncation)]
            let at = magnitude as usize;
            self.linear[at] += 1;
        } else {
            let (octave, slot) = slot(magnitude);
            self.octave(octave)[slot].add(x);
        }
    }

    #[inline]
    fn octave(&mut self, octave: usize) -> &mut [Bucket] {
        if self.octaves.len() <= octave {
            self.octaves.resize(octave + 1, None);
        }
        self.octaves[octave].get_or_insert_with(|| vec![Bucket::EMPTY; SLOTS].into_boxed_slice())
    }

    /// Takes in a bucket whose ends have these magnitudes.
    #[allow(clippy::cast_possible_truncation)] // below 4,096
    fn put(&mut self, min: u64, max: u64, bucket: &Bucket) -> Option<()> {
        let linear = LINEAR as u64;
        if min < linear || max < linear {
            if self.linear.is_empty() {
                self.linear = vec![0; LINEAR];
            }
            let count = &mut self.linear[min as usize % LINEAR];
            let fits = min == max && *count == 0;
            *count = bucket.count;
            return fits.then_some(());
        }
        let (octave, at) = slot(min);
        let place = &mut self.octave(octave)[at];
        let fits = slot(max) == (octave, at) && place.count == 0;
        *place = *bucket;
        fits.then_some(())
    }

    fn merge(&mut self, other: &Half) {
        if self.linear.is_empty() {
            self.linear.clone_from(&other.linear);
        } else {
            self.linear.iter_mut().zip(&other.linear).for_each(|(a, b)| *a += b);
        }
        for (i, octave) in other.octaves.iter().enumerate() {
            let Some(theirs) = octave else { continue };
            self.octave(i).iter_mut().zip(theirs).for_each(|(a, b)| a.merge(b));
        }
    }

    /// Outward from zero; `sign` says which half this is.
    fn outward(&self, sign: i64) -> impl DoubleEndedIterator<Item = Bucket> + '_ {
        let one = move |(magnitude, &count): (usize, &u64)| {
            #[allow(clippy::cast_possible_wrap)] // below 4,096
            let x = sign * magnitude as i64;
            Bucket { count, min: x, max: x, sum: i128::from(x) * i128::from(count) }
        };
        let linear = self.linear.iter().enumerate().map(one);
        let octaves = self.octaves.iter().flatten().flat_map(|octave| octave.iter().copied());
        linear.chain(octaves).filter(|bucket| bucket.count > 0)
    }
}

/// Counts of integers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    negative: Half,
    positive: Half,
}

impl Histogram {
    /// One more number.
    #[inline]
    pub fn add(&mut self, x: i64) {
        if x < 0 { self.negative.add(x) } else { self.positive.add(x) }
    }

    /// Takes in a bucket of another one, if its numbers share a bucket here too and it was empty.
    pub(super) fn put(&mut self, bucket: &Bucket) -> Option<()> {
        let half = match (bucket.min < 0, bucket.max < 0) {
            (true, true) => &mut self.negative,
            (false, false) => &mut self.positive,
            _ => return None,
        };
        half.put(bucket.min.unsigned_abs(), bucket.max.unsigned_abs(), bucket)
    }

    /// The numbers of another one.
    pub fn merge(&mut self, other: &Histogram) {
        self.negative.merge(&other.negative);
        self.positive.merge(&other.positive);
    }

    /// What is not empty, upward.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + '_ {
        self.negative.outward(-1).rev().chain(self.positive.outward(1))
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        let half = |half: &Half| {
            let octaves = half.octaves.iter().flatten().count() * SLOTS * size_of::<Bucket>();
            half.linear.len() * size_of::<u64>() + octaves + half.octaves.len() * size_of::<Octave>()
        };
        half(&self.negative) + half(&self.positive)
    }
}

const _: () = assert!(slot(LINEAR as u64).0 == 0 && slot(1 << 63).0 == OCTAVES - 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_tile_the_integers_and_are_narrow() {
        let mut before = (0, SLOTS);
        for magnitude in
            (LINEAR as u64..LINEAR as u64 * 8).chain([1 << 40, (1 << 40) + (1 << 29), u64::MAX >> 1, 1 << 63])
        {
            let here = slot(magnitude);
            assert!(
                here.1 < SLOTS && here.0 < OCTAVES && (here >= before || before.1 == SLOTS),
                "{magnitude}"
            );
            before = here;
        }
        assert_eq!(slot(4096), (0, 0));
        assert_eq!(slot(4097), (0, 0));
        assert_eq!(slot(4098), (0, 1));
        assert_eq!(slot(8191), (0, 2047));
        assert_eq!(slot(8192), (1, 0));
    }

    #[test]
    fn buckets_come_upward_and_hold_every_number() {
        let mut histogram = Histogram::default();
        let mut numbers =
            vec![i64::MIN, -5_000_000, -4096, -4095, -1, 0, 0, 4095, 4096, 4097, 1 << 50, i64::MAX];
        numbers.iter().rev().for_each(|&x| histogram.add(x));
        numbers.sort_unstable();
        let buckets: Vec<Bucket> = histogram.buckets().collect();
        assert!(buckets.windows(2).all(|pair| pair[0].max < pair[1].min));
        assert_eq!(buckets.iter().map(|b| b.count).sum::<u64>(), 12);
        assert_eq!(
            buckets.iter().map(|b| b.sum).sum::<i128>(),
            numbers.iter().map(|&x| i128::from(x)).sum::<i128>()
        );
        assert_eq!(buckets.iter().rev().count(), histogram.buckets().rev().count());
    }
}
