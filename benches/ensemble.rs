//! The reference ensemble, timed by itself: `ensemble time SMALLEST_SIZE PATHS [requote]` prints one line of JSON.
//!
//! What compares it with the floor, and counts instructions, is `benches/floor.py`.

#[path = "common/reference.rs"]
mod reference;

use std::time::Instant;

use perpcore::engine::Simulation;
use reference::{Counted, reference};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [command, size, paths, rest @ ..] = arguments.as_slice() else {
        return; // `cargo bench` runs all targets; this one is for scripts
    };
    assert_eq!(command, "time", "there is one command");
    let requote = rest.iter().any(|word| word == "requote");
    let paths: u64 = paths.parse().expect("a number of paths");
    let template = reference(size, requote);
    let mut simulation = Simulation::new(template.median(), 1, 0, ()).expect("a path");
    let mut sum = Counted::default();
    let start = Instant::now();
    for path in 0..paths {
        sum.add(&template, &mut simulation, path);
    }
    let ns = start.elapsed().as_nanos() as f64 / paths as f64;
    println!("{}", sum.json(ns, paths));
}
