//! Mark, index, funding.

use super::columns::{formulas, formulas_along};
use crate::rules::{self, TwapTerms};

formulas! {
    /// Notional whose initial margin is `base`.
    impact_notional(base: Positive, initial_rate: Positive) = |[base, rate]: [f64; 2]| rules::impact_notional(base, rate);
    /// Between bid and ask.
    mid_price(bid: Positive, ask: Positive) = |[bid, ask]: [f64; 2]| rules::mid_price(bid, ask);
    /// A price by way of a third currency.
    cross_price(base_price: Positive, quote_price: Positive) = |[base, quote]: [f64; 2]| rules::cross_price(base, quote);
    /// Funding until the next payment.
    fair_basis(index_price: Positive, funding_rate: Finite, hours_to_funding: NotNegative, interval_h: Positive) =
        |[index, rate, left, interval]: [f64; 4]| rules::fair_basis(index, rate, left, interval);
    /// An index with its fair basis.
    fair_price(index_price: Positive, funding_rate: Finite, hours_to_funding: NotNegative, interval_h: Positive) =
        |[index, rate, left, interval]: [f64; 4]| index + rules::fair_basis(index, rate, left, interval);
    /// Funding of a year.
    fair_basis_rate(funding_rate: Finite, per_day: Positive) = |[rate, times]: [f64; 2]| rules::fair_basis_rate(rate, times);
    /// Not further than a share from where it was.
    limit_step(price: Positive, previous: Positive, max_step: NotNegative) =
        |[price, previous, share]: [f64; 3]| rules::limit_step(price, previous, share);
    /// Median of oracle with basis, book and others.
    composite_price(oracle_price: PositiveGap, basis_average: Gap, bid: PositiveGap, ask: PositiveGap, last_price: PositiveGap, others: PositiveGap, book_average: PositiveGap) =
        |[oracle, basis, bid, ask, last, others, stand_in]: [f64; 7]| {
            rules::composite_price(oracle + basis, [bid, ask, last], others, stand_in)
        };
    /// Premium of impact prices over an index; one of 0 is missing.
    premium_index(impact_bid: NotNegativeGap, impact_ask: NotNegativeGap, index_price: Positive; ppm) =
        |[bid, ask, index]: [f64; 3], ppm| {
            let there = |price: f64| if price > 0.0 { price } else { f64::NAN };
            rules::premium_index(there(bid), there(ask), index, ppm)
        };
    /// Interest of an interval.
    interest_rate(quote_rate: Finite, base_rate: Finite, per_day: Positive) =
        |[quote, base, times]: [f64; 3]| rules::interest_rate(quote, base, times);
    /// Premium and interest, clamped and capped.
    funding_rate(premium: Finite, interest: Finite, clamp: NotNegative, divisor: Positive, cap: Limit) =
        |[premium, interest, clamp, divisor, cap]: [f64; 5]| rules::funding_rate(premium, interest, clamp, divisor, cap);
    /// Cash that positions receive.
    funding_payment(side: Side, qty: NotNegative, price: Positive, funding_rate: Finite, share: Finite; inverse) =
        |[side, qty, price, rate, share]: [f64; 5], inverse| rules::funding_payment(side * qty, price, rate, share, inverse);
    /// Gain of a cumulative funding index.
    funding_index_delta(premium: Finite, default: Finite, cap: Limit, price: Positive, hours: Positive, units: Positive) =
        |[premium, default, cap, price, hours, units]: [f64; 6]| {
            rules::funding_index_delta(premium + default, cap, price, hours, units)
        };
    /// How far an average may be from the oracle.
    max_divergence(oracle_twap: Positive, tier: Positive; whole) =
        |[oracle, tier]: [f64; 2], whole| rules::cut_if(whole, oracle / tier);
    /// Funding per token from two averages.
    twap_funding_rate(mark_twap: Finite, oracle_twap: Finite, limit: Limit, hours: Positive, offset: Finite, buffer: Positive; whole) =
        |[mark, oracle, limit, hours, offset, buffer]: [f64; 6], whole| {
            let limit = rules::cut_if(whole, limit);
            rules::cut_if(whole, rules::twap_funding_rate(mark, oracle, limit, hours, offset, buffer))
        };
    /// Payments per token from two averages, and over the external one.
    twap_payment(internal_twap: Finite, external_twap: Positive, interest: Finite, years: Finite, clamp_low: Finite, clamp_high: Finite, scaling: Finite, lower_rate: Bound, upper_rate: Bound; whole) =
        |[internal, external, interest, years, lo, hi, scaling, least, most]: [f64; 9], whole| {
            let (clamp, rates) = ((lo, hi), (least, most));
            let terms = TwapTerms { internal, external, interest, years, clamp, scaling, rates };
            let payment = rules::twap_payment(&terms, whole);
            [payment, payment / external]
        };
    /// Rates of longs and shorts, and the pool.
    capped_funding(long_qty: NotNegative, short_qty: NotNegative, rate: Finite, pool: Finite, pool_floor: NotNegative, share: NotNegative) =
        |[long, short, rate, pool, floor, share]: [f64; 6]| rules::capped_funding(long, short, rate, pool, floor, share);
}

