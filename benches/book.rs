//! Nanoseconds an operation of the order book, one thread: criterion's estimate, then minimum and median of all runs.
//!
//! - `calm`: ten million orders: 52 % passive adds within some 60 ticks of a touch that wanders, 42 % cancels, 6 % aggressive
//!   orders, about 2,500 live orders.
//! - `sweeps`: the same mix, passive orders anywhere in 64,000 ticks, aggressive ones of up to 40 lots.
//! - `far`: as `sweeps`, over 4,000,000 ticks, a million orders: most levels lie outside the window (the bad case).
//! - `batch calm`, `batch sweeps`: the same flows as rows, a thousand at a time, fills and rejects written out.
//! - `rules calm`, `rules sweeps`: the same rows in a book that prevents self-trades: the guarded matching.
//! - `cancel`: 2,500 orders around the touch cancelled in random order.
//! - `fill`: one market order through 10,000 orders on 100 levels; an operation is a fill.
//! - `million`: one market order through a million orders on 30,000 ticks: the worst single sweep; an operation is a fill.
//! - `supply`: one market order through 5,000 levels that rest since the start and are drawn on the way; ... a level.

#[path = "common/flow.rs"]
mod flow;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flow::{CALM, FAR, Flow, LIVE, Rng, SWEEPS, replay};
use perpcore::book::batch::{Batch, Output};
use perpcore::book::{Fill, Level, NewOrder, OrderBook, Rules, SelfTrade, Supply};
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks};

const STEPS: usize = 10_000_000;
const BUYER: AccountId = AccountId(9);

/// Times `run` on what `setup` makes anew each time.
fn bench<T>(
    c: &mut Criterion,
    name: &str,
    operations: usize,
    mut setup: impl FnMut() -> T,
    mut run: impl FnMut(&mut T),
) {
    let mut group = c.benchmark_group("book");
    group.throughput(Throughput::Elements(operations as u64)).sample_size(10);
    let mut times: Vec<Duration> = Vec::new();
    group.bench_function(name, |b| {
        b.iter_custom(|count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                let mut subject = setup();
                let start = Instant::now();
                run(&mut subject);
                times.push(start.elapsed());
                total += times[times.len() - 1];
            }
            total
        });
    });
    group.finish();
    times.sort_unstable();
    let Some(&median) = times.get(times.len() / 2) else { return };
    #[allow(clippy::cast_precision_loss)]
    let each = |time: Duration| time.as_secs_f64() * 1e9 / operations as f64;
    println!("book/{name:<14} {:6.1} ns minimum {:6.1} ns median\n", each(times[0]), each(median));
}

fn flows(c: &mut Criterion) {
    for (name, shape, count) in [("calm", CALM, STEPS), ("sweeps", SWEEPS, STEPS), ("far", FAR, STEPS / 10)] {
        let flow = Flow::new(&shape, count);
        let mut fills = Vec::with_capacity(1_024);
        bench(c, name, count, || flow.book(), |book| replay(book, &flow.steps, &mut fills));
        if count == STEPS {
            batches(c, name, &flow);
        }
    }
}

fn batches(c: &mut Criterion, name: &str, flow: &Flow) {
    let (start, rows) = flow.rows();
    let prevented = Rules { self_trade: SelfTrade::CancelOldest, ..Rules::default() };
    let (mut out, mut spare) = (Output::default(), Output::default());
    for (prefix, rules) in [("batch", Rules::default()), ("rules", prevented)] {
        let setup = || {
            let mut book = OrderBook::with_rules((), rules).expect("rules");
            let mut batch = Batch::default();
            batch.reserve(start.len() + rows.len());
            spare.clear();
            batch.apply(&mut book, &start, &(), &mut spare);
            (book, batch)
        };
        let name = format!("{prefix} {name}");
        bench(c, &name, rows.len(), setup, |(book, batch)| {
            for rows in rows.chunks(1_000) {
                out.clear();
                batch.apply(book, rows, &(), &mut out);
                black_box(&out);
            }
        });
    }
}

/// So many orders of one lot, all asks, over so many ticks.
fn asks(count: usize, width: i64) -> (OrderBook, Vec<OrderId>) {
    let (mut book, mut rng, mut fills) = (OrderBook::new(()), Rng(3), Vec::new());
    let mut ids = Vec::with_capacity(count);
    for _ in 0..count {
        let price = Ticks(10_000_000 + rng.below(width));
        let order = NewOrder::limit(AccountId(8), Side::Sell, price, Lots(1));
        ids.extend(book.submit(order, &mut fills).expect("it rests").resting);
    }
    (book, ids)
}

fn cancels(c: &mut Criterion) {
    let setup = || {
        let (book, mut ids) = asks(LIVE, 60);
        let mut rng = Rng(5);
        for at in (1..ids.len()).rev() {
            ids.swap(at, usize::try_from(rng.below(i64::try_from(at + 1).expect("few"))).expect("few"));
        }
        (book, ids)
    };
    bench(c, "cancel", LIVE, setup, |(book, ids)| {
        for &id in ids.iter() {
            let _ = black_box(book.cancel(id));
        }
    });
}

fn sweeps(c: &mut Criterion) {
    for (name, count, width) in [("fill", 10_000, 100), ("million", 1_000_000, 30_000)] {
        let order = NewOrder::market(BUYER, Side::Buy, Lots(i64::MAX));
        let mut fills: Vec<Fill> = Vec::with_capacity(count);
        bench(
            c,
            name,
            count,
            || asks(count, width).0,
            |book| {
                fills.clear();
                let _ = black_box(book.submit(order, &mut fills));
            },
        );
        assert_eq!(fills.len(), count);
    }
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
        Some(Level { price, qty: Lots(2), owner: AccountId::HOLDERS, newest: false })
    }
}

fn supply(c: &mut Criterion) {
    let mut book = OrderBook::new(Stairs(0));
    let mut fills = Vec::new();
    let order = NewOrder::market(BUYER, Side::Buy, Lots(2 * STAIRS));
    let levels = usize::try_from(STAIRS).expect("few");
    bench(
        c,
        "supply",
        levels,
        || (),
        |()| {
            fills.clear();
            book.clear(Stairs(0));
            let _ = black_box(book.submit(order, &mut fills));
        },
    );
}

criterion_group!(benches, flows, cancels, sweeps, supply);
criterion_main!(benches);
