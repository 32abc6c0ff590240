//! Money, tokens and positions are conserved to the last unit at every step of 1,000 random worlds in which all agents and
//! frictions take part, recounted by somebody who only sees the trace.

#[path = "common/lively.rs"]
mod lively;
#[path = "common/random_scenario.rs"]
#[allow(dead_code)]
mod random_scenario;

use std::collections::{BTreeMap, BTreeSet};

use perpcore::engine::{Simulation, Summary, Trace};
use perpcore::event::{Adl, Cause, LedgerAccount, Liquidation, Market, Mechanism, Trade, Transfer};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Quote, Side};
use perpcore::world::agents::{desk_account, venue_account};
use perpcore::world::{Account, Template, World};
use random_scenario::Dice;

const WORLDS: u64 = 1_000;
const SEED: u64 = 6;

/// What the worlds must show, and in how many at least.
const EXERCISED: [(&str, u64); 16] = [
    ("noise trades", 100),
    ("momentum trades", 100),
    ("holders sell", 50),
    ("arbitrage", 100),
    ("a crowd opens", 100),
    ("a crowd closes", 50),
    ("a hunter trades", 50),
    ("a whale trades", 100),
    ("a whale ignites", 100),
    ("an agent's order is hit", 100),
    ("an agent liquidated", 50),
    ("an account of a crowd liquidated", 50),
    ("collateral sold", 2),
    ("tokens unlocked", 100),
    ("a liquidation", 100),
    ("an agent deleveraged", 5),
];

/// Who sees only what happens.
#[derive(Default)]
struct Recount {
    qty: BTreeMap<u32, i128>,
    tokens: BTreeMap<u32, i128>,
    money: BTreeMap<i64, i128>,
    named: u32,
    seen: BTreeSet<&'static str>,
}

impl Recount {
    fn see(&mut self, what: &'static str, seen: bool) {
        if seen {
            self.seen.insert(what);
        }
    }

    fn hold(&mut self, account: AccountId, lots: i64) {
        *self.qty.entry(account.0).or_default() += i128::from(lots);
    }
}

impl Trace for Recount {
    fn account(&mut self, _: u64, id: AccountId, account: &Account) {
        // One of a crowd has traded already.
        if let Some(&held) = self.qty.get(&id.0) {
            assert_eq!(held, i128::from(account.position.qty.0), "the position of a new account");
            return;
        }
        self.hold(id, account.position.qty.0);
        self.hold(AccountId::REST_OF_MARKET, -account.position.qty.0);
    }

    fn trade(&mut self, _: u64, trade: &Trade) {
        let signed = trade.taker_side.sign() * trade.qty.0;
        assert!(trade.qty > Lots::ZERO && trade.price.0 > 0, "an odd trade {trade:?}");
        let held = self.qty.get(&trade.taker.0).copied().unwrap_or(0);
        let books = if trade.market == Market::Spot { &mut self.tokens } else { &mut self.qty };
        *books.entry(trade.taker.0).or_default() += i128::from(signed);
        *books.entry(trade.maker.0).or_default() -= i128::from(signed);
        let what = match trade.cause {
            Cause::Noise => "noise trades",
            Cause::Momentum => "momentum trades",
            Cause::Holders => "holders sell",
            Cause::Arbitrage => "arbitrage",
            Cause::Crowd if held.signum() * i128::from(signed) < 0 => "a crowd closes",
            Cause::Crowd => "a crowd opens",
            Cause::Hunting => "a hunter trades",
            Cause::Whale => "a whale trades",
            Cause::Collateral => "collateral sold",
            Cause::Liquidation => "a liquidation",
            _ => "another cause",
        };
        self.see(what, true);
        self.see("a whale ignites", trade.cause == Cause::Ignition && trade.taker >= AccountId::FIRST_AGENT);
        let agents = AccountId::FIRST_AGENT.0..self.named;
        self.see("an agent's order is hit", agents.contains(&trade.maker.0));
    }

