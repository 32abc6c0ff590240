//! Batches against the naive book, row by row; garbage in every field; references.

#[path = "common/book/mod.rs"]
mod common;

use std::collections::HashSet;

use common::flow::{CALM, Flow, Queued, Seed, Shape};
use common::rng::Rng;
use common::{Ask, Told, Why};
use perpcore::book::batch::{Batch, CancelRow, FillRow, NO_REFERENCE, Output, RejectRow, Row, flags, kind};
use perpcore::book::{NewOrder, Notional, OrderBook, OrderKind, Rules, Terms, TriggerKind};
use perpcore::error::Reject;
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Side, Ticks};

fn add_row(tag: u64, order: NewOrder, terms: Terms) -> Row {
    let (kind, price, tif) = match order.kind {
        OrderKind::Market => (kind::MARKET, 0, 0),
        OrderKind::Protected { price } => (kind::MARKET, price.0, 0),
        OrderKind::Limit { price, tif } => (kind::LIMIT, price.0, tif as u8),
    };
    let source = terms.trigger.map_or(0, |trigger| 1 + trigger.source as u8);
    let takes_profit = terms.trigger.is_some_and(|t| t.kind == TriggerKind::TakeProfit);
    let self_trade = terms.self_trade.map_or(0, |rule| 1 + rule as u8);
    Row {
        kind,
        side: order.side as u8,
        tif,
        flags: u8::from(terms.reduce_only) * flags::REDUCE_ONLY
            | source << flags::SOURCE_SHIFT
            | u8::from(takes_profit) * flags::TAKE_PROFIT
            | self_trade << flags::SELF_TRADE_SHIFT,
        owner: order.owner.0,
        reference: u32::try_from(tag).unwrap(),
        price,
        qty: order.qty.0,
        trigger: terms.trigger.map_or(0, |trigger| trigger.price.0),
        time: terms.expires.map_or(0, |at| at.0),
        pad: 0xdead_beef,
    }
}

fn row(tag: u64, ask: Ask) -> Row {
    let of = |kind, tag: u64| Row { kind, reference: u32::try_from(tag).unwrap(), ..Row::default() };
    match ask {
        Ask::Add(order, terms) => add_row(tag, order, terms),
        Ask::Cancel(tag) => of(kind::CANCEL, tag),
        Ask::Reduce(tag, qty) => Row { qty, ..of(kind::REDUCE, tag) },
        Ask::Replace(tag, price, qty, tif) => Row { price, qty, tif: tif as u8, ..of(kind::REPLACE, tag) },
        Ask::Owner(owner) => Row { owner, ..of(kind::CANCEL_OWNER, 0) },
        Ask::Clock(time) => Row { time, ..of(kind::CLOCK, 0) },
        Ask::Mark(price) => Row { price, ..of(kind::MARK, 0) },
        Ask::Index(price) => Row { price, ..of(kind::INDEX, 0) },
        Ask::Band(band) => {
            let (price, trigger) = band.unwrap_or_default();
            Row { price, trigger, ..of(kind::BAND, 0) }
        }
        Ask::Halt => of(kind::HALT, 0),
        Ask::Resume => of(kind::RESUME, 0),
    }
}

/// What the naive book says, as the batch would put it.
fn expect(naive: Result<Vec<Told>, Reject>, event: u64, ask: Ask, out: &mut Output) {
    let told = match naive {
        Ok(told) => told,
        Err(reject) => return out.rejects.push(RejectRow { event, reason: reject.code(), pad: [0; 7] }),
    };
    let from = out.cancels.len();
    for told in told {
        match told {
            Told::Filled { taker, owner, maker, maker_owner, price, qty, .. } => out.fills.push(FillRow {
                event,
                price,
                qty,
                maker_reference: u32::try_from(maker).unwrap(),
                maker_owner,
                taker_reference: u32::try_from(taker).unwrap(),
                taker_owner: owner,
                taker_side: 0,
                pad: [0; 7],
            }),
            Told::Cancelled { tag, owner, qty, left, why } if why != Why::Asked => {
                let reference = u32::try_from(tag).unwrap();
                out.cancels.push(CancelRow {
                    event,
                    qty,
                    left,
                    reference,
                    owner,
                    reason: code(why),
                    pad: [0; 7],
                });
            }
            _ => {}
        }
    }
    if matches!(ask, Ask::Owner(_)) {
        out.cancels[from..].sort_unstable_by_key(|row| row.reference);
    }
}

fn code(why: Why) -> u8 {
    match why {
        Why::Asked => 0,
        Why::Owner => 1,
        Why::Unfilled => 2,
        Why::Killed => 3,
        Why::SelfTrade => 4,
        Why::ReduceOnly => 5,
        Why::Expired => 6,
        Why::Refused(reject) => 64 + reject,
    }
}

