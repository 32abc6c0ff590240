//! Queues, the fund, shared losses.

use pyo3::prelude::*;

use super::{Column, Numbers, along, each};
use crate::rules::{self, Ranked};

/// Profit over a notional.
#[pyfunction]
pub fn profit_share<'py>(
    py: Python<'py>,
    side: Numbers<'py>,
    profit: Numbers<'py>,
    exit_notional: Numbers<'py>,
    on_exit: bool,
) -> PyResult<Column<'py>> {
    each(py, [&side, &profit, &exit_notional], |[s, p, n]| rules::profit_share(s, p, n, on_exit))
}

/// Scores for auto-deleveraging; `given` are side, size, entry, mark, equity.
#[pyfunction]
pub fn adl_score<'py>(
    py: Python<'py>,
    given: [Numbers<'py>; 5],
    inverse: bool,
    by_ratio: bool,
    turned: bool,
) -> PyResult<Column<'py>> {
    each(py, given.each_ref(), |[side, qty, entry, mark, equity]| {
        let position = Ranked { side, qty, entry, mark, equity };
        if by_ratio { position.by_ratio(inverse, turned) } else { position.by_profit(inverse) }
    })
}

/// Fifths of one queue.
#[pyfunction]
pub fn quintiles<'py>(py: Python<'py>, sizes: Numbers<'py>) -> PyResult<Column<'py>> {
    let width = sizes.len()?;
    along(py, 1, width, [&sizes], [], |[sizes], [], out| rules::quintiles(sizes, out))
}

/// What of each queue closes.
#[pyfunction]
pub fn fill_queue<'py>(
    py: Python<'py>,
    width: usize,
    queue: Numbers<'py>,
    qty: Numbers<'py>,
) -> PyResult<Column<'py>> {
    let rows = qty.len()?;
    along(py, rows, width, [&queue], [&qty], |[queue], [qty], out| rules::fill_queue(qty, queue, out))
}

/// Widest spread, and what of it margin does not cover, two to a row.
#[pyfunction]
pub fn liquidation_spread<'py>(py: Python<'py>, given: [Numbers<'py>; 3]) -> PyResult<Column<'py>> {
    let rows = given[0].len()?;
    along(py, rows, 2, [], given.each_ref(), |[], [ratio, rate, left], out| {
        out.copy_from_slice(&rules::liquidation_spread(ratio, rate, left));
    })
}

/// Payouts after a loss, then what is lacking and what the fund keeps: two more than `width` to a row.
#[pyfunction]
pub fn share_loss<'py>(
    py: Python<'py>,
    width: usize,
    gains: Numbers<'py>,
    given: [Numbers<'py>; 3],
    whole: bool,
) -> PyResult<Column<'py>> {
    let rows = given[0].len()?;
    along(py, rows, width + 2, [&gains], given.each_ref(), |[gains], [owed, available, fund], out| {
        rules::share_loss(owed, available, fund, gains, whole, out);
    })
}

/// Losses per unit, rounded up to one in `scale`.
#[pyfunction]
pub fn loss_per_unit<'py>(
    py: Python<'py>,
    units: Numbers<'py>,
    loss: Numbers<'py>,
    scale: f64,
) -> PyResult<Column<'py>> {
    let rows = loss.len()?;
    along(py, rows, 1, [&units], [&loss], |[units], [loss], out| {
        out[0] = rules::loss_per_unit(loss, units, scale);
    })
}

/// Positions taken over, five to a row; `given` are signed size, margin, price before and now, rate or NaN.
#[pyfunction]
pub fn take_over<'py>(py: Python<'py>, given: [Numbers<'py>; 5]) -> PyResult<Column<'py>> {
    let rows = given[0].len()?;
    along(py, rows, 5, [], given.each_ref(), |[], [qty, margin, before, now, rate], out| {
        out.copy_from_slice(&rules::take_over(qty, margin, before, now, rate));
    })
}
