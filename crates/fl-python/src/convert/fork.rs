//! A forked child has none of the parent's threads, and would wait for them forever.

use super::errors::ForkError;
use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static USED: AtomicBool = AtomicBool::new(false);
static FORKED: AtomicBool = AtomicBool::new(false);

/// To be called before anything that uses threads.
///
/// # Errors
/// In a child that was forked after its parent had used them.
#[inline]
pub(crate) fn check() -> PyResult<()> {
    if FORKED.load(Relaxed) {
        return Err(ForkError::new_err(
            "this process was forked from one that had used robust_fl, and has none of its threads; start processes with \
             multiprocessing.get_context('spawn')",
        ));
    }
    if !USED.load(Relaxed) {
        USED.store(true, Relaxed);
    }
    Ok(())
}

/// Called by Python in every forked child.
#[pyfunction]
fn after_fork() {
    FORKED.store(USED.load(Relaxed), Relaxed);
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(after_fork, module)?)
}
