//! Arguments that are checked, one number standing for as many as the others have: formulas of numbers, and of sequences.

use std::array::from_fn;

use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::{Column, Numbers, Table};
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
    /// Anything but NaN.
    Bound,
    /// Finite, or NaN for one that is missing.
    Gap,
    /// More than 0, or NaN.
    PositiveGap,
    /// At least 0, or NaN.
    NotNegativeGap,
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
            Kind::Bound => all(column, |x| !x.is_nan()),
            Kind::Gap => all(column, |x| !x.is_infinite()),
            Kind::PositiveGap => all(column, |x| x.is_nan() | (x > 0.0) & (x < f64::INFINITY)),
            Kind::NotNegativeGap => all(column, |x| x.is_nan() | (0.0..f64::INFINITY).contains(&x)),
        }
    }

    fn allowed(self, x: f64) -> &'static str {
        match self {
            Kind::Side => r#""long" or "short", or +1 or -1"#,
            Kind::Limit => "0 or more",
            Kind::Bound => "numbers",
            _ if !x.is_finite() => "finite numbers",
            Kind::Finite | Kind::Gap => "finite numbers",
            Kind::Positive | Kind::PositiveGap => "more than 0",
            Kind::NotNegative | Kind::NotNegativeGap => "0 or more",
        }
    }
}

/// A name of an argument, and what it may hold.
pub type Argument = (&'static str, Kind);

/// What a formula gives for a row: a number, or several.
pub trait Row: Send {
    fn flat(rows: Vec<Self>) -> Vec<f64>
    where
        Self: Sized;
}

impl Row for f64 {
    fn flat(rows: Vec<f64>) -> Vec<f64> {
        rows
    }
}

impl<const W: usize> Row for [f64; W] {
    fn flat(rows: Vec<[f64; W]>) -> Vec<f64> {
        rows.into_flattened()
    }
}

/// Applies a formula to the rows of columns of one length, or of length one, without the GIL.
pub fn checked<'py, const N: usize, R: Row>(
    py: Python<'py>,
    columns: &[Numbers<'py>; N],
    arguments: [Argument; N],
    formula: impl Fn([f64; N]) -> R + Send + Sync,
) -> PyResult<Column<'py>> {
    let slices = slices(columns)?;
    let lengths = slices.map(<[f64]>::len);
    let rows = lengths.into_iter().find(|&length| length != 1).unwrap_or(1);
    let masks = masks(lengths, rows)?;
    let found = py.detach(|| {
        check(slices, arguments)?;
        Ok(R::flat((0..rows).map(|i| formula(from_fn(|c| slices[c][i & masks[c]]))).collect()))
    });
    let rows = found.map_err(|error| errors::scenario(py, &error))?;
    Ok(PyArray1::from_vec(py, rows))
}

/// Applies a formula to so many rows of sequences of one length, and of columns; `width` says how many numbers it writes for
/// each.
pub fn along<'py, const T: usize, const N: usize>(
    py: Python<'py>,
    (rows, length): (usize, usize),
    (sequences, columns): (&[Numbers<'py>; T], &[Numbers<'py>; N]),
    (of_sequences, of_columns): ([Argument; T], [Argument; N]),
    width: impl Fn(usize) -> usize,
    formula: impl Fn([&[f64]; T], [f64; N], &mut [f64]) + Send + Sync,
) -> PyResult<Table<'py>> {
    let (flat, alone) = (slices(sequences)?, slices(columns)?);
    if flat.iter().any(|sequence| sequence.len() != rows * length) {
        return Err(PyValueError::new_err("sequences of different lengths"));
    }
    let (masks, width) = (masks(alone.map(<[f64]>::len), rows)?, width(length));
    let found = py.detach(|| {
        check(flat, of_sequences)?;
        check(alone, of_columns)?;
        let mut out = vec![0.0; rows * width];
        for i in 0..rows {
            let row = flat.map(|sequence| &sequence[i * length..(i + 1) * length]);
            let column = from_fn(|c| alone[c][i & masks[c]]);
            formula(row, column, &mut out[i * width..(i + 1) * width]);
        }
        Ok(out)
    });
    let out = found.map_err(|error| errors::scenario(py, &error))?;
    PyArray1::from_vec(py, out).reshape([rows, width])
}

