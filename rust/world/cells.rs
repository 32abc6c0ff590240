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
    /// Ticks in all of them.
    pub ticks: i64,
    /// Where each cell's cumulative odds begin.
    starts: Vec<u32>,
    /// The count at which they do.
    lowest: Vec<u32>,
    /// `floor(2^64 P(N <= n))`, cell after cell.
    odds: Vec<u64>,
}

impl Cells {
    /// Cells with these means.
    pub fn new(first: Ticks, step: i64, width: i64, ticks: i64, means: &[f64]) -> Cells {
        let mut cells =
            Cells { first, step, width, ticks, starts: Vec::new(), lowest: Vec::new(), odds: Vec::new() };
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

    /// Ticks in this cell: the last has what is left.
    pub fn width(&self, cell: usize) -> i64 {
        self.width.min(self.ticks - self.width * cell as i64)
    }

    /// Whether nobody can be there, whatever is drawn.
    #[inline]
    fn is_empty(&self, cell: usize) -> bool {
        self.lowest[cell] == 0 && self.odds[self.starts[cell] as usize] == u64::MAX
    }

    /// How many accounts a cell's word makes.
    #[inline]
    fn count(&self, cell: usize, word: u64) -> u32 {
        let odds = &self.odds[self.starts[cell] as usize..];
        // A table ends with odds beyond any word.
        let n = odds.iter().position(|&odds| word < odds || odds == u64::MAX);
        self.lowest[cell] + u32::try_from(n.unwrap_or(0)).unwrap_or(0)
    }

    /// Gives a number to each account of a cell, in order.
    #[inline]
    pub fn draw<E>(
        &self,
        stream: &Stream,
        group: u64,
        cell: usize,
        mut each: impl FnMut(u32) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.is_empty(cell) {
            return Ok(());
        }
        let mut block = (group << (CELL_BITS + BLOCK_BITS)) | ((cell as u64) << BLOCK_BITS);
        let words = stream.block(block);
        let mut left = self.count(cell, words[0]) as usize;
        let (mut halves, mut first) = (halves(words), 2);
        loop {
            let here = left.min(halves.len() - first);
            for &half in &halves[first..][..here] {
                each(half)?;
            }
            left -= here;
            if left == 0 {
                return Ok(());
            }
            block += 1;
            (halves, first) = (self::halves(stream.block(block)), 0);
        }
    }
}

/// The halves of four words, the lower ones first.
#[inline]
#[allow(clippy::cast_possible_truncation)] // that is what halves are
fn halves(words: [u64; 4]) -> [u32; 8] {
    std::array::from_fn(|i| (words[i / 2] >> (32 * (i & 1))) as u32)
}
