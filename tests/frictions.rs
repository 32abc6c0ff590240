//! Frictions of the market maker, of quotes and of the venue, against figures worked out by hand; each also switched off.
//!
//! Spot has 200 tokens a tick above 10.00, so a push of 200 n tokens ends n cents higher; the market maker quotes 10 M tokens
//! at the mark. Shorts of 1,000 tokens each that are liquidated at 11.00 (1 % maintenance) have a margin of 1.11 a token.

mod common;

use common::{Setup, Shorts, decimal, ladder};
use perpcore::engine::{Recorder, Simulation, StopReason, Summary};
use perpcore::event::{Cause, Market};
use perpcore::units::Quote;
use perpcore::world::World;
use perpcore::world::scenario::Scenario;
use serde_json::{Value, json};

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

fn build(setup: &Setup, patches: &[Value]) -> Result<World, String> {
    let mut written = serde_json::to_value(&setup.0).unwrap();
    patches.iter().for_each(|patch| merge(&mut written, patch));
    let scenario: Scenario = serde_json::from_value(written).map_err(|e| e.to_string())?;
    World::build(&scenario).map_err(|e| e.to_string())
}

/// Traced and untraced, in new memory and in used: the same.
fn run(world: &World) -> (StopReason, Summary, Recorder) {
    let mut traced = Simulation::new(world, 3, 0, Recorder::default()).unwrap();
    let reason = traced.run().unwrap();
    assert_eq!(traced.ledger().sum(), 0);
    let summary = traced.summary(reason).unwrap();
    let mut used = Simulation::new(world, 3, 1, ()).unwrap();
    used.run().unwrap();
    used.restart(0).unwrap();
    let again = used.run().unwrap();
    assert_eq!((again, used.summary(again).unwrap()), (reason, summary));
    (reason, summary, traced.into_trace())
}

fn seconds(horizon: u32) -> Value {
    json!({"time": {"step_s": "1", "horizon_s": horizon.to_string()}})
}

fn until_quiet() -> Value {
    json!({"time": {"step_s": "1", "horizon_s": "50", "until": "quiet"}})
}

fn maker(terms: Value) -> Value {
    json!({ "market_maker": terms })
}

fn venue(rules: Value) -> Value {
    json!({ "venue": rules })
}

/// Two shorts of 1,000 that break at 11.00, a push to 11.03, nothing hedged.
fn two_shorts() -> Setup {
    two(ladder(decimal("11"), None)).hedging(decimal("0")).igniting(20_600)
}

fn two(shorts: Shorts) -> Setup {
    Setup::new().shorts(shorts.qty(2_000).lump(1_000))
}

/// Step, price in ticks and lots of every fill of a liquidation.
fn fills(trace: &Recorder) -> Vec<(u64, i64, i64)> {
    let step = |round: u64| trace.stages.iter().find(|stage| stage.round == round).unwrap().clock;
    let forced = trace.trades.iter().filter(|(_, trade)| trade.cause == Cause::Liquidation);
    forced.map(|&(round, trade)| (step(round), trade.price.0, trade.qty.0)).collect()
}

/// Step and lots of every hedge.
fn hedges(trace: &Recorder) -> Vec<(u64, i64)> {
    let stages = trace.stages.iter().filter(|stage| stage.hedge_qty.0 != 0);
    stages.map(|stage| (stage.clock, stage.hedge_qty.0)).collect()
}

fn last_step(trace: &Recorder) -> u64 {
    trace.stages.last().unwrap().clock
}

fn filled(setup: &Setup, patches: &[Value]) -> Vec<(u64, i64, i64)> {
    fills(&run(&build(setup, patches).unwrap()).2)
}

#[test]
fn a_late_hedge_is_what_was_due_when_that_step_ended() {
    let setup = two(ladder(decimal("11"), None)).hedging(decimal("1")).igniting(20_600);
    let hedge = |latency: &str| {
        let late = maker(json!({"hedge_latency_s": latency}));
        let (reason, summary, trace) = run(&build(&setup, &[until_quiet(), late]).unwrap());
        assert_eq!(reason, StopReason::Quiet);
        assert_eq!(summary.hedge_shortfall.0, 0);
        (hedges(&trace), last_step(&trace))
    };
    // Liquidated in step 1. The step after the hedge, if nothing happens in it, is the last.
    assert_eq!(hedge("0"), (vec![(1, 2_000)], 2));
    assert_eq!(hedge("1"), (vec![(2, 2_000)], 3));
    assert_eq!(hedge("2.5"), (vec![(4, 2_000)], 5));
}

