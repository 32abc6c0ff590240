//! Which ticks of the window hold a level: three layers of words, each bit of one saying that a word below is not zero.

/// Ticks in a window: 1 MB of queues a side. A fourth of it costs three times as much on the bench `sweeps`, four times as
/// much memory a third more on `calm` (cache misses).
pub(super) const WINDOW: usize = 1 << 16;

const WORDS: usize = WINDOW / 64;
const GROUPS: usize = WORDS / 64;
const _: () = assert!(GROUPS >= 1 && GROUPS <= 64);

pub(super) struct Bitmap {
    top: u64,
    groups: [u64; GROUPS],
    words: Box<[u64; WORDS]>,
}

impl Bitmap {
    pub(super) fn new() -> Bitmap {
        Bitmap { top: 0, groups: [0; GROUPS], words: Box::new([0; WORDS]) }
    }

    pub(super) fn has(&self, at: usize) -> bool {
        self.words[at >> 6] & (1 << (at & 63)) != 0
    }

    /// Sets a bit; true if it was clear.
    #[inline]
    pub(super) fn set(&mut self, at: usize) -> bool {
        let word = &mut self.words[at >> 6];
        let before = *word;
        *word |= 1 << (at & 63);
        if before == 0 {
            self.groups[at >> 12] |= 1 << ((at >> 6) & 63);
            self.top |= 1 << (at >> 12);
        }
        before & (1 << (at & 63)) == 0
    }

    #[inline]
    pub(super) fn unset(&mut self, at: usize) {
        let word = &mut self.words[at >> 6];
        *word &= !(1 << (at & 63));
        if *word == 0 {
            let group = &mut self.groups[at >> 12];
            *group &= !(1 << ((at >> 6) & 63));
            if *group == 0 {
                self.top &= !(1 << (at >> 12));
            }
        }
    }

    /// The first set bit at or after this one.
    #[inline]
    pub(super) fn first_from(&self, at: usize) -> Option<usize> {
        let word = self.words.get(at >> 6)? & (u64::MAX << (at & 63));
        if word != 0 {
            return Some((at & !63) | lowest(word));
        }
        let next = self.word_after(at >> 6)?;
        Some((next << 6) | lowest(self.words[next]))
    }

    /// The first word after this one that is not zero.
    #[inline]
    fn word_after(&self, word: usize) -> Option<usize> {
        let group = self.groups[word >> 6] & beyond(word & 63);
        if group != 0 {
            return Some((word & !63) | lowest(group));
        }
        let top = self.top & beyond(word >> 6);
        if top == 0 {
            return None;
        }
        let next = lowest(top);
        Some((next << 6) | lowest(self.groups[next]))
    }

    /// Clears all of it, at the cost of the words that are not zero.
    pub(super) fn clear(&mut self) {
        while self.top != 0 {
            let group = lowest(self.top);
            while self.groups[group] != 0 {
                self.words[(group << 6) | lowest(self.groups[group])] = 0;
                self.groups[group] &= self.groups[group] - 1;
            }
            self.top &= self.top - 1;
        }
    }
}

/// All bits above this one.
#[inline]
const fn beyond(bit: usize) -> u64 {
    (u64::MAX << bit) << 1
}

/// The lowest set bit of a word that is not zero.
#[inline]
const fn lowest(word: u64) -> usize {
    word.trailing_zeros() as usize
}
