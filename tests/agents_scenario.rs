//! Agents and unlocks as a scenario names them: what is read, and in which units.

#[path = "common/everybody.rs"]
mod everybody;

use everybody::{assert_refused, everybody, scenario, world};
use perpcore::event::Market;
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Quote, Rate, Side, Ticks};
use perpcore::world::agents::{
    Agent, Arrivals, Exit, Leg, Leverages, Plan, Skew, Unlock, desk_account, venue_account,
};
use perpcore::world::{Sizes, Template};
use serde_json::{Value, json};

fn agent(spec: Value) -> Agent {
    world(&scenario(json!([spec]))).agents[0].clone()
}

/// That a Poisson count has this mean: of the words up to `2^64 e^-m` come none.
fn assert_mean(arrivals: &Arrivals, mean: f64) {
    let none = (-mean).exp() * 2f64.powi(64);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let words = [(none * 0.999_999) as u64, (none * 1.000_001) as u64];
    assert_eq!(words.map(|word| arrivals.count(word)), [0, 1], "a mean of {mean}");
}

#[test]
fn each_kind_is_read_in_its_units() {
    let world = world(&scenario(everybody()));
    let plan = |i: usize| &world.agents[i].plan;
    let Plan::Noise(noise) = plan(0) else { panic!() };
    assert_eq!((noise.market, noise.gap, noise.lifetime), (Market::Spot, Ticks(20), 3));
    assert!(matches!(*noise.qty, Sizes::Fixed(Lots(3))));
    assert_mean(&noise.arrivals, 0.6);
    assert_mean(&noise.limits, 0.5);
    let Plan::Momentum(momentum) = plan(1) else { panic!() };
    assert_eq!((momentum.market, momentum.window, momentum.long_only), (Market::Perp, 4, true));
    assert_eq!(momentum.threshold, Rate(12_345_679), "half away from zero");
    assert_eq!((momentum.order_qty, momentum.max_qty), (Lots(2), Lots(20)));
    let Plan::Holders(holders) = plan(2) else { panic!() };
    assert_eq!((holders.threshold, holders.elasticity), (Rate(100_000_000), Rate(400_000_000)));
    assert_eq!(holders.order_qty, Lots(6));
    let Plan::SpotMaker(maker) = plan(3) else { panic!() };
    assert_eq!((maker.half_spread, maker.levels, maker.level_gap), (Ticks(3), 4, Ticks(2)));
    assert_eq!((maker.level_qty, maker.inventory_limit), (Lots(5), Some(Lots(120))));
    // 0.002 a token: a lot of half a token is 0.001, a tenth of a tick.
    assert_eq!(maker.skew, Skew { n: 1, d: 10 });
    let Plan::FundingArbitrageur(carry) = plan(4) else { panic!() };
    assert_eq!((carry.enter, carry.exit, carry.lock), (Rate(200_000), Rate(-100_000), 2));
    assert_eq!((carry.order_qty, carry.max_qty, carry.min_basis), (Lots(1), Lots(10), Rate(2_000_000)));
    let Plan::Crowd(crowd) = plan(5) else { panic!() };
    assert_eq!((crowd.side, crowd.max_accounts), (Side::Sell, 7));
    assert_eq!((crowd.base, crowd.slope), (Rate(500_000_000), Rate(2_000_000_000)));
    assert!(matches!(*crowd.leverage, Leverages::Fixed(Rate(10_000_000_000))));
    assert_mean(&crowd.arrivals, 2.0);
    let Plan::Hunter(hunter) = plan(6) else { panic!() };
    assert_eq!((hunter.market, hunter.reach), (Market::Perp, Rate(50_000_000)));
    assert_eq!(hunter.min_notional, Quote(50_000_000));
    let Plan::Whale(whale) = plan(7) else { panic!() };
    let leg = |qty, from, steps| Some(Leg { qty: Lots(qty), from, steps });
    let legs = (whale.accumulate, whale.longs, whale.ignite);
    assert_eq!(legs, (leg(20, 3, 5), leg(5, 3, 1), leg(20, 11, 1)));
    assert_eq!(whale.exit, Some(Exit { steps: 15, at: Some(31), drawdown: Some(Rate(100_000_000)) }));
    let Plan::StockArbitrageur(stock) = plan(8) else { panic!() };
    // 3 tokens a unit of price: 0.15 a tick of the perpetual, a lot being 2.
    assert_eq!(stock.kappa, (3, 40));
    assert!(matches!(plan(9), Plan::External));
    assert_eq!(world.look_back(), 4);
}

