//! Python values to exact decimals, sides and names.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyString};
use rust_decimal::Decimal;

use super::errors::OrderError;
use crate::units::Side;

/// A refusal that names the field, the value and what is allowed.
pub fn refuse(field: &str, value: impl std::fmt::Display, allowed: &str) -> PyErr {
    OrderError::new_err(format!("{field}: {value} is not allowed: {allowed}"))
}

/// A decimal from a string, int, float (its shortest form) or `decimal.Decimal`.
pub fn decimal(field: &str, value: &Bound<'_, PyAny>) -> PyResult<Decimal> {
    let bad = |text: &str| refuse(field, text, "a finite decimal number of at most 28 digits");
    if value.is_instance_of::<PyBool>() {
        return Err(bad(&value.repr()?.to_string()));
    }
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str()?;
        return parse(text).ok_or_else(|| bad(&format!("{text:?}")));
    }
    if value.is_instance_of::<PyFloat>() {
        let float: f64 = value.extract()?;
        return parse(&float.to_string()).ok_or_else(|| bad(&float.to_string()));
    }
    if let Ok(int) = value.extract::<i64>() {
        return Ok(Decimal::from(int));
    }
    let text = value.str()?.to_string();
    parse(&text).ok_or_else(|| bad(&text))
}

fn parse(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

/// `"buy"` or `"sell"`.
pub fn order_side(text: &str) -> PyResult<Side> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        _ => Err(refuse("side", format!("{text:?}"), "\"buy\" or \"sell\"")),
    }
}

/// `"bid"` or `"ask"`, as the side that rests.
pub fn resting_side(text: &str) -> PyResult<Side> {
    match text {
        "bid" => Ok(Side::Buy),
        "ask" => Ok(Side::Sell),
        _ => Err(refuse("side", format!("{text:?}"), "\"bid\" or \"ask\"")),
    }
}
