//! The venues' formulas over numpy arrays: an array in for each argument, one out.

mod columns;
mod deleveraging;
mod liquidation;
mod margin;
mod market;
mod profit;
mod reduction;

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

pub use deleveraging::*;
pub use liquidation::{bankruptcy_price, liquidation_price, liquidation_price_at_rate, rounded_against};
pub use margin::{
    available_margin, excess_margin, half_leverage_rate, initial_margin, leverage_rate, maintenance_margin,
    margin_level, margin_ratio, open_interest_rate, slippage_margin, stepped_rate, tier_deduction,
    tier_deductions, tier_maintenance, tier_rate, weight_of_asset, weight_of_liability,
};
pub use market::*;
pub use profit::{
    fee, implied_price, notional, realised_pnl, return_on_margin, signed_worth, unrealised_pnl,
};
pub use reduction::{
    bankruptcy_quote, disposal_slices, fillable_price, fund_fee_rate, quantity_to_cover, quantity_to_tier,
    rising_fee,
};

/// An argument: one number an element.
pub type Numbers<'py> = PyReadonlyArray1<'py, f64>;

/// A result.
pub type Column<'py> = Bound<'py, PyArray1<f64>>;

/// Applies a formula to the rows of arrays of one length, without the GIL.
pub fn each<'py, const N: usize>(
    py: Python<'py>,
    columns: [&Numbers<'py>; N],
    formula: impl Fn([f64; N]) -> f64 + Send + Sync,
) -> PyResult<Column<'py>> {
    let mut slices: [&[f64]; N] = [&[]; N];
    for (slice, column) in slices.iter_mut().zip(columns) {
        *slice = column.as_slice()?;
    }
    let rows = slices.first().map_or(0, |first| first.len());
    if slices.iter().any(|slice| slice.len() != rows) {
        return Err(PyValueError::new_err("arrays of different lengths"));
    }
    let out = py.detach(|| (0..rows).map(|i| formula(slices.map(|slice| slice[i]))).collect::<Vec<f64>>());
    Ok(PyArray1::from_vec(py, out))
}

/// Applies a formula to rows of tables (the same number of elements of each) and columns, without the GIL.
///
/// It writes `width` numbers a row.
pub fn along<'py, const T: usize, const N: usize>(
    py: Python<'py>,
    rows: usize,
    width: usize,
    tables: [&Numbers<'py>; T],
    columns: [&Numbers<'py>; N],
    formula: impl Fn([&[f64]; T], [f64; N], &mut [f64]) + Send + Sync,
) -> PyResult<Column<'py>> {
    let (mut flat, mut slices): ([&[f64]; T], [&[f64]; N]) = ([&[]; T], [&[]; N]);
    for (slice, table) in flat.iter_mut().zip(tables) {
        *slice = table.as_slice()?;
    }
    for (slice, column) in slices.iter_mut().zip(columns) {
        *slice = column.as_slice()?;
    }
    let uneven = flat.iter().any(|table| table.len().checked_rem(rows).unwrap_or(table.len()) != 0);
    if uneven || slices.iter().any(|slice| slice.len() != rows) {
        return Err(PyValueError::new_err("arrays of different lengths"));
    }
    let out = py.detach(|| {
        let mut out = vec![0.0; rows * width];
        for i in 0..rows {
            let tables = flat.map(|table| {
                let length = table.len() / rows;
                &table[i * length..(i + 1) * length]
            });
            formula(tables, slices.map(|slice| slice[i]), &mut out[i * width..(i + 1) * width]);
        }
        out
    });
    Ok(PyArray1::from_vec(py, out))
}
