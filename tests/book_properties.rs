//! What holds of any flow of orders, said without a second book.

use std::collections::HashMap;

use perpcore::book::{
    Command, Event as Told, Fill, NewOrder, OrderBook, OrderKind, SelfTrade, Source, Terms, TimeInForce,
};
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks, Time};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Event {
    Submit(NewOrder),
    /// The n-th order from the last.
    Cancel(usize),
    Reduce(usize, i64),
}

struct Resting {
    side: Side,
    price: i64,
    since: usize,
    remaining: i64,
}

fn order(gap: i64) -> impl Strategy<Value = NewOrder> {
    let tif = prop_oneof![
        6 => Just(TimeInForce::Gtc),
        1 => Just(TimeInForce::Ioc),
        1 => Just(TimeInForce::Fok),
        1 => Just(TimeInForce::PostOnly)
    ];
    let kind = (-1_i64..=12, tif, 0..10).prop_map(move |(price, tif, market)| {
        if market == 0 { OrderKind::Market } else { OrderKind::Limit { price: Ticks(price * gap), tif } }
    });
    let qty = prop_oneof![12 => 1_i64..=8, 1 => -1_i64..=0, 1 => Just(1_i64 << 61)];
    (8_u32..12, any::<bool>(), qty, kind).prop_map(|(owner, buys, qty, kind)| NewOrder {
        owner: AccountId(owner),
        side: if buys { Side::Buy } else { Side::Sell },
        qty: Lots(qty),
        kind,
    })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // Neighbouring ticks, prices on both sides of a window's end, and windows apart.
    prop_oneof![Just(1_i64), Just(20_000), Just(1 << 36)].prop_flat_map(|gap| {
        let event = prop_oneof![
            6 => order(gap).prop_map(Event::Submit),
            2 => (0_usize..20).prop_map(Event::Cancel),
            1 => (0_usize..20, 0_i64..6).prop_map(|(which, by)| Event::Reduce(which, by)),
        ];
        prop::collection::vec(event, 1..120)
    })
}

fn depth(book: &mut OrderBook) -> [Vec<(Ticks, Lots)>; 2] {
    Side::BOTH.map(|side| {
        let mut out = Vec::new();
        book.depth(side, usize::MAX, &mut out);
        out
    })
}

/// What each level must hold, from the orders alone.
fn levels(live: &HashMap<OrderId, Resting>, side: Side) -> Vec<(Ticks, Lots)> {
    let mut out: Vec<(Ticks, Lots)> = Vec::new();
    let mut orders: Vec<_> = live.values().filter(|o| o.side == side).collect();
    orders.sort_by_key(|o| -side.sign() * o.price);
    for order in orders {
        match out.last_mut().filter(|(price, _)| price.0 == order.price) {
            Some((_, qty)) => qty.0 += order.remaining,
            None => out.push((Ticks(order.price), Lots(order.remaining))),
        }
    }
    out
}

/// The order that is next to trade: best price, then oldest.
fn next_to_trade(live: &HashMap<OrderId, Resting>, side: Side) -> OrderId {
    let next = live.iter().filter(|(_, o)| o.side == side);
    *next.min_by_key(|(_, o)| (-side.sign() * o.price, o.since)).expect("a fill needs a resting order").0
}

fn check_fills(order: &NewOrder, fills: &[Fill], live: &mut HashMap<OrderId, Resting>) {
    for fill in fills {
        assert!(fill.qty.0 > 0);
        let id = next_to_trade(live, order.side.opposite());
        assert_eq!(fill.maker_order, id, "price, then time");
        let maker = live.get_mut(&id).unwrap();
        assert_eq!(fill.price.0, maker.price, "at the resting order's price");
        if let OrderKind::Limit { price, .. } = order.kind {
            assert!(order.side.sign() * (fill.price.0 - price.0) <= 0, "beyond the limit");
        }
        maker.remaining -= fill.qty.0;
        assert!(maker.remaining >= 0);
        assert_eq!(fill.maker_remaining.0, maker.remaining);
        if maker.remaining == 0 {
            live.remove(&id);
        }
    }
}

