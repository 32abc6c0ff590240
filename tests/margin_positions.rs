//! A position that takes fills: what it realises and what it still holds always add up.

use perpcore::margin::{Contract, Position};
use perpcore::units::{Lots, Quote, Side, Ticks};
use proptest::prelude::*;

const SCALE: i64 = 10;

fn value(price: i64, qty: i64) -> i64 {
    Contract::linear(SCALE).value(Ticks(price), Lots(qty)).unwrap().0
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

/// Side, lots, price.
fn fill() -> impl Strategy<Value = (Side, i64, i64)> {
    (side(), 1..500_i64, 1..20_000_i64)
}

/// An open position with any cost: one of the takeover desk may even cost the wrong sign.
fn open() -> impl Strategy<Value = Position> {
    let qty = prop_oneof![1..1_000_i64, -1_000..0_i64];
    (qty, -200_000_000..200_000_000_i64, 0..10_000_000_i64).prop_map(|(qty, cost, margin)| Position {
        qty: Lots(qty),
        cost: Quote(cost),
        margin: Quote(margin),
    })
}

fn take(position: &mut Position, side: Side, qty: i64, price: i64) -> i64 {
    position.fill(side, Lots(qty), Quote(value(price, qty))).unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Realised profit and open profit at any mark are what the fills paid and brought, to the last step.
    #[test]
    fn profit_and_open_value_are_the_cash_flow_of_the_fills(
        start in open(),
        fills in prop::collection::vec(fill(), 1..40),
        mark in 1..20_000_i64,
    ) {
        let mut position = start;
        let (mut realised, mut paid, mut bought) = (0, start.cost.0, start.qty.0);
        for (side, qty, price) in fills {
            realised += take(&mut position, side, qty, price);
            paid += side.sign() * value(price, qty);
            bought += side.sign() * qty;
            prop_assert_eq!(position.qty.0, bought);
            let open = position.profit(Quote(value(mark, bought))).unwrap().0;
            prop_assert_eq!(realised + open, value(mark, bought) - paid);
        }
    }

    /// A fill against the position releases cost and margin pro rata, cut toward zero; the rest stays with what is open.
    #[test]
    fn a_partial_close_releases_pro_rata(start in open(), part in 0.0..1.0_f64, price in 1..20_000_i64) {
        let open = start.qty.0.abs();
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let qty = ((open as f64 * part) as i64).max(1);
        let mut position = start;
        let side = Side::closing(start.qty);
        let profit = take(&mut position, side, qty, price);
        let share = |x: i64| i64::try_from(i128::from(x) * i128::from(qty) / i128::from(open)).unwrap();
        let (cost, margin) = (share(start.cost.0), share(start.margin.0));
        prop_assert_eq!(position.qty.0, start.qty.0 + side.sign() * qty);
        prop_assert_eq!(position.cost.0, start.cost.0 - cost);
        prop_assert_eq!(position.margin.0, start.margin.0 - margin);
        prop_assert_eq!(profit, -side.sign() * value(price, qty) - cost);
    }

    /// Slice by slice or at once: closed is closed, with nothing left of cost and margin, and the same profit.
    #[test]
    fn a_position_closed_in_slices_leaves_nothing(start in open(), slices in prop::collection::vec(1..200_i64, 1..9), price in 1..20_000_i64) {
        let (mut sliced, mut whole) = (start, start);
        let side = Side::closing(start.qty);
        let mut profit = 0;
        for qty in slices.into_iter().chain([i64::MAX]) {
            let qty = qty.min(sliced.qty.0.abs());
            if qty > 0 {
                let before = sliced;
                profit += take(&mut sliced, side, qty, price);
                prop_assert!(sliced.margin.0 >= 0 && sliced.margin <= before.margin);
            }
        }
        prop_assert_eq!(sliced, Position::default());
        prop_assert_eq!(take(&mut whole, side, start.qty.0.abs(), price), profit);
        prop_assert_eq!(whole, Position::default());
    }

    /// What is more than the position opens the other way: the same as closing it and then opening.
    #[test]
    fn a_flip_is_a_close_and_an_opening(start in open(), more in 1..500_i64, price in 1..20_000_i64) {
        let (mut flipped, mut steps) = (start, start);
        let (side, open) = (Side::closing(start.qty), start.qty.0.abs());
        let at_once = take(&mut flipped, side, open + more, price);
        let closed = take(&mut steps, side, open, price);
        prop_assert_eq!(steps, Position::default());
        prop_assert_eq!(take(&mut steps, side, more, price), 0);
        prop_assert_eq!((at_once, flipped), (closed, steps));
        prop_assert_eq!(flipped.qty.0, side.sign() * more);
        prop_assert_eq!(flipped.cost.0, side.sign() * value(price, more));
        prop_assert_eq!(flipped.margin.0, 0);
    }

    #[test]
    fn an_extension_adds_its_value_and_realises_nothing(start in open(), qty in 1..500_i64, price in 1..20_000_i64) {
        let mut position = start;
        let side = Side::closing(start.qty).opposite();
        prop_assert_eq!(take(&mut position, side, qty, price), 0);
        prop_assert_eq!(position.qty.0, start.qty.0 + side.sign() * qty);
        prop_assert_eq!(position.cost.0, start.cost.0 + side.sign() * value(price, qty));
        prop_assert_eq!(position.margin, start.margin);
    }

    /// Buyer and seller of one fill: what one holds and realises the other owes, whatever they held before.
    #[test]
    fn both_parties_of_a_fill_sum_to_nothing(a in open(), b in open(), fill in fill(), mark in 1..20_000_i64) {
        let (side, qty, price) = fill;
        let worth = |p: &Position| p.profit(Quote(value(mark, p.qty.0))).unwrap().0;
        let before = worth(&a) + worth(&b);
        let (mut a, mut b) = (a, b);
        let realised = take(&mut a, side, qty, price) + take(&mut b, side.opposite(), qty, price);
        prop_assert_eq!(worth(&a) + worth(&b) + realised, before);
    }
}

/// Three lots short that brought 100 in all and keep 50 of margin: a third is 33 and 16, the odd steps stay.
#[test]
fn the_odd_step_of_a_partial_close_stays_with_the_open_part() {
    let mut position = Position { qty: Lots(-3), cost: Quote(-100), margin: Quote(50) };
    assert_eq!(position.fill(Side::Buy, Lots(1), Quote(40)), Ok(Quote(-40 + 33)));
    assert_eq!(position, Position { qty: Lots(-2), cost: Quote(-67), margin: Quote(34) });
    let mut position = Position { qty: Lots(3), cost: Quote(100), margin: Quote(50) };
    assert_eq!(position.fill(Side::Sell, Lots(1), Quote(40)), Ok(Quote(40 - 33)));
    assert_eq!(position, Position { qty: Lots(2), cost: Quote(67), margin: Quote(34) });
}
