//! How single commands reach the book, and what is made of their events.

use std::collections::HashMap;

use pyo3::prelude::*;

use super::records::{self, BookEvent, OrderResult};
use super::units::Units;
use super::{OrderBook, rejected};
use crate::bindings::convert::{self, order_side};
use crate::book::batch::{Batch, Output};
use crate::book::{self, Command, Event, NewOrder, OrderKind, SelfTrade, Terms};
use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Time};

impl OrderBook {
    pub(super) fn over(book: book::OrderBook, units: Units) -> OrderBook {
        OrderBook {
            book,
            units,
            batch: Batch::default(),
            output: Output::default(),
            positions: HashMap::new(),
            fills: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(super) fn order(
        &self,
        side: &str,
        qty: &Bound<'_, PyAny>,
        owner: u32,
        kind: OrderKind,
    ) -> PyResult<NewOrder> {
        Ok(NewOrder {
            owner: AccountId(owner),
            side: order_side(side)?,
            qty: self.units.lots("qty", qty)?,
            kind,
        })
    }

    pub(super) fn market_kind(&self, protection: Option<&Bound<'_, PyAny>>) -> PyResult<OrderKind> {
        match protection {
            Some(price) => Ok(OrderKind::Protected { price: self.units.ticks("protection", price)? }),
            None => Ok(OrderKind::Market),
        }
    }

    pub(super) fn taken(&self, taken: &book::Taken) -> (f64, f64, f64) {
        let filled = self.units.qty(taken.qty);
        let mean =
            if taken.qty == Lots::ZERO { f64::NAN } else { self.units.notional(taken.notional) / filled };
        (filled, mean, taken.worst.map_or(f64::NAN, |price| self.units.price(price)))
    }

    /// The fast way where nothing watches, else the command with all its events.
    pub(super) fn send(&mut self, py: Python<'_>, order: NewOrder, terms: Terms) -> PyResult<OrderResult> {
        if terms == Terms::default() && self.positions.is_empty() && self.book.is_plain() {
            self.fills.clear();
            let outcome = self.book.submit(order, &mut self.fills).map_err(rejected)?;
            return Ok(OrderResult {
                id: outcome.resting.map(|id| id.0),
                filled: self.units.qty(outcome.filled),
                remaining: self.units.qty(outcome.remaining),
                fills: self
                    .fills
                    .iter()
                    .map(|f| records::fill(py, &self.units, f))
                    .collect::<PyResult<_>>()?,
                events: Vec::new(),
            });
        }
        self.command(order.with(terms))?;
        let accepted = self.events.iter().find_map(|event| match event {
            Event::Accepted { id, qty } => Some((*id, *qty)),
            _ => None,
        });
        let (id, qty) = accepted.ok_or_else(|| rejected(Reject::UnknownOrder))?;
        self.result(py, id, qty)
    }

    /// Carries a command out; positions follow its fills.
    pub(super) fn command(&mut self, command: Command) -> PyResult<()> {
        self.events.clear();
        let positions = &self.positions;
        let held = |owner: AccountId| positions.get(&owner).copied().unwrap_or(Lots::ZERO);
        self.book.apply(command, &held, &mut self.events).map_err(rejected)?;
        for event in &self.events {
            let Event::Filled { owner, side, fill, .. } = event else { continue };
            let bought = side.sign() * fill.qty.0;
            for (account, signed) in [(*owner, bought), (fill.maker, -bought)] {
                if let Some(position) = self.positions.get_mut(&account) {
                    position.0 = position.0.saturating_add(signed);
                }
            }
        }
        Ok(())
    }

    pub(super) fn happenings(&mut self, py: Python<'_>, command: Command) -> PyResult<Vec<Py<BookEvent>>> {
        self.command(command)?;
        self.listed(py)
    }

    pub(super) fn listed(&self, py: Python<'_>) -> PyResult<Vec<Py<BookEvent>>> {
        self.events.iter().filter_map(|event| records::event(py, &self.units, event).transpose()).collect()
    }

    /// What became of order `id` of so many lots, from the events of the command.
    pub(super) fn result(&self, py: Python<'_>, id: OrderId, qty: Lots) -> PyResult<OrderResult> {
        let own = |event: &Event| match event {
            Event::Filled { taker, fill, .. } if *taker == id => Some(*fill),
            _ => None,
        };
        let fills: Vec<book::Fill> = self.events.iter().filter_map(own).collect();
        let filled = Lots(fills.iter().map(|fill| fill.qty.0).sum());
        let resting = self.book.order(id).map(|order| order.remaining);
        let left = resting.or_else(|| self.book.waiting(id).map(|order| order.qty));
        Ok(OrderResult {
            id: left.map(|_| id.0),
            filled: self.units.qty(filled),
            remaining: self.units.qty(left.unwrap_or(Lots(qty.0 - filled.0))),
            fills: fills.iter().map(|fill| records::fill(py, &self.units, fill)).collect::<PyResult<_>>()?,
            events: self.listed(py)?,
        })
    }
}

pub(super) fn terms(reduce_only: bool, expires: Option<i64>, self_trade: Option<&str>) -> PyResult<Terms> {
    let self_trade: Option<SelfTrade> = self_trade.map(convert::self_trade).transpose()?;
    Ok(Terms { self_trade, reduce_only, expires: expires.map(Time), trigger: None })
}
