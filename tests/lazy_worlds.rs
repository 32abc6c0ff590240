//! Lazy and eager are the same bits: 10,000 paths of random worlds, drawn as the price gets there and drawn beforehand,
//! traced and untraced, in new memory and in memory used over and over.

mod common;
#[path = "common/random_scenario.rs"]
mod random_scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{Setup, ladder};
use perpcore::engine::{Recorder, Simulation, StopReason, Summary, Trace};
use perpcore::error::RunError;
use perpcore::event::{Cause, LedgerAccount, Liquidation, Market, Mechanism, Reason, Trade, Transfer};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Quote, Side};
use perpcore::venue::MarkPrice;
use perpcore::world::World;
use perpcore::world::scenario::{
    IgnitionMarket, IgnitionSide, Law, Liquidity, MarketSpec, QuoteSpec, Scenario,
};
use rust_decimal::Decimal;

const SCENARIOS: u64 = 2_500;
const PATHS: u64 = 4;
const SEED: u64 = 11;
const NAMED: usize = AccountId::FIRST_AGENT.index();

/// What the paths must show, and how many at least.
const EXERCISED: [(&str, u64); 34] = [
    ("an account that came into being", 3_000),
    ("a hundred accounts that came into being", 200),
    ("accounts of several tiers that came into being", 500),
    ("drawn and fixed accounts liquidated", 200),
    ("accounts burnt without a place", 400),
    ("a hundred accounts burnt without a place", 40),
    ("burnt: the last filled in part", 100),
    ("burnt: until the book was empty", 100),
    ("burnt: as many as the venue sends", 40),
    ("burnt: some in debt", 40),
    ("burnt: longs", 100),
    ("burnt: several rounds", 100),
    ("burnt: next to accounts one by one", 40),
    ("levels with noise", 500),
    ("several orders at one price", 500),
    ("orders of a drawn size", 500),
    ("a quote in spot that traded", 100),
    ("a quote in the perpetual that traded", 200),
    ("jitter in a market where a quote traded", 100),
    ("quotes of a drawn size where one traded", 100),
    ("quotes around the spot mid where one traded", 100),
    ("a mark between the mids, rounds after the first", 500),
    ("a selling ignition", 500),
    ("a push in the perpetual", 500),
    ("a takeover", 500),
    ("a deficit", 500),
    ("a venue loss", 500),
    ("a stop", 200),
    ("an unwind", 200),
    ("an absorption", 200),
    ("a hedge that sells", 200),
    ("the market maker liquidated", 200),
    ("spot exhausted", 200),
    ("a cut at the last round", 100),
];

type Verdict<T> = Result<T, String>;
type Shares = BTreeMap<&'static str, u64>;
type Seen = BTreeSet<&'static str>;

/// Runs to the end, round by round.
fn run<T: Trace>(
    simulation: &mut Simulation<'_, T>,
    mut after: impl FnMut(&Simulation<'_, T>),
) -> Result<Summary, RunError> {
    simulation.ignite()?;
    after(simulation);
    for _ in 0..simulation.world().venue.max_rounds {
        let quiet = !simulation.round()?;
        after(simulation);
        if quiet {
            let so_far = simulation.summary(StopReason::Quiet)?;
            let exhausted = StopReason::SpotExhausted;
            return if so_far.spot_exhausted { simulation.summary(exhausted) } else { Ok(so_far) };
        }
    }
    simulation.summary(StopReason::MaxRounds)
}

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
        (a, b) => Err(format!("{what} {at}: {a:?}, eager {b:?}")),
    }
}

/// Untraced simulations whose memory serves one path after the other, of one scenario after the other.
#[derive(Default)]
struct Used {
    lazy: Option<Simulation<'static, ()>>,
    eager: Option<Simulation<'static, ()>>,
}

