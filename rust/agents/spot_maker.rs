//! Who quotes both sides of spot, around a price that falls with what he holds.
//!
//! Avellaneda and Stoikov, "High-frequency trading in a limit order book" (Quantitative Finance, 2008): the reservation price
//! is linear in inventory.

use super::actor::{Hand, Intent, Scene};
use crate::event::Market;
use crate::units::{Lots, Overflow, Side, Ticks};
use crate::world::agents::SpotMaker;

pub(super) fn decide(
    plan: &SpotMaker,
    scene: &impl Scene,
    hand: Hand,
    out: &mut Vec<Intent>,
) -> Result<(), Overflow> {
    out.push(Intent::CancelUntil(scene.step()));
    let more = hand.tokens.minus(hand.brought)?;
    let centre = scene.spot_last().plus(plan.skew.shift(more)?)?;
    let full = |signed: Lots| plan.inventory_limit.is_some_and(|limit| signed >= limit);
    for (side, is_full) in [(Side::Sell, full(-more)), (Side::Buy, full(more))] {
        for level in (0..plan.levels).filter(|_| !is_full) {
            let away = plan.half_spread.0 + level * plan.level_gap.0;
            let price = Ticks(centre.0 - side.sign() * away);
            out.push(Intent::Post { market: Market::Spot, side, price, qty: plan.level_qty });
        }
    }
    Ok(())
}
