//! Many paths over threads: rows and statistics that are the same bits for any number of threads.
//!
//! A path is a pure function of `(seed, path)`, rows stand at their path's place, and whatever is summed up is an integer:
//! so neither the number of threads nor who ran what first can show in the result.

mod dump;
mod ensemble;
mod estimate;
mod histogram;
mod memory;
mod packed;
mod paths;
mod plan;
mod rows;
mod spans;
mod statistics;
mod wide;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

pub use dump::{DumpError, Sum};
pub use ensemble::Ensemble;
pub use estimate::{Estimate, Tail};
pub use histogram::{Bucket, Histogram};
pub use plan::{Cause, Keep, MAX_THREADS, MonteCarloError, Plan};
pub use rows::{Cells, Rows};
pub use statistics::Statistics;
pub use wide::Wide;

use self::paths::Paths;
use self::spans::Spans;
use crate::engine::Summary;
use crate::error::{PathError, RunError};
use crate::results::{Scale, columns};
use crate::world::Template;

/// Paths that a thread takes at once; fewer where there are few.
const CHUNK: u64 = 256;

/// Between who waits and who works.
#[derive(Debug, Default)]
pub struct Control {
    /// Set it, and all threads stop soon, within a path too. Finished paths are kept.
    pub stop: AtomicBool,
    /// Paths finished so far.
    pub finished: AtomicU64,
}

/// Runs the paths of a plan.
pub fn run(template: &Template, plan: &Plan, control: &Control) -> Result<Ensemble, MonteCarloError> {
    run_with(Scale::of(template.median()), plan, control, || {
        let mut paths = Paths::new(template, plan.seed, plan.lazy, &control.stop);
        move |path| paths.run(path)
    })
}

/// The same, of whatever gives a path's summary; each thread makes its own.
fn run_with<R: FnMut(u64) -> Result<Summary, PathError>>(
    scale: Scale,
    plan: &Plan,
    control: &Control,
    make: impl Fn() -> R + Sync,
) -> Result<Ensemble, MonteCarloError> {
    plan.check(scale.through_time).map_err(MonteCarloError::Refused)?;
    let shared = Shared::new(scale, plan, control);
    thread::scope(|scope| {
        let work = || shared.work(&make);
        for i in 1..shared.workers {
            // A thread that can't be had is done without.
            let _ = thread::Builder::new().name(format!("perpcore-{i}")).spawn_scoped(scope, work);
        }
        work();
    });
    shared.finish()
}

/// What the threads share.
struct Shared<'a> {
    scale: Scale,
    plan: &'a Plan,
    control: &'a Control,
    workers: u64,
    chunk: u64,
    /// The first path, counted from 0, that nobody has taken.
    next: AtomicU64,
    /// The lowest path, counted from 0, that failed so far.
    failed: AtomicU64,
    kept: Mutex<Kept>,
    /// One a column, each under its own lock: threads begin at different columns.
    statistics: Vec<Mutex<Statistics>>,
}

struct Kept {
    rows: Option<Rows>,
    finished: Spans,
    hash: u64,
    failure: Option<(u64, Cause)>,
}

/// A block that a thread fills again and again.
struct Block {
    rows: Rows,
    finished: usize,
    hash: u64,
    /// Of one column.
    figures: Vec<i64>,
}

