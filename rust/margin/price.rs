//! Liquidation and bankruptcy price in closed form, exact in ticks.

use serde::{Deserialize, Serialize};

use super::{Contract, MarginTiers, Position};
use crate::units::{Overflow, Quote, Rate, Ticks, div_ceil, narrow};

/// When equity has fallen far enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Equity `<=` maintenance.
    #[default]
    AtOrBelow,
    /// Equity `<` maintenance.
    Below,
}

impl Trigger {
    /// Whether this equity is due for liquidation.
    #[inline]
    pub fn met(self, equity: Quote, maintenance: Quote) -> bool {
        match self {
            Trigger::AtOrBelow => equity <= maintenance,
            Trigger::Below => equity < maintenance,
        }
    }
}

/// The first tick, seen from profit, at which a position with this much margin is due for liquidation: the lowest for a
/// short, the highest for a long; `None` if no tick from 1 up is.
///
/// In a tier with rate `r` and deduction `c`, a position of `v` steps per tick is due at the ticks `m` with
/// `(K -+ v m - a) 10^9 < v m r - c`, where `K = margin - cost`, and `a` is 1 if equality triggers (all are integers, and
/// maintenance is rounded up) and 0 if not.
pub fn threshold(
    position: &Position,
    margin: Quote,
    contract: Contract,
    tiers: &MarginTiers,
    trigger: Trigger,
) -> Result<Option<Ticks>, Overflow> {
    let v = contract.per_tick(position.qty);
    if v == 0 {
        return Ok(None);
    }
    let one = i128::from(Rate::ONE);
    let slack =
        i128::from(margin.0) - i128::from(position.cost.0) - i128::from(trigger == Trigger::AtOrBelow);
    let short = position.qty.0 < 0;
    let all = tiers.tiers();
    let first_tick = |i: usize| div_ceil(i128::from(all[i].min_notional.0), v).max(1);
    let end_tick = |i: usize| if i + 1 < all.len() { first_tick(i + 1) } else { i128::from(i64::MAX) };
    let candidate = |i: usize| {
        let (rate, deduction) = (i128::from(all[i].rate.0), all[i].deduction);
        if short {
            let due = (slack * one + deduction).div_euclid(v * (one + rate)) + 1;
            Some(due.max(first_tick(i))).filter(|&m| m < end_tick(i))
        } else {
            let due = div_ceil(-slack * one - deduction, v * (one - rate)) - 1;
            Some(due.min(end_tick(i) - 1)).filter(|&m| m >= first_tick(i))
        }
    };
    let found =
        if short { (0..all.len()).find_map(candidate) } else { (0..all.len()).rev().find_map(candidate) };
    found.map(|m| narrow(m).map(Ticks)).transpose()
}

/// What closing the position may cost (a short) or must bring (a long) so that nothing of the margin is left.
#[inline]
pub fn bankruptcy_value(position: &Position, margin: Quote) -> Result<Quote, Overflow> {
    if position.qty.0 < 0 { margin.minus(position.cost) } else { position.cost.minus(margin) }
}

/// The worst tick at which the position closes without a deficit: floored for a short, ceiled for a long.
pub fn bankruptcy_price(position: &Position, margin: Quote, contract: Contract) -> Result<Ticks, Overflow> {
    let value = i128::from(bankruptcy_value(position, margin)?.0);
    let v = contract.per_tick(position.qty);
    narrow(if position.qty.0 < 0 { value.div_euclid(v) } else { div_ceil(value, v) }).map(Ticks)
}