fn slices<'a, const N: usize>(columns: &'a [Numbers<'_>; N]) -> PyResult<[&'a [f64]; N]> {
    let mut slices: [&[f64]; N] = [&[]; N];
    for (slice, column) in slices.iter_mut().zip(columns) {
        *slice = column.as_slice()?;
    }
    Ok(slices)
}

/// What an index is masked with: nothing of it is left where one number stands for all.
fn masks<const N: usize>(lengths: [usize; N], rows: usize) -> PyResult<[usize; N]> {
    if lengths.iter().any(|&length| length != 1 && length != rows) {
        return Err(PyValueError::new_err("arrays of different lengths"));
    }
    Ok(lengths.map(|length| if length == 1 { 0 } else { usize::MAX }))
}

/// The first number of each argument that it may not hold.
fn check<const N: usize>(slices: [&[f64]; N], arguments: [Argument; N]) -> Result<(), ScenarioError> {
    let mut error = ScenarioError::default();
    for (slice, (name, kind)) in slices.into_iter().zip(arguments) {
        if kind.holds(slice) {
            continue;
        }
        if let Some(&x) = slice.iter().find(|&&x| !kind.holds(&[x])) {
            let value = if x.is_nan() { "nan".to_owned() } else { format!("{x:?}") };
            error.push(name, value, kind.allowed(x));
        }
    }
    error.into_result()
}

/// A Python function of columns: a formula of numbers with the names of its arguments and what they may hold, and of flags.
macro_rules! formulas {
    ($($(#[$words:meta])* $name:ident($($argument:ident: $kind:ident),+ $(; $($flag:ident),+)?) = $formula:expr;)+) => {
        $(
            $(#[$words])*
            #[pyo3::pyfunction]
            #[pyo3(signature = (columns, $($($flag,)+)? /))]
            pub fn $name<'py>(
                py: pyo3::Python<'py>,
                columns: [$crate::bindings::rules::Numbers<'py>; [$(stringify!($argument)),+].len()],
                $($($flag: bool,)+)?
            ) -> pyo3::PyResult<$crate::bindings::rules::Column<'py>> {
                use $crate::bindings::rules::columns::{Kind, checked};
                let formula = $formula;
                checked(py, &columns, [$((stringify!($argument), Kind::$kind)),+], move |row| {
                    formula(row $($(, $flag)+)?)
                })
            }
        )+
    };
}
pub(super) use formulas;

/// The same of sequences, then of columns; it writes as many numbers as stand behind the arrow, of a sequence's length.
macro_rules! formulas_along {
    ($($(#[$words:meta])* $name:ident(
        $($sequence:ident: $kind:ident),+ $(; $($column:ident: $of_column:ident),+)? $(| $($flag:ident),+)?
    ) -> $width:expr, $formula:expr;)+) => {
        $(
            $(#[$words])*
            #[pyo3::pyfunction]
            #[pyo3(signature = (shape, sequences, columns, $($($flag,)+)? /))]
            pub fn $name<'py>(
                py: pyo3::Python<'py>,
                shape: (usize, usize),
                sequences: [$crate::bindings::rules::Numbers<'py>; [$(stringify!($sequence)),+].len()],
                columns: [$crate::bindings::rules::Numbers<'py>; 0 $($(+ [stringify!($column)].len())+)?],
                $($($flag: bool,)+)?
            ) -> pyo3::PyResult<$crate::bindings::rules::Table<'py>> {
                use $crate::bindings::rules::columns::{Kind, along};
                let arguments = (
                    [$((stringify!($sequence), Kind::$kind)),+],
                    [$($((stringify!($column), Kind::$of_column)),+)?],
                );
                let formula = $formula;
                along(py, shape, (&sequences, &columns), arguments, $width, move |sequences, columns, out| {
                    formula(sequences, columns, out $($(, $flag)+)?);
                })
            }
        )+
    };
}
pub(super) use formulas_along;
