//! Questions to a book. Those that take `&mut self` draw the supply they have to look at.

use super::OrderBook;
use super::ladder::{NONE, key, price, unplace};
use super::matching::ANY;
use super::order::RestingOrder;
use super::queue::NIL;
use super::rare::NOWHERE;
use super::rules::{Notional, Terms};
use super::special::Special;
use super::supply::Supply;
use crate::ids::OrderId;
use crate::units::{Lots, Side, Ticks};

/// What an order would take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Lots it would get.
    pub qty: Lots,
    /// Price x quantity of them.
    pub notional: Notional,
    /// The last price it would reach, if it gets anything.
    pub worst: Option<Ticks>,
}

impl Taken {
    /// The volume-weighted price, in ticks.
    #[allow(clippy::cast_precision_loss)]
    pub fn mean(&self) -> Option<f64> {
        (self.qty.0 > 0).then(|| self.notional.0 as f64 / self.qty.0 as f64)
    }

    fn add(&mut self, price: Ticks, qty: Lots) {
        self.qty.0 += qty.0;
        self.notional.0 = self.notional.0.saturating_add(Notional::of(price, qty).0);
        self.worst = Some(price);
    }
}

/// What trades before an order at its own price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueuePlace {
    /// Lots ahead of it.
    pub lots: Lots,
    /// Orders ahead of it.
    pub orders: usize,
}

impl<S: Supply> OrderBook<S> {
    /// Appends price and quantity of a side's best levels.
    pub fn depth(&mut self, resting: Side, levels: usize, out: &mut Vec<(Ticks, Lots)>) {
        let mut at = 0;
        for _ in 0..levels {
            let Some(level) = self.level_after(resting, &mut at) else { return };
            out.push(level);
        }
    }

    /// Appends a side's best levels, as many as it takes to hold this notional; false if the side holds less.
    pub fn depth_to(&mut self, resting: Side, notional: Notional, out: &mut Vec<(Ticks, Lots)>) -> bool {
        let (mut at, mut held) = (0, 0_i128);
        while held < notional.0 {
            let Some((price, qty)) = self.level_after(resting, &mut at) else { return false };
            held = held.saturating_add(Notional::of(price, qty).0);
            out.push((price, qty));
        }
        true
    }

    /// Lots of a side as far as `limit`.
    pub fn lots_to(&mut self, resting: Side, limit: Ticks) -> Lots {
        let limit = key(resting, limit.clamp(Ticks(1), super::MAX_PRICE));
        let (mut at, mut lots) = (0, 0_i64);
        while let Some((_, qty)) = self.level_after(resting, &mut at).filter(|_| at <= limit) {
            lots = lots.saturating_add(qty.0);
        }
        Lots(lots)
    }

    /// What an order for so many lots would take from this side, down to `limit`. (Of orders that trade freely: reduce-only
    /// makers and self-trade prevention are not looked at.)
    pub fn quote(&mut self, resting: Side, qty: Lots, limit: Option<Ticks>) -> Taken {
        let limit = limit.map_or(ANY, |limit| key(resting, limit.clamp(Ticks(1), super::MAX_PRICE)));
        let (mut at, mut taken) = (0, Taken::default());
        while taken.qty < qty {
            let Some((price, there)) = self.level_after(resting, &mut at).filter(|_| at <= limit) else {
                break;
            };
            taken.add(price, there.min(Lots(qty.0 - taken.qty.0)));
        }
        taken
    }

    /// What it takes to trade at least this notional against this side: whole levels, then the fewest lots of the next.
    /// [`Taken::mean`] is the impact price. `None` if the side holds less.
    pub fn impact(&mut self, resting: Side, notional: Notional) -> Option<Taken> {
        let (mut at, mut taken) = (0, Taken::default());
        while taken.notional < notional {
            let (price, there) = self.level_after(resting, &mut at)?;
            let missing = notional.0 - taken.notional.0;
            let lots = (missing - 1) / i128::from(price.0) + 1;
            let fits = i64::try_from(lots).map_or(there, |lots| there.min(Lots(lots)));
            taken.qty.0.checked_add(fits.0)?;
            taken.add(price, fits);
        }
        Some(taken)
    }

