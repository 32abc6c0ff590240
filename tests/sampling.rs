//! What a run through time records of itself, computed by hand, and the same summary whoever looks.

#[path = "common/lively.rs"]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small numbers
mod lively;
#[path = "common/random_scenario.rs"]
#[allow(dead_code)]
mod random_scenario;

use perpcore::engine::{
    AgentSample, Floats, HeatSample, Liquidity, Recorder, Sample, Simulation, Summary, Trace,
};
use perpcore::results::columns;
use perpcore::units::{Lots, Quote, Rate, Ticks};
use perpcore::world::{Template, World};
use random_scenario::Dice;
use serde_json::{Value, json};

/// Prices in cents, tokens one by one. A whale accumulates in step 1 and pushes in step 2, tokens unlock in step 3.
fn scenario() -> Value {
    let levels = |levels: Value| json!({"kind": "levels", "levels": levels});
    json!({
        "schema_version": 1, "start_price": "10", "total_supply": "1000", "circulating": "600",
        "time": {"step_s": "1", "horizon_s": "4"},
        "spot": {"tick_size": "0.01", "lot_size": "1", "asks": levels(json!([["10.05", "50"], ["10.10", "100"]])),
            "bids": levels(json!([["9.90", "200"]]))},
        "perp": {"tick_size": "0.01", "lot_size": "1", "asks": levels(json!([["10.20", "100"]])),
            "bids": levels(json!([["9.90", "100"]]))},
        "venue": {"tiers": [{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "100"}],
            "insurance_fund": "7"},
        "market_maker": {"capital": "1000", "hedge_ratio": "1", "spot_inventory": "100"},
        "positions": [
            {"kind": "ladder", "side": "short", "liquidation_price": "11.03", "qty": "8", "lump": "4"},
            {"kind": "ladder", "side": "short", "liquidation_price": "11.09", "qty": "1", "lump": "1"},
            {"kind": "ladder", "side": "long", "liquidation_price": "8.57", "qty": "5", "lump": "5"},
        ],
        "agents": [
            {"kind": "whale", "name": "whale", "accumulate": {"qty": "50", "at_s": "0"}, "ignite": {"qty": "20", "at_s": "1"}},
            {"kind": "holders", "name": "team", "tokens": "40", "elasticity": "0", "order_qty": "1"},
            {"kind": "stock_arbitrageur", "name": "carry", "kappa": "1", "tokens": "30"},
        ],
        "unlocks": [{"at_s": "2", "qty": "10"}],
    })
}

fn cents(cents: i64) -> Quote {
    Quote(10_000 * cents)
}

fn world(scenario: &Value) -> World {
    Template::read(&scenario.to_string()).unwrap().median().clone()
}

fn run<T: Trace>(world: &World, path: u64, trace: T) -> (Summary, T) {
    let mut simulation = Simulation::new(world, 1, path, trace).unwrap();
    let reason = simulation.run().unwrap();
    (simulation.summary(reason).unwrap(), simulation.into_trace())
}

#[test]
fn a_series_computed_by_hand() {
    let (_, seen) = run(&world(&scenario()), 0, Recorder::default());
    // Last price in spot, lots traded, tokens there are, free, the whale's, events, spread and asks in spot.
    let expected = [
        (1000, 0, 600, 430, 0, 0, 15, 150),
        (1005, 50, 600, 380, 50, 2, 20, 100),
        (1010, 20, 600, 360, 70, 2, 20, 80),
        (1010, 0, 610, 370, 70, 0, 20, 80),
        (1010, 0, 610, 370, 70, 0, 20, 80),
    ];
    assert_eq!(seen.series.len(), expected.len());
    for (clock, (row, (last, volume, circulating, free, whale, events, spread, asks))) in
        (0..).zip(seen.series.iter().zip(expected))
    {
        let (free, whale) = (Lots(free + 40), Lots(whale));
        let sample = Sample {
            clock,
            index: Ticks(last),
            mark: Ticks(last),
            spot_last: Ticks(last),
            perp_last: Ticks(1000),
            basis: Ticks(1000 - last),
            funding_rate: Rate(0),
            open_interest: Lots(5 + 4), // the rest of the market is long against the shorts
            spot_volume: Lots(volume),
            perp_volume: Lots(0),
            circulating: Lots(circulating),
            floats: Floats { free, locked: Lots(30), whale, hedge: Lots(100) },
            insurance_fund: cents(700),
            liquidated: cents(0),
            events,
            spot: Liquidity { spread: Ticks(spread), depth: [Lots(200), Lots(asks)] },
            perp: Liquidity { spread: Ticks(30), depth: [Lots(100), Lots(100)] },
        };
        assert_eq!(*row, sample);
    }
}

