//! Inverse contracts: margin and profit in coin, worth rounded once a fill; thresholds, and a squeeze.

mod common;

use common::{Setup, ladder};
use perpcore::engine::StopReason;
use perpcore::margin::{
    Contract, FARTHEST, MarginRule, MarginTiers, Position, TierRule, Trigger, bankruptcy_price,
};
use perpcore::units::{Lots, Quote, Rate, Ticks};
use perpcore::world::World;
use perpcore::world::scenario::{ContractKind, PositionsSpec, Spread};
use proptest::prelude::*;
use rust_decimal::Decimal;

const ONE: i128 = 1_000_000_000;

/// XBTUSD: a dollar a lot, ticks of half a dollar: 1 / (0.5 x 1e-8) satoshi at one tick.
fn xbtusd() -> Contract {
    Contract::inverse((200_000_000, 1), 1_000_000).unwrap()
}

/// The satoshi of BitMEX's own positions, as its interface reports them.
#[test]
fn satoshi_as_bitmex_books_them() {
    let worth = |dollars: i64, half: i64| xbtusd().worth(Ticks(half), Lots(dollars)).unwrap().0;
    assert_eq!(worth(100, 196_000), 102_041);
    assert_eq!(worth(1_000, 196_000), 1_020_408);
    assert_eq!(worth(1_000, 197_000), 1_015_228);
    let profit = |qty: i64, cost: i64, half: i64| {
        let position = Position { qty: Lots(qty), cost: Quote(cost), margin: Quote::ZERO };
        position.profit(xbtusd().value(Ticks(half), Lots(qty)).unwrap()).unwrap().0
    };
    assert_eq!(profit(100, -103_391, 196_000), 1_350);
    assert_eq!(profit(1_000, -1_020_408, 197_000), 5_180);
    // 16,000 long from 10,000 to 8,000 loses 0.4 coin, from 5,000 to 8,000 it gains 1.2; a short the reverse.
    let cost = |qty: i64, half: i64| xbtusd().value(Ticks(half), Lots(qty)).unwrap().0;
    assert_eq!(profit(16_000, cost(16_000, 20_000), 16_000), -40_000_000);
    assert_eq!(profit(16_000, cost(16_000, 10_000), 16_000), 120_000_000);
    assert_eq!(profit(-16_000, cost(-16_000, 10_000), 16_000), -120_000_000);
}

/// Halves go up, whatever the side: both parties book the same figure.
#[test]
fn a_half_step_is_rounded_up_for_longs_and_shorts_alike() {
    let contract = Contract::inverse((5, 1), 1).unwrap();
    assert_eq!(contract.value(Ticks(2), Lots(1)), Ok(Quote(-3)));
    assert_eq!(contract.value(Ticks(2), Lots(-1)), Ok(Quote(3)));
    let thirds = Contract::inverse((5, 3), 1).unwrap();
    assert_eq!([1, 2, 3, 4].map(|m| thirds.worth(Ticks(m), Lots(1)).unwrap().0), [2, 1, 1, 0]);
}

/// A position in coin under a venue's rules.
#[derive(Clone, Debug)]
struct Case {
    position: Position,
    /// Coin steps of a lot at one tick.
    of_tick: (i64, i64),
    brackets: Vec<(i64, i64)>,
    rule: TierRule,
    at_entry: bool,
    close_fee: i64,
    trigger: Trigger,
}

impl Case {
    fn contract(&self) -> Contract {
        Contract::inverse((self.of_tick.0.into(), self.of_tick.1.into()), 1).unwrap()
    }

    fn threshold(&self) -> Option<Ticks> {
        let brackets: Vec<_> =
            self.brackets.iter().map(|&(floor, rate)| (Quote(floor), Rate(rate), 1)).collect();
        let tiers = MarginTiers::under(self.rule, &brackets);
        let rule = MarginRule::new(&tiers, self.at_entry, Rate(self.close_fee), self.trigger);
        rule.threshold(&self.position, self.position.margin, self.contract()).unwrap()
    }

