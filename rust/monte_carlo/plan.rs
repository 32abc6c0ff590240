//! What is asked for, what can be refused before work begins, and what can go wrong afterwards.

use std::fmt;

use super::memory;
use super::rows::Rows;
use crate::error::{PathError, ScenarioError};

/// What is kept of every path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Its row, in exact integers, and the statistics.
    Columns,
    /// Only the statistics: memory does not grow with the number of paths.
    Statistics,
}

/// Which paths, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many.
    pub paths: u64,
    /// The first one's number.
    pub first_path: u64,
    /// Of all of them.
    pub seed: u64,
    /// Threads at most; no result depends on it.
    pub n_threads: usize,
    /// What is kept.
    pub keep: Keep,
    /// Whether the world is drawn as it is reached; no result depends on it.
    pub lazy: bool,
}

/// More threads than anybody has cores; each takes memory of its own.
pub const MAX_THREADS: usize = 1024;

impl Plan {
    /// Refuses what can't be done, with the way out.
    pub fn check(&self, through_time: bool) -> Result<(), ScenarioError> {
        self.check_against(memory::available(), through_time)
    }

    /// The same, with so many bytes to be had.
    pub fn check_against(&self, available: u64, through_time: bool) -> Result<(), ScenarioError> {
        let mut found = ScenarioError::default();
        if self.paths == 0 {
            found.push("paths", 0, "at least 1");
        }
        if !(1..=MAX_THREADS).contains(&self.n_threads) {
            found.push("n_threads", self.n_threads, format!("from 1 to {MAX_THREADS}"));
        }
        let most = u64::MAX - self.first_path;
        if self.paths.saturating_sub(1) > most {
            found.push(
                "first_path",
                self.first_path,
                format!("paths are numbered up to 2^64 - 1, which leaves {most} after it"),
            );
        }
        let each = Rows::bytes(through_time);
        let needed = u128::from(self.paths) * u128::from(each);
        if self.keep == Keep::Columns && needed > u128::from(available) {
            found.push(
                "paths",
                self.paths,
                format!(
                    "their columns would take {} and {} are free: at most {} paths, or keep=\"statistics\" for any number",
                    size(needed),
                    size(available.into()),
                    available / each
                ),
            );
        }
        found.into_result()
    }
}

#[allow(clippy::cast_precision_loss)]
fn size(bytes: u128) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// Why an ensemble came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonteCarloError {
    /// It could not be begun.
    Refused(ScenarioError),
    /// A path failed; of those that fail, the lowest.
    Path {
        /// Its seed.
        seed: u64,
        /// Its number.
        path: u64,
        /// What happened.
        cause: Cause,
    },
}

/// Why a path failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There was no world, or the run could not go on.
    Run(PathError),
    /// A defect of ours, in its own words.
    Panic(String),
}

impl fmt::Display for MonteCarloError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MonteCarloError::Refused(error) => error.fmt(f),
            MonteCarloError::Path { seed, path, cause: Cause::Run(error) } => {
                write!(f, "seed {seed}, path {path}: {error}")
            }
            MonteCarloError::Path { seed, path, cause: Cause::Panic(text) } => {
                write!(f, "a defect in perpcore, please report it (seed {seed}, path {path}): {text}")
            }
        }
    }
}

impl std::error::Error for MonteCarloError {}
