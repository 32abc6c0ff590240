//! Python: converts, detaches, delegates; decides nothing. The only place that names pyo3.

mod book;
mod borrow;
mod convert;
mod ensemble;
mod errors;
mod interrupt;
mod rules;
mod run;
mod table;

use pyo3::prelude::*;

/// The compiled core of perpcore.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::book::{BookEvent, Fill, OrderBook, OrderResult, batch_reasons};
    #[pymodule_export]
    use super::ensemble::{Ensemble, monte_carlo};
    #[pymodule_export]
    use super::errors::{OrderError, PerpcoreError, RunError, ScenarioError};
    #[pymodule_export]
    use super::rules::{
        adl_score, adl_threshold, fill_queue, fund_fee, insurance_fund_change, liquidation_spread,
        loss_per_unit, profit_share, quintiles, share_loss, take_over,
    };
    #[pymodule_export]
    use super::rules::{
        average_premium, capped_funding, capped_prices, composite_price, cross_price, cut,
        exponential_average, fair_basis, fair_basis_rate, funding_index_delta, funding_payment, funding_rate,
        impact_notional, impact_price, index_price, interest_rate, limit_step, median_price, mid_price,
        premium_index, twap_funding_rate, twap_payment, weighted_price,
    };
    #[pymodule_export]
    use super::rules::{bankruptcy_price, liquidation_price, tier_deductions};
    #[pymodule_export]
    use super::run::{RunResult, check, depth, run};
    #[pymodule_export]
    use super::table::Table;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