fn submit(
    book: &mut OrderBook,
    order: NewOrder,
    since: usize,
    live: &mut HashMap<OrderId, Resting>,
) -> Option<OrderId> {
    let (before, best) = (depth(book), book.best(order.side.opposite()));
    let mut fills = Vec::new();
    let outcome = match book.submit(order, &mut fills) {
        Ok(outcome) => outcome,
        Err(_) => {
            assert!(fills.is_empty());
            assert_eq!(depth(book), before, "a refused order changes nothing");
            return None;
        }
    };
    check_fills(&order, &fills, live);
    assert_eq!(outcome.filled.0, fills.iter().map(|fill| fill.qty.0).sum::<i64>());
    assert_eq!(outcome.filled.0 + outcome.remaining.0, order.qty.0);
    assert!(outcome.remaining.0 >= 0);
    let tif = match order.kind {
        OrderKind::Market | OrderKind::Protected { .. } => {
            assert!(outcome.remaining.0 == 0 || book.best(order.side.opposite()).is_none());
            None
        }
        OrderKind::Limit { price, tif } => {
            let crosses = |best: Ticks| order.side.sign() * (best.0 - price.0) <= 0;
            assert!(tif == TimeInForce::Fok || outcome.filled.0 > 0 || !best.is_some_and(crosses));
            Some((price, tif))
        }
    };
    match tif {
        Some((_, TimeInForce::Fok)) => assert!(outcome.filled == order.qty || fills.is_empty()),
        Some((_, TimeInForce::PostOnly)) => assert!(fills.is_empty()),
        _ => {}
    }
    let rests = matches!(tif, Some((_, TimeInForce::Gtc | TimeInForce::PostOnly))) && outcome.remaining.0 > 0;
    assert_eq!(outcome.resting.is_some(), rests);
    let (id, (price, _)) = (outcome.resting?, tif?);
    let resting = Resting { side: order.side, price: price.0, since, remaining: outcome.remaining.0 };
    assert!(live.insert(id, resting).is_none(), "an id names one order");
    Some(id)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_flow(events in events()) {
        let mut book = OrderBook::new(());
        let mut live = HashMap::new();
        let mut ids = Vec::new();
        for (since, event) in events.into_iter().enumerate() {
            match event {
                Event::Submit(order) => ids.extend(submit(&mut book, order, since, &mut live)),
                Event::Cancel(which) if which < ids.len() => {
                    let id = ids[ids.len() - 1 - which];
                    let want = live.remove(&id).map(|order| order.remaining);
                    prop_assert_eq!(book.cancel(id).ok().map(|qty| qty.0), want);
                }
                Event::Reduce(which, by) if which < ids.len() && by > 0 => {
                    let id = ids[ids.len() - 1 - which];
                    let left = live.get_mut(&id).map(|order| {
                        order.remaining = (order.remaining - by).max(0);
                        order.remaining
                    });
                    live.retain(|_, order| order.remaining > 0);
                    prop_assert_eq!(book.reduce(id, Lots(by)).ok().map(|qty| qty.0), left);
                }
                Event::Cancel(_) | Event::Reduce(..) => {}
            }
            prop_assert_eq!(depth(&mut book), Side::BOTH.map(|side| levels(&live, side)));
            if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) {
                prop_assert!(bid < ask, "crossed: {:?} {:?}", bid, ask);
            }
        }
    }
}

/// Commands of every kind on few prices, ids of orders by their number.
fn command() -> impl Strategy<Value = (Command, usize)> {
    let rule = prop::option::of(prop::sample::select(vec![
        SelfTrade::Allow,
        SelfTrade::CancelNewest,
        SelfTrade::CancelOldest,
        SelfTrade::CancelBoth,
        SelfTrade::Decrement,
    ]));
    let source = prop::sample::select(vec![Source::Mark, Source::Last, Source::Index]);
    let trigger = prop::option::weighted(0.3, (source, 1_i64..12, any::<bool>()));
    let terms = (rule, any::<bool>(), prop::option::of(1_i64..30), trigger).prop_map(
        |(self_trade, reduce_only, expires, trigger)| {
            let terms = Terms { self_trade, reduce_only, expires: expires.map(Time), trigger: None };
            match trigger {
                Some((source, price, true)) => terms.stop(source, Ticks(price)),
                Some((source, price, false)) => terms.take_profit(source, Ticks(price)),
                None => terms,
            }
        },
    );
    let id = perpcore::book::SUPPLY_ORDER;
    let tifs = vec![TimeInForce::Gtc, TimeInForce::PostOnly, TimeInForce::PostOnlySlide];
    let command = prop_oneof![
        8 => (order(1), terms).prop_map(|(order, terms)| order.with(terms)),
        2 => order(1).prop_map(NewOrder::add),
        1 => Just(Command::Cancel(id)),
        1 => (0_i64..6).prop_map(move |by| Command::Reduce { id, by: Lots(by) }),
        2 => (0_i64..13, 0_i64..9, prop::sample::select(tifs))
            .prop_map(move |(price, qty, tif)| Command::Replace { id, price: Ticks(price), qty: Lots(qty), tif }),
        1 => (0_i64..30).prop_map(|now| Command::Clock(Time(now))),
        1 => (0_i64..13).prop_map(|price| Command::Mark(Ticks(price))),
        1 => (0_i64..13).prop_map(|price| Command::Index(Ticks(price))),
    ];
    (command, 0_usize..12)
}

/// The command with the id of a recent order.
fn named(command: Command, which: usize, ids: &[OrderId]) -> Command {
    let id = ids.iter().rev().nth(which).copied().unwrap_or(perpcore::book::SUPPLY_ORDER);
    match command {
        Command::Cancel(_) => Command::Cancel(id),
        Command::Reduce { by, .. } => Command::Reduce { id, by },
        Command::Replace { price, qty, tif, .. } => Command::Replace { id, price, qty, tif },
        other => other,
    }
}

