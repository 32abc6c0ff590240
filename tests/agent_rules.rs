//! Each kind of agent that follows flow, trend or book, in a small world worked out by hand from `docs/AGENTS.md` section 3.

#[path = "common/driven.rs"]
mod driven;

use std::collections::BTreeMap;

use driven::{
    Played, UNIT, levels, lots, offer, play, poisson, push, scenario, side_of, uniform, watch, word,
};
use perpcore::event::{Cause, Market};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Side};
use serde_json::{Value, json};

const PERP: Market = Market::Perp;
const SPOT: Market = Market::Spot;

/// Limit orders of noise by the document: step, side, price, lots, oldest first.
type Posted = Vec<(u64, Side, i64, i64)>;

fn book(posted: &Posted, side: Side) -> Vec<(i64, i64)> {
    let mut levels = BTreeMap::new();
    for &(_, _, price, qty) in posted.iter().filter(|order| order.1 == side) {
        *levels.entry(price * -side.sign()).or_insert(0) += qty;
    }
    levels.into_iter().filter(|level| level.1 > 0).map(|(key, qty)| (key * -side.sign(), qty)).collect()
}

/// `floor(((w >> 1) mod 2^32) D / 2^32)`.
fn behind(word: u64, gap: i64) -> i64 {
    (i64::try_from((word >> 1) % (1 << 32)).unwrap() * gap) >> 32
}

#[test]
fn noise_in_the_perpetual_is_what_its_words_say() {
    let noise = json!({"kind": "noise", "name": "noise", "market": "perp", "rate_per_s": "2", "limit_rate_per_s": "3",
        "qty": {"dist": "uniform", "low": "1", "high": "9"}, "limit_gap": "0.04", "lifetime_s": "2"});
    let (mut posted, mut seen, mut sent) = (Posted::new(), Vec::new(), Vec::new());
    let played = watch(&scenario(8, &[noise]), &[], |run| {
        // Behind the market maker's ten million.
        let mut of = |side| {
            let mut found = levels(run, PERP, side);
            found[0].1 -= 10_000_000;
            found.retain(|level| level.1 > 0);
            found
        };
        seen.push([of(Side::Buy), of(Side::Sell)]);
    });
    let mut expected = Vec::new();
    for step in 1..=8 {
        posted.retain(|order| order.0 + 2 > step);
        let word = |n| word(1, step, n);
        let (orders, limits) = (poisson(2.0, word(0)), poisson(3.0, word(1)));
        for w in (4..4 + orders).map(word) {
            sent.push((step, side_of(w).sign() * lots(1.0, 9.0, w)));
            // What noise itself posted at the best price before this step comes before the quotes, which are new.
            let (against, best) =
                if side_of(w) == Side::Buy { (Side::Sell, 1_005) } else { (Side::Buy, 995) };
            let mut left = lots(1.0, 9.0, w);
            for order in posted.iter_mut().filter(|order| (order.1, order.2) == (against, best)) {
                let filled = left.min(order.3);
                (left, order.3) = (left - filled, order.3 - filled);
            }
        }
        for w in (4 + orders..4 + orders + limits).map(word) {
            let best = if side_of(w) == Side::Buy { 995 } else { 1_005 };
            posted.push((step, side_of(w), best - side_of(w).sign() * behind(w, 4), lots(1.0, 9.0, w)));
        }
        expected.push([book(&posted, Side::Buy), book(&posted, Side::Sell)]);
    }
    assert_eq!(seen, expected);
    let mut fills = played.fills(PERP, Cause::Noise).into_iter();
    for (step, qty) in sent {
        let mut filled = 0;
        while filled != qty {
            let (when, part, price) = fills.next().unwrap();
            assert_eq!((when, price), (step, 1_000 + 5 * qty.signum()), "{qty}");
            filled += part;
        }
    }
    assert_eq!(fills.next(), None);
}

