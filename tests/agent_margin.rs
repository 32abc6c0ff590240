//! What agents may trade, how the venue closes them, what their tokens are worth to it, and what unlocks: worked out by hand
//! from `docs/AGENTS.md`.

#[path = "common/driven.rs"]
mod driven;

use driven::{SEED, Sent, UNIT, play, poisson, push, scenario, word, world};
use perpcore::engine::{Refusal, Simulation, SubmitError};
use perpcore::event::{Cause, Market};
use perpcore::ids::AccountId;
use perpcore::units::{Lots, Quote, Side};
use serde_json::{Value, json};

const PERP: Market = Market::Perp;
const SPOT: Market = Market::Spot;
const VENUE: AccountId = AccountId(10);
const DESK: AccountId = AccountId(11);

/// A user beside the hand.
fn bot(terms: &Value) -> Value {
    let mut bot = json!({"kind": "external", "name": "bot"});
    bot.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    bot
}

fn order(step: u64, market: Market, qty: i64, price: Option<i64>) -> Sent {
    Sent { step, agent: 1, market, qty, price }
}

/// What the bot is told of an order in the first step, after those that are allowed.
fn refusal(scenario: &Value, before: &[Sent], refused: Sent) -> Refusal {
    let mut run = Simulation::new(&world(scenario), SEED, 0, ()).unwrap();
    run.begin_time().unwrap();
    run.open_step().unwrap();
    while run.act().unwrap() != Some(1) {}
    for sent in before {
        run.submit(1, sent.submission()).unwrap();
    }
    match run.submit(1, refused.submission()) {
        Err(SubmitError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_is_cut_to_leverage_and_tier_but_not_what_closes() {
    let whale = json!({"kind": "whale", "name": "whale", "capital": "1000", "leverage": "5",
        "longs": {"qty": "2000", "at_s": "0", "over_s": "2"}, "exit": {"at_s": "2"}});
    let mut written = scenario(4, &[whale]);
    let one_tier = play(&written, &[]);
    // 1000 x 5 / 10 = 500 of 1,000. Then (1000 - 500 x 0.05) x 5 / 10 = 487: nothing more.
    assert_eq!(one_tier.fills(PERP, Cause::Whale), [(1, 500, 1_005), (3, -500, 995)]);
    // 500 are worth 5,000, where 3 is the most: 300 of that tier would be in it, but it begins at 4,000; 399 are below it.
    let mut tiers = json!([{"min_notional": "0", "maintenance_rate": "0.01", "max_leverage": "200"},
        {"min_notional": "4000", "maintenance_rate": "0.02", "max_leverage": "3"}]);
    written["venue"]["tiers"] = tiers.clone();
    let played = play(&written, &[]);
    assert_eq!(played.fills(PERP, Cause::Whale), [(1, 399, 1_005), (3, -399, 995)]);
    assert_eq!(played.cash(VENUE), Quote(960_100_000));
    assert_eq!(played.deposits(VENUE), []);
    // From 2,500 on, 300 are in it.
    tiers[1]["min_notional"] = json!("2500");
    written["venue"]["tiers"] = tiers;
    assert_eq!(play(&written, &[]).fills(PERP, Cause::Whale), [(1, 300, 1_005), (3, -300, 995)]);
}

#[test]
fn what_rests_reserves_margin() {
    let written = scenario(4, &[bot(&json!({"capital": "1000", "leverage": "5"}))]);
    let allowed = |lots| Refusal::Margin { allowed: Lots(lots) };
    let bids = [order(1, PERP, 300, Some(990)), order(1, PERP, 150, Some(980))];
    // 1000 x 5 / 10 = 500, of which bids for 450 are out: 50 more to buy, at whatever price, and 500 to sell.
    assert_eq!(refusal(&written, &bids, order(1, PERP, 51, Some(970))), allowed(50));
    assert_eq!(refusal(&written, &bids, order(1, PERP, 51, None)), allowed(50));
    assert_eq!(refusal(&written, &bids, order(1, PERP, -501, None)), allowed(500));
    // 200 short at 9.95, (1000 - 10) x 5 / 10 = 495: 695 to buy, less 450.
    let short = [&bids[..], &[order(1, PERP, -200, None)]].concat();
    assert_eq!(refusal(&written, &short, order(1, PERP, 246, None)), allowed(245));
    // 200 are filled at 9.97 and offer no more: (1000 + 6) x 5 / 10 = 503, less 200 and the 100 that are left.
    let hit = Sent { agent: 0, ..order(2, PERP, -200, None) };
    let played = play(&written, &[order(1, PERP, 300, Some(997)), hit, order(3, PERP, 203, Some(900))]);
    assert_eq!((played.position(VENUE), played.run.offered(1, PERP, Side::Buy)), (200, Lots(303)));
}

#[test]
fn noise_offers_no_more_than_its_margin_allows() {
    let noise = json!({"kind": "noise", "name": "noise", "market": "perp", "rate_per_s": "0", "qty": "40",
        "limit_rate_per_s": "20", "limit_gap": "0.04", "lifetime_s": "10", "capital": "1000", "leverage": "1"});
    let played = driven::watch(&scenario(6, &[noise]), &[], |run| {
        for side in [Side::Buy, Side::Sell] {
            // 1000 / 10 = 100: two of 40 and one of 20 rest in every step.
            assert_eq!(run.offered(1, PERP, side), Lots(100));
        }
    });
    assert_eq!(played.position(VENUE), 0);
}

#[test]
fn under_stress_an_order_is_cut_to_what_the_venue_asks_for_then() {
    let whale = json!({"kind": "whale", "name": "whale", "capital": "1000", "leverage": "100",
        "longs": {"qty": "20000", "at_s": "1"}});
    let mut written = scenario(2, &[whale]);
    let bought = |written: &Value| play(written, &[push(1, 20_000)]).fills(PERP, Cause::Whale);
    // 11.00: 1000 x 100 / 11; with a largest leverage of 200 / 5 only 1000 x 40 / 11.
    assert_eq!(bought(&written), [(2, 9_090, 1_105)]);
    written["venue"]["stress_margin"] = json!({"move": "0.1", "window_s": "1", "factor": "5"});
    assert_eq!(bought(&written), [(2, 3_636, 1_105)]);
}

#[test]
fn a_debt_without_a_position_is_a_deficit() {
    let mut written = scenario(2, &[bot(&json!({"capital": "1000", "leverage": "100"}))]);
    written["market_maker"]["quote"]["half_spread"] = json!("0.5");
    let sent = [order(1, PERP, 10_000, None), order(1, PERP, -10_000, None)];
    let played = play(&written, &sent);
    // In at 10.50, out at 9.50: 10,000 lost of 1,000, before anybody looks at thresholds.
    let totals = &played.summary.totals;
    assert_eq!((totals.bad_debt, totals.paid_by_fund), (Quote(9_000 * UNIT), Quote(9_000 * UNIT)));
    assert_eq!((played.cash(VENUE), played.run.trace().liquidations.len()), (Quote::ZERO, 0));
    // Who is financed gets what it lacks.
    written["agents"][1] = bot(&json!({}));
    let played = play(&written, &sent);
    assert_eq!(played.summary.totals.bad_debt, Quote::ZERO);
    assert_eq!(played.deposits(VENUE), [(1, 10_000 * UNIT)]);
}

#[test]
fn a_user_is_told_how_much_is_allowed() {
    let written = scenario(2, &[bot(&json!({"capital": "1000", "leverage": "5", "tokens": "30"}))]);
    let allowed = |lots| Refusal::Margin { allowed: Lots(lots) };
    assert_eq!(refusal(&written, &[], order(1, PERP, 501, None)), allowed(500));
    // 200 long at 10.05: (1000 - 10) x 5 / 10 = 495 either way; 295 more, or 200 to close and 495 short.
    let long = [order(1, PERP, 200, None)];
    assert_eq!(refusal(&written, &long, order(1, PERP, 296, None)), allowed(295));
    assert_eq!(refusal(&written, &long, order(1, PERP, -696, None)), allowed(695));
    let resting = [order(1, SPOT, -20, Some(1_050))];
    let lacks = Refusal::Tokens { sellable: Lots(10) };
    assert_eq!(refusal(&written, &resting, order(1, SPOT, -11, None)), lacks);
}

#[test]
fn an_agent_is_liquidated_whole_loses_its_orders_there_and_may_trade_again() {
    let mut written = scenario(4, &[bot(&json!({"capital": "1000", "leverage": "10"}))]);
    // Others would be closed by shares.
    written["venue"]["liquidation_size"] = json!({"kind": "share", "share": "0.4"});
    written["venue"]["leftover"] = json!("trader");
    let sent = [
        order(1, PERP, -500, None),
        order(1, PERP, 50, Some(980)),
        order(1, SPOT, 100, Some(950)),
        push(2, 36_800),
        order(3, PERP, 20, None),
    ];
    let played = play(&written, &sent);
    // 1000 + 500 x 9.95 = 5975 = 5.05 m: 11.84, where the push ends. Bought at 11.89.
    let rows = &played.run.trace().liquidations;
    assert_eq!(rows.len(), 1);
    let row = rows[0].1;
    assert_eq!((row.account, row.position, row.threshold.0), (VENUE, Lots(-500), 1_184));
    assert_eq!(
        (row.filled_qty, row.filled_value, row.margin),
        (Lots(500), Quote(5_945 * UNIT), Quote(1_000 * UNIT))
    );
    // 5975 - 5945 are left, with which (25 at a leverage of 10) it may trade again.
    assert_eq!((played.position(VENUE), played.cash(VENUE)), (20, Quote(30 * UNIT)));
    let [perp, spot] = [1, 2].map(|i| played.answers[i].resting.unwrap().id);
    assert!(played.run.perp().order(perp).is_none() && played.run.spot().order(spot).is_some());
}

/// 510 long at 10.05 with 100 of money and 1,000 tokens, of which half counts.
fn on_tokens(spot_margin: &str) -> Value {
    let mut written = scenario(3, &[bot(&json!({"capital": "100", "tokens": "1000"}))]);
    written["venue"]["spot_margin"] = json!(spot_margin);
    written["spot"]["taker_fee"] = json!("0.001");
    written
}

#[test]
fn tokens_stand_behind_a_position_and_are_sold_for_what_it_lacks() {
    let written = on_tokens("0.5");
    // 100 + 1000 x 10 / 2 = 5100.
    let told = refusal(&written, &[], order(1, PERP, 511, None));
    assert_eq!(told, Refusal::Margin { allowed: Lots(510) });
    let told = refusal(&on_tokens("0"), &[], order(1, PERP, 11, None));
    assert_eq!(told, Refusal::Margin { allowed: Lots(10) });
    let played = play(&written, &[order(1, PERP, 510, None), push(2, -100_000)]);
    // 100 + 5 m + 5.1 m - 5125.5 = 0.051 m: 5025.5 / 10.049 = 500.1. It is liquidated at 5.00, closed at 4.95.
    let row = played.run.trace().liquidations[0].1;
    assert_eq!((row.account, row.position, row.threshold.0), (VENUE, Lots(510), 500));
    // 100 - 5125.5 + 2524.5 = -2501: at 4.99 that is 502 tokens. They bring 2500.94 less 2.50094, so 2.56094 are missing:
    // one more, for 4.97 less 0.00497.
    let sold = [(2, -200, 499), (2, -200, 498), (2, -102, 497), (2, -1, 497)];
    assert_eq!(played.fills(SPOT, Cause::Collateral), sold);
    assert_eq!((played.position(VENUE), played.cash(VENUE)), (0, Quote::ZERO));
    assert_eq!((played.tokens(DESK), played.cash(DESK)), (497, Quote(2_404_090)));
    assert_eq!((row.deficit, played.summary.totals.bad_debt), (Quote::ZERO, Quote::ZERO));
}

#[test]
fn what_tokens_do_not_cover_is_a_deficit() {
    let mut written = on_tokens("0.5");
    // Nobody buys below 5.00 but 40 at 4.00.
    let mut bids: Vec<Value> =
        (500..1_000).rev().map(|tick| json!([format!("{}.{:02}", tick / 100, tick % 100), "200"])).collect();
    bids.push(json!(["4.00", "40"]));
    written["spot"]["bids"] = json!({"kind": "levels", "levels": bids});
    let played = play(&written, &[order(1, PERP, 510, None), push(2, -100_000)]);
    assert_eq!(played.fills(SPOT, Cause::Collateral), [(2, -40, 400)]);
    // 2501 - 160 + 0.16.
    let row = played.run.trace().liquidations[0].1;
    assert_eq!((row.deficit, row.paid_by_fund), (Quote(2_341_160_000), Quote(2_341_160_000)));
    assert_eq!((played.cash(VENUE), played.cash(DESK), played.tokens(DESK)), (Quote::ZERO, Quote::ZERO, 960));
}

#[test]
fn unlocks_add_to_what_holders_offer_and_so_does_what_they_buy() {
    let mut written = scenario(7, &[]);
    written["circulating"] = json!("150");
    written["agents"][0]["tokens"] = json!("0");
    (written["spot"]["asks"], written["spot"]["bids"]) = (Value::Null, Value::Null);
    written["spot"]["quote"] = json!({"side": "both", "half_spread": "0.01", "level_qty": "100"});
    written["unlocks"] = json!([{"at_s": "3", "qty": "80"}]);
    let buys =
        [push(1, 100), push(2, 100), push(3, 100), push(4, 100), push(5, 100), push(6, -30), push(7, 100)];
    let played = play(&written, &buys);
    let filled: Vec<_> = played.answers.iter().map(|answer| answer.filled.0).collect();
    // 100 of 150 stand there, then 50. What unlocks in step 4 is quoted in its first round, behind the hand.
    assert_eq!(filled, [100, 50, 0, 0, 80, 30, 30]);
    let circulating: Vec<_> = played.run.trace().series.iter().map(|row| row.circulating.0).collect();
    assert_eq!(circulating, [150, 150, 150, 150, 230, 230, 230, 230]);
    assert_eq!((played.tokens(AccountId::HOLDERS), played.tokens(AccountId(9))), (0, 230));
    assert_eq!(played.summary.final_circulating, Lots(230));
}

#[test]
fn agents_stand_still_in_the_perpetual_while_it_is_halted() {
    let noise = json!({"kind": "noise", "name": "noise", "market": "perp", "rate_per_s": "6", "qty": "1",
        "limit_rate_per_s": "6", "limit_gap": "0.04"});
    let crowd = json!({"kind": "short_crowd", "name": "crowd", "rate_per_s": "6", "qty": "1"});
    let mut written = scenario(6, &[noise, crowd]);
    written["venue"]["halt"] = json!({"move": "0.1", "window_s": "1", "pause_s": "2"});
    let mut posted = Vec::new();
    // 10 % in step 2: halted to the end of step 4.
    let played = driven::watch(&written, &[push(2, 20_000)], |run| {
        let all = [Side::Buy, Side::Sell].map(|side| driven::levels(run, PERP, side));
        posted.push(all.concat().iter().map(|level| level.1 % 10_000_000).sum::<i64>() > 0);
    });
    assert_eq!(posted, [true, true, false, false, true, true]);
    for (agent, cause, sign) in [(1, Cause::Noise, None), (2, Cause::Crowd, Some(-1))] {
        let mut lots = [0; 6];
        for (step, qty, _) in played.fills(PERP, cause) {
            assert!(sign.is_none_or(|sign| sign == qty.signum()));
            lots[usize::try_from(step).unwrap() - 1] += qty.abs();
        }
        let come = |step| i64::try_from(poisson(6.0, word(agent, step, 0))).unwrap();
        let expected = [1, 2, 3, 4, 5, 6].map(|step| if step == 3 || step == 4 { 0 } else { come(step) });
        assert_eq!(lots, expected, "{cause:?}");
    }
}
