//! The marks at the ends of steps, as far back as anybody looks.

use crate::units::Ticks;

/// Marks by step; the start's before the first.
#[derive(Debug, Default)]
pub(super) struct PastMarks {
    start: Ticks,
    /// The mark of step `k` at `k` modulo its length.
    ring: Vec<Ticks>,
    /// Steps ended.
    ended: u64,
}

impl PastMarks {
    /// Forgets all; from now on it remembers so many steps.
    pub fn restart(&mut self, start: Ticks, longest: u64) {
        (self.start, self.ended) = (start, 0);
        self.ring.clear();
        self.ring.resize(usize::try_from(longest + 1).unwrap_or(usize::MAX), start);
    }

    /// A step ended.
    #[inline]
    pub fn push(&mut self, mark: Ticks) {
        self.ended += 1;
        let slot = self.slot(self.ended);
        self.ring[slot] = mark;
    }

    /// The mark at the end of the step so many before the last one that ended.
    #[inline]
    pub fn before_last(&self, steps: u64) -> Ticks {
        debug_assert!(steps < self.ring.len() as u64, "beyond what it remembers");
        match self.ended.checked_sub(steps) {
            None | Some(0) => self.start,
            Some(step) => self.ring[self.slot(step)],
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // below its length
    fn slot(&self, step: u64) -> usize {
        (step % self.ring.len() as u64) as usize
    }
}
