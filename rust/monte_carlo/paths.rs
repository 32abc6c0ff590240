//! The one place that knows how a path is run.

use std::sync::atomic::AtomicBool;

use crate::engine::{Simulation, Summary};
use crate::error::PathError;
use crate::world::Template;

/// Runs paths of a scenario, one after the other, in the same memory; each thread has its own.
pub struct Paths<'w> {
    template: &'w Template,
    seed: u64,
    lazy: bool,
    stop: &'w AtomicBool,
    simulation: Option<Simulation<'w, ()>>,
}

impl<'w> Paths<'w> {
    /// Of this scenario and seed; a path stops soon after `stop` is set. What is not `lazy` is drawn before it is reached.
    pub fn new(template: &'w Template, seed: u64, lazy: bool, stop: &'w AtomicBool) -> Paths<'w> {
        Paths { template, seed, lazy, stop, simulation: None }
    }

    /// One path to its end.
    pub fn run(&mut self, path: u64) -> Result<Summary, PathError> {
        let simulation = match &mut self.simulation {
            Some(simulation) => {
                simulation.restart_as(self.template, path)?;
                simulation
            }
            none => {
                let world = self.template.world(self.seed, path)?;
                let first = Simulation::new(&world, self.seed, path, ())?.interrupted_by(self.stop);
                none.insert(if self.lazy { first } else { first.eager()? })
            }
        };
        let reason = simulation.run()?;
        Ok(simulation.summary(reason)?)
    }
}
