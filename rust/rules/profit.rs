//! What a position is worth and what it has made, in linear and in inverse contracts.

/// Worth of a quantity at a price: `q p`; inverse, where the quantity is a face value in quote currency, `q / p` coins.
pub fn notional(qty: f64, price: f64, size: f64, inverse: bool) -> f64 {
    if inverse { qty * size / price } else { qty * size * price }
}

/// The price at which a quantity has a worth.
pub fn implied_price(notional: f64, qty: f64, size: f64, inverse: bool) -> f64 {
    if inverse { qty * size / notional } else { notional / (qty * size) }
}

/// `s q (mark - entry)`; inverse `s q (1 / entry - 1 / mark)`.
pub fn unrealised_pnl(side: f64, qty: f64, entry: f64, mark: f64, size: f64, inverse: bool) -> f64 {
    let change = if inverse { (mark - entry) / entry / mark } else { mark - entry };
    side * qty * size * change
}

/// The same between entry and exit, less fees.
pub fn realised_pnl([side, qty, entry, exit, size, fees]: [f64; 6], inverse: bool) -> f64 {
    unrealised_pnl(side, qty, entry, exit, size, inverse) - fees
}
