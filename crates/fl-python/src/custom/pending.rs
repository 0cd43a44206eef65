//! What functions in Python have raised: an exception cannot cross the engine, so it waits for whoever called the engine.

use pyo3::prelude::*;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

static ANY: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Where functions that are made on this thread keep what they raise.
    static CURRENT: RefCell<Pending> = RefCell::default();
}

/// Whether a part in Python may be called: then nothing that calls parts holds the interpreter's lock.
pub(crate) fn any() -> bool {
    ANY.load(Relaxed)
}

pub(super) fn there_is_one() {
    ANY.store(true, Relaxed);
}

/// The first exception of the functions of one server, adversary or run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending(Arc<Mutex<Option<PyErr>>>);

impl Pending {
    /// Makes something whose functions keep their exceptions here and nowhere else.
    pub(crate) fn collecting<R>(make: impl FnOnce(&Self) -> R) -> R {
        let own = Self::default();
        own.here(|| make(&own))
    }

    /// The same on another thread than that which looks for the exceptions.
    pub(crate) fn here<R>(&self, make: impl FnOnce() -> R) -> R {
        let before = CURRENT.replace(self.clone());
        let made = make();
        CURRENT.set(before);
        made
    }

    /// That of whoever makes a function now.
    pub(super) fn current() -> Self {
        CURRENT.with_borrow(Self::clone)
    }

    /// Keeps the first exception, with a note that says where it happened.
    pub(super) fn keep(&self, py: Python<'_>, error: PyErr, place: &str) {
        // A note that cannot be added is no reason to lose the exception.
        let _ = error.value(py).call_method1("add_note", (format!("in {place}"),));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// What a function has raised, with its traceback; the next one starts afresh.
    pub(crate) fn raised(&self) -> PyResult<()> {
        if !any() {
            return Ok(());
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }
}
