//! Where a coin-margined position breaks: its worth falls as the price rises, and is rounded.

use super::contract::FARTHEST;
use super::{Contract, Position, Tier, Trigger, bankruptcy_value};
use crate::units::{Overflow, Quote, Ticks};

/// The first tick, seen from profit, at which the position is due: the lowest for a short, the highest for a long. `held`
/// says what equity is held against at a worth, whose brackets are `tiers`.
pub(super) fn threshold(
    position: &Position,
    margin: Quote,
    contract: Contract,
    (tiers, trigger): (&[Tier], Trigger),
    held: impl Fn(Quote) -> Result<Quote, Overflow>,
) -> Result<Option<Ticks>, Overflow> {
    if position.qty.0 == 0 {
        return Ok(None);
    }
    let short = position.qty.0 < 0;
    let due = |tick: i64| {
        let value = contract.value(Ticks(tick), position.qty)?;
        let equity = margin.plus(position.profit(value)?)?;
        Ok::<bool, Overflow>(trigger.met(equity, held(value.abs())?))
    };
    // Ticks at which the worth lies in a bracket; beyond the last one with any worth all are alike.
    let last = |i: usize| match i {
        0 => contract.last_worth(position.qty, 1).0.min(FARTHEST.0 - 1) + 1,
        i => contract.last_worth(position.qty, tiers[i].min_notional.0.into()).0,
    };
    let count = tiers.len();
    for step in 0..count {
        let i = if short { count - 1 - step } else { step };
        let low = if i + 1 < count { last(i + 1) + 1 } else { 1 };
        let high = last(i);
        if low > high {
            continue;
        }
        if i == 0 && !short && due(high)? {
            return Ok(Some(FARTHEST));
        }
        // From the side of profit: the first tick of the bracket that is due.
        let (mut safe, mut found) = if short { (low - 1, high) } else { (high + 1, low) };
        if !due(found)? {
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

/// The worst tick at which the position closes without a deficit: the highest for a short, the lowest for a long.
pub(super) fn bankruptcy_price(
    position: &Position,
    margin: Quote,
    contract: Contract,
) -> Result<Ticks, Overflow> {
    let worth = i128::from(contract.directed(bankruptcy_value(position, margin)?).0);
    if position.qty.0 < 0 {
        return Ok(contract.last_worth(position.qty, worth));
    }
    // Closing a long may cost no more than this.
    let dearer = contract.last_worth(position.qty, worth + 1);
    Ok(if worth < 0 { FARTHEST } else { Ticks(dearer.0 + 1).min(FARTHEST) })
}
