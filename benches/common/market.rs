//! A market with all kinds of agents at work: some fifty orders a step, and now and then somebody is liquidated.

use perpcore::world::Template;
use serde_json::{Value, json};

/// So many steps of 100 ms.
pub fn market(steps: u64) -> Template {
    let scenario = json!({
        "schema_version": 1, "start_price": "10", "total_supply": "10000000", "circulating": "1000000",
        "time": {"step_s": "0.1", "horizon_s": (steps / 10).to_string()},
        "spot": {"tick_size": "0.001", "lot_size": "1",
            "quote": {"side": "both", "around": "spot_mid", "half_spread": "0.01", "levels": 200, "level_gap": "0.005",
                "level_qty": "100", "recovery_half_life_s": "5"}},
        "perp": {"tick_size": "0.001", "lot_size": "1"},
        "venue": {"tiers": [{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "50"}],
            "mark": "ema_basis", "insurance_fund": "100000", "funding": {"interval_h": "0.01"}},
        "market_maker": {"capital": "5000000", "hedge_ratio": "0.5", "hedge_latency_s": "1", "skew": "0.0000001",
            "widen": "0.5", "withdraw_move": "0.2", "withdraw_s": "5",
            "quote": {"side": "both", "around": "spot_mid", "half_spread": "0.005", "levels": 200, "level_gap": "0.002",
                "level_qty": "500", "recovery_half_life_s": "5"}},
        "positions": [],
        "agents": agents(),
        "unlocks": [{"at_s": "10", "qty": "50000"}],
    });
    Template::read(&scenario.to_string()).expect("the scenario above")
}

fn agents() -> Value {
    let sizes = |low: &str| json!({"dist": "pareto", "low": low, "alpha": "1.5", "high": "2000"});
    let noise = |name: &str, market: &str, tokens: &str| {
        let mut noise = json!({"kind": "noise", "name": name, "market": market, "rate_per_s": "50", "qty": sizes("5"),
            "limit_rate_per_s": "200", "limit_gap": "0.05", "lifetime_s": "2"});
        if market == "spot" {
            noise["tokens"] = json!(tokens);
        }
        noise
    };
    json!([
        noise("spot noise", "spot", "200000"),
        noise("perp noise", "perp", "0"),
        {"kind": "spot_market_maker", "name": "spot maker", "tokens": "50000", "half_spread": "0.004", "levels": 5,
            "level_gap": "0.002", "level_qty": "200", "skew": "0.0000005", "inventory_limit": "40000"},
        {"kind": "momentum", "name": "momentum", "window_s": "30", "threshold": "0.01", "order_qty": "50",
            "max_qty": "20000", "capital": "300000", "leverage": "5"},
        {"kind": "holders", "name": "holders", "tokens": "200000", "elasticity": "0.5", "order_qty": "100"},
        {"kind": "funding_arbitrageur", "name": "carry", "capital": "500000", "leverage": "3", "enter_rate": "0.00001",
            "exit_rate": "0", "order_qty": "100", "max_qty": "50000"},
        {"kind": "short_crowd", "name": "crowd", "rate_per_s": "2", "base": "0.5", "slope": "1", "qty": sizes("20"),
            "leverage": {"dist": "uniform", "low": "5", "high": "50"}, "max_accounts": 5000},
        {"kind": "liquidation_hunter", "name": "hunter", "reach": "0.01", "min_notional": "20000", "order_qty": "100",
            "max_qty": "10000", "capital": "300000", "leverage": "5"},
        {"kind": "whale", "name": "whale", "capital": "1000000", "leverage": "3",
            "accumulate": {"qty": "20000", "at_s": "5", "over_s": "50"}, "longs": {"qty": "20000", "at_s": "5", "over_s": "50"},
            "ignite": {"qty": "20000", "at_s": "60", "over_s": "5"}, "exit": {"over_s": "30", "drawdown": "0.03", "at_s": "90"}},
        {"kind": "stock_arbitrageur", "name": "arbitrageur", "kappa": "2000", "tokens": "50000"},
    ])
}
