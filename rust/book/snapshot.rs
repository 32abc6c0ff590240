//! A book as bytes, and back: priorities, ids, waiting orders, rules and clock, exactly. Undrawn supply is the caller's.
//!
//! Little-endian: mark and version, rules, prices and clock, the slab's generations and free slots, resting orders in the
//! order in which they trade, waiting orders, terms, and a checksum over all of it.

use std::fmt;

use super::check::is_price;
use super::codes;
use super::fees::Fees;
use super::ladder::{NONE, key, place};
use super::order::OrderKind;
use super::rules::{Band, Notional, Rules, Terms, Trigger};
use super::special::Special;
use super::{OrderBook, Supply};
use crate::ids::{AccountId, OrderId};
use crate::units::{Lots, Rate, Side, Ticks, Time};

const MARK: [u8; 6] = *b"PCBOOK";
const VERSION: u16 = 1;

/// Why bytes are no book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// They do not begin as a snapshot does.
    NotASnapshot,
    /// Written by another version.
    Version(u16),
    /// They end too early, or go on too long.
    Length,
    /// Some byte has changed.
    Checksum,
    /// They contradict themselves; in which part.
    Content(&'static str),
}

impl fmt::Display for SnapshotError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::NotASnapshot => f.write_str("these bytes are no snapshot of a book"),
            SnapshotError::Version(found) => {
                write!(f, "snapshot of version {found}; this library reads {VERSION}")
            }
            SnapshotError::Length => f.write_str("the snapshot is cut off or too long"),
            SnapshotError::Checksum => f.write_str("the snapshot is damaged: its checksum does not hold"),
            SnapshotError::Content(part) => write!(f, "the snapshot contradicts itself: {part}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

const fn wrong(part: &'static str) -> SnapshotError {
    SnapshotError::Content(part)
}

impl<S: Supply> OrderBook<S> {
    /// Everything of the book but undrawn supply.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Writer(Vec::new());
        out.0.extend(MARK);
        out.0.extend(VERSION.to_le_bytes());
        self.write_state(&mut out);
        out.count(self.orders.capacity());
        out.count(self.orders.end() as usize);
        (1..self.orders.capacity()).for_each(|slot| out.u32(self.orders.generation(slot)));
        out.list(self.orders.free_slots(), |out, slot| out.u32(slot));
        for side in Side::BOTH {
            let mut queue = Vec::new();
            self.each_order(side, |slot, price| queue.push((slot, price)));
            out.list(queue, |out, (slot, price)| {
                out.i64(price.0);
                self.write_order(out, slot);
            });
        }
        let specials = self.specials();
        let waits = |special: &&Special| special.terms.trigger.is_some();
        out.list(specials.iter().filter(waits).collect(), |out, special| {
            out.u8(self.side_of(special.id.slot()) as u8);
            self.write_order(out, special.id.slot());
        });
        out.list(specials, |out, special| {
            out.u64(special.seq);
            out.u32(special.id.slot());
            write_terms(out, &special.terms);
            let (kind, price, tif) = codes::order_kind_codes(special.kind);
            out.u8(kind);
            out.i64(price.0);
            out.u8(tif);
        });
        let sum = checksum(&out.0);
        out.u64(sum);
        out.0
    }

    fn write_order(&self, out: &mut Writer, slot: u32) {
        let order = self.orders.at(slot);
        out.u32(slot);
        out.i64(order.qty);
        out.u32(order.owner.0);
    }

    fn write_state(&self, out: &mut Writer) {
        let rare = &self.rare;
        out.u8(codes::self_trade_code(Some(rare.rules.self_trade)));
        out.0.extend(rare.rules.min_notional.0.to_le_bytes());
        out.option(rare.rules.band.map(|band| band.low.0));
        out.option(rare.rules.band.map(|band| band.high.0));
        out.i64(rare.rules.fees.maker.0);
        out.i64(rare.rules.fees.taker.0);
        out.u8(u8::from(rare.halted));
        out.i64(rare.now.0);
        [rare.mark, rare.index, self.last].iter().for_each(|price| out.option(price.map(|price| price.0)));
        out.i64(self.volume);
        out.u64(rare.seq);
    }

    /// The book a snapshot was taken of. It will do what that book would have done, ids included.
    ///
    /// # Errors
    /// [`SnapshotError`], whatever the bytes are.
    pub fn restore(bytes: &[u8], supply: S) -> Result<Self, SnapshotError> {
        let mut input = open(bytes)?;
        let mut book = OrderBook::new(supply);
        book.read_state(&mut input)?;
        book.read_slots(&mut input)?;
        for side in Side::BOTH {
            book.read_queue(&mut input, side)?;
        }
        let waiting = book.read_waiting(&mut input)?;
        book.read_specials(&mut input, waiting)?;
        let [bid, ask] = Side::BOTH.map(|side| book.ladders[side.index()].best());
        if bid != NONE && ask != NONE && key(Side::Sell, super::ladder::price(Side::Buy, bid)) >= ask {
            return Err(wrong("the book is crossed"));
        }
        if !book.orders.is_complete() {
            return Err(wrong("a slot is neither free nor in use"));
        }
        if input.0.is_empty() { Ok(book) } else { Err(SnapshotError::Length) }
    }

    fn read_state(&mut self, input: &mut Reader) -> Result<(), SnapshotError> {
        let self_trade = codes::self_trade(input.u8()?).flatten().ok_or(wrong("rules"))?;
        let min_notional = Notional(i128::from_le_bytes(input.take()?));
        let band = match (input.option()?, input.option()?) {
            (Some(low), Some(high)) => Some(Band { low: Ticks(low), high: Ticks(high) }),
            (None, None) => None,
            _ => return Err(wrong("band")),
        };
        let fees = Fees { maker: Rate(input.i64()?), taker: Rate(input.i64()?) };
        self.set_rules(Rules { self_trade, min_notional, band, fees }).map_err(|_| wrong("band"))?;
        self.set_halted(input.flag()?);
        self.rare.now = Time(input.i64()?);
        self.rare.mark = input.price()?;
        self.rare.index = input.price()?;
        self.last = input.price()?;
        self.volume = input.i64()?;
        self.rare.seq = input.u64()?;
        if self.volume < 0 || self.rare.seq > u64::MAX / 2 {
            return Err(wrong("volume or age"));
        }
        Ok(())
    }

    fn read_slots(&mut self, input: &mut Reader) -> Result<(), SnapshotError> {
        let (capacity, used) = (input.u32()?, input.u32()?);
        if used < 1 || used > capacity || (capacity as usize - 1) > input.0.len() / 4 {
            return Err(wrong("number of slots"));
        }
        for _ in 1..capacity {
            self.orders.restore_slot(input.u32()?);
        }
        self.orders.restore_used(used);
        let mut free = input.list(4)?;
        // The last of the list is the first to be freed.
        let mut slots = Vec::with_capacity(free);
        while free > 0 {
            slots.push(input.u32()?);
            free -= 1;
        }
        let chained = slots.iter().rev().all(|&slot| self.orders.restore_free(slot));
        if chained { Ok(()) } else { Err(wrong("free slots")) }
    }

    fn read_queue(&mut self, input: &mut Reader, side: Side) -> Result<(), SnapshotError> {
        let mut last = 0;
        for _ in 0..input.list(24)? {
            let price = Ticks(input.i64()?);
            if !is_price(price) || key(side, price) < last {
                return Err(wrong("prices out of order"));
            }
            last = key(side, price);
            let slot = self.read_order(input, place(side, last))?;
            let qty = self.orders.at(slot).qty;
            if self.ladders[side.index()].qty_at(last).checked_add(qty).is_none() {
                return Err(wrong("the quantity of a level"));
            }
            let queue = self.ladders[side.index()].open(last);
            self.orders.link_back(queue, slot);
        }
        Ok(())
    }

    fn read_waiting(&mut self, input: &mut Reader) -> Result<usize, SnapshotError> {
        let count = input.list(17)?;
        for _ in 0..count {
            let side = codes::side(input.u8()?).ok_or(wrong("side"))?;
            self.read_order(input, Self::nowhere(side))?;
        }
        Ok(count)
    }

    fn read_order(&mut self, input: &mut Reader, place: u64) -> Result<u32, SnapshotError> {
        let (slot, qty, owner) = (input.u32()?, input.i64()?, AccountId(input.u32()?));
        if qty < 1 || !self.orders.restore_held(slot, place, owner, Lots(qty)) {
            return Err(wrong("an order's slot or quantity"));
        }
        Ok(slot)
    }

    fn read_specials(&mut self, input: &mut Reader, mut waiting: usize) -> Result<(), SnapshotError> {
        let mut next = 0;
        for _ in 0..input.list(12)? {
            let (seq, slot) = (input.u64()?, input.u32()?);
            let terms = read_terms(input)?;
            let (code, price, tif) = (input.u8()?, Ticks(input.i64()?), input.u8()?);
            let kind = codes::order_kind(code, price, tif).ok_or(wrong("kind of order"))?;
            let fits = matches!(kind, OrderKind::Market) || is_price(price);
            let id = self.orders.held_id(slot).ok_or(wrong("terms of no order"))?;
            if seq < next || seq >= self.rare.seq || !fits || self.rare.specials.get(id).is_some() {
                return Err(wrong("terms of an order"));
            }
            next = seq + 1;
            let waits = self.order(id).is_none();
            if waits != terms.trigger.is_some() {
                return Err(wrong("a trigger"));
            }
            waiting -= usize::from(waits);
            self.restore_special(Special { id: OrderId(id.0), terms, kind, seq });
        }
        if waiting == 0 { Ok(()) } else { Err(wrong("an order waits for nothing")) }
    }
}