    fn transfer(&mut self, _: u64, transfer: &Transfer) {
        assert!(transfer.amount > Quote::ZERO);
        *self.money.entry(transfer.from.code()).or_default() -= i128::from(transfer.amount.0);
        *self.money.entry(transfer.to.code()).or_default() += i128::from(transfer.amount.0);
    }

    fn liquidation(&mut self, _: u64, row: &Liquidation) {
        let to =
            if row.mechanism == Mechanism::Backstop { AccountId::VAULT } else { AccountId::TAKEOVER_DESK };
        let taken = row.position.0.signum() * row.taken_over_qty.0;
        self.hold(row.account, -taken);
        self.hold(to, taken);
        assert!(row.filled_qty.0 + row.taken_over_qty.0 + row.adl_qty.0 <= row.position.0.abs(), "{row:?}");
        let agents = AccountId::FIRST_AGENT.0..self.named;
        self.see("an agent liquidated", agents.contains(&row.account.0));
    }

    fn adl(&mut self, _: u64, adl: &Adl) {
        let closed = adl.position.0.signum() * adl.qty.0;
        self.hold(adl.account, -closed);
        self.hold(adl.against, closed);
        let agents = AccountId::FIRST_AGENT.0..self.named;
        self.see("an agent deleveraged", agents.contains(&adl.account.0));
    }
}

/// All that must hold after a step.
fn check(told: &str, run: &mut Simulation<'_, Recount>) {
    let world = run.world().clone();
    let steps = run.clock();
    let unlocked: i64 =
        world.unlocks.iter().filter(|unlock| unlock.step <= steps).map(|unlock| unlock.qty.0).sum();
    let tokens: i64 = run.tokens().iter().map(|lots| lots.0).sum();
    assert_eq!(tokens, world.circulating.0 + unlocked, "{told}: tokens");
    for (id, lots) in (0..).map(AccountId).zip(run.tokens()) {
        let unlocked = world.unlocks.iter().filter(|unlock| unlock.step <= steps);
        let unlocked = unlocked.filter(|unlock| unlock.holder.map_or(AccountId::HOLDERS, desk_account) == id);
        let came: i64 = unlocked.map(|unlock| unlock.qty.0).sum();
        let recounted = run.trace().tokens.get(&id.0).copied().unwrap_or(0) + i128::from(came);
        assert_eq!(recounted, i128::from(lots.0), "{told}: tokens of {id:?}");
    }
    run.trace_mut().see("tokens unlocked", unlocked > 0);
    let seen = run.trace();
    let (mut qty, mut cost) = (0_i128, 0_i128);
    for (id, position) in (0..).map(AccountId).zip(run.positions()) {
        let recounted = seen.qty.get(&id.0).copied().unwrap_or(0);
        assert_eq!(recounted, i128::from(position.qty.0), "{told}: position of {id:?}");
        qty += i128::from(position.qty.0);
        cost += i128::from(position.cost.0);
        let cash = i128::from(run.ledger().cash(id).0);
        let recounted = seen.money.get(&i64::from(id.0)).copied().unwrap_or(0);
        assert_eq!(recounted, cash, "{told}: balance of {id:?}");
        if id >= world.named {
            assert!(
                position.margin.0 >= 0 && cash >= i128::from(position.margin.0),
                "{told}: margin of {id:?}"
            );
        }
        assert!(position.qty != Lots::ZERO || position.cost == Quote::ZERO, "{told}: {id:?}");
    }
    assert_eq!(qty, 0, "{told}: positions");
    for account in LedgerAccount::SYSTEM {
        let recounted = seen.money.get(&account.code()).copied().unwrap_or(0);
        assert_eq!(recounted, i128::from(run.ledger().balance(account).0), "{told}: {account:?}");
    }
    assert_eq!(run.ledger().sum(), 0, "{told}: money");
    assert_eq!(i128::from(run.ledger().balance(LedgerAccount::Clearing).0), -cost, "{told}: clearing");
    agents(told, &world, run);
    for book in [run.spot(), run.perp()] {
        let crossed = book.best(Side::Buy).zip(book.best(Side::Sell)).is_some_and(|(bid, ask)| bid >= ask);
        assert!(!crossed, "{told}: a crossed book");
    }
}

