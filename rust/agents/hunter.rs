//! Who trades ahead of the liquidations that everybody can see coming, and sells into them.
//!
//! Brunnermeier and Pedersen, "Predatory trading" (Journal of Finance, 2005).

use super::actor::{Hand, Intent, Scene};
use crate::event::{Cause, Market};
use crate::units::{Lots, Overflow};
use crate::world::agents::Hunter;

pub(super) fn decide(plan: &Hunter, scene: &impl Scene, hand: Hand) -> Result<Option<Intent>, Overflow> {
    let (above, below) = scene.ahead();
    let target = if above >= plan.min_notional && above >= below {
        plan.max_qty
    } else if below >= plan.min_notional && below > above && plan.market == Market::Perp {
        -plan.max_qty
    } else {
        Lots::ZERO
    };
    let due = target.minus(hand.held(plan.market))?;
    Ok(Intent::toward(plan.market, due, plan.order_qty, Cause::Hunting))
}