#[test]
fn at_his_limit_he_does_not_quote_what_adds_to_his_position() {
    let one_a_round = venue(json!({"liquidations_per_round": 1}));
    let with = |limit: Value| {
        filled(&two_shorts(), &[one_a_round.clone(), maker(json!({ "inventory_limit": limit }))])
    };
    assert_eq!(with(Value::Null), [(1, 1_103, 1_000), (2, 1_103, 1_000)]);
    assert_eq!(with(json!("1001")), [(1, 1_103, 1_000), (2, 1_103, 1_000)]);
    assert_eq!(with(json!("1000")), [(1, 1_103, 1_000)]);
}

#[test]
fn quotes_are_skewed_by_what_he_holds() {
    let one_a_round = venue(json!({"liquidations_per_round": 1}));
    let with = |skew: &str| filled(&two_shorts(), &[one_a_round.clone(), maker(json!({ "skew": skew }))]);
    // Short 1,000 tokens at 0.00005 each: 5 cents up; 2.05 cents are 2, and 2.5 are 3.
    assert_eq!(with("0.00005"), [(1, 1_103, 1_000), (2, 1_108, 1_000)]);
    assert_eq!(with("0.0000205"), [(1, 1_103, 1_000), (2, 1_105, 1_000)]);
    assert_eq!(with("0.000025"), [(1, 1_103, 1_000), (2, 1_106, 1_000)]);
    assert_eq!(with("0"), [(1, 1_103, 1_000), (2, 1_103, 1_000)]);
}

#[test]
fn quotes_widen_by_how_far_the_mark_has_moved_in_the_step() {
    let one_a_round = venue(json!({"liquidations_per_round": 1}));
    let with = |widen: &str, time: Value| {
        filled(&two_shorts(), &[one_a_round.clone(), maker(json!({ "widen": widen })), time])
    };
    // 103 ticks in the first round, a tenth of them. All rounds of a step measure from the step before.
    assert_eq!(with("0.1", json!({})), [(1, 1_113, 1_000), (2, 1_103, 1_000)]);
    assert_eq!(with("0.1", seconds(3)), [(1, 1_113, 1_000), (1, 1_113, 1_000)]);
    assert_eq!(with("0", seconds(3)), [(1, 1_103, 1_000), (1, 1_103, 1_000)]);
}

#[test]
fn he_withdraws_after_a_jump() {
    let keep = venue(json!({"rest": "keep"}));
    let with = |terms: Value| {
        let (reason, _, trace) =
            run(&build(&two_shorts(), &[until_quiet(), keep.clone(), maker(terms)]).unwrap());
        assert_eq!(reason, StopReason::Quiet);
        fills(&trace)
    };
    let both = |step| vec![(step, 1_103, 1_000), (step, 1_103, 1_000)];
    // 10.3 %. The orders of the steps before the fourth find nothing.
    assert_eq!(with(json!({"withdraw_move": "0.103", "withdraw_s": "2"})), both(4));
    assert_eq!(with(json!({"withdraw_move": "0.103"})), both(2));
    assert_eq!(with(json!({"withdraw_move": "0.1031", "withdraw_s": "2"})), both(1));
    assert_eq!(with(json!({})), both(1));
}

#[test]
fn quotes_may_stand_around_the_last_trade_of_their_book() {
    let with = |around: &str| filled(&two_shorts(), &[maker(json!({"quote": {"around": around}}))]);
    assert_eq!(with("last"), [(1, 1_000, 1_000), (1, 1_000, 1_000)]);
    assert_eq!(with("mark"), [(1, 1_103, 1_000), (1, 1_103, 1_000)]);
}

#[test]
fn filled_quotes_come_back_by_half_each_half_life() {
    let setup = two_shorts().igniting(22_000);
    let with = |half_life: &str, levels: i64, more: Value| {
        let quote = json!({"levels": levels, "level_qty": "1000", "recovery_half_life_s": half_life});
        let keep = venue(json!({"rest": "keep"}));
        filled(&setup, &[seconds(6), keep, venue(more), maker(json!({ "quote": quote }))])
    };
    // The second order finds nothing in step 1; then half of the level, and half of it again, as all of that was filled.
    assert_eq!(with("1", 1, json!({})), [(1, 1_110, 1_000), (2, 1_110, 500), (3, 1_110, 500)]);
    assert_eq!(with("0", 1, json!({})), [(1, 1_110, 1_000), (1, 1_110, 1_000)]);
    // 1,000 of the 2,000 lots of two levels leave half of the strength to the next round of the step.
    let halved = [(1, 1_110, 1_000), (1, 1_110, 500), (1, 1_111, 500)];
    assert_eq!(with("1", 2, json!({"liquidations_per_round": 1})), halved);
}

