//! Margin.

use pyo3::prelude::*;

use super::{Column, Numbers, each};
use crate::bindings::convert::decimal;
use crate::bindings::errors;
use crate::rules;
use crate::world::read_tiers;

/// Isolated linear liquidation prices; `tiers` are (min_notional, rate, deduction).
#[pyfunction]
pub fn liquidation_price<'py>(
    py: Python<'py>,
    qty: Numbers<'py>,
    entry_price: Numbers<'py>,
    margin: Numbers<'py>,
    tiers: Vec<(f64, f64, f64)>,
) -> PyResult<Column<'py>> {
    each(py, [&qty, &entry_price, &margin], |[q, p, m]| rules::liquidation_price(q, p, m, &tiers))
}

/// Isolated linear bankruptcy prices.
#[pyfunction]
pub fn bankruptcy_price<'py>(
    py: Python<'py>,
    qty: Numbers<'py>,
    entry_price: Numbers<'py>,
    margin: Numbers<'py>,
) -> PyResult<Column<'py>> {
    each(py, [&qty, &entry_price, &margin], |[q, p, m]| p - m / q)
}

/// Checks `(min_notional, rate, max_leverage)` brackets and returns each one's deduction as decimal text.
#[pyfunction]
pub fn tier_deductions(py: Python<'_>, tiers: Vec<[Bound<'_, PyAny>; 3]>) -> PyResult<Vec<String>> {
    let read = |row: &[Bound<'_, PyAny>; 3]| {
        Ok([
            decimal("min_notional", &row[0])?,
            decimal("maintenance_rate", &row[1])?,
            decimal("max_leverage", &row[2])?,
        ])
    };
    let rows = tiers.iter().map(read).collect::<PyResult<Vec<_>>>()?;
    let tiers = read_tiers(&rows).map_err(|error| errors::scenario(py, &error))?;
    Ok(tiers.into_iter().map(|deduction| deduction.normalize().to_string()).collect())
}
