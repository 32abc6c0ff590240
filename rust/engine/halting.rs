//! What the venue does when the mark moves far: halt, price band, and margin under stress.

use super::{Simulation, Trace, Watch};
use crate::book::{MAX_PRICE, NewOrder, OrderKind};
use crate::error::{RunError, Whose};
use crate::ids::AccountId;
use crate::units::{Lots, Quote, Rate, Side, Ticks};
use crate::venue::{band_limit, has_moved};

impl<T: Trace> Simulation<'_, T> {
    /// Whether nobody may trade in the perpetual now.
    #[inline]
    pub fn is_halted(&self) -> bool {
        let until = self.frictions.halted_until;
        until > 0 && self.clock <= until
    }

    /// Phase 2, after the mark: whether it has moved so far that the venue halts, or asks for more margin.
    pub(super) fn watch_moves(&mut self) -> Result<(), RunError> {
        let frictions = &self.world.venue.frictions;
        let ended = self.clock.saturating_sub(1);
        if let Some(halt) = frictions.halt
            && !self.is_halted()
        {
            let since = self.clock.saturating_sub(halt.window).max(self.frictions.halted_until);
            let then = self.past_marks.before_last(ended.saturating_sub(since));
            if has_moved(then, self.mark, halt.movement) {
                self.frictions.halted_until = self.clock + halt.pause;
            }
        }
        if let Some(stress) = &frictions.stress
            && !self.frictions.stressed
            && has_moved(self.past_marks.before_last(stress.window - 1), self.mark, stress.movement)
        {
            self.stress()?;
        }
        Ok(())
    }

    /// An order in the perpetual as the venue admits it: within the band, and not in a halt.
    #[inline]
    pub(super) fn admit(&self, order: NewOrder) -> Result<Option<NewOrder>, RunError> {
        if self.is_halted() {
            return Ok(None);
        }
        match self.world.venue.frictions.price_band {
            None => Ok(Some(order)),
            Some(band) => self.within_band(order, band).map(Some),
        }
    }

    fn within_band(&self, order: NewOrder, band: Rate) -> Result<NewOrder, RunError> {
        let most = band_limit(self.mark, band, order.side).whose(order.owner, "price band")?.min(MAX_PRICE);
        let nearer = |price: Ticks| if order.side == Side::Buy { price.min(most) } else { price.max(most) };
        let kind = match order.kind {
            OrderKind::Market => OrderKind::Protected { price: most },
            OrderKind::Protected { price } => OrderKind::Protected { price: nearer(price) },
            OrderKind::Limit { price, tif } => OrderKind::Limit { price: nearer(price), tif },
        };
        Ok(NewOrder { kind, ..order })
    }

    /// The stressed rules are in force from now on, for everybody.
    fn stress(&mut self) -> Result<(), RunError> {
        self.draw_everybody()?;
        self.swap_rules();
        self.frictions.stressed = true;
        for id in self.world.named.0.. {
            let account = AccountId(id);
            let Some(position) = self.positions.get(account.index()) else { break };
            if position.qty != Lots::ZERO && self.watch[account.index()] != Watch::Seized {
                self.rewatch(account)?;
            }
        }
        Ok(())
    }

    /// Puts the rules that were in force at the start in their place again.
    pub(super) fn calm_down(&mut self) {
        if self.frictions.stressed {
            self.swap_rules();
            self.frictions.stressed = false;
        }
    }

    fn swap_rules(&mut self) {
        let venue = &mut self.world.venue;
        if let Some(stress) = &mut venue.frictions.stress {
            std::mem::swap(&mut venue.tiers, &mut stress.tiers);
            std::mem::swap(&mut venue.margin, &mut stress.margin);
        }
    }

    /// Whether a mark within the window is so far from this one that time alone brings stress.
    pub(super) fn stress_to_come(&self) -> bool {
        let Some(stress) = &self.world.venue.frictions.stress else { return false };
        let far = |back| has_moved(self.past_marks.before_last(back), self.mark, stress.movement);
        !self.frictions.stressed && (0..stress.window).any(far)
    }

    /// The largest leverage, in billionths, of a position of this value, as the venue has it now.
    pub fn max_leverage(&self, value: Quote) -> i64 {
        self.world.venue.tiers.at(value).max_leverage
    }
}
