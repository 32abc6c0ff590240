//! Who ignites: accumulates, opens longs, pushes, sells out.

use super::actor::{Hand, Intent, Scene};
use crate::event::{Cause, Market};
use crate::units::{Lots, Overflow, Quote, Rate, Side, Ticks};
use crate::world::agents::{Exit, Leg, Whale};

/// How far his plan has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plot {
    pub ignite_begun: bool,
    /// The highest index since then.
    pub peak: Ticks,
    /// Bought by the push, and what it cost.
    pub ignition: (Lots, Quote),
    /// The step in which the exit began.
    exit: Option<u64>,
    pub paper: Option<Quote>,
}

impl Plot {
    pub fn exit_begun(&self) -> bool {
        self.exit.is_some()
    }

    pub fn ignited(&mut self, qty: Lots, cost: Quote) -> Result<(), Overflow> {
        self.ignition = (self.ignition.0.plus(qty)?, self.ignition.1.plus(cost)?);
        Ok(())
    }

    pub fn decide(
        &mut self,
        plan: &Whale,
        scene: &impl Scene,
        hand: Hand,
        out: &mut Vec<Intent>,
    ) -> Result<(), Overflow> {
        let step = scene.step();
        if self.exit.is_none() && plan.exit.is_some_and(|exit| self.leaves(&exit, scene)) {
            self.exit = Some(step);
        }
        if let (Some(exit), Some(since)) = (plan.exit, self.exit) {
            sell_out(&exit, step - since, hand, out);
            return Ok(());
        }
        let legs = [
            (plan.accumulate, Market::Spot, Cause::Whale),
            (plan.longs, Market::Perp, Cause::Whale),
            (plan.ignite, Market::Spot, Cause::Ignition),
        ];
        for (leg, market, cause) in legs {
            let qty = leg.map_or(Lots::ZERO, |leg| slice(&leg, step));
            if qty > Lots::ZERO {
                out.push(Intent::Take { market, side: Side::Buy, qty, cause });
            }
        }
        self.ignite_begun |= plan.ignite.is_some_and(|leg| step >= leg.from);
        Ok(())
    }

    fn leaves(&self, exit: &Exit, scene: &impl Scene) -> bool {
        let fell = |drawdown: Rate| {
            let now = i128::from(scene.index().0) * i128::from(Rate::ONE);
            self.ignite_begun && now <= i128::from(self.peak.0) * i128::from(Rate::ONE - drawdown.0)
        };
        exit.at.is_some_and(|at| scene.step() >= at) || exit.drawdown.is_some_and(fell)
    }
}

/// What a leg buys in a step.
fn slice(leg: &Leg, step: u64) -> Lots {
    let Some(i) = step.checked_sub(leg.from).filter(|&i| i < leg.steps) else { return Lots::ZERO };
    let until = |i: u64| i128::from(leg.qty.0) * i128::from(i) / i128::from(leg.steps);
    // At most the leg's quantity.
    Lots(i64::try_from(until(i + 1) - until(i)).unwrap_or(0))
}

/// An equal share of what is left in each step, all of it from the last on.
fn sell_out(exit: &Exit, step: u64, hand: Hand, out: &mut Vec<Intent>) {
    let left = i64::try_from(exit.steps.saturating_sub(step).max(1)).unwrap_or(i64::MAX);
    let share = |held: Lots| Lots(held.abs().0 / left + i64::from(held.abs().0 % left > 0));
    for (market, held) in [(Market::Spot, hand.tokens), (Market::Perp, hand.qty)] {
        if held != Lots::ZERO {
            let (side, qty) = (Side::closing(held), share(held));
            out.push(Intent::Take { market, side, qty, cause: Cause::Whale });
        }
    }
}
