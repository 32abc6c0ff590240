//! Real accounts, given as columns: each is solved by the rule itself, then all are numbered as a mark would reach them.

#![allow(clippy::cast_possible_truncation)]

use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::accounts::MAX_ACCOUNTS;
use super::check::{Check, MAX_LOTS, MAX_MONEY, MAX_TICKS, double};
use super::columns::Column;
use super::scenario::{AccountsSpec, MarginMode};
use super::solve::{Account, Backing, Fraction, Holding, Terms, solve};
use crate::margin::Way;
use crate::units::{Lots, Quote, Rate, Ticks};

/// Problems that are told one by one.
const TOLD: usize = 5;
/// Rows between two looks at the interrupt flag.
const PATIENCE: usize = 4096;
/// Parts of a tick that prices off the grid are kept to.
const PARTS: i128 = 1_000_000;

/// Accounts in the order of their numbers, and the row each was given in.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub accounts: Vec<Account>,
    pub rows: Vec<u32>,
}

/// Builds entry `index`; what is wrong with it goes to `check`.
pub(super) fn build(
    check: &mut Check,
    index: usize,
    spec: &AccountsSpec,
    terms: &Terms<'_>,
    room: u64,
    stop: &AtomicBool,
) -> Option<Rows> {
    let field = format!("positions[{index}]");
    let table = Table::read(check, &field, spec)?;
    if table.rows as u64 > room {
        let allowed = format!("at most {MAX_ACCOUNTS} accounts in all");
        check.found.push(field, format!("{} accounts", table.rows), allowed);
        return None;
    }
    let reader = Reader { table: &table, terms, units: Units::of(terms) };
    let parts = reader.parts(stop);
    if stop.load(Ordering::Relaxed) {
        check.found.push(field, "accounts half read", "no interrupt");
        return None;
    }
    let misfits: usize = parts.iter().map(|part| part.misfits).sum();
    for (row, (name, value, allowed)) in parts.iter().flat_map(|part| &part.told).take(TOLD) {
        let name = if name.is_empty() { String::new() } else { format!(".{name}") };
        check.found.push(format!("{field}{name}[{row}]"), value, allowed.as_str());
    }
    if misfits > 1 {
        let value = format!("{misfits} of {} rows", table.rows);
        check.found.push(field, value, "rows that can be accounts; the first that cannot are named above");
    }
    if misfits > 0 {
        return None;
    }
    let accounts: Vec<Account> = parts.into_iter().flat_map(|part| part.accounts).collect();
    Some(in_order(&accounts))
}

/// Numbers the accounts as a mark would reach them, shorts first: so those that burn together lie together in memory.
fn in_order(accounts: &[Account]) -> Rows {
    let mut order: Vec<(bool, i64, u32)> = (0u32..)
        .zip(accounts)
        .map(|(row, account)| {
            let way = Way::of(&account.position);
            let first = account.liquidation.into_iter().chain(account.stop);
            let nearest = first.map(|tick| way.distance(Ticks::ZERO, tick)).min();
            (way == Way::Down, nearest.unwrap_or(i64::MAX), row)
        })
        .collect();
    order.sort_unstable();
    Rows {
        accounts: order.iter().map(|&(.., row)| accounts[row as usize]).collect(),
        rows: order.iter().map(|&(.., row)| row).collect(),
    }
}

/// The columns of an entry, of equal length or one number for all.
struct Table {
    rows: usize,
    side: Arc<Column>,
    qty: Arc<Column>,
    entry_price: Option<Arc<Column>>,
    liquidation_price: Option<Arc<Column>>,
    leverage: Option<Arc<Column>>,
    margin: Option<Arc<Column>>,
    wallet: Option<Arc<Column>>,
    stop_price: Option<Arc<Column>>,
}

