//! The orders: a slab of 32-byte records, linked into one first-in-first-out queue a level by 32-bit slot numbers.

use crate::ids::{AccountId, OrderId};
use crate::units::Lots;

/// No order. The slab's slot 0 belongs to nobody, so that links can be written without asking whether there is a neighbour.
pub(super) const NIL: u32 = 0;

/// The generation of a slot whose ids are used up: it is never given out again.
const RETIRED: u32 = u32::MAX - 1;

/// One resting order; generation odd. A free slot's generation is even, and `next` chains the free slots.
#[derive(Clone, Copy, Default)]
pub(super) struct Order {
    pub(super) qty: i64,
    /// Side and key of its level, see [`place`](super::ladder::place).
    pub(super) place: u64,
    prev: u32,
    next: u32,
    generation: u32,
    pub(super) owner: AccountId,
}

/// The orders of one level, oldest first.
#[derive(Clone, Copy, Default)]
pub(super) struct Queue {
    pub(super) qty: i64,
    head: u32,
    tail: u32,
}

const _: () = assert!(size_of::<Order>() == 32 && size_of::<Queue>() == 16);

impl Queue {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head == NIL
    }

    #[inline]
    pub(super) fn head(&self) -> u32 {
        self.head
    }
}

/// All resting orders of a book.
pub(super) struct Orders {
    slots: Vec<Order>,
    /// Slots given out since the last clear lie below.
    used: u32,
    free: u32,
}

impl Orders {
    pub(super) fn new() -> Orders {
        Orders { slots: vec![Order::default()], used: 1, free: NIL }
    }

    /// Whether one more order can have an id.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.free != NIL || self.used < u32::MAX
    }

    #[inline]
    pub(super) fn at(&self, slot: u32) -> &Order {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.slots[slot as usize]
    }

    /// The slot of a resting order.
    #[inline]
    pub(super) fn find(&self, id: OrderId) -> Option<u32> {
        let order = self.slots.get(id.slot() as usize)?;
        // A free slot's generation is even, and no id that was ever given out is.
        (order.generation == id.generation() && order.generation & 1 == 1).then_some(id.slot())
    }

    #[inline]
    pub(super) fn id(&self, slot: u32) -> OrderId {
        OrderId::new(slot, self.at(slot).generation)
    }

    /// A new order at the end of a queue.
    #[inline]
    pub(super) fn push_back(&mut self, queue: &mut Queue, place: u64, owner: AccountId, qty: i64) -> OrderId {
        let slot = self.take_slot();
        let prev = queue.tail;
        self.at_mut(prev).next = slot;
        let order = self.at_mut(slot);
        *order = Order { qty, place, prev, next: NIL, generation: order.generation + 1, owner };
        let id = OrderId::new(slot, order.generation);
        queue.tail = slot;
        queue.head = if prev == NIL { slot } else { queue.head };
        queue.qty += qty;
        id
    }

    /// A new order in no queue: it waits, or is about to match.
    pub(super) fn hold(&mut self, place: u64, owner: AccountId, qty: i64) -> u32 {
        let slot = self.take_slot();
        let order = self.at_mut(slot);
        *order = Order { qty, place, prev: NIL, next: NIL, generation: order.generation + 1, owner };
        slot
    }

    /// Puts an order that is in no queue at the end of one.
    pub(super) fn link_back(&mut self, queue: &mut Queue, slot: u32) {
        let prev = queue.tail;
        self.at_mut(prev).next = slot;
        let order = self.at_mut(slot);
        (order.prev, order.next) = (prev, NIL);
        queue.tail = slot;
        queue.head = if prev == NIL { slot } else { queue.head };
        queue.qty += self.at(slot).qty;
    }

    /// A new order at the front of a queue: one that was there before all others.
    pub(super) fn push_front(&mut self, queue: &mut Queue, place: u64, owner: AccountId, qty: i64) {
        let slot = self.take_slot();
        let next = queue.head;
        self.at_mut(next).prev = slot;
        let order = self.at_mut(slot);
        *order = Order { qty, place, prev: NIL, next, generation: order.generation + 1, owner };
        queue.head = slot;
        queue.tail = if next == NIL { slot } else { queue.tail };
        queue.qty += qty;
    }

    /// Takes an order out of its queue and frees its slot; the quantity it had.
    #[inline]
    pub(super) fn remove(&mut self, queue: &mut Queue, slot: u32) -> i64 {
        let qty = self.unlink(queue, slot);
        self.release(slot);
        qty
    }

    /// Takes an order out of its queue; it keeps slot and id.
    #[inline]
    pub(super) fn unlink(&mut self, queue: &mut Queue, slot: u32) -> i64 {
        let Order { qty, prev, next, .. } = *self.at(slot);
        self.at_mut(prev).next = next;
        self.at_mut(next).prev = prev;
        queue.head = if prev == NIL { next } else { queue.head };
        queue.tail = if next == NIL { prev } else { queue.tail };
        queue.qty -= qty;
        qty
    }

    /// The order behind this one, or [`NIL`].
    #[inline]
    pub(super) fn next(&self, slot: u32) -> u32 {
        self.at(slot).next
    }

    /// The order before this one, or [`NIL`].
    pub(super) fn prev(&self, slot: u32) -> u32 {
        self.at(slot).prev
    }

    /// Frees the slot at the head of a queue, used up, and gives the next; [`set_head`](Orders::set_head) must follow.
    #[inline]
    pub(super) fn pop(&mut self, head: u32) -> u32 {
        let next = self.at(head).next;
        self.release(head);
        next
    }

    /// Makes this order the first of its queue, with all before it gone.
    #[inline]
    pub(super) fn set_head(&mut self, queue: &mut Queue, slot: u32) {
        queue.head = slot;
        self.at_mut(slot).prev = NIL;
    }

    /// One past the last slot that may hold an order.
    pub(super) fn end(&self) -> u32 {
        self.used
    }

    #[inline]
    pub(super) fn is_live(&self, slot: u32) -> bool {
        self.at(slot).generation & 1 == 1
    }

    /// Frees every slot, at the cost of those used; ids given out so far stay unknown.
    pub(super) fn clear(&mut self) {
        for order in &mut self.slots[1..self.used as usize] {
            order.generation += order.generation & 1;
        }
        self.used = 1;
        self.free = NIL;
    }

    #[inline]
    fn take_slot(&mut self) -> u32 {
        let slot = self.free;
        if slot == NIL {
            return self.unused_slot();
        }
        self.free = self.at(slot).next;
        slot
    }

    fn unused_slot(&mut self) -> u32 {
        loop {
            let slot = self.used;
            if slot as usize == self.slots.len() {
                self.slots.push(Order::default());
            }
            self.used = slot.checked_add(1).expect("fewer orders than a slab can name");
            if self.at(slot).generation != RETIRED {
                return slot;
            }
        }
    }

    /// Frees a slot that is in no queue.
    #[inline]
    pub(super) fn release(&mut self, slot: u32) {
        let free = self.free;
        let order = self.at_mut(slot);
        order.generation += 1;
        if order.generation != RETIRED {
            order.next = free;
            self.free = slot;
        }
    }
}

