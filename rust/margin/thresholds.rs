//! Thresholds in order of price: who breaks next, without looking at everybody.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::Position;
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

    /// The way on which a position loses.
    #[inline]
    pub const fn of(position: &Position) -> Way {
        if position.qty.0 < 0 { Way::Up } else { Way::Down }
    }

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
    pub fn rank(&self, way: Way, from: Ticks) -> (i64, Reverse<Mechanism>, AccountId) {
        (way.distance(from, self.threshold), Reverse(self.mechanism), self.account)
    }
}

/// An account that came into being, its position as it was then.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Where it breaks.
    pub due: Due,
    /// What it holds.
    pub position: Position,
}

const _: () = assert!(size_of::<Arrival>() == 40);

/// Accounts in the order in which a mark reaches their thresholds.
#[derive(Clone, Debug)]
pub struct Waiting {
    way: Way,
    sorted: Vec<Arrival>,
    taken: usize,
    in_order: bool,
}

impl Waiting {
    /// None yet.
    pub const fn new(way: Way) -> Waiting {
        Waiting { way, sorted: Vec::new(), taken: 0, in_order: true }
    }

    /// One more.
    #[inline]
    pub fn push(&mut self, arrival: Arrival) {
        let behind = |last: &Arrival| self.way.distance(last.due.threshold, arrival.due.threshold) >= 0;
        self.in_order &= self.sorted.last().is_none_or(behind);
        self.sorted.push(arrival);
    }

    /// Puts new ones in their place; to be called before [`peek`](Waiting::peek).
    #[inline]
    pub fn sort(&mut self) {
        if !self.in_order {
            self.sorted[self.taken..].sort_unstable_by_key(|arrival| arrival.due.rank(self.way, Ticks::ZERO));
            self.in_order = true;
        }
    }

    /// The next account whose threshold `mark` reaches, if any.
    #[inline]
    pub fn peek(&self, mark: Ticks) -> Option<&Arrival> {
        self.sorted.get(self.taken).filter(|next| self.way.distance(next.due.threshold, mark) >= 0)
    }

    /// The next ones, as far as `to` would reach.
    pub fn as_far_as(&self, to: Ticks) -> impl Iterator<Item = Due> {
        let next = self.sorted[self.taken..].iter().map(|arrival| arrival.due);
        next.take_while(move |due| self.way.distance(due.threshold, to) >= 0)
    }

    /// Takes what [`peek`](Waiting::peek) showed.
    #[inline]
    pub fn take(&mut self) -> Arrival {
        self.taken += 1;
        self.sorted[self.taken - 1]
    }

    /// Takes the next account that `mark` reaches, if any.
    #[inline]
    pub fn next(&mut self, mark: Ticks) -> Option<Arrival> {
        self.peek(mark)?;
        Some(self.take())
    }

    /// For the next path.
    pub fn clear(&mut self) {
        self.sorted.clear();
        (self.taken, self.in_order) = (0, true);
    }
}

/// The first of `sorted` after those `taken`, if `mark` reaches it.
#[inline]
pub fn next_due(way: Way, sorted: &[Due], taken: usize, mark: Ticks) -> Option<Due> {
    sorted.get(taken).copied().filter(|due| way.distance(due.threshold, mark) >= 0)
}

/// Liquidation thresholds that moved, and stops that a liquidation came before.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// By distance on their way, stops first, then account.
    sorted: [BTreeSet<(i64, Reverse<Mechanism>, AccountId)>; 2],
}

impl Moved {
    /// One more.
    pub fn insert(&mut self, way: Way, due: Due) {
        self.sorted[way as usize].insert(due.rank(way, Ticks::ZERO));
    }

    /// One less, if it is still there.
    pub fn remove(&mut self, way: Way, due: Due) {
        self.sorted[way as usize].remove(&due.rank(way, Ticks::ZERO));
    }

    /// The next threshold on this way that `mark` reaches, if any.
    #[inline]
    pub fn peek(&self, way: Way, mark: Ticks) -> Option<Due> {
        let &(distance, Reverse(mechanism), account) = self.sorted[way as usize].first()?;
        let threshold = Ticks(distance.abs());
        let due = Due { threshold, account, mechanism };
        (way.distance(threshold, mark) >= 0).then_some(due)
    }

    /// Those on this way as far as `to` would reach.
    pub fn as_far_as(&self, way: Way, to: Ticks) -> impl Iterator<Item = Due> {
        let all = self.sorted[way as usize].iter().map(|&(distance, Reverse(mechanism), account)| Due {
            threshold: Ticks(distance.abs()),
            account,
            mechanism,
        });
        all.take_while(move |due| way.distance(due.threshold, to) >= 0)
    }

    /// Takes what [`peek`](Moved::peek) showed.
    pub fn take(&mut self, way: Way) {
        self.sorted[way as usize].pop_first();
    }

    /// For the next path.
    pub fn clear(&mut self) {
        self.sorted.iter_mut().for_each(BTreeSet::clear);
    }
}
