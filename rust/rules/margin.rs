//! What a position must bring and keep.

/// Rounded up to a whole number of steps; what is whole but for the last bits stays. Step 0: not rounded.
fn rounded_up(amount: f64, step: f64) -> f64 {
    if step == 0.0 {
        return amount;
    }
    let steps = amount / step;
    let near = steps.round();
    let whole = if (steps - near).abs() <= 4.0 * f64::EPSILON * steps.abs() { near } else { steps.ceil() };
    whole * step
}

/// Cut down to a whole number of steps, likewise.
fn rounded_down(amount: f64, step: f64) -> f64 {
    -rounded_up(-amount, step)
}

/// `N / leverage` or `N rate`, with what is held back for the closing fee.
pub fn initial_margin(notional: f64, rate: f64, closing_fee: f64, step: f64) -> f64 {
    rounded_up(notional.abs() * rate, step) + closing_fee
}

/// `N (r + rise N + fee) - c`, with what is held back for the closing fee.
pub fn maintenance_at_rate([notional, rate, deduction, rise, fee, closing_fee, step]: [f64; 7]) -> f64 {
    let worth = notional.abs();
    rounded_up(worth * (rate + rise * worth + fee) - deduction, step) + closing_fee
}

/// Initial margin rate that rises with open interest, from `rate` at the lower cap to 1 at the upper.
pub fn open_interest_rate(rate: f64, open_interest: f64, lower: f64, upper: f64, step: f64) -> f64 {
    let scale = if open_interest >= upper {
        1.0
    } else {
        ((open_interest - lower) / (upper - lower)).clamp(0.0, 1.0)
    };
    rounded_down(rate + scale * (1.0 - rate), step)
}

/// A multiple of an amount, cut down to whole steps.
pub fn level(amount: f64, factor: f64, step: f64) -> f64 {
    rounded_down(amount * factor, step)
}

/// A rate that rises by `rise` for every step, whole or begun, of notional above a base.
pub fn stepped_rate(notional: f64, base: f64, step: f64, rate: f64, rise: f64) -> f64 {
    let steps = ((notional.abs() - base) / step).max(0.0);
    rate + rise * (steps * (1.0 - 4.0 * f64::EPSILON)).ceil()
}

/// Weight of a debt of a size: `max(w, 0.8 w + f sqrt(size))`.
pub fn weight_of_liability(weight: f64, factor: f64, size: f64, step: f64) -> f64 {
    rounded_down(weight.max(0.8 * weight + factor * size.sqrt()), step)
}

/// Weight of a holding of a size: `min(w, 1.1 / (1 + f sqrt(size)))`.
pub fn weight_of_asset(weight: f64, factor: f64, size: f64, step: f64) -> f64 {
    rounded_down(weight.min(1.1 / (1.0 + factor * size.sqrt())), step)
}

/// `q (min(|exit - mark|, cap mark) + risk mark)`: the way out through the book, at most the cap, and the risk.
pub fn slippage_margin(qty: f64, mark: f64, exit: f64, cap: f64, risk: f64) -> f64 {
    qty * ((exit - mark).abs().min(cap * mark) + risk * mark)
}

/// What is free for new positions: profit that is not realised does not count, losses do.
pub fn available_margin(wallet: f64, initial: f64, pnl: f64) -> f64 {
    wallet - initial + pnl.min(0.0)
}

/// Equity over maintenance margin.
pub fn margin_ratio(equity: f64, maintenance: f64) -> f64 {
    equity / maintenance
}
