//! Accounts that are Poisson placed: counted cell by cell as the mark gets there, each with what it holds drawn alone.

use crate::random::{Stream, poisson_table};
use crate::units::Ticks;

/// How many bits of a block's number name the block within its cell, and the cell within its group.
const BLOCK_BITS: u32 = 24;
const CELL_BITS: u32 = 32;

/// A row of cells of equal width, from the start price away.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    /// First tick of the first cell, walking away.
    pub first: Ticks,
    /// +1 up, -1 down.
    pub step: i64,
    /// Ticks in a cell.
    pub width: i64,
    /// Where each cell's cumulative odds begin.
    starts: Vec<u32>,
    /// The count at which they do.
    lowest: Vec<u32>,
    /// `floor(2^64 P(N <= n))`, cell after cell.
    odds: Vec<u64>,
}

impl Cells {
    /// Cells with these means.
    pub fn new(first: Ticks, step: i64, width: i64, means: &[f64]) -> Cells {
        let mut cells =
            Cells { first, step, width, starts: Vec::new(), lowest: Vec::new(), odds: Vec::new() };
        for (i, &mean) in means.iter().enumerate() {
            // Equal neighbours share their odds.
            if i > 0 && mean.to_bits() == means[i - 1].to_bits() {
                cells.starts.push(cells.starts[i - 1]);
                cells.lowest.push(cells.lowest[i - 1]);
                continue;
            }
            cells.starts.push(u32::try_from(cells.odds.len()).unwrap_or(u32::MAX));
            cells.lowest.push(poisson_table(mean, &mut cells.odds));
        }
        cells
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Where the mark reaches a cell.
    #[inline]
    pub fn reached_at(&self, cell: usize) -> Ticks {
        Ticks(self.first.0 + self.step * self.width * cell as i64)
    }

    /// How many accounts a cell's word makes.
    #[inline]
    fn count(&self, cell: usize, word: u64) -> u32 {
        let mut n = 0;
        // A table ends with odds that no word reaches.
        for &odds in &self.odds[self.starts[cell] as usize..] {
            if word < odds {
                break;
            }
            n += 1;
        }
        self.lowest[cell] + n
    }

    /// A word for each account of a cell, in order.
    #[inline]
    pub fn draw(&self, stream: &Stream, group: u64, cell: usize) -> CellWords {
        let first = (group << (CELL_BITS + BLOCK_BITS)) | ((cell as u64) << BLOCK_BITS);
        let words = stream.block(first);
        CellWords { stream: *stream, block: first, words, lane: 1, left: self.count(cell, words[0]) }
    }
}

/// The words of one cell's accounts.
pub(super) struct CellWords {
    stream: Stream,
    block: u64,
    words: [u64; 4],
    lane: usize,
    left: u32,
}

impl Iterator for CellWords {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        if self.lane == 4 {
            self.block += 1;
            self.words = self.stream.block(self.block);
            self.lane = 0;
        }
        self.lane += 1;
        Some(self.words[self.lane - 1])
    }
}
