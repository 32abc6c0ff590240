//! The venues' formulas in floating point ([`perpcore::rules`]) beside the exact ones of the engine: prices within a tick,
//! money within a step, over random accounts and tiers under the rules of every venue.
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use perpcore::margin::{
    Contract, FARTHEST, MarginRule, MarginTiers, Position, TierRule, Trigger, bankruptcy_price,
    bankruptcy_value,
};
use perpcore::rules::{self, Liquidation, Ranked, Search, Tiers};
use perpcore::units::{Lots, Quote, Rate, Side, Ticks};
use perpcore::venue::{
    AdlRank, Average, Counterparty, Funding, FundingNotional, Premiums, Standing, premium, settle_liquidation,
};
use proptest::prelude::*;

/// What of a venue's rules says where a position breaks.
#[derive(Clone, Copy, Debug)]
struct Rules {
    inverse: bool,
    rule: TierRule,
    at_entry: bool,
    close_fee: i64,
    trigger: Trigger,
}

const fn rules(inverse: bool, rule: TierRule, at_entry: bool, close_fee: i64, trigger: Trigger) -> Rules {
    Rules { inverse, rule, at_entry, close_fee, trigger }
}

/// Those of the presets: Binance, Hyperliquid and dYdX; Bybit; OKX; BitMEX; Deribit.
const PRESETS: [Rules; 5] = [
    rules(false, TierRule::Marginal, false, 0, Trigger::Below),
    rules(false, TierRule::Marginal, true, 0, Trigger::AtOrBelow),
    rules(false, TierRule::WholePosition, false, 500_000, Trigger::AtOrBelow),
    rules(true, TierRule::WholePosition, true, 750_000, Trigger::AtOrBelow),
    rules(true, TierRule::Linear, false, 0, Trigger::Below),
];

fn any_rules() -> impl Strategy<Value = Rules> {
    let rule = prop_oneof![Just(TierRule::Marginal), Just(TierRule::WholePosition), Just(TierRule::Linear)];
    let trigger = prop_oneof![Just(Trigger::AtOrBelow), Just(Trigger::Below)];
    let fee = prop_oneof![Just(0_i64), 0..=100_000_000_i64];
    let mixed = (any::<bool>(), rule, any::<bool>(), fee, trigger)
        .prop_map(|(inverse, rule, at_entry, fee, trigger)| rules(inverse, rule, at_entry, fee, trigger));
    prop_oneof![prop::sample::select(PRESETS.to_vec()), mixed]
}

/// A position under a venue's rules; isolated, or cross with a balance that may be below zero.
#[derive(Clone, Debug)]
struct Case {
    position: Position,
    /// Steps of a lot at one tick.
    of_tick: (i64, i64),
    brackets: Vec<(i64, i64)>,
    rules: Rules,
    mark: i64,
}

impl Case {
    fn contract(&self) -> Contract {
        let (n, d) = self.of_tick;
        if self.rules.inverse {
            return Contract::inverse((n.into(), d.into()), 1).unwrap();
        }
        Contract::linear(n)
    }

    fn rows(&self) -> Vec<(Quote, Rate, i64)> {
        self.brackets.iter().map(|&(floor, rate)| (Quote(floor), Rate(rate), 1)).collect()
    }

    fn exact(&self) -> MarginRule {
        let Rules { rule, at_entry, close_fee, trigger, .. } = self.rules;
        MarginRule::new(&MarginTiers::under(rule, &self.rows()), at_entry, Rate(close_fee), trigger)
    }

    fn fee(&self) -> f64 {
        self.rules.close_fee as f64 / 1e9
    }

    fn tiers(&self) -> Tiers {
        let marginal = MarginTiers::new(&self.rows());
        let row = |t: &perpcore::margin::Tier| {
            (t.min_notional.0 as f64, t.rate.0 as f64 / 1e9, t.deduction as f64 / 1e9)
        };
        Tiers::new(&marginal.tiers().iter().map(row).collect::<Vec<_>>(), self.rules.rule)
    }

    /// In ticks and steps.
    fn float(&self) -> Liquidation {
        let (n, d) = (self.of_tick.0 as f64, self.of_tick.1 as f64);
        let inverse = self.rules.inverse;
        let qty = self.position.qty.0.abs() as f64 * if inverse { n / d } else { n };
        let cost = self.position.cost.0.abs() as f64;
        let entry = if inverse { qty / cost } else { cost / qty };
        let backing = self.position.margin.0 as f64;
        Liquidation { side: self.side(), qty, entry, backing, early: 0.0, inverse }
    }

