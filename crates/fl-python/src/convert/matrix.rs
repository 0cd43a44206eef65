//! Arrays of NumPy as slices, where they are exactly what a kernel reads; Python's `_messages` makes all others so.

use super::errors::{DtypeError, ShapeError};
use fl_lab::Number;
use numpy::{
    Element, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyReadwriteArray1, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

/// A number type that both sides have.
pub(crate) trait Real: Number + Element {}

impl Real for f32 {}
impl Real for f64 {}

/// Does something generic with arrays of either type.
pub(crate) trait OnMatrix<'py> {
    /// What comes of it.
    type Output;
    /// With this matrix, which is C-contiguous.
    fn single(self, matrix: &PyReadonlyArray2<'py, f32>) -> PyResult<Self::Output>;
    /// With this matrix, which is C-contiguous.
    fn double(self, matrix: &PyReadonlyArray2<'py, f64>) -> PyResult<Self::Output>;
}

/// A matrix that can be read where it lies: of two axes, C-contiguous and aligned. (`as_slice` alone takes Fortran order.)
pub(crate) fn direct<'py, T: Real>(object: &Bound<'py, PyAny>) -> Option<PyReadonlyArray2<'py, T>> {
    let array = object.cast::<PyArray2<T>>().ok()?;
    if !array.is_c_contiguous() {
        return None;
    }
    let array = array.try_readonly().ok()?;
    array.as_slice().is_ok().then_some(array)
}

/// Calls with a matrix of either number type.
///
/// # Errors
/// For anything else, which the Python half never hands over.
pub(crate) fn with<'py, F: OnMatrix<'py>>(
    object: &Bound<'py, PyAny>,
    call: F,
) -> PyResult<F::Output> {
    if let Some(matrix) = direct::<f32>(object) {
        return call.single(&matrix);
    }
    if let Some(matrix) = direct::<f64>(object) {
        return call.double(&matrix);
    }
    Err(DtypeError::new_err(
        "expected a C-contiguous, aligned matrix of float32 or float64 that nobody writes to",
    ))
}

/// A vector that can be read where it lies: packed and aligned.
///
/// # Errors
/// For anything else, which the Python half never hands over.
pub(crate) fn vector<'py, T: Real>(
    object: &Bound<'py, PyAny>,
) -> PyResult<PyReadonlyArray1<'py, T>> {
    let array = object.cast::<PyArray1<T>>().ok().and_then(|array| array.try_readonly().ok());
    array.filter(|array| array.as_slice().is_ok()).ok_or_else(|| {
        DtypeError::new_err(format!(
            "expected packed, aligned vectors of {} that nobody writes to",
            T::NAME
        ))
    })
}

/// The array that an output is written to.
pub(crate) fn output<'py, T: Real>(
    object: &Bound<'py, PyAny>,
    dim: usize,
) -> PyResult<PyReadwriteArray1<'py, T>> {
    let refuse = |what: String| {
        ShapeError::new_err(format!(
            "out must be a writable, contiguous vector of {dim} numbers of the messages' type, {what}"
        ))
    };
    let Ok(array) = object.cast::<PyArray1<T>>() else {
        let name = object.get_type().name()?;
        return Err(refuse(format!("got another array or a {name}")));
    };
    if array.len() != dim {
        return Err(refuse(format!("got {} numbers", array.len())));
    }
    let mut array = array
        .try_readwrite()
        .map_err(|e| refuse(format!("got one that cannot be written: {e}")))?;
    if array.as_slice_mut().is_err() {
        return Err(refuse("got one with gaps".to_owned()));
    }
    Ok(array)
}

/// Rows of a matrix.
pub(crate) fn shape<T: Real>(matrix: &PyReadonlyArray2<'_, T>) -> (usize, usize) {
    let shape = matrix.shape();
    (shape[0], shape[1])
}
