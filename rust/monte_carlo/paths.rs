//! The one place that knows how a path is run.

use std::sync::atomic::AtomicBool;

use crate::engine::{Simulation, Summary};
use crate::error::RunError;
use crate::world::World;

/// Runs paths of a world, one after the other; each thread has its own.
pub struct Paths<'w> {
    world: &'w World,
    seed: u64,
    stop: &'w AtomicBool,
}

impl<'w> Paths<'w> {
    /// Of this world and seed; a path stops soon after `stop` is set. What is not `lazy` is drawn before it is reached; today
    /// everything is.
    pub fn new(world: &'w World, seed: u64, _lazy: bool, stop: &'w AtomicBool) -> Paths<'w> {
        Paths { world, seed, stop }
    }

    /// One path to its end.
    pub fn run(&mut self, path: u64) -> Result<Summary, RunError> {
        let mut simulation = Simulation::new(self.world, self.seed, path, ())?.interrupted_by(self.stop);
        let reason = simulation.run()?;
        simulation.summary(reason)
    }
}
