//! Rounds, engine after engine within each.

use std::time::{Duration, Instant};

use crate::engines::Engine;
use crate::engines::bourse::Bourse;
use crate::engines::matchcore::Matchcore;
#[cfg(feature = "orderbook-rs")]
use crate::engines::orderbook_rs::OrderbookRs;
use crate::engines::ours::Perpcore;
use crate::work::{Work, commands};

pub struct Contestant {
    /// The package, as `Cargo.lock` names it.
    pub package: &'static str,
    /// What of it, if more than one is timed.
    pub what: &'static str,
    pub time: fn(&Work, batch: usize) -> f64,
}

/// So many of the contestants are perpcore.
pub const OURS: usize = 2;

/// perpcore first, then its peers.
pub const CONTESTANTS: &[Contestant] = &[
    Contestant { package: "perpcore", what: ", OrderBook::submit", time: time::<Perpcore> },
    Contestant { package: "perpcore", what: ", Batch::apply", time: crate::batch::time },
    Contestant { package: "matchcore", what: "", time: time::<Matchcore> },
    Contestant { package: "bourse-book", what: "", time: time::<Bourse<true>> },
    #[cfg(feature = "orderbook-rs")]
    Contestant { package: "orderbook-rs", what: "", time: time::<OrderbookRs> },
];

/// Nanoseconds an operation of a new book, after its start.
fn time<E: Engine>(work: &Work, _: usize) -> f64 {
    let (start, commands) = commands(&work.flow, &E::NAMING);
    let mut engine = E::new();
    for command in &start {
        engine.command(command);
    }
    let (mut spent, mut counted) = (Duration::ZERO, 0);
    for (number, part) in commands.chunks(work.part.unwrap_or(commands.len())).enumerate() {
        let clock = Instant::now();
        for command in part {
            engine.command(command);
        }
        if work.is_timed(number) {
            spent += clock.elapsed();
            counted += part.len();
        }
    }
    nanoseconds(spent, counted)
}

pub fn nanoseconds(spent: Duration, counted: usize) -> f64 {
    spent.as_nanos() as f64 / counted as f64
}

/// Minimum and median.
#[derive(Clone, Copy)]
pub struct Figure {
    pub least: f64,
    pub median: f64,
}

impl Figure {
    fn of(mut times: Vec<f64>) -> Figure {
        times.sort_by(f64::total_cmp);
        let middle = times.len() / 2;
        let median =
            if times.len() % 2 == 1 { times[middle] } else { (times[middle - 1] + times[middle]) / 2.0 };
        Figure { least: times[0], median }
    }
}

/// A figure for each contestant, in every round another one first.
pub fn rounds(work: &Work, rounds: usize, batch: usize) -> Vec<Figure> {
    let mut times = vec![Vec::new(); CONTESTANTS.len()];
    for round in 0..rounds {
        for turn in 0..CONTESTANTS.len() {
            let at = (round + turn) % CONTESTANTS.len();
            times[at].push((CONTESTANTS[at].time)(work, batch));
        }
        eprintln!("{}: round {} of {rounds}", work.name, round + 1);
    }
    times.into_iter().map(Figure::of).collect()
}
