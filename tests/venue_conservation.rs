//! Money, tokens and positions are conserved to the last unit under every venue's rules: 10,000 random scenarios under random
//! rules, and 4,000 (`PERPCORE_SCENARIOS=10000`: as many) under each preset of a linear contract, recounted after every round by somebody who only sees the trace.

#[path = "common/random_rules.rs"]
mod random_rules;
#[path = "common/random_scenario.rs"]
mod random_scenario;
#[path = "common/recount.rs"]
mod recount;

use std::collections::BTreeMap;

use perpcore::engine::{Simulation, Stage, StopReason, Trace};
use perpcore::event::LedgerAccount;
use perpcore::ids::AccountId;
use perpcore::units::{Side, Ticks};
use perpcore::venue::MarkPrice;
use perpcore::world::scenario::{ContractKind, VenueSpec};
use perpcore::world::{Account, World};
use recount::{DESK, MAKER, NAMED, Recount, Told, VAULT};

const SCENARIOS: u64 = 10_000;

/// Scenarios under each preset: fewer where they run after every change.
fn under_presets() -> u64 {
    std::env::var("PERPCORE_SCENARIOS").map_or(4_000, |many| many.parse().expect("a number of scenarios"))
}
const SEED: u64 = 23;

/// What the scenarios must show, and how many of ten thousand at least.
const EXERCISED: [(&str, u64); 47] = [
    ("a liquidation", 100),
    ("a liquidation of a long", 100),
    ("an order for a tier", 100),
    ("an order for a share", 100),
    ("a whole order after one for a part", 100),
    ("a part whose rest stays", 100),
    ("a part left open that ends in the same round", 100),
    ("a rest that was kept", 100),
    ("an order that filled nothing and leaves all", 100),
    ("a kept rest whose margin was gone", 5),
    ("an account that cools down", 100),
    ("a liquidation fee", 100),
    ("left-over margin that stays the trader's", 100),
    ("a deficit", 100),
    ("a venue loss", 100),
    ("a desk's takeover", 100),
    ("an unwinding desk", 100),
    ("a vault's takeover", 100),
    ("an isolated vault deleveraged", 40),
    ("a vault under water that nobody deleverages", 5),
    ("deleveraged below zero beside a vault", 100),
    ("a desk deleveraged", 30),
    ("an account of the scenario deleveraged", 100),
    ("a market maker deleveraged", 40),
    ("the rest of the market deleveraged", 100),
    ("a counterparty closed in part", 100),
    ("a counterparty that could not be closed", 1),
    ("a long deleveraged", 100),
    ("a short deleveraged", 100),
    ("a deficit after deleveraging", 20),
    ("relief", 100),
    ("rank: profit leverage", 100),
    ("rank: hyperliquid", 100),
    ("rank: profit share", 100),
    ("rank: size", 100),
    ("rank: random", 100),
    ("price: bankruptcy", 100),
    ("price: previous mark", 100),
    ("trigger: fund exhausted", 100),
    ("trigger: fund drawdown", 100),
    ("trigger: always", 100),
    ("a market maker liquidated", 100),
    ("a market maker closed against others", 5),
    ("a shared loss", 100),
    ("a loss greater than all profits", 5),
    ("a settlement price", 100),
    ("a deficit at the settlement price", 20),
];

/// The presets of `perpcore.venues`, as the engine reads them.
const VENUES: &str = include_str!("files/venues.json");

/// What every preset must show, once in a hundred scenarios at least.
const UNDER_PRESETS: [&str; 7] = [
    "funding",
    "a liquidation",
    "a liquidation of a long",
    "a deficit or relief",
    "an account of the scenario deleveraged",
    "a counterparty closed in part",
    "a market maker liquidated",
];

/// What a preset of a name must show besides, and how often at least.
const OF_ITS_OWN: [(&str, &str, u64); 9] = [
    ("binance_usdtm", "an order for a tier", 100),
    ("binance_usdtm", "a liquidation fee", 100),
    ("bybit", "an order for a tier", 100),
    ("bybit", "trigger: fund drawdown", 100),
    ("okx", "an order for a tier", 100),
    ("hyperliquid", "an order for a share", 100),
    ("hyperliquid", "a vault's takeover", 100),
    ("hyperliquid", "an isolated vault deleveraged", 10),
    ("dydx_v4", "a rest that was kept", 100),
];

