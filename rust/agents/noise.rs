//! Flow without intelligence: market orders and limit orders that come by a Poisson law.
//!
//! Farmer, Patelli and Zovko, "The predictive power of zero intelligence in financial markets" (PNAS, 2005). Orders that
//! call forth others: Hawkes, "Spectra of some self-exciting and mutually exciting point processes" (Biometrika, 1971).

use super::Intent;
use super::actor::Draws;
use crate::event::Cause;
use crate::units::{Side, Ticks};
use crate::world::agents::Noise;

/// Market orders that others called forth and that have yet to come, in units of 2^-32.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Called(u64);

impl Called {
    pub fn decide(&mut self, plan: &Noise, step: u64, draws: &mut Draws<'_>, out: &mut Vec<Intent>) {
        if let Some(last) = step.checked_sub(plan.lifetime) {
            out.push(Intent::CancelUntil(last));
        }
        let orders = self.count(plan, draws);
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

    /// Market orders of this step: those that come uncalled, and those called that are due.
    #[allow(clippy::cast_possible_truncation)] // no more than there are
    fn count(&mut self, plan: &Noise, draws: &mut Draws<'_>) -> u64 {
        let uncalled = u64::from(plan.arrivals.count(draws.word(0)));
        let Some(calls) = plan.calls else { return uncalled };
        let due = ((u128::from(self.0) * u128::from(calls.alpha)) >> 32) as u64;
        let rest = u64::from(draws.word(2) & 0xffff_ffff < due & 0xffff_ffff);
        let orders = uncalled + (due >> 32) + rest;
        self.0 = self.0 - due + orders * calls.each;
        orders
    }
}

const fn side(word: u64) -> Side {
    if word & 1 == 0 { Side::Buy } else { Side::Sell }
}
