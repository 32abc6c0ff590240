//! Statistics of paths as bytes: to keep them in a file, to send them, to add up those of disjoint parts.
//!
//! The form is `perpcore`'s own and has a version: four letters, a postcard message, a CRC-32 of both. What is read is checked
//! before it is believed: bytes cut or altered are an error, never a panic or an allocation beyond what they hold.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ensemble::Ensemble;
use super::packed::Packed;
use super::rows::{Cells, Rows};
use super::spans::Spans;
use super::statistics::Statistics;
use crate::results::{Scale, columns};
use crate::units::{Side, Unit};

const MAGIC: &[u8; 4] = b"pce1";
const CHECKSUM: usize = 4;

/// Why bytes are no ensemble, or two are not of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpError {
    /// They begin otherwise.
    Foreign,
    /// Their checksum is not that of what they hold.
    Damaged,
    /// They hold what no paths give.
    Impossible,
    /// They have no statistics, only the place of rows.
    WithoutStatistics,
    /// Rows of another length, kind or content.
    OtherRows,
    /// Parts of different scenarios or seeds.
    OtherScenario,
    /// Parts that share a path.
    Overlap,
    /// There is no part.
    Nothing,
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DumpError::Foreign => "these bytes are no statistics that this version of perpcore wrote",
            DumpError::Damaged => "these statistics were cut short or altered: their checksum is another",
            DumpError::Impossible => "these statistics can't be those of any paths",
            DumpError::WithoutStatistics => "these bytes hold no statistics, and there are no rows with them",
            DumpError::OtherRows => "the rows are not those that were kept: their number or hash is another",
            DumpError::OtherScenario => "the parts are not of one scenario and seed",
            DumpError::Overlap => "two parts hold the same path",
            DumpError::Nothing => "there is no part to add up",
        })
    }
}

impl std::error::Error for DumpError {}

/// `sell`, `through_time`, and the units.
type Units = (bool, bool, [(f64, f64); 6]);

fn units(scale: &Scale) -> Units {
    let unit = |u: Unit| (u.numerator, u.denominator);
    let all = [scale.tick, scale.spot_lot, scale.perp_lot, scale.push_lot, scale.step, scale.venue_step];
    (scale.side == Side::Sell, scale.through_time, all.map(unit))
}

fn scale((sell, through_time, all): Units) -> Option<Scale> {
    let fits = |x: f64| x.is_finite() && x > 0.0;
    if !all.iter().all(|&(a, b)| fits(a) && fits(b)) {
        return None;
    }
    let side = if sell { Side::Sell } else { Side::Buy };
    let unit = |(numerator, denominator)| Unit { numerator, denominator };
    let [tick, spot_lot, perp_lot, push_lot, step, venue_step] = all.map(unit);
    Some(Scale { side, through_time, tick, spot_lot, perp_lot, push_lot, step, venue_step })
}

#[derive(Serialize, Deserialize)]
struct Dump {
    seed: u64,
    first_path: u64,
    complete: bool,
    hash: u64,
    units: Units,
    /// Finished paths, counted from `first_path`: how many are left out, how many follow.
    spans: Vec<(u64, u64)>,
    columns: Option<Vec<Packed>>,
}

impl Dump {
    fn read(bytes: &[u8]) -> Result<Dump, DumpError> {
        let body = bytes.strip_prefix(MAGIC).ok_or(DumpError::Foreign)?;
        let (body, sum) = body.split_last_chunk::<CHECKSUM>().ok_or(DumpError::Damaged)?;
        let whole = &bytes[..bytes.len() - CHECKSUM];
        if crc32fast::hash(whole) != u32::from_le_bytes(*sum) {
            return Err(DumpError::Damaged);
        }
        let (dump, rest) = postcard::take_from_bytes(body).map_err(|_| DumpError::Impossible)?;
        if rest.is_empty() { Ok(dump) } else { Err(DumpError::Impossible) }
    }

    /// The finished paths by their numbers, upward.
    fn runs(&self) -> Option<Vec<(u64, u64)>> {
        let mut at = self.first_path;
        let mut runs = Vec::with_capacity(self.spans.len());
        for &(gap, count) in &self.spans {
            let first = at.checked_add(gap).filter(|_| count > 0 && (runs.is_empty() || gap > 0))?;
            (first - self.first_path).checked_add(count)?;
            runs.push((first, count));
            at = first.checked_add(count - 1)?; // its last path; the end may be 2^64
            at = at.checked_add(1).or_else(|| (runs.len() == self.spans.len()).then_some(at))?;
        }
        Some(runs)
    }
}