/// What a snapshot needs.
impl Orders {
    /// Slots there are, used or not, the first one that is nobody's among them.
    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn generation(&self, slot: usize) -> u32 {
        self.slots[slot].generation
    }

    /// In the order in which they will be given out.
    pub(super) fn free_slots(&self) -> Vec<u32> {
        let first = (self.free != NIL).then_some(self.free);
        let next = |&slot: &u32| Some(self.at(slot).next).filter(|&next| next != NIL);
        std::iter::successors(first, next).collect()
    }

    pub(super) fn held_id(&self, slot: u32) -> Option<OrderId> {
        let order = self.slots.get(slot as usize)?;
        (order.generation & 1 == 1 && order.qty > 0).then(|| self.id(slot))
    }

    /// One more slot at the end.
    pub(super) fn restore_slot(&mut self, generation: u32) {
        self.slots.push(Order { generation, ..Order::default() });
    }

    pub(super) fn restore_used(&mut self, used: u32) {
        self.used = used;
    }

    /// The next slot to be given out; false if it cannot be.
    pub(super) fn restore_free(&mut self, slot: u32) -> bool {
        let (used, free) = (self.used, self.free);
        let fits = slot != NIL && slot < used && slot != free;
        match self.slots.get_mut(slot as usize).filter(|_| fits) {
            // A slot that is chained already has a mark.
            Some(order) if order.generation & 1 == 0 && order.generation != RETIRED && order.place == 0 => {
                (order.next, order.place) = (free, 1);
                self.free = slot;
                true
            }
            _ => false,
        }
    }

    /// An order in its slot, in no queue yet; false if the slot is not in use or was named before.
    pub(super) fn restore_held(&mut self, slot: u32, place: u64, owner: AccountId, qty: Lots) -> bool {
        let used = self.used;
        match self.slots.get_mut(slot as usize).filter(|_| slot < used) {
            Some(order) if order.generation & 1 == 1 && order.generation < RETIRED && order.qty == 0 => {
                (order.place, order.owner, order.qty) = (place, owner, qty.0);
                true
            }
            _ => false,
        }
    }

    /// Whether each slot below `used` is chained as free, retired, or holds an order, and none above holds one.
    pub(super) fn is_complete(&self) -> bool {
        self.slots.iter().enumerate().skip(1).all(|(slot, order)| match order.generation & 1 {
            1 => order.qty > 0 && slot < self.used as usize,
            _ => slot >= self.used as usize || order.place == 1 || order.generation == RETIRED,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_whose_generations_are_used_up_is_retired() {
        let mut orders = Orders::new();
        let mut queue = Queue::default();
        let first = orders.push_back(&mut queue, 0, AccountId(9), 1);
        orders.slots[1].generation = RETIRED - 1;
        orders.remove(&mut queue, first.slot());
        for _ in 0..2 {
            let next = orders.push_back(&mut queue, 0, AccountId(9), 1);
            assert_eq!(next.slot(), 2);
            assert!(orders.find(OrderId::new(1, RETIRED)).is_none());
            queue = Queue::default();
            orders.clear();
        }
    }

    #[test]
    fn an_id_never_given_out_names_nothing() {
        let mut orders = Orders::new();
        let mut queue = Queue::default();
        let id = orders.push_back(&mut queue, 0, AccountId(9), 1);
        orders.remove(&mut queue, id.slot());
        for generation in 0..4 {
            for slot in 0..4 {
                assert!(orders.find(OrderId::new(slot, generation)).is_none());
            }
        }
    }
}
