//! Funding: from a book to a premium, from premiums to a rate, from a rate to what is paid.

use super::whole::{cut, cut_if};

/// Notional whose initial margin is `base`.
pub fn impact_notional(base: f64, initial_rate: f64) -> f64 {
    base / initial_rate
}

/// Mean price of filling `notional` along one side of a book, best level first; `thin` where it has less.
pub fn impact_price(prices: &[f64], sizes: &[f64], notional: f64, thin: f64) -> f64 {
    let (mut left, mut qty) = (notional, 0.0);
    for (&price, &size) in prices.iter().zip(sizes) {
        let level = price * size;
        if level >= left {
            return notional / (qty + left / price);
        }
        left -= level;
        qty += size;
    }
    // Rounding must not lose a book that holds the notional to the last unit.
    if left <= 1e-12 * notional { (notional - left) / qty } else { thin }
}

/// `(max(0, bid - index) - max(0, index - ask)) / index`; a side that is NaN has none.
pub fn premium_index(bid: f64, ask: f64, index: f64, ppm: bool) -> f64 {
    // `max` of NaN and 0 is 0.
    let above = (bid - index).max(0.0) - (index - ask).max(0.0);
    if ppm { cut(above * 1e6 / index) } else { above / index }
}

/// Mean of samples, zeros added up to `expected`; `ramp` weighs them 1, 2, ... n.
pub fn average_premium(samples: &[f64], expected: f64, ramp: bool, whole: bool) -> f64 {
    let n = samples.len() as f64;
    let average = if ramp {
        let weighted: f64 = samples.iter().enumerate().map(|(i, x)| (i + 1) as f64 * x).sum();
        weighted / (n * (n + 1.0) / 2.0)
    } else if samples.is_empty() {
        0.0
    } else {
        samples.iter().sum::<f64>() / n.max(expected)
    };
    cut_if(whole, average)
}

/// Interest of a funding interval: what the quote currency costs a day beyond the base currency.
pub fn interest_rate(quote: f64, base: f64, per_day: f64) -> f64 {
    (quote - base) / per_day
}

/// `(premium + clamp(interest - premium, -clamp, clamp)) / divisor`, within the cap.
pub fn funding_rate(premium: f64, interest: f64, clamp: f64, divisor: f64, cap: f64) -> f64 {
    let apart = interest - premium;
    // In the flat zone it is the interest itself, not a sum that rounds to its neighbour.
    let whole = if apart.abs() <= clamp { interest } else { premium + clamp.copysign(apart) };
    (whole / divisor).max(-cap).min(cap)
}

/// Funding per token of a period from two averages of prices, a day's difference a day.
pub fn twap_funding_rate(mark: f64, oracle: f64, limit: f64, hours: f64, offset: f64, buffer: f64) -> f64 {
    let apart = (mark - oracle + offset * oracle.abs()).max(-limit).min(limit);
    apart * buffer / (24.0 / hours)
}

/// Cash that a position of signed size receives: linear in quote, inverse (size in quote) in coin.
pub fn funding_payment(qty: f64, price: f64, rate: f64, share: f64, inverse: bool) -> f64 {
    let notional = if inverse { qty / price } else { qty * price };
    -notional * rate * share
}

/// What turns two averages of prices into a payment per token.
pub struct TwapTerms {
    /// Of the perpetual, and of what it follows.
    pub internal: f64,
    /// The average of what it follows.
    pub external: f64,
    /// A year.
    pub interest: f64,
    /// Length of the period.
    pub years: f64,
    /// Bounds of the interest term, as shares of `external`.
    pub clamp: (f64, f64),
    /// Of the whole payment.
    pub scaling: f64,
    /// Bounds of the payment, as shares of `external`.
    pub rates: (f64, f64),
}

/// `f - s + clamp((1 + t i) s - f, lo s, hi s)`, scaled, within the rate bounds.
pub fn twap_payment(terms: &TwapTerms, whole: bool) -> f64 {
    let (f, s) = (terms.internal, terms.external);
    let carried = (1.0 + terms.years * terms.interest) * s - f;
    let interest = carried.max(terms.clamp.0 * s).min(terms.clamp.1 * s);
    let payment = (f - s + interest) * terms.scaling;
    cut_if(whole, payment.max(terms.rates.0 * s).min(terms.rates.1 * s))
}

/// Rates of longs and shorts and the pool afterwards, where the pool pays what one side is short of.
///
/// It spends at most `share` of what it holds above its floor; then the receivers get less.
pub fn capped_funding(long: f64, short: f64, rate: f64, pool: f64, floor: f64, share: f64) -> [f64; 3] {
    let (payers, receivers) = if rate >= 0.0 { (long, short) } else { (short, long) };
    let paid = rate.abs() * payers;
    let lacking = rate.abs() * receivers - paid;
    let most = ((pool - floor) * share).max(0.0);
    if lacking <= most {
        return [rate, rate, pool - lacking];
    }
    let cut = ((paid + most) / receivers).copysign(rate);
    if rate >= 0.0 { [rate, cut, pool - most] } else { [cut, rate, pool - most] }
}

/// What a cumulative funding index gains in a tick: a rate of eight hours in parts a million, in whole units.
pub fn funding_index_delta(rate: f64, cap: f64, price: f64, hours: f64, units: f64) -> f64 {
    cut(rate.max(-cap).min(cap) * price * hours * units / 8e6)
}
