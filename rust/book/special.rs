//! What few orders have and the 32-byte record has no room for: terms, triggers, times. Kept beside the slab, by slot.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use super::order::OrderKind;
use super::rules::{Source, Terms};
use crate::ids::{AccountId, OrderId};
use crate::units::Side;

/// One order with terms. `terms.trigger` is set while it waits.
#[derive(Clone, Copy)]
pub(super) struct Special {
    pub(super) id: OrderId,
    pub(super) terms: Terms,
    /// What enters when it triggers.
    pub(super) kind: OrderKind,
    /// Its age: lower is older.
    pub(super) seq: u64,
}

/// By slot. A row that another order's id stands in is nobody's.
#[derive(Default)]
pub(super) struct Specials {
    rows: Vec<Option<Special>>,
}

impl Specials {
    #[inline]
    pub(super) fn get(&self, id: OrderId) -> Option<&Special> {
        self.rows.get(id.slot() as usize)?.as_ref().filter(|row| row.id == id)
    }

    pub(super) fn put(&mut self, special: Special) {
        let at = special.id.slot() as usize;
        if at >= self.rows.len() {
            // With the slab's own doubling in step, this grows as rarely as the slab does.
            self.rows.resize((at + 1).next_power_of_two(), None);
        }
        self.rows[at] = Some(special);
    }

    pub(super) fn take(&mut self, id: OrderId) -> Option<Special> {
        let row = self.rows.get_mut(id.slot() as usize)?;
        row.take_if(|row| row.id == id)
    }

    /// Rows, of orders that live or are gone.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Special> {
        self.rows.iter().flatten()
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }
}

/// Orders that become due as a key is reached: lowest key first, then oldest. Orders that are gone stay in it until they
/// are met or room is short.
#[derive(Default)]
pub(super) struct Due {
    heap: BinaryHeap<Reverse<(i64, u64, OrderId)>>,
}

impl Due {
    /// One more; `lives` says whether an older entry still stands for an order.
    pub(super) fn push(&mut self, key: i64, seq: u64, id: OrderId, lives: impl Fn(u64, OrderId) -> bool) {
        if self.heap.len() == self.heap.capacity() && !self.heap.is_empty() {
            self.heap.retain(|&Reverse((_, seq, id))| lives(seq, id));
            // Room for as many again, so that cleaning up is rare.
            self.heap.reserve(self.heap.len() + 1);
        }
        self.heap.push(Reverse((key, seq, id)));
    }

    /// The first whose key is at most this, out of the heap; it may be gone from the book.
    pub(super) fn pop(&mut self, reached: i64) -> Option<(i64, u64, OrderId)> {
        let Reverse((key, ..)) = *self.heap.peek()?;
        if key > reached {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }
}

/// The orders that wait for a price: a heap for each source and direction.
#[derive(Default)]
pub(super) struct Triggers {
    heaps: [[Due; 2]; 3],
}

impl Triggers {
    /// The heap of those that wait for this source to rise (or to fall: keys negated).
    pub(super) fn heap(&mut self, source: Source, rises: bool) -> &mut Due {
        &mut self.heaps[source as usize][usize::from(rises)]
    }

    pub(super) fn clear(&mut self) {
        self.heaps.iter_mut().flatten().for_each(Due::clear);
    }
}

/// What accounts traded since the position oracle spoke. The keys are account numbers: one multiplication hashes them.
#[derive(Default)]
pub(super) struct Net {
    traded: HashMap<AccountId, i128, BuildHasherDefault<Spread>>,
}

impl Net {
    pub(super) fn of(&self, owner: AccountId) -> i128 {
        self.traded.get(&owner).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, owner: AccountId, side: Side, qty: i64) {
        *self.traded.entry(owner).or_insert(0) += i128::from(side.sign() * qty);
    }

    pub(super) fn clear(&mut self) {
        self.traded.clear();
    }
}

#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(u32::from(byte)));
    }
    fn write_u32(&mut self, word: u32) {
        self.0 = (self.0 ^ u64::from(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(29);
    }
}