#[test]
fn noise_in_spot_offers_what_it_has_and_starts_empty_sides_beside_the_last_trade() {
    let noise = json!({"kind": "noise", "name": "noise", "market": "spot", "rate_per_s": "0", "limit_rate_per_s": "4",
        "qty": {"dist": "uniform", "low": "1", "high": "9"}, "limit_gap": "0.05", "lifetime_s": "2", "tokens": "12"});
    let mut world = scenario(8, &[noise]);
    (world["spot"]["asks"], world["spot"]["bids"]) = (Value::Null, Value::Null);
    let mut seen = Vec::new();
    watch(&world, &[], |run| seen.push([levels(run, SPOT, Side::Buy), levels(run, SPOT, Side::Sell)]));
    let (mut posted, mut expected, mut cut) = (Posted::new(), Vec::new(), 0);
    for step in 1..=8 {
        posted.retain(|order| order.0 + 2 > step);
        let limits = poisson(4.0, word(1, step, 1));
        for w in (4..4 + limits).map(|n| word(1, step, n)) {
            let (side, away) = (side_of(w), behind(w, 5));
            let first = |side| book(&posted, side).first().map(|level| level.0);
            let price =
                first(side).map_or(1_000 - side.sign() * (away + 1), |best| best - side.sign() * away);
            let crosses = first(side.opposite()).is_some_and(|best| side.sign() * (price - best) >= 0);
            let offered: i64 = book(&posted, Side::Sell).iter().map(|level| level.1).sum();
            let wanted = lots(1.0, 9.0, w);
            let qty = if side == Side::Sell { wanted.min(12 - offered) } else { wanted };
            cut += i64::from(qty < wanted);
            if !crosses && qty > 0 {
                posted.push((step, side, price, qty));
            }
        }
        expected.push([book(&posted, Side::Buy), book(&posted, Side::Sell)]);
    }
    assert!(cut > 0, "no ask was cut to the tokens");
    assert_eq!(seen, expected);
}

fn momentum(terms: &Value) -> Value {
    let mut agent = json!({"kind": "momentum", "name": "trend", "window_s": "2", "threshold": "0.01",
        "order_qty": "300", "max_qty": "500", "long_only": false});
    agent.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    agent
}

/// 2,000 tokens up to 10.10 in step 1, 2,000 down to 9.90 in step 4.
fn up_and_down(terms: &Value) -> Played {
    play(&scenario(9, &[momentum(terms)]), &[push(1, 2_000), push(4, -2_000)])
}

#[test]
fn momentum_follows_the_move_of_its_window_both_ways() {
    // Marks 1000, 1010, 1010, 1010, 990, ...: moves of 10 in steps 2 and 3, none in 4, of -20 in 5 and 6, none in 7.
    let rises = [(2, 300, 1_015), (3, 200, 1_015)];
    let falls = [(5, -300, 985), (6, -300, 985), (7, -300, 985), (8, -100, 985)];
    let played = up_and_down(&json!({}));
    assert_eq!(played.fills(PERP, Cause::Momentum), [&rises[..], &falls[..]].concat());
    // 10 is less than 1.01 % of 1000; -20 is more than that of 1010: from nothing to short.
    let played = up_and_down(&json!({"threshold": "0.0101"}));
    assert_eq!(played.fills(PERP, Cause::Momentum), [(5, -300, 985), (6, -200, 985)]);
    let played = up_and_down(&json!({"long_only": true}));
    let flat = [(5, -300, 985), (6, -200, 985)];
    assert_eq!(played.fills(PERP, Cause::Momentum), [&rises[..], &flat[..]].concat());
    // A step back it is 10 in step 2 only; what it is after then it goes on with.
    let played = up_and_down(&json!({"window_s": "1", "threshold": "0.0101"}));
    assert_eq!(played.traded(PERP, Cause::Momentum), [(5, -300), (6, -200)]);
}

#[test]
fn momentum_in_spot_is_never_short() {
    let played = up_and_down(&json!({"market": "spot"}));
    // Its own purchases lift the mark to 10.13 by step 3; the push down clears the bids to 9.90.
    let bought = [(2, 200, 1_011), (2, 100, 1_012), (3, 100, 1_012), (3, 100, 1_013)];
    let sold = [(5, -200, 989), (5, -100, 988), (6, -100, 988), (6, -100, 987)];
    assert_eq!(played.fills(SPOT, Cause::Momentum), [&bought[..], &sold[..]].concat());
    assert_eq!(played.tokens(AccountId(11)), 0);
}

