//! Messages in, one message out.

mod adversary;
mod mixed;
mod pieces;
mod server;
pub(crate) mod state;
mod work;

use pyo3::prelude::*;

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    mixed::add(module)?;
    module.add_class::<adversary::Adversary>()?;
    module.add_class::<server::Server>()
}