impl Table {
    fn read(check: &mut Check, field: &str, spec: &AccountsSpec) -> Option<Table> {
        let before = check.found.problems.len();
        let mut longest = 0;
        let mut lengths = Vec::new();
        let mut column = |check: &mut Check, name: &'static str, digest: &str| {
            let found = Column::find(digest);
            let path = format!("{field}.{name}");
            check.require(found.is_some(), &path, digest, "the digest of a column that this process holds");
            let rows = found.as_ref().map_or(1, |column| column.values.len());
            longest = longest.max(rows);
            lengths.push((path, rows));
            found
        };
        let mut of = |check: &mut Check, name, digest: &Option<String>| {
            digest.as_ref().and_then(|digest| column(check, name, digest))
        };
        let side = of(check, "side", &Some(spec.side.clone()));
        let qty = of(check, "qty", &Some(spec.qty.clone()));
        let entry_price = of(check, "entry_price", &spec.entry_price);
        let liquidation_price = of(check, "liquidation_price", &spec.liquidation_price);
        let leverage = of(check, "leverage", &spec.leverage);
        let margin = of(check, "margin", &spec.margin);
        let wallet = of(check, "wallet", &spec.wallet);
        let stop_price = of(check, "stop_price", &spec.stop_price);
        for (path, rows) in lengths {
            let allowed = format!("{longest} rows as other columns, or one number for all");
            check.require(rows == longest || rows == 1, &path, format!("{rows} rows"), &allowed);
        }
        let backings =
            [("liquidation_price", &liquidation_price), ("leverage", &leverage), ("margin", &margin)];
        let given: Vec<&str> = backings.iter().filter(|(_, c)| c.is_some()).map(|&(name, _)| name).collect();
        let said = if given.is_empty() { "none of them".to_owned() } else { given.join(" and ") };
        let allowed = "exactly one of liquidation_price, leverage and margin";
        check.require(given.len() == 1, field, said, allowed);
        let apt = spec.margin_mode == MarginMode::Cross && liquidation_price.is_none();
        let allowed = "none, unless margin_mode is cross and leverage or margin is given";
        check.require(wallet.is_none() || apt, &format!("{field}.wallet"), "a wallet", allowed);
        let (side, qty) = (side?, qty?);
        (check.found.problems.len() == before).then_some(Table {
            rows: longest,
            side,
            qty,
            entry_price,
            liquidation_price,
            leverage,
            margin,
            wallet,
            stop_price,
        })
    }
}

/// A row's number in a column.
fn at(column: &Column, row: usize) -> f64 {
    // One number stands for all.
    column.values[if column.values.len() == 1 { 0 } else { row }]
}

/// A field, what it has, what is allowed.
type Told = (&'static str, String, String);

/// The grid in doubles.
struct Units {
    tick: f64,
    lot: f64,
    step: f64,
}

impl Units {
    fn of(terms: &Terms<'_>) -> Units {
        Units { tick: double(terms.tick_size), lot: double(terms.lot_size), step: double(terms.step) }
    }
}

struct Reader<'a> {
    table: &'a Table,
    terms: &'a Terms<'a>,
    units: Units,
}

/// Rows, read one after the other.
#[derive(Default)]
struct Part {
    accounts: Vec<Account>,
    /// Rows that are none.
    misfits: usize,
    /// What is wrong with the first of them.
    told: Vec<(usize, Told)>,
}