/// Takes what was used before to this path: to another world, or to another path of the same.
fn renewed<'s>(
    used: &'s mut Option<Simulation<'static, ()>>,
    world: &World,
    path: u64,
    eager: bool,
) -> Result<&'s mut Simulation<'static, ()>, RunError> {
    let simulation = match used.take() {
        None => {
            let first = Simulation::new(world, SEED, path, ())?;
            if eager { first.eager()? } else { first }
        }
        Some(mut simulation) => {
            if path % PATHS == 0 {
                simulation.replace(world.clone(), path)
            } else {
                simulation.restart(path)
            }?;
            simulation
        }
    };
    Ok(used.insert(simulation))
}

/// One path in all ways; what it showed.
fn compare(scenario: &Scenario, world: &World, path: u64, used: &mut Used) -> Verdict<Seen> {
    let failed = |e: RunError| e.to_string();
    let (summary, trace, places) = traced(world, path, false).map_err(failed)?;
    let (all_drawn, other, places_eager) = traced(world, path, true).map_err(failed)?;
    same("trade", &trace.trades, &other.trades)?;
    same("transfer", &trace.transfers, &other.transfers)?;
    same("liquidation", &trace.liquidations, &other.liquidations)?;
    same("stage", &trace.stages, &other.stages)?;
    same("summary", &[summary], &[all_drawn])?;
    same("places", &[places], &[places_eager])?;
    let mut seats = Vec::new();
    let simulation = renewed(&mut used.lazy, world, path, false).map_err(failed)?;
    let untraced = run(simulation, |simulation| seats.push(simulation.positions().len())).map_err(failed)?;
    same("untraced summary", &[untraced], &[summary])?;
    let simulation = renewed(&mut used.eager, world, path, true).map_err(failed)?;
    let untraced = run(simulation, |_| ()).map_err(failed)?;
    same("untraced eager summary", &[untraced], &[summary])?;
    let path = Path { scenario, world, trace: &trace, summary: &summary };
    let mut seen = path.seen(places);
    path.burnt(&seats, &mut seen);
    Ok(seen)
}

/// What is known of a path that was run.
struct Path<'a> {
    scenario: &'a Scenario,
    world: &'a World,
    trace: &'a Recorder,
    summary: &'a Summary,
}

