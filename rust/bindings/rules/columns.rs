//! Arguments that are checked, one number standing for as many as the others have.

use std::array::from_fn;

use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::{Column, Numbers};
use crate::bindings::errors;
use crate::error::ScenarioError;

/// What an argument may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Finite,
    Positive,
    NotNegative,
    /// +1 or -1.
    Side,
    /// At least 0, or infinite.
    Limit,
}

impl Kind {
    /// Without an early end, one loop for each kind: so it runs over several numbers at once.
    fn holds(self, column: &[f64]) -> bool {
        fn all(column: &[f64], holds: impl Fn(f64) -> bool) -> bool {
            column.iter().fold(true, |fine, &x| fine & holds(x))
        }
        match self {
            Kind::Finite => all(column, f64::is_finite),
            Kind::Positive => all(column, |x| (x > 0.0) & (x < f64::INFINITY)),
            Kind::NotNegative => all(column, |x| (0.0..f64::INFINITY).contains(&x)),
            Kind::Side => all(column, |x| x.abs() == 1.0),
            Kind::Limit => all(column, |x| x >= 0.0),
        }
    }

    fn allowed(self, x: f64) -> &'static str {
        match self {
            Kind::Side => r#""long" or "short", or +1 or -1"#,
            Kind::Limit => "0 or more",
            _ if !x.is_finite() => "finite numbers",
            Kind::Finite => "finite numbers",
            Kind::Positive => "more than 0",
            Kind::NotNegative => "0 or more",
        }
    }
}

/// A name of an argument, and what it may hold.
pub type Argument = (&'static str, Kind);

/// Applies a formula to the rows of columns of one length, or of length one, without the GIL.
pub fn checked<'py, const N: usize>(
    py: Python<'py>,
    columns: &[Numbers<'py>; N],
    arguments: [Argument; N],
    formula: impl Fn([f64; N]) -> f64 + Send + Sync,
) -> PyResult<Column<'py>> {
    let mut slices: [&[f64]; N] = [&[]; N];
    for (slice, column) in slices.iter_mut().zip(columns) {
        *slice = column.as_slice()?;
    }
    let lengths = slices.map(<[f64]>::len);
    let rows = lengths.into_iter().find(|&length| length != 1).unwrap_or(1);
    if lengths.iter().any(|&length| length != 1 && length != rows) {
        return Err(PyValueError::new_err("arrays of different lengths"));
    }
    let masks = lengths.map(|length| if length == 1 { 0 } else { usize::MAX });
    let found = py.detach(|| {
        check(slices, arguments)?;
        Ok((0..rows).map(|i| formula(from_fn(|c| slices[c][i & masks[c]]))).collect::<Vec<f64>>())
    });
    let rows = found.map_err(|error| errors::scenario(py, &error))?;
    Ok(PyArray1::from_vec(py, rows))
}

/// The first number of each argument that it may not hold.
fn check<const N: usize>(slices: [&[f64]; N], arguments: [Argument; N]) -> Result<(), ScenarioError> {
    let mut error = ScenarioError::default();
    for (slice, (name, kind)) in slices.into_iter().zip(arguments) {
        if kind.holds(slice) {
            continue;
        }
        if let Some(&x) = slice.iter().find(|&&x| !kind.holds(&[x])) {
            let value = if x.is_nan() { "nan".to_owned() } else { x.to_string() };
            error.push(name, value, kind.allowed(x));
        }
    }
    error.into_result()
}

/// A Python function of columns: a formula of numbers with the names of its arguments and what they may hold.
macro_rules! formulas {
    ($($(#[$words:meta])* $name:ident($($argument:ident: $kind:ident),+ $(; $flag:ident)?) = $formula:expr;)+) => {
        $(
            $(#[$words])*
            #[pyo3::pyfunction]
            #[pyo3(signature = (columns, $($flag,)? /))]
            pub fn $name<'py>(
                py: pyo3::Python<'py>,
                columns: [$crate::bindings::rules::Numbers<'py>; [$(stringify!($argument)),+].len()],
                $($flag: bool,)?
            ) -> pyo3::PyResult<$crate::bindings::rules::Column<'py>> {
                use $crate::bindings::rules::columns::{Kind, checked};
                let formula = $formula;
                checked(py, &columns, [$((stringify!($argument), Kind::$kind)),+], move |row| {
                    formula(row $(, $flag)?)
                })
            }
        )+
    };
}
pub(super) use formulas;
