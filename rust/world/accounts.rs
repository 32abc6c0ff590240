//! The fuel: ladders of positions, expanded into accounts.

use rust_decimal::Decimal;

use super::check::{Check, MAX_LOTS, ratio};
use super::population::Population;
use super::scenario::{Ladder, MarginMode, Placement, PositionSide, Spread};
use super::solve::{Account, Backing, Fraction, Holding, Terms, solve};
use crate::units::{Lots, Quote, Ticks, div_ceil, gcd};

/// Most accounts that a scenario names: built in some 0.3 s, within which nothing can interrupt.
pub const MAX_ACCOUNTS: u64 = 1_000_000;

/// A ladder, checked.
#[derive(Clone, Debug)]
pub(super) enum Batch {
    /// The same in every path.
    Fixed(Vec<Account>),
    /// Drawn per path, cell by cell.
    Cells(Population),
}

impl Batch {
    /// How many accounts must be kept from the start on.
    pub fn kept(&self) -> u64 {
        match self {
            Batch::Fixed(accounts) => accounts.len() as u64,
            Batch::Cells(_) => 0,
        }
    }
}

/// Account `i` of `n`, spread evenly: `from + (2i + 1)(to - from) / 2n`.
#[derive(Clone, Copy)]
struct Even {
    from: i128,
    to: i128,
    denominator: i128,
}

impl Even {
    fn read(check: &mut Check, field: &str, spread: Spread, unit: Decimal) -> Option<Even> {
        let (a, b) = ends(spread);
        let read = || {
            let ((n1, d1), (n2, d2)) = (ratio(a, unit)?, ratio(b, unit)?);
            // Bounded before it is multiplied: 2^62 ticks with 40 bits of fraction leave room for size and rate.
            (d1 < 1 << 40 && d2 < 1 << 40 && n1 < 1 << 62 && n2 < 1 << 62).then_some(())?;
            let denominator = d1.checked_mul(d2 / gcd(d1, d2))?;
            let even = Even { from: n1 * (denominator / d1), to: n2 * (denominator / d2), denominator };
            let fits = |x: i128| x > 0 && x < 1 << 62;
            (fits(even.from) && fits(even.to) && denominator < 1 << 40).then_some(even)
        };
        let even = read();
        check.require(
            even.is_some(),
            field,
            show(spread),
            "positive, with no more digits than the grid needs",
        );
        even
    }

    fn at(&self, i: i128, n: i128) -> Fraction {
        if self.from == self.to {
            return (self.from, self.denominator);
        }
        (self.from * 2 * n + (2 * i + 1) * (self.to - self.from), 2 * n * self.denominator)
    }
}

const fn ends(spread: Spread) -> (Decimal, Decimal) {
    match spread {
        Spread::One(x) => (x, x),
        Spread::Range([a, b]) => (a, b),
    }
}

fn show(spread: Spread) -> String {
    match spread {
        Spread::One(x) => x.to_string(),
        Spread::Range([a, b]) => format!("[{a}, {b}]"),
    }
}

