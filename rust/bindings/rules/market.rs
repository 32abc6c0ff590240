//! Mark, index, funding.

use pyo3::prelude::*;

use super::{Column, Numbers, along, each};
use crate::rules::{self, TwapTerms};

/// Functions of numbers alone, row by row.
macro_rules! elementwise {
    ($($(#[$words:meta])* $name:ident($($argument:ident),+);)+) => {$(
        $(#[$words])*
        #[pyfunction]
        pub fn $name<'py>(py: Python<'py>, $($argument: Numbers<'py>),+) -> PyResult<Column<'py>> {
            each(py, [$(&$argument),+], |[$($argument),+]| rules::$name($($argument),+))
        }
    )+};
}

elementwise! {
    /// Notional whose initial margin is `base`.
    impact_notional(base, initial_rate);
    /// Interest of an interval.
    interest_rate(quote_rate, base_rate, per_day);
    /// Premium and interest, clamped and capped.
    funding_rate(premium, interest, clamp, divisor, cap);
    /// Funding per token from two averages.
    twap_funding_rate(mark_twap, oracle_twap, limit, hours, offset, buffer);
    /// Gain of a cumulative funding index.
    funding_index_delta(rate_ppm, cap_ppm, price, hours, units);
    /// Towards zero to whole units.
    cut(value);
    /// Between bid and ask.
    mid_price(bid, ask);
    /// A price by way of a third currency.
    cross_price(base, quote);
    /// Funding until the next payment.
    fair_basis(index_price, rate, hours_left, interval);
    /// Funding of a year.
    fair_basis_rate(rate, per_day);
    /// Not further than a share from where it was.
    limit_step(price, previous, share);
    /// Fund at which auto-deleveraging starts.
    adl_threshold(average, share, floor);
    /// What the fund gains from a fill; `qty` is signed.
    insurance_fund_change(qty, bankruptcy_price, fill_price, fee_rate);
    /// What a liquidation pays to the fund.
    fund_fee(bankruptcy_quote, fill_quote, max_fee);
}

/// Premium of impact prices over an index.
#[pyfunction]
pub fn premium_index<'py>(
    py: Python<'py>,
    bid: Numbers<'py>,
    ask: Numbers<'py>,
    index: Numbers<'py>,
    ppm: bool,
) -> PyResult<Column<'py>> {
    each(py, [&bid, &ask, &index], |[b, a, i]| rules::premium_index(b, a, i, ppm))
}

/// Mean price of filling a notional; `thin` where a side has less.
#[pyfunction]
pub fn impact_price<'py>(
    py: Python<'py>,
    prices: Numbers<'py>,
    sizes: Numbers<'py>,
    notional: Numbers<'py>,
    thin: f64,
) -> PyResult<Column<'py>> {
    let rows = notional.len()?;
    along(py, rows, 1, [&prices, &sizes], [&notional], |[p, s], [n], out| {
        out[0] = rules::impact_price(p, s, n, thin);
    })
}

/// Average of samples, zeros added.
#[pyfunction]
pub fn average_premium<'py>(
    py: Python<'py>,
    samples: Numbers<'py>,
    expected: Numbers<'py>,
    ramp: bool,
    whole: bool,
) -> PyResult<Column<'py>> {
    let rows = expected.len()?;
    along(py, rows, 1, [&samples], [&expected], |[x], [n], out| {
        out[0] = rules::average_premium(x, n, ramp, whole);
    })
}

/// Cash that signed positions receive.
#[pyfunction]
pub fn funding_payment<'py>(
    py: Python<'py>,
    qty: Numbers<'py>,
    price: Numbers<'py>,
    rate: Numbers<'py>,
    share: Numbers<'py>,
    inverse: bool,
) -> PyResult<Column<'py>> {
    each(py, [&qty, &price, &rate, &share], |[q, p, r, s]| rules::funding_payment(q, p, r, s, inverse))
}