/// Rows of one mass cancel come in the slab's order. The taker's side the naive book does not tell; were it wrong, reduce-only
/// orders would be trimmed wrongly.
fn normal(out: &mut Output, rows: &[Row]) {
    out.fills.iter_mut().for_each(|fill| fill.taker_side = 0);
    for owners in out.cancels.chunk_by_mut(|a, b| a.event == b.event) {
        if rows[usize::try_from(owners[0].event).unwrap()].kind == kind::CANCEL_OWNER {
            owners.sort_unstable_by_key(|row| row.reference);
        }
    }
}

fn run(seed: u64, shape: Shape, batches: u64) {
    let mut at = Seed(seed, 0);
    let mut flow = Flow::new(seed, shape);
    let (mut got, mut want) = (Output::default(), Output::default());
    for path in 0..batches / 100 {
        let supply: Queued = flow.restart();
        let rules = Rules {
            self_trade: flow.naive.rule,
            min_notional: Notional(flow.naive.min_notional),
            ..Rules::default()
        };
        let mut book = OrderBook::with_rules(supply, rules).unwrap();
        let mut batch = Batch::default();
        let mut known = HashSet::new();
        // An expiry at 0 cannot be said in a row.
        flow.naive.apply(0, Ask::Clock(1)).unwrap();
        batch.apply(&mut book, &[row(0, Ask::Clock(1))], &(), &mut got);
        for number in 0..100 {
            at.1 = 100 * path + number;
            let held = flow.naive.positions.clone();
            let mut rows = Vec::new();
            want.clear();
            for event in 0..flow.rng.range(1, 300).unsigned_abs() {
                let (tag, ask) = flow.next_ask();
                rows.push(row(tag, ask));
                let mut told = flow.naive.apply(tag, ask);
                match ask {
                    Ask::Add(..) if told.is_ok() => _ = known.insert(tag),
                    Ask::Cancel(tag) | Ask::Reduce(tag, _) | Ask::Replace(tag, ..)
                        if !known.contains(&tag) =>
                    {
                        told = Err(Reject::UnknownReference);
                    }
                    _ => {}
                }
                expect(told, event, ask, &mut want);
            }
            got.clear();
            let positions = |owner: AccountId| Lots(held.get(&owner.0).copied().unwrap_or(0));
            batch.apply(&mut book, &rows, &positions, &mut got);
            normal(&mut got, &rows);
            assert_eq!(got.rejects, want.rejects);
            assert_eq!(got.fills, want.fills);
            assert_eq!(got.cancels, want.cancels);
            for side in Side::BOTH {
                let mut depth = Vec::new();
                book.depth(side, usize::MAX, &mut depth);
                let depth: Vec<(i64, i64)> = depth.iter().map(|(price, qty)| (price.0, qty.0)).collect();
                assert_eq!(depth, flow.naive.depth(side, usize::MAX));
            }
        }
    }
}

#[test]
fn calm_flow() {
    run(1, CALM, 4_000);
    run(2, Shape { special_every: 0, ..CALM }, 4_000);
}

#[test]
fn sweeps() {
    let shape = Shape { live: 400, width: 30_000, sweep_every: 200, jump_every: 100, jump: 9_000, ..CALM };
    run(11, shape, 3_000);
    run(12, Shape { special_every: 40, ..shape }, 3_000);
}

/// Any bytes: each row is carried out or refused, and the book stays a book.
#[test]
fn garbage() {
    let mut rng = Rng(7);
    let (mut book, mut batch, mut out) = (OrderBook::new(()), Batch::default(), Output::default());
    for round in 0..400 {
        let mut rows = Vec::new();
        for _ in 0..500 {
            rows.push(garbage_row(&mut rng));
        }
        out.clear();
        batch.apply(&mut book, &rows, &(), &mut out);
        assert!(out.rejects.iter().all(|reject| (1..=21).contains(&reject.reason)));
        let bytes = book.snapshot();
        if round % 20 == 0 {
            assert_eq!(OrderBook::restore(&bytes, ()).unwrap().state_hash(), book.state_hash());
        }
        if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) {
            assert!(bid < ask);
        }
    }
}

/// Wild words in some fields, sane ones in others, so that garbage gets past the first check.
fn garbage_row(rng: &mut Rng) -> Row {
    let wild = [i64::MIN, -1, 0, 1, 2, 999, 1 << 40, (1 << 40) + 1, (1 << 62) - 1, i64::MAX];
    let byte = |rng: &mut Rng, most: i64| {
        if rng.one_in(20) { rng.word().to_le_bytes()[0] } else { u8::try_from(rng.range(0, most)).unwrap() }
    };
    let word = |rng: &mut Rng, most: i64| {
        if rng.one_in(12) { rng.pick(&wild) } else { rng.range(1, most) }
    };
    Row {
        kind: byte(rng, 9),
        side: byte(rng, 1),
        tif: byte(rng, 4),
        flags: if rng.one_in(2) { 0 } else { byte(rng, 127) },
        owner: u32::try_from(rng.range(0, 5)).unwrap(),
        reference: if rng.one_in(9) {
            (rng.word() >> 32) as u32
        } else {
            u32::try_from(rng.below(70_000)).unwrap()
        },
        pad: 1,
        price: word(rng, 60),
        qty: word(rng, 20),
        trigger: if rng.one_in(2) { 0 } else { word(rng, 60) },
        time: if rng.one_in(2) { 0 } else { word(rng, 1_000) },
    }
}