impl<'a> Shared<'a> {
    #[allow(clippy::cast_possible_truncation)] // `check` has seen that the rows fit the memory
    fn new(scale: Scale, plan: &'a Plan, control: &'a Control) -> Shared<'a> {
        let threads = plan.n_threads as u64;
        let chunk = (plan.paths / (64 * threads)).clamp(1, CHUNK);
        let rows = (plan.keep == Keep::Columns).then(|| Rows::new(plan.paths as usize, scale.through_time));
        Shared {
            scale,
            plan,
            control,
            workers: threads.min(plan.paths.div_ceil(chunk)),
            chunk,
            next: AtomicU64::new(0),
            failed: AtomicU64::new(u64::MAX),
            kept: Mutex::new(Kept { rows, finished: Spans::default(), hash: 0, failure: None }),
            statistics: columns(scale.through_time).iter().map(|_| Mutex::default()).collect(),
        }
    }

    /// Takes chunks until there are none.
    fn work<R: FnMut(u64) -> Result<Summary, PathError>>(&self, make: impl Fn() -> R) {
        let mut path = make();
        #[allow(clippy::cast_possible_truncation)] // at most 256
        let mut block = Block {
            rows: Rows::new(self.chunk as usize, self.scale.through_time),
            finished: 0,
            hash: 0,
            figures: Vec::new(),
        };
        loop {
            let start = self.next.fetch_add(self.chunk, Ordering::Relaxed);
            if start >= self.plan.paths || self.over(start) {
                return;
            }
            let count = self.chunk.min(self.plan.paths - start);
            (block.finished, block.hash) = (0, 0);
            let run = AssertUnwindSafe(|| self.run_chunk(&mut path, &mut block, start, count));
            let failure = catch_unwind(run).unwrap_or_else(|panic| {
                path = make(); // what panicked is not used again
                Some(Cause::Panic(words(&*panic)))
            });
            self.store(&mut block, start, failure);
        }
    }

    /// Whether this path is not worth running: somebody asked to stop, or a lower one failed.
    fn over(&self, path: u64) -> bool {
        self.control.stop.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed) < path
    }

    fn run_chunk(
        &self,
        mut run: impl FnMut(u64) -> Result<Summary, PathError>,
        block: &mut Block,
        start: u64,
        count: u64,
    ) -> Option<Cause> {
        for i in start..start + count {
            if self.over(i) {
                return None;
            }
            let path = self.plan.first_path + i;
            match run(path) {
                Ok(summary) => {
                    block.hash = block.hash.wrapping_add(block.rows.put(block.finished, path, &summary));
                    block.finished += 1;
                    self.control.finished.fetch_add(1, Ordering::Relaxed);
                }
                Err(PathError::Run(RunError::Interrupted)) => return None,
                Err(error) => return Some(Cause::Run(error)),
            }
        }
        None
    }

    /// Adds what is finished of a block to what is kept.
    fn store(&self, block: &mut Block, start: u64, failure: Option<Cause>) {
        let rows = block.finished;
        #[allow(clippy::cast_possible_truncation)] // where rows are kept, all of them fit the memory
        {
            let mut kept = lock(&self.kept);
            if let Some(cause) = failure {
                // Chunks are taken upward and run upward to their first failure: the lowest failing path is always among
                // those run, with any number of threads.
                let path = start + rows as u64;
                self.failed.fetch_min(path, Ordering::Relaxed);
                if kept.failure.as_ref().is_none_or(|(lowest, _)| path < *lowest) {
                    kept.failure = Some((path, cause));
                }
            }
            if let Some(all) = &mut kept.rows {
                all.copy(start as usize, &block.rows, rows);
            }
            kept.finished.add(start, rows as u64);
            kept.hash = kept.hash.wrapping_add(block.hash);
        }
        // Kept rows can be counted later, by who asks.
        let columns = if self.plan.keep == Keep::Statistics { self.statistics.len() } else { return };
        #[allow(clippy::cast_possible_truncation)] // less than the number of columns
        let first = (start / self.chunk % columns as u64) as usize;
        for index in (first..columns).chain(0..first) {
            let missing = block.rows.figures(index, self.scale.side, rows, &mut block.figures);
            lock(&self.statistics[index]).extend(&block.figures, missing);
        }
    }

    fn finish(self) -> Result<Ensemble, MonteCarloError> {
        let Plan { seed, first_path, paths, .. } = *self.plan;
        let kept = self.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some((path, cause)) = kept.failure {
            return Err(MonteCarloError::Path { seed, path: first_path + path, cause });
        }
        let open = |each: Mutex<Statistics>| each.into_inner().unwrap_or_else(PoisonError::into_inner);
        let streamed =
            (self.plan.keep == Keep::Statistics).then(|| self.statistics.into_iter().map(open).collect());
        let complete = kept.finished.count() == paths;
        Ok(Ensemble::new(
            self.scale,
            seed,
            first_path,
            complete,
            kept.finished,
            kept.rows,
            streamed,
            kept.hash,
        ))
    }
}

/// What a panic leaves behind its lock is whole: nothing under a lock calls foreign code.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("panic").to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;

    use super::*;
    use crate::engine::{StopReason, Totals};
    use crate::units::{Lots, Quote, Side, Ticks, Unit};

    fn summary(n: i64) -> Summary {
        let (lots, money) = (Lots(n), Quote(-n));
        Summary {
            ignition_side: Side::Buy,
            ignition_qty: lots,
            ignition_cost: money,
            start_price: Ticks(1000),
            peak_price: Ticks(1000 + n),
            final_price: Ticks(1000 + n),
            rounds: n.unsigned_abs(),
            totals: Totals::default(),
            burnt_qty: lots,
            named_qty: lots,
            hedge_shortfall: lots,
            insurance_fund_change: money,
            insurance_fund_shortfall: money,
            market_maker_pnl: money,
            market_maker_unhedged_qty: lots,
            market_maker_liquidated: false,
            positions_pnl: money,
            rest_of_market_pnl: money,
            vault_pnl: money,
            attacker_pnl: money,
            attacker_paper_pnl: money,
            events: n.unsigned_abs(),
            payments: 0,
            positive_payments: 0,
            peak_open_interest: lots,
            locked_float: lots,
            final_circulating: lots,
            spot_exhausted: n % 2 == 1,
            stop_reason: StopReason::Quiet,
        }
    }

    fn plan(paths: u64, n_threads: usize, keep: Keep) -> Plan {
        Plan { paths, first_path: 5, seed: 3, n_threads, keep, lazy: true }
    }

    fn scale() -> Scale {
        let one = Unit { numerator: 1.0, denominator: 1.0 };
        let [tick, spot_lot, perp_lot, push_lot, step, venue_step] = [one; 6];
        let (side, through_time) = (Side::Buy, false);
        Scale { side, through_time, tick, spot_lot, perp_lot, push_lot, step, venue_step }
    }

    #[test]
    fn a_panic_becomes_an_error_with_seed_and_path() {
        for n_threads in [1, 4] {
            let plan = plan(1000, n_threads, Keep::Columns);
            let make = || |path: u64| if path % 300 == 0 { panic!("as planned") } else { Ok(summary(1)) };
            let error = run_with(scale(), &plan, &Control::default(), make).unwrap_err();
            let cause = Cause::Panic("as planned".to_owned());
            assert_eq!(error, MonteCarloError::Path { seed: 3, path: 300, cause });
            assert!(error.to_string().contains("seed 3, path 300"));
        }
    }

    #[test]
    fn a_thread_that_is_late_keeps_its_place() {
        let make = || {
            |path: u64| {
                if path < 50 {
                    thread::sleep(Duration::from_micros(200)); // the first chunks finish last
                }
                Ok(summary(i64::try_from(path).unwrap()))
            }
        };
        let found = run_with(scale(), &plan(800, 4, Keep::Columns), &Control::default(), make).unwrap();
        let table = found.table(true).unwrap().unwrap();
        let column = |name| table.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
        assert_eq!(column("final_price"), (1005..1805).collect::<Vec<i64>>());
    }
}
