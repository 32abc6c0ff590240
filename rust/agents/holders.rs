//! Holders who sell into strength, and buy nothing back: the disposition effect.
//!
//! Odean, "Are investors reluctant to realize their losses?" (Journal of Finance, 1998).

use super::actor::{Hand, Intent, Scene};
use crate::event::{Cause, Market};
use crate::units::{Lots, Overflow, Rate, gcd, narrow};
use crate::world::agents::HolderPlan;

/// What they did so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seller {
    pub sold: Lots,
}

impl Seller {
    pub fn decide(
        &mut self,
        plan: &HolderPlan,
        scene: &impl Scene,
        hand: Hand,
    ) -> Result<Option<Intent>, Overflow> {
        let due = target(plan, scene, hand.brought)?.minus(self.sold)?.max(Lots::ZERO);
        Ok(Intent::toward(Market::Spot, -due, plan.order_qty, Cause::Holders))
    }
}

/// The share of all their tokens that the rise calls for.
fn target(plan: &HolderPlan, scene: &impl Scene, tokens: Lots) -> Result<Lots, Overflow> {
    let (one, start) = (i128::from(Rate::ONE), i128::from(scene.start().0));
    let rise = i128::from(scene.index().0 - scene.start().0) * one - i128::from(plan.threshold.0) * start;
    let (share, whole) = (i128::from(plan.elasticity.0) * rise.max(0), one * one * start);
    if share >= whole {
        return Ok(tokens);
    }
    let tokens = i128::from(tokens.0);
    let exact = tokens.checked_mul(share).map(|exact| exact / whole).or_else(|| {
        let common = gcd(share, whole); // most shares are short once reduced
        Some(tokens.checked_mul(share / common)? / (whole / common))
    });
    narrow(exact.ok_or(Overflow)?).map(Lots)
}