#[test]
fn what_all_have_is_read() {
    let world = world(&scenario(everybody()));
    let terms = |agent: &Agent| (agent.from, agent.until, agent.capital, agent.leverage, agent.tokens);
    let one = Rate(Rate::ONE);
    assert_eq!(terms(&world.agents[0]), (1, u64::MAX, None, one, Lots(100)));
    assert_eq!(
        terms(&world.agents[1]),
        (1, u64::MAX, Some(Quote(100_000_000)), Rate(2_500_000_000), Lots(0))
    );
    // 7 s lie in the fourth step, 99 s in the fiftieth, the first it does not act in.
    assert_eq!(terms(&world.agents[9]), (4, 50, None, one, Lots(2)));
    assert_eq!(world.agents[9].name, "bot");
    let to_the_end = agent(json!({"kind": "external", "name": "bot", "until_s": "100"}));
    assert_eq!(to_the_end.until, 51);
}

#[test]
fn agents_have_accounts_before_all_others_and_tokens_of_the_float() {
    let mut written = scenario(everybody());
    written["positions"] =
        json!([{"kind": "ladder", "side": "short", "qty": "4", "lump": "2", "liquidation_price": "11"}]);
    let world = world(&written);
    assert_eq!(
        (venue_account(0), desk_account(9), world.named),
        (AccountId(8), AccountId(27), AccountId(28))
    );
    assert_eq!(world.fixed.sorted[0][0].account, AccountId(28));
    assert!(world.is_agent(AccountId(27)) && !world.is_agent(AccountId(28)));
    assert_eq!(world.agent_of(AccountId(26)), Some(9));
    // 4,000 tokens, 100 the market maker's, 1,171 of agents: half-token lots.
    assert_eq!(world.free_float(), Lots(2 * (4_000 - 100 - 1_171)));
}

#[test]
fn laws_are_tables_and_numbers_are_not() {
    let mut crowd = everybody()[5].clone();
    crowd["leverage"] = json!({"dist": "uniform", "low": "1", "high": "5"});
    let Plan::Crowd(plan) = agent(crowd).plan else { panic!() };
    let (lots, leverages): (Vec<_>, Vec<_>) =
        (0..4096_u16).map(|i| (plan.qty.draw(i << 4), plan.leverage.draw(u64::from(i) << 52).0)).unzip();
    // From 2 to 22 tokens in lots of 2; the middle of each of 4,096 slices of 1 to 5.
    assert_eq!((lots[0], lots[2047], lots[4095]), (Lots(1), Lots(6), Lots(11)));
    assert_eq!((leverages[0], leverages[2047]), (1_000_488_281, 2_999_511_719));
    assert!(leverages.is_sorted());
    let Plan::Crowd(plan) =
        agent(json!({"kind": "short_crowd", "name": "c", "side": "long", "rate_per_s": "0", "qty": "2"}))
            .plan
    else {
        panic!()
    };
    assert_eq!((plan.side, plan.max_accounts, plan.base), (Side::Buy, 100_000, Rate(Rate::ONE)));
    assert!(matches!(*plan.leverage, Leverages::Fixed(Rate(Rate::ONE))));
}

#[test]
fn what_is_left_out_has_its_default() {
    let plan = |spec| agent(spec).plan;
    let spec = json!({"kind": "noise", "name": "n", "market": "perp", "rate_per_s": "1", "qty": "2"});
    let Plan::Noise(noise) = plan(spec) else { panic!() };
    assert_eq!((noise.gap, noise.lifetime, noise.limits.count(u64::MAX)), (Ticks(1), 0, 0));
    let spec = json!({"kind": "spot_market_maker", "name": "m", "half_spread": "0.01", "level_qty": "1"});
    let Plan::SpotMaker(maker) = plan(spec) else { panic!() };
    assert_eq!((maker.levels, maker.level_gap, maker.inventory_limit), (1, Ticks(1), None));
    assert_eq!(maker.skew, Skew::default());
    let spec = json!({"kind": "momentum", "name": "m", "window_s": "0", "threshold": "0.1", "order_qty": "2", "max_qty": "2"});
    let Plan::Momentum(momentum) = plan(spec) else { panic!() };
    assert_eq!((momentum.window, momentum.market), (1, Market::Perp));
    let Plan::Whale(whale) = plan(json!({"kind": "whale", "name": "w"})) else { panic!() };
    assert_eq!((whale.accumulate, whale.longs, whale.ignite, whale.exit), (None, None, None, None));
}

#[test]
fn unlocks_come_in_the_order_of_their_steps() {
    let mut written = scenario(everybody());
    written["unlocks"] = json!([{"at_s": "50", "qty": "100"}, {"at_s": "3", "qty": "7", "holder": "holders"},
        {"at_s": "51", "qty": "1"}, {"at_s": "0", "qty": "2.5"}]);
    let unlock = |step, qty, holder| Unlock { step, qty: Lots(qty), holder };
    let expected = [unlock(1, 5, None), unlock(2, 14, Some(2)), unlock(26, 200, None), unlock(26, 2, None)];
    assert_eq!(*world(&written).unlocks, expected);
    let mut alone = scenario(json!([]));
    alone["unlocks"] = json!([{"at_s": "99.9", "qty": "6000"}]);
    assert_eq!(*world(&alone).unlocks, [unlock(50, 12_000, None)]);
}

