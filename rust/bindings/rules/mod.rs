//! The venues' formulas over numpy arrays: an array in for each argument, one out.

mod columns;
mod deleveraging;
mod liquidation;
mod margin;
mod market;
mod profit;
mod reduction;

use numpy::{PyArray1, PyArray2, PyReadonlyArray1};
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

/// Results of sequences, a row each.
pub type Table<'py> = Bound<'py, PyArray2<f64>>;
