//! The records of a batch, as they lie in arrays.

use bytemuck::{Pod, Zeroable};

use super::super::codes;
use super::super::order::{NewOrder, OrderKind};
use super::super::rules::{Terms, Trigger};
use crate::error::Reject;
use crate::ids::AccountId;
use crate::units::{Lots, Ticks, Time};

/// The reference of no order: one that is added under it cannot be named later.
pub const NO_REFERENCE: u32 = u32::MAX;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
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
    /// [`CancelReason::code`](crate::book::CancelReason::code).
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

impl Row {
    #[inline]
    pub(super) fn order(&self) -> Result<NewOrder, Reject> {
        let side = codes::side(self.side).ok_or(Reject::Side)?;
        let price = Ticks(self.price);
        let kind = match (self.kind, self.price) {
            (kind::MARKET, 0) => OrderKind::Market,
            (kind::MARKET, _) => OrderKind::Protected { price },
            _ => OrderKind::Limit { price, tif: codes::tif(self.tif).ok_or(Reject::TimeInForce)? },
        };
        Ok(NewOrder { owner: AccountId(self.owner), side, qty: Lots(self.qty), kind })
    }

    pub(super) fn terms(&self) -> Result<Terms, Reject> {
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
