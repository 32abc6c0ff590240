//! Whether the engines do the same, command by command; perpcore is what they are compared with.

use std::panic::{AssertUnwindSafe, catch_unwind};

use perpcore::book::{NewOrder, OrderKind, TimeInForce};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Side, Ticks};

use crate::engines::bourse::Bourse;
use crate::engines::matchcore::Matchcore;
#[cfg(feature = "orderbook-rs")]
use crate::engines::orderbook_rs::OrderbookRs;
use crate::engines::ours::Perpcore;
use crate::engines::{Engine, Rest, Traded};
use crate::flow::{Flow, Rng, Step};
use crate::work::{Command, Work, commands};

/// What an engine did with one command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Traded(Traded),
    Cancelled(bool),
}

/// Whether the last fill lies beyond the order's limit.
fn is_beyond(order: &NewOrder, traded: &Traded) -> bool {
    let (OrderKind::Limit { price, .. }, Some(last)) = (order.kind, traded.last) else { return false };
    let limit = price.0.unsigned_abs();
    if order.side == Side::Buy { last > limit } else { last < limit }
}

/// What an engine made of a flow.
pub struct Account {
    deeds: Vec<Deed>,
    pub filled: u64,
    pub beyond: usize,
    pub missed: usize,
    pub rest: Rest,
}

fn account<E: Engine>(flow: &Flow) -> Account {
    let (start, commands) = commands(flow, &E::NAMING);
    let mut engine = E::new();
    let mut account = Account {
        deeds: Vec::new(),
        filled: 0,
        beyond: 0,
        missed: 0,
        rest: Rest { bid: None, ask: None, lots: 0 },
    };
    for command in start.iter().chain(&commands) {
        account.deeds.push(match command {
            Command::Submit(order) => {
                let receipt = engine.submit(order);
                let traded = engine.traded(&receipt);
                account.filled += traded.lots;
                account.beyond += usize::from(is_beyond(order, &traded));
                Deed::Traded(traded)
            }
            Command::Cancel(id) => {
                let found = engine.cancel(*id);
                account.missed += usize::from(!found);
                Deed::Cancelled(found)
            }
        });
    }
    account.rest = engine.rest();
    account
}

/// A line of the table.
pub struct Check {
    pub flow: &'static str,
    pub package: &'static str,
    /// Without one: it panicked.
    pub account: Option<Account>,
    /// Commands that came out otherwise than in perpcore, and the first of them.
    pub differ: usize,
    pub first: Option<usize>,
    /// What rests at the end is what rests in perpcore's book.
    pub same_rest: bool,
}

type Run = fn(&Flow) -> Account;

const RUNS: &[(&str, Run)] = &[
    ("perpcore", account::<Perpcore>),
    ("matchcore", account::<Matchcore>),
    ("bourse-book", account::<Bourse<true>>),
    #[cfg(feature = "orderbook-rs")]
    ("orderbook-rs", account::<OrderbookRs>),
];

/// With a clock that never moves.
const STILL: &[(&str, Run)] = &[("perpcore", account::<Perpcore>), ("bourse-book", account::<Bourse<false>>)];

/// No cancels: three orders of up to 20 lots rest anywhere in 64,000 ticks, then one of up to 40 sweeps as far as its limit,
/// up to 4,000 ticks beyond the middle; what is left of it is cancelled.
fn limited(ops: usize) -> Flow {
    let mut rng = Rng(11);
    let step = |number| {
        let side = rng.side();
        let (way, most, tif) = match number % 4 {
            3 => (rng.below(4_000), 40, TimeInForce::Ioc),
            _ => (-1 - rng.below(32_000), 20, TimeInForce::Gtc),
        };
        let price = Ticks(10_000_000 + side.sign() * way);
        Step::Submit(NewOrder::limit(AccountId(8), side, price, Lots(1 + rng.below(most))).tif(tif))
    };
    Flow { start: Vec::new(), steps: (0..ops).map(step).collect() }
}

pub fn checks(ops: usize) -> Vec<Check> {
    let calm = Work::calm(ops).flow;
    let mut checks = compare("calm", &calm, RUNS);
    checks.extend(compare("sweeps", &Work::sweeps(ops).flow, RUNS));
    checks.extend(compare("sweeps to a limit", &limited(ops.min(100_000)), RUNS));
    checks.extend(compare("calm, all at one instant", &calm, STILL));
    checks
}

fn compare(name: &'static str, flow: &Flow, runs: &[(&'static str, Run)]) -> Vec<Check> {
    let ours = (runs[0].1)(flow);
    let peers = runs[1..].iter().map(|&(package, run)| {
        let account = catch_unwind(AssertUnwindSafe(|| run(flow))).ok();
        let deeds = account.as_ref().map_or(&[][..], |account| &account.deeds);
        let mut others = ours.deeds.iter().zip(deeds).enumerate().filter(|(_, (ours, its))| ours != its);
        let first = others.next().map(|(at, _)| at);
        let differ = usize::from(first.is_some()) + others.count();
        let same_rest = account.as_ref().is_some_and(|account| account.rest == ours.rest);
        Check { flow: name, package, account, differ, first, same_rest }
    });
    let peers: Vec<Check> = peers.collect();
    let own = Check {
        flow: name,
        package: "perpcore",
        account: Some(ours),
        differ: 0,
        first: None,
        same_rest: true,
    };
    std::iter::once(own).chain(peers).collect()
}