/// Payments per token from two averages; `terms` are nine columns as [`TwapTerms`] names them.
#[pyfunction]
pub fn twap_payment<'py>(py: Python<'py>, terms: [Numbers<'py>; 9], whole: bool) -> PyResult<Column<'py>> {
    each(py, terms.each_ref(), |[internal, external, interest, years, lo, hi, scaling, least, most]| {
        let (clamp, rates) = ((lo, hi), (least, most));
        let terms = TwapTerms { internal, external, interest, years, clamp, scaling, rates };
        rules::twap_payment(&terms, whole)
    })
}

/// Rates of longs and shorts and the pool, three to a row; `given` are long, short, rate, pool, floor, share.
#[pyfunction]
pub fn capped_funding<'py>(py: Python<'py>, given: [Numbers<'py>; 6]) -> PyResult<Column<'py>> {
    let rows = given[0].len()?;
    along(py, rows, 3, [], given.each_ref(), |[], [long, short, rate, pool, floor, share], out| {
        out.copy_from_slice(&rules::capped_funding(long, short, rate, pool, floor, share));
    })
}

/// Means by weight.
#[pyfunction]
pub fn weighted_price<'py>(
    py: Python<'py>,
    rows: usize,
    prices: Numbers<'py>,
    weights: Numbers<'py>,
    whole: bool,
) -> PyResult<Column<'py>> {
    along(py, rows, 1, [&prices, &weights], [], |[p, w], [], out| {
        out[0] = rules::weighted_price(p, w, whole);
    })
}

/// Medians by weight.
#[pyfunction]
pub fn median_price<'py>(
    py: Python<'py>,
    rows: usize,
    prices: Numbers<'py>,
    weights: Numbers<'py>,
) -> PyResult<Column<'py>> {
    along(py, rows, 1, [&prices, &weights], [], |[p, w], [], out| out[0] = rules::median_price(p, w))
}

/// Exponential averages along samples; `by_time`: samples count by their time.
#[pyfunction]
pub fn exponential_average<'py>(
    py: Python<'py>,
    width: usize,
    values: Numbers<'py>,
    dt: Numbers<'py>,
    tau: Numbers<'py>,
    by_time: bool,
) -> PyResult<Column<'py>> {
    let rows = tau.len()?;
    along(py, rows, width, [&values, &dt], [&tau], |[x, t], [tau], out| match by_time {
        true => rules::decayed_average(x, t, tau, out),
        false => rules::exponential_average(x, t, tau, out),
    })
}

/// Medians of oracle, book and others; `given` are those columns: oracle, bid, ask, last, others, stand-in.
#[pyfunction]
pub fn composite_price<'py>(py: Python<'py>, given: [Numbers<'py>; 6]) -> PyResult<Column<'py>> {
    each(py, given.each_ref(), |[oracle, bid, ask, last, others, stand_in]| {
        rules::composite_price(oracle, [bid, ask, last], others, stand_in)
    })
}

/// Prices within a cap of their median.
#[pyfunction]
pub fn capped_prices<'py>(
    py: Python<'py>,
    width: usize,
    prices: Numbers<'py>,
    cap: Numbers<'py>,
    drop: bool,
) -> PyResult<Column<'py>> {
    let rows = cap.len()?;
    along(py, rows, width, [&prices], [&cap], |[p], [cap], out| rules::capped_prices(p, cap, drop, out))
}

/// Means by weight of prices within a cap of their median.
#[pyfunction]
pub fn index_price<'py>(
    py: Python<'py>,
    prices: Numbers<'py>,
    weights: Numbers<'py>,
    cap: Numbers<'py>,
    drop: bool,
) -> PyResult<Column<'py>> {
    let rows = cap.len()?;
    along(py, rows, 1, [&prices, &weights], [&cap], |[p, w], [cap], out| {
        out[0] = rules::index_price(p, w, cap, drop);
    })
}