/// Holders quote 100,000 tokens 2 cents from what they quote around: step, price in ticks and lots of every trade in spot.
fn leaning(skew: &str, agents: Value, more: &Value) -> Vec<(u64, i64, i64)> {
    let quote = json!({"side": "both", "around": "start", "half_spread": "0.02", "level_qty": "100000", "skew": skew});
    let spot = json!({"spot": {"asks": null, "quote": quote}, "ignition": null, "agents": agents});
    let (_, _, trace) = run(&build(&Setup::new(), &[seconds(9), spot, more.clone()]).unwrap());
    let step = |round: u64| trace.stages.iter().find(|stage| stage.round == round).unwrap().clock;
    let sales = trace.trades.iter().filter(|(_, trade)| trade.market == Market::Spot);
    sales.map(|&(round, trade)| (step(round), trade.price.0, trade.qty.0)).collect()
}

/// 0.00005 a token is half a cent for each 100: 2.5 cents of 500 are 3, of -500 they are -2.
#[test]
fn holders_quotes_lean_on_what_they_sold() {
    let leg = |qty: &str, at: &str| json!({"qty": qty, "at_s": at});
    let whale = json!([{"kind": "whale", "name": "whale", "accumulate": leg("500", "1"), "ignite": leg("499", "3"),
        "exit": {"at_s": "5"}}]);
    let with = |skew: &str, more: Value| leaning(skew, whale.clone(), &more);
    let none = json!({});
    // Sold 500: 3 cents; 999: 4.995 are 5, below which he sells all he bought.
    assert_eq!(with("0.00005", none.clone()), [(2, 1_002, 500), (4, 1_005, 499), (6, 1_003, 999)]);
    assert_eq!(with("0", none), [(2, 1_002, 500), (4, 1_002, 499), (6, 998, 999)]);
    // What is unlocked to them, or to an agent, they have not bought.
    let unlocks = json!({"unlocks": [{"at_s": "2", "qty": "300"}, {"at_s": "4", "qty": "7000"}]});
    assert_eq!(with("0.00005", unlocks), [(2, 1_002, 500), (4, 1_005, 499), (6, 1_003, 999)]);
    // What they bought first lowers them, by 2 cents; both sales are from there.
    let sold = json!({"ignition": {"qty": "500", "side": "sell", "at_s": "1"}});
    let buyer =
        json!([{"kind": "whale", "name": "whale", "accumulate": leg("700", "3"), "longs": leg("1", "5")}]);
    assert_eq!(leaning("0.00005", buyer, &sold), [(2, 998, 500), (4, 1_000, 700)]);
}

#[test]
fn the_market_maker_may_quote_around_the_start_price() {
    let with = |around: &str| filled(&two_shorts(), &[maker(json!({"quote": {"around": around}}))]);
    assert_eq!(with("start"), [(1, 1_000, 1_000), (1, 1_000, 1_000)]);
    // The perpetual's own start price, in its own ticks.
    let fine = json!({"perp": {"tick_size": "0.005"}});
    let quote = maker(json!({"quote": {"around": "start", "half_spread": "0.01"}}));
    assert_eq!(filled(&two_shorts(), &[fine, quote]), [(1, 2_002, 1_000), (1, 2_002, 1_000)]);
}

/// Of 2^32 that are missing after step 1 half is left after each step, rounded up: 1 after step 33, and half of 1 brings nothing.
#[test]
fn a_run_is_not_quiet_while_quotes_that_the_mark_reads_come_back() {
    let setup = two(ladder(decimal("10.5"), None)).hedging(decimal("0")).igniting(22_000);
    let last = |mark: &str, half_life: &str| {
        let quote = json!({"side": "both", "level_qty": "1000", "recovery_half_life_s": half_life});
        let patches = [until_quiet(), venue(json!({ "mark": mark })), maker(json!({ "quote": quote }))];
        let (reason, _, trace) = run(&build(&setup, &patches).unwrap());
        assert_eq!((reason, fills(&trace).len()), (StopReason::Quiet, 1));
        last_step(&trace)
    };
    assert_eq!(last("mean_of_mids", "1"), 33);
    assert_eq!(last("index", "1"), 2);
}

