//! The world drawn beforehand, to hold the lazy one against it.

use super::{Simulation, Trace};
use crate::units::{Overflow, Side};
use crate::world::{Account, World};

/// Levels of a side that are drawn.
const LEVELS: usize = 10_000;

/// All accounts of all cells, by group (counted over all populations) and cell.
#[derive(Clone, Debug, Default)]
pub(super) struct Drawn {
    pub groups: Vec<Vec<Vec<Account>>>,
}

impl Drawn {
    pub fn all(world: &World, seed: u64, path: u64) -> Result<Drawn, Overflow> {
        let mut drawn = Drawn::default();
        for population in world.populations.iter() {
            for group in 0..population.groups() {
                let mut cells = Vec::new();
                while population.reached_at(group, cells.len()).is_some() {
                    let mut accounts = Vec::new();
                    population.draw((seed, path), group, cells.len(), |account| accounts.push(account))?;
                    cells.push(accounts);
                }
                drawn.groups.push(cells);
            }
        }
        Ok(drawn)
    }
}

impl<T: Trace> Simulation<'_, T> {
    /// Makes orders of the books' levels.
    pub(super) fn draw_levels(&mut self) {
        let mut out = Vec::new();
        for side in Side::BOTH {
            self.spot.depth(side, LEVELS, &mut out);
            self.perp.depth(side, LEVELS, &mut out);
        }
    }
}
