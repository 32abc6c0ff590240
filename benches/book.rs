//! Nanoseconds an operation of the order book, one thread. Criterion's "elem" is one command (`supply`: one fill).
//!
//! - `calm`: 52 % passive adds within some 60 ticks of a touch that wanders, 42 % cancels, 6 % aggressive orders, about
//!   2,500 live orders.
//! - `sweeps`: the same mix, passive orders anywhere in 64,000 ticks, aggressive ones of up to 40 lots.
//! - `far`: as `sweeps`, over 4,000,000 ticks: most levels lie outside the window (the bad case).
//! - `supply`: one market order through 5,000 levels that rest since the start and are drawn on the way.
//!
//! The flow, ids of the cancels included, is made before the clock runs: ids of a new book depend on nothing but its orders.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use perpcore::book::{Fill, Level, NewOrder, OrderBook, OrderKind, Supply, TimeInForce};
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks};

const LIVE: usize = 2_500;
const COMMANDS: usize = 1_000_000;

#[derive(Clone, Copy)]
enum Command {
    Submit(NewOrder),
    Cancel(OrderId),
}

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((u128::from(z ^ (z >> 31)) * u128::from(n.unsigned_abs())) >> 64).expect("below n")
    }
}

struct Shape {
    /// Passive prices lie up to this far behind the middle.
    width: i64,
    /// Largest passive and aggressive quantity.
    passive: i64,
    aggressive: i64,
    wander: i64,
}

const CALM: Shape = Shape { width: 60, passive: 20, aggressive: 40, wander: 1 };
const SWEEPS: Shape = Shape { width: 32_000, passive: 20, aggressive: 40, wander: 0 };
const FAR: Shape = Shape { width: 2_000_000, ..SWEEPS };

/// A flow and the book it was tried on.
struct Maker {
    rng: Rng,
    book: OrderBook,
    live: Vec<OrderId>,
    fills: Vec<Fill>,
    commands: Vec<Command>,
    middle: i64,
}

impl Maker {
    fn passive(&mut self, shape: &Shape) {
        let side = if self.rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        let offset = 1 + self.rng.below(shape.width);
        let price = Ticks(self.middle - side.sign() * offset);
        let qty = Lots(1 + self.rng.below(shape.passive));
        self.submit(side, qty, OrderKind::Limit { price, tif: TimeInForce::Gtc });
    }

    fn aggressive(&mut self, shape: &Shape) {
        let side = if self.rng.below(2) == 0 { Side::Buy } else { Side::Sell };
        // Keeps the number of live orders where it is.
        let most = if self.live.len() > LIVE { shape.aggressive } else { shape.aggressive / 2 };
        let qty = Lots(1 + self.rng.below(most));
        self.submit(side, qty, OrderKind::Market);
    }

    fn submit(&mut self, side: Side, qty: Lots, kind: OrderKind) {
        let order = NewOrder { owner: AccountId(8), side, qty, kind };
        self.fills.clear();
        let outcome = self.book.submit(order, &mut self.fills).expect("a valid order");
        self.live.extend(outcome.resting);
        self.commands.push(Command::Submit(order));
    }

    fn cancel(&mut self) {
        // Those already filled leave the list when they are met.
        loop {
            let at = usize::try_from(self.rng.below(i64::try_from(self.live.len()).expect("few")))
                .expect("not negative");
            let id = self.live.swap_remove(at);
            if self.book.cancel(id).is_ok() {
                return self.commands.push(Command::Cancel(id));
            }
        }
    }
}

/// Commands that fill an empty book, then the flow.
fn flow(shape: &Shape) -> (Vec<Command>, Vec<Command>) {
    let mut maker = Maker {
        rng: Rng(7),
        book: OrderBook::new(()),
        live: Vec::new(),
        fills: Vec::new(),
        commands: Vec::new(),
        middle: 10_000_000,
    };
    for _ in 0..LIVE {
        maker.passive(shape);
    }
    let start = std::mem::take(&mut maker.commands);
    for number in 0..COMMANDS {
        match maker.rng.below(100) {
            0..52 => maker.passive(shape),
            52..94 if !maker.live.is_empty() => maker.cancel(),
            _ => maker.aggressive(shape),
        }
        if number % 50 == 0 {
            maker.middle += shape.wander * (maker.rng.below(3) - 1);
        }
        if number % 1_000 == 0 {
            maker.live.retain(|&id| maker.book.order(id).is_some());
        }
    }
    maker.live.retain(|&id| maker.book.order(id).is_some());
    assert!(maker.live.len().abs_diff(LIVE) < 400, "{} live orders", maker.live.len());
    let mut book = OrderBook::new(());
    replay(&mut book, &start, &mut Vec::new());
    replay(&mut book, &maker.commands, &mut Vec::new());
    assert_eq!(book.volume(), maker.book.volume(), "a replay is the flow as it was made");
    (start, maker.commands)
}

fn replay(book: &mut OrderBook, commands: &[Command], fills: &mut Vec<Fill>) {
    for command in commands {
        match *command {
            Command::Submit(order) => {
                fills.clear();
                let _ = black_box(book.submit(order, fills));
            }
            Command::Cancel(id) => {
                let _ = black_box(book.cancel(id));
            }
        }
    }
}

fn flows(c: &mut Criterion) {
    let mut group = c.benchmark_group("book");
    group.throughput(Throughput::Elements(COMMANDS as u64)).sample_size(20);
    for (name, shape) in [("calm", CALM), ("sweeps", SWEEPS), ("far", FAR)] {
        let (start, commands) = flow(&shape);
        let mut fills = Vec::with_capacity(1_024);
        group.bench_function(name, |b| {
            let setup = || {
                let mut book = OrderBook::new(());
                replay(&mut book, &start, &mut Vec::new());
                book
            };
            b.iter_batched_ref(setup, |book| replay(book, &commands, &mut fills), BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// Two lots a tick, 5,000 of them.
struct Stairs(i64);

const STAIRS: i64 = 5_000;

impl Supply for Stairs {
    fn next_price(&self, resting: Side) -> Option<Ticks> {
        (resting == Side::Sell && self.0 < STAIRS).then_some(Ticks(1_000 + self.0))
    }
    fn draw(&mut self, resting: Side) -> Option<Level> {
        let price = self.next_price(resting)?;
        self.0 += 1;
        Some(Level { price, qty: Lots(2), owner: AccountId::HOLDERS })
    }
}

fn supply(c: &mut Criterion) {
    let mut group = c.benchmark_group("book");
    group.throughput(Throughput::Elements(STAIRS.unsigned_abs()));
    let mut book = OrderBook::new(Stairs(0));
    let mut fills = Vec::new();
    let order =
        NewOrder { owner: AccountId(8), side: Side::Buy, qty: Lots(2 * STAIRS), kind: OrderKind::Market };
    group.bench_function("supply", |b| {
        b.iter(|| {
            fills.clear();
            book.clear(Stairs(0));
            black_box(book.submit(order, &mut fills))
        });
    });
    group.finish();
}

criterion_group!(benches, flows, supply);
criterion_main!(benches);
