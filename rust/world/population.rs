//! Populations: accounts by the laws of their entry, leverage and size, tabulated once, drawn when the mark gets there.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

mod inverse;
mod sizes;

use super::cells::Cells;
use super::check::{Check, MAX_TICKS, double};
use super::law::{self, POINTS};
use super::scenario::{Law, PopulationSpec, PositionSide};
use super::solve::{Account, Terms};
use crate::margin::{Contract, MarginRule, Position, Trigger};
use crate::random::{Distribution, LADDER_STREAM, Stream};
use crate::units::{Lots, Overflow, Quote, Rate, Ticks, div_ceil, narrow};

/// Cells of a group at most: more ticks make wider cells.
const MAX_CELLS: i64 = 4096;
/// Equally likely entries a cell.
const ENTRIES: usize = 64;
/// Accounts a cell at most, on average.
const MAX_MEAN: f64 = 1e6;
/// Entries that are told apart.
const MAX_ENTRIES: i64 = 256;
/// Accounts of a population at most, on average.
const MAX_EXPECTED: i64 = 10_000_000;
/// Least leverage of longs where maintenance stays what it was at entry, and of inverse shorts.
const LEAST_RISING: f64 = 1.1;
/// Where less than this is expected nobody is looked for.
const NOBODY: f64 = 1e-9;

/// Accounts of one kind that come into being in cells.
#[derive(Clone, Debug)]
pub struct Population {
    stream: u64,
    groups: Vec<Group>,
    /// Lots expected in all.
    pub expected_qty: Lots,
}

/// Accounts whose maintenance follows one rate, or nearly.
#[derive(Clone, Debug)]
struct Group {
    number: u64,
    cells: Cells,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// All accounts of a cell alike: a Poisson ladder.
    Alike(Vec<Account>),
    /// Each drawn from the laws.
    Drawn(Laws),
}

#[derive(Clone, Debug)]
struct Laws {
    sign: i64,
    rho: i64,
    sizes: Vec<Lots>,
    /// `ENTRIES` a cell.
    entries: Vec<u32>,
    contract: Contract,
    rule: MarginRule,
    /// Whether an account breaks exactly at its tick.
    exact: bool,
    /// Whether an account may have more leverage than its tier allows.
    capped: bool,
    /// Whether every account breaks at its tick, in cells of one tick, with the leverage that was drawn, and with figures
    /// that fit 64 bits whatever is done with them here.
    plain: bool,
}

impl Population {
    /// One whose accounts are alike in every cell of one tick.
    pub(super) fn alike(
        index: usize,
        first: Ticks,
        step: i64,
        mean: f64,
        by_tick: Vec<Account>,
    ) -> Population {
        let ticks = by_tick.len() as i64;
        let cells = Cells::new(first, step, 1, ticks, &vec![mean; by_tick.len()]);
        let each = by_tick.first().map_or(Lots::ZERO, |account| account.position.qty.abs());
        let expected_qty = whole(mean * by_tick.len() as f64 * each.0 as f64);
        let groups = vec![Group { number: 0, cells, kind: Kind::Alike(by_tick) }];
        Population { stream: LADDER_STREAM + index as u64, groups, expected_qty }
    }

    /// Groups, each walked on its own.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Where the mark reaches a cell of a group, if there is such a cell, and the way it must go (+1 up).
    #[inline]
    pub fn reached_at(&self, group: usize, cell: usize) -> Option<(Ticks, i64)> {
        let cells = &self.groups[group].cells;
        (cell < cells.len()).then(|| (cells.reached_at(cell), cells.step))
    }

    /// The accounts of a cell in one path, one after the other.
    #[inline]
    pub fn draw(
        &self,
        (seed, path): (u64, u64),
        group: usize,
        cell: usize,
        mut each: impl FnMut(Position, Option<Ticks>),
    ) -> Result<(), Overflow> {
        let Group { number, cells, kind } = &self.groups[group];
        let stream = &Stream::new(seed, path, self.stream);
        match kind {
            Kind::Drawn(laws) if laws.plain => {
                let tick = cells.reached_at(cell);
                let entries = laws.entries_of(cell);
                cells.draw(stream, *number, cell, |drawn| {
                    each(laws.plain_account(entries, tick, drawn), Some(tick));
                    Ok(())
                })
            }
            // Rarer ones: `each` is not copied into their loops.
            Kind::Drawn(laws) => laws.draw(stream, *number, cells, cell, &mut each),
            Kind::Alike(by_tick) => {
                let Account { position, liquidation, .. } = by_tick[cell];
                let each: &mut dyn FnMut(Position, Option<Ticks>) = &mut each;
                cells.draw(stream, *number, cell, |_| {
                    each(position, liquidation);
                    Ok(())
                })
            }
        }
    }
}

