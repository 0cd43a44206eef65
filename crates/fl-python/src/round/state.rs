//! What parts remember, as a dict of arrays.

use crate::convert::errors;
use crate::convert::matrix::Real;
use fl_core::{Part, Visit};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A dict with what `save` writes into it.
pub(crate) fn dict<'py>(
    py: Python<'py>,
    save: impl FnOnce(&Bound<'py, PyDict>) -> PyResult<()>,
) -> PyResult<Bound<'py, PyDict>> {
    let state = PyDict::new(py);
    save(&state)?;
    Ok(state)
}

/// Copies all parts of a walk into a dict.
pub(crate) fn save<T: Real>(
    state: &Bound<'_, PyDict>,
    walk: impl FnOnce(&mut Visit<'_, T>),
) -> PyResult<()> {
    let py = state.py();
    let mut result = Ok(());
    walk(&mut |name, part| {
        let saved = match part {
            Part::Vector(x) | Part::Matrix(x, _) => {
                state.set_item(name, PyArray1::from_slice(py, x))
            }
            Part::Doubles(x) => state.set_item(name, PyArray1::from_slice(py, x)),
            Part::Count(n) => state.set_item(name, *n),
            _ => Err(errors::RunError::new_err(format!("{name} cannot be saved"))),
        };
        if result.is_ok() {
            result = saved;
        }
    });
    result
}

/// Writes a dict that [`save`] made over all parts of a walk.
pub(crate) fn load<T: Real>(
    state: &Bound<'_, PyDict>,
    walk: impl FnOnce(&mut Visit<'_, T>),
) -> PyResult<()> {
    let mut result = Ok(());
    walk(&mut |name, part| {
        if result.is_ok() {
            result = load_part(state, name, part);
        }
    });
    result
}

fn load_part<T: Real>(state: &Bound<'_, PyDict>, name: &str, part: Part<'_, T>) -> PyResult<()> {
    let lacks = || errors::RunError::new_err(format!("the state has no {name}"));
    let kept = state.get_item(name)?.ok_or_else(lacks)?;
    match part {
        Part::Vector(x) | Part::Matrix(x, _) => copy(&kept, name, x),
        Part::Doubles(x) => copy(&kept, name, x),
        Part::Count(n) => {
            *n = kept.extract()?;
            Ok(())
        }
        _ => Err(lacks()),
    }
}

fn copy<T: Real>(kept: &Bound<'_, PyAny>, name: &str, to: &mut [T]) -> PyResult<()> {
    let array = kept.cast::<PyArray1<T>>()?.try_readonly()?;
    let from = array.as_slice()?;
    if from.len() != to.len() {
        return Err(errors::RunError::new_err(format!(
            "the state has {} numbers of {name}, expected {}",
            from.len(),
            to.len()
        )));
    }
    to.copy_from_slice(from);
    Ok(())
}
