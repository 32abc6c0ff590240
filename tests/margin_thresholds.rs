//! `margin::threshold` is the first tick at which a position is due, `bankruptcy_price` the last at which it closes without
//! a deficit: against predicates that know no closed form.

use perpcore::margin::{
    Contract, MarginTiers, Position, Trigger, bankruptcy_price, bankruptcy_value, threshold,
};
use perpcore::units::{Lots, Quote, Rate, Ticks};
use proptest::prelude::*;

const ONE: i128 = 1_000_000_000;

/// A position in one market under one venue's rules.
#[derive(Clone, Debug)]
struct Case {
    position: Position,
    margin: i64,
    scale: i64,
    brackets: Vec<(i64, i64)>,
    trigger: Trigger,
}

impl Case {
    fn contract(&self) -> Contract {
        Contract::linear(self.scale)
    }

    fn tiers(&self) -> MarginTiers {
        let brackets: Vec<_> =
            self.brackets.iter().map(|&(floor, rate)| (Quote(floor), Rate(rate), 1)).collect();
        MarginTiers::new(&brackets)
    }

    fn threshold(&self) -> Option<i64> {
        let found =
            threshold(&self.position, Quote(self.margin), self.contract(), &self.tiers(), self.trigger);
        found.unwrap().map(|tick| tick.0)
    }

    fn value(&self, tick: i64) -> i128 {
        i128::from(tick) * i128::from(self.position.qty.0) * i128::from(self.scale)
    }

    /// Equity at a tick against maintenance, slice by slice at each bracket's own rate, the sum rounded up.
    fn due(&self, tick: i64) -> bool {
        let notional = self.value(tick).abs();
        let ends = self.brackets.iter().skip(1).map(|b| i128::from(b.0)).chain([i128::MAX]);
        let slices = self.brackets.iter().zip(ends);
        let exact: i128 =
            slices.map(|(b, end)| (notional.min(end) - i128::from(b.0)).max(0) * i128::from(b.1)).sum();
        let maintenance = (exact + ONE - 1).div_euclid(ONE);
        let equity = i128::from(self.margin) + self.value(tick) - i128::from(self.position.cost.0);
        match self.trigger {
            Trigger::AtOrBelow => equity <= maintenance,
            Trigger::Below => equity < maintenance,
        }
    }

    /// One tick deeper into loss is +1 for a short, -1 for a long.
    fn way(&self) -> i64 {
        -self.position.qty.0.signum()
    }
}

