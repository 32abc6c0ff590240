//! Arrays of commands in, arrays of fills and rejects out. Nothing here allocates once the arrays have grown.
//!
//! An order is known under its *reference*, a dense number of the caller's; `cancel`, `reduce` and `replace` name it. What a
//! row's `kind` has no use for is not read.

mod rows;

pub use rows::{CancelRow, FillRow, NO_REFERENCE, Output, RejectRow, Row, flags, kind};

use super::codes;
use super::command::{CancelReason, Command, Event};
use super::order::{Fill, NewOrder, OrderKind, TimeInForce};
use super::rules::{Band, Positions, Terms};
use super::{OrderBook, Supply};
use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Ticks, Time};

/// References may run this far ahead of the rows given so far; see [`Batch::reserve`].
pub const SLACK: usize = 1 << 16;

/// Never added under.
const UNUSED: OrderId = OrderId(u64::MAX);

/// The references of one book's batches, and scratch. Belongs to one book from its first order on.
#[derive(Default)]
pub struct Batch {
    ids: Vec<OrderId>,
    /// By slot: the order it was last given to, and its reference.
    references: Vec<(OrderId, u32)>,
    rows_seen: usize,
    fills: Vec<Fill>,
    events: Vec<Event>,
    /// Fills of this batch before this one are in the book's net trades.
    netted: usize,
}

impl Batch {
    /// Allows references below `count`, and makes room for them.
    pub fn reserve(&mut self, count: usize) {
        self.ids.resize(self.ids.len().max(count), UNUSED);
    }

    /// The order that was added under a reference; it may be gone.
    #[inline]
    pub fn id(&self, reference: u32) -> Option<OrderId> {
        self.ids.get(reference as usize).copied().filter(|&id| id != UNUSED)
    }

    /// The reference of an order.
    #[inline]
    pub fn reference(&self, id: OrderId) -> u32 {
        match self.references.get(id.slot() as usize) {
            Some(&(known, reference)) if known == id => reference,
            _ => NO_REFERENCE,
        }
    }

    /// Carries out the rows one by one and appends what they did to `out`. `positions` speaks as of before the batch.
    pub fn apply<S: Supply>(
        &mut self,
        book: &mut OrderBook<S>,
        rows: &[Row],
        positions: &dyn Positions,
        out: &mut Output,
    ) {
        book.rare.net.clear();
        self.netted = out.fills.len();
        // Grown once a batch: no row allocates for its reference.
        self.rows_seen = self.rows_seen.saturating_add(rows.len());
        let wanted = rows.iter().filter(|row| row.kind <= kind::MARKET && row.reference != NO_REFERENCE);
        let highest = wanted.map(|row| row.reference as usize).filter(|&r| r < self.rows_seen + SLACK).max();
        self.reserve(highest.map_or(0, |highest| highest + 1));
        for (event, row) in rows.iter().enumerate() {
            let event = event as u64;
            if let Err(reject) = self.row(book, event, row, positions, out) {
                out.rejects.push(RejectRow { event, reason: reject.code(), pad: [0; 7] });
            }
        }
    }

    #[inline]
    fn row<S: Supply>(
        &mut self,
        book: &mut OrderBook<S>,
        event: u64,
        row: &Row,
        positions: &dyn Positions,
        out: &mut Output,
    ) -> Result<(), Reject> {
        match row.kind {
            kind::LIMIT | kind::MARKET => {
                self.check_reference(row.reference)?;
                let order = row.order()?;
                if row.flags == 0 && row.time == 0 && row.trigger == 0 && book.is_plain() {
                    return self.submit(book, event, row.reference, order, out);
                }
                let add = Command::Add { order, terms: row.terms()? };
                self.command(book, event, add, row.reference, positions, out)
            }
            kind::CANCEL => book.cancel(self.named(row.reference)?).map(drop),
            kind::REDUCE => book.reduce(self.named(row.reference)?, Lots(row.qty)).map(drop),
            _ => {
                let command = self.rare_command(row)?;
                self.command(book, event, command, NO_REFERENCE, positions, out)
            }
        }
    }

    fn rare_command(&self, row: &Row) -> Result<Command, Reject> {
        let (price, qty, high) = (Ticks(row.price), Lots(row.qty), Ticks(row.trigger));
        match row.kind {
            kind::REPLACE => {
                let tif = codes::tif(row.tif).ok_or(Reject::TimeInForce)?;
                Ok(Command::Replace { id: self.named(row.reference)?, price, qty, tif })
            }
            kind::CANCEL_OWNER => Ok(Command::CancelOwner(AccountId(row.owner))),
            kind::CLOCK => Ok(Command::Clock(Time(row.time))),
            kind::MARK => Ok(Command::Mark(price)),
            kind::INDEX => Ok(Command::Index(price)),
            kind::BAND if (price, high) == (Ticks(0), Ticks(0)) => Ok(Command::Band(None)),
            kind::BAND => Ok(Command::Band(Some(Band { low: price, high }))),
            kind::HALT => Ok(Command::Halt),
            kind::RESUME => Ok(Command::Resume),
            _ => Err(Reject::Kind),
        }
    }