    fn side(&self) -> f64 {
        self.position.qty.0.signum() as f64
    }

    fn worth(&self, price: f64) -> f64 {
        rules::notional(self.float().qty, price, 1.0, self.rules.inverse)
    }

    fn equity(&self, price: f64) -> f64 {
        let Liquidation { side, qty, entry, backing, inverse, .. } = self.float();
        backing + rules::unrealised_pnl(side, qty, entry, price, 1.0, inverse)
    }

    fn value(&self) -> Quote {
        self.contract().value(Ticks(self.mark), self.position.qty).unwrap()
    }

    /// How far a rounded worth lets a price be away: a step's worth of an inverse contract's, nothing of a linear one's.
    fn blur(&self, price: f64) -> f64 {
        if self.rules.inverse { price / self.worth(price) } else { 0.0 }
    }

    /// What rounding of worth and of what is held against may come to.
    fn steps(&self) -> i64 {
        if self.rules.inverse { 2 } else { 1 }
    }

    /// How fast what is held against grows at most; a venue may not let it grow by more than 0.99 of the notional.
    fn growth(&self) -> f64 {
        let linear = |pair: &[(i64, i64)]| {
            let ((low, rate), (high, next)) = (pair[0], pair[1]);
            next as f64 + (next - rate) as f64 * high as f64 / (high - low) as f64
        };
        let rates = self.brackets.iter().map(|b| b.1 as f64);
        let rising = self.brackets.windows(2).map(linear).filter(|_| self.rules.rule == TierRule::Linear);
        rates.chain(rising).fold(0.0, f64::max) / 1e9 + self.fee()
    }
}

/// Values from a few steps to 10^15, of lots that are worth many steps a tick or few; every tier is met.
fn case() -> impl Strategy<Value = Case> {
    let size = (0.0..6.0_f64, any::<bool>(), 0.5..5.0_f64, 1_i64..=10_000, 1_i64..=7);
    let brackets = prop::collection::vec((0..300_000_000_i64, 0.0..1.0_f64), 1..9);
    let margin = prop_oneof![6 => 0.0..0.4_f64, 1 => 0.4..2.0_f64, 1 => -0.5..0.0_f64];
    (size, brackets, margin, any_rules(), 0.5..2.0_f64, -3..=3_i64).prop_filter_map(
        "a worth, and a rate that does not rise too fast",
        |(size, rows, margin, rules, mark, off)| {
            let (lots, long, entry, n, d) = size;
            let (qty, entry) = (10_f64.powf(lots) as i64, 10_f64.powf(entry) as i64);
            let of_tick = if rules.inverse { (n * 1_000_000, d) } else { (n, 1) };
            let worth = if rules.inverse { qty * of_tick.0 / (d * entry) } else { qty * n * entry } + off;
            let sign = if long { 1 } else { -1 };
            let mut rates: Vec<i64> = rows.iter().map(|row| row.0).collect();
            rates.sort_unstable();
            let mut floor = 0;
            let step = |part: f64| 1 + (worth as f64 * part) as i64;
            let brackets = rates.into_iter().zip(&rows).map(|(rate, row)| {
                let at = floor;
                floor += step(row.1);
                (at, rate)
            });
            let brackets: Vec<_> = brackets.collect();
            let cost = Quote(sign * if rules.inverse { -worth } else { worth });
            let margin = Quote((worth as f64 * margin) as i64);
            let position = Position { qty: Lots(sign * qty), cost, margin };
            let mark = ((entry as f64 * mark) as i64).max(1);
            let case = Case { position, of_tick, brackets, rules, mark };
            (worth > 0 && case.growth() <= 0.99).then_some(case)
        },
    )
}

