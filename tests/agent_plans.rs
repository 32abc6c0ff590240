//! Arbitrageurs and whales in small worlds worked out by hand from `docs/AGENTS.md` section 3.

#[path = "common/driven.rs"]
mod driven;

use driven::{Played, UNIT, offer, play, push, scenario, standing_perp};
use perpcore::event::{Cause, Market};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Quote};
use serde_json::{Value, json};

const PERP: Market = Market::Perp;
const SPOT: Market = Market::Spot;
const VENUE: AccountId = AccountId(10);
const DESK: AccountId = AccountId(11);

/// Funding of 3.6 s, paid in steps 2, 6 and 10; without a premium it is 0.0001 / 8000 = 12 billionths.
fn carry(terms: &Value) -> Value {
    let mut agent = json!({"kind": "funding_arbitrageur", "name": "carry", "enter_rate": "0.000000012",
        "exit_rate": "-0.000001", "min_basis": "-0.01", "order_qty": "300", "max_qty": "500", "lock_s": "3", "capital": "100000"});
    agent.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    let mut world = scenario(13, &[agent]);
    standing_perp(&mut world);
    world["venue"]["funding"] = json!({"interval_h": "0.001", "next_in_s": "1"});
    world
}

#[test]
fn a_funding_arbitrageur_carries_while_it_pays_and_leaves_when_it_costs() {
    let played = play(&carry(&json!({})), &[push(7, 20_300)]);
    // After the payment of step 2: 500 short, as many tokens. From step 7 on spot is some 10 % above the ask in the perpetual:
    // what is paid in step 10 is far below zero, and both legs are closed at once, lock or not.
    let perp = [(3, -200, 995), (4, -200, 995), (5, -100, 995), (11, 300, 1_005), (12, 200, 1_005)];
    assert_eq!(played.fills(PERP, Cause::Arbitrage), perp);
    let bought = [(3, 200, 1_001), (4, 200, 1_002), (5, 100, 1_003)];
    let sold = [(11, -200, 999), (11, -100, 998), (12, -100, 998), (12, -100, 997)];
    assert_eq!(played.fills(SPOT, Cause::Arbitrage), [&bought[..], &sold].concat());
    assert_eq!(played.position(VENUE), 0);
    let more = carry(&json!({"enter_rate": "0.000000013"}));
    assert_eq!(play(&more, &[]).fills(PERP, Cause::Arbitrage), []);
}

#[test]
fn a_funding_arbitrageur_enters_only_while_the_perpetual_stands_high_enough_over_spot() {
    // It is sold at 9.95, spot stands at 10.01: 0.06 / 10.01 = 0.005994 below.
    let fills =
        |terms: &Value, sent: &[driven::Sent]| play(&carry(terms), sent).fills(PERP, Cause::Arbitrage);
    let enough = json!({"min_basis": "-0.005995", "order_qty": "100", "max_qty": "300"});
    // His own purchases lift the ask to 10.02 in step 4, 0.0070 above; the hand offers below that in step 6.
    assert_eq!(fills(&enough, &[]), [(3, -100, 995), (4, -100, 995)]);
    assert_eq!(fills(&enough, &[offer(6, -500, 1_001)]), [(3, -100, 995), (4, -100, 995), (6, -100, 995)]);
    let too_little = json!({"min_basis": "-0.005994"});
    assert_eq!(fills(&too_little, &[]), []);
    // At 0 not before the ask is at 9.95 or below; and not where nobody offers.
    assert_eq!(fills(&json!({"min_basis": "0"}), &[offer(3, -400, 996)]), []);
    // No more than stands at the best ask: 200, then what is left of it or the next.
    let all = json!({"max_qty": "300"});
    assert_eq!(fills(&all, &[]), [(3, -200, 995), (4, -100, 995)]);
    let mut world = carry(&json!({}));
    world["spot"]["asks"] = Value::Null;
    assert_eq!(play(&world, &[]).fills(PERP, Cause::Arbitrage), []);
}