/// Lots up to `lots`, prices up to `ticks`; the cost is not on the tick, the margin may be anything up to twice the cost,
/// and, as a cross account's balance may, below zero.
fn case(lots: i64, ticks: i64) -> impl Strategy<Value = Case> {
    let scale = prop_oneof![Just(1_i64), Just(7), Just(100), Just(10_000)];
    let rates = prop::collection::vec(0..300_000_000_i64, 1..5);
    let gaps = prop::collection::vec(0.0..1.0_f64, 4);
    let size = (1..=lots, any::<bool>(), 1..=ticks, scale);
    let margins = prop_oneof![4 => 0.0..0.3_f64, 1 => 0.3..2.0_f64, 1 => -1.5..0.0_f64];
    let trigger = prop_oneof![Just(Trigger::AtOrBelow), Just(Trigger::Below)];
    (size, -3..4_i64, margins, rates, gaps, trigger).prop_map(
        |(size, off, margin, mut rates, gaps, trigger)| {
            let (qty, long, entry, scale) = size;
            let value = qty * entry * scale;
            let sign = if long { 1 } else { -1 };
            let part = |x: f64| {
                #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
                let part = (value as f64 * x) as i64;
                part
            };
            rates.sort_unstable();
            let mut floor = 0;
            let mut brackets = Vec::new();
            for (rate, gap) in rates.into_iter().zip(gaps) {
                brackets.push((floor, rate));
                floor += 1 + part(gap);
            }
            let position =
                Position { qty: Lots(sign * qty), cost: Quote(sign * value + off), margin: Quote(0) };
            Case { position, margin: part(margin), scale, brackets, trigger }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_threshold_is_the_first_due_tick_of_a_scan(case in case(9, 60)) {
        let ticks = 1..=2_000;
        let first = if case.way() > 0 {
            ticks.clone().find(|&t| case.due(t))
        } else {
            ticks.clone().rev().find(|&t| case.due(t))
        };
        prop_assert_eq!(case.threshold(), first);
        // Beyond it all ticks are due, before it none.
        for t in ticks {
            let beyond = first.is_some_and(|first| (t - first) * case.way() >= 0);
            prop_assert_eq!(case.due(t), beyond, "at {}", t);
        }
    }

    #[test]
    fn a_large_position_is_due_at_its_threshold_and_beyond_and_not_before(
        case in case(1_000_000_000, 100_000),
        away in prop::collection::vec(1_i64..1_000_000, 8),
    ) {
        let Some(tick) = case.threshold() else {
            prop_assert!(case.way() < 0 && !case.due(1), "no threshold, but due at one tick");
            return Ok(());
        };
        prop_assert!(tick >= 1 && case.due(tick), "not due at its threshold {}", tick);
        for away in away.into_iter().chain([1]) {
            let (beyond, before) = (tick + case.way() * away, tick - case.way() * away);
            prop_assert!(beyond < 1 || case.due(beyond), "not due at {}, beyond {}", beyond, tick);
            prop_assert!(before < 1 || !case.due(before), "due at {}, before {}", before, tick);
        }
    }

    #[test]
    fn the_strict_trigger_needs_one_step_less_of_equity(case in case(50, 500)) {
        let strict = Case { trigger: Trigger::Below, ..case.clone() };
        let richer = Case { trigger: Trigger::AtOrBelow, margin: case.margin + 1, ..case };
        prop_assert_eq!(strict.threshold(), richer.threshold());
    }

    #[test]
    fn maintenance_is_marginal_and_rounded_up(case in case(1_000_000, 100_000), tick in 1_i64..200_000) {
        let notional = Quote(i64::try_from(case.value(tick).abs()).unwrap());
        let tiers = case.tiers();
        let kept = tiers.maintenance(notional).unwrap();
        // With equity just at it `<=` is met; with equity one step more it is not, nor is `<` with equity just at it.
        let at = |equity: i64, trigger| {
            let cost = Quote(i64::try_from(case.value(tick)).unwrap());
            Case { position: Position { cost, ..case.position }, margin: equity, trigger, ..case.clone() }.due(tick)
        };
        prop_assert!(at(kept.0, Trigger::AtOrBelow) && !at(kept.0 + 1, Trigger::AtOrBelow));
        prop_assert!(!at(kept.0, Trigger::Below) && at(kept.0 - 1, Trigger::Below));
    }

    #[test]
    fn a_notional_at_a_brackets_floor_is_in_that_bracket(case in case(1_000, 1_000)) {
        let tiers = case.tiers();
        for (i, &(floor, _)) in case.brackets.iter().enumerate() {
            prop_assert_eq!(tiers.at(Quote(floor)), &tiers.tiers()[i]);
            if i > 0 {
                prop_assert_eq!(tiers.at(Quote(floor - 1)), &tiers.tiers()[i - 1]);
            }
        }
    }

    #[test]
    fn closing_at_the_bankruptcy_price_leaves_no_deficit_and_one_tick_beyond_does(case in case(1_000_000, 100_000)) {
        let margin = Quote(case.margin);
        let price = bankruptcy_price(&case.position, margin, case.contract()).unwrap().0;
        let left = |tick: i64| i128::from(case.margin) + case.value(tick) - i128::from(case.position.cost.0);
        prop_assert!(left(price) >= 0, "closing at {} is short of {}", price, -left(price));
        prop_assert!(left(price + case.way()) < 0, "closing beyond {} still leaves {}", price, left(price + case.way()));
        let value = i128::from(bankruptcy_value(&case.position, margin).unwrap().0);
        let zero = value * i128::from(case.position.qty.0.signum()) - i128::from(case.position.cost.0);
        prop_assert_eq!(zero + i128::from(case.margin), 0);
    }
}

#[test]
fn a_position_of_nothing_is_never_due() {
    let tiers = MarginTiers::new(&[(Quote(0), Rate(10_000_000), 1)]);
    let flat = Position::default();
    let found = threshold(&flat, Quote(-5), Contract::linear(100), &tiers, Trigger::AtOrBelow);
    assert_eq!(found, Ok(None));
}

/// Worked by hand: ten lots short at 1000, one step a tick and lot, margin 600, maintenance 1 %. At 1049 equity is 110 and
/// maintenance ceil(104.9) = 105; at 1050 it is 100 against 105.
#[test]
fn the_first_due_tick_of_two_positions_worked_by_hand() {
    let tiers = MarginTiers::new(&[(Quote(0), Rate(10_000_000), 1)]);
    let due = |qty: i64, trigger| {
        let position = Position { qty: Lots(qty), cost: Quote(qty * 1_000), margin: Quote(600) };
        threshold(&position, Quote(600), Contract::linear(1), &tiers, trigger).unwrap().unwrap()
    };
    assert_eq!(due(-10, Trigger::AtOrBelow), Ticks(1_050));
    // Long: at 950 equity is 100 and maintenance 95; at 949 equity is 90 and maintenance ceil(94.9) = 95.
    assert_eq!(due(10, Trigger::AtOrBelow), Ticks(949));
    assert_eq!(due(10, Trigger::Below), Ticks(949));
}
