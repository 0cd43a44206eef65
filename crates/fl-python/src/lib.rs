//! `robust_fl._native`: the laboratory for Python. Conversion, the interpreter's lock and errors; everything else is Python's
//! package `robust_fl`, or a crate of this workspace.

mod convert;
mod custom;
mod experiment;
mod files;
mod member;
mod parts;
mod round;

use pyo3::prelude::*;

/// The compiled half of `robust_fl`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    convert::fork::add(module)?;
    parts::add(module)?;
    round::add(module)?;
    custom::add(module)?;
    experiment::add(module)?;
    files::add(module)?;
    member::add(module)
}
