//! Between a book's ticks and lots and Python's numbers.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt};
use rust_decimal::Decimal;

use crate::bindings::convert::{decimal, refuse};
use crate::bindings::errors::OrderError;
use crate::book::{Band, Fees, Notional};
use crate::units::{Lots, Rate, Ticks, Unit};
use crate::world::Grid;

/// A grid, and what it takes to read and show it fast.
pub struct Units {
    grid: Grid,
    tick: Unit,
    lot: Unit,
    money: (i64, Unit),
    /// Ticks and lots in one unit, where that is a whole number.
    whole: (Option<i64>, Option<i64>),
}

impl Units {
    pub fn read(tick_size: &Bound<'_, PyAny>, lot_size: &Bound<'_, PyAny>) -> PyResult<Units> {
        let (tick, lot) = (decimal("tick_size", tick_size)?, decimal("lot_size", lot_size)?);
        Units::new(tick, lot)
    }

    fn new(tick: Decimal, lot_size: Decimal) -> PyResult<Units> {
        let lot = lot_size;
        let grid = Grid::new(tick, lot).map_err(|error| OrderError::new_err(error.to_string()))?;
        let (tick, lot) = grid.units();
        let money = grid
            .money()
            .ok_or_else(|| refuse("lot_size", lot_size, "tick_size x lot_size below 2^63 quote steps"))?;
        Ok(Units { grid, tick, lot, money, whole: grid.per_unit() })
    }

    #[inline]
    pub fn price(&self, ticks: Ticks) -> f64 {
        self.tick.of(ticks.0)
    }

    #[inline]
    pub fn qty(&self, lots: Lots) -> f64 {
        self.lot.of(lots.0)
    }

    /// Tick and lot size as decimal text.
    pub fn sizes(&self) -> (String, String) {
        let (tick, lot) = self.grid.sizes();
        (tick.normalize().to_string(), lot.normalize().to_string())
    }

    /// Quote steps in a tick x lot, and what a step is worth.
    pub fn money(&self) -> (i64, Unit) {
        self.money
    }

    /// Price x quantity in units.
    #[allow(clippy::cast_precision_loss)]
    pub fn notional(&self, notional: Notional) -> f64 {
        notional.0 as f64 * self.tick.of(1) * self.lot.of(1)
    }

    #[inline]
    pub fn ticks(&self, field: &str, value: &Bound<'_, PyAny>) -> PyResult<Ticks> {
        if let Some(ticks) = whole(value, self.whole.0) {
            return Ok(Ticks(ticks));
        }
        let value = decimal(field, value)?;
        self.grid.price(field, value).map_err(|error| OrderError::new_err(error.to_string()))
    }

    #[inline]
    pub fn lots(&self, field: &str, value: &Bound<'_, PyAny>) -> PyResult<Lots> {
        if let Some(lots) = whole(value, self.whole.1) {
            return Ok(Lots(lots));
        }
        let value = decimal(field, value)?;
        self.grid.qty(field, value).map_err(|error| OrderError::new_err(error.to_string()))
    }

    /// A signed quantity.
    pub fn position(&self, value: &Bound<'_, PyAny>) -> PyResult<Lots> {
        let value = decimal("qty", value)?;
        if value.is_zero() {
            return Ok(Lots::ZERO);
        }
        let size =
            self.grid.qty("qty", value.abs()).map_err(|error| OrderError::new_err(error.to_string()))?;
        Ok(if value.is_sign_negative() { -size } else { size })
    }

    /// An amount of quote currency in ticks x lots, rounded up.
    pub fn ticks_by_lots(&self, field: &str, value: &Bound<'_, PyAny>) -> PyResult<Notional> {
        let amount = decimal(field, value)?;
        let found = self.grid.notional(amount).filter(|notional| notional.0 >= 0);
        found.ok_or_else(|| refuse(field, amount, "an amount of quote currency, 0 or more"))
    }

    /// The least notional of an order; none if not given.
    pub fn min_notional(&self, value: Option<&Bound<'_, PyAny>>) -> PyResult<Notional> {
        value.map_or(Ok(Notional::default()), |value| self.ticks_by_lots("min_notional", value))
    }

    pub fn band(&self, low: &Bound<'_, PyAny>, high: &Bound<'_, PyAny>) -> PyResult<Band> {
        let band = Band { low: self.ticks("low", low)?, high: self.ticks("high", high)? };
        if band.is_valid() { Ok(band) } else { Err(refuse("low", low.str()?, "at most high")) }
    }
}

/// The fast way in: a Python integer times what one unit holds.
#[inline]
fn whole(value: &Bound<'_, PyAny>, per_unit: Option<i64>) -> Option<i64> {
    if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        return None;
    }
    let count: i64 = value.extract().ok()?;
    let units = count.checked_mul(per_unit?)?;
    (1..=crate::world::MAX_LOTS).contains(&units).then_some(units)
}

/// Maker and taker fee.
pub fn fees(maker: Option<&Bound<'_, PyAny>>, taker: Option<&Bound<'_, PyAny>>) -> PyResult<Fees> {
    Ok(Fees { maker: rate("maker_fee", maker)?, taker: rate("taker_fee", taker)? })
}

fn rate(field: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Rate> {
    let Some(value) = value else { return Ok(Rate::default()) };
    let rate = decimal(field, value)?;
    crate::world::fee_rate(field, rate).map_err(|error| OrderError::new_err(error.to_string()))
}