fn held(owner: AccountId) -> Lots {
    Lots(i64::from(owner.0 % 3) * 7 - 7)
}

/// What each order that came in with so many lots must still have.
fn conserve(events: &[Told], left: &mut HashMap<OrderId, i64>) {
    for event in events {
        match *event {
            Told::Accepted { id, qty } => assert!(left.insert(id, qty.0).is_none()),
            Told::Filled { taker, fill, .. } => {
                *left.get_mut(&taker).unwrap() -= fill.qty.0;
                let maker = left.get_mut(&fill.maker_order).unwrap();
                *maker -= fill.qty.0;
                assert_eq!(*maker, fill.maker_remaining.0);
            }
            Told::Cancelled { id, qty, left: rest, .. } => {
                let order = left.get_mut(&id).unwrap();
                *order -= qty.0;
                assert_eq!(*order, rest.0);
            }
            Told::Reduced { id, left: rest } => *left.get_mut(&id).unwrap() = rest.0,
            Told::Replaced { id, qty, .. } => *left.get_mut(&id).unwrap() = qty.0,
            Told::Rested { id, qty, .. } => assert_eq!(left[&id], qty.0),
            Told::Triggered { .. } | Told::Rejected(_) => {}
        }
    }
    assert!(left.values().all(|&qty| qty >= 0));
    left.retain(|_, qty| *qty > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Quantities are conserved, no book is crossed, a refused command leaves the hash, and a restored book says the same.
    #[test]
    fn any_commands(commands in prop::collection::vec(command(), 1..100), snapshot_at in 0_usize..100) {
        let (mut book, mut twin) = (OrderBook::new(()), None::<OrderBook>);
        let (mut ids, mut left) = (Vec::new(), HashMap::new());
        for (number, (command, which)) in commands.into_iter().enumerate() {
            if number == snapshot_at {
                twin = Some(OrderBook::restore(&book.snapshot(), ()).unwrap());
            }
            let command = named(command, which, &ids);
            let before = book.state_hash();
            let mut events = Vec::new();
            if book.apply(command, &held, &mut events).is_err() {
                prop_assert_eq!(before, book.state_hash(), "{:?}", command);
            }
            if let Some(twin) = &mut twin {
                let mut said = Vec::new();
                let _ = twin.apply(command, &held, &mut said);
                prop_assert_eq!(&said, &events);
                prop_assert_eq!(twin.state_hash(), book.state_hash());
            }
            ids.extend(events.iter().filter_map(|event| match event {
                Told::Accepted { id, .. } => Some(*id),
                _ => None,
            }));
            conserve(&events, &mut left);
            let rests = |(&id, &qty): (&OrderId, &i64)| {
                let resting = book.order(id).map(|order| order.remaining.0);
                resting.or(book.waiting(id).map(|order| order.qty.0)) == Some(qty)
            };
            prop_assert!(left.iter().all(rests));
            if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell)) {
                prop_assert!(bid < ask, "crossed: {:?} {:?}", bid, ask);
            }
        }
    }

    /// What an order would pay is what it pays; an impact price reaches its notional and no lot more.
    #[test]
    fn hypothetical_orders(events in events(), buys in any::<bool>(), qty in 1_i64..40, limit in prop::option::of(1_i64..12)) {
        let mut book = OrderBook::new(());
        for event in events {
            if let Event::Submit(order) = event {
                let _ = book.submit(order, &mut Vec::new());
            }
        }
        let side = if buys { Side::Buy } else { Side::Sell };
        let limit = limit.map(Ticks);
        let quote = book.quote(side.opposite(), Lots(qty), limit);
        let impact = book.impact(side.opposite(), quote.notional);
        let kind = match limit {
            Some(price) => OrderKind::Protected { price },
            None => OrderKind::Market,
        };
        let mut fills = Vec::new();
        let order = NewOrder { owner: AccountId(8), side, qty: Lots(qty), kind };
        let outcome = book.submit(order, &mut fills).unwrap();
        prop_assert_eq!(outcome.filled, quote.qty);
        let paid: i128 = fills.iter().map(|fill| i128::from(fill.price.0) * i128::from(fill.qty.0)).sum();
        prop_assert_eq!(paid, quote.notional.0);
        prop_assert_eq!(fills.last().map(|fill| fill.price), quote.worst);
        prop_assert_eq!(impact, Some(quote), "the fewest lots for that notional");
    }

    /// Bytes that are no snapshot are refused, and never panic.
    #[test]
    fn garbage_is_no_snapshot(commands in prop::collection::vec(command(), 1..60), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut book = OrderBook::new(());
        for (command, _) in commands {
            let _ = book.apply(command, &held, &mut Vec::new());
        }
        let bytes = book.snapshot();
        let mut bad = bytes.clone();
        bad[at.index(bytes.len())] ^= byte;
        prop_assert_eq!(OrderBook::restore(&bad, ()).is_ok(), byte == 0);
        prop_assert!(OrderBook::restore(&bytes[..cut.index(bytes.len())], ()).is_err());
    }
}