    /// Where an order stands in its queue. Costs a look at each order ahead.
    pub fn queue_place(&mut self, id: OrderId) -> Option<QueuePlace> {
        let slot = self.orders.find(id)?;
        let (side, at) = unplace(self.orders.at(slot).place);
        if at == NOWHERE {
            return None;
        }
        self.draw_until(side, at);
        let (mut ahead, mut place) = (self.orders.prev(slot), QueuePlace::default());
        while ahead != NIL {
            place.lots.0 += self.orders.at(ahead).qty;
            place.orders += 1;
            ahead = self.orders.prev(ahead);
        }
        Some(place)
    }

    /// Draws the supply of a side down to this price: what is posted there stands before orders that come now.
    pub fn draw_to(&mut self, resting: Side, price: Ticks) {
        self.draw_until(resting, key(resting, price));
    }

    fn draw_until(&mut self, resting: Side, at: u64) {
        while self.undrawn(resting) <= at {
            let level = self.draw(resting);
            self.insert(resting, level);
        }
    }

    /// Appends the resting orders of a side, best price first, then oldest; undrawn supply is left out.
    pub fn orders(&self, resting: Side, out: &mut Vec<(OrderId, RestingOrder)>) {
        self.each_order(resting, |slot, price| {
            let order = self.orders.at(slot);
            let (remaining, owner) = (Lots(order.qty), order.owner);
            out.push((self.orders.id(slot), RestingOrder { price, remaining, owner, side: resting }));
        });
    }

    /// Calls with slot and price of each resting order of a side, in the order in which they trade.
    pub(super) fn each_order(&self, resting: Side, mut each: impl FnMut(u32, Ticks)) {
        let ladder = &self.ladders[resting.index()];
        let mut at = ladder.best();
        while at != NONE {
            let mut slot = ladder.queue(at).head();
            while slot != NIL {
                each(slot, price(resting, at));
                slot = self.orders.next(slot);
            }
            at = ladder.after(at);
        }
    }

    /// The orders that have terms, oldest first.
    pub(super) fn specials(&self) -> Vec<Special> {
        let live = |special: &&Special| self.orders.find(special.id).is_some();
        let mut found: Vec<Special> = self.rare.specials.iter().filter(live).copied().collect();
        found.sort_unstable_by_key(|special| special.seq);
        found
    }

    /// A number that is the same for books that will do the same, whatever way they came to be: of prices, queues, terms,
    /// waiting orders, rules and clock, not of ids. Some 5 ns an order. Of undrawn supply it knows the next prices only.
    pub fn state_hash(&self) -> u64 {
        let mut hash = Hash(0x243f_6a88_85a3_08d3);
        let rare = &self.rare;
        for price in [self.last, rare.mark, rare.index] {
            hash.add(price.map_or(0, |price| price.0));
        }
        hash.add(self.volume);
        hash.add(rare.now.0);
        hash.add(i64::from(rare.halted));
        hash.value(&rare.rules.self_trade);
        hash.value(&rare.rules.band);
        hash.value(&rare.rules.min_notional);
        for side in Side::BOTH {
            hash.add(self.supply.next_price(side).map_or(0, |price| price.0));
            self.each_order(side, |slot, price| {
                let order = self.orders.at(slot);
                hash.add(price.0);
                hash.add(order.qty);
                hash.add(i64::from(order.owner.0));
            });
            hash.add(-1);
        }
        for special in self.specials() {
            let order = self.orders.at(special.id.slot());
            let Terms { trigger, .. } = special.terms;
            hash.add(i64::from(order.owner.0));
            hash.add(order.qty);
            hash.word(order.place);
            hash.value(&special.terms);
            if trigger.is_some() {
                hash.value(&special.kind);
            }
        }
        hash.0
    }

    /// The next level after the key `at`, drawn if it was supply; `at` becomes its key.
    fn level_after(&mut self, resting: Side, at: &mut u64) -> Option<(Ticks, Lots)> {
        *at = self.drawn_after(resting, *at);
        (*at != NONE).then(|| (price(resting, *at), Lots(self.ladders[resting.index()].queue(*at).qty)))
    }
}

/// The same from run to run and release to release, unlike the standard library's.
struct Hash(u64);

impl Hash {
    fn add(&mut self, word: i64) {
        self.word(u64::from_le_bytes(word.to_le_bytes()));
    }

    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn value(&mut self, value: &impl std::hash::Hash) {
        value.hash(self);
    }
}

impl std::hash::Hasher for Hash {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.add(i64::from(byte)));
    }
    fn write_isize(&mut self, word: isize) {
        self.add(word as i64);
    }
}
