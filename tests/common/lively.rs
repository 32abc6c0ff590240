//! Random small worlds in which agents act, tokens unlock and frictions bite, as JSON: what a world refuses is drawn again.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::random_scenario::Dice;

/// Two digits are enough for anything here.
fn number(x: f64) -> Value {
    json!(format!("{x:.2}"))
}

fn whole(x: f64) -> Value {
    json!(format!("{:.0}", x.max(1.0)))
}

/// Of a grid of two.
fn even(x: f64) -> Value {
    whole(2.0 * (x / 2.0).round().max(1.0))
}

/// A quantity, or a heavy-tailed law of it.
fn quantity(dice: &mut Dice, typical: f64) -> Value {
    if dice.chance(0.5) {
        return whole(2.0 * (typical / 2.0).round().max(1.0));
    }
    json!({"dist": "pareto", "low": whole(typical / 3.0), "alpha": "1.5", "high": whole(typical * 30.0)})
}

/// A world of some steps with a handful of agents.
pub fn lively(dice: &mut Dice) -> Value {
    let steps = 3 + dice.next() % 40;
    let depth = dice.scale(500.0, 20_000.0);
    let float = dice.scale(20_000.0, 500_000.0).round();
    let agents: Vec<Value> = (0..1 + dice.next() % 9).map(|n| agent(dice, n, steps, depth, float)).collect();
    let mut scenario = json!({
        "schema_version": 1,
        "start_price": "10",
        "total_supply": whole(2.0 * float),
        "circulating": whole(float),
        "time": {"step_s": "1", "horizon_s": whole(steps as f64)},
        "spot": {"tick_size": "0.01", "lot_size": "1"},
        "perp": {"tick_size": "0.01", "lot_size": if dice.chance(0.2) { "2" } else { "1" }},
        "venue": venue(dice),
        "market_maker": maker(dice, depth),
        "positions": positions(dice, depth),
        "agents": agents,
        "unlocks": [],
    });
    if dice.chance(0.6) {
        scenario["spot"]["asks"] = json!({"kind": "linear", "depth": whole(depth)});
        scenario["spot"]["bids"] = json!({"kind": "linear", "depth": whole(depth)});
    }
    if dice.chance(0.6) || scenario["spot"].get("asks").is_none() {
        let side = if scenario["spot"].get("asks").is_none() { "both" } else { "bids" };
        scenario["spot"]["quote"] = quote(dice, side, depth);
    }
    for market in ["spot", "perp"] {
        if dice.chance(0.5) {
            scenario[market]["taker_fee"] = json!("0.0005");
            scenario[market]["maker_fee"] = json!(dice.pick(&["0.0002", "-0.0001", "0"]));
        }
    }
    if dice.chance(0.6) {
        let at = dice.between(0.0, steps as f64 - 1.0);
        scenario["ignition"] = json!({"qty": even(depth * dice.scale(0.1, 3.0)), "at_s": number(at),
            "side": dice.pick(&["buy", "buy", "sell"]), "market": dice.pick(&["spot", "spot", "perp"])});
    }
    if dice.chance(0.4) {
        let at = dice.between(0.0, steps as f64 - 1.0);
        let mut unlock = json!({"at_s": number(at), "qty": whole(float * dice.between(0.01, 0.4))});
        let holders = scenario["agents"].as_array().unwrap().iter().find(|agent| agent["kind"] == "holders");
        if let Some(holder) = holders.filter(|_| dice.chance(0.5)) {
            unlock["holder"] = holder["name"].clone();
        }
        scenario["unlocks"] = json!([unlock]);
    }
    scenario
}

fn quote(dice: &mut Dice, side: &str, depth: f64) -> Value {
    let levels: u64 = format!("{:.0}", dice.scale(5.0, 300.0)).parse().unwrap();
    let mut quote = json!({"side": side, "levels": levels, "half_spread": "0.01",
        "level_qty": even(depth / 100.0)});
    if dice.chance(0.3) {
        quote["recovery_half_life_s"] = number(dice.scale(0.5, 60.0));
    }
    if dice.chance(0.4) {
        quote["around"] = json!(dice.pick(&["last", "spot_mid", "mid"]));
    }
    quote
}

