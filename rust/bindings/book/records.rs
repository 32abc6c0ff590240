//! What an order came to, as Python objects in units.

use pyo3::prelude::*;

use super::Units;
use crate::book::{self, CancelReason, Event};
use crate::error::Reject;
use crate::units::{Lots, Ticks};

/// One fill of an order.
#[pyclass(frozen, get_all, module = "perpcore")]
pub struct Fill {
    /// At the resting order's price.
    pub price: f64,
    /// How much.
    pub qty: f64,
    /// Id of the order that rested.
    pub maker_id: u64,
    /// Owner of the order that rested.
    pub maker: u32,
}

#[pymethods]
impl Fill {
    fn __repr__(&self) -> String {
        format!(
            "Fill(price={}, qty={}, maker_id={}, maker={})",
            self.price, self.qty, self.maker_id, self.maker
        )
    }
}

/// Something a command did. What has no meaning for its `kind` is None.
#[pyclass(frozen, get_all, module = "perpcore")]
pub struct BookEvent {
    /// ``accepted``, ``filled``, ``rested``, ``cancelled``, ``reduced``, ``replaced`` or ``triggered``.
    pub kind: &'static str,
    /// The order it happened to; the taker of a fill.
    pub id: u64,
    /// How much was accepted, filled, rests, was cancelled, or is left.
    pub qty: Option<f64>,
    /// Of the fill, or at which the order rests.
    pub price: Option<f64>,
    /// Of the order, in fills and cancels.
    pub owner: Option<u32>,
    /// The order that rested, in fills.
    pub maker_id: Option<u64>,
    /// Its owner.
    pub maker: Option<u32>,
    /// Why it was cancelled.
    pub reason: Option<&'static str>,
}

#[pymethods]
impl BookEvent {
    fn __repr__(&self) -> String {
        let mut text = format!("BookEvent({}, id={}", self.kind, self.id);
        let numbers = [("qty", self.qty), ("price", self.price)];
        for (name, value) in numbers.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            text += &format!(", {name}={value}");
        }
        if let Some(reason) = self.reason {
            text += &format!(", {reason}");
        }
        text + ")"
    }
}

/// What became of an order.
#[pyclass(frozen, get_all, module = "perpcore")]
pub struct OrderResult {
    /// Id of the order if it rests or waits for its trigger, else None.
    pub id: Option<u64>,
    /// Filled at once.
    pub filled: f64,
    /// Resting or waiting if `id` is set, else cancelled.
    pub remaining: f64,
    /// Its fills, best price first.
    pub fills: Vec<Py<Fill>>,
    /// All it did, in order, other orders' triggers and cancels included; empty in a book without rules or stops.
    pub events: Vec<Py<BookEvent>>,
}

#[pymethods]
impl OrderResult {
    fn __repr__(&self) -> String {
        let id = self.id.map_or("None".to_owned(), |id| id.to_string());
        let (filled, remaining, fills) = (self.filled, self.remaining, self.fills.len());
        format!("OrderResult(id={id}, filled={filled}, remaining={remaining}, fills=[{fills}])")
    }
}

/// A fill in units.
pub fn fill(py: Python<'_>, units: &Units, fill: &book::Fill) -> PyResult<Py<Fill>> {
    let (price, qty) = (units.price(fill.price), units.qty(fill.qty));
    Py::new(py, Fill { price, qty, maker_id: fill.maker_order.0, maker: fill.maker.0 })
}

/// An event in units; a reject, which is raised, is none.
pub fn event(py: Python<'_>, units: &Units, event: &Event) -> PyResult<Option<Py<BookEvent>>> {
    let bare = |kind, id: crate::ids::OrderId| BookEvent {
        kind,
        id: id.0,
        qty: None,
        price: None,
        owner: None,
        maker_id: None,
        maker: None,
        reason: None,
    };
    let qty = |lots: Lots| Some(units.qty(lots));
    let price = |ticks: Ticks| Some(units.price(ticks));
    let record = match *event {
        Event::Accepted { id, qty: size } => BookEvent { qty: qty(size), ..bare("accepted", id) },
        Event::Filled { taker, owner, fill, .. } => BookEvent {
            qty: qty(fill.qty),
            price: price(fill.price),
            owner: Some(owner.0),
            maker_id: Some(fill.maker_order.0),
            maker: Some(fill.maker.0),
            ..bare("filled", taker)
        },
        Event::Rested { id, price: at, qty: size } => {
            BookEvent { qty: qty(size), price: price(at), ..bare("rested", id) }
        }
        Event::Cancelled { id, owner, qty: size, reason, .. } => {
            let reason = Some(reason_text(reason));
            BookEvent { qty: qty(size), owner: Some(owner.0), reason, ..bare("cancelled", id) }
        }
        Event::Reduced { id, left } => BookEvent { qty: qty(left), ..bare("reduced", id) },
        Event::Replaced { id, price: at, qty: size, .. } => {
            BookEvent { qty: qty(size), price: price(at), ..bare("replaced", id) }
        }
        Event::Triggered { id } => bare("triggered", id),
        Event::Rejected(_) => return Ok(None),
    };
    Py::new(py, record).map(Some)
}

fn reason_text(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Asked => "asked",
        CancelReason::Owner => "all of its owner's",
        CancelReason::Unfilled => "nothing left to trade with",
        CancelReason::Killed => "not all of it could be filled",
        CancelReason::SelfTrade => "self-trade",
        CancelReason::ReduceOnly => "would not reduce",
        CancelReason::Expired => "expired",
        CancelReason::Refused(reject) => reject.reason(),
    }
}

/// Codes with their texts.
type Texts = Vec<(u8, &'static str)>;

/// Texts of the codes in reject and cancel rows.
#[pyfunction]
pub fn batch_reasons() -> (Texts, Texts) {
    let rejects: Vec<_> = Reject::ALL.iter().map(|reject| (reject.code(), reject.reason())).collect();
    let asked = [
        CancelReason::Asked,
        CancelReason::Owner,
        CancelReason::Unfilled,
        CancelReason::Killed,
        CancelReason::SelfTrade,
        CancelReason::ReduceOnly,
        CancelReason::Expired,
    ];
    let refused = Reject::ALL.iter().map(|&reject| CancelReason::Refused(reject));
    let cancels =
        asked.into_iter().chain(refused).map(|reason| (reason.code(), reason_text(reason))).collect();
    (rejects, cancels)
}
