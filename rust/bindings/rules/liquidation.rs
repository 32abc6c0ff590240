//! Liquidation and bankruptcy prices.

use pyo3::prelude::*;

use super::columns::{Argument, Kind, checked, formulas};
use super::margin::{Rows, tiers_of};
use super::{Column, Numbers};
use crate::rules::{self, Liquidation};

const POSITION: [Argument; 9] = [
    ("side", Kind::Side),
    ("qty", Kind::Positive),
    ("entry_price", Kind::Positive),
    ("margin", Kind::Finite),
    ("extra_margin", Kind::Finite),
    ("others_pnl", Kind::Finite),
    ("others_maintenance", Kind::Finite),
    ("closing_fee", Kind::Finite),
    ("early", Kind::NotNegative),
];

#[inline]
fn position(row: [f64; 9], inverse: bool) -> Liquidation {
    let [side, qty, entry, margin, extra, pnl, maintenance, fee, early] = row;
    let backing = margin + extra + pnl - maintenance - fee;
    Liquidation { side, qty, entry, backing, early, inverse }
}

/// Liquidation prices under tiers of (min_notional, rate, deduction).
#[pyfunction]
#[pyo3(signature = (columns, tiers, tier_rule, fee_rate, at_entry, inverse, /))]
pub fn liquidation_price<'py>(
    py: Python<'py>,
    columns: [Numbers<'py>; 9],
    tiers: Rows,
    tier_rule: &str,
    fee_rate: f64,
    at_entry: bool,
    inverse: bool,
) -> PyResult<Column<'py>> {
    let search = rules::Search::new(tiers_of(&tiers, tier_rule)?, fee_rate, at_entry);
    let alone = columns[4..].iter().map(|column| column.as_slice()).collect::<Result<Vec<_>, _>>()?;
    if !inverse && alone.iter().all(|column| *column == [0.0]) {
        // What pipelines ask a million times: four columns instead of nine, a contract known when compiled.
        let [a, b, c, d, ..] = columns;
        let [side, qty, entry, margin, ..] = POSITION;
        return checked(py, &[a, b, c, d], [side, qty, entry, margin], |[side, qty, entry, backing]| {
            let position = Liquidation { side, qty, entry, backing, early: 0.0, inverse: false };
            rules::liquidation_price(&position, &search)
        });
    }
    checked(py, &columns, POSITION, |row| rules::liquidation_price(&position(row, inverse), &search))
}

/// Liquidation prices at a maintenance rate of each.
#[pyfunction]
#[pyo3(signature = (columns, at_entry, inverse, /))]
pub fn liquidation_price_at_rate<'py>(
    py: Python<'py>,
    columns: [Numbers<'py>; 13],
    at_entry: bool,
    inverse: bool,
) -> PyResult<Column<'py>> {
    let [a, b, c, d, e, f, g, h, i] = POSITION;
    let rate = ("maintenance_rate", Kind::NotNegative);
    let deduction = ("deduction", Kind::Finite);
    let (rise, fee) = (("rate_rise", Kind::NotNegative), ("fee_rate", Kind::NotNegative));
    let arguments = [a, b, c, d, e, f, g, h, i, rate, deduction, rise, fee];
    checked(py, &columns, arguments, |[a, b, c, d, e, f, g, h, i, rate, deduction, rise, fee]| {
        let row = position([a, b, c, d, e, f, g, h, i], inverse);
        rules::liquidation_price_at_rate(&row, [rate, deduction, rise, fee], at_entry)
    })
}

formulas! {
    /// Bankruptcy prices.
    bankruptcy_price(side: Side, qty: Positive, entry_price: Positive, margin: Finite, extra_margin: Finite, fee_rate: NotNegative; inverse) =
        |[side, qty, entry, margin, extra, fee]: [f64; 6], inverse| {
            let backing = margin + extra;
            rules::bankruptcy_price(&Liquidation { side, qty, entry, backing, early: 0.0, inverse }, fee)
        };
    /// Prices on the tick grid, against their holders.
    rounded_against(side: Side, price: Positive, tick_size: Positive) =
        |[side, price, tick]: [f64; 3]| rules::rounded_against(side, price, tick);
}
