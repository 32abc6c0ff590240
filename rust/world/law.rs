//! Laws: distributions drawn for each level or account, as tables of 4,096 equally likely values.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::agents::Leverages;
use super::check::{Check, MAX_LOTS, billionths, double};
use super::scenario::Law;
use crate::error::Problem;
use crate::random::{Distribution, DistributionSpec};
use crate::units::{Lots, Rate};

/// Entries of a table: twelve bits of a word.
pub(super) const POINTS: usize = 4096;

/// Largest leverage of a law; a tier's maximum cuts it before.
const MAX_LEVERAGE: i32 = 1_000_000;

/// Longest time of a law, in seconds.
const MAX_SECONDS: f64 = 1e9;

/// Factors in units of 2^-20.
#[derive(Clone, Debug)]
pub struct Factors([u32; POINTS]);

impl Factors {
    /// This many lots, times the factor that a draw gives, floored.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // below 2^53 lots x 2^12
    pub(super) fn apply(&self, lots: i64, drawn: u16) -> i64 {
        let factor = i128::from(self.0[usize::from(drawn >> 4)]);
        ((i128::from(lots) * factor) >> 20) as i64
    }

    pub(super) fn largest(&self) -> u32 {
        self.0[POINTS - 1]
    }

    /// One in 64 is this large.
    pub(super) fn common(&self) -> u32 {
        self.0[POINTS - POINTS / 64]
    }
}

/// Quantities, rising.
#[derive(Clone, Debug)]
pub enum Sizes {
    /// Always the same.
    Fixed(Lots),
    /// As a word draws.
    Table(Box<[Lots; POINTS]>),
}

impl Sizes {
    /// The quantity that a draw gives.
    #[inline]
    pub fn draw(&self, drawn: u16) -> Lots {
        match self {
            Sizes::Fixed(lots) => *lots,
            Sizes::Table(table) => table[usize::from(drawn >> 4)],
        }
    }

    /// The quantity that the upper bits of a word give.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // that is what is left of it
    pub fn draw_word(&self, word: u64) -> Lots {
        self.draw((word >> 48) as u16)
    }

    /// The mean of the table, floored.
    pub(super) fn mean(&self) -> i128 {
        match self {
            Sizes::Fixed(lots) => lots.0.into(),
            Sizes::Table(table) => table.iter().map(|lots| i128::from(lots.0)).sum::<i128>() / POINTS as i128,
        }
    }

    pub(super) fn largest(&self) -> Lots {
        match self {
            Sizes::Fixed(lots) => *lots,
            Sizes::Table(table) => table[POINTS - 1],
        }
    }
}

/// A law, ready to be asked for quantiles: a number is one that never varies.
pub(super) fn read(check: &mut Check, field: &str, law: &Law) -> Option<Distribution> {
    let compiled = match law {
        Law::Number(x) => DistributionSpec::Choice { values: vec![*x], weights: None }.compile(),
        Law::Drawn(spec) => spec.compile(),
    };
    for Problem { field: inner, value, allowed } in compiled.as_ref().err().into_iter().flatten() {
        check.found.push(format!("{field}.{inner}"), value, allowed.clone());
    }
    compiled.ok()
}

/// The factors of a noise, all from 0 to below 4096.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn factors(check: &mut Check, field: &str, law: &Law) -> Option<Arc<Factors>> {
    let table = read(check, field, law)?.table(POINTS);
    let (first, last) = (table[0], table[POINTS - 1]);
    let fits = first >= 0.0 && last < 4095.5;
    check.require(fits, field, format!("factors from {first} to {last}"), "factors from 0 to 4095");
    let mut factors = [0; POINTS];
    for (factor, x) in factors.iter_mut().zip(table) {
        *factor = (x * f64::from(1 << 20) + 0.5).floor() as u32;
    }
    fits.then(|| Arc::new(Factors(factors)))
}

/// The quantities of a law in whole lots, at least one.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
pub(super) fn sizes(check: &mut Check, field: &str, law: &Law, lot_size: Decimal) -> Arc<Sizes> {
    if let Law::Number(qty) = law {
        return Arc::new(Sizes::Fixed(check.qty(field, *qty, lot_size, 1)));
    }
    let mut table = Box::new([Lots(1); POINTS]);
    if let Some(law) = read(check, field, law) {
        let points = law.table(POINTS);
        let lot = double(lot_size);
        let (first, last) = (points[0], points[POINTS - 1]);
        let fits = first > 0.0 && last / lot < MAX_LOTS as f64;
        check.require(
            fits,
            field,
            format!("quantities from {first} to {last}"),
            "more than 0, at most 2^53 lots",
        );
        for (lots, x) in table.iter_mut().zip(points).filter(|_| fits) {
            *lots = Lots(((x / lot + 0.5).floor() as i64).max(1));
        }
    }
    Arc::new(Sizes::Table(table))
}

/// The steps that a law's seconds take, at least one.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn steps(check: &mut Check, field: &str, law: &Law, step: Decimal) -> Box<[u64; POINTS]> {
    let mut table = Box::new([1; POINTS]);
    if let Some(law) = read(check, field, law) {
        let (points, step) = (law.table(POINTS), double(step));
        let (first, last) = (points[0], points[POINTS - 1]);
        let fits = first > 0.0 && last <= MAX_SECONDS;
        check.require(
            fits,
            field,
            format!("times from {first} to {last}"),
            "more than 0, at most 1000000000 seconds",
        );
        for (steps, x) in table.iter_mut().zip(points).filter(|_| fits) {
            *steps = ((x / step).ceil() as u64).max(1);
        }
    }
    table
}

/// The leverages of a law in billionths, at least one.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn leverages(check: &mut Check, field: &str, law: &Law) -> Leverages {
    if let Law::Number(leverage) = law {
        let fits = *leverage >= Decimal::ONE && *leverage <= Decimal::from(MAX_LEVERAGE);
        check.require(fits, field, leverage, "from 1 to 1000000");
        return Leverages::Fixed(Rate(if fits { billionths(*leverage) } else { Rate::ONE }));
    }
    let mut table = Box::new([Rate(Rate::ONE); POINTS]);
    if let Some(law) = read(check, field, law) {
        let points = law.table(POINTS);
        let (first, last) = (points[0], points[POINTS - 1]);
        let fits = first >= 1.0 && last <= f64::from(MAX_LEVERAGE);
        check.require(fits, field, format!("leverages from {first} to {last}"), "from 1 to 1000000");
        for (leverage, x) in table.iter_mut().zip(points).filter(|_| fits) {
            *leverage = Rate((x * 1e9 + 0.5).floor() as i64);
        }
    }
    Leverages::Table(table)
}
