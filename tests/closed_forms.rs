//! The engine against formulas it does not know: DESIGN section 7.
//!
//! Spot depth `D` tokens a dollar, `N` tokens of shorts evenly on `[a, b]`, so `rho = N / (b - a)`; hedge ratio `h`,
//! lumps of `q`, ignition `Q`, start `P0`; `Qa = D (a - P0)` tokens bring spot to the edge. Branching ratio `n = h rho / D`.

mod common;

use common::{Setup, money, price, tokens};
use perpcore::engine::{Recorder, Simulation, Stage, Summary};
use perpcore::venue::LiquidationOrder;
use rust_decimal::Decimal;

const DEPTH: f64 = 20_000.0;
const START: f64 = 10.0;
const FROM: f64 = 11.0;
const TO: f64 = 15.0;
const LUMP: f64 = 10.0;
const TICK: f64 = 0.01;

fn thousandths(x: i64) -> Decimal {
    Decimal::new(x, 3)
}

fn exhausted(summary: &Summary) -> bool {
    summary.burnt_qty == summary.named_qty
}

#[track_caller]
fn within(what: &str, measured: f64, expected: f64, tolerance: f64) {
    let off = (measured - expected).abs();
    assert!(off <= tolerance, "{what}: {measured} is {off:.6} from {expected}, more than {tolerance:.6}");
}

/// Ten cliffs of `1 M / trigger` tokens, `h = 0.22`: `P0 + (Q + h sum) / D = 10 + (20,000 + 173,280.8) / 20,000 = 19.664`,
/// on the next cent.
#[test]
fn rocketcoin_ends_at_19_67_after_buying_back_787_640_tokens() {
    let summary = Setup::rocketcoin().run();
    assert_eq!(summary.ignition_cost.0, 210_100_000_000, "{summary:#?}");
    assert_eq!(summary.final_price.0, 19_67, "{summary:#?}");
    assert_eq!(summary.peak_price.0, 19_67, "{summary:#?}");
    assert_eq!(summary.totals.liquidated_qty.0, 787_640, "{summary:#?}");
    assert_eq!(summary.burnt_qty, summary.named_qty, "{summary:#?}");
}

#[test]
fn rocketcoins_market_maker_loses_more_than_the_fund() {
    let summary = Setup::rocketcoin().run();
    let (maker, fund) = (-money(summary.market_maker_pnl), -money(summary.insurance_fund_change));
    within("market maker's loss", maker, 3.8e6, 0.05e6);
    assert!(maker > fund && fund > 0.0, "market maker {maker}, fund {fund}");
    assert!(!summary.market_maker_liquidated, "{summary:#?}");
}

/// A cliff of `C = 90,910` at `a`, then an even ladder: `a + (Q + h C - Qa) / (D (1 - n)) = 13.353` with
/// `n = 0.22 x 52,272.5 / 20,000 = 0.575`.
#[test]
fn reading_300k_stalls_at_13_36() {
    let summary = Setup::reading_300k().run();
    let n = 0.22 * (209_090.0 / (TO - FROM)) / DEPTH;
    let continuous = FROM + 0.22 * 90_910.0 / (DEPTH * (1.0 - n));
    within("the continuous figure", continuous, 13.353, 0.001);
    within("last trade", price(summary.final_price), 13.36, 0.01 + 1e-9);
    assert!(!exhausted(&summary), "{summary:#?}");
}

/// The batch at 11.00 is bankrupt at `11.00 x 1.01 = 11.11` and is bought back at the mark, 11.00; its hedge,
/// `0.22 x 90,910` tokens, lifts spot to 12.00. There the batches of 11.40 and 11.80 fall due, bankrupt at 11.514 and
/// 11.918: limits below a book that is quoted from 12.00 up. Nothing fills, so the market maker sells nothing and hedges
/// nothing; the fund takes the positions over, and spot stays.
#[test]
fn liquidation_limited_at_bankruptcy_stops_rocketcoin_near_12() {
    let summary = Setup::rocketcoin().with(|s| s.venue.liquidation_order = LiquidationOrder::LimitAtBankruptcy).run();
    within("last trade", price(summary.final_price), 12.0, 0.05);
    assert_eq!(summary.totals.liquidated_accounts, 9_091 + 8_772 + 8_475, "{summary:#?}");
    assert_eq!(summary.totals.taken_over_qty.0, 87_720 + 84_750, "{summary:#?}");
}

