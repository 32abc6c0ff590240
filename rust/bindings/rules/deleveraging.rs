//! Queues, the fund, shared losses.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::columns::{Kind, checked, formulas, formulas_along};
use super::{Column, Numbers};
use crate::rules::{self, Ranked};
use crate::venue::AdlRank;

/// Scores for auto-deleveraging; `literal`: of shorts as of longs.
#[pyfunction]
#[pyo3(signature = (columns, rank, inverse, literal, /))]
pub fn adl_score<'py>(
    py: Python<'py>,
    columns: [Numbers<'py>; 5],
    rank: &str,
    inverse: bool,
    literal: bool,
) -> PyResult<Column<'py>> {
    let rank = match rank {
        "profit_leverage" => AdlRank::ProfitLeverage,
        "hyperliquid" => AdlRank::Hyperliquid,
        "profit_share" => AdlRank::ProfitShare,
        "size" => AdlRank::Size,
        _ => return Err(PyValueError::new_err(format!("no rank {rank}"))),
    };
    let price = Kind::Positive;
    let arguments = [
        ("side", Kind::Side),
        ("qty", Kind::Positive),
        ("entry_price", price),
        ("mark_price", price),
        ("equity", Kind::Finite),
    ];
    checked(py, &columns, arguments, |[side, qty, entry, mark, equity]| {
        let position = Ranked { side, qty, entry, mark, equity };
        if literal { position.literal(inverse) } else { position.score(rank, inverse) }
    })
}

formulas! {
    /// Profit over a notional.
    profit_share(side: Side, profit: Finite, exit_notional: Positive; on_exit) =
        |[side, profit, exit]: [f64; 3], on_exit| rules::profit_share(side, profit, exit, on_exit);
    /// Fund at which auto-deleveraging starts.
    adl_threshold(average_fund: NotNegative, share: NotNegative, floor: NotNegative) =
        |[average, share, floor]: [f64; 3]| rules::adl_threshold(average, share, floor);
    /// What the fund gains from a fill.
    insurance_fund_change(side: Side, qty: NotNegative, bankruptcy_price: Positive, fill_price: Positive, fee_rate: Finite; inverse) =
        |[side, qty, bankruptcy, fill, fee]: [f64; 5], inverse| {
            rules::insurance_fund_change(side, qty, bankruptcy, fill, fee, inverse)
        };
    /// What a liquidation pays to the fund.
    fund_fee(bankruptcy_quote: Finite, fill_quote: Finite, max_fee_rate: NotNegative) =
        |[bankruptcy, fill, max]: [f64; 3]| rules::fund_fee(bankruptcy, fill, max);
    /// Widest spread, and what of it margin does not cover.
    liquidation_spread(spread_ratio: NotNegative, maintenance_rate: NotNegative, margin_left: Finite) =
        |[ratio, rate, left]: [f64; 3]| rules::liquidation_spread(ratio, rate, left);
    /// Positions taken over: loss, margin left, maintenance, whether it is closed, what goes to the fund, the fund then.
    take_over(side: Side, qty: NotNegative, margin: Finite, previous_price: Positive, price: Positive, risk_factor: Gap, slippage: Finite, fund: Finite, fill_price: PositiveGap, fee_rate: Finite) =
        |[side, qty, margin, before, now, rate, slippage, fund, fill, fee]: [f64; 10]| {
            let [loss, left, maintenance, closed, to_fund] =
                rules::take_over(side * qty, margin, before, now, rate + slippage);
            let sold = closed > 0.0 && !fill.is_nan();
            let gain = if sold { rules::insurance_fund_change(side, qty, now, fill, fee, false) } else { 0.0 };
            [loss, left, maintenance, closed, to_fund, fund + to_fund + gain]
        };
}

formulas_along! {
    /// Fifths of a queue.
    quintiles(qty: Positive) -> |n| n, |[sizes]: [&[f64]; 1], []: [f64; 0], out: &mut [f64]| rules::quintiles(sizes, out);
    /// Fills of a queue, what it keeps, its cash; then the cash of who is closed, what of it is, and what is not.
    deleverage(queue_qty: NotNegative, queue_cash: Finite; side: Side, qty: NotNegative, price: Positive, cash: Finite) -> |n| 3 * n + 3,
        |[queue, held]: [&[f64]; 2], [side, qty, price, cash]: [f64; 4], out: &mut [f64]| {
            rules::deleverage([side, qty, price, cash], queue, held, out);
        };
    /// Payouts after a loss, then what is lacking and what the fund keeps.
    share_loss(gains: NotNegative; owed: NotNegative, available: NotNegative, fund: NotNegative | whole) -> |n| n + 2,
        |[gains]: [&[f64]; 1], [owed, available, fund]: [f64; 3], out: &mut [f64], whole| {
            rules::share_loss(owed, available, fund, gains, whole, out);
        };
    /// Losses per unit, rounded up to one in `scale`.
    loss_per_unit(units: NotNegative; loss: NotNegative, scale: NotNegative) -> |_| 1,
        |[units]: [&[f64]; 1], [loss, scale]: [f64; 2], out: &mut [f64]| out[0] = rules::loss_per_unit(loss, units, scale);
}
