//! All cells of one experiment.

use super::host::{Event, Host, Options};
use super::schedule::{Task, check_tasks, run_each};
use crate::LabError;
use crate::check::check;
use crate::file::{Experiment, ExperimentText};
use crate::plan::{AssignmentCache, cells};
use crate::store::Outcome;
use fl_data::Loaded;
use std::sync::Mutex;

/// Checks an experiment against its data: every cell is built, none is run.
///
/// # Errors
/// Every part that cannot work, at its place in the file.
pub fn check_with_data(
    experiment: &Experiment,
    source: &ExperimentText,
    data: &Loaded,
) -> Result<(), LabError> {
    check(experiment, source)?;
    let cells = cells(experiment);
    let tasks: Vec<Task<'_>> =
        cells.iter().map(|cell| Task { cell, source: source.clone(), data }).collect();
    check_tasks(&tasks, &AssignmentCache::default())
}

/// Runs all cells of an experiment, several at a time. Those that are finished are read, not repeated; those that were
/// interrupted go on from their last checkpoint.
///
/// Results do not depend on `jobs` or `threads`, nor on the order of methods, nor on interruptions. They come back in the
/// order of [`cells`], without those that were left to other processes ([`Busy::Skip`](crate::Busy::Skip)). A cell that fails does not stop
/// the others; the first failure in that order is returned at the end.
///
/// # Errors
/// Mistakes in the file before anything runs, and whatever a cell failed with. A run that diverges is no failure: it is
/// an [`Ending`](crate::Ending).
pub fn run_experiment(
    experiment: &Experiment,
    source: &ExperimentText,
    data: &Loaded,
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Vec<Outcome>, LabError> {
    check(experiment, source)?;
    let cells = cells(experiment);
    let tasks: Vec<Task<'_>> =
        cells.iter().map(|cell| Task { cell, source: source.clone(), data }).collect();
    run_all(&tasks, options, host, watch)
}

/// As [`run_experiment`], for the cells of any experiments, each of which has been checked. Outcomes come back in the order of
/// tasks; of tasks with one folder the first has the outcome.
///
/// # Errors
/// As [`run_experiment`].
pub fn run_all(
    tasks: &[Task<'_>],
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Vec<Outcome>, LabError> {
    type Slot = Mutex<Option<Result<Option<Outcome>, LabError>>>;
    let results: Vec<Slot> = tasks.iter().map(|_| Mutex::new(None)).collect();
    run_each(tasks, options, host, watch, &|index, result| {
        if let Ok(mut slot) = results[index].lock() {
            *slot = Some(result);
        }
    })?;
    let mut outcomes = Vec::with_capacity(tasks.len());
    for slot in results {
        if let Some(result) = slot.into_inner().ok().flatten() {
            outcomes.extend(result?);
        }
    }
    Ok(outcomes)
}
