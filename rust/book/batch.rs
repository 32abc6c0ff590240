//! Arrays of commands in, arrays of fills and rejects out. Nothing here allocates once the arrays have grown.
//!
//! An order is known under its *reference*, a dense number of the caller's; `cancel`, `reduce` and `replace` name it. What a
//! row's `kind` has no use for is not read.

use super::codes;
use super::command::{CancelReason, Command, Event};
use super::order::{Fill, NewOrder, OrderKind, TimeInForce};
use super::rules::{Band, Positions, Terms, Trigger};
use super::{OrderBook, Supply};
use crate::error::Reject;
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Side, Ticks, Time};

/// The reference of no order: one that is added under it cannot be named later.
pub const NO_REFERENCE: u32 = u32::MAX;

/// References may run this far ahead of the rows given so far; see [`Batch::reserve`].
pub const SLACK: usize = 1 << 16;

/// What [`Row::kind`] may be.
pub mod kind {
    /// `owner`, `side`, `price`, `qty`, `tif`, `flags`; `trigger` and `time` (expiry) if not 0.
    pub const LIMIT: u8 = 0;
    /// As a limit order without `tif`; `price` is its protection, 0 for none.
    pub const MARKET: u8 = 1;
    /// `reference`.
    pub const CANCEL: u8 = 2;
    /// `reference`; `qty`: by how much.
    pub const REDUCE: u8 = 3;
    /// `reference`, `price`, `qty`, `tif`.
    pub const REPLACE: u8 = 4;
    /// `owner`.
    pub const CANCEL_OWNER: u8 = 5;
    /// `time`.
    pub const CLOCK: u8 = 6;
    /// `price`.
    pub const MARK: u8 = 7;
    /// `price`.
    pub const INDEX: u8 = 8;
    /// `price` (lowest) and `trigger` (highest), both 0 for no band.
    pub const BAND: u8 = 9;
    /// Nothing.
    pub const HALT: u8 = 10;
    /// Nothing.
    pub const RESUME: u8 = 11;
}

/// The bits of [`Row::flags`].
pub mod flags {
    /// Reduce-only.
    pub const REDUCE_ONLY: u8 = 1;
    /// Two bits: waits for 1 mark, 2 last, 3 index to reach `trigger`; 0: enters now.
    pub const SOURCE_SHIFT: u8 = 1;
    /// A take-profit instead of a stop.
    pub const TAKE_PROFIT: u8 = 8;
    /// Three bits: 0 the book's rule, 1 allow, 2 cancel newest, 3 oldest, 4 both, 5 decrement.
    pub const SELF_TRADE_SHIFT: u8 = 4;
}

/// One command of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Row {
    /// See [`kind`].
    pub kind: u8,
    /// 0 buys, 1 sells.
    pub side: u8,
    /// 0 GTC, 1 IOC, 2 FOK, 3 post-only, 4 post-only slide.
    pub tif: u8,
    /// See [`flags`].
    pub flags: u8,
    /// Whose.
    pub owner: u32,
    /// The caller's number of the order.
    pub reference: u32,
    /// Not read.
    pub pad: u32,
    /// Ticks.
    pub price: i64,
    /// Lots.
    pub qty: i64,
    /// Ticks; 0: no trigger.
    pub trigger: i64,
    /// Expiry of an order (0: none), or the clock.
    pub time: i64,
}

/// A trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct FillRow {
    /// Which row of the batch caused it, from 0.
    pub event: u64,
    /// Ticks.
    pub price: i64,
    /// Lots.
    pub qty: i64,
    /// The order that rested; [`NO_REFERENCE`] if it was not added by a batch.
    pub maker_reference: u32,
    /// Whose.
    pub maker_owner: u32,
    /// The order that took: the row's own, or one that it triggered.
    pub taker_reference: u32,
    /// Whose.
    pub taker_owner: u32,
    /// 0 the taker buys, 1 sells.
    pub taker_side: u8,
    /// Zero.
    pub pad: [u8; 7],
}

/// A refused row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct RejectRow {
    /// Which row, from 0.
    pub event: u64,
    /// [`Reject::code`].
    pub reason: u8,
    /// Zero.
    pub pad: [u8; 7],
}

/// An order, or a part of one, that a rule cancelled: not by its own name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct CancelRow {
    /// Which row of the batch caused it, from 0.
    pub event: u64,
    /// Lots that are gone.
    pub qty: i64,
    /// Lots that are left.
    pub left: i64,
    /// Which order.
    pub reference: u32,
    /// Whose.
    pub owner: u32,
    /// [`CancelReason::code`].
    pub reason: u8,
    /// Zero.
    pub pad: [u8; 7],
}

const _: () = assert!(size_of::<Row>() == 48 && size_of::<FillRow>() == 48);
const _: () = assert!(size_of::<RejectRow>() == 16 && size_of::<CancelRow>() == 40);

/// What a batch did, appended in order.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// Trades.
    pub fills: Vec<FillRow>,
    /// Refused rows.
    pub rejects: Vec<RejectRow>,
    /// Orders cancelled by rules: market remainders, fill-or-kill, self-trade, reduce-only, expiry, mass cancel.
    pub cancels: Vec<CancelRow>,
}

impl Output {
    /// Empties it, keeping its room.
    pub fn clear(&mut self) {
        self.fills.clear();
        self.rejects.clear();
        self.cancels.clear();
    }
}

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

impl Row {
    #[inline]
    fn order(&self) -> Result<NewOrder, Reject> {
        let side = codes::side(self.side).ok_or(Reject::Side)?;
        let price = Ticks(self.price);
        let kind = match (self.kind, self.price) {
            (kind::MARKET, 0) => OrderKind::Market,
            (kind::MARKET, _) => OrderKind::Protected { price },
            _ => OrderKind::Limit { price, tif: codes::tif(self.tif).ok_or(Reject::TimeInForce)? },
        };
        Ok(NewOrder { owner: AccountId(self.owner), side, qty: Lots(self.qty), kind })
    }

    fn terms(&self) -> Result<Terms, Reject> {
        let source = codes::source((self.flags >> flags::SOURCE_SHIFT) & 3).flatten();
        let self_trade = codes::self_trade(self.flags >> flags::SELF_TRADE_SHIFT).ok_or(Reject::Flags)?;
        let takes_profit = u8::from(self.flags & flags::TAKE_PROFIT != 0);
        let kind = codes::trigger_kind(takes_profit).ok_or(Reject::Flags)?;
        if source.is_none() && (self.trigger != 0 || takes_profit != 0) {
            return Err(Reject::Flags);
        }
        Ok(Terms {
            self_trade,
            reduce_only: self.flags & flags::REDUCE_ONLY != 0,
            expires: (self.time != 0).then_some(Time(self.time)),
            trigger: source.map(|source| Trigger { source, price: Ticks(self.trigger), kind }),
        })
    }
}
