//! The levels of one side, lowest key first: a dense window of ticks around the touch, a tree for what lies outside it.

use std::collections::BTreeMap;

use super::bitmap::{Bitmap, WINDOW};
use super::order::MAX_PRICE;
use super::queue::Queue;
use crate::units::{Side, Ticks};

/// The key of no level: beyond all others.
pub(super) const NONE: u64 = u64::MAX;

/// Bids count from here downward, so that the best of either side has the lowest key.
const MIRROR: u64 = MAX_PRICE.0.unsigned_abs() + 1;

/// Where the touch lies in a window that was just moved: most levels lie behind the touch, some come before it.
const LEAD: u64 = WINDOW as u64 / 4;

/// A price as its side sees it: the lower, the better. Prices are from 1 to [`MAX_PRICE`], and so are keys.
#[inline]
pub(super) const fn key(resting: Side, price: Ticks) -> u64 {
    match resting {
        Side::Buy => MIRROR - price.0.unsigned_abs(),
        Side::Sell => price.0.unsigned_abs(),
    }
}

/// The price of a key.
#[inline]
pub(super) const fn price(resting: Side, key: u64) -> Ticks {
    match resting {
        Side::Buy => Ticks((MIRROR - key) as i64),
        Side::Sell => Ticks(key as i64),
    }
}

/// Side and key in one word.
#[inline]
pub(super) const fn place(resting: Side, key: u64) -> u64 {
    (key << 1) | resting.index() as u64
}

/// What [`place`] packed.
#[inline]
pub(super) const fn unplace(place: u64) -> (Side, u64) {
    (if place & 1 == 0 { Side::Buy } else { Side::Sell }, place >> 1)
}

/// One side of a book. A queue of the window means something only where its bit is set.
pub(super) struct Ladder {
    best: u64,
    base: u64,
    bits: Bitmap,
    window: Box<[Queue; WINDOW]>,
    far: BTreeMap<u64, Queue>,
    far_best: u64,
    /// Levels in the window: what moving it would cost.
    near: usize,
    /// Uses of the tree that a moved window would have spared.
    misses: usize,
}

impl Ladder {
    pub(super) fn new() -> Ladder {
        let window = vec![Queue::default(); WINDOW].into_boxed_slice();
        Ladder {
            best: NONE,
            base: 0,
            bits: Bitmap::new(),
            window: window.try_into().unwrap_or_else(|_| unreachable!("it has just that many")),
            far: BTreeMap::new(),
            far_best: NONE,
            near: 0,
            misses: 0,
        }
    }

    /// The lowest key, or [`NONE`].
    #[inline]
    pub(super) fn best(&self) -> u64 {
        self.best
    }

    /// The queue of a level that exists.
    #[inline]
    pub(super) fn queue_mut(&mut self, key: u64) -> &mut Queue {
        match self.offset(key) {
            Some(at) => &mut self.window[at],
            None => self.far.get_mut(&key).expect("the level of a resting order exists"),
        }
    }

    /// As [`queue_mut`](Ladder::queue_mut), to look at.
    #[inline]
    pub(super) fn queue(&self, key: u64) -> &Queue {
        match self.offset(key) {
            Some(at) => &self.window[at],
            None => self.far.get(&key).expect("the level of a resting order exists"),
        }
    }

    /// Lots at a key, 0 if there is no level.
    pub(super) fn qty_at(&self, key: u64) -> i64 {
        match self.offset(key) {
            Some(at) if self.bits.has(at) => self.window[at].qty,
            Some(_) => 0,
            None => self.far.get(&key).map_or(0, |queue| queue.qty),
        }
    }

    /// The queue of a level, made if there is none. Whoever asks must put an order in.
    #[inline]
    pub(super) fn open(&mut self, key: u64) -> &mut Queue {
        self.best = self.best.min(key);
        match self.offset(key) {
            Some(at) => {
                if self.bits.set(at) {
                    self.window[at] = Queue::default();
                    self.near += 1;
                }
                &mut self.window[at]
            }
            None => self.open_far(key),
        }
    }

    /// Removes a level whose last order is gone.
    #[inline]
    pub(super) fn close(&mut self, key: u64) {
        match self.offset(key) {
            Some(at) => {
                self.bits.unset(at);
                self.near -= 1;
            }
            None => {
                self.far.remove(&key);
                self.far_best = self.far.first_key_value().map_or(NONE, |(&key, _)| key);
            }
        }
        if key == self.best {
            self.best = self.after(key);
            if self.best == self.far_best && self.best != NONE {
                self.miss(self.best);
            }
        }
    }