impl Reader<'_> {
    /// All rows, cut into a part for each thread there may be; not all of them once `stop` is set.
    fn parts(&self, stop: &AtomicBool) -> Vec<Part> {
        let rows = self.table.rows;
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(rows / PATIENCE + 1);
        let size = rows.div_ceil(threads);
        let starts = (0..rows).step_by(size);
        thread::scope(|scope| {
            let part = |from: usize| scope.spawn(move || self.part(from..rows.min(from + size), stop));
            let running: Vec<_> = starts.map(part).collect();
            let joined =
                running.into_iter().map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
            joined.collect()
        })
    }

    fn part(&self, rows: Range<usize>, stop: &AtomicBool) -> Part {
        let mut part = Part { accounts: Vec::with_capacity(rows.len()), ..Part::default() };
        for row in rows {
            if row % PATIENCE == 0 && stop.load(Ordering::Relaxed) {
                break;
            }
            match self.account(row) {
                Ok(account) => part.accounts.push(account),
                Err(found) => {
                    part.misfits += 1;
                    part.told.extend(found.into_iter().map(|told| (row, told)).take(TOLD - part.told.len()));
                }
            }
        }
        part
    }

    fn account(&self, row: usize) -> Result<Account, Vec<Told>> {
        let holding = self.holding(row).map_err(|told| vec![told])?;
        solve(&holding, self.terms).map_err(|misfits| {
            let told =
                |(name, value, allowed): (Option<&'static str>, _, _)| (name.unwrap_or(""), value, allowed);
            misfits.iter().map(|misfit| told(misfit.said(&holding, self.terms))).collect()
        })
    }

    fn holding(&self, row: usize) -> Result<Holding, Told> {
        let Reader { table, terms, units } = self;
        let sign = match at(&table.side, row) {
            1.0 => 1,
            -1.0 => -1,
            other => return Err(("side", other.to_string(), "1, long, or -1, short".to_owned())),
        };
        let qty = Lots(whole("qty", at(&table.qty, row), units.lot, 1, MAX_LOTS)?);
        let start = (terms.start.0.into(), 1);
        let price = |name, column: &Option<Arc<Column>>| {
            column.as_ref().map(|column| self.price(name, at(column, row))).transpose()
        };
        let entry = price("entry_price", &table.entry_price)?.unwrap_or(start);
        let backing = if let Some(price) = price("liquidation_price", &table.liquidation_price)? {
            Backing::Liquidation(price)
        } else if let Some(column) = &table.leverage {
            Backing::Leverage((
                whole("leverage", at(column, row), 1e-9, 1, 1 << 50)?.into(),
                Rate::ONE.into(),
            ))
        } else {
            let margin = table.margin.as_ref().map_or(f64::NAN, |column| at(column, row));
            Backing::Margin(Quote(whole("margin", margin, units.step, 1, MAX_MONEY)?))
        };
        let wallet = table.wallet.as_ref().map_or(0.0, |column| at(column, row));
        let wallet = Quote(whole("wallet", wallet, units.step, 0, MAX_MONEY)?);
        let stop = table.stop_price.as_ref().map(|column| at(column, row)).filter(|stop| !stop.is_nan());
        let stop = stop.map(|stop| self.price("stop_price", stop)).transpose()?;
        Ok(Holding { sign, qty, entry, backing, wallet, stop })
    }

    /// A price in ticks, to a millionth of one; what is a whole number but for the rounding of doubles is one.
    fn price(&self, name: &'static str, price: f64) -> Result<Fraction, Told> {
        let ticks = price / self.units.tick;
        #[allow(clippy::cast_precision_loss)]
        let most = MAX_TICKS as f64;
        let near = ticks.round();
        if near >= 1.0 && near <= most && (ticks - near).abs() <= near * 4.0 * f64::EPSILON {
            return Ok((near as i128, 1));
        }
        #[allow(clippy::cast_precision_loss)]
        let parts = (ticks * PARTS as f64).round();
        // Not a number is not within bounds.
        if !(parts >= 1.0 && ticks <= most) {
            let (least, most) = (self.units.tick / 1e6, self.units.tick * most);
            return Err((name, price.to_string(), format!("a price from {least} to {most}")));
        }
        Ok((parts as i128, PARTS))
    }
}

/// The nearest whole number of units, halves away from zero, within bounds.
#[allow(clippy::cast_precision_loss)]
fn whole(name: &'static str, value: f64, unit: f64, least: i64, most: i64) -> Result<i64, Told> {
    let units = (value / unit).round();
    if units >= least as f64 && units <= most as f64 {
        return Ok(units as i64);
    }
    let (least, most) = (least as f64 * unit, most as f64 * unit);
    Err((
        name,
        value.to_string(),
        format!("a number from {least} to {most}, rounded to whole multiples of {unit}"),
    ))
}
