//! Lazy and eager are the same bits under all venue rules: 2,000 random scenarios, drawn as the price gets there and drawn
//! beforehand, traced and untraced, in new memory and in memory used over and over.

#[path = "common/random_rules.rs"]
mod random_rules;
#[path = "common/random_scenario.rs"]
mod random_scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use perpcore::engine::{Recorder, Simulation, Summary};
use perpcore::error::RunError;
use perpcore::event::{Liquidation, Mechanism};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Quote};
use perpcore::venue::Rest;
use perpcore::world::World;

const SCENARIOS: u64 = 2_000;
const PATHS: u64 = 2;
const SEED: u64 = 31;
const NAMED: usize = AccountId::FIRST_AGENT.index();

/// What the paths must show, and how many at least.
const EXERCISED: [(&str, u64); 15] = [
    ("an account that came into being", 500),
    ("a venue that is plain", 5),
    ("an order for a part", 100),
    ("an account ordered twice", 100),
    ("a rest kept", 100),
    ("a vault's takeover", 100),
    ("deleveraged without an order", 40),
    ("deleveraged after an order", 100),
    ("a counterparty that came into being", 100),
    ("a shared loss", 100),
    ("a stop", 40),
    ("a settlement price", 100),
    ("a deficit", 100),
    ("time that passes", 100),
    ("the market maker liquidated", 40),
];

type Verdict<T> = Result<T, String>;
type Seen = BTreeSet<&'static str>;
type Shares = BTreeMap<&'static str, u64>;

/// A path with all that is traced of it, and how many accounts had a place at its end.
fn traced(world: &World, path: u64, eager: bool) -> Result<(Summary, Recorder, usize), RunError> {
    let mut simulation = Simulation::new(world, SEED, path, Recorder::default())?;
    if eager {
        simulation = simulation.eager()?;
    }
    let reason = simulation.run()?;
    let summary = simulation.summary(reason)?;
    let places = simulation.positions().len();
    Ok((summary, simulation.into_trace(), places))
}

