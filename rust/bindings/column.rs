//! Columns of real accounts, held for scenarios that name them.

use std::sync::Arc;

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use super::borrow::view;
use crate::world;

/// Numbers of accounts, held by their digest as long as this lives.
#[pyclass(frozen, module = "perpcore._core")]
pub struct Column {
    inner: Arc<world::Column>,
}

#[pymethods]
impl Column {
    /// Copies `values`, unless a column of this digest is held already.
    #[new]
    fn new(digest: &str, values: PyReadonlyArray1<'_, f64>) -> PyResult<Column> {
        let values = values.as_slice()?;
        Ok(Column {
            inner: world::Column::find(digest)
                .unwrap_or_else(|| world::Column::hold(digest, values.to_vec())),
        })
    }

    /// The column of this digest, if this process holds it.
    #[staticmethod]
    fn find(digest: &str) -> Option<Column> {
        world::Column::find(digest).map(|inner| Column { inner })
    }

    /// The digest of its content.
    #[getter]
    fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// Its numbers, read-only, without a copy.
    #[getter]
    fn values<'py>(slf: &Bound<'py, Self>) -> Bound<'py, PyArray1<f64>> {
        view(slf.clone().into_any(), &slf.get().inner.values)
    }
}
