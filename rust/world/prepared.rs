//! Everybody whom a scenario names, built; where accounts are given as columns, once: the last few are kept, whoever asks for
//! them again.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use rust_decimal::Decimal;

use super::accounts::{self, Batch, MAX_ACCOUNTS};
use super::check::Check;
use super::rows::{self, Rows};
use super::scenario::{MarginMode, PositionsSpec};
use super::solve::Terms;
use super::{Fixed, Given, Population, Scenario, population};
use crate::ids::AccountId;
use crate::margin::{Contract, MarginRule};
use crate::units::Ticks;

/// How many are kept when nobody uses them: a million accounts take some 80 MB.
const KEPT: usize = 2;

/// All that accounts follow from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    grid: [Decimal; 3],
    start: Ticks,
    contract: Contract,
    rule: MarginRule,
    modes: Vec<MarginMode>,
    named: AccountId,
    positions: Vec<PositionsSpec>,
}

impl Key {
    /// `None` where no accounts are given as columns: the rest is built as fast as it is compared.
    pub fn of(
        terms: &Terms<'_>,
        modes: &[MarginMode],
        named: AccountId,
        positions: &[PositionsSpec],
    ) -> Option<Key> {
        positions.iter().any(|spec| matches!(spec, PositionsSpec::Accounts(_))).then(|| Key {
            grid: [terms.tick_size, terms.lot_size, terms.step],
            start: terms.start,
            contract: terms.contract,
            rule: terms.rule.clone(),
            modes: modes.to_vec(),
            named,
            positions: positions.to_vec(),
        })
    }
}

/// What comes of them: immutable, shared by all paths and threads.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub fixed: Arc<Fixed>,
    pub populations: Arc<[Population]>,
}

/// The last used first.
static LAST: Mutex<VecDeque<(Key, Prepared)>> = Mutex::new(VecDeque::new());

/// What was kept of this key.
pub(super) fn find(key: &Key) -> Option<Prepared> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let at = last.iter().position(|(known, _)| known == key)?;
    let found = last.remove(at)?;
    last.push_front(found);
    last.front().map(|(_, prepared)| prepared.clone())
}

/// Keeps it in place of the one that was not asked for longest.
pub(super) fn keep(key: Key, prepared: Prepared) {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    last.push_front((key, prepared));
    last.truncate(KEPT);
}

/// Everybody whom the scenario names; `None` if anything is wrong with them.
pub(super) fn build(
    check: &mut Check,
    scenario: &Scenario,
    terms: &Terms<'_>,
    named: AccountId,
    stop: &AtomicBool,
) -> Option<Prepared> {
    let mut room = MAX_ACCOUNTS;
    let (mut fixed, mut given, mut populations) = (Vec::new(), Vec::new(), Vec::new());
    for (index, spec) in scenario.positions.iter().enumerate() {
        backed(check, index, spec, &scenario.venue.margin_modes);
        let batch = match spec {
            PositionsSpec::Ladder(ladder) => accounts::build(check, index, ladder, terms, room),
            PositionsSpec::Population(spec) => population::build(check, index, spec, terms).map(Batch::Cells),
            PositionsSpec::Accounts(spec) => {
                rows::build(check, index, spec, terms, room, stop).map(|Rows { accounts, rows }| {
                    given.push(Given { entry: index, first: fixed.len(), rows });
                    Batch::Fixed(accounts)
                })
            }
        };
        let Some(batch) = batch else { continue };
        room = room.saturating_sub(batch.kept());
        match batch {
            Batch::Fixed(accounts) => fixed.extend(accounts),
            Batch::Cells(population) => populations.push(population),
        }
    }
    let fixed = Fixed::new(fixed, given, named);
    let fits = fixed.is_ok();
    check.require(fits, "positions", "their sum", "sums below 2^63 quote steps");
    let prepared = Prepared { fixed: Arc::new(fixed.ok()?), populations: populations.into() };
    check.found.problems.is_empty().then_some(prepared)
}

/// Whether the venue has the margin that accounts stand on: those of a population are isolated.
fn backed(check: &mut Check, index: usize, spec: &PositionsSpec, modes: &[MarginMode]) {
    let (name, mode) = match spec {
        PositionsSpec::Ladder(ladder) => ("margin_mode", ladder.margin_mode),
        PositionsSpec::Accounts(accounts) => ("margin_mode", accounts.margin_mode),
        PositionsSpec::Population(_) => ("kind", MarginMode::Isolated),
    };
    let given = if name == "kind" { "a distribution of isolated accounts" } else { mode.name() };
    let allowed = format!("one of the venue's margin_modes, {}", MarginMode::list(modes));
    check.require(modes.contains(&mode), &format!("positions[{index}].{name}"), given, &allowed);
}
