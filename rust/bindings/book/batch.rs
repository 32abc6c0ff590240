//! Arrays of commands in, arrays of fills, rejects and cancels out.

use bytemuck::{Pod, cast_slice, try_cast_slice};
use numpy::{PyArray1, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;

use super::OrderBook;
use crate::bindings::errors::OrderError;
use crate::book::batch::{Output, Row};
use crate::ids::AccountId;
use crate::units::Lots;

/// What a batch came to: bytes of fill, reject and cancel rows.
pub type Bytes<'py> = (Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<u8>>);

/// Applies rows given as bytes. An array that is aligned is borrowed, any other is copied first.
pub fn apply<'py>(
    book: &mut OrderBook,
    py: Python<'py>,
    events: &PyReadonlyArray1<'py, u8>,
) -> PyResult<Bytes<'py>> {
    if events.len() % size_of::<Row>() != 0 {
        let allowed = "rows of 48 bytes, as perpcore.events.EVENT";
        return Err(OrderError::new_err(format!("events: {} bytes is not allowed: {allowed}", events.len())));
    }
    let bytes = events.as_slice()?;
    let copied: Vec<Row>;
    let rows: &[Row] = match try_cast_slice(bytes) {
        Ok(rows) => rows,
        Err(_) => {
            copied = bytes.chunks_exact(size_of::<Row>()).map(bytemuck::pod_read_unaligned).collect();
            &copied
        }
    };
    let OrderBook { book, batch, output, positions, .. } = book;
    output.clear();
    py.detach(|| {
        let held = |owner: AccountId| positions.get(&owner).copied().unwrap_or(Lots::ZERO);
        batch.apply(book, rows, &held, output);
    });
    for fill in &output.fills {
        let bought = if fill.taker_side == 0 { fill.qty } else { -fill.qty };
        for (owner, signed) in [(fill.taker_owner, bought), (fill.maker_owner, -bought)] {
            if let Some(position) = positions.get_mut(&AccountId(owner)) {
                position.0 = position.0.saturating_add(signed);
            }
        }
    }
    let Output { fills, rejects, cancels, .. } = output;
    Ok((array(py, fills), array(py, rejects), array(py, cancels)))
}

fn array<'py, T: Pod>(py: Python<'py>, rows: &[T]) -> Bound<'py, PyArray1<u8>> {
    PyArray1::from_slice(py, cast_slice(rows))
}
