//! What a venue does when its mark moves far: price band, halt, stress margin. `docs/AGENTS.md` section 4.

use crate::margin::{MarginRule, MarginTiers};
use crate::units::{Overflow, Rate, Side, Ticks, narrow};

/// A venue's frictions, none by default.
#[derive(Clone, Debug, Default)]
pub struct Frictions {
    /// How far from the mark an order may take, above 0, below one.
    pub price_band: Option<Rate>,
    /// When nobody may trade.
    pub halt: Option<Halt>,
    /// When more margin is asked for.
    pub stress: Option<Box<Stress>>,
}

/// A circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The relative move that halts.
    pub movement: Rate,
    /// Within so many steps, at least one.
    pub window: u64,
    /// For so many steps after its own.
    pub pause: u64,
}

/// Margin that rises, once, when the mark moves far.
#[derive(Clone, Debug)]
pub struct Stress {
    /// The relative move.
    pub movement: Rate,
    /// Within so many steps, at least one.
    pub window: u64,
    /// The brackets that are not in force: the stressed ones, or once they are the others.
    pub tiers: MarginTiers,
    /// The same of the rule.
    pub margin: MarginRule,
}

impl Frictions {
    /// Whether anything looks at how far the mark has moved.
    #[inline]
    pub const fn watch_moves(&self) -> bool {
        self.halt.is_some() || self.stress.is_some()
    }

    /// How many steps back they look.
    pub fn look_back(&self) -> u64 {
        let halt = self.halt.map_or(0, |halt| halt.window);
        halt.max(self.stress.as_ref().map_or(0, |stress| stress.window))
    }
}

/// Whether the mark has moved so far, or farther.
pub fn has_moved(from: Ticks, to: Ticks, movement: Rate) -> bool {
    let way = i128::from(to.0) - i128::from(from.0);
    way.abs() * i128::from(Rate::ONE) >= i128::from(movement.0) * i128::from(from.0)
}

/// The farthest price at which an order of this side may take.
#[inline]
pub fn band_limit(mark: Ticks, band: Rate, side: Side) -> Result<Ticks, Overflow> {
    let away = narrow(i128::from(mark.0) * i128::from(band.0) / i128::from(Rate::ONE))?;
    mark.plus(Ticks(side.sign() * away))
}
