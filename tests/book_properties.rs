//! What holds of any flow of orders, said without a second book.

use std::collections::HashMap;

use perpcore::book::{Fill, NewOrder, OrderBook, OrderKind, TimeInForce};
use perpcore::ids::{AccountId, OrderId};
use perpcore::units::{Lots, Side, Ticks};
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
        OrderKind::Market => {
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