#[test]
fn a_run_through_time_needs_no_ignition() {
    let world = world(&scenario(json!([])));
    let steps = world.steps.unwrap();
    assert_eq!((steps.count, steps.ignition, steps.sample), (50, 0, 1));
    assert_eq!((world.ignition, world.ignition_market), ((Side::Buy, Lots(0)), Market::Spot));
    for time in [Value::Null, json!({"step_s": "2", "horizon_s": "100", "until": "quiet"})] {
        let mut written = scenario(json!([]));
        written["time"] = time;
        assert_refused(&written, "ignition", "an ignition, or a time whose until is horizon");
    }
}

#[test]
fn samples_are_so_many_steps_apart() {
    for (horizon, sample_s, steps) in [
        ("1000", Value::Null, 1),
        ("1002", Value::Null, 2),
        ("20000", Value::Null, 20),
        ("1000", json!("1"), 1),
        ("1000", json!("2.1"), 2),
        ("1000", json!("1000"), 500),
    ] {
        let mut written = scenario(json!([]));
        written["time"] = json!({"step_s": "2", "horizon_s": horizon, "sample_s": sample_s});
        assert_eq!(world(&written).steps.unwrap().sample, steps, "{horizon} {sample_s}");
    }
    for sample_s in ["0", "-1", "101"] {
        let mut written = scenario(json!([]));
        written["time"]["sample_s"] = json!(sample_s);
        assert_refused(&written, "time.sample_s", "more than 0, at most time.horizon_s");
    }
}

#[test]
fn the_push_may_take_what_agents_and_quotes_post() {
    let push = |written: &mut Value, market: &str| {
        written["ignition"] = json!({"qty": "10", "market": market});
        written["spot"]["asks"] = Value::Null;
    };
    let mut written = scenario(json!([everybody()[3]]));
    push(&mut written, "spot");
    world(&written);
    push(&mut written, "perp");
    world(&written);
    let mut written = scenario(json!([everybody()[9]]));
    push(&mut written, "spot");
    assert_refused(&written, "spot.asks", "liquidity on the side the ignition takes");
}

#[test]
fn numbers_of_agents_are_drawn_per_path_in_their_units() {
    let uniform = |low: &str, high: &str| json!({"dist": "uniform", "low": low, "high": high});
    let mut written = scenario(everybody());
    for (field, low, high) in [
        ("agents.0.rate_per_s", "0.1", "0.9"),
        ("agents.0.limit_gap", "0.01", "0.4"),
        ("agents.1.order_qty", "2", "40"),
        ("agents.1.capital", "50", "500"),
        ("agents.2.tokens", "500", "1500"),
        ("agents.3.level_qty", "0.5", "9.5"),
        ("agents.7.ignite.qty", "0.5", "100"),
        ("agents.7.longs.qty", "2", "100"),
        ("agents.7.ignite.at_s", "10", "58"),
        ("unlocks.0.qty", "0.5", "100"),
    ] {
        let path = field.replace('.', "/");
        written["unlocks"] = if written["unlocks"].is_null() {
            json!([{"at_s": "5", "qty": "1"}])
        } else {
            written["unlocks"].clone()
        };
        *written.pointer_mut(&format!("/{path}")).unwrap() = uniform(low, high);
    }
    written["agents"][0]["qty"] = uniform("0.5", "3");
    written["agents"][3]["levels"] = uniform("1", "9");
    let template = Template::read(&written.to_string()).unwrap_or_else(|error| panic!("{error}"));
    let mut seen = [const { std::collections::BTreeSet::new() }; 9];
    for path in 0..20 {
        let world = template.world(3, path).unwrap();
        let plan = |i: usize| &world.agents[i].plan;
        let (Plan::Noise(noise), Plan::Momentum(momentum), Plan::SpotMaker(maker), Plan::Whale(whale)) =
            (plan(0), plan(1), plan(3), plan(7))
        else {
            panic!()
        };
        assert!(matches!(*noise.qty, Sizes::Table(_)), "a law stays one");
        let (ignite, longs) = (whale.ignite.unwrap(), whale.longs.unwrap());
        let drawn = [
            (noise.gap.0, 1..=40),
            (momentum.order_qty.0, 1..=20),
            (world.agents[1].capital.unwrap().0, 50_000_000..=500_000_000),
            (world.agents[2].tokens.0, 1_000..=3_000),
            (maker.level_qty.0, 1..=19),
            (ignite.qty.0, 1..=200),
            (longs.qty.0, 1..=50),
            (i64::try_from(ignite.from).unwrap(), 6..=30),
            (world.unlocks[0].qty.0, 1..=200),
        ];
        for (seen, (value, range)) in seen.iter_mut().zip(drawn) {
            assert!(range.contains(&value), "{value} in {range:?}");
            seen.insert(value);
        }
        assert_eq!(template.world(3, path).unwrap().free_float(), world.free_float());
    }
    assert!(seen.iter().all(|values| values.len() > 8), "{seen:?}");
}
