//! Accounts of a crowd that close when their time is over, worked out by hand from `docs/AGENTS.md` section 3.

#[path = "common/driven.rs"]
mod driven;

use driven::{Played, Sent, UNIT, lots, play, poisson, push, scenario, standing_perp, uniform, word};
use perpcore::event::{Cause, Market};
use perpcore::ids::AccountId;
use perpcore::units::Quote;
use serde_json::{Value, json};

const PERP: Market = Market::Perp;
const CROWD: u64 = 1;
/// The first account of the crowd.
const FIRST: u32 = 12;

fn crowd(terms: &Value) -> Value {
    let mut crowd = json!({"kind": "short_crowd", "name": "crowd", "rate_per_s": "6", "leverage": "10",
        "qty": {"dist": "uniform", "low": "50", "high": "250"}});
    crowd.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    crowd
}

/// Step, lots and second word of everybody who comes in so many steps, as all of them open.
fn comers(steps: u64) -> Vec<(u64, i64, u64)> {
    let step = |step| {
        let words = (0..poisson(6.0, word(CROWD, step, 0))).map(|j| 4 + 2 * j);
        let both = words.map(move |n| (word(CROWD, step, n), word(CROWD, step, n + 1)));
        both.map(move |(u, v)| (step, lots(50.0, 250.0, u), v))
    };
    (1..=steps).flat_map(step).collect()
}

/// The fills of a calm market: who is due buys at 10.05, then who comes sells at 9.95.
fn calm(steps: u64, hold: impl Fn(u64) -> u64) -> Vec<(u64, i64, i64)> {
    let (all, mut fills) = (comers(steps), Vec::new());
    for step in 1..=steps {
        let due = all.iter().filter(|(from, _, v)| from + hold(*v) == step);
        fills.extend(due.map(|&(_, qty, _)| (step, qty, 1_005)));
        let new = all.iter().filter(|(from, ..)| *from == step);
        fills.extend(new.map(|&(_, qty, _)| (step, -qty, 995)));
    }
    fills
}

fn margin(played: &Played, account: u32) -> Quote {
    played.run.positions()[AccountId(account).index()].margin
}

#[test]
fn what_was_held_for_its_time_is_bought_back_before_anybody_comes() {
    // A second and a half are two steps.
    let played = play(&scenario(6, &[crowd(&json!({"hold_s": "1.5"}))]), &[]);
    assert_eq!(played.fills(PERP, Cause::Crowd), calm(6, |_| 2));
    let mut closed = 0;
    for (account, (step, qty, _)) in (FIRST..).zip(comers(6)) {
        // A tenth of what it sold at 9.95 for, less 0.10 a token once it has bought.
        let (position, cash) = if step <= 4 { (0, 895_000) } else { (-qty, 995_000) };
        assert_eq!(played.position(AccountId(account)), position, "{account} of step {step}");
        assert_eq!(played.cash(AccountId(account)), Quote(qty * cash), "{account} of step {step}");
        closed += u32::from(step <= 4);
    }
    assert!(closed > 10, "{closed} closed");
    assert_eq!((played.summary.totals.bad_debt, played.run.trace().liquidations.len()), (Quote::ZERO, 0));
}

#[test]
fn each_has_the_time_that_its_word_draws() {
    let law = json!({"dist": "uniform", "low": "0.5", "high": "4.5"});
    let played = play(&scenario(8, &[crowd(&json!({"hold_s": law}))]), &[]);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // The twelve bits behind those that draw a leverage.
    let hold = |v: u64| uniform(0.5, 4.5, v << 12).ceil() as u64;
    let times: Vec<u64> = comers(8).iter().map(|(.., v)| hold(*v)).collect();
    assert!((1..=5).all(|steps| times.contains(&steps)), "{times:?}");
    assert_eq!(played.fills(PERP, Cause::Crowd), calm(8, hold));
}

