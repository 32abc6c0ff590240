//! Real accounts, given as columns: the same thousand of them burn, whatever number stands behind them.

use std::sync::Arc;

use perpcore::world::{Column, Template};

/// Accounts that a push burns.
const BURNT: usize = 1_000;

/// So many shorts, `BURNT` of them within reach of a push, in rows that tell nothing of their prices; the columns are held as
/// long as the caller keeps them.
pub fn real(accounts: usize) -> (Template, Vec<Arc<Column>>) {
    let price = |number: usize| {
        if number < BURNT {
            10.55 + 0.95 * number as f64 / BURNT as f64
        } else {
            25.0 + (number % 3_499) as f64 / 100.0
        }
    };
    // A stride that shares no factor with a power of ten visits every row.
    let prices: Vec<f64> = (0..accounts).map(|row| price(row * 7_919 % accounts)).collect();
    let columns = vec![
        Column::hold("side", vec![-1.0]),
        Column::hold("qty", vec![20.0]),
        Column::hold(&format!("prices of {accounts}"), prices),
    ];
    let [side, qty, prices] = [0, 1, 2].map(|at| columns[at].digest.as_str());
    let json = format!(
        r#"{{"schema_version": 1, "start_price": "10", "total_supply": "1000000000", "circulating": "1000000000",
        "spot": {{"tick_size": "0.01", "lot_size": "1", "asks": {{"kind": "linear", "depth": "20000"}}}},
        "perp": {{"tick_size": "0.01", "lot_size": "1", "asks": {{"kind": "linear", "depth": "60000"}}}},
        "venue": {{"insurance_fund": "1000000",
            "tiers": [{{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "20"}}]}},
        "market_maker": {{"capital": "100000000", "hedge_ratio": "0.5"}},
        "positions": [{{"kind": "accounts", "side": "{side}", "qty": "{qty}", "liquidation_price": "{prices}"}}],
        "ignition": {{"qty": {{"dist": "uniform", "low": "31000", "high": "33000"}}}}}}"#
    );
    let template = Template::read(&json).unwrap_or_else(|error| panic!("{error}"));
    (template, columns)
}
