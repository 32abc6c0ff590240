//! Frictions under random rules: drawn as the price gets there or beforehand, traced or not, in new memory or used, a path is
//! the same; and money is where it should be.

#[path = "common/random_rules.rs"]
mod random_rules;
#[path = "common/random_scenario.rs"]
mod random_scenario;

use std::collections::BTreeMap;

use perpcore::engine::{Recorder, Simulation, Summary, Trace};
use perpcore::error::RunError;
use perpcore::event::LedgerAccount;
use perpcore::units::Quote;
use perpcore::world::World;
use perpcore::world::scenario::{Around, HaltSpec, Scenario, StressSpec};
use random_scenario::Dice;
use rust_decimal::Decimal;
use serde_json::json;

const SCENARIOS: u64 = 400;
const SEED: u64 = 77;

fn thousandths(dice: &mut Dice, of: &[i64]) -> Decimal {
    Decimal::new(dice.pick(of), 3)
}

fn dress(dice: &mut Dice, scenario: &mut Scenario) {
    scenario.round_seconds = Decimal::ZERO;
    let (step, horizon) = (dice.pick(&["1", "2"]), dice.pick(&["6", "20"]));
    let until = dice.pick(&["horizon", "quiet"]);
    let time = json!({"step_s": step, "horizon_s": horizon, "until": until});
    scenario.time = Some(serde_json::from_value(time).unwrap());
    scenario.venue.max_rounds = dice.pick(&[1, 10]);
    let lot = scenario.perp.lot_size;
    let maker = &mut scenario.market_maker;
    maker.hedge_latency_s = dice.pick(&[0, 0, 1, 3]).into();
    if let Some(quote) = &mut maker.quote {
        quote.recovery_half_life_s = dice.pick(&[0, 1, 5]).into();
        quote.around = dice.pick(&[Around::Mark, Around::Last, Around::SpotMid]);
        maker.inventory_limit = dice.maybe(0.3, |dice| lot * Decimal::from(1 + dice.next() % 5_000));
        maker.skew =
            dice.maybe(0.4, |dice| Decimal::new(dice.pick(&[1, 100, 10_000]), 9)).unwrap_or_default();
        maker.widen = thousandths(dice, &[0, 0, 100, 2_000]);
        maker.withdraw_move = dice.maybe(0.3, |dice| thousandths(dice, &[10, 50, 300]));
        if maker.withdraw_move.is_some() {
            maker.withdraw_s = dice.pick(&[0, 2]).into();
        }
    }
    if let Some(quote) = &mut scenario.spot.quote {
        quote.recovery_half_life_s = dice.pick(&[0, 1, 5]).into();
    }
    let venue = &mut scenario.venue;
    venue.price_band = dice.maybe(0.3, |dice| thousandths(dice, &[1, 20, 100]));
    venue.halt = dice.maybe(0.3, |dice| HaltSpec {
        movement: thousandths(dice, &[10, 50, 200]),
        window_s: dice.pick(&[0, 3]).into(),
        pause_s: dice.pick(&[0, 2, 4]).into(),
    });
    venue.stress_margin = dice.maybe(0.5, |dice| StressSpec {
        movement: thousandths(dice, &[5, 20, 100]),
        window_s: dice.pick(&[0, 3]).into(),
        factor: thousandths(dice, &[1_000, 1_500, 4_000]),
    });
}

fn draw(seed: u64) -> (Scenario, World) {
    let mut dice = Dice::new(seed ^ 0x00F2_1C71_0125);
    for attempt in 0..50 {
        let (bare, _) = random_rules::draw(seed.wrapping_add(attempt << 32));
        for _ in 0..4 {
            let mut scenario = bare.clone();
            dress(&mut dice, &mut scenario);
            if let Ok(world) = World::build(&scenario) {
                return (scenario, world);
            }
        }
    }
    panic!("seed {seed}: 200 scenarios refused");
}

fn end<T: Trace>(simulation: &mut Simulation<T>) -> Result<Summary, RunError> {
    let reason = simulation.run()?;
    let summary = simulation.summary(reason)?;
    assert_eq!(simulation.ledger().sum(), 0);
    let costs: i64 = simulation.positions().iter().map(|position| position.cost.0).sum();
    assert_eq!(simulation.ledger().balance(LedgerAccount::Clearing), Quote(-costs));
    Ok(summary)
}

/// One path in all ways; whether it halted, and whether it was stressed.
fn compare(world: &World, path: u64) -> Result<[bool; 2], RunError> {
    let mut traced = Simulation::new(world, SEED, path, Recorder::default())?;
    let summary = end(&mut traced)?;
    let stressed = traced.world().venue.tiers != world.venue.tiers;
    let mut eager = Simulation::new(world, SEED, path, Recorder::default())?.eager()?;
    assert_eq!(end(&mut eager)?, summary, "drawn beforehand");
    assert_eq!(eager.trace().stages, traced.trace().stages);
    assert_eq!(eager.trace().trades, traced.trace().trades);
    let mut used = Simulation::new(world, SEED, path + 1, ())?;
    end(&mut used)?;
    used.restart(path)?;
    assert_eq!(end(&mut used)?, summary, "untraced, in used memory");
    let mut stepped = Simulation::new(world, SEED, path, ())?;
    stepped.begin_time()?;
    let mut halted = false;
    for _ in 0..traced.trace().stages.last().map_or(0, |stage| stage.clock) {
        stepped.step()?;
        halted |= stepped.is_halted();
    }
    Ok([halted, stressed])
}

#[test]
fn frictions_are_the_same_bits_in_all_ways_to_run_a_path() {
    let mut shown = BTreeMap::new();
    for seed in 0..SCENARIOS {
        let (scenario, world) = draw(seed);
        let [halted, stressed] = compare(&world, seed).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let maker = &scenario.market_maker;
        let weak = maker.quote.as_ref().is_some_and(|quote| !quote.recovery_half_life_s.is_zero());
        for (what, there) in [
            ("a halt", halted),
            ("stress", stressed),
            ("a band", scenario.venue.price_band.is_some()),
            ("a late hedge", !maker.hedge_latency_s.is_zero()),
            ("a limit", maker.inventory_limit.is_some()),
            ("withdrawal", maker.withdraw_move.is_some()),
            ("recovery", weak),
        ] {
            *shown.entry(what).or_insert(0) += u64::from(there);
        }
    }
    println!("of {SCENARIOS} {shown:#?}");
    assert!(shown.values().all(|&n| n >= 20), "too few: {shown:#?}");
}
