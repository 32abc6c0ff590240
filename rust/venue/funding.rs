//! Funding: from premiums to a rate, in billionths, and when it is paid. Time is in nanoseconds since the start.

use serde::{Deserialize, Serialize};

use crate::units::{Overflow, Rate, narrow};

/// What rates are quoted for: eight hours.
const EIGHT_HOURS: i128 = 28_800 * 1_000_000_000;

/// How premiums become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Average {
    /// All alike.
    #[default]
    Plain,
    /// Weighted 1, 2, ... n.
    Ramp,
    /// As if those missing were zero.
    Padded,
}

/// What is paid on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundingNotional {
    /// What a position is worth at the mark.
    #[default]
    Mark,
    /// At the index.
    Index,
}

/// A venue's funding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Funding {
    /// How long a round takes.
    pub round: i128,
    /// From one payment to the next.
    pub interval: i128,
    /// From the start to the first.
    pub next_in: i128,
    /// For eight hours.
    pub interest: Rate,
    /// How far the rate may be from the premium on the way to the interest.
    pub clamp: Rate,
    /// Within which a premium costs nothing, in place of interest and clamp.
    pub dead_band: Rate,
    /// Of what is paid at once.
    pub cap: Option<Rate>,
    /// How premiums become one.
    pub average: Average,
    /// How many there should be, if those missing are zero.
    pub samples: u64,
    /// What is paid on.
    pub notional: FundingNotional,
    /// Above which rate the interval is shortened, and to what.
    pub stress: Option<(Rate, i128)>,
}

impl Funding {
    /// When a round begins; the first one does at once.
    #[inline]
    pub fn begin(&self, round: u64) -> i128 {
        i128::from(round.saturating_sub(1)) * self.round
    }

    /// What a payment after `interval` is, of the notional; longs pay it if it is positive.
    pub fn rate(&self, premium: i128, interval: i128) -> Result<Rate, Overflow> {
        let [interest, clamp, band] =
            [self.interest, self.clamp, self.dead_band].map(|rate| i128::from(rate.0));
        let whole = if band > 0 {
            premium.max(band) + premium.min(-band)
        } else {
            premium + (interest - premium).clamp(-clamp, clamp)
        };
        let rate = whole * interval / EIGHT_HOURS;
        let cap = self.cap.map_or(i128::MAX, |cap| i128::from(cap.0));
        narrow(rate.clamp(-cap, cap)).map(Rate)
    }

    /// The interval after a payment at this rate.
    pub fn interval_after(&self, rate: Rate, interval: i128) -> i128 {
        match self.stress {
            Some((above, shorter)) if rate.0.abs() > above.0 => shorter,
            _ => interval,
        }
    }
}

/// By how much the perpetual is dearer than its index: impact bid above it, or impact ask below it. A side that does not
/// hold the notional has none.
pub fn premium(bid: Option<i128>, ask: Option<i128>, index: i128) -> i128 {
    let above = bid.map_or(0, |bid| (bid - index).max(0));
    let below = ask.map_or(0, |ask| (index - ask).max(0));
    (above - below) * i128::from(Rate::ONE) / index.max(1)
}

/// Premiums since the last payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Premiums {
    sum: i128,
    weights: i128,
    n: i128,
}

impl Premiums {
    /// One more.
    pub fn add(&mut self, average: Average, premium: i128) {
        self.n += 1;
        let weight = if average == Average::Ramp { self.n } else { 1 };
        self.sum += weight * premium;
        self.weights += weight;
    }

    /// The one they become.
    pub fn mean(&self, rules: &Funding) -> i128 {
        let weights = match rules.average {
            Average::Padded => self.weights.max(i128::from(rules.samples)),
            Average::Plain | Average::Ramp => self.weights,
        };
        self.sum / weights.max(1)
    }
}
