//! The one hierarchy of errors.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::error;
use crate::monte_carlo::{Cause, DumpError, MonteCarloError};

create_exception!(perpcore, PerpcoreError, PyException, "Whatever perpcore raises.");
create_exception!(
    perpcore,
    ScenarioError,
    PerpcoreError,
    "A scenario, or a file that should hold one, is not allowed. `problems` lists (field, value, allowed)."
);
create_exception!(
    perpcore,
    OrderError,
    PerpcoreError,
    "An order book refused an order; the book has not changed."
);
create_exception!(perpcore, RunError, PerpcoreError, "A run could not go on.");

/// With every problem, as text and as data.
pub fn scenario(py: Python<'_>, error: &error::ScenarioError) -> PyErr {
    let problems: Vec<(&str, &str, &str)> =
        error.problems.iter().map(|p| (p.field.as_str(), p.value.as_str(), p.allowed.as_str())).collect();
    let raised = ScenarioError::new_err(error.to_string());
    match raised.value(py).setattr("problems", problems) {
        Ok(()) => raised,
        Err(other) => other,
    }
}

/// A run that stopped with an error.
pub fn run(error: error::RunError) -> PyErr {
    RunError::new_err(error.to_string())
}

/// A panic.
pub fn defect(text: &str) -> PyErr {
    PerpcoreError::new_err(format!("a defect in perpcore, please report it: {text}"))
}

/// Bytes that are no ensemble.
pub fn dump(error: DumpError) -> PyErr {
    PerpcoreError::new_err(error.to_string())
}

/// An ensemble that was refused, or a path of it that failed.
pub fn monte_carlo(py: Python<'_>, error: &MonteCarloError) -> PyErr {
    match error {
        MonteCarloError::Refused(error) => scenario(py, error),
        MonteCarloError::Path { cause: Cause::Run(_), .. } => RunError::new_err(error.to_string()),
        MonteCarloError::Path { cause: Cause::Panic(_), .. } => PerpcoreError::new_err(error.to_string()),
    }
}
