//! Who shorts every new coin, and more the higher it goes (or buys every dip): each an account of its own.

use super::actor::{Draws, Intent, Scene};
use crate::units::{Rate, Side};
use crate::world::agents::Crowd;

pub(super) fn decide(plan: &Crowd, scene: &impl Scene, draws: &mut Draws<'_>, out: &mut Vec<Intent>) {
    let come = u64::from(plan.arrivals.count(draws.word(0)));
    let share = share(plan, scene);
    for n in (0..come).map(|j| 4 + 2 * j) {
        let (u, v) = (draws.word(n), draws.word(n + 1));
        let opens = i128::from(u & 0xffff_ffff) * i128::from(Rate::ONE) < share << 32;
        if opens {
            out.push(Intent::Open { side: plan.side, qty: plan.qty.draw_word(u), word: v });
        }
    }
}

/// The share of those who come that opens a position, in billionths.
fn share(plan: &Crowd, scene: &impl Scene) -> i128 {
    let start = i128::from(scene.perp_start().0);
    let rise = i128::from(scene.mark().0) - start;
    let away = if plan.side == Side::Sell { rise } else { -rise };
    let more = (i128::from(plan.slope.0) * away).div_euclid(start);
    (i128::from(plan.base.0) + more).clamp(0, i128::from(Rate::ONE))
}
