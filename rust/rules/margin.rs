//! What a position must keep, and where it breaks.

/// Liquidation price of an isolated linear position in floating point: where equity equals maintenance.
///
/// `qty` is signed; `tiers` are `(min_notional, rate, deduction)` in units. NaN if no positive price does.
pub fn liquidation_price(qty: f64, entry: f64, margin: f64, tiers: &[(f64, f64, f64)]) -> f64 {
    let (size, side) = (qty.abs(), qty.signum());
    let solve = |i: usize| {
        let (floor, rate, deduction) = tiers[i];
        let price = (side * size * entry - margin - deduction) / (size * (side - rate));
        let end = tiers.get(i + 1).map_or(f64::INFINITY, |next| next.0);
        // Both ends count: the two tiers agree on the edge, and rounding must not lose it.
        (price > 0.0 && price * size >= floor * (1.0 - 1e-12) && price * size <= end * (1.0 + 1e-12))
            .then_some(price)
    };
    (0..tiers.len()).find_map(solve).unwrap_or(f64::NAN)
}