fn write_terms(out: &mut Writer, terms: &Terms) {
    out.u8(codes::self_trade_code(terms.self_trade));
    out.u8(u8::from(terms.reduce_only));
    out.option(terms.expires.map(|at| at.0));
    out.u8(terms.trigger.map_or(0, |trigger| 1 + trigger.source as u8));
    out.i64(terms.trigger.map_or(0, |trigger| trigger.price.0));
    out.u8(terms.trigger.map_or(0, |trigger| trigger.kind as u8));
}

fn read_terms(input: &mut Reader) -> Result<Terms, SnapshotError> {
    let self_trade = codes::self_trade(input.u8()?).ok_or(wrong("self-trade rule"))?;
    let reduce_only = input.flag()?;
    let expires = input.option()?.map(Time);
    let source = codes::source(input.u8()?).ok_or(wrong("a trigger's source"))?;
    let price = Ticks(input.i64()?);
    let kind = codes::trigger_kind(input.u8()?).ok_or(wrong("a trigger's kind"))?;
    if source.is_some() && !is_price(price) {
        return Err(wrong("a trigger's price"));
    }
    let trigger = source.map(|source| Trigger { source, price, kind });
    Ok(Terms { self_trade, reduce_only, expires, trigger })
}

/// The part between head and checksum.
fn open(bytes: &[u8]) -> Result<Reader<'_>, SnapshotError> {
    let mut input = Reader(bytes);
    if input.take::<6>().ok() != Some(MARK) {
        return Err(SnapshotError::NotASnapshot);
    }
    match u16::from_le_bytes(input.take()?) {
        VERSION => {}
        other => return Err(SnapshotError::Version(other)),
    }
    let body = input.0.len().checked_sub(8).ok_or(SnapshotError::Length)?;
    let (content, sum) = bytes.split_at(8 + body);
    if checksum(content).to_le_bytes() != sum {
        return Err(SnapshotError::Checksum);
    }
    Ok(Reader(&content[8..]))
}