/// Fixed point: with `Q > Qa` and `n < 1` the price ends at `a + (Q - Qa) / (D (1 - n))`, where that is within `b`. Beyond
/// `b`, and always with `n > 1`, the ladder is exhausted, and all that was bought is `Q + h N`: the price ends at
/// `P0 + (Q + h N) / D`. Tolerance: one tick and `2 h q / (D |1 - n|)`.
#[test]
fn the_last_price_is_the_fixed_point_for_every_hedge_ratio_and_push() {
    let (size, edge) = (300_000.0, DEPTH * (FROM - START));
    let mut seen = [0; 3];
    for h in [50, 100, 150, 200, 230, 250, 300, 350, 450, 600] {
        for push in [20_050, 20_200, 20_500, 22_000, 26_000, 36_000] {
            let (share, ignition) = (f64::from(h) / 1e3, f64::from(push));
            let n = share * size / (TO - FROM) / DEPTH;
            let stall = FROM + (ignition - edge) / (DEPTH * (1.0 - n));
            let stalls = n < 1.0 && stall <= TO;
            let expected = if stalls { stall } else { START + (ignition + share * size) / DEPTH };
            let tolerance = TICK + 2.0 * share * LUMP / (DEPTH * (1.0 - n).abs());

            let summary = Setup::evenly(300_000).hedging(thousandths(h.into())).igniting(push.into()).run();
            let what = format!("h {share}, Q {push}, n {n:.4}, burnt {} of {size}", tokens(summary.burnt_qty));
            within(&what, price(summary.final_price), expected, tolerance + 1e-9);
            assert_eq!(exhausted(&summary), !stalls, "{what}: exhausted");
            seen[if stalls { 0 } else { 1 + usize::from(n > 1.0) }] += 1;
        }
    }
    assert!(seen.iter().all(|&n| n >= 5) && seen.iter().sum::<i32>() >= 36, "stalls, beyond b, n > 1: {seen:?}");
}

/// The least hedge ratio in thousandths that exhausts the ladder, by bisection.
fn transition(setup: &Setup, mut stalls: i64, mut exhausts: i64) -> i64 {
    let burns = |h| exhausted(&setup.clone().hedging(thousandths(h)).run());
    assert!(!burns(stalls) && burns(exhausts), "no transition between {stalls} and {exhausts} thousandths");
    while exhausts - stalls > 1 {
        let middle = i64::midpoint(stalls, exhausts);
        *(if burns(middle) { &mut exhausts } else { &mut stalls }) = middle;
    }
    exhausts
}

/// The stall reaches `b` at `n = 1 - (Q - Qa) / (D (b - a)) = 0.9975`, so at `h = 0.9975 D / rho`: 0.266 and 0.1037.
#[test]
fn the_sweep_of_the_hedge_ratio_turns_from_stall_to_exhaustion_where_the_formula_says() {
    for (size, expected) in [(300_000, 267), (769_230, 104)] {
        let h = transition(&Setup::evenly(size).igniting(20_200), 1, 1_000);
        assert!((h - expected).abs() <= 5, "{size} tokens: exhausted from h = {h} thousandths, not {expected}");
    }
}

/// A run that exhausts 300,000 tokens with `h = 1`, pushed just over the edge: what the fund loses, and its rounds.
fn fund_loss(per_round: Option<i64>) -> (f64, Vec<Stage>) {
    let setup = Setup::evenly(300_000).hedging(Decimal::ONE).igniting(20_010).with(|s| {
        s.venue.liquidations_per_round = per_round;
        s.venue.max_rounds = 1_000_000;
        s.venue.insurance_fund = Decimal::from(10_000_000);
        s.market_maker.capital = Decimal::from(100_000_000);
    });
    let world = setup.world();
    let mut simulation = Simulation::new(&world, 0, 0, Recorder::default()).unwrap();
    let reason = simulation.run().unwrap();
    let summary = simulation.summary(reason).unwrap();
    assert!(exhausted(&summary) && !summary.market_maker_liquidated, "{summary:#?}");
    assert_eq!(summary.totals.venue_loss.0, 0, "{summary:#?}");
    (-money(summary.insurance_fund_change), simulation.into_trace().stages)
}

/// Fund's loss in trigger order, one lump a round: the x-th token fills at `a + h x / D` and is bankrupt at
/// `(a + x / rho)(1 + mu)`; the difference summed over `N` is `(h/D - (1+mu)/rho) N^2/2 - mu a N = 1,611,000`. Cent ticks,
/// lumps of ten and the push of ten tokens beyond the edge make it 1,612,500.
#[test]
fn the_fund_loses_what_the_formula_says_when_one_lump_goes_a_round() {
    let (size, mu) = (300_000.0_f64, 0.01);
    let rho = size / (TO - FROM);
    let formula = (1.0 / DEPTH - (1.0 + mu) / rho) * size.powi(2) / 2.0 - mu * FROM * size;
    within("the formula", formula, 1_611_000.0, 1.0);
    within("the fund's loss", fund_loss(Some(1)).0, 1_612_500.0, 0.005 * 1_612_500.0);
}

/// With all that is due in one round, a slice of `S_k` tokens is bought back at one mark, before any of its own hedges
/// have moved spot: `h S_k / (2 D)` a token cheaper, on average, than one by one. The fund is spared `sum h S_k^2 / (2 D)`,
/// and the market maker, who sold at the mark and hedges above it, pays that. Slices grow by `n = 3.75` a round, so it is
/// half of the loss.
#[test]
fn the_fund_loses_half_of_that_when_all_that_is_due_goes_at_once() {
    let (loss, stages) = fund_loss(None);
    within("the fund's loss", loss, 773_000.0, 0.005 * 773_000.0);
    let spared: f64 = stages.iter().map(|stage| tokens(stage.liquidated_qty).powi(2) / (2.0 * DEPTH)).sum();
    within("with what it was spared", loss + spared, 1_612_500.0, 0.005 * 1_612_500.0);
}
