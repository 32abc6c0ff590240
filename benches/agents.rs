//! A market in which all agents act, one thread. An element is an event: an order, a cancel or a fill.
//!
//! `agents events STEPS` prints how many events a step has, `agents time STEPS` runs it once (to count instructions);
//! at least 1,000 steps: the whale's plan takes so long.

#[path = "common/market.rs"]
mod market;

use criterion::{BatchSize, Criterion, Throughput};
use market::market;
use perpcore::engine::Simulation;
use perpcore::world::Template;

const STEPS: u64 = 1_000;

fn run(template: &Template) -> u64 {
    let mut simulation = Simulation::new(template.median(), 1, 0, ()).expect("a path");
    simulation.run().expect("a run to its horizon");
    simulation.events()
}

fn all_agents(criterion: &mut Criterion) {
    let template = market(STEPS);
    let mut group = criterion.benchmark_group("all_agents");
    group.throughput(Throughput::Elements(run(&template))).sample_size(20);
    group.bench_function("run", |b| {
        let path = || Simulation::new(template.median(), 1, 0, ()).expect("a path");
        b.iter_batched(path, |mut simulation| simulation.run().expect("a run"), BatchSize::LargeInput);
    });
    group.finish();
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let steps = |at: usize| words.get(at).and_then(|steps| steps.parse().ok()).unwrap_or(STEPS);
    match words.first().map(String::as_str) {
        Some("events") => println!("{:.1}", run(&market(steps(1))) as f64 / steps(1) as f64),
        Some("time") => drop(run(&market(steps(1)))),
        _ => {
            let mut criterion = Criterion::default().configure_from_args();
            all_agents(&mut criterion);
            criterion.final_summary();
        }
    }
}
