//! Margin.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::columns::{Kind, checked, formulas};
use super::{Column, Numbers};
use crate::bindings::convert::decimal;
use crate::bindings::errors;
use crate::margin::TierRule;
use crate::rules::{self, Tiers};
use crate::world::read_tiers;

/// Tiers as (min_notional, rate, deduction).
pub type Rows = Vec<(f64, f64, f64)>;

/// As the formulas take them.
pub fn tiers_of(rows: &[(f64, f64, f64)], tier_rule: &str) -> PyResult<Tiers> {
    let rule = match tier_rule {
        "marginal" => TierRule::Marginal,
        "whole_position" => TierRule::WholePosition,
        "linear" => TierRule::Linear,
        _ => return Err(PyValueError::new_err(format!("no tier rule {tier_rule}"))),
    };
    Ok(Tiers::new(rows, rule))
}

/// A formula of a tier and a notional.
fn by_tier<'py>(
    py: Python<'py>,
    notional: &Numbers<'py>,
    formula: impl Fn(f64) -> f64 + Send + Sync,
) -> PyResult<Column<'py>> {
    checked(py, std::array::from_ref(notional), [("notional", Kind::Finite)], |[n]| formula(n.abs()))
}

/// Maintenance margin of notionals.
#[pyfunction]
#[pyo3(signature = (columns, tiers, tier_rule, fee_rate, /))]
pub fn tier_maintenance<'py>(
    py: Python<'py>,
    columns: [Numbers<'py>; 2],
    tiers: Rows,
    tier_rule: &str,
    fee_rate: f64,
) -> PyResult<Column<'py>> {
    let tiers = tiers_of(&tiers, tier_rule)?;
    let arguments = [("notional", Kind::Finite), ("closing_fee", Kind::Finite)];
    checked(py, &columns, arguments, |[n, fee]| tiers.maintenance(n.abs()) + n.abs() * fee_rate + fee)
}

/// The rate of the tier that a notional is in.
#[pyfunction]
#[pyo3(signature = (columns, tiers, /))]
pub fn tier_rate<'py>(py: Python<'py>, columns: [Numbers<'py>; 1], tiers: Rows) -> PyResult<Column<'py>> {
    let tiers = tiers_of(&tiers, "marginal")?;
    by_tier(py, &columns[0], |notional| tiers.rate(notional))
}

/// The deduction of the tier that a notional is in.
#[pyfunction]
#[pyo3(signature = (columns, tiers, /))]
pub fn tier_deduction<'py>(
    py: Python<'py>,
    columns: [Numbers<'py>; 1],
    tiers: Rows,
) -> PyResult<Column<'py>> {
    let tiers = tiers_of(&tiers, "marginal")?;
    by_tier(py, &columns[0], |notional| tiers.deduction(notional))
}

formulas! {
    /// Initial margin at a rate.
    initial_margin(notional: Finite, initial_rate: NotNegative, closing_fee: Finite, step: NotNegative) =
        |[n, rate, fee, step]: [f64; 4]| rules::initial_margin(n, rate, fee, step);
    /// Maintenance margin at a rate.
    maintenance_margin(notional: Finite, maintenance_rate: NotNegative, deduction: Finite, rate_rise: NotNegative, fee_rate: NotNegative, closing_fee: Finite, step: NotNegative) =
        rules::maintenance_at_rate;
    /// Initial margin rate scaled by open interest.
    open_interest_rate(initial_rate: NotNegative, open_interest: NotNegative, lower_cap: NotNegative, upper_cap: Positive, step: NotNegative) =
        |[rate, oi, lower, upper, step]: [f64; 5]| rules::open_interest_rate(rate, oi, lower, upper, step);
    /// A rate that rises in steps of notional.
    stepped_rate(notional: Finite, base: NotNegative, step: Positive, rate: NotNegative, rate_rise: NotNegative) =
        |[n, base, step, rate, rise]: [f64; 5]| rules::stepped_rate(n, base, step, rate, rise);
    /// Weight of a debt by size.
    weight_of_liability(weight: NotNegative, factor: NotNegative, size: NotNegative, step: NotNegative) =
        |[w, f, size, step]: [f64; 4]| rules::weight_of_liability(w, f, size, step);
    /// Weight of a holding by size.
    weight_of_asset(weight: NotNegative, factor: NotNegative, size: NotNegative, step: NotNegative) =
        |[w, f, size, step]: [f64; 4]| rules::weight_of_asset(w, f, size, step);
    /// Maintenance margin by the way out through the book.
    slippage_margin(qty: NotNegative, mark_price: Positive, exit_price: Limit, slippage_cap: NotNegative, risk_factor: NotNegative) =
        |[q, mark, exit, cap, risk]: [f64; 5]| rules::slippage_margin(q, mark, exit, cap, risk);
    /// What is free for new positions.
    available_margin(wallet: Finite, initial_margin: Finite, unrealised_pnl: Finite) =
        |[wallet, im, pnl]: [f64; 3]| rules::available_margin(wallet, im, pnl);
    /// A multiple of an amount, cut down to whole steps.
    margin_level(maintenance_margin: NotNegative, factor: NotNegative, step: NotNegative) =
        |[amount, factor, step]: [f64; 3]| rules::level(amount, factor, step);
    /// One over leverage.
    leverage_rate(leverage: Positive) = |[leverage]: [f64; 1]| 1.0 / leverage;
    /// One over twice the largest leverage.
    half_leverage_rate(max_leverage: Positive) = |[leverage]: [f64; 1]| 0.5 / leverage;
    /// Equity above maintenance margin.
    excess_margin(equity: Finite, maintenance_margin: Finite) = |[e, m]: [f64; 2]| e - m;
    /// Equity over maintenance margin.
    margin_ratio(equity: Finite, maintenance_margin: Finite) = |[e, m]: [f64; 2]| rules::margin_ratio(e, m);
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
