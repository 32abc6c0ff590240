//! Inverse contracts: coin and quote currency, positions and tokens are conserved to the last unit in random scenarios, under
//! random rules and under the presets, and a path is the same lazy, drawn beforehand or traced.

#[path = "common/inverse_recount.rs"]
mod inverse_recount;
#[path = "common/random_rules.rs"]
mod random_rules;
#[path = "common/random_scenario.rs"]
mod random_scenario;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use inverse_recount::Recount;
use perpcore::engine::{Simulation, Summary, Trace};
use perpcore::world::World;
use perpcore::world::scenario::{ContractKind, PositionSide, PositionsSpec, Scenario, VenueSpec};
use random_scenario::Dice;
use rust_decimal::Decimal;

const SCENARIOS: u64 = 3_000;

/// Scenarios under each preset (`PERPCORE_SCENARIOS=10000`: as many): fewer where they run after every change.
fn under_presets() -> u64 {
    std::env::var("PERPCORE_SCENARIOS").map_or(4_000, |many| many.parse().expect("a number of scenarios"))
}

/// One in so many is also run lazily, drawn beforehand, and traced at one go.
const ALIKE: u64 = 4;
/// How many presets' scenarios one bare scenario serves.
const SERVES: u64 = 4;

/// A linear scenario as one of an inverse perpetual: quantities there times the start price, money over it.
fn in_coin(mut scenario: Scenario) -> Scenario {
    let start = scenario.start_price;
    let lot = scenario.perp.lot_size;
    let face = |qty: Decimal| ((qty * start / lot).round().max(Decimal::ONE)) * lot;
    let coin = |money: Decimal| (money / start).round_dp(6);
    scenario.venue.contract = ContractKind::Inverse;
    scenario.venue.insurance_fund = coin(scenario.venue.insurance_fund);
    scenario.market_maker.capital = coin(scenario.market_maker.capital);
    for tier in &mut scenario.venue.tiers {
        tier.min_notional = coin(tier.min_notional);
    }
    for positions in &mut scenario.positions {
        if let PositionsSpec::Ladder(ladder) = positions {
            ladder.qty = ladder.qty.map(face);
            ladder.lump = ladder.lump.map(face);
            ladder.wallet = coin(ladder.wallet);
        }
    }
    if let Some(backstop) = &mut scenario.venue.backstop {
        backstop.capital = coin(backstop.capital);
    }
    scenario
}

/// The venue's other switches.
fn more_rules(dice: &mut Dice, scenario: &mut Scenario) {
    let pick = |dice: &mut Dice, of: &[&str]| serde_json::Value::from(dice.pick(of));
    let mut venue = serde_json::to_value(&scenario.venue).unwrap();
    venue["tier_rule"] = pick(dice, &["marginal", "whole_position", "linear"]);
    venue["maintenance_at"] = pick(dice, &["mark", "mark", "entry"]);
    venue["close_fee"] = pick(dice, &["0", "0.0006"]);
    venue["rest"] = pick(dice, &["takeover", "keep"]);
    venue["leftover"] = pick(dice, &["fund", "trader"]);
    venue["liquidation_fee"] = pick(dice, &["0", "0.005"]);
    venue["liquidation_order"] = pick(dice, &["market", "limit_at_bankruptcy", "fillable"]);
    venue["loss_sharing"] = pick(dice, &["none", "profits"]);
    let parts = |kind: &str| serde_json::from_str(kind).unwrap();
    if dice.chance(0.5) {
        let size = [r#"{"kind": "tiers"}"#, r#"{"kind": "share", "share": "0.2", "least_notional": "1"}"#];
        venue["liquidation_size"] = parts(dice.pick(&size));
    }
    if dice.chance(0.4) {
        venue["backstop"] = parts(r#"{"capital": "10", "isolated": true}"#);
    }
    if dice.chance(0.6) {
        venue["adl"] = parts("{}");
        venue["adl"]["trigger"] = pick(dice, &["fund_exhausted", "fund_drawdown", "always"]);
        venue["adl"]["rank"] =
            pick(dice, &["profit_leverage", "hyperliquid", "profit_share", "size", "random"]);
        venue["adl"]["price"] = pick(dice, &["bankruptcy", "previous_mark"]);
    }
    scenario.venue = serde_json::from_value(venue).unwrap();
    scenario.settlement_price = dice.chance(0.2).then_some(scenario.start_price);
}

fn finish<T: Trace>(mut simulation: Simulation<'_, T>) -> Result<Summary, String> {
    let reason = simulation.run().map_err(|e| e.to_string())?;
    simulation.summary(reason).map_err(|e| e.to_string())
}

/// Recounts a scenario round by round, and runs some in other ways; `None` if the world is refused.
fn check(
    seed: u64,
    scenario: &Scenario,
    shown: &mut BTreeMap<&'static str, u64>,
) -> Option<Result<(), String>> {
    let world = World::build(scenario).ok()?;
    let text = |e: perpcore::error::RunError| e.to_string();
    Some((|| {
        let mut simulation = Simulation::new(&world, seed, 1, Recount::new(&world)).map_err(text)?;
        simulation.ignite().map_err(text)?;
        inverse_recount::check(&world, &simulation)?;
        for _ in 0..world.venue.max_rounds {
            let mark = simulation.mark();
            simulation.trace_mut().next(mark);
            let more = simulation.round().map_err(text)?;
            inverse_recount::check(&world, &simulation)?;
            if !more {
                break;
            }
        }
        for &what in &simulation.trace().seen {
            *shown.entry(what).or_default() += 1;
        }
        let kinds = scenario.positions.iter();
        if kinds.clone().any(|p| matches!(p, PositionsSpec::Population(p) if p.side == PositionSide::Short)) {
            *shown.entry("a population of shorts").or_default() += 1;
        }
        if seed % ALIKE != 0 {
            return Ok(());
        }
        let lazy = finish(Simulation::new(&world, seed, 1, ()).map_err(text)?)?;
        let eager = finish(Simulation::new(&world, seed, 1, ()).map_err(text)?.eager().map_err(text)?)?;
        let traced = finish(Simulation::new(&world, seed, 1, Recount::new(&world)).map_err(text)?)?;
        if (lazy, lazy) == (eager, traced) { Ok(()) } else { Err(format!("{lazy:?}\n{eager:?}\n{traced:?}")) }
    })())
}

thread_local! {
    static BARE: RefCell<Option<(u64, Scenario)>> = const { RefCell::new(None) };
}

/// A scenario to be dressed. To find one costs much, so the last is kept.
fn bare(seed: u64) -> Scenario {
    BARE.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(of, _)| *of != seed) {
            *last = Some((seed, random_scenario::draw(seed).0));
        }
        last.as_ref().map(|(_, scenario)| scenario.clone()).unwrap()
    })
}