impl Path<'_> {
    fn seen(&self, places: usize) -> Seen {
        let Path { scenario, world, trace, summary } = self;
        let drawn = places - NAMED - world.fixed.accounts.len();
        let several = world.populations.iter().any(|population| population.groups() > 1);
        let liquidated = |drawn| trace.liquidations.iter().any(|(_, order)| self.is_drawn(order) == drawn);
        let traded = |cause| trace.trades.iter().any(|(_, trade)| trade.cause == cause);
        let hedge_sells = |trade: &Trade| trade.cause == Cause::Hedge && trade.taker_side == Side::Sell;
        let totals = &summary.totals;
        let mut seen: Seen = [
            ("an account that came into being", drawn > 0),
            ("a hundred accounts that came into being", drawn >= 100),
            ("accounts of several tiers that came into being", drawn > 1 && several),
            ("drawn and fixed accounts liquidated", liquidated(true) && liquidated(false)),
            ("a mark between the mids, rounds after the first", {
                world.venue.mark == MarkPrice::MeanOfMids && summary.rounds > 1
            }),
            ("a selling ignition", world.ignition.0 == Side::Sell),
            ("a push in the perpetual", world.ignition_market == Market::Perp),
            ("a takeover", totals.taken_over_qty > Lots::ZERO),
            ("a deficit", totals.bad_debt > Quote::ZERO),
            ("a venue loss", totals.venue_loss > Quote::ZERO),
            ("a stop", totals.stopped_accounts > 0),
            ("an unwind", traded(Cause::Unwind)),
            ("an absorption", traded(Cause::Absorption)),
            ("a hedge that sells", trace.trades.iter().any(|(_, trade)| hedge_sells(trade))),
            ("the market maker liquidated", summary.market_maker_liquidated),
            ("spot exhausted", summary.spot_exhausted),
            ("a cut at the last round", summary.stop_reason == StopReason::MaxRounds),
        ]
        .into_iter()
        .filter_map(|(what, shown)| shown.then_some(what))
        .collect();
        let makers = scenario.market_maker.quote.as_ref();
        for (market, spec, quote, what) in [
            (Market::Spot, &scenario.spot, scenario.spot.quote.as_ref(), "a quote in spot that traded"),
            (Market::Perp, &scenario.perp, makers, "a quote in the perpetual that traded"),
        ] {
            seen.extend(self.resting(market, spec));
            if let Some(quote) = quote.filter(|_| self.came_back(market)) {
                seen.insert(what);
                seen.extend(quotes(quote));
            }
        }
        seen
    }

    /// An account of a population.
    fn is_drawn(&self, order: &Liquidation) -> bool {
        order.mechanism == Mechanism::Liquidation
            && order.account.index() >= NAMED + self.world.fixed.accounts.len()
    }

    /// What rested at the start on a side that was traded against.
    fn resting(&self, market: Market, spec: &MarketSpec) -> impl Iterator<Item = &'static str> {
        let taken = |side| self.trace.trades.iter().any(|(_, t)| t.market == market && t.taker_side == side);
        let sides = [(&spec.asks, taken(Side::Buy)), (&spec.bids, taken(Side::Sell))];
        let taken = sides.into_iter().filter(|&(_, taken)| taken).filter_map(|(side, _)| side.as_ref());
        let mut shown = Seen::new();
        for side in taken {
            match side {
                Liquidity::Linear { noise, .. } | Liquidity::Levels { noise, .. } => {
                    shown.extend(noise.as_ref().map(|_| "levels with noise"));
                }
                Liquidity::Orders { orders, order_qty, .. } => {
                    shown.extend((*orders > 1).then_some("several orders at one price"));
                    shown.extend(matches!(order_qty, Law::Drawn(_)).then_some("orders of a drawn size"));
                }
            }
        }
        shown.into_iter()
    }

    /// Whether something traded at a better price than an earlier round had left anything at.
    fn came_back(&self, market: Market) -> bool {
        Side::BOTH.into_iter().any(|side| {
            let trades = self.trace.trades.iter();
            let of_side = trades.filter(|(_, trade)| trade.market == market && trade.taker_side == side);
            let prices: Vec<i64> = of_side.map(|(_, trade)| side.sign() * trade.price.0).collect();
            prices.windows(2).any(|pair| pair[1] < pair[0])
        })
    }

    /// What was done without giving accounts a place, from how many had one after each round.
    fn burnt(&self, places: &[usize], seen: &mut Seen) {
        let limit = self.world.venue.liquidations_per_round.unwrap_or(u64::MAX);
        let mut by_round: BTreeMap<u64, Vec<&Liquidation>> = BTreeMap::new();
        for (round, order) in &self.trace.liquidations {
            by_round.entry(*round).or_default().push(order);
        }
        let (mut all, mut rounds) = (0, 0);
        for (pair, number) in places.windows(2).zip(1..) {
            let orders = by_round.remove(&number).unwrap_or_default();
            let forced = orders.iter().filter(|order| self.is_drawn(order)).count();
            let seated = pair[1] - pair[0];
            let burnt = forced - seated;
            if burnt == 0 {
                continue;
            }
            (all, rounds) = (all + burnt, rounds + 1);
            let unfilled = |order: &&&Liquidation| order.filled_qty < order.position.abs();
            let first = orders.iter().find(unfilled);
            for (what, shown) in [
                ("burnt: the last filled in part", first.is_some_and(|order| order.filled_qty > Lots::ZERO)),
                ("burnt: until the book was empty", orders.iter().filter(unfilled).count() > 1),
                ("burnt: as many as the venue sends", orders.len() as u64 == limit),
                ("burnt: some in debt", orders[..burnt].iter().any(|order| order.deficit > Quote::ZERO)),
                ("burnt: longs", orders[0].position > Lots::ZERO),
            ] {
                seen.extend(shown.then_some(what));
            }
        }
        let one_by_one = self.trace.liquidations.iter().filter(|(_, order)| self.is_drawn(order)).count();
        seen.extend((all > 0).then_some("accounts burnt without a place"));
        seen.extend((all >= 100).then_some("a hundred accounts burnt without a place"));
        seen.extend((rounds > 1).then_some("burnt: several rounds"));
        seen.extend((all > 0 && one_by_one > all).then_some("burnt: next to accounts one by one"));
    }
}

