//! The orders: a slab of 32-byte records, linked into one first-in-first-out queue a level by 32-bit slot numbers.

use crate::ids::{AccountId, OrderId};

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
        let Order { qty, prev, next, .. } = *self.at(slot);
        self.at_mut(prev).next = next;
        self.at_mut(next).prev = prev;
        queue.head = if prev == NIL { next } else { queue.head };
        queue.tail = if next == NIL { prev } else { queue.tail };
        queue.qty -= qty;
        self.release(slot);
        qty
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

    #[inline]
    fn release(&mut self, slot: u32) {
        let free = self.free;
        let order = self.at_mut(slot);
        order.generation += 1;
        if order.generation != RETIRED {
            order.next = free;
            self.free = slot;
        }
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