/// Eight bytes at a time: 1 ns for 4 bytes.
fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = (sum.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    sum ^ (sum >> 32)
}

struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }
    fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }
    fn i64(&mut self, value: i64) {
        self.0.extend(value.to_le_bytes());
    }
    fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).expect("a slab has fewer than 2^32 slots"));
    }
    fn option(&mut self, value: Option<i64>) {
        self.u8(u8::from(value.is_some()));
        self.i64(value.unwrap_or(0));
    }
    fn list<T>(&mut self, items: Vec<T>, mut each: impl FnMut(&mut Writer, T)) {
        self.count(items.len());
        items.into_iter().for_each(|item| each(self, item));
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(SnapshotError::Length)?;
        self.0 = rest;
        Ok(*head)
    }
    fn u8(&mut self) -> Result<u8, SnapshotError> {
        self.take::<1>().map(|[byte]| byte)
    }
    fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.take().map(u32::from_le_bytes)
    }
    fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.take().map(u64::from_le_bytes)
    }
    fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.take().map(i64::from_le_bytes)
    }
    fn flag(&mut self) -> Result<bool, SnapshotError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(wrong("a flag")),
        }
    }
    fn option(&mut self) -> Result<Option<i64>, SnapshotError> {
        let there = self.flag()?;
        self.i64().map(|value| there.then_some(value))
    }
    fn price(&mut self) -> Result<Option<Ticks>, SnapshotError> {
        let price = self.option()?.map(Ticks);
        if price.is_none_or(is_price) { Ok(price) } else { Err(wrong("a price")) }
    }
    /// The length of a list whose items have at least so many bytes.
    fn list(&mut self, item: usize) -> Result<usize, SnapshotError> {
        let count = self.u32()? as usize;
        if count > self.0.len() / item { Err(SnapshotError::Length) } else { Ok(count) }
    }
}