#[test]
fn profits_computed_by_hand() {
    let (summary, seen) = run(&world(&scenario()), 0, Recorder::default());
    let at_2: Vec<AgentSample> = seen.agents.iter().filter(|row| row.clock == 2).copied().collect();
    let row = |agent, tokens, balance, profit| AgentSample {
        clock: 2,
        agent,
        qty: Lots(0),
        tokens: Lots(tokens),
        balance: cents(balance),
        profit: cents(profit),
    };
    // The whale paid 502.50 and 202 for what is worth 707; the others' tokens rose by 0.10.
    let expected = [row(None, 100, 100_000, 1_000), row(Some(0), 70, 0, 250), row(Some(1), 40, 0, 400)];
    assert_eq!(at_2[..3], expected);
    assert_eq!(at_2[3], row(Some(2), 30, 0, 300));
    assert_eq!(at_2.len(), 4);
    assert_eq!((summary.ignition_qty, summary.ignition_cost), (Lots(20), cents(20_200)));
    assert_eq!((summary.attacker_pnl, summary.attacker_paper_pnl), (cents(250), cents(250)));
    assert_eq!(
        (summary.totals.spot_volume, summary.totals.perp_volume, summary.events),
        (Lots(70), Lots(0), 4)
    );
    assert_eq!(summary.peak_open_interest, Lots(9));
    assert_eq!((summary.locked_float, summary.final_circulating), (Lots(30), Lots(610)));
    assert_eq!(summary.market_maker_pnl, cents(1_000));
}

#[test]
fn paper_profit_is_what_the_exit_began_with() {
    let mut scenario = scenario();
    scenario["agents"][0]["exit"] = json!({"at_s": "2"});
    let (summary, _) = run(&world(&scenario), 0, ());
    // 70 tokens for 704.50, sold for 9.90 each.
    assert_eq!((summary.attacker_pnl, summary.attacker_paper_pnl), (cents(-1_150), cents(250)));
    assert_eq!((summary.totals.spot_volume, summary.events), (Lots(140), 6));
}

#[test]
fn liquidations_ahead_by_bucket() {
    let mut scenario = scenario();
    // In step 3 the mark gets to 11.05, the first of the two shorts' thresholds behind it.
    scenario["spot"]["asks"]["levels"] = json!([["10.05", "50"], ["10.10", "20"], ["11.05", "100"]]);
    scenario["ignition"] = json!({"qty": "5", "at_s": "2"});
    let (_, seen) = run(&world(&scenario), 0, Recorder::default());
    let row = |clock, price, long, short| HeatSample {
        clock,
        price: Ticks(price),
        long: cents(long),
        short: cents(short),
    };
    let before = |clock| [row(clock, 850, 5 * 857, 0), row(clock, 1100, 0, 8 * 1103 + 1109)];
    let after = |clock| [row(clock, 850, 5 * 857, 0), row(clock, 1100, 0, 1109)];
    assert_eq!(seen.heat, [before(0), before(1), before(2), after(3), after(4)].concat());
    let liquidated: Vec<i64> = seen.series.iter().map(|row| row.liquidated.0).collect();
    assert_eq!(liquidated, [0, 0, 0, cents(8 * 1020).0, 0]);
}