/// Nobody owes but who may; nobody offers what it has not.
fn agents(told: &str, world: &World, run: &Simulation<'_, Recount>) {
    for (number, agent) in world.agents.iter().enumerate() {
        let (venue, desk) = (venue_account(number), desk_account(number));
        let (cash, position) = (run.ledger().cash(venue), &run.positions()[venue.index()]);
        assert!(position.margin == Quote::ZERO, "{told}: {} has margin set aside", agent.name);
        let owes = cash < Quote::ZERO && (agent.capital.is_none() || position.qty == Lots::ZERO);
        assert!(!owes, "{told}: {} owes {cash:?}", agent.name);
        assert!(run.ledger().cash(desk) >= Quote::ZERO, "{told}: the desk of {} owes", agent.name);
        assert!(run.positions()[desk.index()].qty == Lots::ZERO, "{told}: a desk has a position");
        let mut resting = Vec::new();
        for (market, book, owner) in [(Market::Spot, run.spot(), desk), (Market::Perp, run.perp(), venue)] {
            for side in [Side::Buy, Side::Sell] {
                resting.clear();
                book.orders(side, &mut resting);
                let own = resting.iter().filter(|(_, order)| order.owner == owner);
                let rests = Lots(own.map(|(_, order)| order.remaining.0).sum());
                let offered = run.offered(number, market, side);
                assert_eq!(offered, rests, "{told}: what {} offers on a side of {market:?}", agent.name);
            }
        }
        let (asks, tokens) = (run.offered(number, Market::Spot, Side::Sell), run.tokens()[desk.index()]);
        assert!(asks <= tokens, "{told}: {} offers {asks:?} of {tokens:?}", agent.name);
    }
}

fn summary<T: Trace>(run: &mut Simulation<'_, T>) -> Summary {
    let reason = run.run().unwrap();
    run.summary(reason).unwrap()
}

#[test]
fn agents_conserve_money_tokens_and_positions() {
    let mut dice = Dice::new(SEED);
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut done, mut refused) = (0, 0);
    while done < WORLDS {
        let json = lively::lively(&mut dice).to_string();
        let template = match Template::read(&json) {
            Ok(template) => template,
            Err(error) => {
                refused += 1;
                assert!(refused < WORLDS, "too many are refused, the last for {error}");
                continue;
            }
        };
        let world = template.world(SEED, done).unwrap();
        let told = format!("world {done}: {json}");
        let recount = Recount { named: world.named.0, ..Recount::default() };
        let mut run = Simulation::new(&world, SEED, done, recount).unwrap();
        let came_with = run.tokens().to_vec();
        run.trace_mut().tokens = (0..).zip(came_with.iter().map(|lots| i128::from(lots.0))).collect();
        run.begin_time().unwrap();
        for _ in 0..world.steps.unwrap().count {
            run.step().unwrap_or_else(|error| panic!("{told}: {error}"));
            check(&told, &mut run);
        }
        let last = run.summary(perpcore::engine::StopReason::Horizon).unwrap();
        for what in &run.trace().seen {
            *seen.entry(what).or_default() += 1;
        }
        let named = world.named;
        let crowd = run.trace().qty.keys().any(|&id| id >= named.0) && last.totals.liquidated_accounts > 0;
        *seen.entry("an account of a crowd liquidated").or_default() += u64::from(crowd);
        let mut untraced = Simulation::new(&world, SEED, done, ()).unwrap();
        assert_eq!(summary(&mut untraced), last, "{told}: untraced");
        untraced.restart(done).unwrap();
        assert_eq!(summary(&mut untraced), last, "{told}: again in the same memory");
        let mut eager = Simulation::new(&world, SEED, done, ()).unwrap().eager().unwrap();
        assert_eq!(summary(&mut eager), last, "{told}: eager");
        done += 1;
    }
    for (what, least) in EXERCISED {
        let times = seen.get(what).copied().unwrap_or(0);
        assert!(times >= least, "{what}: in {times} worlds of {WORLDS}, not {least}; seen {seen:?}");
    }
}