fn same<T: PartialEq + Debug>(what: &str, one: &[T], other: &[T]) -> Verdict<()> {
    let at = one.iter().zip(other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
    match (one.get(at), other.get(at)) {
        (None, None) => Ok(()),
        (a, b) => Err(format!("{what} {at}: {a:?}, or {b:?}")),
    }
}

/// Everything two traces hold.
fn alike(one: &Recorder, other: &Recorder) -> Verdict<()> {
    same("trade", &one.trades, &other.trades)?;
    same("transfer", &one.transfers, &other.transfers)?;
    same("liquidation", &one.liquidations, &other.liquidations)?;
    same("counterparty", &one.adl, &other.adl)?;
    same("stage", &one.stages, &other.stages)
}

/// Simulations whose memory serves one path after the other, of one scenario after the other: lazy and eager, untraced.
#[derive(Default)]
struct Used([Option<Simulation<'static, ()>>; 2]);

impl Used {
    /// Takes what was used before to this path: to another world, or to another path of the same.
    fn run(&mut self, world: &World, path: u64, eager: bool) -> Result<Summary, RunError> {
        let slot = &mut self.0[usize::from(eager)];
        let mut simulation = match slot.take() {
            None => {
                let first = Simulation::new(world, SEED, path, ())?;
                if eager { first.eager()? } else { first }
            }
            Some(mut simulation) if path % PATHS == 0 => {
                simulation.replace(world.clone(), path)?;
                simulation
            }
            Some(mut simulation) => {
                simulation.restart(path)?;
                simulation
            }
        };
        let reason = simulation.run()?;
        let summary = simulation.summary(reason)?;
        *slot = Some(simulation);
        Ok(summary)
    }
}

/// One path in all ways; what it showed.
fn compare(world: &World, path: u64, used: &mut Used) -> Verdict<Seen> {
    let failed = |e: RunError| e.to_string();
    let (summary, trace, places) = traced(world, path, false).map_err(failed)?;
    let (beforehand, other, places_eager) = traced(world, path, true).map_err(failed)?;
    alike(&trace, &other)?;
    same("summary", &[summary], &[beforehand])?;
    same("places", &[places], &[places_eager])?;
    for eager in [false, true] {
        let untraced = used.run(world, path, eager).map_err(failed)?;
        same("untraced summary", &[untraced], &[summary])?;
    }
    let mut again = Simulation::new(world, SEED, path + 7, Recorder::default()).map_err(failed)?;
    again.run().map_err(failed)?;
    *again.trace_mut() = Recorder::default();
    again.restart(path).map_err(failed)?;
    let reason = again.run().map_err(failed)?;
    same("restarted summary", &[again.summary(reason).map_err(failed)?], &[summary])?;
    alike(again.trace(), &trace)?;
    Ok(seen(world, &summary, &trace, places))
}

fn seen(world: &World, summary: &Summary, trace: &Recorder, places: usize) -> Seen {
    let fixed = NAMED + world.fixed.accounts.len();
    let orders = || trace.liquidations.iter().map(|(_, order)| order);
    let any = |shows: &dyn Fn(&Liquidation) -> bool| orders().any(shows);
    let ruled = |order: &Liquidation| order.mechanism == Mechanism::Liquidation;
    let left = |order: &Liquidation| {
        order.filled_qty.0 + order.taken_over_qty.0 + order.adl_qty.0 < order.position.0.abs()
    };
    let mut accounts = BTreeSet::new();
    let twice = orders().filter(|order| ruled(order)).any(|order| !accounts.insert(order.account));
    let drawn = trace.adl.iter().any(|(_, row)| row.account.index() >= fixed);
    [
        ("an account that came into being", places > fixed),
        ("a venue that is plain", world.venue.is_plain()),
        ("an order for a part", any(&|order| ruled(order) && left(order) && order.filled_qty > Lots::ZERO)),
        ("an account ordered twice", twice),
        ("a rest kept", world.venue.rest == Rest::Keep && any(&|order| ruled(order) && left(order))),
        ("a vault's takeover", any(&|order| order.mechanism == Mechanism::Backstop)),
        ("deleveraged without an order", any(&|order| order.mechanism == Mechanism::Deleveraging)),
        ("deleveraged after an order", any(&|order| ruled(order) && order.adl_qty > Lots::ZERO)),
        ("a counterparty that came into being", drawn),
        ("a shared loss", summary.totals.socialised_loss > Quote::ZERO),
        ("a stop", any(&|order| order.mechanism == Mechanism::Stop)),
        ("a settlement price", world.settlement_price.is_some()),
        ("a deficit", summary.totals.bad_debt > Quote::ZERO),
        ("time that passes", world.time_passes),
        ("the market maker liquidated", summary.market_maker_liquidated),
    ]
    .into_iter()
    .filter_map(|(what, shown)| shown.then_some(what))
    .collect()
}

fn run_all(seeds: std::ops::Range<u64>) -> Shares {
    let (mut shares, mut used) = (Shares::new(), Used::default());
    for seed in seeds {
        let (_, world) = random_rules::draw(seed);
        for path in seed * PATHS..(seed + 1) * PATHS {
            match compare(&world, path, &mut used) {
                Ok(seen) => seen.into_iter().for_each(|what| *shares.entry(what).or_default() += 1),
                Err(why) => panic!("scenario of seed {seed}, path {path}: {why}"),
            }
        }
    }
    shares
}

#[test]
fn lazy_and_eager_worlds_are_the_same_bits_under_rules() {
    let shares = std::thread::scope(|scope| {
        let first = scope.spawn(|| run_all(0..SCENARIOS / 2));
        let second = run_all(SCENARIOS / 2..SCENARIOS);
        let mut all = first.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
        for (what, n) in second {
            *all.entry(what).or_default() += n;
        }
        all
    });
    println!("of {} paths show {shares:#?}", SCENARIOS * PATHS);
    let few = |&(what, least): &(&'static str, u64)| {
        let n = shares.get(what).copied().unwrap_or(0);
        (n < least).then(|| format!("{what}: {n}, not {least}"))
    };
    let missing: Vec<String> = EXERCISED.iter().filter_map(few).collect();
    assert!(missing.is_empty(), "of {} paths show too few {missing:#?}", SCENARIOS * PATHS);
}
