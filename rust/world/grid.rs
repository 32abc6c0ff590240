//! The grid of a market: tick and lot.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::check::{Check, ratio};
use crate::book::Notional;
use crate::error::ScenarioError;
use crate::units::{Lots, Rate, Ticks, Unit, div_ceil};

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

    /// Tick and lot size.
    pub fn sizes(&self) -> (Decimal, Decimal) {
        (self.tick_size, self.lot_size)
    }

    /// Ticks and lots in one unit, where that is a whole number.
    pub fn per_unit(&self) -> (Option<i64>, Option<i64>) {
        let whole = |size: Decimal| {
            ratio(Decimal::ONE, size).filter(|&(_, d)| d == 1).and_then(|(n, _)| n.try_into().ok())
        };
        (whole(self.tick_size), whole(self.lot_size))
    }

    /// Quote steps in a tick x lot, and what a step is worth.
    pub fn money(&self) -> Option<(i64, Unit)> {
        let step = quote_step(&[(self.tick_size, self.lot_size)]);
        Some(((self.tick_size * self.lot_size / step).to_i64().filter(|&scale| scale > 0)?, unit(step)))
    }

    /// An amount of quote currency in ticks x lots, rounded up; `None` if it does not fit.
    pub fn notional(&self, amount: Decimal) -> Option<Notional> {
        let (n, d) = ratio(amount, self.tick_size.checked_mul(self.lot_size)?)?;
        Some(Notional(div_ceil(n, d)))
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

/// A fee rate, from a rebate of a tenth to a fee of a tenth.
pub fn fee_rate(field: &str, rate: Decimal) -> Result<Rate, ScenarioError> {
    one(|check| check.fee(field, rate))
}

fn one<R>(read: impl FnOnce(&mut Check) -> R) -> Result<R, ScenarioError> {
    let mut check = Check::default();
    let value = read(&mut check);
    check.found.into_result().map(|()| value)
}

/// The least part of a coin that is booked.
pub(super) const COIN_STEP: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

/// `tick, lot` of both markets; of an inverse perpetual, whose lot is money whatever the price, `1, lot`.
pub(super) fn values(grids: [(Decimal, Decimal); 2], inverse: bool) -> [(Decimal, Decimal); 2] {
    let [spot, perp] = grids;
    if inverse { [spot, (Decimal::ONE, perp.1)] } else { grids }
}

/// The largest power of ten, at most 1e-6, that divides `tick x lot` of every market.
pub(super) fn quote_step(markets: &[(Decimal, Decimal)]) -> Decimal {
    let places = markets.iter().map(|&(tick, lot)| (tick * lot).normalize().scale()).max();
    Decimal::new(1, places.unwrap_or(0).max(6))
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