fn near(float: f64, exact: i64, steps: f64, scale: f64) -> Result<(), TestCaseError> {
    let off = (float - exact as f64).abs();
    prop_assert!(off <= steps + 1e-12 * scale.abs(), "{float} beside {exact}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, max_local_rejects: 1 << 20, ..ProptestConfig::default() })]

    /// The mark at which the engine liquidates is within a tick of the price, or of what it would be with a step less or
    /// more of margin: equality, and a requirement that is rounded up, trigger that much early.
    #[test]
    fn liquidation_prices(case in case()) {
        let (rule, contract, way) = (case.exact(), case.contract(), -case.side());
        let search = Search::new(case.tiers(), case.fee(), case.rules.at_entry);
        let price = rules::liquidation_price(&case.float(), &search);
        // On the way into loss: minus infinity where no tick is safe, the end of all prices where none is due.
        let never = if way > 0.0 { f64::INFINITY } else { 0.0 };
        let with = |more: i64| {
            let margin = Quote(case.position.margin.0 + more);
            let due = rule.threshold(&case.position, margin, contract).unwrap();
            match due {
                None => never,
                Some(FARTHEST) => f64::NEG_INFINITY,
                Some(Ticks(1)) if way > 0.0 && more < 0 => f64::NEG_INFINITY,
                Some(tick) => tick.0 as f64 * way,
            }
        };
        let (sooner, later) = (with(-case.steps()), with(case.steps()));
        if price.is_nan() {
            prop_assert!(sooner == f64::NEG_INFINITY || later == never, "NaN, but {sooner} to {later}");
            return Ok(());
        }
        let off = 1.0 + case.blur(price) + 1e-9 * price;
        if (sooner - off..=later + off).contains(&(price * way)) {
            return Ok(());
        }
        // Where what is held against falls at a floor, a position may be due above it and no more at the next tick.
        let next = if way > 0.0 { price.ceil() } else { price.floor() };
        let held = case.tiers().maintenance(case.worth(next)) + case.fee() * case.worth(next);
        let cliff = case.rules.rule == TierRule::WholePosition && !case.rules.at_entry;
        prop_assert!(cliff && case.equity(next) > held, "{price} against {sooner} to {later}");
    }

    /// One rate for each position is what a single tier is.
    #[test]
    fn liquidation_prices_at_a_rate(case in case()) {
        let one = Case { brackets: case.brackets[..1].to_vec(), ..case };
        let search = Search::new(one.tiers(), one.fee(), one.rules.at_entry);
        let rates = [one.brackets[0].1 as f64 / 1e9, 0.0, 0.0, one.fee()];
        let found = [
            rules::liquidation_price(&one.float(), &search),
            rules::liquidation_price_at_rate(&one.float(), rates, one.rules.at_entry),
        ];
        prop_assert!(found[0].is_nan() && found[1].is_nan() || (found[0] / found[1] - 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn maintenance_and_profit(case in case()) {
        let (value, cost) = (case.value(), case.position.cost.abs());
        let base = if case.rules.at_entry { cost } else { value.abs() }.0 as f64;
        let worth = value.abs().0 as f64;
        let held = case.tiers().maintenance(base) + case.fee() * worth;
        near(held, case.exact().requirement(cost, value.abs()).unwrap().0, 1.0, base + worth)?;
        near(case.worth(case.mark as f64), value.abs().0, 0.5, worth)?;
        let Liquidation { side, qty, entry, inverse, .. } = case.float();
        let profit = rules::unrealised_pnl(side, qty, entry, case.mark as f64, 1.0, inverse);
        near(profit, case.position.profit(value).unwrap().0, 0.5, worth + cost.0 as f64)?;
    }

    #[test]
    fn bankruptcy_prices(case in case()) {
        let (contract, margin) = (case.contract(), case.position.margin);
        let price = rules::bankruptcy_price(&case.float(), 0.0);
        let tick = bankruptcy_price(&case.position, margin, contract).unwrap();
        if price.is_nan() {
            prop_assert!(contract.directed(bankruptcy_value(&case.position, margin).unwrap()).0 <= 0);
            return Ok(());
        }
        let off = 1.0 + case.blur(price) + 1e-9 * price;
        // A worth of less than half a step is none, at whatever price.
        prop_assert!(case.worth(price) < 1.0 || (price - tick.0 as f64).abs() <= off, "{price} against {tick:?}");
    }

    /// What a full close leaves over goes to the fund, what it lacks the fund pays.
    #[test]
    fn the_funds_gain_and_loss(case in case(), rate in 0..2_000_000_i64) {
        let mut position = case.position;
        let (qty, worth) = (position.qty.abs(), case.value().abs());
        let long = if case.rules.inverse { Quote(-worth.0) } else { worth };
        let profit = position.fill(Side::closing(position.qty), qty, long).unwrap();
        let fee = Rate(rate).of(worth).unwrap().1;
        let free = case.position.margin.plus(profit).unwrap().minus(fee).unwrap();
        let settled = settle_liquidation(Standing { free, margin: Quote(0), open: false, cross: false }).unwrap();
        let Liquidation { side, qty, inverse, .. } = case.float();
        let bankruptcy = rules::bankruptcy_price(&case.float(), 0.0);
        if bankruptcy.is_nan() {
            return Ok(()); // no price takes all
        }
        let mark = case.mark as f64;
        let gain = rules::insurance_fund_change(side, qty, bankruptcy, mark, rate as f64 / 1e9, inverse);
        let scale = worth.0 as f64 + case.worth(bankruptcy);
        near(gain, settled.returned.0 - settled.deficit.0, if inverse { 1.6 } else { 1.0 }, scale)?;
    }

    /// Who is deleveraged first: scores apart by no more than a step of profit, worth and equity makes.
    #[test]
    fn ranks(case in case()) {
        let (value, Liquidation { side, qty, entry, inverse, .. }) = (case.value(), case.float());
        let (profit, mark) = (case.position.profit(value).unwrap(), case.mark as f64);
        let equity = case.position.margin.plus(profit).unwrap();
        let seen = Counterparty {
            rises: (side > 0.0) != inverse,
            profit, cost: case.position.cost.abs(), value: value.abs(), equity, lot: 0,
        };
        let position = Ranked { side, qty, entry, mark, equity: case.equity(mark) };
        if equity.0 < 3 || profit.0.abs() < 3 || value.0.abs() < 3 {
            return Ok(());
        }
        let step = if inverse { 1.0 } else { 1e-2 };
        let parts = [equity, profit, value].map(|part| step / part.0.abs() as f64);
        let off = 2.0 * parts.iter().sum::<f64>() + 1e-9;
        for rank in [AdlRank::ProfitLeverage, AdlRank::Hyperliquid, AdlRank::ProfitShare, AdlRank::Size] {
            let (exact, float) = (seen.score(rank), position.score(rank, inverse));
            prop_assert!((float / exact - 1.0).abs() <= off, "{rank:?}: {float} beside {exact}");
        }
    }

    #[test]
    fn funding_is_paid_on_worth(case in case(), rate in -20_000_000_i64..=20_000_000) {
        let (floor, ceil) = Rate(rate.abs()).of(case.value().abs()).unwrap();
        let pays = rate * case.position.qty.0 > 0;
        let signed = case.side() * case.float().qty;
        let paid = rules::funding_payment(signed, case.mark as f64, rate as f64 / 1e9, 1.0, case.rules.inverse);
        near(paid, if pays { -ceil.0 } else { floor.0 }, 1.02, ceil.0 as f64)?;
    }

    /// Premiums, their average and the rate, each cut to a billionth.
    #[test]
    fn funding_rates(
        books in prop::collection::vec((0.9..1.1_f64, 0.0..0.01_f64, any::<bool>()), 1..40),
        terms in (-200_000..=200_000_i64, 0..=1_000_000_i64, any::<bool>(), prop::option::of(0..=5_000_000_i64)),
        (average, hours, samples) in (0..3_usize, 1..=8_i64, 1..=60_u64),
    ) {
        let (interest, clamp, band, cap) = terms;
        let average = [Average::Plain, Average::Ramp, Average::Padded][average];
        let hour = 3_600 * 1_000_000_000_i128;
        let funding = Funding {
            round: hour, interval: i128::from(hours) * hour, next_in: 0,
            interest: Rate(if band { 0 } else { interest }),
            clamp: Rate(if band { 0 } else { clamp }),
            dead_band: Rate(if band { clamp } else { 0 }),
            cap: cap.map(Rate), average, samples, notional: FundingNotional::Mark, stress: None,
        };
        let index = 10_000_i128 << 20;
        let (mut exact, mut float) = (Premiums::default(), Vec::new());
        for (at, spread, thin) in books {
            let bid = (index as f64 * at) as i128;
            let ask = bid + (bid as f64 * spread) as i128;
            exact.add(average, premium(Some(bid), (!thin).then_some(ask), index));
            let ask = if thin { f64::NAN } else { ask as f64 };
            float.push(rules::premium_index(bid as f64, ask, index as f64, false));
        }
        let padded = if average == Average::Padded { samples as f64 } else { 0.0 };
        let mean = rules::average_premium(&float, padded, average == Average::Ramp, false);
        let found = exact.mean(&funding);
        prop_assert!((mean * 1e9 - found as f64).abs() <= 2.0 + 1e-6, "{mean} beside {found}");
        let [interest, clamp] = [funding.interest, Rate(clamp)].map(|rate| rate.0 as f64 / 1e9);
        let most = cap.map_or(f64::MAX, |cap| cap as f64 / 1e9);
        let rate = rules::funding_rate(mean, interest, clamp, 8.0 / hours as f64, most);
        let due = funding.rate(found, funding.interval).unwrap().0;
        prop_assert!((rate * 1e9 - due as f64).abs() <= 3.0 + 1e-6, "{rate} beside {due}");
    }
}