type Counted<'w> = Simulation<'w, Recount<'w>>;
type Verdict = Result<(), String>;
type Shares = BTreeMap<&'static str, u64>;

fn require(holds: bool, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(text()) }
}

/// All that is always true, after a round.
fn audit(world: &World, simulation: &Counted) -> Verdict {
    let recount = simulation.trace();
    require(recount.failures.is_empty(), || recount.failures[0].clone())?;
    balances(recount, simulation)?;
    positions(recount, simulation)?;
    solvency(recount)?;
    tokens(world, recount, simulation)?;
    for (name, bid, ask) in [
        ("spot", simulation.spot().best(Side::Buy), simulation.spot().best(Side::Sell)),
        ("perp", simulation.perp().best(Side::Buy), simulation.perp().best(Side::Sell)),
    ] {
        let apart = bid.unwrap_or(Ticks(0)) < ask.unwrap_or(Ticks(i64::MAX));
        require(apart, || format!("{name} is crossed: {bid:?} {ask:?}"))?;
    }
    Ok(())
}

/// The ledger, the transfers and the recount agree in every account, and sum to zero.
fn balances(recount: &Recount, simulation: &Counted) -> Verdict {
    let ledger = simulation.ledger();
    let traders =
        (0..).map(|id| LedgerAccount::Trader(AccountId(id))).zip(recount.held.iter().map(|own| own.cash));
    for (account, own) in traders.chain(LedgerAccount::SYSTEM.into_iter().zip(recount.system)) {
        let kept = i128::from(ledger.balance(account).0);
        let replayed = recount.replayed(account);
        require(kept == own && kept == replayed, || {
            format!("balance of {account:?}: ledger {kept}, transfers {replayed}, recount {own}")
        })?;
    }
    require(ledger.sum() == 0, || format!("the ledger sums to {}", ledger.sum()))
}

/// Positions are the recount's and sum to zero; clearing holds minus their costs; at any mark all that is owned is what was
/// deposited.
fn positions(recount: &Recount, simulation: &Counted) -> Verdict {
    require(simulation.positions().len() == recount.held.len(), || "accounts nobody told of".into())?;
    let (mut qty, mut cost) = (0, 0);
    for (id, (position, own)) in simulation.positions().iter().zip(&recount.held).enumerate() {
        let figures = [position.qty.0, position.cost.0, position.margin.0].map(i128::from);
        require(figures == [own.qty, own.cost, own.margin], || {
            format!("position of {id}: {position:?}, {own:?}")
        })?;
        qty += figures[0];
        cost += figures[1];
    }
    require(qty == 0, || format!("positions sum to {qty}"))?;
    let [outside, fees, fund, clearing, venue] = recount.system;
    require(clearing == -cost, || format!("clearing {clearing}, open costs {cost}"))?;
    let mark = i128::from(simulation.mark().0);
    for mark in [1, mark, 3 * mark + 7] {
        let equity =
            recount.held.iter().map(|own| own.cash + recount.value(mark, own.qty) - own.cost).sum::<i128>();
        let all = equity + fees + fund + venue;
        require(all == -outside, || format!("at {mark} all own {all}, deposited {}", -outside))?;
    }
    Ok(())
}

/// No balance is negative but the venue's loss and an open market maker's or vault's. Isolated margin lies within the
/// balance; all that the desk has is margin.
fn solvency(recount: &Recount) -> Verdict {
    let [_, _, fund, _, venue] = recount.system;
    require(fund >= 0, || format!("insurance fund {fund}"))?;
    require(venue <= 0, || format!("venue loss {venue}"))?;
    for (id, own) in recount.held.iter().enumerate() {
        let may_owe = (id == MAKER || id == VAULT) && own.qty != 0;
        require(own.cash >= 0 || may_owe, || format!("balance of {id} is negative: {own:?}"))?;
        let margin = own.margin >= 0 && (own.margin == 0 || own.qty != 0 && own.margin <= own.cash);
        require(margin || id == VAULT, || format!("margin of {id}: {own:?}"))?;
        require(id != DESK || own.margin == own.cash, || {
            format!("the desk keeps more than margin: {own:?}")
        })?;
    }
    Ok(())
}

