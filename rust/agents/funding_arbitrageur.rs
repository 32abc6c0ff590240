//! Cash and carry: short the perpetual, hold the spot, as long as funding pays.

use super::actor::{Hand, Intent, Scene};
use crate::event::{Cause, Market};
use crate::units::{Lots, Overflow, Side};
use crate::world::agents::FundingArbitrageur;

/// Tokens that are left over wait behind a lock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LockedLeg {
    /// The first step in a row in which some were.
    since: Option<u64>,
}

impl LockedLeg {
    pub fn decide(
        &mut self,
        plan: &FundingArbitrageur,
        scene: &impl Scene,
        hand: Hand,
    ) -> Result<Option<Intent>, Overflow> {
        let spot = |perp: Lots| perp.0.checked_mul(scene.spot_lots()).map(Lots).ok_or(Overflow);
        let short = (-hand.qty).max(Lots::ZERO);
        let over = hand.tokens.minus(spot(short)?)?;
        let most = spot(plan.order_qty)?;
        if over > Lots::ZERO {
            let since = *self.since.get_or_insert(scene.step());
            let open = scene.step() - since >= plan.lock;
            return Ok(Intent::toward(Market::Spot, -over, most, Cause::Arbitrage).filter(|_| open));
        }
        self.since = None;
        let carry = |side, qty: Lots| Intent::Carry { side, qty: qty.min(plan.order_qty) };
        if scene.funding_rate() >= plan.enter && short < plan.max_qty {
            let pays = scene.basis().map_or(Ok(Lots::ZERO), |basis| basis.from(plan.min_basis))?;
            let qty = pays.min(plan.max_qty.minus(short)?);
            return Ok((qty > Lots::ZERO).then(|| carry(Side::Sell, qty)));
        }
        let leaves = scene.funding_rate() <= plan.exit && short > Lots::ZERO;
        Ok(leaves.then(|| carry(Side::Buy, short)))
    }
}