/// What so many scenarios show that can be.
fn shown(what: &str, count: u64, draw: &(dyn Fn(u64) -> Scenario + Sync)) -> BTreeMap<&'static str, u64> {
    let run = |seeds: Range<u64>, wanted: u64| {
        let (mut shown, mut checked) = (BTreeMap::new(), 0);
        for seed in seeds {
            match check(seed, &draw(seed), &mut shown) {
                Some(Err(why)) => panic!("{what}, scenario of seed {seed}: {why}"),
                Some(Ok(())) => checked += 1,
                None => {}
            }
            if checked == wanted {
                return shown;
            }
        }
        panic!("{what}: only {checked} scenarios could be");
    };
    let (mut shown, more) = std::thread::scope(|scope| {
        let first = scope.spawn(|| run(0..2 * count, count / 2));
        let second = run(2 * count..4 * count, count / 2);
        (first.join().unwrap_or_else(|e| std::panic::resume_unwind(e)), second)
    });
    for (what, n) in more {
        *shown.entry(what).or_default() += n;
    }
    println!("{what}: {count} scenarios show {shown:#?}");
    shown
}

#[test]
fn coin_and_quote_currency_are_conserved_under_random_rules() {
    let shown = shown("random rules", SCENARIOS, &|seed| {
        let dice = &mut Dice::new(!seed);
        let mut scenario = in_coin(random_scenario::draw(seed).0);
        if dice.chance(0.5) {
            more_rules(dice, &mut scenario);
        }
        scenario
    });
    for what in inverse_recount::EXERCISED {
        let n = shown.get(what).copied().unwrap_or(0);
        assert!(n >= SCENARIOS / 100, "{what}: {n} of {SCENARIOS}");
    }
}

#[test]
fn coin_and_quote_currency_are_conserved_under_the_presets() {
    let venues: BTreeMap<String, VenueSpec> =
        serde_json::from_str(include_str!("files/venues.json")).unwrap();
    let inverse = venues.iter().filter(|(_, preset)| preset.contract == ContractKind::Inverse);
    assert_eq!(inverse.clone().count(), 2);
    let many = under_presets();
    for (name, preset) in inverse {
        let linear = VenueSpec { contract: ContractKind::Linear, ..preset.clone() };
        let shown = shown(name, many, &|seed| {
            let mut scenario = bare(seed / SERVES);
            random_rules::put_under(&mut Dice::new(!seed), &mut scenario, &linear);
            in_coin(scenario)
        });
        let last = if preset.adl.is_some() { "a deleveraging" } else { "a shared loss" };
        for what in ["a liquidation of a short", "a liquidation of a long", "a deficit", "funding", last] {
            let n = shown.get(what).copied().unwrap_or(0);
            assert!(n >= many / 100, "{name}, {what}: {n} of {many}");
        }
    }
}
