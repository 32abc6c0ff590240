//! Thresholds in order of price: who breaks next, without looking at everybody.

use std::collections::BTreeSet;

use crate::event::Mechanism;
use crate::ids::AccountId;
use crate::units::Ticks;

/// Which way the mark must go to reach a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Shorts break as the mark rises.
    Up,
    /// Longs break as the mark falls.
    Down,
}

impl Way {
    /// Both ways.
    pub const BOTH: [Way; 2] = [Way::Up, Way::Down];

    /// How far `to` lies beyond `from` on this way; negative if before it.
    #[inline]
    pub const fn distance(self, from: Ticks, to: Ticks) -> i64 {
        match self {
            Way::Up => to.0 - from.0,
            Way::Down => from.0 - to.0,
        }
    }
}

/// A threshold of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// First tick at which it is reached.
    pub threshold: Ticks,
    /// Whose.
    pub account: AccountId,
    /// What happens there.
    pub mechanism: Mechanism,
}

impl Due {
    /// Order of taking, seen from a mark: distance, stops first, account.
    #[inline]
    pub fn rank(&self, way: Way, from: Ticks) -> (i64, std::cmp::Reverse<Mechanism>, AccountId) {
        (way.distance(from, self.threshold), std::cmp::Reverse(self.mechanism), self.account)
    }
}

/// Who breaks at a tick not yet seen.
pub trait Fuel {
    /// The next threshold on this way that `mark` reaches, if any.
    fn peek(&mut self, way: Way, mark: Ticks) -> Option<Due>;
    /// Takes what [`Fuel::peek`] showed.
    fn take(&mut self, way: Way);
}

/// All thresholds drawn beforehand and sorted.
#[derive(Clone, Debug, Default)]
pub struct EagerFuel {
    sorted: [Vec<Due>; 2],
    taken: [usize; 2],
}

impl EagerFuel {
    /// From thresholds that break as the mark rises, and as it falls.
    pub fn new(mut up: Vec<Due>, mut down: Vec<Due>) -> EagerFuel {
        up.sort_unstable_by_key(|due| due.rank(Way::Up, Ticks::ZERO));
        down.sort_unstable_by_key(|due| due.rank(Way::Down, Ticks::ZERO));
        EagerFuel { sorted: [up, down], taken: [0, 0] }
    }
}

impl Fuel for EagerFuel {
    #[inline]
    fn peek(&mut self, way: Way, mark: Ticks) -> Option<Due> {
        let due = *self.sorted[way as usize].get(self.taken[way as usize])?;
        (way.distance(due.threshold, mark) >= 0).then_some(due)
    }

    #[inline]
    fn take(&mut self, way: Way) {
        self.taken[way as usize] += 1;
    }
}

/// Liquidation thresholds that moved after the others were sorted.
#[derive(Clone, Debug, Default)]
pub struct MovedFuel {
    /// By distance on their way, then account.
    sorted: [BTreeSet<(i64, AccountId)>; 2],
}

impl MovedFuel {
    /// One more.
    pub fn insert(&mut self, way: Way, threshold: Ticks, account: AccountId) {
        self.sorted[way as usize].insert((way.distance(Ticks::ZERO, threshold), account));
    }
}

impl Fuel for MovedFuel {
    #[inline]
    fn peek(&mut self, way: Way, mark: Ticks) -> Option<Due> {
        let &(distance, account) = self.sorted[way as usize].first()?;
        let threshold = Ticks(distance.abs());
        let due = Due { threshold, account, mechanism: Mechanism::Liquidation };
        (way.distance(threshold, mark) >= 0).then_some(due)
    }

    #[inline]
    fn take(&mut self, way: Way) {
        self.sorted[way as usize].pop_first();
    }
}