fn tokens(world: &World, recount: &Recount, simulation: &Counted) -> Verdict {
    let mut sum = 0;
    for (id, own) in recount.held.iter().enumerate() {
        let kept = simulation.tokens().get(id).map_or(0, |lots| i128::from(lots.0));
        require(kept == own.tokens && kept >= 0, || format!("tokens of {id}: {kept}, {own:?}"))?;
        sum += kept;
    }
    require(sum == i128::from(world.circulating.0), || format!("{sum} tokens of {:?}", world.circulating))
}

/// What marks and rates will be.
fn told(world: &World, path: u64) -> Result<Told, String> {
    let worked_out = matches!(world.venue.mark, MarkPrice::Index | MarkPrice::MeanOfMids);
    if worked_out && world.venue.funding.is_none() {
        return Ok(Told::new());
    }
    let failed = |e: perpcore::error::RunError| e.to_string();
    let mut simulation = Simulation::new(world, SEED, path, Teller::default()).map_err(failed)?;
    simulation.run().map_err(failed)?;
    Ok(simulation.into_trace().0)
}

#[derive(Default)]
struct Teller(Told);

impl Trace for Teller {
    fn stage(&mut self, stage: &Stage) {
        self.0.insert(stage.round, (stage.mark.0.into(), stage.funding_rate.0.into()));
    }
}

/// Runs one scenario, audited after every round; what it showed.
fn run(world: &World, path: u64, shares: &mut Shares) -> Verdict {
    let failed = |e: perpcore::error::RunError| e.to_string();
    let recount = Recount::new(world, SEED, path, told(world, path)?);
    let mut simulation = Simulation::new(world, SEED, path, recount).map_err(failed)?;
    simulation.ignite().map_err(failed)?;
    audit(world, &simulation)?;
    let (mut rounds, mut quiet) = (0, false);
    while rounds < world.venue.max_rounds && !quiet {
        let best = [simulation.spot(), simulation.perp()].map(|book| Side::BOTH.map(|side| book.best(side)));
        simulation.trace_mut().look(best);
        quiet = !simulation.round().map_err(failed)?;
        rounds += 1;
        audit(world, &simulation)?;
    }
    let summary = simulation.summary(StopReason::Quiet).map_err(failed)?;
    let gross = simulation.trace().bad_debt;
    require(gross == i128::from(summary.totals.bad_debt.0), || format!("bad debt {gross}: {summary:?}"))?;
    let mut seen = simulation.trace().seen.clone();
    if world.settlement_price.is_some() {
        settle(world, path, simulation, &mut seen)?;
    } else {
        shown(&mut seen, "three rounds or more", rounds >= 3);
        let owed = seen.contains_key("a deficit") || seen.contains_key("relief");
        shown(&mut seen, "a deficit or relief", owed);
        shown(&mut seen, "a cut at the last round", !quiet);
        shown(&mut seen, "a hundred accounts or more", simulation.positions().len() >= NAMED + 100);
    }
    for what in seen.into_keys() {
        *shares.entry(what).or_default() += 1;
    }
    Ok(())
}

fn shown(seen: &mut BTreeMap<&'static str, u64>, what: &'static str, shown: bool) {
    if shown {
        seen.insert(what, 1);
    }
}

/// The same path at one go, to its settlement price: recounted from where the rounds ended.
fn settle(world: &World, path: u64, audited: Counted, seen: &mut BTreeMap<&'static str, u64>) -> Verdict {
    let Some(price) = world.settlement_price else { return Ok(()) };
    let failed = |e: perpcore::error::RunError| e.to_string();
    let mut recount = audited.into_trace();
    recount.settled = true;
    let mut simulation = Simulation::new(world, SEED, path, Arrived::default()).map_err(failed)?;
    let reason = simulation.run().map_err(failed)?;
    let summary = simulation.summary(reason).map_err(failed)?;
    let (ledger, positions) = (simulation.ledger().clone(), simulation.positions().to_vec());
    for (round, id, account) in simulation.into_trace().0 {
        recount.account(round, id, &account);
    }
    recount.settle_all(price.0.into());
    require(recount.failures.is_empty(), || recount.failures[0].clone())?;
    require(positions.len() == recount.held.len(), || "settled accounts nobody told of".into())?;
    for (id, (own, position)) in (0..).zip(recount.held.iter().zip(&positions)) {
        let cash = i128::from(ledger.balance(LedgerAccount::Trader(AccountId(id))).0);
        let bare = [position.qty.0, position.cost.0, position.margin.0] == [0; 3];
        require(bare && cash == own.cash && cash >= 0, || {
            format!("{id} settled: {cash} {own:?} {position:?}")
        })?;
    }
    for (account, own) in LedgerAccount::SYSTEM.into_iter().zip(recount.system) {
        let kept = i128::from(ledger.balance(account).0);
        require(kept == own, || format!("{account:?} settled: {kept}, recount {own}"))?;
    }
    require(ledger.sum() == 0 && recount.system[3] == 0, || "money is left in clearing".into())?;
    let gross = summary.totals.bad_debt;
    require(recount.bad_debt == i128::from(gross.0), || {
        format!("bad debt {gross:?}, not {}", recount.bad_debt)
    })?;
    seen.extend(recount.seen);
    Ok(())
}

