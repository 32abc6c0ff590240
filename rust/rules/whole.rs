//! Whole units.

/// Towards zero, as integers divide. What is within rounding of a whole number is that number: the exact
/// quotient of prices that are multiples of a tick is never that near to one without being it.
pub fn cut(x: f64) -> f64 {
    let near = x.round();
    if (x - near).abs() <= (4.0 * f64::EPSILON * x.abs()).max(1e-9) { near } else { x.trunc() }
}

/// The same where a venue counts in whole units.
pub fn cut_if(whole: bool, x: f64) -> f64 {
    if whole { cut(x) } else { x }
}