#[test]
fn tokens_are_locked_for_some_steps_once_the_venue_took_the_short() {
    // 300 short at 9.95 with 700: 3685 = 3.03 m at a threshold of 12.17, which the hand goes beyond in step 6.
    let with = |lock: &str| {
        let terms =
            json!({"capital": "700", "leverage": "5", "order_qty": "150", "max_qty": "300", "lock_s": lock});
        let played = play(&carry(&terms), &[push(6, 43_700)]);
        let row = &played.run.trace().liquidations[0].1;
        let whole = (row.account, row.position, row.threshold.0, row.filled_qty);
        assert_eq!(whole, (VENUE, Lots(-300), 1_217, Lots(300)));
        assert_eq!(played.fills(PERP, Cause::Arbitrage), [(3, -150, 995), (4, -50, 995), (5, -100, 995)]);
        let sold = played.fills(SPOT, Cause::Arbitrage).split_off(3);
        assert_eq!(
            sold.iter().map(|fill| (fill.1, fill.2)).collect::<Vec<_>>(),
            [(-150, 999), (-50, 999), (-100, 998)]
        );
        [sold[0].0, sold[1].0, sold[2].0]
    };
    // It is left over from step 7 on.
    assert_eq!(with("0"), [7, 8, 8]);
    assert_eq!(with("1"), [8, 9, 9]);
    assert_eq!(with("2.5"), [10, 11, 11]);
}

fn whale(exit: &Value, pushes: &[driven::Sent]) -> Played {
    let whale = json!({"kind": "whale", "name": "whale", "accumulate": {"qty": "10", "at_s": "0", "over_s": "3"},
        "longs": {"qty": "100", "at_s": "1"}, "ignite": {"qty": "600", "at_s": "3", "over_s": "2"}, "exit": exit});
    play(&scenario(10, &[whale]), pushes)
}

#[test]
fn a_whale_buys_in_slices_and_sells_out_after_a_drawdown() {
    let played = whale(&json!({"over_s": "2", "drawdown": "0.01"}), &[push(7, -1_300)]);
    // floor(10 / 3), floor(20 / 3), ...: 3, 3, 4. The push goes to 10.04; 1 % below that is 9.9396.
    let bought = [(1, 3, 1_001), (2, 3, 1_001), (3, 4, 1_001)];
    // Half of 610, then the rest.
    let sold = [(8, -100, 993), (8, -200, 992), (8, -5, 991), (9, -195, 991), (9, -110, 990)];
    assert_eq!(played.fills(SPOT, Cause::Whale), [&bought[..], &sold[..]].concat());
    let pushed = [(4, 190, 1_001), (4, 110, 1_002), (5, 90, 1_002), (5, 200, 1_003), (5, 10, 1_004)];
    assert_eq!(played.fills(SPOT, Cause::Ignition), pushed);
    assert_eq!(played.fills(PERP, Cause::Whale), [(2, 100, 1_006), (8, -50, 988), (9, -50, 986)]);
    // 50 x 0.18, then 50 x 0.20 are lost and deposited.
    assert_eq!(played.deposits(VENUE), [(8, 9 * UNIT), (9, 10 * UNIT)]);
    // 190 x 10.01 + 200 x 10.02 + 200 x 10.03 + 10 x 10.04.
    let summary = &played.summary;
    assert_eq!((summary.ignition_qty, summary.ignition_cost), (Lots(600), Quote(6_012_300_000)));
    // When it begins to sell: 100 x (9.93 - 10.06) + 610 x 9.93 - 100.10 - 6012.30.
    assert_eq!(summary.attacker_paper_pnl, Quote(-68_100_000));
    // In the end: -19, and 3026.55 + 3021.45 for what cost 6112.40.
    assert_eq!(summary.attacker_pnl, Quote(-83_400_000));
}

#[test]
fn a_whale_stays_if_the_price_holds() {
    // 9.94 is not 1 % below 10.04.
    let played = whale(&json!({"over_s": "2", "drawdown": "0.01"}), &[push(7, -1_200)]);
    assert_eq!((played.position(VENUE), played.tokens(DESK)), (100, 610));
    // 100 x (9.94 - 10.06) + 610 x 9.94 - 6112.40.
    let summary = &played.summary;
    assert_eq!((summary.attacker_pnl, summary.attacker_paper_pnl), (Quote(-61_000_000), Quote(-61_000_000)));
}

