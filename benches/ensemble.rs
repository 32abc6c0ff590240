//! Whole ensembles, timed by themselves: `ensemble time SCENARIO PATHS [requote] [tenfold]` prints one line of JSON.
//!
//! SCENARIO is the reference ensemble's smallest size in dollars, `two_books:ACCOUNTS`, or `real:ACCOUNTS`, of which a thousand
//! burn; `tenfold`: ten times the accounts, nine tenths of them out of reach. What compares them with other things, and counts instructions, is
//! `benches/floor.py` and `benches/claims.py`.

#[path = "common/real.rs"]
mod real;
#[path = "common/reference.rs"]
mod reference;
#[path = "common/two_books.rs"]
mod two_books;

use std::time::Instant;

use perpcore::engine::Simulation;
use perpcore::world::Template;
use real::real;
use reference::{ACCOUNTS, Counted, reference};
use two_books::two_books;

fn named(scenario: &str, words: &[String]) -> Template {
    let asked = |name: &str| words.iter().any(|word| word == name);
    let number = |text: &str| text.parse().expect("a number of accounts");
    if let Some(accounts) = scenario.strip_prefix("real:") {
        let begun = Instant::now();
        let (template, _) = real(number(accounts) as usize);
        eprintln!("prepared in {:.3} s", begun.elapsed().as_secs_f64());
        return template;
    }
    match scenario.strip_prefix("two_books:") {
        Some(accounts) => two_books(number(accounts)),
        None => reference(scenario, asked("requote"), if asked("tenfold") { 9 * ACCOUNTS } else { 0 }),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [command, scenario, paths, rest @ ..] = arguments.as_slice() else {
        return; // `cargo bench` runs all targets; this one is for scripts
    };
    assert_eq!(command, "time", "there is one command");
    let paths: u64 = paths.parse().expect("a number of paths");
    let template = named(scenario, rest);
    let mut simulation = Simulation::new(template.median(), 1, 0, ()).expect("a path");
    let mut sum = Counted::default();
    let start = Instant::now();
    for path in 0..paths {
        sum.add(&template, &mut simulation, path);
    }
    println!("{}", sum.json(start.elapsed().as_nanos() as f64 / paths as f64));
}
