//! How much of a position is closed, at which price, and what it costs.

/// What must be closed so that the rest fits a tier.
pub fn quantity_to_tier(qty: f64, max_qty: f64) -> f64 {
    (qty - max_qty).max(0.0)
}

/// What must be closed so that the margin it frees, less fees, covers a shortage; infinite where fees eat it all.
pub fn quantity_to_cover([shortage, rate, price, liquidator_fee, fund_fee, quote_price]: [f64; 6]) -> f64 {
    let freed = price * quote_price * (rate - liquidator_fee - fund_fee);
    if shortage <= 0.0 {
        0.0
    } else if freed > 0.0 {
        shortage / freed
    } else {
        f64::INFINITY
    }
}

/// The insurance fund's share of a liquidation: what the margin rate leaves after fee and shortage.
pub fn fund_fee_rate([rate, liquidator_fee, shortage, notional, max, share]: [f64; 6]) -> f64 {
    ((rate - liquidator_fee - shortage / notional) * share).clamp(0.0, max)
}

/// A fee that rises with time after a grace period, up to a cap.
pub fn rising_fee(base: f64, per_step: f64, elapsed: f64, grace: f64, max: f64) -> f64 {
    (base + per_step * (elapsed - grace).max(0.0)).min(max)
}

/// Slices in which a network gives a position away.
pub fn disposal_slices(qty: f64, fraction: f64, full_size: f64, max_slice: f64) -> Vec<f64> {
    let mut slices = Vec::new();
    let mut left = qty;
    // Each slice takes a fixed share at least, or as much as the book bears.
    while left > 0.0 {
        let wanted = if left <= full_size { left } else { (left * fraction).ceil() };
        let slice = wanted.min(max_slice).min(left);
        slices.push(slice);
        left -= slice;
    }
    slices
}

/// Limit price of a liquidation order: from the price of no loss to the spread, as the account's margin is used up.
pub fn fillable_price([side, price, rate, equity, maintenance, adjustment, spread]: [f64; 7]) -> f64 {
    let used = (adjustment * (1.0 - equity / maintenance)).clamp(0.0, 1.0);
    price - side * price * rate * (used * spread)
}

/// What the account gets for a change of position, in whole quanta, so that the position takes its share of equity.
///
/// `ceil(-change of worth - equity |change of requirement| / requirement)`; requirements are rounded up each.
pub fn bankruptcy_quote([position, change, price, rate, equity, maintenance]: [f64; 6]) -> f64 {
    let required = |base: f64| {
        let millionths = whole(rate * 1e6);
        ceil_div(whole((base * price).abs()) * millionths, 1_000_000)
    };
    let (before, after) = (whole(position * price), whole((position + change) * price));
    let (equity, maintenance) = (whole(equity), whole(maintenance));
    let released = (required(position) - required(position + change)).abs();
    if maintenance == 0 {
        return f64::NAN;
    }
    ceil_div((before - after) * maintenance - equity * released, maintenance) as f64
}

#[allow(clippy::cast_possible_truncation)] // whole already
fn whole(number: f64) -> i128 {
    number.round() as i128
}

fn ceil_div(dividend: i128, divisor: i128) -> i128 {
    dividend.div_euclid(divisor) + i128::from(dividend.rem_euclid(divisor) != 0)
}
