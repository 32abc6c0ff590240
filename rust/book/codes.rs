//! The numbers that enums have in snapshots and batches.

use super::order::{OrderKind, TimeInForce};
use super::rules::{SelfTrade, Source, TriggerKind};
use crate::units::{Side, Ticks};

pub(super) const fn side(code: u8) -> Option<Side> {
    match code {
        0 => Some(Side::Buy),
        1 => Some(Side::Sell),
        _ => None,
    }
}

pub(super) const fn tif(code: u8) -> Option<TimeInForce> {
    match code {
        0 => Some(TimeInForce::Gtc),
        1 => Some(TimeInForce::Ioc),
        2 => Some(TimeInForce::Fok),
        3 => Some(TimeInForce::PostOnly),
        4 => Some(TimeInForce::PostOnlySlide),
        _ => None,
    }
}

/// The outer `None`: no such code; the inner: code 0, none of them.
pub(super) const fn self_trade(code: u8) -> Option<Option<SelfTrade>> {
    match code {
        0 => Some(None),
        1 => Some(Some(SelfTrade::Allow)),
        2 => Some(Some(SelfTrade::CancelNewest)),
        3 => Some(Some(SelfTrade::CancelOldest)),
        4 => Some(Some(SelfTrade::CancelBoth)),
        5 => Some(Some(SelfTrade::Decrement)),
        _ => None,
    }
}

pub(super) const fn self_trade_code(rule: Option<SelfTrade>) -> u8 {
    match rule {
        None => 0,
        Some(rule) => 1 + rule as u8,
    }
}

/// As [`self_trade`].
pub(super) const fn source(code: u8) -> Option<Option<Source>> {
    match code {
        0 => Some(None),
        1 => Some(Some(Source::Mark)),
        2 => Some(Some(Source::Last)),
        3 => Some(Some(Source::Index)),
        _ => None,
    }
}

pub(super) const fn trigger_kind(code: u8) -> Option<TriggerKind> {
    match code {
        0 => Some(TriggerKind::Stop),
        1 => Some(TriggerKind::TakeProfit),
        _ => None,
    }
}

/// Kind, price, time in force.
pub(super) const fn order_kind(kind: u8, price: Ticks, tif_code: u8) -> Option<OrderKind> {
    match (kind, tif(tif_code)) {
        (0, Some(tif)) => Some(OrderKind::Limit { price, tif }),
        (1, Some(TimeInForce::Gtc)) => Some(OrderKind::Market),
        (2, Some(TimeInForce::Gtc)) => Some(OrderKind::Protected { price }),
        _ => None,
    }
}

/// What [`order_kind`] reads.
pub(super) const fn order_kind_codes(kind: OrderKind) -> (u8, Ticks, u8) {
    match kind {
        OrderKind::Limit { price, tif } => (0, price, tif as u8),
        OrderKind::Market => (1, Ticks(0), 0),
        OrderKind::Protected { price } => (2, price, 0),
    }
}
