//! Goes through the steps of a simulation, and stops where an agent with a program of its own has its turn.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;

use crate::agents::Resting;
use crate::bindings::errors;
use crate::bindings::interrupt::Ear;
use crate::engine::{Recorder, Refusal, Simulation, StopReason, Submission, SubmitError, Submitted};
use crate::error::RunError;
use crate::units::Lots;

/// How often a signal is listened for between steps.
const BETWEEN: Duration = Duration::from_millis(50);

/// After which a step is given up for one.
const WITHIN: Duration = Duration::from_millis(250);

/// Where a simulation stands.
pub enum Phase {
    /// A step has ended, or none has begun.
    Between,
    /// A step has begun, with the push or not; some of its agents have acted.
    Open { ignites: bool },
    /// It is over.
    Over(StopReason),
    /// It stopped in the middle of something.
    Broken(String),
}

/// A simulation, step by step.
pub struct Driver {
    pub simulation: Simulation<'static, Recorder>,
    pub phase: Phase,
    /// Orders that rest or rested, and whose they are; their ids are their places, from 1.
    pub orders: Vec<(usize, Resting)>,
    /// Which agents have their turn elsewhere.
    elsewhere: Vec<bool>,
    ear: Arc<Ear>,
    /// A signal that came with something that must be told first.
    late: Option<PyErr>,
    /// Whose turn was told and has not begun: it is told again.
    pub turn: Option<usize>,
}

impl Driver {
    /// At the start of its time.
    pub fn new(simulation: Simulation<'static, Recorder>, elsewhere: Vec<bool>) -> Result<Driver, RunError> {
        let ear = Arc::new(Ear::default());
        let inner = Arc::clone(&ear);
        let mut simulation = simulation.interrupted_if(move || inner.hears_after(WITHIN));
        ear.listened();
        simulation.begin_time()?;
        Ok(Driver {
            simulation,
            phase: Phase::Between,
            orders: Vec::new(),
            elsewhere,
            ear,
            late: None,
            turn: None,
        })
    }

    /// What keeps it from going on, if anything does.
    pub fn check(&self) -> PyResult<()> {
        match &self.phase {
            Phase::Between | Phase::Open { .. } => Ok(()),
            Phase::Over(reason) => {
                let steps = self.simulation.clock();
                let text = format!("the run is over after {steps} steps: {}", reason.name());
                Err(errors::RunError::new_err(text))
            }
            Phase::Broken(why) => Err(errors::RunError::new_err(format!(
                "the run stopped in the middle of a step and can only be looked at: {why}"
            ))),
        }
    }

    /// Goes on for so many steps at most: how many ended, and whose turn it is now elsewhere.
    pub fn advance(&mut self, py: Python<'_>, steps: u64) -> PyResult<(u64, Option<usize>)> {
        self.check()?;
        self.heard()?;
        if self.turn.is_some() {
            return Ok((0, self.turn));
        }
        let done = self.guarded(py, |driver| {
            let mut ended = 0;
            while ended < steps {
                let turn = driver.next_turn()?;
                if turn.is_some() {
                    return Ok((ended, turn));
                }
                ended += 1;
                if matches!(driver.phase, Phase::Over(_)) || driver.ear.hears_after(BETWEEN) {
                    break;
                }
            }
            Ok((ended, None))
        })?;
        if done.1.is_none() {
            self.heard()?; // else first whose turn it is
        }
        self.turn = done.1;
        Ok(done)
    }

    /// Raises a signal that came before.
    fn heard(&mut self) -> PyResult<()> {
        self.late.take().map_or(Ok(()), Err)
    }

    /// Whose turn it is in this step; none: it has ended.
    fn next_turn(&mut self) -> Result<Option<usize>, RunError> {
        let ignites = self.open()?;
        while let Some(agent) = self.simulation.act()? {
            if self.elsewhere[agent] {
                return Ok(Some(agent));
            }
        }
        let more = self.simulation.close_step()? || ignites;
        self.phase = self.simulation.over(more).map_or(Phase::Between, Phase::Over);
        Ok(None)
    }

    fn open(&mut self) -> Result<bool, RunError> {
        if let Phase::Open { ignites } = self.phase {
            return Ok(ignites);
        }
        let ignites = self.simulation.open_step()?;
        self.phase = Phase::Open { ignites };
        Ok(ignites)
    }

    /// Sends an order; between steps the next one begins with it.
    pub fn submit(
        &mut self,
        py: Python<'_>,
        agent: usize,
        order: Submission,
    ) -> PyResult<Result<Submitted, Refusal>> {
        self.check()?;
        self.guarded(py, |driver| {
            driver.open()?;
            allowed(driver.simulation.submit(agent, order))
        })
    }

    /// Cancels an order; what was left of it.
    pub fn withdraw(
        &mut self,
        py: Python<'_>,
        agent: usize,
        resting: &Resting,
    ) -> PyResult<Result<Lots, Refusal>> {
        self.guarded(py, |driver| allowed(driver.simulation.withdraw(agent, resting)))
    }

    /// Closes all positions if the venue does so after the run, which is over.
    pub fn finish(&mut self, py: Python<'_>) -> PyResult<()> {
        if let Phase::Broken(_) = self.phase {
            return self.check();
        }
        self.guarded(py, |driver| driver.simulation.close_at_settlement())?;
        if !matches!(self.phase, Phase::Over(_)) {
            self.phase = Phase::Over(StopReason::Unfinished);
        }
        self.heard()
    }

    /// Does what changes the simulation, without the GIL. What fails there, or panics, stopped in the middle; a signal that
    /// came between steps did not, and is raised after what was done is told.
    pub fn guarded<R: Send>(
        &mut self,
        py: Python<'_>,
        work: impl FnOnce(&mut Driver) -> Result<R, RunError> + Send,
    ) -> PyResult<R> {
        self.ear.listened();
        let driver = &mut *self;
        let done = py.detach(move || catch_unwind(AssertUnwindSafe(move || work(driver))));
        let raised = self.ear.raised();
        match done {
            Ok(Ok(result)) => {
                self.late = raised.or(self.late.take());
                Ok(result)
            }
            Ok(Err(error)) => {
                self.phase = Phase::Broken(error.to_string());
                Err(raised.unwrap_or_else(|| errors::run(error)))
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
                self.phase = Phase::Broken(text.to_owned());
                Err(errors::defect(text))
            }
        }
    }
}

/// A refusal changed nothing; what failed stopped in the middle.
fn allowed<R>(done: Result<R, SubmitError>) -> Result<Result<R, Refusal>, RunError> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(SubmitError::Refused(refusal)) => Ok(Err(refusal)),
        Err(SubmitError::Run(error)) => Err(error),
    }
}
