//! The episode that other simulators are measured on, as `perpcore.presets.two_books` has it.

use perpcore::world::Template;

/// With so many accounts on average. The books are the same for any number: from some thousands on they run empty.
pub fn two_books(accounts: u32) -> Template {
    let sizes: Vec<String> = (1..=20).map(|lots| lots.to_string()).collect();
    let lots = format!(r#"{{"dist": "choice", "values": [{}]}}"#, sizes.join(", "));
    let orders = format!(
        r#"{{"kind": "orders", "levels": 100, "level_gap": "0.05", "orders": 5, "order_qty": {lots}}}"#
    );
    let quote = |jitter: &str| {
        format!(
            r#""quote": {{"side": "asks", "around": "spot_mid", "half_spread": "0.1", "levels": 10,
            "level_gap": "0.1", "jitter": "{jitter}", "level_qty": {lots}}}"#
        )
    };
    let market = format!(r#""tick_size": "0.01", "lot_size": "1", "asks": {orders}, "bids": {orders}"#);
    let json = format!(
        r#"{{"schema_version": 1, "start_price": "100", "total_supply": "10000000", "circulating": "1000000",
        "spot": {{{market}, {spot}}}, "perp": {{{market}}},
        "venue": {{"mark": "mean_of_mids", "insurance_fund": "1000000",
            "tiers": [{{"min_notional": "0", "maintenance_rate": "0.005", "max_leverage": "100"}}]}},
        "market_maker": {{"capital": "100000000", "hedge_ratio": "0.8", {perp}}},
        "positions": [{{"kind": "distribution", "side": "short", "accounts": "{accounts}",
            "leverage": {{"dist": "uniform", "low": "5", "high": "60"}},
            "notional": {{"dist": "uniform", "low": "500", "high": "4100"}}}}],
        "ignition": {{"side": "buy", "market": "perp", "qty": "4000"}}}}"#,
        spot = quote("0.2"),
        perp = quote("0.4"),
    );
    Template::read(&json).unwrap_or_else(|error| panic!("{error}"))
}