impl Laws {
    #[inline]
    fn entries_of(&self, cell: usize) -> &[u32] {
        &self.entries[cell * ENTRIES..][..ENTRIES]
    }

    fn draw(
        &self,
        stream: &Stream,
        number: u64,
        cells: &Cells,
        cell: usize,
        each: &mut dyn FnMut(Position, Option<Ticks>),
    ) -> Result<(), Overflow> {
        let (nearest, width) = (cells.reached_at(cell), cells.width(cell));
        let entries = self.entries_of(cell);
        cells.draw(stream, number, cell, |drawn| {
            let within = (i64::from(drawn & 0x3fff) * width) >> 14;
            let (position, liquidation) =
                self.account(entries, Ticks(nearest.0 + cells.step * within), drawn)?;
            each(position, liquidation);
            Ok(())
        })
    }

    /// An account of a group of plain ones: the same as [`account`](Laws::account), and no figure can be too large.
    #[inline]
    fn plain_account(&self, entries: &[u32], tick: Ticks, drawn: u32) -> Position {
        let qty = self.sizes[((drawn >> 20) as usize * self.sizes.len()) >> 12];
        let entry = i64::from(entries[(drawn >> 14) as usize % ENTRIES]);
        let a_tick = qty.0 * self.contract.scale;
        let (cost, value) = (a_tick * entry, a_tick * tick.0);
        let kept = (value * self.rho).unsigned_abs() / Rate::ONE.unsigned_abs();
        let margin = Quote(kept as i64 + self.sign * (cost - value));
        Position { qty: Lots(self.sign * qty.0), cost: Quote(self.sign * cost), margin }
    }

    #[inline]
    fn account(
        &self,
        entries: &[u32],
        tick: Ticks,
        drawn: u32,
    ) -> Result<(Position, Option<Ticks>), Overflow> {
        let qty = self.sizes[((drawn >> 20) as usize * self.sizes.len()) >> 12];
        let entry = i64::from(entries[(drawn >> 14) as usize % ENTRIES]);
        if self.contract.is_inverse() {
            return self.in_coin(Ticks(entry), tick, qty);
        }
        let a_tick = qty.0.checked_mul(self.contract.scale).ok_or(Overflow)?;
        let cost = a_tick.checked_mul(entry).ok_or(Overflow)?;
        let value = a_tick.checked_mul(tick.0).ok_or(Overflow)?;
        let meant =
            billionths_of(value, self.rho)?.checked_add(self.sign * (cost - value)).ok_or(Overflow)?;
        let (cost, meant) = (Quote(cost), Quote(meant));
        let margin = if self.capped { self.allowed(cost, meant)? } else { meant };
        let position = Position { qty: Lots(self.sign * qty.0), cost: Quote(self.sign * cost.0), margin };
        let liquidation = if self.exact && margin == meant {
            Some(tick)
        } else {
            self.rule.threshold(&position, margin, self.contract)?
        };
        Ok((position, liquidation))
    }

    /// Whether some account of the one tier has less margin than its largest leverage takes, to within a step.
    fn may_be_capped(&self, cells: &Cells) -> bool {
        let kept = 1.0 - self.sign as f64 * self.rho as f64 / Rate::ONE as f64;
        let least = Rate::ONE as f64 / self.rule.tiers().tiers()[0].max_leverage as f64;
        let lot = self.contract.per_tick(self.sizes[0]) as f64;
        (0..cells.len()).any(|cell| {
            let nearest = cells.reached_at(cell).0 as f64 * kept;
            self.entries[cell * ENTRIES..][..ENTRIES].iter().any(|&entry| {
                let entry = f64::from(entry);
                let margin = self.sign as f64 * (entry - nearest);
                (margin - entry * least) * lot <= 2.0
            })
        })
    }

