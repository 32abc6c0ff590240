//! Chartists: they follow a move.
//!
//! Chiarella and Iori, "A simulation analysis of the microstructure of double auction markets" (Quantitative Finance, 2002).

use super::actor::{Hand, Intent, Scene};
use crate::event::{Cause, Market};
use crate::units::{Lots, Overflow, Rate};
use crate::world::agents::Momentum;

/// What they are after.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trend {
    target: Lots,
}

impl Trend {
    pub fn decide(
        &mut self,
        plan: &Momentum,
        scene: &impl Scene,
        hand: Hand,
    ) -> Result<Option<Intent>, Overflow> {
        let before = scene.mark_before(plan.window);
        let move_by = i128::from(scene.mark().0 - before.0) * i128::from(Rate::ONE);
        let enough = i128::from(before.0) * i128::from(plan.threshold.0);
        if move_by >= enough {
            self.target = plan.max_qty;
        } else if move_by <= -enough {
            let flat = plan.long_only || plan.market == Market::Spot;
            self.target = if flat { Lots::ZERO } else { -plan.max_qty };
        }
        let due = self.target.minus(hand.held(plan.market))?;
        Ok(Intent::toward(plan.market, due, plan.order_qty, Cause::Momentum))
    }
}
