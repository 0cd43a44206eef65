//! What a part in Python calls.

use super::pending::Pending;
use pyo3::prelude::*;
use std::sync::Arc;

/// A function of Python with the settings that it is called with.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// The part's name in files.
    pub(super) name: &'static str,
    /// The function.
    pub(super) call: Arc<Py<PyAny>>,
    /// Who is told what it raises.
    pub(super) pending: Pending,
}
