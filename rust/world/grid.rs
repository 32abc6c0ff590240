//! The grid of a market: tick and lot.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::check::Check;
use crate::error::ScenarioError;
use crate::units::{Lots, Ticks, Unit};

/// Tick and lot size, checked.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    tick_size: Decimal,
    lot_size: Decimal,
}

impl Grid {
    /// From the two sizes.
    pub fn new(tick_size: Decimal, lot_size: Decimal) -> Result<Grid, ScenarioError> {
        one(|found| check(found, "", tick_size, lot_size)).map(|()| Grid { tick_size, lot_size })
    }

    /// Tick and lot as units.
    pub fn units(&self) -> (Unit, Unit) {
        (unit(self.tick_size), unit(self.lot_size))
    }

    /// A price in ticks, at least one.
    pub fn price(&self, field: &str, price: Decimal) -> Result<Ticks, ScenarioError> {
        one(|check| check.price(field, price, self.tick_size))
    }

    /// A quantity in lots, at least one.
    pub fn qty(&self, field: &str, qty: Decimal) -> Result<Lots, ScenarioError> {
        one(|check| check.qty(field, qty, self.lot_size, 1))
    }
}

fn one<R>(read: impl FnOnce(&mut Check) -> R) -> Result<R, ScenarioError> {
    let mut check = Check::default();
    let value = read(&mut check);
    check.found.into_result().map(|()| value)
}

/// Both sizes, under `path`.
pub(super) fn check(check: &mut Check, path: &str, tick_size: Decimal, lot_size: Decimal) {
    for (name, size) in [("tick_size", tick_size), ("lot_size", lot_size)] {
        let fits =
            size > Decimal::ZERO && size <= Decimal::from(1_000_000_000) && size.normalize().scale() <= 12;
        let field = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        check.require(fits, &field, size, "more than 0, at most 1e9, at most 12 decimals");
    }
}

/// A size has at most 12 decimals and 22 digits, so both parts are exact.
pub(super) fn unit(size: Decimal) -> Unit {
    let size = size.normalize();
    let places = i32::try_from(size.scale()).unwrap_or(0);
    Unit { numerator: size.mantissa().to_f64().unwrap_or(f64::NAN), denominator: 10f64.powi(places) }
}
