//! What keeps the market maker from quoting and hedging as he would, and what of all frictions is still to come.

use super::{Simulation, Trace};
use crate::error::{RunError, Whose};
use crate::ids::AccountId;
use crate::units::{Lots, Quote, Side, Ticks};
use crate::venue::has_moved;
use crate::world::{MakerFrictions, World};

const MAKER: AccountId = AccountId::MARKET_MAKER;

/// What frictions remember from round to round.
#[derive(Debug, Default)]
pub(super) struct FrictionState {
    /// The last step of the last halt, 0 before any.
    pub halted_until: u64,
    /// Whether the stressed rules are in force.
    pub stressed: bool,
    absence: Absence,
    late: LateHedges,
}

impl FrictionState {
    /// As it was at the start, the venue calm.
    pub fn restart(&mut self, world: &World) {
        (self.halted_until, self.stressed, self.absence) = (0, false, Absence::default());
        self.late.restart(world.frictions.map_or(0, |maker| maker.latency));
    }
}

/// Since when the market maker does not quote.
#[derive(Clone, Copy, Debug, Default)]
struct Absence {
    now: bool,
    /// The last step in which the mark had moved too far, 0 for none.
    last: u64,
    /// Until when the steps before that one keep him away.
    before: u64,
}

impl Absence {
    fn look(&mut self, step: u64, far: bool, steps: u64) {
        let earlier = self.last < step;
        let until = match self.last {
            0 => 0,
            last if earlier => last + steps,
            _ => self.before,
        };
        if far && earlier {
            (self.last, self.before) = (step, until);
        }
        self.now = far || until > 0 && step <= until;
    }

    /// Whether he is away, or will be though nothing moves.
    fn lasts(&self, step: u64, steps: u64) -> bool {
        self.now || self.last > 0 && self.last + steps > step
    }
}

/// The hedges of the last steps that he has yet to make.
#[derive(Debug, Default)]
struct LateHedges {
    /// The target at the end of step `k` at `k` modulo its length.
    targets: Vec<Lots>,
    newest: Lots,
    /// Steps that ended since it was another.
    steady: u64,
}

impl LateHedges {
    fn restart(&mut self, latency: u64) {
        self.targets.clear();
        self.targets.resize(usize::try_from(latency).unwrap_or(usize::MAX), Lots::ZERO);
        (self.newest, self.steady) = (Lots::ZERO, latency);
    }

    #[allow(clippy::cast_possible_truncation)] // below its length
    fn at(&self, step: u64) -> usize {
        (step % self.targets.len() as u64) as usize
    }

    fn push(&mut self, step: u64, target: Lots) {
        self.steady = if target == self.newest { self.steady + 1 } else { 0 };
        self.newest = target;
        let at = self.at(step);
        self.targets[at] = target;
    }

    fn are_due(&self) -> bool {
        self.steady < self.targets.len() as u64
    }
}

/// How the market maker's quotes differ from what they would be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hampered {
    pub shift: Ticks,
    pub wider: Ticks,
    pub sides: [bool; 2],
}

impl Hampered {
    pub const NOT: Hampered = Hampered { shift: Ticks::ZERO, wider: Ticks::ZERO, sides: [true; 2] };
}

impl<T: Trace> Simulation<'_, T> {
    /// How he quotes in this round.
    pub(super) fn hamper(&mut self, terms: &MakerFrictions) -> Result<Hampered, RunError> {
        let held = self.positions[MAKER.index()].qty;
        let mut sides = [true; 2];
        if let Some(Lots(limit)) = terms.inventory_limit {
            sides[Side::Buy.index()] = held.0 < limit;
            sides[Side::Sell.index()] = held.0 > -limit;
        }
        if let Some(movement) = terms.withdraw {
            let far = has_moved(self.last_mark, self.mark, movement);
            self.frictions.absence.look(self.clock, far, terms.withdrawn);
            if self.frictions.absence.now {
                sides = [false; 2];
            }
        }
        let way = self.mark.minus(self.last_mark).whose(MAKER, "mark price")?.abs();
        let wider = terms.widen.of(Quote(way.0)).whose(MAKER, "spread")?.0;
        let shift = terms.skew.shift(held).whose(MAKER, "skew")?;
        Ok(Hampered { shift, wider: Ticks(wider.0), sides })
    }

    /// Spot lots that he still has to buy (to sell, if negative), as far as he knows by now.
    pub(super) fn known_hedge_due(&self) -> Result<Lots, RunError> {
        let late = &self.frictions.late;
        if late.targets.is_empty() {
            return self.maker.hedge_due().whose(MAKER, "hedge");
        }
        late.targets[late.at(self.clock)].minus(self.maker.hedged).whose(MAKER, "hedge")
    }

    /// A step has ended: what he should have hedged by now he will know later.
    pub(super) fn remember_target(&mut self) -> Result<(), RunError> {
        if !self.frictions.late.targets.is_empty() {
            let target = self.maker.hedge_target().whose(MAKER, "hedge")?;
            self.frictions.late.push(self.clock, target);
        }
        Ok(())
    }

    /// Whether a friction will move something though nothing else does.
    pub(super) fn frictions_to_come(&self) -> bool {
        let world = &self.world;
        let maker = world.frictions.filter(|_| self.maker.alive).is_some_and(|terms| {
            let away = terms.withdraw.is_some() && self.frictions.absence.lasts(self.clock, terms.withdrawn);
            let wide = terms.widen.0 > 0 && self.mark != self.last_mark && world.venue.reads_quotes();
            self.frictions.late.are_due() || away || wide
        });
        let weak = || self.spot.supply().recovers() || self.perp.supply().recovers();
        maker || self.is_halted() || self.stress_to_come() || world.venue.reads_quotes() && weak()
    }
}