    #[inline]
    fn named(&self, reference: u32) -> Result<OrderId, Reject> {
        self.id(reference).ok_or(Reject::UnknownReference)
    }

    #[inline]
    fn check_reference(&self, reference: u32) -> Result<(), Reject> {
        match self.ids.get(reference as usize) {
            Some(&UNUSED) => Ok(()),
            Some(_) => Err(Reject::ReferenceUsed),
            None if reference == NO_REFERENCE => Ok(()),
            None => Err(Reject::Reference),
        }
    }

    #[inline]
    fn know(&mut self, reference: u32, id: OrderId) {
        if reference == NO_REFERENCE {
            return;
        }
        self.ids[reference as usize] = id;
        let slot = id.slot() as usize;
        if slot >= self.references.len() {
            self.references.resize((slot + 1).next_power_of_two(), (UNUSED, NO_REFERENCE));
        }
        self.references[slot] = (id, reference);
    }

    /// The short way.
    #[inline]
    fn submit<S: Supply>(
        &mut self,
        book: &mut OrderBook<S>,
        event: u64,
        reference: u32,
        order: NewOrder,
        out: &mut Output,
    ) -> Result<(), Reject> {
        self.fills.clear();
        let outcome = book.submit(order, &mut self.fills)?;
        for at in 0..self.fills.len() {
            out.fills.push(self.fill_row(event, &self.fills[at], reference, order.owner, order.side));
        }
        match outcome.resting {
            Some(id) => self.know(reference, id),
            None => {
                if reference != NO_REFERENCE {
                    // Slot 0 is nobody's: a name that was used and finds nothing.
                    self.ids[reference as usize] = super::SUPPLY_ORDER;
                }
                if outcome.remaining.0 > 0 {
                    let whole = matches!(order.kind, OrderKind::Limit { tif: TimeInForce::Fok, .. });
                    let reason = if whole { CancelReason::Killed } else { CancelReason::Unfilled };
                    out.cancels.push(CancelRow {
                        event,
                        qty: outcome.remaining.0,
                        left: 0,
                        reference,
                        owner: order.owner.0,
                        reason: reason.code(),
                        pad: [0; 7],
                    });
                }
            }
        }
        Ok(())
    }

    /// The long way: a command and its events.
    fn command<S: Supply>(
        &mut self,
        book: &mut OrderBook<S>,
        event: u64,
        command: Command,
        reference: u32,
        positions: &dyn Positions,
        out: &mut Output,
    ) -> Result<(), Reject> {
        let asks = matches!(command, Command::Add { terms: Terms { reduce_only: true, .. }, .. });
        let reduces = asks || book.rare.reducers > 0;
        if reduces {
            self.net(book, out);
        }
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        let done = book.apply_since(command, positions, &mut events);
        for happened in &events {
            match *happened {
                Event::Accepted { id, .. } => self.know(reference, id),
                Event::Filled { taker, owner, side, fill } => {
                    let taker = self.reference(taker);
                    out.fills.push(self.fill_row(event, &fill, taker, owner, side));
                }
                Event::Cancelled { id, owner, qty, left, reason } => out.cancels.push(CancelRow {
                    event,
                    qty: qty.0,
                    left: left.0,
                    reference: self.reference(id),
                    owner: owner.0,
                    reason: reason.code(),
                    pad: [0; 7],
                }),
                _ => {}
            }
        }
        self.events = events;
        if reduces {
            self.netted = out.fills.len();
        }
        done
    }

    /// Tells the book what was traded in this batch while nobody asked.
    fn net<S: Supply>(&mut self, book: &mut OrderBook<S>, out: &Output) {
        for fill in &out.fills[self.netted..] {
            let side = if fill.taker_side == 0 { Side::Buy } else { Side::Sell };
            book.rare.net.add(AccountId(fill.taker_owner), side, fill.qty);
            book.rare.net.add(AccountId(fill.maker_owner), side.opposite(), fill.qty);
        }
        self.netted = out.fills.len();
    }

    #[inline]
    fn fill_row(&self, event: u64, fill: &Fill, taker: u32, owner: AccountId, side: Side) -> FillRow {
        FillRow {
            event,
            price: fill.price.0,
            qty: fill.qty.0,
            maker_reference: self.reference(fill.maker_order),
            maker_owner: fill.maker.0,
            taker_reference: taker,
            taker_owner: owner.0,
            taker_side: side as u8,
            pad: [0; 7],
        }
    }
}
