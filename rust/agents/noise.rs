//! Flow without intelligence: market orders and limit orders that come by a Poisson law.
//!
//! Farmer, Patelli and Zovko, "The predictive power of zero intelligence in financial markets" (PNAS, 2005).

use super::Intent;
use super::actor::Draws;
use crate::event::Cause;
use crate::units::{Side, Ticks};
use crate::world::agents::Noise;

pub(super) fn decide(plan: &Noise, step: u64, draws: &mut Draws<'_>, out: &mut Vec<Intent>) {
    if let Some(last) = step.checked_sub(plan.lifetime) {
        out.push(Intent::CancelUntil(last));
    }
    let orders = u64::from(plan.arrivals.count(draws.word(0)));
    let limits = u64::from(plan.limits.count(draws.word(1)));
    let market = plan.market;
    for n in 4..4 + orders {
        let word = draws.word(n);
        out.push(Intent::Take {
            market,
            side: side(word),
            qty: plan.qty.draw_word(word),
            cause: Cause::Noise,
        });
    }
    for n in 4 + orders..4 + orders + limits {
        let word = draws.word(n);
        let away = (i128::from((word >> 1) & 0xffff_ffff) * i128::from(plan.gap.0)) >> 32;
        // Below the gap.
        let behind = Ticks(i64::try_from(away).unwrap_or(plan.gap.0));
        out.push(Intent::Join { market, side: side(word), behind, qty: plan.qty.draw_word(word) });
    }
}

const fn side(word: u64) -> Side {
    if word & 1 == 0 { Side::Buy } else { Side::Sell }
}