#[test]
fn orders_take_no_further_than_the_band() {
    let far = maker(json!({"quote": {"half_spread": "0.50"}}));
    let with = |band: Value| {
        let world = build(&two_shorts(), &[far.clone(), venue(json!({ "price_band": band }))]).unwrap();
        let (_, summary, trace) = run(&world);
        (fills(&trace), summary.totals.taken_over_qty.0)
    };
    // 11.03 and 4.5 % of it, floored: 11.52; 4.6 %: 11.53.
    let both = vec![(1, 1_153, 1_000), (1, 1_153, 1_000)];
    assert_eq!(with(json!("0.045")), (vec![], 2_000));
    assert_eq!(with(json!("0.046")), (both.clone(), 0));
    assert_eq!(with(Value::Null), (both, 0));
}

#[test]
fn a_halt_puts_liquidations_off_and_its_end_is_where_the_next_one_looks_from() {
    let with = |halt: Value| {
        let world = build(&two_shorts(), &[until_quiet(), venue(json!({ "halt": halt }))]).unwrap();
        let (reason, summary, trace) = run(&world);
        assert_eq!(reason, StopReason::Quiet);
        assert_eq!(summary.totals.liquidated_accounts, 2);
        fills(&trace)
    };
    let both = |step| vec![(step, 1_103, 1_000), (step, 1_103, 1_000)];
    assert_eq!(with(json!({"move": "0.103", "window_s": "10", "pause_s": "3"})), both(5));
    assert_eq!(with(json!({"move": "0.103", "window_s": "0", "pause_s": "0"})), both(2));
    assert_eq!(with(json!({"move": "0.1031", "window_s": "10", "pause_s": "3"})), both(1));
    assert_eq!(with(Value::Null), both(1));
}

#[test]
fn nobody_trades_in_a_halt_but_spot_and_hedges_go_on() {
    let setup = two(ladder(decimal("11"), None)).hedging(decimal("1")).igniting(20_600);
    let halt = venue(json!({"halt": {"move": "0.103", "window_s": "1", "pause_s": "2"}}));
    let late = maker(json!({"hedge_latency_s": "1"}));
    let mut simulation =
        Simulation::new(&build(&setup, &[seconds(9), halt, late]).unwrap(), 3, 0, Recorder::default())
            .unwrap();
    simulation.begin_time().unwrap();
    assert!(!simulation.is_halted());
    let halted: Vec<bool> = (1..=6)
        .map(|_| {
            simulation.step().unwrap();
            simulation.is_halted()
        })
        .collect();
    assert_eq!(halted, [true, true, true, false, false, false]);
    // Liquidated in step 4, hedged in step 5 (from 11.03 on to 11.13, within the move).
    assert_eq!(hedges(simulation.trace()), [(5, 2_000)]);
}

/// Entry 10.00, liquidated at 11.50 at 1 %: a margin of 1.615 a token. At 5 % the threshold is 11.615 / 1.05 = 11.0619.
#[test]
fn under_stress_everybodys_thresholds_move() {
    let setup = two(ladder(decimal("11.5"), None)).hedging(decimal("0")).igniting(22_000);
    let with = |stress: Value| {
        let world = build(&setup, &[seconds(4), venue(json!({ "stress_margin": stress }))]).unwrap();
        run(&world).2.liquidations.iter().map(|(_, order)| (order.threshold.0, order.maintenance)).collect()
    };
    let due: Vec<(i64, Quote)> = with(json!({"move": "0.11", "window_s": "1", "factor": "5"}));
    // 5 % of 11,100.
    assert_eq!(due, [(1_107, Quote(555_000_000)); 2]);
    let calm: Vec<(i64, Quote)> = with(json!({"move": "0.1101", "window_s": "1", "factor": "5"}));
    assert_eq!(calm, []);
    assert_eq!(with(Value::Null), []);
}

