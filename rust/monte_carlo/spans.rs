//! Which paths are finished, as few runs of numbers.

/// Runs of numbers `(first, count)`, upward, none touching the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<(u64, u64)>);

impl Spans {
    /// Adds a run that overlaps none of the others.
    pub fn add(&mut self, first: u64, count: u64) {
        if count == 0 {
            return;
        }
        let at = self.0.partition_point(|&(start, _)| start < first);
        self.0.insert(at, (first, count));
        // Counts from 0 never reach 2^64, so no end overflows.
        if at + 1 < self.0.len() && first + count == self.0[at + 1].0 {
            self.0[at].1 += self.0.remove(at + 1).1;
        }
        if at > 0 && self.0[at - 1].0 + self.0[at - 1].1 == first {
            self.0[at - 1].1 += self.0.remove(at).1;
        }
    }

    /// The runs.
    pub fn runs(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// How many numbers.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|&(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_touch_become_one() {
        let mut spans = Spans::default();
        for (first, count) in [(10, 5), (0, 5), (20, 5), (7, 0), (5, 5)] {
            spans.add(first, count);
        }
        assert_eq!(spans.runs(), [(0, 15), (20, 5)]);
        spans.add(15, 5);
        assert_eq!(spans.runs(), [(0, 25)]);
        assert_eq!(spans.count(), 25);
    }
}
