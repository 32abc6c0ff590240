//! The order book as a Python class, in units.

use numpy::{PyArray1, ToPyArray};
use pyo3::prelude::*;
use rust_decimal::Decimal;

use super::convert::{decimal, order_side, refuse, resting_side};
use super::errors::OrderError;
use crate::book::{self, NewOrder, OrderKind, TimeInForce};
use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Ticks, Unit};
use crate::world::Grid;

type Columns<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

/// A limit order book with price-time priority.
///
/// Parameters
/// ----------
/// tick_size, lot_size : str, int, float or Decimal
///     Smallest steps of price and quantity. Prices and quantities must be multiples of them; floats are read in their
///     shortest decimal form.
#[pyclass(module = "perpcore")]
pub struct OrderBook {
    book: book::OrderBook,
    grid: Grid,
    tick: Unit,
    lot: Unit,
    fills: Vec<book::Fill>,
}

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

/// What became of an order.
#[pyclass(frozen, get_all, module = "perpcore")]
pub struct OrderResult {
    /// Id of the order if it rests, else None.
    pub id: Option<u64>,
    /// Filled at once.
    pub filled: f64,
    /// Resting if `id` is set, else cancelled.
    pub remaining: f64,
    /// The fills, best price first.
    pub fills: Vec<Py<Fill>>,
}

#[pymethods]
impl OrderResult {
    fn __repr__(&self) -> String {
        let id = self.id.map_or("None".to_owned(), |id| id.to_string());
        let (filled, remaining, fills) = (self.filled, self.remaining, self.fills.len());
        format!("OrderResult(id={id}, filled={filled}, remaining={remaining}, fills=[{fills}])")
    }
}

fn rejected(reject: Reject) -> PyErr {
    OrderError::new_err(reject.reason())
}

#[pymethods]
impl OrderBook {
    #[new]
    #[pyo3(signature = (*, tick_size, lot_size))]
    fn new(tick_size: &Bound<'_, PyAny>, lot_size: &Bound<'_, PyAny>) -> PyResult<OrderBook> {
        let (tick, lot) = (decimal("tick_size", tick_size)?, decimal("lot_size", lot_size)?);
        let grid = Grid::new(tick, lot).map_err(|error| OrderError::new_err(error.to_string()))?;
        let (tick, lot) = grid.units();
        Ok(OrderBook { book: book::OrderBook::new(()), grid, tick, lot, fills: Vec::new() })
    }

    /// Sends a limit order.
    ///
    /// Parameters
    /// ----------
    /// side : {"buy", "sell"}
    /// price, qty : str, int, float or Decimal
    ///     Multiples of tick and lot size.
    /// owner : int
    ///     Whose order it is, 0 to 2**32 - 1.
    /// tif : {"gtc", "ioc", "fok", "post_only"}
    ///     Rest what is left; cancel it; fill all or nothing; refuse what would trade at once.
    ///
    /// Returns
    /// -------
    /// OrderResult
    ///
    /// Raises
    /// ------
    /// OrderError
    ///     Off the grid, not positive, or refused; the book has not changed.
    #[pyo3(signature = (side, *, price, qty, owner=0, tif="gtc"))]
    fn limit(
        &mut self,
        py: Python<'_>,
        side: &str,
        price: &Bound<'_, PyAny>,
        qty: &Bound<'_, PyAny>,
        owner: u32,
        tif: &str,
    ) -> PyResult<OrderResult> {
        let tif = match tif {
            "gtc" => TimeInForce::Gtc,
            "ioc" => TimeInForce::Ioc,
            "fok" => TimeInForce::Fok,
            "post_only" => TimeInForce::PostOnly,
            _ => return Err(refuse("tif", format!("{tif:?}"), "\"gtc\", \"ioc\", \"fok\" or \"post_only\"")),
        };
        let price = self.price(price)?;
        self.send(py, side, qty, owner, OrderKind::Limit { price, tif })
    }

