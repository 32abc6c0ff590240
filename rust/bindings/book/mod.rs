//! The order book as a Python class, in units.

mod batch;
mod records;
mod send;
mod units;

use std::collections::HashMap;

use numpy::{PyArray1, PyReadonlyArray1, ToPyArray};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

pub use self::records::{BookEvent, Fill, OrderResult, batch_reasons};
use self::send::terms;
pub use self::units::Units;
use self::units::fees;
use super::convert::{order_id, order_side, owner_id, refuse, resting_side, self_trade, tif, trigger_source};
use super::errors::OrderError;
use crate::book::batch::{Batch, Output};
use crate::book::{self, Command, Event, OrderKind, Rules, Terms, Trigger, TriggerKind};
use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Time};

type Columns<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);
type Resting = (u64, u32, f64, f64);

/// A limit order book with price-time priority.
///
/// Prices and quantities are in units and must be multiples of tick and lot size; floats are read in their shortest
/// decimal form. `apply` takes arrays of commands in ticks and lots. A refused command raises OrderError (in a batch:
/// is a row of rejects) and has changed nothing.
///
/// Parameters
/// ----------
/// tick_size, lot_size : str, int, float or Decimal
///     Smallest steps of price (quote currency) and quantity.
/// self_trade : {"allow", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"}
///     What happens when an order meets one of its own owner's; an order may ask for another rule.
/// min_notional : str, int, float or Decimal
///     Least price times quantity of an order, in quote currency; reduce-only orders are free of it.
/// maker_fee, taker_fee : str, int, float or Decimal
///     Rates of value, negative ones are rebates; `fees` computes what a fill costs.
///
/// Examples
/// --------
/// >>> book = pc.OrderBook(tick_size="0.01", lot_size="0.001")
/// >>> ask = book.limit("sell", price="10.00", qty=5, owner=7)
/// >>> book.market("buy", qty=2).fills
/// [Fill(price=10, qty=2, maker_id=..., maker=7)]
/// >>> book.cancel(ask.id)
/// 3.0
#[pyclass(module = "perpcore")]
pub struct OrderBook {
    book: book::OrderBook,
    units: Units,
    batch: Batch,
    output: Output,
    /// Positions that reduce-only orders are measured by; they follow the fills.
    positions: HashMap<AccountId, Lots>,
    fills: Vec<book::Fill>,
    events: Vec<Event>,
}

fn rejected(reject: Reject) -> PyErr {
    OrderError::new_err(reject.reason())
}

#[pymethods]
impl OrderBook {
    #[new]
    #[pyo3(signature = (*, tick_size, lot_size, self_trade="allow", min_notional=None, maker_fee=None, taker_fee=None))]
    fn new(
        tick_size: &Bound<'_, PyAny>,
        lot_size: &Bound<'_, PyAny>,
        self_trade: &str,
        min_notional: Option<Bound<'_, PyAny>>,
        maker_fee: Option<Bound<'_, PyAny>>,
        taker_fee: Option<Bound<'_, PyAny>>,
    ) -> PyResult<OrderBook> {
        let units = Units::read(tick_size, lot_size)?;
        let rules = Rules {
            self_trade: self::self_trade(self_trade)?,
            min_notional: units.min_notional(min_notional.as_ref())?,
            band: None,
            fees: fees(maker_fee.as_ref(), taker_fee.as_ref())?,
        };
        let book = book::OrderBook::with_rules((), rules).map_err(rejected)?;
        Ok(OrderBook::over(book, units))
    }

