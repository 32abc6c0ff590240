//! Money, tokens and positions are conserved to the last unit, after every round of 10,000 random scenarios.

#[path = "common/auditor.rs"]
mod auditor;
#[path = "common/random_scenario.rs"]
mod random_scenario;

use auditor::Auditor;
use perpcore::engine::Simulation;
use perpcore::event::{LedgerAccount, Mechanism};
use perpcore::ids::AccountId;
use perpcore::units::{Side, Ticks};
use perpcore::world::World;
use std::collections::BTreeMap;

const SCENARIOS: u64 = 10_000;
const MAKER: usize = AccountId::MARKET_MAKER.index();
const DESK: usize = AccountId::TAKEOVER_DESK.index();
const NAMED: usize = AccountId::FIRST_AGENT.index();

/// What the scenarios must show, one in a hundred at least.
const EXERCISED: [&str; 20] = [
    "an account that came into being",
    "a selling ignition",
    "a liquidation",
    "a liquidation of a long",
    "a takeover",
    "a takeover after a partial fill",
    "a deficit",
    "a venue loss",
    "a stop",
    "a stop and a liquidation of one account in one round",
    "an absorption",
    "an unwind",
    "a hedge that sells",
    "a rebate",
    "a fee that is rounded",
    "the market maker liquidated",
    "spot exhausted",
    "a cut at the last round",
    "a hundred accounts or more",
    "a mark between the mids",
];

type Audited<'w> = Simulation<'w, Auditor<'w>>;
type Verdict = Result<(), String>;

fn require(holds: bool, text: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(text()) }
}

/// Everything DESIGN 3 calls always true, after a round.
fn audit(world: &World, simulation: &Audited) -> Verdict {
    let auditor = simulation.trace();
    require(auditor.failures.is_empty(), || auditor.failures[0].clone())?;
    balances(auditor, simulation)?;
    positions(auditor, simulation)?;
    solvency(auditor)?;
    tokens(world, auditor, simulation)?;
    hedges(world, auditor)?;
    nobody_forgotten(world, auditor)?;
    for (name, bid, ask) in [
        ("spot", simulation.spot().best(Side::Buy), simulation.spot().best(Side::Sell)),
        ("perp", simulation.perp().best(Side::Buy), simulation.perp().best(Side::Sell)),
    ] {
        let apart = bid.unwrap_or(Ticks(0)) < ask.unwrap_or(Ticks(i64::MAX));
        require(apart, || format!("{name} is crossed: {bid:?} {ask:?}"))?;
    }
    Ok(())
}

/// The ledger, the transfers and the auditor's own books agree in every account, and sum to zero.
fn balances(auditor: &Auditor, simulation: &Audited) -> Verdict {
    let ledger = simulation.ledger();
    let traders =
        (0..).map(|id| LedgerAccount::Trader(AccountId(id))).zip(auditor.held.iter().map(|own| own.cash));
    for (account, own) in traders.chain(LedgerAccount::SYSTEM.into_iter().zip(auditor.system)) {
        let kept = i128::from(ledger.balance(account).0);
        let replayed = auditor.replayed.get(&account.code()).copied().unwrap_or(0);
        require(kept == own && kept == replayed, || {
            format!("balance of {account:?}: ledger {kept}, transfers {replayed}, auditor {own}")
        })?;
    }
    require(ledger.sum() == 0, || format!("the ledger sums to {}", ledger.sum()))
}

/// Positions are the auditor's and sum to zero; clearing holds minus their costs; at any mark all that is owned is what
/// was deposited.
fn positions(auditor: &Auditor, simulation: &Audited) -> Verdict {
    let (mut qty, mut cost) = (0, 0);
    for (id, (position, own)) in simulation.positions().iter().zip(&auditor.held).enumerate() {
        let figures = [position.qty.0, position.cost.0, position.margin.0].map(i128::from);
        require(figures == [own.qty, own.cost, own.margin], || {
            format!("position of {id}: {position:?}, {own:?}")
        })?;
        qty += figures[0];
        cost += figures[1];
    }
    require(qty == 0, || format!("positions sum to {qty}"))?;
    let [outside, fees, fund, clearing, venue] = auditor.system;
    require(clearing == -cost, || format!("clearing {clearing}, open costs {cost}"))?;
    let mark = i128::from(simulation.mark().0);
    for mark in [1, 3 * mark + 7] {
        let equity =
            auditor.held.iter().map(|own| own.cash + auditor.value(mark, own.qty) - own.cost).sum::<i128>();
        let all = equity + fees + fund + venue;
        require(all == -outside, || format!("at {mark} all own {all}, deposited {}", -outside))?;
    }
    Ok(())
}

/// No balance is negative but the venue's loss, clearing, what came from outside, fees less rebates, and the market
/// maker's cross account while it is open. Margin lies within the balance; no position is left after a liquidation.
fn solvency(auditor: &Auditor) -> Verdict {
    let [_, _, fund, _, venue] = auditor.system;
    require(fund >= 0, || format!("insurance fund {fund}"))?;
    require(venue <= 0, || format!("venue loss {venue}"))?;
    for (id, own) in auditor.held.iter().enumerate() {
        require(own.cash >= 0 || (id == MAKER && own.qty != 0), || {
            format!("balance of {id} is negative: {own:?}")
        })?;
        let margin = own.margin >= 0 && (own.margin == 0 || own.qty != 0 && own.margin <= own.cash);
        require(margin, || format!("margin of {id}: {own:?}"))?;
        require(id != DESK || own.margin == own.cash, || {
            format!("the desk keeps more than margin: {own:?}")
        })?;
        if auditor.was_sent(id, Mechanism::Liquidation) {
            require(own.qty == 0 && own.margin == 0, || {
                format!("{id} is left with {own:?} after its liquidation")
            })?;
        }
    }
    Ok(())
}