/// Builds ladder `index`; what is wrong with it goes to `check`.
pub(super) fn build(
    check: &mut Check,
    index: usize,
    ladder: &Ladder,
    terms: &Terms<'_>,
    room: u64,
) -> Option<Batch> {
    let field = format!("positions[{index}]");
    let path = |name: &str| format!("{field}.{name}");
    let before = check.found.problems.len();
    let sign = if ladder.side == PositionSide::Long { 1 } else { -1 };

    let entry =
        ladder.entry_price.map_or(terms.start, |p| check.price(&path("entry_price"), p, terms.tick_size));
    let lump = ladder.lump.map(|q| check.qty(&path("lump"), q, terms.lot_size, 1));
    let one_of = ladder.liquidation_price.is_some() != ladder.leverage.is_some();
    let given = if ladder.leverage.is_some() {
        "both liquidation_price and leverage"
    } else {
        "neither liquidation_price nor leverage"
    };
    check.require(one_of, &field, given, "exactly one of the two");
    let liquidation = ladder
        .liquidation_price
        .and_then(|s| Even::read(check, &path("liquidation_price"), s, terms.tick_size));
    let leverage = ladder.leverage.and_then(|s| Even::read(check, &path("leverage"), s, Decimal::ONE));
    let stop = ladder.stop_price.and_then(|s| Even::read(check, &path("stop_price"), s, terms.tick_size));
    let wallet = wallet(check, &field, ladder, terms);
    let size = size(check, &field, ladder, terms, lump);
    if check.found.problems.len() > before {
        return None;
    }
    let (total, lump) = size?;
    let count = div_ceil(i128::from(total.0), i128::from(lump.0));
    if u64::try_from(count).is_ok_and(|n| n > room) {
        check.found.push(
            path("lump"),
            lump_text(lump, terms),
            format!("at most {MAX_ACCOUNTS} accounts in all; this ladder alone has {count}"),
        );
        return None;
    }
    let plan = Plan { field, sign, entry, liquidation, leverage, stop, wallet };
    match ladder.placement {
        Placement::Even => even(check, &plan, terms, total, lump, count),
        Placement::Poisson => scattered(check, &plan, ladder, terms, total, lump, index),
    }
}

fn lump_text(lump: Lots, terms: &Terms<'_>) -> Decimal {
    Decimal::from(lump.0) * terms.lot_size
}

/// What all accounts of a ladder have in common.
struct Plan {
    field: String,
    sign: i64,
    entry: Ticks,
    liquidation: Option<Even>,
    leverage: Option<Even>,
    stop: Option<Even>,
    /// Money behind the position besides its margin.
    wallet: Quote,
}

/// What a cross account has besides the margin of its position.
fn wallet(check: &mut Check, field: &str, ladder: &Ladder, terms: &Terms<'_>) -> Quote {
    let path = format!("{field}.wallet");
    let wallet = check.money(&path, ladder.wallet, terms.step);
    let apt = ladder.margin_mode == MarginMode::Cross && ladder.leverage.is_some();
    let allowed = "0, unless margin_mode is cross and leverage is given";
    check.require(wallet == Quote::ZERO || apt, &path, ladder.wallet, allowed);
    wallet
}

/// Total and lump, in lots.
fn size(
    check: &mut Check,
    field: &str,
    ladder: &Ladder,
    terms: &Terms<'_>,
    lump: Option<Lots>,
) -> Option<(Lots, Lots)> {
    match (ladder.qty, ladder.notional) {
        (Some(qty), None) => {
            let total = check.qty(&format!("{field}.qty"), qty, terms.lot_size, 1);
            Some((total, lump.unwrap_or(total)))
        }
        (None, Some(notional)) => {
            let Some(lump) = lump else {
                check.found.push(format!("{field}.lump"), "none", "a notional is cut into lumps: give one");
                return None;
            };
            let two = Decimal::TWO;
            let price = match ladder.liquidation_price.map(ends) {
                _ if terms.contract.is_inverse() => Decimal::ONE,
                Some((from, to)) => (from + to) / two,
                None => ladder.entry_price.unwrap_or(Decimal::from(terms.start.0) * terms.tick_size),
            };
            let lumps = price
                .checked_mul(lump_text(lump, terms))
                .and_then(|value| ratio(notional, value))
                .map(|(n, d)| (2 * n + d).div_euclid(2 * d).max(1))
                .and_then(|n| i64::try_from(n).ok()?.checked_mul(lump.0))
                .filter(|&lots| notional > Decimal::ZERO && lots <= MAX_LOTS);
            if lumps.is_none() {
                check.found.push(
                    format!("{field}.notional"),
                    notional,
                    format!("more than 0, at most {MAX_LOTS} lots"),
                );
            }
            lumps.map(|lots| (Lots(lots), lump))
        }
        _ => {
            let given =
                if ladder.qty.is_some() { "both qty and notional" } else { "neither qty nor notional" };
            check.found.push(field, given, "exactly one of the two");
            None
        }
    }
}

