//! Rows of exact integers, column by column.

use crate::engine::Summary;
use crate::results::{COLUMNS, Column, Kind, Of, billionths, columns};
use crate::units::Side;

/// The integers of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Numbers.
    Wide(Vec<i64>),
    /// Yes or no, and codes.
    Narrow(Vec<u8>),
    /// None: a quotient follows from two other columns.
    Derived,
}

impl Cells {
    fn new(column: &Column, rows: usize) -> Cells {
        match (column.of, column.kind) {
            (Of::Quotient(_), _) => Cells::Derived,
            (_, Kind::YesNo | Kind::StopReason) => Cells::Narrow(vec![0; rows]),
            _ => Cells::Wide(vec![0; rows]),
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // codes are small
    fn set(&mut self, row: usize, value: i64) {
        match self {
            Cells::Wide(cells) => cells[row] = value,
            Cells::Narrow(cells) => cells[row] = value as u8,
            Cells::Derived => {}
        }
    }

    fn at(&self, row: usize) -> i64 {
        match self {
            Cells::Wide(cells) => cells[row],
            Cells::Narrow(cells) => i64::from(cells[row]),
            Cells::Derived => 0,
        }
    }
}

/// A block of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// One entry a column of the world's, the first of [`COLUMNS`].
    pub columns: Vec<Cells>,
}

impl Rows {
    /// Room for so many rows of runs through time, or of instant ones.
    pub fn new(rows: usize, through_time: bool) -> Rows {
        Rows { columns: columns(through_time).iter().map(|column| Cells::new(column, rows)).collect() }
    }

    /// Bytes of a row, its copy in units included.
    pub fn bytes(through_time: bool) -> u64 {
        let of = |column: &Column| match Cells::new(column, 0) {
            Cells::Wide(_) => 8 + 8,
            Cells::Narrow(_) => 1 + 1,
            Cells::Derived => 8,
        };
        8 + columns(through_time).iter().map(of).sum::<u64>() // 8 of the path
    }

    /// Writes a row and gives its hash.
    #[inline]
    pub fn put(&mut self, row: usize, path: u64, summary: &Summary) -> u64 {
        let mut hash = mix(path ^ GOLDEN);
        for (column, cells) in COLUMNS.iter().zip(&mut self.columns) {
            if let Of::Summary(of) | Of::Behind(of) = column.of {
                let value = of(summary);
                cells.set(row, value);
                hash = absorb(hash, value);
            }
        }
        mix(hash)
    }

    /// The hash of a row, as [`Rows::put`] gave it.
    pub fn hash(&self, row: usize, path: u64) -> u64 {
        let mut hash = mix(path ^ GOLDEN);
        for (column, cells) in COLUMNS.iter().zip(&self.columns) {
            if let Of::Summary(_) | Of::Behind(_) = column.of {
                hash = absorb(hash, cells.at(row));
            }
        }
        mix(hash)
    }

    /// Takes over the first `rows` rows of a block, from row `at`.
    pub fn copy(&mut self, at: usize, block: &Rows, rows: usize) {
        for cells in self.columns.iter_mut().zip(&block.columns) {
            match cells {
                (Cells::Wide(to), Cells::Wide(from)) => to[at..at + rows].copy_from_slice(&from[..rows]),
                (Cells::Narrow(to), Cells::Narrow(from)) => to[at..at + rows].copy_from_slice(&from[..rows]),
                _ => {}
            }
        }
    }

    /// Keeps these spans of rows, in order; they come upward.
    pub fn keep(&mut self, spans: &[(usize, usize)]) {
        for cells in &mut self.columns {
            match cells {
                Cells::Wide(cells) => gather(cells, spans),
                Cells::Narrow(cells) => gather(cells, spans),
                Cells::Derived => {}
            }
        }
    }

    /// Writes the figures of column `index` in the first `rows` rows to `figures`; how many rows have none.
    pub fn figures(&self, index: usize, side: Side, rows: usize, figures: &mut Vec<i64>) -> u64 {
        figures.clear();
        match (&self.columns[index], COLUMNS[index].parts(side)) {
            (Cells::Wide(cells), _) => figures.extend_from_slice(&cells[..rows]),
            (Cells::Narrow(cells), _) => figures.extend(cells[..rows].iter().map(|&x| i64::from(x))),
            (Cells::Derived, Some((a, b))) => {
                let (a, b) = (&self.columns[a], &self.columns[b]);
                figures.extend((0..rows).filter_map(|row| billionths(a.at(row), b.at(row))));
            }
            (Cells::Derived, None) => {}
        }
        (rows - figures.len()) as u64
    }
}

fn gather<T: Copy>(cells: &mut Vec<T>, spans: &[(usize, usize)]) {
    let mut kept = 0;
    for &(start, rows) in spans {
        cells.copy_within(start..start + rows, kept);
        kept += rows;
    }
    cells.truncate(kept);
    cells.shrink_to_fit();
}

/// 2^64 over the golden ratio, odd.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A hash after one more value.
#[inline]
#[allow(clippy::cast_sign_loss)] // the bits are meant
const fn absorb(hash: u64, value: i64) -> u64 {
    (hash.rotate_left(29) ^ value as u64).wrapping_mul(GOLDEN)
}

/// Every bit of the input in every bit of the output (the finaliser of `SplitMix64`, a bijection).
#[inline]
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
