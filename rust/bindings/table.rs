//! Tables: numpy views and the Arrow stream of one record batch.

use arrow_array::cast::AsArray;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::types::{ArrowDictionaryKeyType, Float64Type, Int64Type, UInt8Type, UInt16Type, UInt64Type};
use arrow_array::{Array, ArrayRef, DictionaryArray, RecordBatch, RecordBatchIterator};
use arrow_schema::DataType;
use numpy::{Element, PyArray1};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::borrow::view;
use super::errors::PerpcoreError;

/// A table of a run's results.
///
/// `table[name]` is a read-only numpy array (numbers without copying); the whole speaks the Arrow PyCapsule interface.
#[pyclass(frozen, module = "perpcore._core")]
pub struct Table {
    pub batch: RecordBatch,
}

#[pymethods]
impl Table {
    /// Names of the columns, in order.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column: a numpy array, or for a column of names a pair of codes and names.
    fn column<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let table = slf.get();
        let Some(column) = table.batch.column_by_name(name) else {
            return Err(PyKeyError::new_err(format!(
                "no column {name:?}; there are {:?}",
                table.column_names()
            )));
        };
        numpy(slf.clone().into_any(), column)
    }

    /// The Arrow PyCapsule interface: a stream of one batch. A requested schema is not followed, as the protocol allows.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        let schema = self.batch.schema();
        let reader = RecordBatchIterator::new([Ok(self.batch.clone())], schema);
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(reader)), c"arrow_array_stream")
    }
}

/// A numpy array of a column that `owner` holds: numbers without copying, for names a pair of codes and names.
pub fn numpy<'py>(owner: Bound<'py, PyAny>, column: &ArrayRef) -> PyResult<Bound<'py, PyAny>> {
    let py = owner.py();
    Ok(match column.data_type() {
        DataType::Int64 => view(owner, column.as_primitive::<Int64Type>().values()).into_any(),
        DataType::UInt64 => view(owner, column.as_primitive::<UInt64Type>().values()).into_any(),
        DataType::UInt8 => view(owner, column.as_primitive::<UInt8Type>().values()).into_any(),
        DataType::Float64 => view(owner, column.as_primitive::<Float64Type>().values()).into_any(),
        DataType::Boolean => {
            let bits: Vec<bool> = column.as_boolean().values().iter().collect();
            PyArray1::from_vec(py, bits).into_any()
        }
        DataType::Dictionary(codes, _) if **codes == DataType::UInt16 => {
            names(owner, column.as_dictionary::<UInt16Type>())?
        }
        _ => names(owner, column.as_dictionary::<UInt8Type>())?,
    })
}

/// Codes and names.
fn names<'py, K: ArrowDictionaryKeyType<Native: Element>>(
    owner: Bound<'py, PyAny>,
    column: &DictionaryArray<K>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = owner.py();
    let names: Vec<&str> = column.values().as_string::<i32>().iter().flatten().collect();
    Ok((view(owner, column.keys().values()), names).into_pyobject(py)?.into_any())
}

/// A finished batch, or what is wrong with it (a defect of ours).
pub fn table(batch: Result<RecordBatch, arrow_schema::ArrowError>) -> PyResult<Table> {
    batch.map(|batch| Table { batch }).map_err(|error| PerpcoreError::new_err(error.to_string()))
}