fn even(
    check: &mut Check,
    plan: &Plan,
    terms: &Terms<'_>,
    total: Lots,
    lump: Lots,
    count: i128,
) -> Option<Batch> {
    let n = i64::try_from(count).ok()?;
    let mut accounts: Vec<Account> = Vec::with_capacity(usize::try_from(count).ok()?);
    let alike = [plan.liquidation, plan.leverage, plan.stop].iter().flatten().all(|e| e.from == e.to);
    for i in 0..n {
        let qty = if i + 1 < n { lump } else { Lots(total.0 - (n - 1) * lump.0) };
        let same = accounts.last().filter(|before| alike && before.position.qty.abs() == qty);
        let account = match same {
            Some(before) => *before,
            None => {
                let at = |even: Even| even.at(i128::from(i), count);
                account(
                    check,
                    plan,
                    terms,
                    qty,
                    plan.liquidation.map(at),
                    plan.leverage.map(at),
                    plan.stop.map(at),
                )?
            }
        };
        accounts.push(account);
    }
    Some(Batch::Fixed(accounts))
}

#[allow(clippy::cast_precision_loss)]
fn scattered(
    check: &mut Check,
    plan: &Plan,
    ladder: &Ladder,
    terms: &Terms<'_>,
    total: Lots,
    lump: Lots,
    index: usize,
) -> Option<Batch> {
    let field = format!("{}.placement", plan.field);
    let range = plan.liquidation.filter(|e| e.from < e.to).and_then(|e| ticks_between(&e, plan.sign < 0));
    let (Some((first, ticks)), None, true) = (range, plan.stop, ladder.lump.is_some()) else {
        let allowed = "with a lump, no stop_price, and liquidation_price = [low, high] with a tick between";
        check.found.push(field, "poisson", allowed);
        return None;
    };
    let step = -plan.sign;
    let mean = total.0 as f64 / lump.0 as f64 / ticks as f64;
    if mean > 100.0 || u64::try_from(ticks).is_ok_and(|n| n > MAX_ACCOUNTS) {
        check.found.push(
            field,
            format!("{mean} accounts a tick on {ticks} ticks"),
            "at most 100 a tick, on a million ticks in all",
        );
        return None;
    }
    let by_tick = (0..ticks)
        .map(|k| account(check, plan, terms, lump, Some((i128::from(first + k * step), 1)), None, None))
        .collect::<Option<Vec<_>>>()?;
    Some(Batch::Cells(Population::alike(index, Ticks(first), step, mean, by_tick)))
}

/// The first tick and the number of ticks `t` with `from < t <= to` for shorts, `from <= t < to` for longs, walking away
/// from the start price.
fn ticks_between(range: &Even, short: bool) -> Option<(i64, i64)> {
    let d = range.denominator;
    let (first, last) = if short {
        (range.from.div_euclid(d) + 1, range.to.div_euclid(d))
    } else {
        (div_ceil(range.to, d) - 1, div_ceil(range.from, d))
    };
    let count = if short { last - first } else { first - last } + 1;
    Some((i64::try_from(first).ok()?, i64::try_from(count).ok().filter(|&n| n > 0)?))
}

fn account(
    check: &mut Check,
    plan: &Plan,
    terms: &Terms<'_>,
    qty: Lots,
    liquidation: Option<Fraction>,
    leverage: Option<Fraction>,
    stop: Option<Fraction>,
) -> Option<Account> {
    let backing = liquidation.map(Backing::Liquidation).or(leverage.map(Backing::Leverage))?;
    let Plan { sign, wallet, .. } = *plan;
    let holding = Holding { sign, qty, entry: (plan.entry.0.into(), 1), backing, wallet, stop };
    let misfits = match solve(&holding, terms) {
        Ok(account) => return Some(account),
        Err(misfits) => misfits,
    };
    for misfit in misfits {
        let (name, value, allowed) = misfit.said(&holding, terms);
        let field = name.map_or_else(|| plan.field.clone(), |name| format!("{}.{name}", plan.field));
        check.found.push(field, value, allowed);
    }
    None
}
