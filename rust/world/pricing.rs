//! Mark, index and funding as they are written down, and read.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::check::{Check, billionths, double};
use super::clock::Clock;
use super::venue::VenueSpec;
use crate::units::Rate;
use crate::venue::{
    Average, Funding, FundingNotional, Index, IndexPrice, MarkPrice, Marking, Pace, Source, SpotIndex,
};

/// Rounds that a source may be late.
const MAX_DELAY: u64 = 100_000;

/// Sources of an index at most.
const MAX_SOURCES: usize = 64;

/// Time constant of the average of Hyperliquid's own median.
const BOOK_AVERAGE_S: f64 = 30.0;

/// What the index is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum IndexSpec {
    Spot {
        #[serde(default)]
        price: IndexPrice,
        #[serde(default)]
        sources: Vec<SourceSpec>,
        #[serde(default)]
        outlier: Option<Decimal>,
        #[serde(default)]
        drop_outliers: bool,
    },
    OwnMark {
        average_s: Decimal,
    },
}

/// A market that the index looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct SourceSpec {
    pub weight: Decimal,
    #[serde(default = "one")]
    pub follows: Decimal,
    #[serde(default)]
    pub delay_s: Decimal,
}

const fn one() -> Decimal {
    Decimal::ONE
}

/// What longs and shorts pay each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct FundingSpec {
    #[serde(default = "eight")]
    pub interval_h: Decimal,
    #[serde(default)]
    pub next_in_s: Option<Decimal>,
    #[serde(default = "basis_point")]
    pub interest: Decimal,
    #[serde(default = "five_basis_points")]
    pub clamp: Decimal,
    #[serde(default)]
    pub dead_band: Decimal,
    #[serde(default)]
    pub cap: Option<Decimal>,
    #[serde(default)]
    pub average: Average,
    #[serde(default)]
    pub samples: Option<i64>,
    #[serde(default)]
    pub notional: FundingNotional,
    #[serde(default)]
    pub stress_above: Option<Decimal>,
    #[serde(default = "one")]
    pub stress_interval_h: Decimal,
}

fn eight() -> Decimal {
    Decimal::from(8)
}

fn basis_point() -> Decimal {
    Decimal::new(1, 4)
}

fn five_basis_points() -> Decimal {
    Decimal::new(5, 4)
}

/// How the mark is taken from prices.
pub(super) fn marking(check: &mut Check, spec: &VenueSpec, clock: &Clock, step: Decimal) -> Marking {
    let constant = check.positive("venue.mark_ema_s", spec.mark_ema_s, most_seconds());
    let seconds = double(clock.round_seconds);
    Marking {
        basis: Pace::of(seconds, double(constant)),
        book: Pace::of(seconds, BOOK_AVERAGE_S),
        step: spec.mark_step.map(|step| part(check, "venue.mark_step", step)),
        impact_notional: check.money("venue.impact_notional", spec.impact_notional, step),
    }
}

/// The index, spot's last trade if nothing is said.
pub(super) fn index(check: &mut Check, spec: &VenueSpec, clock: &Clock) -> Index {
    match &spec.index {
        None => Index::default(),
        Some(IndexSpec::OwnMark { average_s }) => {
            let constant = check.positive("venue.index.average_s", *average_s, most_seconds());
            check.require(
                spec.mark != MarkPrice::Index,
                "venue.mark",
                "index",
                "another mark: an index of kind own_mark is made of it",
            );
            Index::OwnMark(Pace::of(double(clock.round_seconds), double(constant)))
        }
        Some(IndexSpec::Spot { price, sources, outlier, drop_outliers }) => {
            let many = format!("{} sources", sources.len());
            check.require(sources.len() <= MAX_SOURCES, "venue.index.sources", many, "at most 64");
            let sources = sources.iter().take(MAX_SOURCES).enumerate();
            Index::Spot(SpotIndex {
                price: *price,
                sources: sources.map(|(i, spec)| source(check, i, spec, clock)).collect(),
                outlier: outlier.map(|cap| part(check, "venue.index.outlier", cap)),
                drop_outliers: *drop_outliers,
            })
        }
    }
}

