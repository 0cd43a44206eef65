//! One cell, from its folder back to its folder.

use super::begin::Run;
use super::course::simulate;
use super::host::{Busy, Event, Host, Options};
use crate::LabError;
use crate::file::{ExperimentText, Precision};
use crate::plan::{AssignmentCache, Cell, evaluated};
use crate::store::{Folder, Optima, Outcome};
use fl_data::Loaded;
use std::sync::atomic::Ordering;

/// Runs one cell, on the rayon pool that this is called in (`jobs` and `threads` do not matter): reads it if it is
/// finished, goes on from its last checkpoint if there is one, begins it otherwise. `index` is what events tell.
///
/// `None` where another process is working at it and [`Busy::Skip`] is asked for.
///
/// The experiment is not checked as a whole: [`check_with_data`](crate::check_with_data) does that.
///
/// # Errors
/// Whatever the cell failed with; [`LabError::Stopped`], with a checkpoint of the round that it names, when the host asked
/// to stop.
pub fn run_cell(
    index: usize,
    cell: &Cell,
    source: &ExperimentText,
    data: &Loaded,
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Option<Outcome>, LabError> {
    let data = &*evaluated(&cell.experiment, source, data)?;
    let optima = Optima::new(options.optima, options.threads);
    let assignments = AssignmentCache::of([cell]);
    run_with((&optima, &assignments), (index, cell, source, data), options, host, watch)
}

/// The same, with what cells of a process share.
pub(crate) fn run_with(
    (optima, assignments): (&Optima, &AssignmentCache),
    (index, cell, source, data): (usize, &Cell, &ExperimentText, &Loaded),
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Option<Outcome>, LabError> {
    if host.stop.load(Ordering::Relaxed) {
        return Err(LabError::Stopped { round: 0 });
    }
    let folder = match Folder::take(options.out, cell, false, host.stop)? {
        Some(folder) => folder,
        None => {
            watch(Event::Busy { index, cell });
            let wait = options.busy == Busy::Wait;
            match Folder::take(options.out, cell, wait, host.stop)? {
                Some(folder) => folder,
                None => return Ok(None),
            }
        }
    };
    let digest = data.digest();
    if options.fresh {
        folder.clear()?;
    }
    let outcome = match folder.finished(cell, &digest)? {
        Some(outcome) => outcome,
        None => {
            watch(Event::Started { index, cell });
            let folder = &folder;
            let run =
                Run { index, cell, source, data, digest, folder, optima, assignments, host, watch };
            match cell.experiment.precision {
                Precision::F32 => simulate::<f32>(&run)?,
                Precision::F64 => simulate::<f64>(&run)?,
            }
        }
    };
    watch(Event::Finished { index, outcome: &outcome });
    Ok(Some(outcome))
}