    /// The margin, or what the largest leverage of the tier takes if that is more.
    #[inline]
    fn allowed(&self, cost: Quote, margin: Quote) -> Result<Quote, Overflow> {
        let cap = self.rule.tiers().at(cost).max_leverage;
        let worth = i128::from(cost.0) * i128::from(Rate::ONE);
        if i128::from(margin.0) * i128::from(cap) >= worth {
            return Ok(margin);
        }
        narrow(div_ceil(worth, i128::from(cap))).map(Quote)
    }
}

/// `floor(value x rate / 10^9)` of what is not negative, in 64 bits where it fits.
#[inline]
fn billionths_of(value: i64, rate: i64) -> Result<i64, Overflow> {
    match value.checked_mul(rate) {
        // Both are positive: the division needs no sign.
        Some(product) => Ok((product.unsigned_abs() / Rate::ONE.unsigned_abs()) as i64),
        None => narrow((i128::from(value) * i128::from(rate)).div_euclid(i128::from(Rate::ONE))),
    }
}

fn whole(x: f64) -> Lots {
    Lots((x + 0.5).floor() as i64)
}

/// Builds the population at `index` of the scenario's positions; what is wrong with it goes to `check`.
pub(super) fn build(
    check: &mut Check,
    index: usize,
    spec: &PopulationSpec,
    terms: &Terms<'_>,
) -> Option<Population> {
    let field = format!("positions[{index}]");
    let path = |name: &str| format!("{field}.{name}");
    let before = check.found.problems.len();
    let accounts = double(check.positive(&path("accounts"), spec.accounts, MAX_EXPECTED.into()));
    let leverage = law::read(check, &path("leverage"), &spec.leverage);
    let notional = law::read(check, &path("notional"), &spec.notional);
    let entries = entries(check, &path("entry_price"), spec, terms);
    if let Some(leverage) = &leverage {
        let (least, most) = ends(leverage);
        let range = format!("leverages from {least} to {most}");
        // Those who gain as the value rises: next to nothing liquidates them, an inverse short with a leverage of 1 nothing.
        let rising = (spec.side == PositionSide::Long) != terms.contract.is_inverse();
        let lowest = if rising && (terms.rule.is_at_entry() || terms.contract.is_inverse()) {
            LEAST_RISING
        } else {
            0.0
        };
        let allowed = format!("more than {lowest}: low cuts a distribution off");
        check.require(least > lowest, &path("leverage"), range, &allowed);
    }
    let sizes = match &spec.notional {
        Law::Number(notional) => sizes::alike(check, &path("notional"), *notional, terms),
        Law::Drawn(_) => notional.and_then(|law| sizes::drawn(check, &path("notional"), &law, terms)),
    };
    if check.found.problems.len() > before {
        return None;
    }
    let sign = if spec.side == PositionSide::Long { 1 } else { -1 };
    let plan = Plan { sign, entries: entries?, leverage: leverage?, terms };
    let sizes = sizes?;
    let mean = sizes.iter().map(|lots| lots.0 as f64).sum::<f64>() / POINTS as f64;
    let mut groups = Vec::new();
    for (tier, group) in sizes::by_tier(&sizes, terms) {
        match plan.group(tier, group, accounts * group.len() as f64 / POINTS as f64) {
            Ok(group) => groups.push(group),
            Err(Overflow) => {
                let allowed =
                    format!("values below 2^63 quote steps, at most {MAX_MEAN} accounts in one cell");
                check.found.push(&field, "its largest account, or its densest cell", allowed);
                return None;
            }
        }
    }
    Some(Population { stream: LADDER_STREAM + index as u64, groups, expected_qty: whole(accounts * mean) })
}

/// What all groups share.
struct Plan<'a> {
    sign: i64,
    /// Entry ticks with their weights.
    entries: Vec<(i64, f64)>,
    leverage: Distribution,
    terms: &'a Terms<'a>,
}

