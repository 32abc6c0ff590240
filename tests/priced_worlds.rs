//! Random scenarios under random marks, indices and funding: the books balance after every round, and a path is the same
//! lazy or eager, traced or not, in new memory or in used.

#[path = "common/random_scenario.rs"]
mod random_scenario;

use perpcore::engine::{Recorder, Simulation, StopReason, Summary, Trace};
use perpcore::event::{LedgerAccount, Reason};
use perpcore::ids::AccountId;
use perpcore::units::Quote;
use perpcore::world::{Until, World};
use random_scenario::Dice;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const SCENARIOS: u64 = 600;

/// A random scenario under other rules.
fn draw(seed: u64) -> Option<World> {
    let dice = &mut Dice::new(seed ^ 0x5eed);
    let (scenario, _) = random_scenario::draw(seed);
    let mut written = serde_json::to_value(&scenario).unwrap();
    let step = ["0", "20", "3600"][usize::try_from(dice.next() % 3).unwrap()];
    let marks = ["index", "mean_of_mids", "last", "mid", "impact_mid", "ema_basis", "median", "hyperliquid"];
    let number = |dice: &mut Dice, low: f64, high: f64| format!("{:.9}", dice.between(low, high));
    if step != "0" && dice.chance(0.4) {
        let (seconds, steps) =
            (Decimal::from_str_exact(step).unwrap(), Decimal::from(dice.pick(&[3, 20, 40])));
        let until = dice.pick(&["horizon", "quiet"]);
        written["time"] = json!({"step_s": seconds, "horizon_s": seconds * steps, "until": until});
        written["ignition"]["at_s"] = json!(seconds * Decimal::from(dice.next() % 3));
    } else {
        written["round_seconds"] = step.into();
    }
    let venue = &mut written["venue"];
    venue["mark"] = dice.pick(&marks).into();
    venue["mark_ema_s"] = dice.pick(&["30", "150", "20000"]).into();
    venue["impact_notional"] = dice.pick(&["0", "100", "100000"]).into();
    venue["mark_step"] = dice.pick(&[Value::Null, "0.01".into(), "0.2".into()]);
    let delay = if step == "0" { "0" } else { "50" };
    let sources =
        json!([{"weight": "2"}, {"weight": "1", "delay_s": delay}, {"weight": "1.5", "follows": "0.3"}]);
    let drops = dice.chance(0.5);
    venue["index"] = dice.pick(&[
        Value::Null,
        json!({"kind": "spot", "price": "mid"}),
        json!({"kind": "spot", "sources": sources, "outlier": "0.05", "drop_outliers": drops}),
        json!({"kind": "own_mark", "average_s": "600"}),
    ]);
    venue["funding"] = json!({"next_in_s": dice.pick(&["0", "100"]), "interval_h": dice.pick(&["1", "8"]),
        "interest": number(dice, -0.3, 0.3), "clamp": dice.pick(&["0.0005", "1"]),
        "dead_band": dice.pick(&["0", "0", "0.0005"]), "average": dice.pick(&["plain", "ramp"]),
        "notional": dice.pick(&["mark", "index"]), "stress_above": "0.01"});
    World::build(&serde_json::from_value(written).unwrap()).ok()
}

fn balanced<T: Trace>(seed: u64, simulation: &Simulation<T>) {
    let ledger = simulation.ledger();
    assert_eq!(ledger.sum(), 0, "seed {seed}");
    let costs: i64 = simulation.positions().iter().map(|position| position.cost.0).sum();
    assert_eq!(ledger.balance(LedgerAccount::Clearing).0, -costs, "seed {seed}");
    assert!(ledger.balance(LedgerAccount::InsuranceFund) >= Quote::ZERO, "seed {seed}");
    assert!(ledger.balance(LedgerAccount::VenueLoss) <= Quote::ZERO, "seed {seed}");
    for (id, position) in (0..).map(AccountId).zip(simulation.positions()) {
        let cash = ledger.cash(id);
        let cross = id == AccountId::MARKET_MAKER && position.qty.0 != 0;
        assert!(cross || cash >= Quote::ZERO, "seed {seed}: {id:?} has {cash:?}");
        let within = position.margin >= Quote::ZERO && (cross || position.margin <= cash);
        assert!(within, "seed {seed}: {id:?} {position:?} {cash:?}");
        assert!(id != AccountId::TAKEOVER_DESK || position.margin == cash, "seed {seed}: the desk");
    }
}

/// Runs it, looked at after every round or step.
fn audited<T: Trace>(seed: u64, world: &World, simulation: &mut Simulation<T>) -> Summary {
    let (count, mut reason) = match world.steps {
        None => (world.venue.max_rounds, StopReason::MaxRounds),
        Some(steps) => (steps.count, StopReason::Horizon),
    };
    match world.steps {
        None => simulation.ignite().unwrap(),
        Some(_) => simulation.begin_time().unwrap(),
    }
    for n in 1..=count {
        let (more, may_end) = match world.steps {
            None => (simulation.round().unwrap(), true),
            Some(steps) => (simulation.step().unwrap(), steps.until == Until::Quiet && n >= steps.ignition),
        };
        balanced(seed, simulation);
        if !more && may_end {
            reason = StopReason::Quiet;
            break;
        }
    }
    let summary = simulation.summary(reason).unwrap();
    match reason == StopReason::Quiet && summary.spot_exhausted {
        true => simulation.summary(StopReason::SpotExhausted).unwrap(),
        false => summary,
    }
}

#[test]
fn whatever_the_mark_and_the_funding_nothing_is_lost() {
    let (mut built, mut paid, mut deficits, mut liquidated, mut through_time) = (0, 0, 0, 0, 0);
    for seed in 0..SCENARIOS {
        let Some(world) = draw(seed) else { continue };
        built += 1;
        let mut traced = Simulation::new(&world, 3, 0, Recorder::default()).unwrap();
        let summary = audited(seed, &world, &mut traced);
        through_time += u64::from(world.steps.is_some());
        let trace = traced.into_trace();
        let payments = trace.transfers.iter().filter(|(_, transfer)| transfer.reason == Reason::Funding);
        paid += u64::from(payments.count() > 0);
        deficits += u64::from(summary.totals.bad_debt > Quote::ZERO);
        liquidated += u64::from(summary.totals.liquidated_accounts > 0);
        let mut used = Simulation::new(&world, 3, 1, ()).unwrap();
        used.run().unwrap();
        used.restart(0).unwrap();
        let reason = used.run().unwrap();
        assert_eq!(used.summary(reason).unwrap(), summary, "seed {seed}: used memory");
        let mut eager = Simulation::new(&world, 3, 0, ()).unwrap().eager().unwrap();
        let reason = eager.run().unwrap();
        assert_eq!(eager.summary(reason).unwrap(), summary, "seed {seed}: eager");
    }
    println!(
        "{built} worlds, {paid} with payments, {deficits} with deficits, {liquidated} with liquidations, \
         {through_time} through time"
    );
    let few = SCENARIOS / 10;
    assert!(built > few && paid > few && deficits > few && liquidated > few && through_time > few);
}