/// Accounts that came into being, the last of them when everybody was settled.
#[derive(Default)]
struct Arrived(Vec<(u64, AccountId, Account)>);

impl Trace for Arrived {
    fn account(&mut self, round: u64, id: AccountId, account: &Account) {
        self.0.push((round, id, *account));
    }
}

/// What was shown, and what failed.
type Outcome = (Shares, Vec<String>);

fn run_all(seeds: std::ops::Range<u64>, draw: &(dyn Fn(u64) -> World + Sync)) -> Outcome {
    let (mut shares, mut failed) = Outcome::default();
    for seed in seeds {
        let whole = std::panic::AssertUnwindSafe(|| run(&draw(seed), seed % 3, &mut shares));
        match std::panic::catch_unwind(whole) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => failed.push(format!("scenario of seed {seed}: {why}")),
            Err(_) => failed.push(format!("scenario of seed {seed} panics")),
        }
    }
    (shares, failed)
}

/// All scenarios, on two threads; every one must hold.
fn run_both(venue: &str, count: u64, draw: &(dyn Fn(u64) -> World + Sync)) -> Shares {
    let (shares, failed) = std::thread::scope(|scope| {
        let first = scope.spawn(|| run_all(0..count / 2, draw));
        let (second, more) = run_all(count / 2..count, draw);
        let (mut all, mut failed) = first.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
        for (what, n) in second {
            *all.entry(what).or_default() += n;
        }
        failed.extend(more);
        (all, failed)
    });
    let some = &failed[..failed.len().min(12)];
    assert!(failed.is_empty(), "{venue}: {} of {count} scenarios fail, among them {some:#?}", failed.len());
    shares
}

#[test]
fn nothing_is_lost_under_random_rules() {
    let shares = run_both("random rules", SCENARIOS, &|seed| random_rules::draw(seed).1);
    println!("of {SCENARIOS} scenarios show {shares:#?}");
    let few = |&(what, least): &(&'static str, u64)| {
        let n = shares.get(what).copied().unwrap_or(0);
        (n < least).then(|| format!("{what}: {n}, not {least}"))
    };
    let missing: Vec<String> = EXERCISED.iter().filter_map(few).collect();
    assert!(missing.is_empty(), "of {SCENARIOS} scenarios show too few {missing:#?}");
}

#[test]
fn nothing_is_lost_under_any_preset() {
    let mut venues: BTreeMap<String, VenueSpec> = serde_json::from_str(VENUES).unwrap();
    venues.retain(|_, preset| preset.contract == ContractKind::Linear);
    assert_eq!(venues.len(), 5);
    let (many, mut missing) = (under_presets(), Vec::new());
    for (name, preset) in &venues {
        let shares = run_both(name, many, &|seed| random_rules::under(seed, preset).1);
        println!("under {name} {many} scenarios show {shares:#?}");
        let own = OF_ITS_OWN
            .iter()
            .filter(|(whose, ..)| whose == name)
            .map(|&(_, what, n)| (what, n * many / SCENARIOS));
        for (what, least) in UNDER_PRESETS.map(|what| (what, many / 100)).into_iter().chain(own) {
            let n = shares.get(what).copied().unwrap_or(0);
            if n < least {
                missing.push(format!("{name}, {what}: {n}"));
            }
        }
    }
    assert!(missing.is_empty(), "of {many} scenarios each show too few {missing:#?}");
}