    /// Sends a market order: it fills what rests, the remainder is cancelled.
    ///
    /// Parameters
    /// ----------
    /// side : {"buy", "sell"}
    /// qty : str, int, float or Decimal
    /// owner : int
    ///
    /// Returns
    /// -------
    /// OrderResult
    #[pyo3(signature = (side, *, qty, owner=0))]
    fn market(
        &mut self,
        py: Python<'_>,
        side: &str,
        qty: &Bound<'_, PyAny>,
        owner: u32,
    ) -> PyResult<OrderResult> {
        self.send(py, side, qty, owner, OrderKind::Market)
    }

    /// Cancels a resting order and returns the quantity that was left of it.
    fn cancel(&mut self, id: u64) -> PyResult<f64> {
        self.book.cancel(OrderId(id)).map(|left| self.lot.of(left.0)).map_err(rejected)
    }

    /// Takes `qty` off a resting order, which keeps its place in the queue; returns what is left of it.
    fn reduce(&mut self, id: u64, qty: &Bound<'_, PyAny>) -> PyResult<f64> {
        let by = self.qty(qty)?;
        self.book.reduce(OrderId(id), by).map(|left| self.lot.of(left.0)).map_err(rejected)
    }

    /// Highest bid, or None.
    #[getter]
    fn best_bid(&self) -> Option<f64> {
        self.book.best(Side::Buy).map(|price| self.tick.of(price.0))
    }

    /// Lowest ask, or None.
    #[getter]
    fn best_ask(&self) -> Option<f64> {
        self.book.best(Side::Sell).map(|price| self.tick.of(price.0))
    }

    /// Price of the last fill, or None.
    #[getter]
    fn last_price(&self) -> Option<f64> {
        self.book.last().map(|price| self.tick.of(price.0))
    }

    /// The best levels of one side.
    ///
    /// Parameters
    /// ----------
    /// side : {"bid", "ask"}
    /// levels : int
    ///     At most this many.
    ///
    /// Returns
    /// -------
    /// (prices, quantities) : tuple of numpy.ndarray of float64, shape (n,)
    ///     From the best price away.
    #[pyo3(signature = (side, *, levels=10))]
    fn depth<'py>(&mut self, py: Python<'py>, side: &str, levels: usize) -> PyResult<Columns<'py>> {
        let mut rows = Vec::new();
        self.book.depth(resting_side(side)?, levels, &mut rows);
        let prices: Vec<f64> = rows.iter().map(|(price, _)| self.tick.of(price.0)).collect();
        let sizes: Vec<f64> = rows.iter().map(|(_, qty)| self.lot.of(qty.0)).collect();
        Ok((prices.to_pyarray(py), sizes.to_pyarray(py)))
    }

    fn __repr__(&self) -> String {
        let show = |price: Option<f64>| price.map_or("-".to_owned(), |p| p.to_string());
        format!("OrderBook(bid={}, ask={})", show(self.best_bid()), show(self.best_ask()))
    }
}

impl OrderBook {
    fn price(&self, value: &Bound<'_, PyAny>) -> PyResult<Ticks> {
        let value: Decimal = decimal("price", value)?;
        self.grid.price("price", value).map_err(|error| OrderError::new_err(error.to_string()))
    }

    fn qty(&self, value: &Bound<'_, PyAny>) -> PyResult<Lots> {
        let value: Decimal = decimal("qty", value)?;
        self.grid.qty("qty", value).map_err(|error| OrderError::new_err(error.to_string()))
    }

    fn send(
        &mut self,
        py: Python<'_>,
        side: &str,
        qty: &Bound<'_, PyAny>,
        owner: u32,
        kind: OrderKind,
    ) -> PyResult<OrderResult> {
        let order = NewOrder { owner: AccountId(owner), side: order_side(side)?, qty: self.qty(qty)?, kind };
        self.fills.clear();
        let outcome = self.book.submit(order, &mut self.fills).map_err(rejected)?;
        let fill = |fill: &book::Fill| {
            let (price, qty) = (self.tick.of(fill.price.0), self.lot.of(fill.qty.0));
            Py::new(py, Fill { price, qty, maker_id: fill.maker_order.0, maker: fill.maker.0 })
        };
        Ok(OrderResult {
            id: outcome.resting.map(|id| id.0),
            filled: self.lot.of(outcome.filled.0),
            remaining: self.lot.of(outcome.remaining.0),
            fills: self.fills.iter().map(fill).collect::<PyResult<_>>()?,
        })
    }
}
