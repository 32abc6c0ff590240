//! Python: converts, detaches, delegates; decides nothing. The only place that names pyo3.

mod book;
mod borrow;
mod column;
mod convert;
mod ensemble;
mod errors;
mod interrupt;
mod rules;
mod run;
mod simulation;
mod table;

use pyo3::prelude::*;

/// The compiled core of perpcore.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::book::{BookEvent, Fill, OrderBook, OrderResult, batch_reasons};
    #[pymodule_export]
    use super::column::Column;
    #[pymodule_export]
    use super::ensemble::{Ensemble, available_threads, monte_carlo};
    #[pymodule_export]
    use super::errors::{OrderError, PerpcoreError, RunError, ScenarioError};
    #[pymodule_export]
    use super::rules::{
        adl_score, adl_threshold, deleverage, fund_fee, insurance_fund_change, liquidation_spread,
        loss_per_unit, profit_share, quintiles, share_loss, take_over,
    };
    #[pymodule_export]
    use super::rules::{
        available_margin, bankruptcy_price, bankruptcy_quote, disposal_slices, excess_margin, fee,
        fillable_price, fund_fee_rate, half_leverage_rate, implied_price, initial_margin, leverage_rate,
        liquidation_price, liquidation_price_at_rate, maintenance_margin, margin_level, margin_ratio,
        notional, open_interest_rate, quantity_to_cover, quantity_to_tier, realised_pnl, return_on_margin,
        rising_fee, rounded_against, signed_worth, slippage_margin, stepped_rate, tier_deduction,
        tier_deductions, tier_maintenance, tier_rate, unrealised_pnl, weight_of_asset, weight_of_liability,
    };
    #[pymodule_export]
    use super::rules::{
        average_premium, capped_funding, capped_prices, composite_price, cross_price, exponential_average,
        fair_basis, fair_basis_rate, fair_price, funding_index_delta, funding_payment, funding_rate,
        impact_notional, impact_price, index_price, interest_rate, limit_step, max_divergence, median_price,
        mid_price, premium_index, twap_funding_rate, twap_payment, weighted_price,
    };
    #[pymodule_export]
    use super::run::{RunResult, check, check_venue, depth, run};
    #[pymodule_export]
    use super::simulation::Simulation;
    #[pymodule_export]
    use super::table::Table;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