    /// Sends a limit order.
    ///
    /// Parameters
    /// ----------
    /// side : {"buy", "sell"}
    /// price, qty : str, int, float or Decimal
    /// owner : int
    ///     Whose order it is, 0 to 2**32 - 1.
    /// tif : {"gtc", "ioc", "fok", "post_only", "post_only_slide"}
    ///     Rest what is left; cancel it; fill all or nothing; refuse what would trade at once, or move it behind the best.
    /// reduce_only : bool
    ///     May only make its owner's position (`set_position`) smaller.
    /// expires : int, optional
    ///     Cancelled once `clock` reaches this.
    /// self_trade : str, optional
    ///     Instead of the book's rule.
    ///
    /// Returns
    /// -------
    /// OrderResult
    #[pyo3(signature = (side, *, price, qty, owner=0, tif="gtc", reduce_only=false, expires=None, self_trade=None))]
    #[allow(clippy::too_many_arguments)] // keyword-only in Python
    fn limit(
        &mut self,
        py: Python<'_>,
        side: &str,
        price: &Bound<'_, PyAny>,
        qty: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = owner_id)] owner: u32,
        tif: &str,
        reduce_only: bool,
        expires: Option<i64>,
        self_trade: Option<&str>,
    ) -> PyResult<OrderResult> {
        let kind = OrderKind::Limit { price: self.units.ticks("price", price)?, tif: self::tif(tif)? };
        let order = self.order(side, qty, owner, kind)?;
        self.send(py, order, terms(reduce_only, expires, self_trade)?)
    }

    /// Sends a market order: it fills what rests, the remainder is cancelled.
    ///
    /// Parameters
    /// ----------
    /// side : {"buy", "sell"}
    /// qty : str, int, float or Decimal
    /// owner : int
    /// protection : str, int, float or Decimal, optional
    ///     No fill beyond this price.
    /// reduce_only : bool
    /// self_trade : str, optional
    ///
    /// Returns
    /// -------
    /// OrderResult
    #[pyo3(signature = (side, *, qty, owner=0, protection=None, reduce_only=false, self_trade=None))]
    #[allow(clippy::too_many_arguments)]
    fn market(
        &mut self,
        py: Python<'_>,
        side: &str,
        qty: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = owner_id)] owner: u32,
        protection: Option<Bound<'_, PyAny>>,
        reduce_only: bool,
        self_trade: Option<&str>,
    ) -> PyResult<OrderResult> {
        let kind = self.market_kind(protection.as_ref())?;
        let order = self.order(side, qty, owner, kind)?;
        self.send(py, order, terms(reduce_only, None, self_trade)?)
    }

    /// Places a stop or take-profit order: it waits until a price reaches its trigger, then enters.
    ///
    /// Parameters
    /// ----------
    /// side : {"buy", "sell"}
    /// trigger, qty : str, int, float or Decimal
    ///     One that would trigger at once is refused.
    /// price : str, int, float or Decimal, optional
    ///     Limit of a stop-limit order; a market order if not given.
    /// on : {"mark", "last", "index"}
    ///     The price it watches: reported by `mark` and `index`, or the book's own last trade.
    /// take_profit : bool
    ///     Waits for the price to come from the other side.
    /// owner, tif, reduce_only, expires, self_trade
    ///     As of a limit order.
    ///
    /// Returns
    /// -------
    /// OrderResult
    #[pyo3(signature = (side, *, trigger, qty, price=None, on="mark", take_profit=false, owner=0, tif="gtc",
                        reduce_only=false, expires=None, self_trade=None))]
    #[allow(clippy::too_many_arguments)]
    fn stop(
        &mut self,
        py: Python<'_>,
        side: &str,
        trigger: &Bound<'_, PyAny>,
        qty: &Bound<'_, PyAny>,
        price: Option<Bound<'_, PyAny>>,
        on: &str,
        take_profit: bool,
        #[pyo3(from_py_with = owner_id)] owner: u32,
        tif: &str,
        reduce_only: bool,
        expires: Option<i64>,
        self_trade: Option<&str>,
    ) -> PyResult<OrderResult> {
        let kind = match price {
            Some(price) => {
                OrderKind::Limit { price: self.units.ticks("price", &price)?, tif: self::tif(tif)? }
            }
            None => OrderKind::Market,
        };
        let order = self.order(side, qty, owner, kind)?;
        let trigger = Trigger {
            source: trigger_source(on)?,
            price: self.units.ticks("trigger", trigger)?,
            kind: if take_profit { TriggerKind::TakeProfit } else { TriggerKind::Stop },
        };
        let terms = Terms { trigger: Some(trigger), ..terms(reduce_only, expires, self_trade)? };
        self.send(py, order, terms)
    }

    /// Cancels a resting or waiting order and returns the quantity that was left of it.
    fn cancel(&mut self, #[pyo3(from_py_with = order_id)] id: u64) -> PyResult<f64> {
        self.book.cancel(OrderId(id)).map(|left| self.units.qty(left)).map_err(rejected)
    }

    /// Takes `qty` off an order, which keeps its place in the queue; returns what is left of it.
    fn reduce(&mut self, #[pyo3(from_py_with = order_id)] id: u64, qty: &Bound<'_, PyAny>) -> PyResult<f64> {
        let by = self.units.lots("qty", qty)?;
        self.book.reduce(OrderId(id), by).map(|left| self.units.qty(left)).map_err(rejected)
    }

    /// Gives a resting order another price, quantity or both, all or nothing.
    ///
    /// It keeps its id; its place in the queue only at the same price and no larger quantity, else it enters anew.
    ///
    /// Parameters
    /// ----------
    /// id : int
    /// price, qty : str, int, float or Decimal, optional
    ///     What is not given stays. `qty` is what shall be left of it.
    /// tif : {"gtc", "post_only", "post_only_slide"}
    ///
    /// Returns
    /// -------
    /// OrderResult
    #[pyo3(signature = (id, *, price=None, qty=None, tif="gtc"))]
    fn replace(
        &mut self,
        py: Python<'_>,
        #[pyo3(from_py_with = order_id)] id: u64,
        price: Option<Bound<'_, PyAny>>,
        qty: Option<Bound<'_, PyAny>>,
        tif: &str,
    ) -> PyResult<OrderResult> {
        let id = OrderId(id);
        let resting = self.book.order(id).ok_or_else(|| rejected(Reject::UnknownOrder))?;
        let price = price.map_or(Ok(resting.price), |p| self.units.ticks("price", &p))?;
        let qty = qty.map_or(Ok(resting.remaining), |q| self.units.lots("qty", &q))?;
        self.command(Command::Replace { id, price, qty, tif: self::tif(tif)? })?;
        self.result(py, id, qty)
    }

    /// Cancels all orders of an owner, resting and waiting; returns the quantity.
    fn cancel_owner(&mut self, #[pyo3(from_py_with = owner_id)] owner: u32) -> f64 {
        self.units.qty(self.book.cancel_owner(AccountId(owner)))
    }

    /// Reports the mark price; stops that watch it may enter. Returns what happened, a list of BookEvent.
    fn mark(&mut self, py: Python<'_>, price: &Bound<'_, PyAny>) -> PyResult<Vec<Py<BookEvent>>> {
        let price = self.units.ticks("price", price)?;
        self.happenings(py, Command::Mark(price))
    }

    /// Reports the index price; stops that watch it may enter. Returns what happened, a list of BookEvent.
    fn index(&mut self, py: Python<'_>, price: &Bound<'_, PyAny>) -> PyResult<Vec<Py<BookEvent>>> {
        let price = self.units.ticks("price", price)?;
        self.happenings(py, Command::Index(price))
    }

    /// Advances the clock; orders whose time has come are cancelled. Returns what happened, a list of BookEvent.
    fn clock(&mut self, py: Python<'_>, now: i64) -> PyResult<Vec<Py<BookEvent>>> {
        self.happenings(py, Command::Clock(Time(now)))
    }

    /// Stops trading: orders are refused and nothing triggers, cancels go on.
    fn halt(&mut self) -> PyResult<()> {
        self.command(Command::Halt)
    }

    /// Lets trading go on. Returns what happened, a list of BookEvent.
    fn resume(&mut self, py: Python<'_>) -> PyResult<Vec<Py<BookEvent>>> {
        self.happenings(py, Command::Resume)
    }

    /// Allows prices from `low` to `high` only, or any if both are None.
    #[pyo3(signature = (low, high))]
    fn set_band(&mut self, low: Option<Bound<'_, PyAny>>, high: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let band = match (low, high) {
            (None, None) => None,
            (Some(low), Some(high)) => Some(self.units.band(&low, &high)?),
            _ => return Err(refuse("low", "one end alone", "both ends, or None for both")),
        };
        self.command(Command::Band(band))
    }

    /// Says what an owner holds (signed), for his reduce-only orders; from then on it follows his fills.
    fn set_position(
        &mut self,
        #[pyo3(from_py_with = owner_id)] owner: u32,
        qty: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let held = self.units.position(qty)?;
        self.positions.insert(AccountId(owner), held);
        Ok(())
    }

    /// Applies an array of commands.
    ///
    /// Parameters
    /// ----------
    /// events : numpy.ndarray of perpcore.events.EVENT, shape (n,)
    ///     In ticks and lots. A contiguous, aligned array is read where it lies; the GIL is released.
    ///
    /// Returns
    /// -------
    /// perpcore.events.Applied
    ///     Arrays ``fills`` (FILL), ``rejects`` (REJECT) and ``cancels`` (CANCEL: by rules, not asked for by name).
    fn apply<'py>(&mut self, py: Python<'py>, events: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let module = py.import("perpcore.events")?;
        let bytes = module.call_method1("as_bytes", (events,))?;
        let bytes: PyReadonlyArray1<'py, u8> = bytes.extract()?;
        let rows = batch::apply(self, py, &bytes)?;
        module.call_method1("applied", rows)
    }

    /// Highest bid, or None.
    #[getter]
    fn best_bid(&self) -> Option<f64> {
        self.book.best(Side::Buy).map(|price| self.units.price(price))
    }

    /// Lowest ask, or None.
    #[getter]
    fn best_ask(&self) -> Option<f64> {
        self.book.best(Side::Sell).map(|price| self.units.price(price))
    }

    /// Price of the last fill, or None.
    #[getter]
    fn last_price(&self) -> Option<f64> {
        self.book.last().map(|price| self.units.price(price))
    }

    /// The best levels of one side.
    ///
    /// Parameters
    /// ----------
    /// side : {"bid", "ask"}
    /// levels : int
    ///     At most this many.
    /// notional : str, int, float or Decimal, optional
    ///     Instead: as many levels as hold this much quote currency.
    ///
    /// Returns
    /// -------
    /// (prices, quantities) : tuple of numpy.ndarray of float64, shape (n,)
    ///     From the best price away.
    #[pyo3(signature = (side, *, levels=10, notional=None))]
    fn depth<'py>(
        &mut self,
        py: Python<'py>,
        side: &str,
        levels: usize,
        notional: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Columns<'py>> {
        let (side, mut rows) = (resting_side(side)?, Vec::new());
        match notional {
            Some(amount) => {
                let amount = self.units.ticks_by_lots("notional", &amount)?;
                self.book.depth_to(side, amount, &mut rows);
            }
            None => self.book.depth(side, levels, &mut rows),
        }
        let prices: Vec<f64> = rows.iter().map(|&(price, _)| self.units.price(price)).collect();
        let sizes: Vec<f64> = rows.iter().map(|&(_, qty)| self.units.qty(qty)).collect();
        Ok((prices.to_pyarray(py), sizes.to_pyarray(py)))
    }

    /// The resting orders of one side, in the order in which they would fill: (id, owner, price, quantity).
    fn orders(&mut self, side: &str) -> PyResult<Vec<Resting>> {
        let mut rows = Vec::new();
        self.book.orders(resting_side(side)?, &mut rows);
        let show = |(id, order): &(OrderId, book::RestingOrder)| {
            (id.0, order.owner.0, self.units.price(order.price), self.units.qty(order.remaining))
        };
        Ok(rows.iter().map(show).collect())
    }

    /// What an order would get, without sending it.
    ///
    /// Parameters
    /// ----------
    /// side : {"buy", "sell"}
    /// qty : str, int, float or Decimal
    /// limit : str, int, float or Decimal, optional
    ///
    /// Returns
    /// -------
    /// (filled, mean_price, worst_price) : tuple of float
    ///     Quantity, volume-weighted price and last price; the prices are NaN if nothing would fill.
    #[pyo3(signature = (side, *, qty, limit=None))]
    fn quote(
        &mut self,
        side: &str,
        qty: &Bound<'_, PyAny>,
        limit: Option<Bound<'_, PyAny>>,
    ) -> PyResult<(f64, f64, f64)> {
        let resting = order_side(side)?.opposite();
        let qty = self.units.lots("qty", qty)?;
        let limit = limit.map(|price| self.units.ticks("limit", &price)).transpose()?;
        let taken = self.book.quote(resting, qty, limit);
        Ok(self.taken(&taken))
    }

    /// Mean price at which this much quote currency would trade ("impact price"), NaN if the book is too thin.
    ///
    /// Parameters
    /// ----------
    /// side : {"buy", "sell"}
    /// notional : str, int, float or Decimal
    ///     In quote currency.
    #[pyo3(signature = (side, *, notional))]
    fn impact_price(&mut self, side: &str, notional: &Bound<'_, PyAny>) -> PyResult<f64> {
        let resting = order_side(side)?.opposite();
        let amount = self.units.ticks_by_lots("notional", notional)?;
        Ok(self.book.impact(resting, amount).map_or(f64::NAN, |taken| self.taken(&taken).1))
    }

    /// (quantity, orders) ahead of a resting order at its price.
    fn queue_position(&mut self, #[pyo3(from_py_with = order_id)] id: u64) -> PyResult<(f64, usize)> {
        let place = self.book.queue_place(OrderId(id)).ok_or_else(|| rejected(Reject::UnknownOrder))?;
        Ok((self.units.qty(place.lots), place.orders))
    }

    /// (maker's, taker's) fee of a trade under the book's fees, in quote currency; negative ones are received.
    fn fees(&self, price: &Bound<'_, PyAny>, qty: &Bound<'_, PyAny>) -> PyResult<(f64, f64)> {
        let (price, qty) = (self.units.ticks("price", price)?, self.units.lots("qty", qty)?);
        let fill = book::Fill {
            price,
            qty,
            maker_order: OrderId(0),
            maker: AccountId(0),
            maker_remaining: Lots::ZERO,
        };
        let (scale, step) = self.units.money();
        let fees = self.book.rules().fees.on(&fill, scale);
        let fees = fees.map_err(|_| refuse("qty", qty.0, "a value below 2^63 quote steps"))?;
        Ok((step.of(fees.maker.0), step.of(fees.taker.0)))
    }

    /// The whole book as bytes: orders with ids and priorities, stops, clock, rules.
    fn snapshot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.book.snapshot())
    }

    /// A book as it was when `snapshot` was taken; positions and batch references are not in it.
    ///
    /// Raises
    /// ------
    /// OrderError
    ///     The bytes are no snapshot, of another version, or damaged.
    #[staticmethod]
    #[pyo3(signature = (snapshot, *, tick_size, lot_size))]
    fn restore(
        snapshot: &[u8],
        tick_size: &Bound<'_, PyAny>,
        lot_size: &Bound<'_, PyAny>,
    ) -> PyResult<OrderBook> {
        let units = Units::read(tick_size, lot_size)?;
        let book = book::OrderBook::restore(snapshot, ());
        book.map(|book| OrderBook::over(book, units)).map_err(|error| OrderError::new_err(error.to_string()))
    }

    /// A hash of all that decides the book's future; equal books have equal ones.
    fn state_hash(&self) -> u64 {
        self.book.state_hash()
    }

    fn __repr__(&self) -> String {
        let show = |price: Option<f64>| price.map_or("-".to_owned(), |p| p.to_string());
        let (tick, lot) = self.units.sizes();
        format!(
            "OrderBook(bid={}, ask={}, tick={tick}, lot={lot})",
            show(self.best_bid()),
            show(self.best_ask())
        )
    }
}
