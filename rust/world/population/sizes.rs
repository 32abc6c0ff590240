//! How large the accounts of a population are, in lots, and in which tier that lies.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use rust_decimal::Decimal;

use super::super::check::{Check, MAX_LOTS, double, ratio};
use super::super::law::POINTS;
use super::super::solve::Terms;
use crate::random::Distribution;
use crate::units::{Lots, narrow};

/// The 4,096 sizes in lots, rising.
pub(super) fn drawn(
    check: &mut Check,
    field: &str,
    notional: &Distribution,
    terms: &Terms<'_>,
) -> Option<Vec<Lots>> {
    let lot = double(a_lot(terms));
    let table = notional.table(POINTS);
    let (first, last) = (table[0], table[POINTS - 1]);
    if !(first > 0.0 && last / lot < MAX_LOTS as f64) {
        let allowed = "more than 0, at most 2^53 lots at the start price";
        check.found.push(field, format!("notionals from {first} to {last}"), allowed);
        return None;
    }
    Some(table.iter().map(|x| Lots(((x / lot).floor() as i64).max(1))).collect())
}

/// The same size 4,096 times.
pub(super) fn alike(
    check: &mut Check,
    field: &str,
    notional: Decimal,
    terms: &Terms<'_>,
) -> Option<Vec<Lots>> {
    let lot = a_lot(terms);
    let lots = ratio(notional, lot).map(|(n, d)| n.div_euclid(d)).and_then(|lots| narrow(lots).ok());
    let lots = lots.filter(|&lots| notional > Decimal::ZERO && lots < MAX_LOTS);
    check.require(lots.is_some(), field, notional, "more than 0, at most 2^53 lots at the start price");
    lots.map(|lots| vec![Lots(lots.max(1)); POINTS])
}

/// What a lot is worth at the start, in quote currency.
fn a_lot(terms: &Terms<'_>) -> Decimal {
    if terms.contract.is_inverse() {
        return terms.lot_size;
    }
    terms.lot_size * terms.tick_size * Decimal::from(terms.start.0)
}

/// Runs of sizes whose value at the start lies in one tier, with the tier's number.
pub(super) fn by_tier<'s>(sizes: &'s [Lots], terms: &Terms<'_>) -> impl Iterator<Item = (u64, &'s [Lots])> {
    let tier = |lots: &Lots| {
        let value = match terms.contract.is_inverse() {
            true => terms.contract.worth(terms.start, *lots).map_or(i128::MAX, |worth| worth.0.into()),
            false => i128::from(terms.start.0) * terms.contract.per_tick(*lots),
        };
        terms.rule.tiers().tiers()[1..].iter().take_while(|t| i128::from(t.min_notional.0) <= value).count()
            as u64
    };
    sizes.chunk_by(move |a, b| tier(a) == tier(b)).map(move |group| (tier(&group[0]), group))
}
