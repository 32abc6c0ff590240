//! Mark and index: what a venue makes of its market's prices and of others'.

use super::whole::cut_if;

/// Between bid and ask.
pub fn mid_price(bid: f64, ask: f64) -> f64 {
    bid / 2.0 + ask / 2.0
}

/// A price by way of a third currency.
pub fn cross_price(base: f64, quote: f64) -> f64 {
    base * quote
}

/// Mean of what is there, by weight; NaN if nothing is.
pub fn weighted_price(prices: &[f64], weights: &[f64], whole: bool) -> f64 {
    let there = || prices.iter().zip(weights).filter(|(price, _)| !price.is_nan());
    let total: f64 = there().map(|(_, weight)| weight).sum();
    let sum: f64 = there().map(|(price, weight)| price * weight).sum();
    if total > 0.0 { cut_if(whole, sum / total) } else { f64::NAN }
}

/// Where half of the weight of what is there lies below and half above; between two prices their mean.
pub fn median_price(prices: &[f64], weights: &[f64]) -> f64 {
    let mut there: Vec<(f64, f64)> = (prices.iter().copied().zip(weights.iter().copied()))
        .filter(|&(price, weight)| !price.is_nan() && weight > 0.0)
        .collect();
    there.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let half = there.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (i, &(price, weight)) in there.iter().enumerate() {
        below += weight;
        if (below - half).abs() <= half * 1e-12 {
            return mid_price(price, there.get(i + 1).map_or(price, |next| next.0));
        }
        if below > half {
            return price;
        }
    }
    f64::NAN
}

/// What an index is away from the fair price: funding until the next payment.
pub fn fair_basis(index: f64, rate: f64, hours_left: f64, interval: f64) -> f64 {
    index * rate * hours_left / interval
}

/// Funding of a year at a rate, without compounding.
pub fn fair_basis_rate(rate: f64, per_day: f64) -> f64 {
    rate * per_day * 365.0
}

/// Exponential average along samples: a step of `1 - exp(-dt / tau)` to each, from the first on.
pub fn exponential_average(values: &[f64], dt: &[f64], tau: f64, out: &mut [f64]) {
    let mut average = values.first().copied().unwrap_or(f64::NAN);
    for ((value, step), out) in values.iter().zip(dt).zip(out) {
        average += (1.0 - libm::exp(-step / tau)) * (value - average);
        *out = average;
    }
}

/// Exponential average along samples that count by their time: sums of `value dt` and `dt` that both decay.
pub fn decayed_average(values: &[f64], dt: &[f64], tau: f64, out: &mut [f64]) {
    let (mut above, mut below) = (0.0, 0.0);
    for ((value, step), out) in values.iter().zip(dt).zip(out) {
        let kept = libm::exp(-step / tau);
        above = above * kept + value * step;
        below = below * kept + step;
        *out = if below > 0.0 { above / below } else { f64::NAN };
    }
}

/// Median of the oracle with the averaged basis, the book's own median, and other venues' price.
///
/// Where exactly one of the three is missing, an average of the book's median stands in for it.
pub fn composite_price(oracle: f64, book: [f64; 3], others: f64, stand_in: f64) -> f64 {
    let book = median_price(&book, &[1.0; 3]);
    let given = [oracle, book, others];
    let missing = given.iter().filter(|price| price.is_nan()).count();
    let extra = if missing == 1 { stand_in } else { f64::NAN };
    median_price(&[oracle, book, others, extra], &[1.0; 4])
}

/// Not further than `share` from where it was.
pub fn limit_step(price: f64, previous: f64, share: f64) -> f64 {
    price.max(previous * (1.0 - share)).min(previous * (1.0 + share))
}

/// Prices moved to within `cap` of their median, or (`drop`) NaN where they are beyond.
pub fn capped_prices(prices: &[f64], cap: f64, drop: bool, out: &mut [f64]) {
    let median = median_price(prices, &vec![1.0; prices.len()]);
    for (&price, out) in prices.iter().zip(out) {
        let inside = price.max(median * (1.0 - cap)).min(median * (1.0 + cap));
        // `max` would make a price of one that is missing.
        *out = if price.is_nan() || (drop && inside != price) { f64::NAN } else { inside };
    }
}

/// Mean by weight of prices after [`capped_prices`].
pub fn index_price(prices: &[f64], weights: &[f64], cap: f64, drop: bool) -> f64 {
    let mut capped = vec![0.0; prices.len()];
    capped_prices(prices, cap, drop, &mut capped);
    weighted_price(&capped, weights, false)
}