    /// The lowest key above this one, or [`NONE`].
    #[inline]
    pub(super) fn after(&self, key: u64) -> u64 {
        let next = key.wrapping_add(1);
        let from = match self.offset(next) {
            Some(at) => Some(at),
            None if next < self.base => Some(0),
            None => None,
        };
        let near = from.and_then(|at| self.bits.first_from(at)).map_or(NONE, |at| self.base + at as u64);
        let far =
            if self.far_best == NONE || self.far_best >= next { self.far_best } else { self.far_from(next) };
        near.min(far)
    }

    /// Empties it, at the cost of the levels it has.
    pub(super) fn clear(&mut self) {
        self.bits.clear();
        self.far.clear();
        (self.best, self.far_best) = (NONE, NONE);
        (self.near, self.misses) = (0, 0);
    }

    /// Where a key lies in the window.
    #[inline]
    fn offset(&self, key: u64) -> Option<usize> {
        usize::try_from(key.wrapping_sub(self.base)).ok().filter(|&at| at < WINDOW)
    }

    #[cold]
    fn far_from(&self, key: u64) -> u64 {
        self.far.range(key..).next().map_or(NONE, |(&key, _)| key)
    }

    #[cold]
    fn open_far(&mut self, key: u64) -> &mut Queue {
        self.miss(key);
        if self.offset(key).is_some() {
            return self.open(key);
        }
        self.far_best = self.far_best.min(key);
        self.far.entry(key).or_default()
    }

    /// Counts a key outside the window that a window around the touch would hold. Once that cost as much as moving the
    /// window does, it is moved: so the moves are paid for, whatever the flow.
    #[cold]
    fn miss(&mut self, key: u64) {
        if key - self.best < WINDOW as u64 - LEAD {
            self.misses += 1;
            if self.misses > self.near {
                self.move_window();
            }
        }
    }

    fn move_window(&mut self) {
        let mut from = self.bits.first_from(0);
        while let Some(at) = from {
            self.far.insert(self.base + at as u64, self.window[at]);
            from = self.bits.first_from(at + 1);
        }
        self.bits.clear();
        (self.near, self.misses) = (0, 0);
        self.base = self.best.saturating_sub(LEAD);
        // No level is below the best: those for the window come first in the tree.
        while let Some(first) = self.far.first_entry() {
            let Some(at) = usize::try_from(first.key() - self.base).ok().filter(|&at| at < WINDOW) else {
                break;
            };
            self.window[at] = first.remove();
            self.bits.set(at);
            self.near += 1;
        }
        self.far_best = self.far.first_key_value().map_or(NONE, |(&key, _)| key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the window moves while this runs over the keys.
    fn moves(
        ladder: &mut Ladder,
        keys: impl Iterator<Item = u64>,
        mut step: impl FnMut(&mut Ladder, u64),
    ) -> usize {
        let mut moves = 0;
        for key in keys {
            let before = ladder.base;
            step(ladder, key);
            moves += usize::from(ladder.base != before);
        }
        moves
    }

    #[test]
    fn the_window_follows_the_touch_through_a_deep_sweep() {
        let keys = || (0..6_000).map(|n| 1_000_000 + 50 * n);
        let mut ladder = Ladder::new();
        moves(&mut ladder, keys(), |ladder, key| _ = ladder.open(key));
        let sweep = moves(&mut ladder, keys(), |ladder, key| {
            assert_eq!(ladder.best(), key);
            ladder.close(key);
            assert!(ladder.best() == NONE || ladder.offset(ladder.best()).is_some());
        });
        assert!((4..=10).contains(&sweep), "{sweep} moves over 300,000 ticks");
        assert_eq!((ladder.best(), ladder.near, ladder.far.len()), (NONE, 0, 0));
    }

    #[test]
    fn new_levels_behind_the_touch_come_into_the_window() {
        let mut ladder = Ladder::new();
        ladder.open(1);
        ladder.open(60_000);
        ladder.close(1);
        for key in 66_000..66_010 {
            ladder.open(key);
        }
        assert!(ladder.far.is_empty());
    }

    #[test]
    fn a_touch_that_jumps_to_and_fro_does_not_move_the_crowd_each_time() {
        let mut ladder = Ladder::new();
        moves(&mut ladder, 1_000_000..1_001_000, |ladder, key| _ = ladder.open(key));
        let there_and_back = moves(&mut ladder, [10; 5_000].into_iter(), |ladder, key| {
            ladder.open(key);
            ladder.close(key);
        });
        assert!(there_and_back <= 20, "{there_and_back} moves of a thousand levels");
        assert_eq!(ladder.best(), 1_000_000);
    }
}
