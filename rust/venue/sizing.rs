//! How much of a position one liquidation order closes, and up to which price.

use super::{LiquidationSize, ShareRule, Venue};
use crate::margin::Contract;
use crate::units::{Lots, Overflow, Quote, Rate, Side, Ticks, div_ceil, narrow};

/// A position that is due, as the venue sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Lots, unsigned.
    pub qty: Lots,
    /// Value at the mark, unsigned.
    pub value: Quote,
    /// Rounds since the last order that closed a part of it.
    pub since_part: Option<u64>,
}

impl LiquidationSize {
    /// Whether a position waits, so many rounds after the last order that closed a part of it.
    pub fn cools_down(self, since_part: Option<u64>) -> bool {
        match self {
            LiquidationSize::Share(rule) if rule.cooldown > 0 => {
                since_part.is_some_and(|rounds| rounds <= rule.cooldown)
            }
            _ => false,
        }
    }
}

/// Lots that the next order closes.
pub fn order_qty(venue: &Venue, seen: Seen, mark: Ticks, contract: Contract) -> Result<Lots, Overflow> {
    match venue.liquidation_size {
        LiquidationSize::All => Ok(seen.qty),
        LiquidationSize::Tiers(down) => {
            let tier = venue.tiers.index(seen.value);
            if tier < down {
                return Ok(seen.qty);
            }
            let floor = venue.tiers.tiers()[tier - down + 1].min_notional;
            seen.qty.minus(contract.lots_below(mark, floor)?)
        }
        LiquidationSize::Share(rule) => share(rule, seen, contract.lots_below(mark, rule.least)?),
    }
}

/// `short` is the most lots that are worth less than the least notional.
fn share(rule: ShareRule, seen: Seen, short: Lots) -> Result<Lots, Overflow> {
    let again = rule.whole_within > 0 && seen.since_part.is_some_and(|rounds| rounds <= rule.whole_within);
    if again || seen.value <= rule.whole_below {
        return Ok(seen.qty);
    }
    let part = narrow(div_ceil(i128::from(seen.qty.0) * i128::from(rule.share.0), Rate::ONE.into()))?;
    Ok(Lots(part.max(short.0 + 1)).min(seen.qty))
}

/// dYdX v4's fillable price: how far from the mark an order that closes on this side may go, `spread x maintenance rate` at
/// most, the sooner the less is left of what equity is held against.
pub fn fillable_price(
    venue: &Venue,
    side: Side,
    mark: Ticks,
    value: Quote,
    (equity, held): (Quote, Quote),
) -> Result<Ticks, Overflow> {
    let one = i128::from(Rate::ONE);
    let missing = i128::from(held.0) - i128::from(equity.0);
    let gone = match held.0 {
        0 => one,
        held => (missing * i128::from(venue.bankruptcy_adjustment.0)).div_euclid(held.into()).clamp(0, one),
    };
    let most = i128::from(held.0) * i128::from(venue.fillable_spread.0) / i128::from(value.0.max(1));
    let away = narrow(i128::from(mark.0) * (most * gone / one) / one)?;
    mark.plus(Ticks(side.sign() * away))
}
