//! One account from what is known of it: what stands behind its position, and where it breaks.

use rust_decimal::Decimal;

use crate::margin::{Contract, MarginRule, Position, TierRule, bankruptcy_value};
use crate::units::{Lots, Overflow, Quote, Rate, Ticks, div_ceil, narrow};

/// `n / d` ticks, or times.
pub(super) type Fraction = (i128, i128);

/// One isolated account at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its position, the margin being all it deposited.
    pub position: Position,
    /// Where it is due for liquidation.
    pub liquidation: Option<Ticks>,
    /// Where its own stop fires.
    pub stop: Option<Ticks>,
}

/// What an account is built under.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub tick_size: Decimal,
    pub lot_size: Decimal,
    pub step: Decimal,
    pub start: Ticks,
    pub contract: Contract,
    pub rule: &'a MarginRule,
}

/// How the margin of a position is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Backing {
    /// By the price in ticks at which equity equals maintenance.
    Liquidation(Fraction),
    /// By the entry's worth over it.
    Leverage(Fraction),
    /// As it is.
    Margin(Quote),
}

impl Backing {
    /// The field that says so.
    pub const fn field(&self) -> &'static str {
        match self {
            Backing::Liquidation(_) => "liquidation_price",
            Backing::Leverage(_) => "leverage",
            Backing::Margin(_) => "margin",
        }
    }
}

/// What is known of an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    /// 1 long, -1 short.
    pub sign: i64,
    /// Without sign.
    pub qty: Lots,
    /// What it paid, in ticks.
    pub entry: Fraction,
    pub backing: Backing,
    /// Money behind the position besides its margin.
    pub wallet: Quote,
    pub stop: Option<Fraction>,
}

/// Why there is no such account.
#[derive(Clone, Copy, Debug)]
pub(super) enum Misfit {
    /// A figure of it leaves 64 bits.
    Value,
    /// It would need no margin.
    NoMargin,
    /// It has more leverage than its tier allows, in billionths.
    Leverage { given: f64, most: i64 },
    /// It is due at the start.
    Broken(Ticks),
    /// Its stop is reached at the start.
    Stopped(Ticks),
}

impl Misfit {
    /// The field, what it has, and what is allowed; no field: the account as a whole.
    pub fn said(&self, holding: &Holding, terms: &Terms<'_>) -> (Option<&'static str>, String, String) {
        let side = if holding.sign < 0 { "above" } else { "below" };
        let units = |ticks: Ticks| Decimal::from(ticks.0) * terms.tick_size;
        let beyond = || format!("{side} start_price {}", units(terms.start));
        let backing = Some(holding.backing.field());
        match *self {
            Misfit::Value => {
                let tokens = Decimal::from(holding.qty.0) * terms.lot_size;
                (None, format!("an account of {tokens} tokens"), "a value below 2^63 quote steps".to_owned())
            }
            Misfit::NoMargin => {
                let allowed = match holding.backing {
                    Backing::Margin(_) => "a margin above 0".to_owned(),
                    _ => format!("a price so far {side} the entry that it takes margin"),
                };
                (backing, "a margin of nothing".to_owned(), allowed)
            }
            Misfit::Leverage { given, most } => {
                let most = (Decimal::from(most) / Decimal::from(Rate::ONE)).normalize();
                let allowed = format!("at most {most}, the maximum of the position's tier");
                (backing, format!("a leverage of {given:.2}"), allowed)
            }
            Misfit::Broken(due) => (backing, format!("liquidation at {}", units(due)), beyond()),
            Misfit::Stopped(stop) => (Some("stop_price"), units(stop).to_string(), beyond()),
        }
    }
}

/// The account, or all that is wrong with it.
pub(super) fn solve(holding: &Holding, terms: &Terms<'_>) -> Result<Account, Vec<Misfit>> {
    let Ok((account, entry, initial)) = built(holding, terms) else { return Err(vec![Misfit::Value]) };
    if initial.0 <= 0 {
        return Err(vec![Misfit::NoMargin]);
    }
    let short = holding.sign < 0;
    let beyond = |tick: &Ticks| if short { *tick > terms.start } else { *tick < terms.start };
    let mut found = Vec::new();
    let most = terms.rule.tiers().at(entry).max_leverage;
    if i128::from(entry.0) * i128::from(Rate::ONE) > i128::from(initial.0) * i128::from(most) {
        #[allow(clippy::cast_precision_loss)]
        let given = entry.0 as f64 / initial.0 as f64;
        found.push(Misfit::Leverage { given, most });
    }
    found.extend(account.liquidation.filter(|tick| !beyond(tick)).map(Misfit::Broken));
    found.extend(account.stop.filter(|tick| !beyond(tick)).map(Misfit::Stopped));
    if found.is_empty() { Ok(account) } else { Err(found) }
}