    fn worth(&self, tick: i64) -> i128 {
        let (n, d) =
            (i128::from(self.position.qty.0.abs() * self.of_tick.0), i128::from(self.of_tick.1 * tick));
        (2 * n + d) / (2 * d)
    }

    /// Billionths of a coin step, to a whole one.
    fn maintenance(&self, notional: i128) -> i128 {
        let brackets: Vec<(i128, i128)> = self.brackets.iter().map(|b| (b.0.into(), b.1.into())).collect();
        let at = brackets.iter().rposition(|b| b.0 <= notional).unwrap();
        let ends = brackets.iter().skip(1).map(|b| b.0).chain([i128::MAX]);
        match self.rule {
            TierRule::Marginal => {
                let slices = brackets.iter().zip(ends);
                slices.map(|(b, end)| (notional.min(end) - b.0).max(0) * b.1).sum()
            }
            TierRule::WholePosition => notional * brackets[at].1,
            TierRule::Linear => {
                let more = brackets.get(at + 1).map_or(0, |next| {
                    let (along, all) = (notional - brackets[at].0, next.0 - brackets[at].0);
                    (notional * along * (next.1 - brackets[at].1) + all - 1) / all
                });
                notional * brackets[at].1 + more
            }
        }
    }

    fn equity(&self, tick: i64) -> i128 {
        let value = -i128::from(self.position.qty.0.signum()) * self.worth(tick);
        i128::from(self.position.margin.0) + value - i128::from(self.position.cost.0)
    }

    fn due(&self, tick: i64) -> bool {
        let (cost, worth) = (i128::from(self.position.cost.0.abs()), self.worth(tick));
        let exact =
            self.maintenance(if self.at_entry { cost } else { worth }) + worth * i128::from(self.close_fee);
        let held = (exact + ONE - 1).div_euclid(ONE);
        match self.trigger {
            Trigger::AtOrBelow => self.equity(tick) <= held,
            Trigger::Below => self.equity(tick) < held,
        }
    }

    /// Whether a rate rises so fast that maintenance outgrows the notional; a venue may not.
    fn is_steep(&self) -> bool {
        self.rule == TierRule::Linear
            && self.brackets.windows(2).any(|pair| {
                let ((low, rate), (high, next)) = (pair[0], pair[1]);
                next + self.close_fee + (next - rate) * high / (high - low) > 900_000_000
            })
    }
}