impl Ensemble {
    /// As bytes: what is known of its paths, with or without the statistics of its columns.
    pub fn dump(&self, statistics: bool) -> Vec<u8> {
        let mut at = 0;
        let spans = self.finished().runs().iter().map(|&(first, count)| {
            let gap = first - at;
            at = first + count;
            (gap, count)
        });
        let columns = 0..self.all().len();
        let dump = Dump {
            seed: self.seed,
            first_path: self.first_path,
            complete: self.complete,
            hash: self.hash,
            units: units(&self.scale),
            spans: spans.collect(),
            columns: statistics.then(|| columns.map(|index| Packed::new(self.statistics(index))).collect()),
        };
        // Into a vector there is nothing to fail.
        let mut bytes = postcard::to_extend(&dump, MAGIC.to_vec()).unwrap_or_default();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// An ensemble again: of statistics that were dumped, or of its rows, which must have the hash that was dumped with them.
    pub fn load(bytes: &[u8], rows: Option<Rows>) -> Result<Ensemble, DumpError> {
        let dump = Dump::read(bytes)?;
        let scale = scale(dump.units).ok_or(DumpError::Impossible)?;
        let runs = dump.runs().ok_or(DumpError::Impossible)?;
        let mut finished = Spans::default();
        runs.iter().for_each(|&(first, count)| finished.add(first - dump.first_path, count));
        let statistics = match (&rows, dump.columns) {
            (Some(rows), _) if !are_those(rows, scale, &runs, dump.hash) => return Err(DumpError::OtherRows),
            (Some(_), _) => None,
            (None, Some(packed)) => Some(opened(&packed, scale, finished.count())?),
            (None, None) => return Err(DumpError::WithoutStatistics),
        };
        let (seed, first_path, complete) = (dump.seed, dump.first_path, dump.complete);
        let hash = dump.hash;
        Ok(Ensemble::whole(scale, seed, first_path, complete, finished, rows, statistics, hash))
    }
}

/// The statistics of every column of the world's.
fn opened(packed: &[Packed], scale: Scale, paths: u64) -> Result<Vec<Statistics>, DumpError> {
    if packed.len() != columns(scale.through_time).len() {
        return Err(DumpError::Impossible);
    }
    let all: Option<Vec<Statistics>> = packed.iter().map(|packed| packed.open(paths)).collect();
    all.ok_or(DumpError::Impossible)
}

/// Whether rows are of these paths and have this hash.
fn are_those(rows: &Rows, scale: Scale, runs: &[(u64, u64)], hash: u64) -> bool {
    let count = runs.iter().map(|&(_, count)| count).sum::<u64>();
    let alike = |(cells, empty): (&Cells, &Cells)| match (cells, empty) {
        (Cells::Wide(cells), Cells::Wide(_)) => cells.len() as u64 == count,
        (Cells::Narrow(cells), Cells::Narrow(_)) => cells.len() as u64 == count,
        (Cells::Derived, Cells::Derived) => true,
        _ => false,
    };
    let empty = Rows::new(0, scale.through_time);
    if rows.columns.len() != empty.columns.len() || !rows.columns.iter().zip(&empty.columns).all(alike) {
        return false;
    }
    let paths = runs.iter().flat_map(|&(first, count)| (0..count).map(move |i| first + i));
    paths.enumerate().fold(0u64, |sum, (row, path)| sum.wrapping_add(rows.hash(row, path))) == hash
}

/// Adds up disjoint parts of an ensemble, in any order.
#[derive(Debug, Default)]
pub struct Sum {
    of: Option<Total>,
}

#[derive(Debug)]
struct Total {
    units: Units,
    scale: Scale,
    seed: u64,
    complete: bool,
    paths: u64,
    hash: u64,
    runs: Vec<(u64, u64)>,
    statistics: Vec<Statistics>,
}

impl Sum {
    /// One more part, as [`Ensemble::dump`] gave it.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), DumpError> {
        let dump = Dump::read(bytes)?;
        let scale = scale(dump.units).ok_or(DumpError::Impossible)?;
        let runs = dump.runs().ok_or(DumpError::Impossible)?;
        let paths = runs.iter().map(|&(_, count)| count).sum();
        let statistics = opened(&dump.columns.ok_or(DumpError::WithoutStatistics)?, scale, paths)?;
        let Some(total) = &mut self.of else {
            let (seed, complete, hash, units) = (dump.seed, dump.complete, dump.hash, dump.units);
            self.of = Some(Total { units, scale, seed, complete, paths, hash, runs, statistics });
            return Ok(());
        };
        if total.seed != dump.seed || total.units != dump.units {
            return Err(DumpError::OtherScenario);
        }
        // Counts of all columns are at most this, so none of the sums below leaves its integer.
        total.paths = total.paths.checked_add(paths).ok_or(DumpError::Overlap)?;
        total.complete &= dump.complete;
        total.hash = total.hash.wrapping_add(dump.hash);
        total.runs.extend(runs);
        total.statistics.iter_mut().zip(&statistics).for_each(|(sum, part)| sum.merge(part));
        Ok(())
    }

    /// The whole; complete if every part is and no path is left out between them.
    pub fn finish(self) -> Result<Ensemble, DumpError> {
        let Total { scale, seed, complete, hash, mut runs, statistics, .. } =
            self.of.ok_or(DumpError::Nothing)?;
        runs.sort_unstable();
        let overlap = |pair: &[(u64, u64)]| pair[1].0 - pair[0].0 < pair[0].1;
        if runs.windows(2).any(overlap) {
            return Err(DumpError::Overlap);
        }
        let first_path = runs.first().map_or(0, |&(first, _)| first);
        let mut finished = Spans::default();
        runs.iter().for_each(|&(first, count)| finished.add(first - first_path, count));
        let complete = complete && finished.runs().len() <= 1;
        Ok(Ensemble::whole(scale, seed, first_path, complete, finished, None, Some(statistics), hash))
    }
}