#[test]
fn who_has_left_is_not_liquidated_and_who_was_liquidated_does_not_leave() {
    // At 15.00 in step 5 all of the shorts of steps 4 and 5 are gone; those of step 3 have just left.
    let played = play(&scenario(6, &[crowd(&json!({"hold_s": "2"}))]), &[push(5, 100_000)]);
    let all = comers(6);
    let of = |steps: &[u64]| all.iter().filter(|(step, ..)| steps.contains(step)).count();
    assert!(of(&[3]) > 0 && of(&[4]) > 0 && of(&[5]) > 0);
    assert_eq!(played.run.trace().liquidations.len(), of(&[4, 5]));
    let last = played.traded(PERP, Cause::Crowd).pop();
    let new: i64 = all.iter().filter(|(step, ..)| *step == 6).map(|(_, qty, _)| -qty).sum();
    assert_eq!(last, Some((6, new)));
}

/// Four shorts of 100 in step 1, a book that has nothing but these asks.
fn four(hold_s: &str, asks: &Value) -> Value {
    let terms = json!({"rate_per_s": "30", "qty": "100", "max_accounts": 4, "hold_s": hold_s});
    let mut world = scenario(5, &[crowd(&terms)]);
    standing_perp(&mut world);
    world["perp"]["asks"] = json!({"kind": "levels", "levels": asks});
    world
}

#[test]
fn what_is_not_filled_stays_due_the_lowest_number_first() {
    let offer = Sent { step: 4, agent: 0, market: PERP, qty: -120, price: Some(1_010) };
    let played = play(&four("1", &json!([["10.05", "250"]])), &[offer]);
    let fills = played.fills(PERP, Cause::Crowd);
    let bought: Vec<_> = fills.into_iter().filter(|(_, qty, _)| *qty > 0).collect();
    assert_eq!(bought, [(2, 100, 1_005), (2, 100, 1_005), (2, 50, 1_005), (4, 50, 1_010), (4, 70, 1_010)]);
    assert_eq!([12, 13, 14, 15].map(|account| played.position(AccountId(account))), [0, 0, 0, -30]);
    // 9.95 a token over ten for the 30; of the 70, 0.15 a token was lost.
    assert_eq!(margin(&played, 15), Quote(30 * 995_000));
    assert_eq!(played.cash(AccountId(15)), Quote(100 * 995_000 - 70 * 150_000));
}

#[test]
fn a_loss_beyond_the_margin_is_a_deficit_of_the_round_and_no_liquidation() {
    let played = play(&four("1", &json!([["10.05", "350"], ["30", "1000000"]])), &[]);
    // The fourth buys 50 at 10.05 and 50 at 30.00: 5 and 1,002.50 lost, 99.50 were there.
    let deficit = Quote(908 * UNIT);
    assert_eq!(played.summary.totals.bad_debt, deficit);
    assert_eq!(
        (played.summary.totals.paid_by_fund, played.summary.totals.venue_loss),
        (deficit, Quote::ZERO)
    );
    let stages = &played.run.trace().stages;
    let due: Vec<_> = stages.iter().filter(|stage| stage.bad_debt != Quote::ZERO).collect();
    assert_eq!(due.iter().map(|stage| (stage.clock, stage.bad_debt)).collect::<Vec<_>>(), [(2, deficit)]);
    assert_eq!(due[0].insurance_fund, Quote((1_000_000 - 908) * UNIT));
    assert_eq!((played.cash(AccountId(15)), played.position(AccountId(15))), (Quote::ZERO, 0));
    assert_eq!(played.run.trace().liquidations.len(), 0);
}

#[test]
fn nobody_leaves_while_the_perpetual_is_halted() {
    let terms = json!({"rate_per_s": "30", "qty": "100", "max_accounts": 3, "hold_s": "3"});
    let mut world = scenario(8, &[crowd(&terms)]);
    world["venue"]["halt"] = json!({"move": "0.01", "window_s": "1", "pause_s": "2"});
    // 10.20 in step 3: halted to the end of step 5. They are due in step 4.
    let played = play(&world, &[push(3, 4_000)]);
    let fills = played.fills(PERP, Cause::Crowd);
    assert_eq!(fills, [[(1, -100, 995); 3], [(6, 100, 1_025); 3]].concat());
}

#[test]
fn nobody_leaves_once_the_crowd_acts_no_more() {
    let terms = json!({"rate_per_s": "30", "qty": "100", "max_accounts": 3, "hold_s": "3", "until_s": "2"});
    let played = play(&scenario(8, &[crowd(&terms)]), &[]);
    assert_eq!(played.fills(PERP, Cause::Crowd), [(1, -100, 995); 3]);
}