fn maker(dice: &mut Dice, depth: f64) -> Value {
    let deep = depth * dice.scale(0.5, 10.0);
    let mut maker = json!({"capital": whole(depth * dice.scale(2.0, 500.0)),
        "hedge_ratio": number(dice.between(0.0, 1.2)), "quote": quote(dice, "both", deep)});
    for (field, p, low, high) in
        [("hedge_latency_s", 0.3, 0.5, 6.0), ("widen", 0.3, 0.1, 3.0), ("skew", 0.3, 0.000_01, 0.01)]
    {
        if dice.chance(p) {
            maker[field] = json!(format!("{:.6}", dice.scale(low, high)));
        }
    }
    if dice.chance(0.3) {
        maker["inventory_limit"] = even(depth * dice.scale(0.1, 4.0));
    }
    if dice.chance(0.3) {
        maker["hedge_band"] = even(depth * dice.scale(0.01, 0.5));
    }
    if dice.chance(0.3) {
        maker["withdraw_move"] = number(dice.scale(0.01, 0.2));
        maker["withdraw_s"] = whole(dice.scale(1.0, 8.0));
    }
    maker
}

fn venue(dice: &mut Dice) -> Value {
    let mut venue = json!({
        "tiers": [{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "50"},
                  {"min_notional": "50000", "maintenance_rate": "0.03", "max_leverage": "15"}],
        "insurance_fund": whole(dice.scale(1.0, 1e6)),
        "mark": dice.pick(&["index", "index", "last", "mid", "mean_of_mids", "ema_basis"]),
        "liquidation_order": dice.pick(&["market", "market", "limit_at_bankruptcy"]),
        "unwind": dice.pick(&["hold", "at_once"]),
    });
    if dice.chance(0.4) {
        venue["liquidation_size"] = json!({"kind": "share", "share": "0.4", "whole_below": "2000"});
        venue["rest"] = json!(dice.pick(&["keep", "takeover"]));
        venue["leftover"] = json!(dice.pick(&["trader", "fund"]));
    }
    if dice.chance(0.4) {
        venue["adl"] =
            json!({"trigger": dice.pick(&["fund_exhausted", "always"]), "rank": "profit_leverage"});
    }
    if dice.chance(0.2) {
        venue["loss_sharing"] = json!("profits");
    }
    if dice.chance(0.6) {
        venue["funding"] = json!({"interval_h": dice.pick(&["0.001", "0.002", "0.005"]), "next_in_s": "2"});
    }
    if dice.chance(0.3) {
        venue["price_band"] = number(dice.scale(0.01, 0.5));
    }
    if dice.chance(0.25) {
        venue["halt"] = json!({"move": number(dice.scale(0.02, 0.3)), "window_s": whole(dice.scale(1.0, 10.0)),
            "pause_s": whole(dice.scale(1.0, 6.0))});
    }
    if dice.chance(0.25) {
        venue["stress_margin"] = json!({"move": number(dice.scale(0.02, 0.3)), "window_s": whole(dice.scale(1.0, 10.0)),
            "factor": number(dice.between(1.0, 3.0))});
    }
    if dice.chance(0.8) {
        venue["spot_margin"] = number(dice.between(0.1, 1.0));
    }
    venue
}

fn positions(dice: &mut Dice, depth: f64) -> Value {
    let ladders = (0..dice.next() % 3).map(|n| {
        let (side, low, high) = if n == 0 { ("short", "10.30", "13.00") } else { ("long", "7.00", "9.70") };
        let lump = 2.0 * (depth / 100.0).round().max(1.0);
        let qty = lump * (1.0 + dice.between(0.0, 30.0).round());
        json!({"kind": "ladder", "side": side, "liquidation_price": [low, high], "lump": whole(lump),
            "qty": whole(qty), "placement": dice.pick(&["even", "poisson"])})
    });
    Value::Array(ladders.collect())
}

/// Kinds that come twice are twice as frequent.
const KINDS: [&str; 13] = [
    "noise",
    "noise",
    "momentum",
    "holders",
    "spot_market_maker",
    "funding_arbitrageur",
    "funding_arbitrageur",
    "short_crowd",
    "short_crowd",
    "liquidation_hunter",
    "whale",
    "whale",
    "stock_arbitrageur",
];

