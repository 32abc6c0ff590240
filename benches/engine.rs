//! Whole cascades: RocketCoin (78,764 accounts, one fill each, 5 rounds), and the same traced.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use perpcore::engine::{Recorder, Simulation, Trace};
use perpcore::world::scenario::{Ladder, Spread};
use perpcore::world::{Scenario, World};
use rust_decimal::Decimal;

const BASE: &str = r#"{"schema_version": 1, "start_price": "10", "total_supply": "10000000", "circulating": "1000000",
"spot": {"tick_size": "0.01", "lot_size": "1", "asks": {"kind": "linear", "depth": "20000"}},
"perp": {"tick_size": "0.01", "lot_size": "1"},
"venue": {"insurance_fund": "1000000",
    "tiers": [{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "20"}]},
"market_maker": {"capital": "10000000", "hedge_ratio": "0.22", "quote": {"side": "asks", "level_qty": "10000000"}},
"positions": [{"kind": "ladder", "side": "short", "notional": "1000000", "lump": "10", "liquidation_price": "11"}],
"ignition": {"qty": "20000"}}"#;

fn rocketcoin() -> World {
    let mut scenario: Scenario = serde_json::from_str(BASE).expect("the scenario above");
    let first = scenario.positions[0].clone();
    let batch =
        |i| Ladder { liquidation_price: Some(Spread::One(Decimal::new(1100 + 40 * i, 2))), ..first.clone() };
    scenario.positions = (0..10i64).map(batch).collect();
    World::build(&scenario).expect("an allowed scenario")
}

fn run<T: Trace>(mut simulation: Simulation<'_, T>) -> T {
    simulation.run().expect("a run to its end");
    simulation.into_trace()
}

fn cascades(criterion: &mut Criterion) {
    let world = rocketcoin();
    let mut group = criterion.benchmark_group("rocketcoin");
    group.throughput(Throughput::Elements(78_764)).sample_size(20);
    group.bench_function("endow", |b| b.iter(|| Simulation::new(&world, 1, 0, ())));
    group.bench_function("run", |b| {
        b.iter_batched(|| Simulation::new(&world, 1, 0, ()).expect("endowed"), run, BatchSize::LargeInput)
    });
    group.bench_function("run, traced", |b| {
        let traced = || Simulation::new(&world, 1, 0, Recorder::default()).expect("endowed");
        b.iter_batched(traced, run, BatchSize::LargeInput)
    });
    group.finish();
}

criterion_group!(benches, cascades);
criterion_main!(benches);