fn quotes(quote: &QuoteSpec) -> impl Iterator<Item = &'static str> {
    [
        ("jitter in a market where a quote traded", !quote.jitter.is_zero()),
        ("quotes of a drawn size where one traded", matches!(quote.level_qty, Law::Drawn(_))),
        ("quotes around the spot mid where one traded", quote.around != Default::default()),
    ]
    .into_iter()
    .filter_map(|(what, shown)| shown.then_some(what))
}

fn run_all(seeds: std::ops::Range<u64>) -> Shares {
    let (mut shares, mut used) = (Shares::new(), Used::default());
    for seed in seeds {
        let (scenario, world) = random_scenario::draw(seed);
        for path in seed * PATHS..(seed + 1) * PATHS {
            match compare(&scenario, &world, path, &mut used) {
                Ok(seen) => seen.into_iter().for_each(|what| *shares.entry(what).or_default() += 1),
                Err(why) => panic!("scenario of seed {seed}, path {path}: {why}"),
            }
        }
    }
    shares
}

#[test]
fn lazy_and_eager_worlds_are_the_same_bits() {
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

#[test]
fn a_path_that_failed_leaves_nothing_to_the_next() {
    let crowd = ladder(Decimal::from(11), Some(Decimal::from(13))).qty(120_000).poisson();
    let setup = Setup::new().shorts(crowd).hedging(Decimal::ZERO).igniting(70_000);
    let world = setup.with(|scenario| scenario.venue.liquidations_per_round = Some(5_000)).world();
    let stop = AtomicBool::new(false);
    let mut used = Simulation::new(&world, SEED, 0, ()).unwrap().interrupted_by(&stop);
    used.ignite().unwrap();
    assert!(used.round().unwrap());
    stop.store(true, Ordering::Relaxed);
    assert!(matches!(used.round(), Err(RunError::Interrupted)), "between two orders");
    stop.store(false, Ordering::Relaxed);
    used.restart(1).unwrap();
    let mut new = Simulation::new(&world, SEED, 1, ()).unwrap();
    assert_eq!(run(&mut used, |_| ()).unwrap(), run(&mut new, |_| ()).unwrap());
}

/// The push in the perpetual leaves the market maker long; then spot's mid lies where shorts break.
#[test]
fn shorts_that_close_what_the_market_maker_holds() {
    let levels = |price: i64| {
        let levels = vec![(Decimal::new(price, 2), Decimal::from(50_000))];
        Some(Liquidity::Levels { levels, tail_depth: None, noise: None })
    };
    let shorts = ladder(Decimal::new(1005, 2), Some(Decimal::new(1015, 2))).qty(5_000).poisson();
    let setup = Setup::new().shorts(shorts).hedging(Decimal::ZERO).with(|scenario| {
        (scenario.spot.asks, scenario.spot.bids, scenario.perp.bids) =
            (levels(1100), levels(999), levels(999));
        scenario.venue.mark = MarkPrice::MeanOfMids;
        scenario.ignition.as_mut().unwrap().side = IgnitionSide::Sell;
        scenario.ignition.as_mut().unwrap().market = IgnitionMarket::Perp;
    });
    let world = setup.world();
    let (summary, trace, _) = traced(&world, 0, false).unwrap();
    let gains = |transfer: &Transfer| {
        transfer.reason == Reason::Profit && transfer.to == LedgerAccount::Trader(AccountId::MARKET_MAKER)
    };
    assert!(summary.totals.liquidated_accounts > 400);
    assert!(trace.transfers.iter().any(|(_, transfer)| gains(transfer)), "he sells what he had bought");
    let mut untraced = Simulation::new(&world, SEED, 0, ()).unwrap();
    assert_eq!(run(&mut untraced, |_| ()).unwrap(), summary);
}
