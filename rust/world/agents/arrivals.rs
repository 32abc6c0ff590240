//! What agents draw: how many come in a step, with which leverage, and for how long.

use crate::random::poisson_table;
use crate::units::Rate;
use crate::world::law::POINTS;

/// A Poisson count as a word draws it.
#[derive(Clone, Debug)]
pub struct Arrivals {
    lowest: u32,
    odds: Vec<u64>,
}

impl Arrivals {
    /// So many in a step on average.
    pub fn new(mean: f64) -> Arrivals {
        let mut odds = Vec::new();
        let lowest = poisson_table(mean, &mut odds);
        Arrivals { lowest, odds }
    }

    /// How many a word makes.
    #[inline]
    pub fn count(&self, word: u64) -> u32 {
        let n = self.odds.iter().position(|&odds| word < odds || odds == u64::MAX);
        self.lowest + u32::try_from(n.unwrap_or(0)).unwrap_or(0)
    }
}

/// How orders call forth others: the exponential kernel of a Hawkes process, in units of 2^-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Orders that each calls forth.
    pub each: u64,
    /// The part of those still to come that comes in a step.
    pub alpha: u64,
}

/// Leverages in billionths, rising.
#[derive(Clone, Debug)]
pub enum Leverages {
    /// Always the same.
    Fixed(Rate),
    /// As a word draws.
    Table(Box<[Rate; POINTS]>),
}

impl Leverages {
    /// The leverage that a word gives.
    #[inline]
    pub fn draw(&self, word: u64) -> Rate {
        match self {
            Leverages::Fixed(leverage) => *leverage,
            Leverages::Table(table) => table[(word >> 52) as usize],
        }
    }
}

/// Steps from opening to closing, at least one, rising.
#[derive(Clone, Debug)]
pub enum Holds {
    /// Always the same.
    Fixed(u64),
    /// As a word draws.
    Table(Box<[u64; POINTS]>),
}

impl Holds {
    /// The steps that a word gives, by bits that no leverage is drawn with.
    #[inline]
    pub fn draw(&self, word: u64) -> u64 {
        match self {
            Holds::Fixed(steps) => *steps,
            Holds::Table(table) => table[(word >> 40) as usize % POINTS],
        }
    }
}