#[test]
fn a_whale_leaves_at_its_time_with_the_legs_it_has() {
    let played = whale(&json!({"at_s": "4", "over_s": "3"}), &[]);
    // Step 5 would have the second slice of the push. A third of 310 and of 100, half of the rest, the rest: rounded up.
    assert_eq!(played.traded(SPOT, Cause::Ignition), [(4, 300)]);
    let sold = [(5, -104), (6, -103), (7, -103)];
    assert_eq!(played.traded(SPOT, Cause::Whale), [&[(1, 3), (2, 3), (3, 4)], &sold[..]].concat());
    assert_eq!(played.traded(PERP, Cause::Whale), [(2, 100), (5, -34), (6, -33), (7, -33)]);
    let at_once = whale(&json!({"at_s": "4"}), &[]);
    assert_eq!(at_once.traded(SPOT, Cause::Whale)[3..], [(5, -310)]);
    assert_eq!(played.summary.ignition_qty, Lots(300));
}

/// 1,000 tokens per unit of price: 10 a tick.
fn stock(terms: &Value) -> Value {
    let mut agent = json!({"kind": "stock_arbitrageur", "name": "stock", "kappa": "1000", "tokens": "20"});
    agent.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    let levels = |levels: Value| json!({"kind": "levels", "levels": levels});
    let mut world = scenario(4, &[agent]);
    world["spot"]["asks"] = levels(json!([["10.01", "1000"], ["10.30", "1000"]]));
    world["spot"]["bids"] = levels(json!([["9.99", "1000"]]));
    world["perp"]["bids"] = levels(json!([["10.11", "60"], ["10.10", "100"]]));
    world["perp"]["asks"] = levels(json!([["10.15", "70"], ["10.16", "500"]]));
    world["market_maker"]["quote"] = Value::Null;
    world
}

#[test]
fn a_stock_arbitrageur_holds_what_the_basis_calls_for_both_ways() {
    let played = play(&stock(&json!({})), &[push(2, 910), offer(2, 500, 1_020)]);
    // 10 x (1011 - 1001) = 100, but 60 stand there; 10 x (1010 - 1001) = 90. Then the hand takes the ask and bids 10.20:
    // 10 x (1015 - 1020) = -50, but 70 stand there; 10 x (1016 - 1020) = -40, but 40 of its 110 tokens are left.
    let perp = [(1, -60, 1_011), (1, -30, 1_010), (2, 70, 1_015), (2, 40, 1_016)];
    assert_eq!(played.fills(PERP, Cause::Arbitrage), perp);
    let spot = [(1, 60, 1_001), (1, 30, 1_001), (2, -70, 1_020), (2, -40, 1_020)];
    assert_eq!(played.fills(SPOT, Cause::Arbitrage), spot);
    assert_eq!((played.position(VENUE), played.tokens(DESK)), (20, 0));
}

#[test]
fn a_stock_arbitrageur_never_rounds_up_what_it_has_to_do() {
    // 1.55 a tick: floor(15.5) short, then ceil(-7.75).
    let played = play(&stock(&json!({"kappa": "155"})), &[push(2, 985), offer(2, 500, 1_020)]);
    assert_eq!(played.fills(PERP, Cause::Arbitrage), [(1, -15, 1_011), (2, 22, 1_015)]);
    assert_eq!(played.fills(SPOT, Cause::Arbitrage), [(1, 15, 1_001), (2, -22, 1_020)]);
}

#[test]
fn a_stock_arbitrageur_goes_no_further_than_its_margin() {
    // 500 at 10.00; with the profit of 5 it is still 50 at 10.01.
    let played = play(&stock(&json!({"capital": "500"})), &[]);
    assert_eq!(played.fills(PERP, Cause::Arbitrage), [(1, -50, 1_011)]);
    assert_eq!(played.fills(SPOT, Cause::Arbitrage), [(1, 50, 1_001)]);
    // It acts in the third and fourth step only.
    let late = play(&stock(&json!({"capital": "500", "from_s": "2"})), &[]);
    assert_eq!(late.fills(PERP, Cause::Arbitrage), [(3, -50, 1_011)]);
}
