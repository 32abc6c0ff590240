//! Partial liquidation.

use pyo3::prelude::*;

use super::columns::formulas;
use crate::rules;

formulas! {
    /// What must be closed so that the rest fits a tier.
    quantity_to_tier(qty: NotNegative, max_qty: NotNegative) = |[q, max]: [f64; 2]| rules::quantity_to_tier(q, max);
    /// What must be closed to cover a shortage of margin.
    quantity_to_cover(shortage: Finite, margin_rate: NotNegative, price: Positive, liquidator_fee_rate: NotNegative, fund_fee_rate: NotNegative, quote_price: Positive) =
        rules::quantity_to_cover;
    /// The insurance fund's share of a liquidation.
    fund_fee_rate(maintenance_rate: NotNegative, liquidator_fee_rate: NotNegative, shortage: Finite, notional: Positive, max_fee_rate: NotNegative, share: NotNegative) =
        rules::fund_fee_rate;
    /// A fee that rises with time.
    rising_fee(fee_rate: NotNegative, per_step: NotNegative, elapsed: NotNegative, grace: NotNegative, max_fee_rate: NotNegative) =
        |[fee, per_step, elapsed, grace, max]: [f64; 5]| rules::rising_fee(fee, per_step, elapsed, grace, max);
    /// Limit price of a liquidation order.
    fillable_price(side: Side, price: Positive, maintenance_rate: NotNegative, equity: Finite, maintenance_margin: Positive, adjustment: NotNegative, spread: NotNegative) =
        rules::fillable_price;
    /// What an account gets at its share of equity, in whole quanta.
    bankruptcy_quote(position: Finite, change: Finite, price: Positive, maintenance_rate: NotNegative, equity: Finite, maintenance_margin: Positive) =
        rules::bankruptcy_quote;
}

/// Slices in which a position is given away.
#[pyfunction]
pub fn disposal_slices(qty: f64, fraction: f64, full_size: f64, max_slice: f64) -> Vec<f64> {
    rules::disposal_slices(qty, fraction, full_size, max_slice)
}
