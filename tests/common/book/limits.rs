//! The naive book's words for prices: allowed, within a limit, at a trigger.

use perpcore::book::{Trigger, TriggerKind};
use perpcore::error::Reject;
use perpcore::units::Side;

const MAX_PRICE: i64 = 1 << 40;
pub const MAX_LEVEL: i128 = (1 << 62) - 1;

pub fn within(side: Side, limit: Option<i64>, price: i64) -> bool {
    match (limit, side) {
        (None, _) => true,
        (Some(limit), Side::Buy) => price <= limit,
        (Some(limit), Side::Sell) => price >= limit,
    }
}

pub fn reached(trigger: Trigger, side: Side, price: i64) -> bool {
    match (trigger.kind, side) {
        (TriggerKind::Stop, Side::Buy) | (TriggerKind::TakeProfit, Side::Sell) => price >= trigger.price.0,
        (TriggerKind::Stop, Side::Sell) | (TriggerKind::TakeProfit, Side::Buy) => price <= trigger.price.0,
    }
}

pub fn checked(price: i64) -> Result<i64, Reject> {
    if (1..=MAX_PRICE).contains(&price) { Ok(price) } else { Err(Reject::Price) }
}
