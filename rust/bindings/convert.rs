//! Python values to exact decimals, sides and names.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyString};
use rust_decimal::Decimal;

use super::errors::OrderError;
use crate::book::{SelfTrade, Source, TimeInForce};
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

/// A value as an error repeats it.
pub fn shown(value: &Bound<'_, PyAny>) -> String {
    value.repr().map_or_else(|_| "this".to_owned(), |text| text.to_string())
}

/// An order's id; what is none names no order.
pub fn order_id(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let id = (!value.is_instance_of::<PyBool>()).then(|| value.extract().ok()).flatten();
    id.ok_or_else(|| refuse("id", shown(value), "the id of an order: an integer from 0 to 2^64 - 1"))
}

/// An owner.
pub fn owner_id(value: &Bound<'_, PyAny>) -> PyResult<u32> {
    value.extract().map_err(|_| refuse("owner", shown(value), "an integer from 0 to 2^32 - 1"))
}

/// `"buy"` or `"sell"`.
pub fn order_side(text: &str) -> PyResult<Side> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        _ => Err(refuse("side", format!("{text:?}"), "\"buy\" or \"sell\"")),
    }
}

/// Time in force by name.
pub fn tif(text: &str) -> PyResult<TimeInForce> {
    Ok(match text {
        "gtc" => TimeInForce::Gtc,
        "ioc" => TimeInForce::Ioc,
        "fok" => TimeInForce::Fok,
        "post_only" => TimeInForce::PostOnly,
        "post_only_slide" => TimeInForce::PostOnlySlide,
        _ => {
            let allowed = "\"gtc\", \"ioc\", \"fok\", \"post_only\" or \"post_only_slide\"";
            return Err(refuse("tif", format!("{text:?}"), allowed));
        }
    })
}

/// Self-trade prevention by name.
pub fn self_trade(text: &str) -> PyResult<SelfTrade> {
    Ok(match text {
        "allow" => SelfTrade::Allow,
        "cancel_newest" => SelfTrade::CancelNewest,
        "cancel_oldest" => SelfTrade::CancelOldest,
        "cancel_both" => SelfTrade::CancelBoth,
        "decrement" => SelfTrade::Decrement,
        _ => {
            let allowed = "\"allow\", \"cancel_newest\", \"cancel_oldest\", \"cancel_both\" or \"decrement\"";
            return Err(refuse("self_trade", format!("{text:?}"), allowed));
        }
    })
}

/// The price a trigger watches, by name.
pub fn trigger_source(text: &str) -> PyResult<Source> {
    match text {
        "mark" => Ok(Source::Mark),
        "last" => Ok(Source::Last),
        "index" => Ok(Source::Index),
        _ => Err(refuse("on", format!("{text:?}"), "\"mark\", \"last\" or \"index\"")),
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
