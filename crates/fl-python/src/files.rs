//! Files of one client each: `fl-cli aggregate` as a call, with progress and Ctrl-C.

use crate::convert::watched::watched;
use crate::convert::{errors, fork};
use crate::custom::Pending;
use crate::parts;
use fl_cli::Progress;
use pyo3::prelude::*;
use std::ffi::OsString;

/// What `fl-cli aggregate` with these arguments prints, and what it remarks. `progress` is called with the bytes that have been
/// read and those that are expected, some twenty times a second.
#[pyfunction]
#[pyo3(signature = (args, progress=None))]
fn aggregate_files(
    py: Python<'_>,
    args: Vec<OsString>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<(String, String)> {
    fork::check()?;
    let registry = parts::registry();
    let state = Progress::default();
    let mut before = 0;
    Pending::collecting(|pending| {
        let look = |_: Python<'_>| {
            pending.raised()?;
            let read = state.read();
            match &progress {
                Some(progress) if read > before => {
                    before = read;
                    progress.call1((read, state.expected().max(read))).map(drop)
                }
                _ => Ok(()),
            }
        };
        let work = || {
            // The functions that it makes are made there, and keep what they raise where this thread looks.
            pending.here(|| fl_cli::aggregate_files(&registry, &args, &state))
        };
        let said = watched(py, || state.stop(), look, work)?;
        said.map(|said| (said.results, said.remarks)).map_err(|(code, why)| match code {
            2 => errors::options(why),
            _ => errors::exit(code, why),
        })
    })
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(aggregate_files, module)?)
}
