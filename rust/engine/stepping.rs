//! Time: a run goes step by step to its horizon.

use super::{Simulation, StopReason, Trace};
use crate::error::RunError;
use crate::world::{Steps, Until};

impl<T: Trace> Simulation<'_, T> {
    /// To the horizon, or until it is quiet.
    pub(super) fn through_time(&mut self, steps: Steps) -> Result<StopReason, RunError> {
        self.begin_time()?;
        while self.clock < steps.count {
            let more = self.step()?;
            if let Some(reason) = self.over(more) {
                return Ok(reason);
            }
        }
        Ok(StopReason::Horizon)
    }

    /// Why a run through time is over, if it is, after a step that told whether there is `more`.
    pub fn over(&self, more: bool) -> Option<StopReason> {
        let steps = self.world.steps?;
        if !more && self.clock >= steps.ignition && steps.until == Until::Quiet {
            return Some(if self.spot_exhausted { StopReason::SpotExhausted } else { StopReason::Quiet });
        }
        (self.clock >= steps.count).then_some(StopReason::Horizon)
    }

    /// The row of the start of a run through time.
    pub fn begin_time(&mut self) -> Result<(), RunError> {
        (self.stage.index, self.stage.mark) = (self.index, self.mark);
        if !self.world.agents.is_empty() {
            self.draw_everybody()?;
            self.post_quotes()?;
        }
        self.end_round()?;
        self.sample()
    }

    /// One step of a run through time: what arrives, then rounds until nothing more is due; false once nothing happened in
    /// it and nothing is to come.
    pub fn step(&mut self) -> Result<bool, RunError> {
        let ignites = self.open_step()?;
        while self.act()?.is_some() {}
        Ok(self.close_step()? || ignites)
    }

    /// Time passes: what is due by the clock alone arrives. Agents may [`act`](Self::act) now.
    pub fn open_step(&mut self) -> Result<bool, RunError> {
        self.clock += 1;
        (self.first_of_step, self.next_actor) = (true, 0);
        self.unlock()?;
        let ignites = self.world.steps.is_some_and(|steps| steps.ignition == self.clock);
        if ignites {
            (self.stage.round, self.stage.clock) = (self.stage.round + 1, self.clock);
            self.ignite()?;
        }
        self.stage.round += 1;
        Ok(ignites)
    }

    /// Rounds until nothing more is due; false once nothing happened in them and nothing is to come, if that ends the run.
    pub fn close_step(&mut self) -> Result<bool, RunError> {
        let mut happened = false;
        for round in 0..self.world.venue.max_rounds {
            self.stage.round += u64::from(round > 0);
            let more = self.phases()?;
            self.first_of_step = false;
            happened |= more;
            if !more {
                break;
            }
        }
        self.past_marks.push(self.mark);
        let index = self.index;
        self.actors.iter_mut().for_each(|actor| actor.see_index(index));
        self.remember_target()?;
        self.sample()?;
        let asked = self.world.steps.is_none_or(|steps| steps.until == Until::Quiet);
        Ok(happened || !asked || self.is_to_come())
    }

    /// Whether time alone will move something.
    pub(super) fn is_to_come(&self) -> bool {
        self.cools && self.world.time_passes || self.prices.moving || self.frictions_to_come()
    }
}
