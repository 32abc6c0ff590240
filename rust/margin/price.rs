//! Liquidation and bankruptcy price in closed form, exact in ticks.

use serde::{Deserialize, Serialize};

use super::{Contract, MarginTiers, Position, Tier, TierRule, inverse};
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
    if contract.is_inverse() {
        let held = |worth| tiers.maintenance(worth);
        return inverse::threshold(position, margin, contract, (tiers.tiers(), trigger), held);
    }
    let v = contract.per_tick(position.qty);
    if v == 0 {
        return Ok(None);
    }
    if tiers.rule() == TierRule::Linear {
        return searched(position, margin, contract, tiers, trigger);
    }
    closed_form(position, margin, v, tiers.tiers(), trigger)
}

/// The same where maintenance is what it was at entry, in billionths, and a closing fee is counted at the mark.
pub(super) fn threshold_at_entry(
    position: &Position,
    margin: Quote,
    contract: Contract,
    (maintenance, close_fee): (i128, Rate),
    trigger: Trigger,
) -> Result<Option<Ticks>, Overflow> {
    let v = contract.per_tick(position.qty);
    let fixed = Tier { min_notional: Quote::ZERO, rate: close_fee, max_leverage: 0, deduction: -maintenance };
    if v == 0 { Ok(None) } else { closed_form(position, margin, v, &[fixed], trigger) }
}

/// Bracket by bracket by bisection, where the rate itself rises inside each.
fn searched(
    position: &Position,
    margin: Quote,
    contract: Contract,
    tiers: &MarginTiers,
    trigger: Trigger,
) -> Result<Option<Ticks>, Overflow> {
    let v = contract.per_tick(position.qty);
    let short = position.qty.0 < 0;
    // Values stay in 64 bits, and so does the tick behind the last.
    let last = i64::try_from(i128::from(i64::MAX - 1) / v).map_err(|_| Overflow)?;
    let due = |tick: i64| {
        let value = contract.value(Ticks(tick), position.qty)?;
        // Far from the mark equity may take more than 64 bits.
        let equity = i128::from(margin.0) + i128::from(value.0) - i128::from(position.cost.0);
        let held = i128::from(tiers.maintenance(value.abs())?.0);
        Ok::<bool, Overflow>(if trigger == Trigger::AtOrBelow { equity <= held } else { equity < held })
    };
    let first_tick = |i: usize| narrow(div_ceil(i128::from(tiers.tiers()[i].min_notional.0), v).max(1));
    let count = tiers.tiers().len();
    for step in 0..count {
        let i = if short { step } else { count - 1 - step };
        let low = first_tick(i)?;
        let high = if i + 1 < count { first_tick(i + 1)? - 1 } else { last };
        // From the side of profit: the first tick of the bracket that is due.
        let (mut safe, mut found) = if short { (low - 1, high) } else { (high + 1, low) };
        if low > high || !due(found)? {
            continue;
        }
        while safe.abs_diff(found) > 1 {
            let middle = safe + (found - safe) / 2;
            if due(middle)? { found = middle } else { safe = middle }
        }
        return Ok(Some(Ticks(found)));
    }
    Ok(None)
}

fn closed_form(
    position: &Position,
    margin: Quote,
    v: i128,
    all: &[Tier],
    trigger: Trigger,
) -> Result<Option<Ticks>, Overflow> {
    let one = i128::from(Rate::ONE);
    let slack =
        i128::from(margin.0) - i128::from(position.cost.0) - i128::from(trigger == Trigger::AtOrBelow);
    let short = position.qty.0 < 0;
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

/// What closing the position may cost (a short) or must bring (a long) so that nothing of the margin is left. Of an inverse
/// contract, in its direction: minus what closing a long may cost, or a short must bring.
#[inline]
pub fn bankruptcy_value(position: &Position, margin: Quote) -> Result<Quote, Overflow> {
    if position.qty.0 < 0 { margin.minus(position.cost) } else { position.cost.minus(margin) }
}

/// The worst tick at which the position closes without a deficit: floored for a short, ceiled for a long.
pub fn bankruptcy_price(position: &Position, margin: Quote, contract: Contract) -> Result<Ticks, Overflow> {
    if contract.is_inverse() {
        return inverse::bankruptcy_price(position, margin, contract);
    }
    let value = i128::from(bankruptcy_value(position, margin)?.0);
    let v = contract.per_tick(position.qty);
    narrow(if position.qty.0 < 0 { value.div_euclid(v) } else { div_ceil(value, v) }).map(Ticks)
}