fn tokens(world: &World, auditor: &Auditor, simulation: &Audited) -> Verdict {
    let mut sum = 0;
    for (id, own) in auditor.held.iter().enumerate() {
        let kept = simulation.tokens().get(id).map_or(0, |lots| i128::from(lots.0));
        require(kept == own.tokens && kept >= 0, || format!("tokens of {id}: {kept}, {own:?}"))?;
        sum += kept;
    }
    require(sum == i128::from(world.circulating.0), || format!("{sum} tokens of {:?}", world.circulating))
}

/// The market maker hedges no more than his share of what he sold, and has no more absorbed than the rest of it.
fn hedges(world: &World, auditor: &Auditor) -> Verdict {
    let [sold, hedged, absorbed] = auditor.dealt;
    let (n, d) = world.conversion.lot;
    let (share, one) = (i128::from(world.maker.hedge_ratio.0), 1_000_000_000);
    let target = sold * share * n / (d * one);
    let rest = sold - sold * share / one;
    let within = |part: i128, whole: i128| part.abs() <= whole.abs() && part * whole >= 0;
    require(within(hedged, target), || format!("hedged {hedged}, target {target}"))?;
    require(within(absorbed, rest), || format!("absorbed {absorbed} of {rest}"))
}

/// No more orders than the venue sends in a round; if it sent fewer, no named account that got none is due.
fn nobody_forgotten(world: &World, auditor: &Auditor) -> Verdict {
    let limit = world.venue.liquidations_per_round.unwrap_or(u64::MAX);
    require(auditor.now.orders <= limit, || {
        format!("{} orders in a round, {limit} allowed", auditor.now.orders)
    })?;
    if auditor.now.orders == limit {
        return Ok(());
    }
    let silent =
        |id: usize| ![Mechanism::Liquidation, Mechanism::Stop].iter().any(|&m| auditor.was_sent(id, m));
    for (id, own) in auditor.held.iter().enumerate().skip(NAMED) {
        require(!silent(id) || !auditor.due(id, own), || format!("{id} is due and got no order: {own:?}"))?;
    }
    Ok(())
}

/// Runs one scenario, audited after every round; what it showed.
fn run(seed: u64, shares: &mut Shares) -> Verdict {
    let (_, world) = random_scenario::draw(seed);
    let path = seed % 3;
    let auditor = Auditor::new(&world);
    let failed = |e: perpcore::error::RunError| e.to_string();
    let mut simulation = Simulation::new(&world, seed, path, auditor).map_err(failed)?;
    simulation.ignite().map_err(failed)?;
    audit(&world, &simulation)?;
    let (mut rounds, mut quiet) = (0, false);
    while rounds < world.venue.max_rounds && !quiet {
        let best = [simulation.spot(), simulation.perp()].map(|book| Side::BOTH.map(|side| book.best(side)));
        simulation.trace_mut().look(best);
        quiet = !simulation.round().map_err(failed)?;
        rounds += 1;
        audit(&world, &simulation)?;
    }
    let summary = simulation.summary(perpcore::engine::StopReason::Quiet).map_err(failed)?;
    let mut seen = simulation.trace().seen.clone();
    let maker = simulation.trace().held[MAKER];
    for (what, shown) in [
        ("a selling ignition", world.ignition.0 == Side::Sell),
        ("spot exhausted", summary.spot_exhausted),
        ("three rounds or more", rounds >= 3),
        ("a cut at the last round", !quiet),
        ("a hundred accounts or more", simulation.positions().len() >= NAMED + 100),
        ("a market maker in debt without a position", maker.qty == 0 && maker.cash < 0),
    ] {
        if shown {
            seen.insert(what);
        }
    }
    for what in seen {
        *shares.entry(what).or_default() += 1;
    }
    Ok(())
}

type Shares = BTreeMap<&'static str, u64>;

fn run_all(seeds: std::ops::Range<u64>) -> Shares {
    let mut shares = Shares::new();
    for seed in seeds {
        if let Err(why) = run(seed, &mut shares) {
            panic!("scenario of seed {seed}: {why}");
        }
    }
    shares
}

#[test]
fn nothing_is_lost_in_ten_thousand_random_scenarios() {
    let shares = std::thread::scope(|scope| {
        let first = scope.spawn(|| run_all(0..SCENARIOS / 2));
        let second = run_all(SCENARIOS / 2..SCENARIOS);
        let mut all = first.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
        for (what, n) in second {
            *all.entry(what).or_default() += n;
        }
        all
    });
    println!("of {SCENARIOS} scenarios show {shares:#?}");
    for what in EXERCISED {
        let n = shares.get(what).copied().unwrap_or(0);
        assert!(n >= SCENARIOS / 100, "{what}: shown by {n} of {SCENARIOS} scenarios, not one in a hundred");
    }
}