fn agent(dice: &mut Dice, number_of: u64, steps: u64, depth: f64, float: f64) -> Value {
    let kind = dice.pick(&KINDS);
    let mut name = String::new();
    let _ = write!(name, "{kind} {number_of}");
    let order = even(depth * dice.scale(0.01, 0.5));
    let most = even(depth * dice.scale(0.1, 3.0));
    let tokens = whole(float * dice.between(0.01, 0.09));
    let mut agent = match kind {
        "noise" => {
            let market = dice.pick(&["spot", "perp"]);
            let mut agent = json!({"market": market, "rate_per_s": number(dice.scale(0.2, 20.0)),
                "qty": quantity(dice, depth / 50.0), "limit_rate_per_s": number(dice.scale(0.2, 20.0)),
                "limit_gap": number(dice.scale(0.01, 0.3)), "lifetime_s": whole(dice.scale(1.0, 10.0))});
            if market == "spot" {
                agent["tokens"] = tokens;
            }
            agent
        }
        "momentum" => {
            json!({"market": dice.pick(&["perp", "perp", "spot"]), "window_s": whole(dice.scale(1.0, 8.0)),
            "threshold": number(dice.scale(0.01, 0.05)), "order_qty": order, "max_qty": most,
            "long_only": dice.chance(0.5)})
        }
        "holders" => json!({"tokens": tokens, "threshold": number(dice.between(0.0, 0.1)),
            "elasticity": number(dice.between(0.2, 5.0)), "order_qty": order}),
        "spot_market_maker" => json!({"tokens": tokens, "half_spread": number(dice.scale(0.01, 0.2)),
            "levels": 1 + dice.next() % 10, "level_gap": number(dice.scale(0.01, 0.1)),
            "level_qty": whole(depth * dice.scale(0.01, 0.2)), "skew": "0.0001",
            "inventory_limit": whole(float * 0.05)}),
        "funding_arbitrageur" => json!({"enter_rate": "0.00000001", "exit_rate": "-0.00002",
            "min_basis": if dice.chance(0.9) { json!("-0.5") } else { json!("0") },
            "order_qty": order, "max_qty": most, "lock_s": whole(dice.scale(1.0, 5.0))}),
        "short_crowd" => json!({"side": dice.pick(&["short", "short", "long"]),
            "rate_per_s": number(dice.scale(0.2, 10.0)), "base": number(dice.between(0.0, 1.0)),
            "slope": number(dice.between(0.0, 5.0)), "qty": quantity(dice, depth / 60.0),
            "leverage": if dice.chance(0.5) { json!("20") } else {
                json!({"dist": "uniform", "low": "2", "high": "50"}) }}),
        "liquidation_hunter" => json!({"market": dice.pick(&["perp", "perp", "spot"]),
            "reach": number(dice.scale(0.02, 0.3)), "min_notional": whole(depth * dice.scale(0.01, 1.0)),
            "order_qty": order, "max_qty": most}),
        "whale" => whale(dice, steps, depth),
        _ => json!({"kappa": whole(dice.scale(10.0, 5_000.0)), "tokens": tokens}),
    };
    agent["kind"] = json!(kind);
    agent["name"] = json!(name);
    if kind == "short_crowd" && dice.chance(0.6) {
        agent["hold_s"] = if dice.chance(0.5) {
            number(dice.scale(0.2, 20.0))
        } else {
            json!({"dist": "log_normal", "median": number(dice.scale(1.0, 10.0)), "sigma": "1"})
        };
    }
    let may_owe = !["holders", "spot_market_maker", "short_crowd"].contains(&kind);
    if may_owe && (kind == "funding_arbitrageur" || dice.chance(0.6)) {
        agent["capital"] = whole(depth * dice.scale(0.02, 5.0));
        // Arbitrageurs go to the edge, so that their tokens are sold for what their shorts lose.
        let least = if kind == "funding_arbitrageur" { 25.0 } else { 1.0 };
        agent["leverage"] = number(dice.between(least, 50.0));
    }
    agent
}

fn whale(dice: &mut Dice, steps: u64, depth: f64) -> Value {
    let leg = |dice: &mut Dice| {
        json!({"qty": even(depth * dice.scale(0.05, 1.5)), "at_s": number(dice.between(0.0, steps as f64 - 1.0)),
            "over_s": whole(dice.scale(1.0, 10.0))})
    };
    let mut whale = json!({"accumulate": leg(dice), "longs": leg(dice), "ignite": leg(dice)});
    if dice.chance(0.6) {
        let drawdown = number(dice.between(0.01, 0.2));
        whale["exit"] = json!({"over_s": whole(dice.scale(1.0, 10.0)), "drawdown": drawdown});
    }
    whale
}
