//! Worth and profit.

use super::columns::formulas;
use crate::rules;

formulas! {
    /// Worth of a quantity at a price.
    notional(qty: Finite, price: Positive, contract_size: Positive; inverse) =
        |[q, p, size]: [f64; 3], inverse| rules::notional(q, p, size, inverse);
    /// The price at which a quantity has a worth.
    implied_price(notional: Positive, qty: Positive, contract_size: Positive; inverse) =
        |[n, q, size]: [f64; 3], inverse| rules::implied_price(n, q, size, inverse);
    /// Profit at a mark.
    unrealised_pnl(side: Side, qty: NotNegative, entry_price: Positive, mark_price: Positive, contract_size: Positive; inverse) =
        |[s, q, entry, mark, size]: [f64; 5], inverse| rules::unrealised_pnl(s, q, entry, mark, size, inverse);
    /// Profit of a closed position after fees.
    realised_pnl(side: Side, qty: NotNegative, entry_price: Positive, exit_price: Positive, contract_size: Positive, fees: Finite; inverse) =
        rules::realised_pnl;
    /// Fee of a fill.
    fee(qty: NotNegative, price: Positive, contract_size: Positive, fee_rate: Finite; inverse) =
        |[q, p, size, rate]: [f64; 4], inverse| rules::notional(q, p, size, inverse) * rate;
    /// Worth with the sign of the side.
    signed_worth(side: Side, qty: NotNegative, price: Positive) = |[s, q, p]: [f64; 3]| s * rules::notional(q, p, 1.0, false);
    /// Profit over margin.
    return_on_margin(pnl: Finite, margin: Positive) = |[pnl, margin]: [f64; 2]| pnl / margin;
}
