//! A scenario with an agent of each kind, as JSON, and what is wrong with another.
#![allow(dead_code)]

use perpcore::error::ScenarioError;
use perpcore::world::{Template, World};
use serde_json::{Value, json};

/// 50 steps of 2 s; a spot lot is 0.5 tokens, one of the perpetual 2; ticks 0.01 and 0.05.
pub fn scenario(agents: Value) -> Value {
    json!({
        "schema_version": 1, "start_price": "10", "total_supply": "10000", "circulating": "4000",
        "time": {"step_s": "2", "horizon_s": "100"},
        "spot": {"tick_size": "0.01", "lot_size": "0.5", "asks": {"kind": "linear", "depth": "2000"}},
        "perp": {"tick_size": "0.05", "lot_size": "2"},
        "venue": {"tiers": [{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "20"}],
            "funding": {"interval_h": "1"}},
        "market_maker": {"capital": "1000", "spot_inventory": "100",
            "quote": {"side": "both", "level_qty": "20"}},
        "positions": [],
        "agents": agents,
    })
}

pub fn whale() -> Value {
    json!({"kind": "whale", "name": "whale", "capital": "5000", "leverage": "5",
        "accumulate": {"qty": "10", "at_s": "4", "over_s": "9"}, "longs": {"qty": "10", "at_s": "5"},
        "ignite": {"qty": "10", "at_s": "20", "over_s": "2"},
        "exit": {"over_s": "30", "at_s": "60.5", "drawdown": "0.1"}})
}

/// One agent of each kind.
pub fn everybody() -> Value {
    json!([
        {"kind": "noise", "name": "noise", "market": "spot", "rate_per_s": "0.3", "qty": "1.5", "tokens": "50",
            "limit_rate_per_s": "0.25", "limit_gap": "0.2", "lifetime_s": "5"},
        {"kind": "momentum", "name": "momentum", "window_s": "7", "threshold": "0.0123456785",
            "order_qty": "4", "max_qty": "40", "capital": "100", "leverage": "2.5"},
        {"kind": "holders", "name": "holders", "tokens": "1000", "threshold": "0.1", "elasticity": "0.4", "order_qty": "3"},
        {"kind": "spot_market_maker", "name": "maker", "tokens": "100", "half_spread": "0.03", "levels": 4,
            "level_gap": "0.02", "level_qty": "2.5", "skew": "0.002", "inventory_limit": "60"},
        {"kind": "funding_arbitrageur", "name": "carry", "capital": "100", "enter_rate": "0.0002",
            "exit_rate": "-0.0001", "min_basis": "0.002", "order_qty": "2", "max_qty": "20", "lock_s": "3"},
        {"kind": "short_crowd", "name": "crowd", "rate_per_s": "1", "slope": "2", "base": "0.5",
            "qty": {"dist": "uniform", "low": "2", "high": "22"}, "leverage": "10", "max_accounts": 7},
        {"kind": "liquidation_hunter", "name": "hunter", "reach": "0.05", "min_notional": "50", "order_qty": "2", "max_qty": "6"},
        whale(),
        {"kind": "stock_arbitrageur", "name": "stock", "kappa": "3", "tokens": "20"},
        {"kind": "external", "name": "bot", "from_s": "7", "until_s": "99", "tokens": "1"},
    ])
}

pub fn read(scenario: &Value) -> Result<World, ScenarioError> {
    Template::read(&scenario.to_string()).map(|template| template.median().clone())
}

pub fn world(scenario: &Value) -> World {
    read(scenario).unwrap_or_else(|error| panic!("{error}"))
}

pub fn problems(written: &Value) -> Vec<(String, String)> {
    let Err(error) = read(written) else { panic!("not refused: {written}") };
    error.problems.iter().map(|problem| (problem.field.clone(), problem.to_string())).collect()
}

/// That this field is named, and nothing else.
pub fn assert_refused(written: &Value, field: &str, allowed: &str) {
    let found = problems(written);
    let right = found.iter().all(|(named, told)| named == field && told.contains(allowed));
    assert!(right, "not ({field}: {allowed}) alone: {found:#?}");
}