/// With what the entry was worth, and the margin without the wallet.
fn built(holding: &Holding, terms: &Terms<'_>) -> Result<(Account, Quote, Quote), Overflow> {
    let Holding { sign, qty, wallet, .. } = *holding;
    let entry = entry_worth(terms.contract, holding.entry, qty)?;
    let initial = match holding.backing {
        Backing::Liquidation(price) => margin_for(price, sign, qty, entry, terms)?,
        Backing::Leverage((n, d)) => {
            Quote(narrow(div_ceil(i128::from(entry.0).checked_mul(d).ok_or(Overflow)?, n))?)
        }
        Backing::Margin(margin) => margin,
    };
    let margin = initial.plus(wallet)?;
    let cost = Quote(sign * terms.contract.directed(entry).0);
    let position = Position { qty: Lots(sign * qty.0), cost, margin };
    let liquidation = terms.rule.threshold(&position, margin, terms.contract)?;
    // A bankruptcy value that fits keeps every later figure of the account in reach.
    bankruptcy_value(&position, margin)?;
    let stop = holding
        .stop
        .map(|(n, d)| if sign < 0 { div_ceil(n, d) } else { n.div_euclid(d) })
        .and_then(|tick| narrow(tick).ok())
        .map(Ticks);
    Ok((Account { position, liquidation, stop }, entry, initial))
}

/// What this quantity was worth at a price of `n / d` ticks, without sign: the nearest step, halves up.
fn entry_worth(contract: Contract, (n, d): Fraction, qty: Lots) -> Result<Quote, Overflow> {
    if contract.is_inverse() {
        return contract.worth_at((n, d), qty);
    }
    let exact = contract.per_tick(qty).checked_mul(n).ok_or(Overflow)?;
    if d == 1 {
        return narrow(exact).map(Quote);
    }
    let doubled = exact.checked_mul(2).and_then(|x| x.checked_add(d)).ok_or(Overflow)?;
    narrow(doubled.div_euclid(2 * d)).map(Quote)
}

/// The margin with which equity equals maintenance at a price of `n / d` ticks, floored.
fn margin_for(
    (n, d): Fraction,
    sign: i64,
    qty: Lots,
    entry_value: Quote,
    terms: &Terms<'_>,
) -> Result<Quote, Overflow> {
    if terms.contract.is_inverse() {
        return margin_in_coin((n, d), sign, qty, entry_value, terms);
    }
    let mul = |a: i128, b: i128| a.checked_mul(b).ok_or(Overflow);
    let value = mul(n, terms.contract.per_tick(qty))?;
    let one = i128::from(Rate::ONE);
    let loss = mul(i128::from(sign), mul(i128::from(entry_value.0), d)? - value)?;
    if terms.rule.is_at_entry() || terms.rule.tiers().rule() == TierRule::Linear {
        // What is held against is not a straight line of the price: taken at the price's tick, floored.
        let worth = Quote(narrow(value.div_euclid(d))?);
        let held = i128::from(terms.rule.requirement(entry_value, worth)?.0);
        return narrow(held + loss.div_euclid(d)).map(Quote);
    }
    let tiers = terms.rule.tiers().tiers();
    let tier = tiers.iter().rev().find(|t| i128::from(t.min_notional.0) * d <= value).unwrap_or(&tiers[0]);
    let maintenance = mul(value, i128::from(tier.rate.0))? - mul(tier.deduction, d)?;
    narrow((maintenance + mul(one, loss)?).div_euclid(mul(one, d)?)).map(Quote)
}

/// The same of an inverse contract, its worth rounded; at least so much that it is not due one tick before.
fn margin_in_coin(
    (n, d): Fraction,
    sign: i64,
    qty: Lots,
    entry_value: Quote,
    terms: &Terms<'_>,
) -> Result<Quote, Overflow> {
    let margin = |worth: Quote| {
        let held = terms.rule.requirement(entry_value, worth)?;
        held.plus(Quote(sign * worth.minus(entry_value)?.0))
    };
    let before = if sign < 0 { div_ceil(n, d) - 1 } else { n.div_euclid(d) + 1 };
    let there = margin(terms.contract.worth_at((n, d), qty)?)?;
    let before = margin(terms.contract.worth(Ticks(narrow(before.max(1))?), qty)?)?;
    Ok(there.max(before.plus(Quote(1))?))
}
