//! Margin formulas over numpy arrays.

use numpy::{PyArray1, PyReadonlyArray1, ToPyArray};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::convert::decimal;
use super::errors;
use crate::margin;
use crate::world::read_tiers;

/// Isolated linear liquidation prices; `tiers` are (min_notional, rate, deduction).
#[pyfunction]
pub fn liquidation_price<'py>(
    py: Python<'py>,
    qty: PyReadonlyArray1<'py, f64>,
    entry_price: PyReadonlyArray1<'py, f64>,
    margin: PyReadonlyArray1<'py, f64>,
    tiers: Vec<(f64, f64, f64)>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    each(py, &qty, &entry_price, &margin, |q, p, m| margin::liquidation_price(q, p, m, &tiers))
}

/// Isolated linear bankruptcy prices.
#[pyfunction]
pub fn bankruptcy_price<'py>(
    py: Python<'py>,
    qty: PyReadonlyArray1<'py, f64>,
    entry_price: PyReadonlyArray1<'py, f64>,
    margin: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    each(py, &qty, &entry_price, &margin, |q, p, m| p - m / q)
}

fn each<'py>(
    py: Python<'py>,
    qty: &PyReadonlyArray1<'py, f64>,
    entry: &PyReadonlyArray1<'py, f64>,
    margin: &PyReadonlyArray1<'py, f64>,
    price: impl Fn(f64, f64, f64) -> f64 + Sync,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let (qty, entry, margin) = (qty.as_slice()?, entry.as_slice()?, margin.as_slice()?);
    if qty.len() != entry.len() || qty.len() != margin.len() {
        return Err(PyValueError::new_err("qty, entry_price and margin must have one length"));
    }
    let prices: Vec<f64> =
        py.detach(|| qty.iter().zip(entry).zip(margin).map(|((&q, &p), &m)| price(q, p, m)).collect());
    Ok(prices.to_pyarray(py))
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
