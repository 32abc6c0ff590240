//! What many paths return: columns, tables, statistics, and a hash.

use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt8Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, UInt8Array, UInt64Array,
};
use arrow_schema::ArrowError;

use super::rows::{Cells, Rows};
use super::spans::Spans;
use super::statistics::Statistics;
use crate::results::{COLUMNS, Column, Kind, STOP_REASONS, Scale, Table, billionths, columns, quotient};
use crate::world::Template;

/// Finished paths of one world and seed.
#[derive(Debug)]
pub struct Ensemble {
    /// What its integers are worth.
    pub scale: Scale,
    /// Of all paths.
    pub seed: u64,
    /// The number of the first path asked for.
    pub first_path: u64,
    /// Whether all paths asked for are finished.
    pub complete: bool,
    /// How many are.
    pub paths: u64,
    /// Of the exact rows with their paths; a sum over the rows, so that hashes of parts of an ensemble add up to its own.
    pub hash: u64,
    finished: Spans,
    columns: Option<Vec<Stored>>,
    path: OnceLock<ArrayRef>,
    /// One a column of the world's: streamed, or of kept rows when first asked for. Integers, so there is no difference.
    statistics: Vec<OnceLock<Statistics>>,
}

/// A column as Arrow has it.
#[derive(Debug)]
struct Stored {
    /// Its integers; none of a quotient.
    exact: Option<ArrayRef>,
    /// In units, made when it is first asked for.
    units: OnceLock<ArrayRef>,
}

impl Stored {
    fn new(cells: Cells) -> Stored {
        let exact: Option<ArrayRef> = match cells {
            Cells::Wide(cells) => Some(Arc::new(Int64Array::from(cells))),
            Cells::Narrow(cells) => Some(Arc::new(UInt8Array::from(cells))),
            Cells::Derived => None,
        };
        Stored { exact, units: OnceLock::new() }
    }
}

impl Ensemble {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        scale: Scale,
        seed: u64,
        first_path: u64,
        complete: bool,
        finished: Spans,
        rows: Option<Rows>,
        streamed: Option<Vec<Statistics>>,
        hash: u64,
    ) -> Ensemble {
        let rows = rows.map(|mut rows| {
            if !complete {
                // Rows that are kept fit the memory, and so do their numbers.
                #[allow(clippy::cast_possible_truncation)]
                let run = |&(first, count): &(u64, u64)| (first as usize, count as usize);
                rows.keep(&finished.runs().iter().map(run).collect::<Vec<_>>());
            }
            rows
        });
        Ensemble::whole(scale, seed, first_path, complete, finished, rows, streamed, hash)
    }

    /// Of no path yet.
    pub fn nothing(template: &Template, seed: u64, first_path: u64) -> Ensemble {
        let scale = Scale::of(template.median());
        let statistics = columns(scale.through_time).iter().map(|_| Statistics::default()).collect();
        Ensemble::whole(scale, seed, first_path, false, Spans::default(), None, Some(statistics), 0)
    }

    /// Of the rows of finished paths alone.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn whole(
        scale: Scale,
        seed: u64,
        first_path: u64,
        complete: bool,
        finished: Spans,
        rows: Option<Rows>,
        streamed: Option<Vec<Statistics>>,
        hash: u64,
    ) -> Ensemble {
        let columns = rows.map(|rows| rows.columns.into_iter().map(Stored::new).collect());
        let (paths, path) = (finished.count(), OnceLock::new());
        let statistics = match streamed {
            Some(statistics) => statistics.into_iter().map(OnceLock::from).collect(),
            None => crate::results::columns(scale.through_time).iter().map(|_| OnceLock::new()).collect(),
        };
        Ensemble { scale, seed, first_path, complete, paths, hash, finished, columns, path, statistics }
    }

    /// Its columns.
    pub fn all(&self) -> &'static [Column] {
        columns(self.scale.through_time)
    }

    /// Which paths are finished, counted from the first.
    pub(super) fn finished(&self) -> &Spans {
        &self.finished
    }

    /// Whether rows were kept.
    pub fn has_columns(&self) -> bool {
        self.columns.is_some()
    }

    /// The numbers of the finished paths, upward; `None` if only statistics were kept.
    pub fn path(&self) -> Option<&ArrayRef> {
        self.columns.as_ref()?;
        Some(self.path.get_or_init(|| {
            let runs = self.finished.runs().iter();
            let paths = runs.flat_map(|&(first, count)| (first..first + count).map(|i| self.first_path + i));
            Arc::new(UInt64Array::from_iter_values(paths))
        }))
    }

    /// A column's integers; `None` if rows were not kept, or of a quotient.
    pub fn exact(&self, index: usize) -> Option<&ArrayRef> {
        self.columns.as_ref()?[index].exact.as_ref()
    }

    /// A column in units: doubles, or the integers where they are counts or codes; `None` if rows were not kept.
    pub fn units(&self, index: usize) -> Option<&ArrayRef> {
        let stored = &self.columns.as_ref()?[index];
        let column = &COLUMNS[index];
        if matches!(column.kind, Kind::Count | Kind::YesNo | Kind::StopReason) {
            return stored.exact.as_ref();
        }
        Some(stored.units.get_or_init(|| Arc::new(self.doubles(index, column))))
    }

    fn integers(&self, index: usize) -> &[i64] {
        let array = self.exact(index).and_then(|array| array.as_primitive_opt::<Int64Type>());
        array.map_or(&[], |array| array.values())
    }

    fn doubles(&self, index: usize, column: &Column) -> Float64Array {
        if let Some((a, b)) = column.parts(self.scale.side) {
            let pairs = self.integers(a).iter().zip(self.integers(b));
            return Float64Array::from_iter_values(pairs.map(|(&a, &b)| quotient(a, b)));
        }
        let unit = self.scale.unit(column.kind);
        Float64Array::from_iter_values(self.integers(index).iter().map(|&n| unit.of(n)))
    }

    /// All columns, in units or in integers, the paths first; `None` if rows were not kept.
    pub fn table(&self, exact: bool) -> Option<Result<RecordBatch, ArrowError>> {
        let path = self.path()?;
        let mut table = Table::new(path.len(), exact);
        table.array("path", path.clone());
        for (index, column) in self.all().iter().enumerate().filter(|(_, column)| column.shown(exact)) {
            let array = if exact { self.exact(index) } else { self.units(index) }?;
            let codes = array.as_any().downcast_ref::<UInt8Array>();
            match (column.kind, codes) {
                (Kind::StopReason, Some(codes)) => table.codes(column.name, STOP_REASONS, codes.clone()),
                (Kind::YesNo, Some(codes)) => {
                    let bits = codes.values().iter().map(|&code| code != 0).collect::<Vec<_>>();
                    table.array(column.name, Arc::new(BooleanArray::from(bits)));
                }
                _ => table.array(column.name, array.clone()),
            }
        }
        Some(table.finish())
    }

    /// The statistics of column `index` over the finished paths.
    pub fn statistics(&self, index: usize) -> &Statistics {
        self.statistics[index].get_or_init(|| {
            let mut statistics = Statistics::default();
            if let Some((a, b)) = COLUMNS[index].parts(self.scale.side) {
                let pairs = self.integers(a).iter().zip(self.integers(b));
                pairs.for_each(|(&a, &b)| statistics.add(billionths(a, b)));
            } else if let Some(codes) =
                self.exact(index).and_then(|array| array.as_primitive_opt::<UInt8Type>())
            {
                codes.values().iter().for_each(|&code| statistics.add(Some(code.into())));
            } else {
                statistics.extend(self.integers(index), 0);
            }
            statistics
        })
    }
}