#[test]
fn holders_sell_a_share_of_the_rise_beyond_their_threshold_and_of_what_unlocks() {
    let holders = json!({"kind": "holders", "name": "holders", "tokens": "1000", "threshold": "0.1",
        "elasticity": "0.5", "order_qty": "150"});
    let mut world = scenario(9, &[holders]);
    world["unlocks"] = json!([{"at_s": "8", "qty": "600", "holder": "holders"}]);
    // The hand bids 11.99 for what they sell: after each sale that is the last trade.
    let pushes = [
        push(1, 20_000),
        push(2, 20_000),
        offer(2, 5_000, 1_199),
        push(4, 20_200),
        push(6, 79_800),
        push(8, 200),
    ];
    let played = play(&world, &pushes);
    // Step 2 at 11.00: nothing beyond 10 %. Step 3 at 12.00: 1000 x 0.5 x 0.1 = 50. Step 4 at 11.99: 49.5, less than sold.
    // Step 5 at 13.01: 100.5 down to 100. Step 7 at 17.00: 300, of which 150 a step, but then at 11.99 nothing more.
    // Step 9 at 17.01 with 600 more: 1600 x 0.5 x 0.601 = 480.8, 230 of that to do.
    let sold = [(3, -50, 1_199), (5, -50, 1_199), (7, -150, 1_199), (9, -150, 1_199)];
    assert_eq!(played.fills(SPOT, Cause::Holders), sold);
    assert_eq!(played.tokens(AccountId(11)), 1_200);
    // 1600 tokens at 11.99, less 1000 at 10.00 and 600 at 17.01.
    assert_eq!(played.run.agent_profit(1).unwrap().0, (19_184 - 10_000 - 10_206) * UNIT);
}

#[test]
fn holders_never_sell_more_than_they_have() {
    let holders = json!({"kind": "holders", "name": "holders", "tokens": "100", "elasticity": "100",
        "order_qty": "80"});
    // 10.04 in step 1: 100 x 100 x 0.4 % = 40 of them; 10.50 later: all.
    let pushes = [push(1, 800), offer(1, 500, 1_000), push(2, 9_200), push(3, 200)];
    let played = play(&scenario(5, &[holders]), &pushes);
    // In step 2 the hand is first, but they saw 10.04. Their sale leaves 10.00, the next push 10.51.
    assert_eq!(played.fills(SPOT, Cause::Holders), [(2, -40, 1_000), (4, -60, 1_000)]);
    assert_eq!(played.tokens(AccountId(11)), 0);
}

/// Nobody but the maker quotes spot; the hand comes after it.
fn with_maker(tokens: &str, terms: &Value, pushes: &[driven::Sent]) -> Vec<[Vec<(i64, i64)>; 2]> {
    let mut maker = json!({"kind": "spot_market_maker", "name": "maker", "tokens": tokens, "half_spread": "0.03",
        "levels": 2, "level_gap": "0.02", "level_qty": "100"});
    maker.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    let mut world = scenario(5, &[]);
    world["agents"] = json!([maker, world["agents"][0]]);
    (world["spot"]["asks"], world["spot"]["bids"]) = (Value::Null, Value::Null);
    let pushes: Vec<_> = pushes.iter().map(|sent| driven::Sent { agent: 1, ..*sent }).collect();
    let mut seen = Vec::new();
    watch(&world, &pushes, |run| seen.push([levels(run, SPOT, Side::Sell), levels(run, SPOT, Side::Buy)]));
    seen
}

