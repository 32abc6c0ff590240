//! The one file with `unsafe`: numpy arrays that borrow the buffers of a table or a column instead of copying them.
#![allow(unsafe_code)]

use numpy::ndarray::ArrayView1;
use numpy::{Element, PyArray1, PyArrayMethods};
use pyo3::prelude::*;

/// A read-only numpy view of `values`, which `owner` keeps alive.
///
/// Sound because every caller passes a buffer of an immutable Arrow array or column held by `owner`, a frozen Python object: it
/// is neither moved, freed nor written as long as the view holds its reference to `owner`.
pub fn view<'py, T: Element>(owner: Bound<'py, PyAny>, values: &[T]) -> Bound<'py, PyArray1<T>> {
    // SAFETY: see above; the view is made read-only before anybody sees it.
    let array = unsafe { PyArray1::borrow_from_array(&ArrayView1::from(values), owner) };
    array.readwrite().make_nonwriteable();
    array
}