#[test]
fn samples_stand_as_far_apart_as_asked_for() {
    let mut scenario = scenario();
    let clocks = |scenario: &Value| {
        let (_, seen) = run(&world(scenario), 0, Recorder::default());
        seen.series.iter().map(|row| row.clock).collect::<Vec<_>>()
    };
    scenario["time"]["sample_s"] = json!("1.5");
    assert_eq!(clocks(&scenario), [0, 2, 4]);
    scenario["time"] = json!({"step_s": "1", "horizon_s": "1501"});
    let found = clocks(&scenario);
    assert_eq!((found.len(), found[1], *found.last().unwrap()), (376, 4, 1500));
}

#[test]
fn what_is_between_samples_is_not_lost() {
    let mut scenario = scenario();
    scenario["time"]["sample_s"] = json!("4");
    let (summary, seen) = run(&world(&scenario), 0, Recorder::default());
    let last = seen.series.last().unwrap();
    assert_eq!((seen.series.len(), last.spot_volume, last.events), (2, Lots(70), 4));
    assert_eq!((summary.totals.spot_volume, summary.events), (Lots(70), 4));
}

/// Random worlds, seen and unseen, in the memory of the path before; the floats of each sample add up.
#[test]
fn the_summary_is_the_same_whoever_looks() {
    let (mut locked, mut burnt) = (0, 0);
    for number in 0..300 {
        let mut dice = Dice::new(number);
        let scenario = if number % 2 == 0 {
            let mut scenario = serde_json::to_value(random_scenario::draw(number).0).unwrap();
            scenario["time"] = json!({"step_s": "1", "horizon_s": "5"});
            scenario
        } else {
            lively::lively(&mut dice)
        };
        let Ok(template) = Template::read(&scenario.to_string()) else { continue };
        let world = template.median();
        let Ok(mut unseen) = Simulation::new(world, 1, 7, ()) else { continue };
        if unseen.run().is_err() || unseen.restart(0).is_err() {
            continue;
        }
        let Ok(reason) = unseen.run() else { continue };
        let summary = unseen.summary(reason).unwrap();
        let (expected, seen) = run(world, 0, Recorder::default());
        assert_eq!(summary, expected, "world {number}");
        assert_eq!(seen.series.iter().map(|row| row.open_interest).max(), Some(summary.peak_open_interest));
        for row in &seen.series {
            let Floats { free, locked, whale, hedge } = row.floats;
            assert_eq!(free.0 + locked.0 + whale.0 + hedge.0, row.circulating.0, "world {number}");
        }
        let sum = |of: fn(&Sample) -> i64| seen.series.iter().map(of).sum::<i64>();
        if i64::try_from(seen.series.len()).unwrap() > 1
            && seen.series.last().unwrap().clock == unseen.clock()
        {
            assert_eq!(sum(|row| row.spot_volume.0), summary.totals.spot_volume.0, "world {number}");
            assert_eq!(sum(|row| i64::try_from(row.events).unwrap()), i64::try_from(summary.events).unwrap());
        }
        locked += u32::from(summary.locked_float.0 > 0);
        burnt += u32::from(summary.totals.liquidated_accounts > 0);
    }
    assert!(locked > 5 && burnt > 20, "{locked} with a locked float, {burnt} with liquidations");
}

#[test]
fn an_instant_cascade_has_the_columns_it_had() {
    let mut scenario = scenario();
    for name in ["time", "agents", "unlocks"] {
        scenario.as_object_mut().unwrap().remove(name);
    }
    scenario["ignition"] = json!({"qty": "60"});
    let world = world(&scenario);
    let (summary, seen) = run(&world, 0, Recorder::default());
    assert!(seen.series.is_empty() && seen.agents.is_empty() && seen.heat.is_empty());
    let shown = perpcore::results::summary(&world, &summary);
    assert!(shown.iter().all(|(name, _)| *name != "spot_volume"));
    assert_eq!(shown.last().unwrap().0, "stop_reason");
    assert!(columns(false).len() < columns(true).len());
}