#[test]
fn the_spot_market_maker_leans_against_its_inventory_and_stops_at_its_limit() {
    let terms = json!({"skew": "0.0002", "inventory_limit": "150"});
    let pushes = [push(1, -120), push(2, -30), push(3, 150), push(4, 160)];
    let seen = with_maker("1000", &terms, &pushes);
    let expected = [
        // Around 1000: 120 sold to it at 997 and 995.
        [vec![(1_003, 100), (1_005, 100)], vec![(995, 80)]],
        // x = 120: floor(0.5 - 2.4) = -2, around 993.
        [vec![(996, 100), (998, 100)], vec![(990, 70), (988, 100)]],
        // x = 150: no bids; floor(0.5 - 3) = -3 around 987. It sells 100 at 990, 50 at 992.
        [vec![(992, 50)], vec![]],
        // x = 0, around 992. It sells 100 at 995, 60 at 997.
        [vec![(997, 40)], vec![(989, 100), (987, 100)]],
        // x = -160: no asks; floor(0.5 + 3.2) = 3, around 1000.
        [vec![], vec![(997, 100), (995, 100)]],
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_spot_market_maker_offers_what_it_has_the_best_price_first() {
    let seen = with_maker("130", &json!({}), &[]);
    assert_eq!(seen[4], [vec![(1_003, 100), (1_005, 30)], vec![(997, 100), (995, 100)]]);
    // No skew: around the last trade, however much it holds; nothing left to offer after 130.
    let seen = with_maker("130", &json!({}), &[push(2, 130)]);
    assert_eq!(seen[2], [vec![], vec![(1_002, 100), (1_000, 100)]]);
    // Below tick 1 nothing stands: 1000 - 995 - 2 i.
    let seen = with_maker("130", &json!({"half_spread": "9.95", "levels": 4}), &[]);
    assert_eq!(seen[0][1], [(5, 100), (3, 100), (1, 100)]);
}

/// What a crowd does by the document at these shares of steps 1, 2, ...: step, lots, leverage in billionths.
fn comers(shares: &[f64], most: usize, leverage: impl Fn(u64) -> f64) -> (Vec<(u64, i64, i64)>, usize) {
    let (mut all, mut came) = (Vec::new(), 0);
    for (step, share) in (1..).zip(shares) {
        for j in 0..poisson(6.0, word(1, step, 0)) {
            let (u, v) = (word(1, step, 4 + 2 * j), word(1, step, 5 + 2 * j));
            came += 1;
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
            if ((u % (1 << 32)) as f64) < share * 2f64.powi(32) {
                all.push((step, lots(50.0, 250.0, u), (leverage(v) * 1e9 + 0.5).floor() as i64));
            }
        }
    }
    all.truncate(most);
    (all, came)
}

fn crowd(terms: &Value) -> Value {
    let mut crowd = json!({"kind": "short_crowd", "name": "crowd", "rate_per_s": "6",
        "qty": {"dist": "uniform", "low": "50", "high": "250"}});
    crowd.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    crowd
}

#[test]
fn a_crowd_shorts_more_the_higher_it_goes_each_on_its_own_margin() {
    let drawn = json!({"dist": "uniform", "low": "5", "high": "40"});
    let agent = crowd(&json!({"base": "0.1", "slope": "0.8", "leverage": drawn, "max_accounts": 6}));
    let mut world = scenario(6, &[agent]);
    world["perp"]["taker_fee"] = json!("0.0005");
    world["venue"]["tiers"] = json!([{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "50"},
        {"min_notional": "2000", "maintenance_rate": "0.01", "max_leverage": "10"}]);
    let played = play(&world, &[push(1, 100_000)]);
    // At the start price a tenth, at 15.00 0.1 + 0.8 x 0.5 = half of those who come.
    let (opened, came) = comers(&[0.1, 0.5, 0.5, 0.5, 0.5, 0.5], 6, |v| uniform(5.0, 40.0, v));
    let everybody = comers(&[0.1, 0.5, 0.5, 0.5, 0.5, 0.5], 99, |_| 1.0).0.len();
    assert!(opened.len() == 6 && everybody > 6 && came > everybody, "{everybody} of {came}");
    let bid = |step| if step == 1 { 995 } else { 1_495 };
    let fills: Vec<_> = opened.iter().map(|&(step, qty, _)| (step, -qty, bid(step))).collect();
    assert_eq!(played.fills(PERP, Cause::Crowd), fills);
    let (mut capped, mut free) = (0, 0);
    for (account, (step, qty, leverage)) in (12..).map(AccountId).zip(opened) {
        let cost = qty * bid(step) * 10_000;
        let cut = if cost >= 2_000 * UNIT { leverage.min(10_000_000_000) } else { leverage };
        capped += i32::from(cut < leverage);
        free += i32::from(cost < 2_000 * UNIT);
        let margin = (i128::from(cost) * 1_000_000_000 + i128::from(cut) - 1) / i128::from(cut);
        // And 5 basis points.
        let fee = qty * bid(step) * 5;
        assert_eq!(played.deposits(account), [(step, i64::try_from(margin).unwrap() + fee)], "{account:?}");
    }
    assert!(capped > 0 && free > 0, "{capped} were cut, {free} are small");
}

#[test]
fn a_crowd_of_longs_buys_the_dip_and_one_that_finds_no_bid_is_nobody() {
    let mut world =
        scenario(5, &[crowd(&json!({"side": "long", "base": "0", "slope": "4", "leverage": "4"}))]);
    // 9.00: 4 x 0.1.
    let pushes = [push(1, -20_000)];
    let (opened, _) = comers(&[0.0, 0.4, 0.4, 0.4, 0.4], 99, |_| 4.0);
    let expected: Vec<_> = opened.iter().map(|&(step, qty, _)| (step, qty, 905)).collect();
    assert!(expected.len() > 1);
    let played = play(&world, &pushes);
    assert_eq!(played.fills(PERP, Cause::Crowd), expected);
    assert_eq!(played.deposits(AccountId(12)), [(opened[0].0, opened[0].1 * 9_050_000 / 4)]);
    world["market_maker"]["quote"]["side"] = json!("bids");
    let played = play(&world, &pushes);
    assert_eq!(played.fills(PERP, Cause::Crowd), []);
    assert_eq!(played.run.positions().len(), 12);
}

fn hunter(terms: &Value) -> Value {
    let mut hunter = json!({"kind": "liquidation_hunter", "name": "hunter", "reach": "0.1", "min_notional": "8000",
        "order_qty": "400", "max_qty": "600"});
    hunter.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    hunter
}

fn ladder(side: &str, price: &Value, qty: &str) -> Value {
    json!({"kind": "ladder", "side": side, "liquidation_price": price, "qty": qty})
}

fn hunted(terms: &Value, positions: &Value, pushes: &[driven::Sent]) -> Played {
    let mut world = scenario(5, &[hunter(terms)]);
    world["positions"] = positions.clone();
    play(&world, pushes)
}

#[test]
fn a_hunter_buys_ahead_of_shorts_and_sells_once_they_are_gone() {
    let shorts = json!([ladder("short", &json!("11"), "1000"), ladder("long", &json!("9"), "500")]);
    let pushes = [push(3, 20_000)];
    // 10,000 above, 5,000 below. At 11.00 the shorts are gone and 9.00 is out of reach.
    let both = [(1, 400), (2, 200), (4, -400), (5, -200)];
    assert_eq!(hunted(&json!({}), &shorts, &pushes).traded(PERP, Cause::Hunting), both);
    let exactly = json!({"min_notional": "10000"});
    assert_eq!(hunted(&exactly, &shorts, &pushes).traded(PERP, Cause::Hunting), both);
    let more = json!({"min_notional": "10000.01"});
    assert_eq!(hunted(&more, &shorts, &pushes).traded(PERP, Cause::Hunting), []);
    // 99 ticks do not get to 11.00, nor to 9.00.
    let near = json!({"reach": "0.0999"});
    assert_eq!(hunted(&near, &shorts, &[]).traded(PERP, Cause::Hunting), []);
}

#[test]
fn a_hunter_sells_ahead_of_longs_but_not_short_in_spot() {
    let longs = json!([ladder("long", &json!("9"), "2000"), ladder("short", &json!("11"), "1000")]);
    let sells = [(1, -400), (2, -200)];
    assert_eq!(hunted(&json!({}), &longs, &[]).traded(PERP, Cause::Hunting), sells);
    let spot = json!({"market": "spot"});
    assert_eq!(hunted(&spot, &longs, &[]).traded(SPOT, Cause::Hunting), []);
    // As much on both sides: it buys.
    let even = json!([ladder("long", &json!("9"), "1000"), ladder("short", &json!("11"), "1000")]);
    assert_eq!(hunted(&json!({}), &even, &[]).traded(PERP, Cause::Hunting), [(1, 400), (2, 200)]);
}

#[test]
fn a_hunter_sees_cells_before_the_mark_gets_there() {
    let mut cells = ladder("short", &json!(["10.5", "11"]), "20000");
    (cells["placement"], cells["lump"]) = (json!("poisson"), json!("10"));
    // 2,000 lumps of 10 tokens, give or take 45: 200,000 +- 4,500 at 10.00.
    for (least, bought) in [("170000", vec![(1, 400), (2, 200)]), ("230000", vec![])] {
        let played = hunted(&json!({ "min_notional": least }), &json!([cells]), &[]);
        assert_eq!(played.traded(PERP, Cause::Hunting), bought, "{least}");
    }
    let played = hunted(&json!({}), &json!([cells]), &[]);
    assert!(played.run.positions().iter().map(|it| it.qty).filter(|&qty| qty == Lots(-10)).count() > 1_800);
}