fn limit(reference: u32, side: u8, price: i64) -> Row {
    Row { side, reference, price, qty: 5, ..Row::default() }
}

fn reasons(rows: &[Row]) -> Vec<(u64, u8)> {
    let (mut book, mut batch, mut out) = (OrderBook::new(()), Batch::default(), Output::default());
    batch.apply(&mut book, rows, &(), &mut out);
    out.rejects.iter().map(|reject| (reject.event, reject.reason)).collect()
}

#[test]
fn each_reject_names_its_reason() {
    let market = Row { kind: kind::MARKET, qty: 1, reference: NO_REFERENCE, ..Row::default() };
    let cancel = |reference| Row { kind: kind::CANCEL, reference, ..Row::default() };
    let cases = [
        (vec![limit(0, 2, 100)], Reject::Side),
        (vec![Row { tif: 5, ..limit(0, 0, 100) }], Reject::TimeInForce),
        (vec![Row { kind: 12, ..limit(0, 0, 100) }], Reject::Kind),
        (vec![Row { flags: 128, ..limit(0, 0, 100) }], Reject::Flags),
        (vec![Row { flags: 6 << 4, ..limit(0, 0, 100) }], Reject::Flags),
        (vec![Row { flags: flags::TAKE_PROFIT, ..limit(0, 0, 100) }], Reject::Flags),
        (vec![Row { trigger: 7, ..limit(0, 0, 100) }], Reject::Flags),
        (vec![Row { flags: 2, trigger: -7, ..limit(0, 0, 100) }], Reject::Price),
        (vec![limit(0, 0, 0)], Reject::Price),
        (vec![Row { qty: 0, ..limit(0, 0, 100) }], Reject::Quantity),
        (vec![Row { qty: 1 << 62, ..limit(0, 0, 100) }], Reject::LevelOverflow),
        (vec![Row { time: -1, ..limit(0, 0, 100) }], Reject::Time),
        (vec![limit(70_000, 0, 100)], Reject::Reference),
        (vec![limit(0, 0, 100), limit(0, 0, 100)], Reject::ReferenceUsed),
        (vec![cancel(0)], Reject::UnknownReference),
        (vec![cancel(NO_REFERENCE)], Reject::UnknownReference),
        (vec![limit(0, 0, 100), cancel(0), cancel(0)], Reject::UnknownOrder),
        (vec![Row { kind: kind::MARKET, price: -1, ..market }], Reject::Price),
        (vec![Row { flags: 1, ..limit(0, 0, 100) }], Reject::ReduceOnly),
        (vec![Row { kind: kind::HALT, ..market }, limit(0, 0, 100)], Reject::Halted),
        (vec![Row { kind: kind::BAND, price: 3, trigger: 2, ..market }], Reject::Band),
        (
            vec![Row { kind: kind::MARK, price: 9, ..market }, Row { flags: 2, trigger: 9, ..market }],
            Reject::WouldTrigger,
        ),
    ];
    for (rows, reject) in cases {
        assert_eq!(reasons(&rows), [(rows.len() as u64 - 1, reject.code())], "{reject}");
    }
    for (code, reject) in (1..).zip(Reject::ALL) {
        assert_eq!(reject.code(), code);
    }
}

#[test]
fn a_refused_add_leaves_its_reference_free_and_a_single_call_has_none() {
    let (mut book, mut batch, mut out) = (OrderBook::new(()), Batch::default(), Output::default());
    let rows = [limit(0, 0, 0), limit(0, 1, 100)];
    batch.apply(&mut book, &rows, &(), &mut out);
    assert_eq!(out.rejects.len(), 1);
    let ask = NewOrder::limit(AccountId(8), Side::Sell, Ticks(99), Lots(1));
    book.submit(ask, &mut Vec::new()).unwrap();
    let buy = Row { kind: kind::MARKET, qty: 3, reference: 1, owner: 9, ..Row::default() };
    batch.apply(&mut book, &[buy, Row { kind: kind::CANCEL, reference: 1, ..buy }], &(), &mut out);
    let makers: Vec<_> = out.fills.iter().map(|fill| (fill.maker_reference, fill.qty)).collect();
    assert_eq!(makers, [(NO_REFERENCE, 1), (0, 2)]);
    assert_eq!(out.rejects[1], RejectRow { event: 1, reason: Reject::UnknownOrder.code(), pad: [0; 7] });
    assert_eq!(book.order(batch.id(0).unwrap()).unwrap().remaining, Lots(3));
}
