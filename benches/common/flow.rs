//! The flow of orders the benchmarks share. Made before any clock runs, ids of the cancels included: ids of a new book depend
//! on nothing but its orders.

use std::hint::black_box;

use perpcore::book::batch::{NO_REFERENCE, Row, kind};
use perpcore::book::{Fill, NewOrder, OrderBook, OrderKind};
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks};

/// Orders alive, about.
pub const LIVE: usize = 2_500;

#[derive(Clone, Copy)]
pub enum Step {
    Submit(NewOrder),
    /// With the number under which the order was added.
    Cancel(OrderId, u32),
}

pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((u128::from(z ^ (z >> 31)) * u128::from(n.unsigned_abs())) >> 64).expect("below n")
    }

    pub fn side(&mut self) -> Side {
        if self.below(2) == 0 { Side::Buy } else { Side::Sell }
    }
}

#[derive(Clone, Copy)]
pub struct Shape {
    /// Passive prices lie up to this far behind the middle.
    width: i64,
    /// Largest passive and aggressive quantity.
    passive: i64,
    aggressive: i64,
    wander: i64,
}

pub const CALM: Shape = Shape { width: 60, passive: 20, aggressive: 40, wander: 1 };
pub const SWEEPS: Shape = Shape { width: 32_000, passive: 20, aggressive: 40, wander: 0 };
pub const FAR: Shape = Shape { width: 2_000_000, ..SWEEPS };

/// Steps that fill an empty book, then the flow.
pub struct Flow {
    pub start: Vec<Step>,
    pub steps: Vec<Step>,
}

/// A flow in the making, and the book it is tried on.
struct Maker {
    rng: Rng,
    book: OrderBook,
    live: Vec<(OrderId, u32)>,
    fills: Vec<Fill>,
    steps: Vec<Step>,
    next: u32,
    middle: i64,
}

impl Maker {
    fn passive(&mut self, shape: &Shape) {
        let side = self.rng.side();
        let price = Ticks(self.middle - side.sign() * (1 + self.rng.below(shape.width)));
        let qty = Lots(1 + self.rng.below(shape.passive));
        self.submit(NewOrder::limit(self.owner(), side, price, qty));
    }

    fn aggressive(&mut self, shape: &Shape) {
        let side = self.rng.side();
        // Keeps the number of live orders where it is.
        let most = if self.live.len() > LIVE { shape.aggressive } else { shape.aggressive / 2 };
        let qty = Lots(1 + self.rng.below(most));
        self.submit(NewOrder::market(self.owner(), side, qty));
    }

    /// A thousand of them, so that hardly anyone meets himself.
    fn owner(&self) -> AccountId {
        AccountId(8 + self.next % 1_000)
    }

    fn submit(&mut self, order: NewOrder) {
        self.fills.clear();
        let outcome = self.book.submit(order, &mut self.fills).expect("a valid order");
        self.live.extend(outcome.resting.map(|id| (id, self.next)));
        self.next += u32::from(matches!(order.kind, OrderKind::Limit { .. }));
        self.steps.push(Step::Submit(order));
    }

    fn cancel(&mut self) {
        // Those already filled leave the list when they are met.
        loop {
            let at = usize::try_from(self.rng.below(i64::try_from(self.live.len()).expect("few")))
                .expect("not negative");
            let (id, number) = self.live.swap_remove(at);
            if self.book.cancel(id).is_ok() {
                return self.steps.push(Step::Cancel(id, number));
            }
        }
    }

    fn prune(&mut self) {
        let book = &self.book;
        self.live.retain(|&(id, _)| book.order(id).is_some());
    }
}

impl Flow {
    pub fn new(shape: &Shape, count: usize) -> Flow {
        let mut maker = Maker {
            rng: Rng(7),
            book: OrderBook::new(()),
            live: Vec::new(),
            fills: Vec::new(),
            steps: Vec::with_capacity(count),
            next: 0,
            middle: 10_000_000,
        };
        for _ in 0..LIVE {
            maker.passive(shape);
        }
        let start = maker.steps.clone();
        maker.steps.clear();
        for number in 0..count {
            match maker.rng.below(100) {
                0..52 => maker.passive(shape),
                52..94 if !maker.live.is_empty() => maker.cancel(),
                _ => maker.aggressive(shape),
            }
            if number % 50 == 0 {
                maker.middle += shape.wander * (maker.rng.below(3) - 1);
            }
            if number % 1_000 == 0 {
                maker.prune();
            }
        }
        maker.prune();
        assert!(maker.live.len().abs_diff(LIVE) < 400, "{} live orders", maker.live.len());
        let flow = Flow { start, steps: maker.steps };
        let mut book = flow.book();
        replay(&mut book, &flow.steps, &mut Vec::new());
        assert_eq!(book.volume(), maker.book.volume(), "a replay is the flow as it was made");
        flow
    }

    /// A book at the start of the flow.
    pub fn book(&self) -> OrderBook {
        let mut book = OrderBook::new(());
        replay(&mut book, &self.start, &mut Vec::new());
        book
    }

    /// Start and flow as rows of a batch.
    pub fn rows(&self) -> (Vec<Row>, Vec<Row>) {
        let mut next = 0;
        let mut rows = |steps: &[Step]| steps.iter().map(|step| row(step, &mut next)).collect();
        (rows(&self.start), rows(&self.steps))
    }
}

fn row(step: &Step, next: &mut u32) -> Row {
    match *step {
        Step::Cancel(_, reference) => Row { kind: kind::CANCEL, reference, ..Row::default() },
        Step::Submit(NewOrder { owner, side, qty, kind }) => {
            let base = Row { side: side as u8, owner: owner.0, qty: qty.0, ..Row::default() };
            match kind {
                OrderKind::Limit { price, .. } => {
                    *next += 1;
                    Row { price: price.0, reference: *next - 1, ..base }
                }
                _ => Row { kind: kind::MARKET, reference: NO_REFERENCE, ..base },
            }
        }
    }
}

pub fn replay(book: &mut OrderBook, steps: &[Step], fills: &mut Vec<Fill>) {
    for step in steps {
        match *step {
            Step::Submit(order) => {
                fills.clear();
                let _ = black_box(book.submit(order, fills));
            }
            Step::Cancel(id, _) => {
                let _ = black_box(book.cancel(id));
            }
        }
    }
}