fn case() -> impl Strategy<Value = Case> {
    let size = (1..=9_i64, any::<bool>(), 1..=60_i64, 1..=3_000_i64, 1..=3_i64);
    let rates = prop::collection::vec(0..200_000_000_i64, 1..5);
    let gaps = prop::collection::vec(0.0..1.0_f64, 4);
    let margins = prop_oneof![4 => 0.0..0.3_f64, 1 => 0.3..2.0_f64, 1 => -1.5..0.0_f64];
    let rule = prop_oneof![Just(TierRule::Marginal), Just(TierRule::WholePosition), Just(TierRule::Linear)];
    let trigger = prop_oneof![Just(Trigger::AtOrBelow), Just(Trigger::Below)];
    let rest = (rule, any::<bool>(), prop_oneof![Just(0_i64), 0..2_000_000_i64], trigger, -3..4_i64);
    (size, margins, rates, gaps, rest).prop_map(|(size, margin, mut rates, gaps, rest)| {
        let (qty, long, entry, n, d) = size;
        let (rule, at_entry, close_fee, trigger, off) = rest;
        let worth = qty * n / (d * entry);
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let part = |x: f64| (worth as f64 * x) as i64;
        rates.sort_unstable();
        let mut floor = 0;
        let mut brackets = Vec::new();
        for (rate, gap) in rates.into_iter().zip(gaps) {
            brackets.push((floor, rate));
            floor += 1 + part(gap);
        }
        let sign = if long { 1 } else { -1 };
        let position =
            Position { qty: Lots(sign * qty), cost: Quote(-sign * worth + off), margin: Quote(part(margin)) };
        Case { position, of_tick: (n, d), brackets, rule, at_entry, close_fee, trigger }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// Seen from profit: the lowest for a short, the highest for a long; the scan ends where nothing is worth anything.
    #[test]
    fn the_threshold_is_the_first_due_tick_of_a_scan(case in case()) {
        prop_assume!(!case.is_steep());
        let last = 2 * case.position.qty.0.abs() * case.of_tick.0 / case.of_tick.1 + 2;
        let found = case.threshold();
        if case.position.qty.0 < 0 {
            let first = (1..=last).find(|&tick| case.due(tick));
            prop_assert_eq!(found, first.map(Ticks));
        } else {
            let first = (1..=last).rev().find(|&tick| case.due(tick));
            prop_assert_eq!(found, first.map(|tick| if tick == last { FARTHEST } else { Ticks(tick) }));
        }
    }

    #[test]
    fn closing_at_the_bankruptcy_price_leaves_no_deficit_and_one_tick_beyond_does(case in case()) {
        let price = bankruptcy_price(&case.position, case.position.margin, case.contract()).unwrap().0;
        let way = -case.position.qty.0.signum();
        if price == FARTHEST.0 {
            // A short that owes nothing whatever it brings, or a long that owes whatever it costs.
            prop_assert_eq!(case.equity(1 << 40) >= 0, way > 0);
            return Ok(());
        }
        prop_assert!(price < 1 || case.equity(price) >= 0, "short of {} at {}", -case.equity(price), price);
        prop_assert!(price + way < 1 || case.equity(price + way) < 0, "nothing short beyond {}", price);
    }

    /// Which quantities are worth less than an amount, by counting.
    #[test]
    fn the_most_lots_below_a_worth(case in case(), tick in 1_i64..200, worth in 0_i64..400) {
        let contract = case.contract();
        let below = |lots: i64| contract.worth(Ticks(tick), Lots(lots)).unwrap().0 < worth;
        let most = contract.lots_below(Ticks(tick), Quote(worth)).unwrap().0;
        prop_assert!(most == -1 && worth == 0 || most >= 0 && below(most));
        prop_assert!(!below(most + 1));
    }
}

/// RocketCoin whose perpetual is inverse: a dollar a lot, everything at the venue in coin.
fn coin_setup() -> Setup {
    Setup::new().with(|scenario| {
        scenario.venue.contract = ContractKind::Inverse;
        scenario.venue.insurance_fund = Decimal::from(100_000);
        scenario.market_maker.capital = Decimal::from(1_000_000);
    })
}

/// The squeeze again, in a few lines: what breaks is bought at the mark, its coin hedged from 200 tokens a cent.
fn replay(thresholds: &[(i64, i64)], hedge: (i64, i64), push: i64) -> (i64, i64, i64) {
    let (mut bought, mut sold, mut face, mut hedged) = (push, 0, 0, 0);
    let mut broken = 0;
    loop {
        let mark = 1_000 + (bought + 199) / 200;
        let before = broken;
        while broken < thresholds.len() && thresholds[broken].0 <= mark {
            let lots = thresholds[broken].1;
            // 1e8 coin steps x 100 cents a dollar, to the nearest.
            sold += (2 * lots * 10_000_000_000 + mark) / (2 * mark);
            face += lots;
            broken += 1;
        }
        let target =
            i64::try_from(i128::from(sold) * i128::from(hedge.0) / (i128::from(hedge.1) * 100_000_000))
                .unwrap();
        bought += target - hedged;
        if target == hedged && broken == before {
            return (mark, face, hedged);
        }
        hedged = target;
    }
}

#[test]
fn a_squeeze_in_coin_ends_where_a_replay_and_a_formula_say() {
    // 1,000,000 dollars of shorts evenly on [11, 15], 10 dollars each, 60 % of what they are worth hedged.
    let shorts = ladder(Decimal::from(11), Some(Decimal::from(15))).qty(1_000_000);
    let setup = coin_setup().shorts(shorts).hedging(Decimal::new(6, 1)).igniting(20_200);
    let world = setup.world();
    let mut thresholds: Vec<(i64, i64)> = Vec::new();
    for (i, account) in (0..).zip(&world.fixed.accounts) {
        let tick = account.liquidation.unwrap().0;
        // At the price asked for, from 11.00002 on in steps of 0.00004, or the next tick.
        let asked = (1_100_002 + 4 * i + 999) / 1000;
        assert!((tick - asked).abs() <= 1 || tick == 1_101, "{i}: {tick}, not {asked}");
        thresholds.push((tick, account.position.qty.0.abs()));
    }
    thresholds.sort_unstable();
    let run = setup.run();
    let (price, face, hedged) = replay(&thresholds, (6, 10), 20_200);
    assert_eq!(
        [run.final_price.0, run.totals.liquidated_qty.0, run.totals.hedge_qty.0],
        [price, face, hedged]
    );
    assert_eq!(run.totals.liquidated_value.0, face * 1_000_000, "face value in quote steps");
    assert_eq!(run.stop_reason, StopReason::Quiet);
    assert!(run.totals.liquidated_accounts >= 1_000, "{}", run.totals.liquidated_accounts);
    // D (p - 10) = push + h f ln(p / 11), f dollars of face a dollar of price.
    let (depth, push, hedge_face) = (20_000.0, 20_200.0, 0.6 * 250_000.0);
    let mut p = 11.0_f64;
    for _ in 0..200 {
        p = 10.0 + (push + hedge_face * (p / 11.0).ln()) / depth;
    }
    let ended = common::price(run.final_price);
    assert!((ended - p).abs() < 0.03, "{ended}, by the formula {p}");
}

/// A market maker who hedged all he sold, at the prices he sold it at, neither gains nor loses by the squeeze itself.
#[test]
fn a_full_hedge_in_coin_is_neutral_in_quote_currency() {
    let shorts = ladder(Decimal::from(11), Some(Decimal::from(15))).qty(1_000_000);
    let setup = coin_setup().shorts(shorts).hedging(Decimal::ONE).igniting(20_200);
    let run = setup.run();
    let hedged = common::tokens(run.totals.hedge_qty);
    let (pnl, last) = (common::money(run.market_maker_pnl), common::price(run.final_price));
    // Each hedge costs up to a round's slippage more than what it hedges; capital in coin is no profit of his.
    assert!(run.totals.liquidated_accounts > 1_000 && last > 11.05);
    assert!(pnl <= 0.0 && pnl > -0.02 * hedged * last, "{pnl} on {hedged} tokens at {last}");
}

#[test]
fn what_a_coin_world_cannot_be_is_said() {
    let refused = |setup: Setup| World::build(&setup.0).unwrap_err().to_string();
    let dust = refused(coin_setup().with(|s| {
        s.perp.lot_size = Decimal::new(1, 8);
        s.market_maker.quote = None;
    }));
    assert!(dust.contains("perp.lot_size"), "{dust}");
    let population: PositionsSpec = serde_json::from_str(
        r#"{"kind": "distribution", "side": "short", "accounts": "10", "leverage": "1", "notional": "1000"}"#,
    )
    .unwrap();
    let idle = refused(coin_setup().with(|s| s.positions.push(population)));
    assert!(idle.contains("positions[0].leverage") && idle.contains("more than 1.1"), "{idle}");
}

/// An inverse short with a leverage of less than one holds its own worth in coin: no price breaks it.
#[test]
fn a_short_with_its_worth_in_coin_never_breaks() {
    let mut short = ladder(Decimal::from(11), None).qty(1_000).0;
    (short.liquidation_price, short.leverage) = (None, Some(Spread::One(Decimal::new(9, 1))));
    let world = coin_setup().shorts(common::Shorts(short)).world();
    assert!(world.fixed.accounts.iter().all(|account| account.liquidation.is_none()));
}
