//! Whole cascades, one thread. An element is a liquidation, so that each has a time a path and one a liquidation.
//!
//! - `rocketcoin`: 78,764 accounts, one fill each, 5 rounds; `endow` makes the world's accounts, the rest does not.
//! - `reference`: a path of the ensemble that speed is measured on, sizes from $200 (heavy) or from $20 (light); `requote`:
//!   the market maker quotes anew in every round; `tenfold`: ten times the accounts, as many liquidations.
//! - `two_books`: a path of the episode that other simulators are measured on; with 5,000 and with 50,000 accounts the books
//!   run empty (the bad case: most of what is to be bought is not there).

#[path = "common/reference.rs"]
#[allow(dead_code)] // `ensemble` alone prints
mod reference;
#[path = "common/two_books.rs"]
mod two_books;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use perpcore::engine::{Recorder, Simulation, Trace};
use perpcore::world::{Scenario, Template, World};
use reference::{ACCOUNTS, Counted, reference};
use two_books::two_books;

fn rocketcoin() -> World {
    let batch = |i: u32| {
        let cents = 1100 + 40 * i;
        format!(
            r#"{{"kind": "ladder", "side": "short", "notional": "1000000", "lump": "10",
            "liquidation_price": "{}.{:02}"}}"#,
            cents / 100,
            cents % 100
        )
    };
    let batches: Vec<String> = (0..10).map(batch).collect();
    let json = format!(
        r#"{{"schema_version": 1, "start_price": "10", "total_supply": "10000000", "circulating": "1000000",
        "spot": {{"tick_size": "0.01", "lot_size": "1", "asks": {{"kind": "linear", "depth": "20000"}}}},
        "perp": {{"tick_size": "0.01", "lot_size": "1"}},
        "venue": {{"insurance_fund": "1000000",
            "tiers": [{{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "20"}}]}},
        "market_maker": {{"capital": "10000000", "hedge_ratio": "0.22",
            "quote": {{"side": "asks", "level_qty": "10000000"}}}},
        "positions": [{}],
        "ignition": {{"qty": "20000"}}}}"#,
        batches.join(", ")
    );
    let scenario: Scenario = serde_json::from_str(&json).expect("the scenario above");
    World::build(&scenario).expect("an allowed scenario")
}

fn run<T: Trace>(mut simulation: Simulation<'_, T>) -> T {
    simulation.run().expect("a run to its end");
    simulation.into_trace()
}

fn one_path(criterion: &mut Criterion) {
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

/// Times path after path; `first` of them, not timed, say how many are liquidated in one. Gives that.
fn paths(criterion: &mut Criterion, id: BenchmarkId, group: &str, template: &Template, first: u64) -> f64 {
    let mut simulation = Simulation::new(template.median(), 1, 0, ()).expect("a path");
    let mut sum = Counted::default();
    (0..first).for_each(|path| sum.add(template, &mut simulation, path));
    let liquidations = sum.liquidations as f64 / sum.paths as f64;
    let mut group = criterion.benchmark_group(group);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a positive count
    group.throughput(Throughput::Elements(liquidations.round() as u64)).sample_size(50);
    let mut path = first;
    group.bench_function(id, |b| {
        b.iter(|| {
            sum.add(template, &mut simulation, path);
            path += 1;
        })
    });
    group.finish();
    liquidations
}

fn ensembles(criterion: &mut Criterion) {
    for (name, size) in [("heavy", "200"), ("light", "20")] {
        let mut time = |word: &str, template: Template| {
            paths(criterion, BenchmarkId::new(name, word), "reference", &template, 1_000)
        };
        let plain = time("resting", reference(size, false, 0));
        time("requote", reference(size, true, 0));
        let tenfold = time("tenfold", reference(size, false, 9 * ACCOUNTS));
        assert!((tenfold / plain - 1.0).abs() < 0.01, "{tenfold} liquidations a path, not {plain}");
    }
}

fn episodes(criterion: &mut Criterion) {
    for (accounts, first) in [(1_000, 1_000), (5_000, 100), (50_000, 20)] {
        paths(criterion, BenchmarkId::from_parameter(accounts), "two_books", &two_books(accounts), first);
    }
}

criterion_group!(benches, one_path, ensembles, episodes);
criterion_main!(benches);
