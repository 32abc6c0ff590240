//! Decimals into ticks, lots and steps; whatever does not fit is written down with its field.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::error::ScenarioError;
use crate::units::{Lots, Quote, Rate, Ticks, gcd};

/// Largest price: as far as a book keeps levels.
pub const MAX_TICKS: i64 = 1 << 40;
/// Largest quantity: whole lots are exact in double precision up to here.
pub const MAX_LOTS: i64 = 1 << 53;
/// Largest amount of money in a field, in steps.
pub const MAX_MONEY: i64 = i64::MAX / 64;

/// Collects problems while a scenario is built; every reader gives a harmless value where it found one.
#[derive(Debug, Default)]
pub struct Check {
    /// What was found so far.
    pub found: ScenarioError,
    /// Whether money need not be whole steps: those of a scenario are not known yet.
    pub off_grid: bool,
}

impl Check {
    /// Writes a problem down unless `ok`.
    pub fn require(&mut self, ok: bool, field: &str, value: impl std::fmt::Display, allowed: &str) {
        if !ok {
            self.found.push(field, value, allowed);
        }
    }

    /// `value` as a whole number of `unit`s within `min..=max`; the largest allowed value in the message if it is not.
    fn whole(
        &mut self,
        field: &str,
        value: Decimal,
        unit: Decimal,
        name: &str,
        min: i64,
        max: i64,
    ) -> Option<i64> {
        let units = ratio(value, unit)
            .filter(|(n, d)| n % d == 0)
            .and_then(|(n, d)| i64::try_from(n / d).ok())
            .filter(|units| (min..=max).contains(units));
        if units.is_none() {
            let top = unit
                .checked_mul(Decimal::from(max))
                .map_or_else(|| max.to_string(), |x| x.normalize().to_string());
            let bottom = (unit * Decimal::from(min)).normalize();
            self.found.push(field, value, format!("a multiple of {name} {unit} from {bottom} to {top}"));
        }
        units
    }

    /// A whole number within `min..=max`.
    pub fn within(&mut self, field: &str, value: i64, min: i64, max: i64) {
        self.require((min..=max).contains(&value), field, value, &format!("from {min} to {max}"));
    }

    /// A price on the tick, at least one.
    pub fn price(&mut self, field: &str, value: Decimal, tick_size: Decimal) -> Ticks {
        Ticks(self.whole(field, value, tick_size, "tick_size", 1, MAX_TICKS).unwrap_or(1))
    }

    /// A difference of prices on the tick, zero allowed.
    pub fn gap(&mut self, field: &str, value: Decimal, tick_size: Decimal, min: i64) -> Ticks {
        Ticks(self.whole(field, value, tick_size, "tick_size", min, MAX_TICKS).unwrap_or(min))
    }

    /// A quantity in whole lots, at least `min`.
    pub fn qty(&mut self, field: &str, value: Decimal, lot_size: Decimal, min: i64) -> Lots {
        Lots(self.whole(field, value, lot_size, "lot_size", min, MAX_LOTS).unwrap_or(min))
    }

    /// Money in whole steps, zero or more.
    pub fn money(&mut self, field: &str, value: Decimal, step: Decimal) -> Quote {
        if self.off_grid {
            self.require(value >= Decimal::ZERO, field, value, "0 or more");
            let steps = value.max(Decimal::ZERO).checked_div(step).and_then(|steps| steps.to_i64());
            return Quote(steps.map_or(MAX_MONEY, |steps| steps.min(MAX_MONEY)));
        }
        Quote(self.whole(field, value, step, "quote_step", 0, MAX_MONEY).unwrap_or(0))
    }

    /// A rate within `min..=max` (inclusive), in billionths.
    pub fn rate(&mut self, field: &str, value: Decimal, min: Decimal, max: Decimal) -> Rate {
        if value < min || value > max {
            self.found.push(field, value, format!("from {min} to {max}"));
            return Rate::default();
        }
        Rate(billionths(value))
    }

    /// A fee, or (negative) a rebate.
    pub fn fee(&mut self, field: &str, value: Decimal) -> Rate {
        self.rate(field, value, Decimal::new(-1, 1), Decimal::new(1, 1))
    }

    /// A decimal that must be more than zero and at most `max`.
    pub fn positive(&mut self, field: &str, value: Decimal, max: Decimal) -> Decimal {
        if value <= Decimal::ZERO || value > max {
            self.found.push(field, value, format!("more than 0, at most {max}"));
            return Decimal::ONE;
        }
        value
    }
}

/// Rounded half away from zero to nine decimals; the caller has bounded it.
pub fn billionths(value: Decimal) -> i64 {
    let rounded = value.round_dp_with_strategy(9, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
    (rounded * Decimal::from(Rate::ONE)).to_i64().unwrap_or(0)
}

/// The nearest double.
pub fn double(value: Decimal) -> f64 {
    // Parsing rounds once; `to_f64` would round on the way.
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// `a / b` as a reduced fraction with a positive denominator (`b > 0`), `None` if it needs more than 128 bits.
pub fn ratio(a: Decimal, b: Decimal) -> Option<(i128, i128)> {
    let (a, b) = (a.normalize(), b.normalize());
    let numerator = a.mantissa().checked_mul(10i128.checked_pow(b.scale())?)?;
    let denominator = b.mantissa().checked_mul(10i128.checked_pow(a.scale())?)?;
    if denominator <= 0 {
        return None;
    }
    let common = gcd(numerator, denominator);
    Some((numerator / common, denominator / common))
}
