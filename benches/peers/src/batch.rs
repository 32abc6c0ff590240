//! perpcore's rows: what `book.apply` of Python hands down, here without Python, and to a file for `python_books.py`.

use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use perpcore::book::OrderBook;
use perpcore::book::batch::{Batch, Output};

use crate::flow::Flow;
use crate::timing::nanoseconds;
use crate::work::Work;

/// Nanoseconds an operation, the arrays made before the clock runs.
pub fn time(work: &Work, size: usize) -> f64 {
    let (start, rows) = work.flow.rows();
    let (mut book, mut batch, mut output) = (OrderBook::new(()), Batch::default(), Output::default());
    batch.apply(&mut book, &start, &(), &mut output);
    let (mut spent, mut counted) = (Duration::ZERO, 0);
    for (number, part) in rows.chunks(work.part.unwrap_or(size)).enumerate() {
        output.clear();
        let clock = Instant::now();
        batch.apply(&mut book, part, &(), &mut output);
        black_box(&output);
        if work.is_timed(number) {
            spent += clock.elapsed();
            counted += part.len();
        }
        assert!(output.rejects.is_empty(), "a flow without rejects");
    }
    nanoseconds(spent, counted)
}

/// Writes the rows of a flow, those of its start before them.
pub fn export(flow: &Flow, path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    let (start, rows) = flow.rows();
    for row in start.iter().chain(&rows) {
        file.write_all(&[row.kind, row.side, row.tif, row.flags])?;
        for word in [row.owner, row.reference, row.pad] {
            file.write_all(&word.to_le_bytes())?;
        }
        for number in [row.price, row.qty, row.trigger, row.time] {
            file.write_all(&number.to_le_bytes())?;
        }
    }
    file.flush()
}