formulas_along! {
    /// Mean price of filling a notional; of a side that has less, NaN or `zero`.
    impact_price(prices: Positive, sizes: NotNegative; notional: Positive | zero) -> |_| 1,
        |[prices, sizes]: [&[f64]; 2], [notional]: [f64; 1], out: &mut [f64], zero| {
            out[0] = rules::impact_price(prices, sizes, notional, if zero { 0.0 } else { f64::NAN });
        };
    /// Average of samples, zeros added.
    average_premium(premiums: Finite; expected: NotNegative | ramp, whole) -> |_| 1,
        |[premiums]: [&[f64]; 1], [n]: [f64; 1], out: &mut [f64], ramp, whole| {
            out[0] = rules::average_premium(premiums, n, ramp, whole);
        };
    /// Means by weight of what is not stale.
    weighted_price(prices: Gap, weights: NotNegative, ages: NotNegative; max_age: Limit | whole) -> |_| 1,
        |[prices, weights, ages]: [&[f64]; 3], [oldest]: [f64; 1], out: &mut [f64], whole| {
            out[0] = rules::weighted_price(&fresh(prices, ages, oldest), weights, whole);
        };
    /// Medians by weight.
    median_price(prices: Gap, weights: NotNegative) -> |_| 1,
        |[prices, weights]: [&[f64]; 2], []: [f64; 0], out: &mut [f64]| out[0] = rules::median_price(prices, weights);
    /// Averages after each sample; `by_time`: samples count by their time.
    exponential_average(values: Finite, seconds: NotNegative; time_constant_s: Positive | by_time) -> |n| n,
        |[values, seconds]: [&[f64]; 2], [tau]: [f64; 1], out: &mut [f64], by_time| match by_time {
            true => rules::decayed_average(values, seconds, tau, out),
            false => rules::exponential_average(values, seconds, tau, out),
        };
    /// Prices within a cap of their median.
    capped_prices(prices: PositiveGap; cap: NotNegative | drop) -> |n| n,
        |[prices]: [&[f64]; 1], [cap]: [f64; 1], out: &mut [f64], drop| rules::capped_prices(prices, cap, drop, out);
    /// Means by weight of prices that are not stale, within a cap of their median.
    index_price(prices: PositiveGap, weights: NotNegative, ages: NotNegative; max_age: Limit, cap: Limit | drop) -> |_| 1,
        |[prices, weights, ages]: [&[f64]; 3], [oldest, cap]: [f64; 2], out: &mut [f64], drop| {
            out[0] = rules::index_price(&fresh(prices, ages, oldest), weights, cap, drop);
        };
}

/// Prices without those that are too old.
fn fresh(prices: &[f64], ages: &[f64], oldest: f64) -> Vec<f64> {
    prices.iter().zip(ages).map(|(&price, &age)| if age > oldest { f64::NAN } else { price }).collect()
}
