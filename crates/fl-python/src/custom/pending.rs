//! What functions in Python have raised: an exception cannot cross the engine, so it waits here.

use pyo3::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

static ANY: AtomicBool = AtomicBool::new(false);
static PENDING: Mutex<Option<PyErr>> = Mutex::new(None);

/// Whether a part in Python may be called: then nothing that calls parts holds the interpreter's lock.
pub(crate) fn any() -> bool {
    ANY.load(Relaxed)
}

pub(super) fn there_is_one() {
    ANY.store(true, Relaxed);
}

/// Keeps the first exception, with a note that says where it happened.
pub(super) fn keep(py: Python<'_>, error: PyErr, place: &str) {
    // A note that cannot be added is no reason to lose the exception.
    let _ = error.value(py).call_method1("add_note", (format!("in {place}"),));
    PENDING.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

/// Raises what a function raised, with its traceback.
pub(crate) fn raise_pending(_: Python<'_>) -> PyResult<()> {
    if !any() {
        return Ok(());
    }
    PENDING.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}
