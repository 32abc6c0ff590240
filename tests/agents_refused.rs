//! What agents and unlocks cannot be, by the field that is named.

#[path = "common/everybody.rs"]
mod everybody;

use everybody::{assert_refused, everybody, problems, scenario, whale, world};
use perpcore::units::Lots;
use serde_json::{Value, json};

/// Index of an agent, the field, what it gets, and what the refusal says.
const REFUSED: &[(usize, &str, &str, &str)] = &[
    (0, "name", r#""""#, "not empty"),
    (0, "name", r#"" ""#, "not empty"),
    (1, "name", r#""noise""#, "nobody else has"),
    (0, "name", r#""market_maker""#, "nobody else has"),
    (0, "from_s", r#""-1""#, "from 0"),
    (0, "from_s", r#""100""#, "before the last step"),
    (0, "until_s", r#""1.9""#, "a step or more after from_s"),
    (0, "until_s", r#""102""#, "up to time.horizon_s"),
    (9, "until_s", r#""7.5""#, "a step or more after from_s"),
    (1, "capital", r#""-1""#, "from 0"),
    (1, "capital", r#""0.0000001""#, "a multiple of quote_step"),
    (1, "leverage", r#""0.5""#, "from 1"),
    (1, "leverage", r#""20.5""#, "first tier, 20"),
    (6, "leverage", r#""2""#, "1 without a capital"),
    (0, "tokens", r#""0.25""#, "a multiple of lot_size 0.5"),
    (0, "tokens", r#""-1""#, "from 0"),
    (2, "tokens", r#""3850.5""#, "at most what is left of circulating, 3850"),
    (0, "rate_per_s", r#""-0.1""#, "0 or more"),
    (0, "rate_per_s", r#""50.1""#, "at most 100 in a step of 2 s"),
    (0, "limit_rate_per_s", r#""50.1""#, "at most 100 in a step of 2 s"),
    (0, "qty", r#""0""#, "from 0.5"),
    (0, "qty", r#""0.7""#, "a multiple of lot_size 0.5"),
    (0, "limit_gap", r#""0""#, "from 0.01"),
    (0, "limit_gap", r#""0.015""#, "a multiple of tick_size"),
    (0, "lifetime_s", r#""-1""#, "from 0"),
    (0, "decay_s", r#""60""#, "none without a branching"),
    (1, "window_s", r#""101""#, "to time.horizon_s"),
    (1, "window_s", r#""-1""#, "from 0"),
    (1, "threshold", r#""-0.1""#, "from 0"),
    (1, "order_qty", r#""1""#, "a multiple of lot_size 2"),
    (1, "max_qty", r#""0""#, "from 2"),
    (2, "threshold", r#""-1""#, "from 0"),
    (2, "elasticity", r#""1001""#, "to 1000"),
    (2, "order_qty", r#""0""#, "from 0.5"),
    (3, "half_spread", r#""0""#, "from 0.01"),
    (3, "levels", "0", "from 1 to 10000"),
    (3, "level_gap", r#""0""#, "from 0.01"),
    (3, "level_qty", r#""0.1""#, "a multiple of lot_size 0.5"),
    (3, "skew", r#""-0.1""#, "0 or more"),
    (3, "skew", r#""100000000000000000000000000""#, "below 2^64"),
    (3, "inventory_limit", r#""0""#, "from 0.5"),
    (4, "enter_rate", r#""1.1""#, "from -1 to 1"),
    (4, "exit_rate", r#""0.0002""#, "below enter_rate, 0.0002"),
    (4, "lock_s", r#""-1""#, "from 0"),
    (5, "base", r#""1.1""#, "from 0 to 1"),
    (5, "slope", r#""1001""#, "to 1000"),
    (5, "rate_per_s", r#""79228162514264337593543950335""#, "at most 100 in a step of 2 s"),
    (5, "qty", r#""3""#, "a multiple of lot_size 2"),
    (5, "qty", r#"{"dist": "uniform", "low": "-1", "high": "1"}"#, "more than 0"),
    (5, "leverage", r#""0.9""#, "from 1"),
    (5, "leverage", r#""21""#, "first tier, 20"),
    (5, "leverage", r#"{"dist": "uniform", "low": "0.5", "high": "3"}"#, "from 1"),
    (5, "max_accounts", "-1", "from 0 to 1000000"),
    (5, "hold_s", r#""0""#, "more than 0"),
    (5, "hold_s", r#""1000000001""#, "to 1000000000 seconds"),
    (5, "hold_s", r#"{"dist": "uniform", "low": "-1", "high": "1"}"#, "more than 0"),
    (5, "hold_s", r#"{"dist": "uniform", "low": "1", "high": "3000000000"}"#, "at most 1000000000"),
    (6, "reach", r#""0""#, "more than 0"),
    (6, "reach", r#""1.5""#, "at most 1"),
    (6, "min_notional", r#""0""#, "more than 0"),
    (4, "min_basis", r#""-1.5""#, "from -1"),
    (7, "ignite.qty", r#""0""#, "from 0.5"),
    (7, "longs.qty", r#""1""#, "a multiple of lot_size 2"),
    (7, "ignite.at_s", r#""100""#, "before the last step"),
    (7, "ignite.over_s", r#""81""#, "within time.horizon_s with at_s"),
    (7, "ignite.over_s", r#""-1""#, "from 0"),
    (7, "exit.drawdown", r#""0""#, "more than 0, below 1"),
    (7, "exit.drawdown", r#""1""#, "more than 0, below 1"),
    (7, "exit.at_s", r#""4""#, "when the last leg begins"),
    (7, "exit.at_s", r#""100""#, "before the last step"),
    (7, "exit.over_s", r#""-1""#, "from 0"),
    (7, "exit", "{}", "at_s, drawdown or both"),
    (8, "kappa", r#""-1""#, "0 or more"),
    (8, "kappa", r#""79228162514264337593543950335""#, "below 2^64"),
];

/// Puts a value at a dotted path.
fn put(value: &mut Value, path: &str, new: &str) {
    let at = path.split('.').fold(value, |value, name| &mut value[name]);
    *at = serde_json::from_str(new).unwrap();
}

#[test]
fn what_cannot_be_is_refused_by_its_field() {
    for (agent, field, value, allowed) in REFUSED {
        let mut written = scenario(everybody());
        put(&mut written["agents"][agent], field, value);
        assert_refused(&written, &format!("agents[{agent}].{field}"), allowed);
    }
}

#[test]
fn orders_are_called_forth_below_one_each_and_within_a_time() {
    let with = |branching: &str, decay: Value| {
        let mut written = scenario(everybody());
        written["agents"][0]["branching"] = json!(branching);
        written["agents"][0]["decay_s"] = decay;
        written
    };
    for branching in ["1", "0.990000001", "-0.1"] {
        let (field, told) = problems(&with(branching, json!("60"))).remove(0);
        assert_eq!(field, "agents[0].branching");
        assert!(told.contains("from 0 to 0.99"), "{told}");
    }
    for decay in [Value::Null, json!("0"), json!("-1"), json!("1000000000.1")] {
        assert_refused(&with("0.5", decay), "agents[0].decay_s", "more than 0 seconds, with a branching");
    }
    for decay in ["60", "0"] {
        assert_refused(&with("0", json!(decay)), "agents[0].decay_s", "none without a branching");
    }
    world(&with("0.99", json!("60")));
    world(&with("0", Value::Null));
}

#[test]
fn what_a_kind_does_not_use_is_refused() {
    for (agent, fields) in [
        (1, "tokens"),
        (2, "capital leverage"),
        (3, "capital leverage market"),
        (4, "tokens market"),
        (5, "capital tokens market"),
        (6, "tokens"),
        (7, "tokens market"),
        (8, "market qty"),
        (9, "market"),
    ] {
        for field in fields.split(' ') {
            let mut written = scenario(everybody());
            written["agents"][agent][field] = json!("1");
            let told = format!("unknown field `{field}`");
            assert_refused(&written, &format!("agents[{agent}]"), &told);
        }
    }
    let mut written = scenario(everybody());
    written["agents"][0]["kind"] = json!("oracle");
    assert_refused(&written, "agents[0].kind", "unknown variant `oracle`");
}

#[test]
fn legs_lie_where_their_whale_acts() {
    let mut written = scenario(json!([whale()]));
    written["agents"][0]["from_s"] = json!("6");
    let fields: Vec<String> = problems(&written).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["agents[0].accumulate.at_s", "agents[0].longs.at_s"]);
    let mut written = scenario(json!([whale()]));
    written["agents"][0]["until_s"] = json!("30");
    assert_refused(&written, "agents[0].exit.at_s", "before until_s");
    let mut written = scenario(json!([whale()]));
    written["agents"][0].as_object_mut().unwrap().remove("ignite");
    assert_refused(&written, "agents[0].exit.drawdown", "none without ignite");
    let written = scenario(json!([{"kind": "whale", "name": "w", "exit": {"at_s": "10"}}]));
    assert_refused(&written, "agents[0].exit", "none without accumulate, longs or ignite");
}

#[test]
fn agents_need_the_rest_of_the_scenario_to_fit() {
    let change = |pointer: &str, value: Value| {
        let mut written = scenario(everybody());
        put(&mut written, pointer, &value.to_string());
        written
    };
    let quiet = json!({"step_s": "2", "horizon_s": "100", "until": "quiet"});
    for time in [Value::Null, quiet] {
        let mut written = change("time", time);
        written["ignition"] = json!({"qty": "10"});
        assert_refused(&written, "agents", "none without a time whose until is horizon");
    }
    let mut written = scenario(json!([{"kind": "external", "name": "bot"}]));
    written["perp"]["lot_size"] = json!("1.25");
    assert_refused(&written, "perp.lot_size", "a whole multiple of spot.lot_size");
    let mut written = scenario(json!([{"kind": "external", "name": "bot"}]));
    written["venue"]["contract"] = json!("inverse");
    assert_refused(&written, "venue.contract", "linear where there are agents");
    assert_refused(&change("venue.funding", Value::Null), "agents[4].kind", "only with venue.funding");
    let isolated = change("venue.margin_modes", json!(["isolated"]));
    let fields: Vec<String> = problems(&isolated).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["agents[1].capital", "agents[4].capital", "agents[7].capital"]);
    assert_refused(
        &change("venue.margin_modes", json!(["cross"])),
        "agents[5].kind",
        "none without isolated",
    );
    for other in [json!({"qty": "10", "market": "perp"}), json!({"qty": "10", "side": "sell"})] {
        let mut written = change("ignition", other);
        written["spot"]["bids"] = json!({"kind": "linear", "depth": "2000"});
        assert_refused(&written, "agents[7].ignite", "both count as one push");
    }
    world(&change("ignition", json!({"qty": "10"})));
    let many = (0..1001).map(|i| json!({"kind": "external", "name": i.to_string()})).collect();
    assert_refused(&scenario(many), "agents", "at most 1000");
}

#[test]
fn tokens_are_part_of_the_float_and_unlocks_of_the_supply() {
    let mut written = scenario(everybody());
    // 4,000 less 100, 1,171 and what the attacker sells.
    written["spot"]["bids"] = json!({"kind": "linear", "depth": "2000"});
    written["agents"].as_array_mut().unwrap().remove(7);
    written["ignition"] = json!({"qty": "2729", "side": "sell"});
    assert_eq!(world(&written).free_float(), Lots(0));
    written["ignition"]["qty"] = json!("2730");
    assert_refused(&written, "agents[8].tokens", "at most what is left of circulating, 0");
    let unlocks = |unlocks: Value| {
        let mut written = scenario(everybody());
        written["unlocks"] = unlocks;
        written
    };
    let over = unlocks(json!([{"at_s": "90", "qty": "5000"}, {"at_s": "1", "qty": "1000.5"}]));
    assert_refused(&over, "unlocks[1].qty", "total_supply less circulating, 1000");
    for (field, value, allowed) in [
        ("qty", json!("0"), "from 0.5"),
        ("qty", json!("0.3"), "a multiple of lot_size"),
        ("at_s", json!("100"), "before the last step"),
        ("holder", json!("nobody"), "of kind holders"),
        ("holder", json!("noise"), "of kind holders"),
    ] {
        let mut unlock = json!({"at_s": "1", "qty": "1"});
        unlock[field] = value;
        assert_refused(&unlocks(json!([unlock])), &format!("unlocks[0].{field}"), allowed);
    }
    let mut timeless = scenario(json!([]));
    timeless["time"] = Value::Null;
    timeless["ignition"] = json!({"qty": "10"});
    timeless["unlocks"] = json!([{"at_s": "0", "qty": "1"}]);
    assert_refused(&timeless, "unlocks", "none without a time whose until is horizon");
}

#[test]
fn words_are_not_drawn_and_ends_are_checked() {
    let uniform = json!({"dist": "uniform", "low": "0.5", "high": "100"});
    for (agent, field) in [(0, "name"), (0, "market"), (1, "long_only"), (5, "side")] {
        let mut written = scenario(everybody());
        written["agents"][agent][field] = uniform.clone();
        assert_refused(&written, &format!("agents[{agent}].{field}"), "a number");
    }
    let mut written = scenario(everybody());
    written["agents"][7]["ignite"]["at_s"] = uniform;
    let field = "agents[7].ignite.at_s";
    let found = problems(&written);
    let named = found.iter().any(|(at, told)| at == field && told.contains("a distribution from 0.5 to 100"));
    assert!(named, "{found:?}");
}