fn source(check: &mut Check, i: usize, spec: &SourceSpec, clock: &Clock) -> Source {
    let field = |name: &str| format!("venue.index.sources[{i}].{name}");
    let weight = check.positive(&field("weight"), spec.weight, Decimal::from(1_000_000));
    let late = field("delay_s");
    let still = clock.round_seconds.is_zero() && spec.delay_s > Decimal::ZERO;
    check.require(!still, &late, spec.delay_s, "0 where time stands still (round_seconds = 0)");
    let delay = clock.rounds(check, &late, spec.delay_s);
    check.require(still || delay <= MAX_DELAY, &late, spec.delay_s, "at most 100000 rounds");
    Source {
        weight: Rate(billionths(weight).max(1)),
        follows: check.rate(&field("follows"), spec.follows, Decimal::ZERO, Decimal::TEN),
        delay: delay.min(MAX_DELAY),
    }
}

/// Funding, if there is any.
pub(super) fn funding(check: &mut Check, spec: &VenueSpec, clock: &Clock) -> Option<Funding> {
    let spec = spec.funding.as_ref()?;
    let field = |name: &str| format!("venue.funding.{name}");
    let interval = hours(check, &field("interval_h"), spec.interval_h);
    let mut rate = |name: &str, value| check.rate(&field(name), value, Decimal::ZERO, Decimal::ONE);
    let (clamp, dead_band) = (rate("clamp", spec.clamp), rate("dead_band", spec.dead_band));
    let interest = check.rate(&field("interest"), spec.interest, -Decimal::ONE, Decimal::ONE);
    let cap = spec.cap.map(|cap| part(check, &field("cap"), cap));
    let shorter = hours(check, &field("stress_interval_h"), spec.stress_interval_h);
    let stress = spec.stress_above.map(|above| {
        let within = shorter <= interval;
        check.require(within, &field("stress_interval_h"), spec.stress_interval_h, "at most interval_h");
        (check.rate(&field("stress_above"), above, Decimal::ZERO, Decimal::ONE), shorter)
    });
    let padded = spec.average == Average::Padded;
    match spec.samples {
        Some(samples) if padded => check.within(&field("samples"), samples, 1, 1_000_000_000),
        Some(samples) => {
            check.found.push(field("samples"), samples, "none: only average = padded counts them")
        }
        None => check.require(!padded, &field("samples"), "none", "a number for average = padded"),
    }
    let next_in = spec.next_in_s.map(|seconds| {
        let ok = seconds >= Decimal::ZERO && seconds <= most_seconds();
        check.require(ok, &field("next_in_s"), seconds, "from 0 to 1000000000 seconds");
        if ok { nanoseconds(seconds) } else { 0 }
    });
    Some(Funding {
        round: nanoseconds(clock.round_seconds),
        interval,
        next_in: next_in.unwrap_or(interval),
        interest,
        clamp,
        dead_band,
        cap,
        average: spec.average,
        samples: spec.samples.and_then(|samples| u64::try_from(samples).ok()).unwrap_or(0),
        notional: spec.notional,
        stress,
    })
}

fn most_seconds() -> Decimal {
    Decimal::from(1_000_000_000)
}

fn nanoseconds(seconds: Decimal) -> i128 {
    billionths(seconds).into()
}

/// More than nothing, at most a week.
fn hours(check: &mut Check, field: &str, hours: Decimal) -> i128 {
    let hours = check.positive(field, hours, Decimal::from(168));
    nanoseconds(hours * Decimal::from(3600)).max(1)
}

/// A rate of more than nothing, at most one.
fn part(check: &mut Check, field: &str, value: Decimal) -> Rate {
    Rate(billionths(check.positive(field, value, Decimal::ONE)).max(1))
}