impl Plan<'_> {
    fn group(&self, number: u64, sizes: &[Lots], expected: f64) -> Result<Group, Overflow> {
        let Terms { start, contract, rule, .. } = *self.terms;
        let (rho, one_tier) = self.rate(sizes)?;
        let step = -self.sign;
        let first = start.0 + step;
        let ticks = self.ticks(first, rho, expected);
        let width = (ticks - 1) / MAX_CELLS + 1;
        let cells = (ticks - 1) / width + 1;
        let (mut means, mut entries) = (Vec::new(), Vec::new());
        let mut beyond = vec![1.0; self.entries.len()];
        for cell in 1..=cells {
            let edge = first + step * (width * cell).min(ticks);
            let next: Vec<f64> = self.odds_beyond(edge, rho).collect();
            let odds: Vec<f64> =
                self.entries.iter().zip(beyond.iter().zip(&next)).map(|(e, (a, b))| e.1 * (a - b)).collect();
            let all: f64 = odds.iter().sum();
            means.push(expected * all);
            self.quantiles(&odds, all, &mut entries);
            beyond = next;
        }
        if means.iter().any(|&mean| mean > MAX_MEAN) {
            return Err(Overflow);
        }
        let mut laws = Laws {
            sign: self.sign,
            rho,
            sizes: sizes.to_vec(),
            entries,
            contract,
            rule: rule.clone(),
            exact: one_tier
                && !contract.is_inverse()
                && rule.trigger == Trigger::AtOrBelow
                && contract.per_tick(sizes[0]) >= 2,
            capped: true,
            plain: false,
        };
        let cells = Cells::new(Ticks(first), step, width, ticks, &means);
        laws.capped = contract.is_inverse() || !one_tier || laws.may_be_capped(&cells);
        if contract.is_inverse() {
            return Ok(Group { number, cells, kind: Kind::Drawn(laws) });
        }
        let farthest =
            i128::from(first.max(first + step * ticks).max(self.entries.last().map_or(0, |e| e.0)));
        let largest = farthest * contract.per_tick(sizes[sizes.len() - 1]);
        let fits = largest.checked_mul(i128::from(rho.max(1))).is_some_and(|x| x < 1 << 62);
        laws.plain = laws.exact && !laws.capped && width == 1 && fits;
        Ok(Group { number, cells, kind: Kind::Drawn(laws) })
    }

    /// Maintenance of the largest account at the highest price of interest, as a rate rounded up; whether one tier reaches
    /// that far.
    fn rate(&self, sizes: &[Lots]) -> Result<(i64, bool), Overflow> {
        if self.terms.contract.is_inverse() {
            return self.rate_in_coin(sizes).map(|rho| (rho, false));
        }
        let highest = self.entries.last().map_or(0, |&(e, _)| e);
        let margin = if self.sign < 0 { 1.0 / ends(&self.leverage).0 } else { 0.0 };
        let price = (highest as f64 * (1.0 + margin)).floor().min(MAX_TICKS as f64);
        let largest = *sizes.last().ok_or(Overflow)?;
        let value = self.terms.contract.value(Ticks(price as i64), largest)?;
        let rule = self.terms.rule;
        if rule.is_proportional(value) {
            return Ok((rule.tiers().tiers()[0].rate.0, true));
        }
        let held = i128::from(rule.requirement(value, value)?.0);
        let rho = div_ceil(held * i128::from(Rate::ONE), i128::from(value.0));
        if rule.is_at_entry() && self.sign > 0 {
            return Ok((self.rate_at_entry(narrow(rho)?), false));
        }
        narrow(rho).map(|rho| (rho, false))
    }

    /// Longs whose maintenance `r` stays what it was at entry are due, with the leverage `L`, at `(1 - 1/L + r) / (1 - fee)` of
    /// their entry: the rate at which `(1 - 1/L) / (1 - rate)` is no less for the lowest leverage.
    fn rate_at_entry(&self, held: i64) -> i64 {
        let one = Rate::ONE as f64;
        let fee = self.terms.rule.close_fee().0 as f64 / one;
        let kept = 1.0 - 1.0 / ends(&self.leverage).0.max(LEAST_RISING);
        let rate = held as f64 / one - fee;
        ((1.0 - kept * (1.0 - fee) / (kept + rate)) * one).ceil() as i64
    }

    /// For each entry the odds that an account lies at this tick or beyond it.
    fn odds_beyond(&self, tick: i64, rho: i64) -> impl Iterator<Item = f64> + '_ {
        let inverse = self.terms.contract.is_inverse();
        let way = if inverse { self.sign } else { -self.sign };
        let kept = 1.0 + way as f64 * (rho as f64 / Rate::ONE as f64);
        self.entries.iter().map(move |&(e, _)| {
            // In coin entry and tick change places.
            let (entry, at) = if inverse { (tick as f64, e as f64) } else { (e as f64, tick as f64) };
            let at = at * kept;
            let room = if way > 0 { at - entry } else { entry - at };
            if room > 0.0 { self.leverage.cdf(entry / room) } else { 1.0 }
        })
    }

    /// How many ticks from the first on it takes until nobody is expected beyond.
    fn ticks(&self, first: i64, rho: i64, expected: f64) -> i64 {
        let step = -self.sign;
        let somebody = |ticks: i64| {
            let odds = self.odds_beyond(first + step * ticks, rho);
            expected * self.entries.iter().zip(odds).map(|(e, odds)| e.1 * odds).sum::<f64>() >= NOBODY
        };
        let most = if step < 0 { first } else { MAX_TICKS - first };
        let mut above = 1;
        while above < most && somebody(above) {
            above = (above * 2).min(most);
        }
        let mut below = 0;
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if somebody(middle) { below = middle } else { above = middle }
        }
        above
    }

    /// Appends a cell's equally likely entries.
    fn quantiles(&self, odds: &[f64], all: f64, out: &mut Vec<u32>) {
        let (mut at, mut through) = (0, odds[0]);
        for q in 0..ENTRIES {
            let wanted = (q as f64 + 0.5) / ENTRIES as f64 * all;
            while through <= wanted && at + 1 < odds.len() {
                at += 1;
                through += odds[at];
            }
            out.push(u32::try_from(self.entries[at].0).unwrap_or(u32::MAX));
        }
    }
}