#[test]
fn stress_is_over_in_the_next_path_and_reaches_accounts_that_are_drawn() {
    let poisson = ladder(decimal("11.2"), Some(decimal("12"))).qty(20_000).poisson();
    let setup = Setup::new().shorts(poisson).hedging(decimal("0")).igniting(22_000);
    let stress = venue(json!({"stress_margin": {"move": "0.11", "window_s": "3", "factor": "5"}}));
    let world = build(&setup, &[seconds(4), stress]).unwrap();
    let mut simulation = Simulation::new(&world, 3, 0, ()).unwrap();
    assert_eq!(simulation.max_leverage(Quote(1)), 200_000_000_000);
    let reason = simulation.run().unwrap();
    assert_eq!(simulation.max_leverage(Quote(1)), 40_000_000_000);
    // (P 1.01) / 1.05 <= 11.10 for P up to 11.53: all of those, none of whom 11.10 reaches at 1 %.
    let liquidated = simulation.summary(reason).unwrap().totals.liquidated_accounts;
    assert!((700..950).contains(&liquidated), "{liquidated}");
    simulation.restart(1).unwrap();
    assert_eq!(simulation.max_leverage(Quote(1)), 200_000_000_000);
    run(&world);
}

#[test]
fn what_cannot_be_is_refused() {
    let halt = json!({"move": "0.1", "window_s": "1", "pause_s": "1"});
    let stress = |factor: &str| json!({"move": "0.1", "window_s": "1", "factor": factor});
    let timed = seconds(5);
    let holders = |terms: Value| {
        let mut quote = json!({"side": "asks", "level_qty": "1", "around": "start"});
        merge(&mut quote, &terms);
        json!({"spot": {"asks": null, "quote": quote}})
    };
    for (patch, time, field) in [
        (maker(json!({"hedge_latency_s": "1"})), None, "market_maker.hedge_latency_s: 1"),
        (maker(json!({"hedge_latency_s": "-1"})), Some(&timed), "market_maker.hedge_latency_s: -1"),
        (maker(json!({"hedge_latency_s": "5"})), Some(&timed), "market_maker.hedge_latency_s: 5"),
        (maker(json!({"hedge_band": "-1"})), None, "market_maker.hedge_band: -1"),
        (
            maker(json!({"quote": {"follows_float": true}})),
            Some(&timed),
            "market_maker.quote.follows_float: true",
        ),
        (
            maker(json!({"quote": {"around": "start", "skew": "0.1"}})),
            Some(&timed),
            "market_maker.quote.skew: 0.1",
        ),
        (holders(json!({"skew": "0.1", "around": "mark"})), Some(&timed), "spot.quote.skew: 0.1"),
        (holders(json!({"skew": "0.1"})), None, "spot.quote.skew: 0.1"),
        (holders(json!({"skew": "-0.1"})), Some(&timed), "spot.quote.skew: -0.1"),
        (holders(json!({"skew": "1000001"})), Some(&timed), "spot.quote.skew: 1000001"),
        (maker(json!({"withdraw_s": "1"})), Some(&timed), "market_maker.withdraw_s: 1"),
        (maker(json!({"withdraw_move": "0.1"})), None, "market_maker.withdraw_move: 0.1"),
        (maker(json!({"withdraw_move": "0"})), Some(&timed), "market_maker.withdraw_move: 0"),
        (maker(json!({"inventory_limit": "0"})), None, "market_maker.inventory_limit: 0"),
        (maker(json!({"skew": "-0.1"})), None, "market_maker.skew: -0.1"),
        (maker(json!({"widen": "0.1", "quote": null})), None, "market_maker.widen: 0.1"),
        (
            maker(json!({"quote": {"recovery_half_life_s": "1"}})),
            None,
            "market_maker.quote.recovery_half_life_s: 1",
        ),
        (venue(json!({"price_band": "1"})), None, "venue.price_band: 1"),
        (venue(json!({"price_band": "0"})), None, "venue.price_band: 0"),
        (venue(json!({"halt": halt})), None, "venue.halt: a halt"),
        (venue(json!({"stress_margin": stress("2")})), None, "venue.stress_margin: a stress margin"),
        (venue(json!({"stress_margin": stress("0.9")})), Some(&timed), "venue.stress_margin.factor: 0.9"),
        (
            venue(json!({"close_fee": "0.01", "stress_margin": stress("99")})),
            Some(&timed),
            "venue.stress_margin.factor: 99",
        ),
    ] {
        let asks = json!({"perp": {"asks": {"kind": "linear", "depth": "20000"}}});
        let patches = [asks, patch, time.cloned().unwrap_or(json!({}))];
        let text = build(&Setup::new(), &patches).map(|_| ()).unwrap_err();
        assert!(text.contains(field), "{field}: {text}");
    }
}
