//! Counts what the order book takes from the allocator: nothing for an event after warm-up, little for a million orders.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use perpcore::book::batch::{Batch, NO_REFERENCE, Output, Row, flags, kind};
use perpcore::book::{NewOrder, OrderBook, Rules, SelfTrade};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Side, Ticks};

#[allow(dead_code, reason = "each test uses its part")]
#[path = "common/book/rng.rs"]
mod rng;
use rng::Rng;

struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(held, Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One order or cancel in a hundred of a flow that keeps some 2,500 orders alive.
struct Flow {
    rng: Rng,
    live: Vec<u32>,
    next: u32,
    width: i64,
    special: bool,
    now: i64,
}

impl Flow {
    fn row(&mut self) -> Row {
        let side = u8::try_from(self.rng.below(2)).unwrap();
        let sign = if side == 0 { 1 } else { -1 };
        let owner = u32::try_from(self.rng.range(8, 40)).unwrap();
        let middle = 10_000_000;
        self.now += 1;
        match self.rng.below(100) {
            _ if self.special && self.rng.one_in(10) => self.rare(),
            n if self.live.len() > if n < 52 { 3_000 } else { 2_000 } && n < 94 => {
                let at = usize::try_from(self.rng.below(i64::try_from(self.live.len()).unwrap())).unwrap();
                Row { kind: kind::CANCEL, reference: self.live.swap_remove(at), ..Row::default() }
            }
            94.. => {
                let qty = self.rng.range(1, 40);
                Row { kind: kind::MARKET, side, owner, qty, reference: NO_REFERENCE, ..Row::default() }
            }
            _ => {
                let reference = self.next;
                (self.next, _) = (self.next + 1, self.live.push(reference));
                let price = middle - sign * self.rng.range(1, self.width);
                let mut row =
                    Row { side, owner, reference, price, qty: self.rng.range(1, 20), ..Row::default() };
                if self.special && self.rng.one_in(5) {
                    row.time = self.now + self.rng.range(1, 20_000);
                    row.flags = flags::REDUCE_ONLY * u8::from(self.rng.one_in(3));
                }
                row
            }
        }
    }

    fn rare(&mut self) -> Row {
        let price = 10_000_000 + self.rng.range(-self.width, self.width);
        let reference = self.live.first().copied().unwrap_or(NO_REFERENCE);
        let base = Row { price, qty: 3, owner: 9, reference, ..Row::default() };
        match self.rng.below(4) {
            0 => Row { kind: kind::CLOCK, time: self.now, ..base },
            1 => Row { kind: kind::MARK, ..base },
            2 => Row { kind: kind::REPLACE, ..base },
            _ => {
                let source = u8::try_from(self.rng.range(1, 3)).unwrap() << flags::SOURCE_SHIFT;
                let kind = kind::MARKET;
                Row {
                    kind,
                    reference: NO_REFERENCE,
                    price: 0,
                    trigger: price,
                    flags: source,
                    time: self.now + 9_000,
                    ..base
                }
            }
        }
    }
}

/// Allocator calls in the second half of a flow.
fn calls(width: i64, special: bool) -> usize {
    let rules = Rules {
        self_trade: if special { SelfTrade::CancelOldest } else { SelfTrade::Allow },
        ..Rules::default()
    };
    let mut book = OrderBook::with_rules((), rules).unwrap();
    let (mut batch, mut out) = (Batch::default(), Output::default());
    let mut flow = Flow { rng: Rng(5), live: Vec::new(), next: 0, width, special, now: 1 };
    let rows: Vec<Row> = (0..4_000_000).map(|_| flow.row()).collect();
    batch.reserve(flow.next as usize);
    let position = |owner: AccountId| Lots(if owner.0 % 2 == 0 { 1 << 40 } else { -(1 << 40) });
    // The arrays that take a batch's answers have grown once and for all.
    out.fills.reserve(100_000);
    out.rejects.reserve(1_000);
    out.cancels.reserve(10_000);
    let mut before = 0;
    for (number, rows) in rows.chunks(1_000).enumerate() {
        if number == 3_000 {
            before = CALLS.load(Relaxed);
        }
        out.clear();
        batch.apply(&mut book, rows, &position, &mut out);
    }
    assert!(book.volume().0 > 1_000_000);
    CALLS.load(Relaxed) - before
}

/// One test: the counters are everyone's.
#[test]
fn what_the_book_takes() {
    for (name, width, special) in [
        ("calm", 60, false),
        ("sweeps", 32_000, false),
        ("calm, rules", 60, true),
        ("sweeps, rules", 32_000, true),
    ] {
        assert_eq!(calls(width, special), 0, "{name}: allocations after warm-up");
    }
    a_million_resting_orders(30_000);
    a_million_resting_orders(4_000_000);
}

fn a_million_resting_orders(width: i64) {
    let start = HELD.load(Relaxed);
    PEAK.store(start, Relaxed);
    let (mut book, mut rng) = (OrderBook::new(()), Rng(3));
    let mut fills = Vec::new();
    for owner in 0..1_000_000 {
        let side = if owner % 2 == 0 { Side::Buy } else { Side::Sell };
        let price = Ticks(10_000_000 - side.sign() * rng.range(1, width));
        book.submit(NewOrder::limit(AccountId(owner), side, price, Lots(5)), &mut fills).unwrap();
    }
    let (held, peak) = (HELD.load(Relaxed) - start, PEAK.load(Relaxed) - start);
    println!(
        "a million orders over {width} ticks a side: {} MB, {} MB at most",
        held / 1_000_000,
        peak / 1_000_000
    );
    assert!(peak < 100_000_000, "{peak} bytes");
}