/// Entry ticks with their weights; many ticks are taken together.
fn entries(
    check: &mut Check,
    field: &str,
    spec: &PopulationSpec,
    terms: &Terms<'_>,
) -> Option<Vec<(i64, f64)>> {
    let fixed = match &spec.entry_price {
        None => Some(terms.start.0),
        Some(Law::Number(price)) => Some(check.price(field, *price, terms.tick_size).0),
        Some(Law::Drawn(_)) => None,
    };
    if let Some(entry) = fixed {
        check.require(entry <= i64::from(u32::MAX), field, entry, "at most 2^32 ticks: a coarser tick_size");
        return Some(vec![(entry, 1.0)]);
    }
    let law = law::read(check, field, spec.entry_price.as_ref()?)?;
    let tick = double(terms.tick_size);
    let (low, high) = ends(&law);
    let (first, last) = ((low / tick + 0.5).floor(), (high / tick + 0.5).floor());
    if !(first >= 1.0 && last <= f64::from(u32::MAX)) {
        let allowed = format!("prices from {tick} to 2^32 ticks");
        check.found.push(field, format!("prices from {low} to {high}"), allowed);
        return None;
    }
    let (first, last) = (first as i64, last as i64);
    let together = (last - first) / MAX_ENTRIES + 1;
    // All lies between the ends, also what stands on the edge of half a tick.
    let below = |e: i64| match e {
        e if e <= first => 0.0,
        e if e > last => 1.0,
        e => law.cdf((e as f64 - 0.5) * tick),
    };
    let weights = (0..=(last - first) / together).map(|i| {
        let e = first + i * together;
        (e + (together - 1) / 2, below(e + together) - below(e))
    });
    Some(weights.filter(|&(_, w)| w > 0.0).collect())
}

/// The ends of a law; where it has none, its quantiles at 1e-9 and 1 - 1e-9.
fn ends(law: &Distribution) -> (f64, f64) {
    let (low, high) = law.support();
    let low = if low.is_finite() { low } else { law.quantile(1e-9) };
    (low, if high.is_finite() { high } else { law.quantile(1.0 - 1e-9) })
}
