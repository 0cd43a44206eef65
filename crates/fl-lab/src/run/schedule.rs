//! Running many cells, of one experiment or of a whole sweep: several at a time, and beside other processes.

use super::host::{Busy, Event, Host, Options};
use super::one::run_with;
use crate::LabError;
use crate::file::{
    BatchSize, ConfigError, DataConfig, ExperimentText, MethodConfig, Mistakes, Precision,
};
use crate::name::ModelChoice;
use crate::plan::{Assignment, AssignmentCache, Cell, batch_path, evaluated, key, setup};
use crate::store::{Ending, FAILURE, Optima, Outcome};
use fl_data::Loaded;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A cell to run, with what it is made from.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// The file that it comes from.
    pub source: ExperimentText,
    /// The data that it names.
    pub data: &'a Loaded,
}

/// That for all tasks, once for each set and each choice of rows; and the place of each task's.
fn sets<'d>(tasks: &[Task<'d>]) -> Result<(Vec<Cow<'d, Loaded>>, Vec<usize>), ConfigError> {
    let mut known = HashMap::new();
    let (mut sets, mut places) = (Vec::new(), Vec::with_capacity(tasks.len()));
    for Task { cell, source, data } in tasks {
        let next = sets.len();
        let which = (std::ptr::from_ref(*data), cell.experiment.data.evaluate_on);
        let place = *known.entry(which).or_insert(next);
        if place == next {
            sets.push(evaluated(&cell.experiment, source, data)?);
        }
        places.push(place);
    }
    Ok((sets, places))
}

/// The tasks on these data.
fn on<'a>(tasks: &[Task<'a>], sets: &'a [Cow<'_, Loaded>], places: &[usize]) -> Vec<Task<'a>> {
    let task = |(task, &place): (&Task<'a>, &usize)| Task { data: &sets[place], ..task.clone() };
    tasks.iter().zip(places).map(task).collect()
}

/// What came of running cells.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cells that were run to their end here.
    pub run: usize,
    /// Cells that were found finished.
    pub found: usize,
    /// Cells that other processes were at and that were left to them.
    pub busy: usize,
    /// Of the first two, those that diverged.
    pub diverged: usize,
    /// Cells that did not come to their end, or did not begin, because the host asked to stop.
    pub stopped: usize,
    /// Cells that failed, by their places in the list of tasks, and why; in order.
    pub failed: Vec<(usize, LabError)>,
}

/// Seeds whose partitions are made ahead to be checked, of cells that differ in nothing else: making all of a hundred
/// thousand takes as long as running does.
pub const SEEDS_CHECKED: usize = 200;

/// Checks cells against their data: each is built, none is run.
///
/// Cells that differ in nothing that their workers are built from are built once; of those that differ in their seeds alone
/// the first [`SEEDS_CHECKED`] are, and the others when they begin.
///
/// # Errors
/// Everything that cannot work, each at its place in the file.
pub fn check_tasks(tasks: &[Task<'_>], assignments: &AssignmentCache) -> Result<(), LabError> {
    let (sets, places) = sets(tasks)?;
    check_on(&on(tasks, &sets, &places), assignments)
}

/// As [`check_tasks`], on the data that accuracy is measured on.
fn check_on(tasks: &[Task<'_>], assignments: &AssignmentCache) -> Result<(), LabError> {
    #[derive(Serialize)]
    struct Workers<'a>(
        &'a DataConfig,
        usize,
        &'a MethodConfig,
        &'a ModelChoice,
        BatchSize,
        Precision,
    );
    let mut seen: HashMap<String, HashSet<u64>> = HashMap::new();
    let mut mistakes = Mistakes::default();
    for task in tasks {
        let experiment = &task.cell.experiment;
        let mut method = task.cell.method.clone();
        // Neither can be wrong only for some data.
        (method.step, method.rule, method.pre) = (None, None, Vec::new());
        let (model, batch) = (&experiment.model, experiment.train.batch);
        let (data, count) = (&experiment.data, experiment.federation.workers);
        let workers = Workers(data, count, &method, model, batch, experiment.precision);
        let alike = serde_json::to_string(&workers).expect("plain data");
        let seeds = seen.entry(alike).or_default();
        if seeds.len() >= SEEDS_CHECKED || !seeds.insert(task.cell.seed) {
            continue;
        }
        let result = assignments
            .assign(task.cell, task.data, &task.source)
            .map_err(LabError::from)
            .and_then(|assignment| build_check(task.cell, task.data, &assignment, &task.source));
        match result {
            Ok(()) => {}
            Err(LabError::Config(error)) => mistakes.add(error),
            Err(other) => return Err(other),
        }
    }
    Ok(mistakes.or(())?)
}

/// Builds what `Simulation::new` builds and [`check`](crate::check()) could not, because it depends on the data.
fn build_check(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
) -> Result<(), LabError> {
    let setup = setup::<f32>(cell, data, assignment, source)?;
    // The worker with the fewest samples, so that what is suggested suits all of them.
    let Some((worker, samples)) =
        setup.samples.iter().enumerate().min_by_key(|(_, samples)| samples.len())
    else {
        return Ok(());
    };
    let local = fl_core::Local {
        worker,
        workers: setup.samples.len(),
        objective: &*setup.objective,
        data: setup.train,
        samples,
    };
    let index = cell.method_index.to_string();
    setup.estimator.build(&local).map_err(|e| {
        // Where the setting that it names stands in the file.
        let path = match &*e.part {
            decorator @ ("local-steps" | "momentum" | "clip") => {
                vec!["method", &*index, decorator, &*e.setting]
            }
            _ if e.setting == "batch" => batch_path(&cell.method, &index),
            _ => vec!["method", &*index, "estimator"],
        };
        let error = source.error_at(&path, &e);
        if e.setting != "batch" {
            return error;
        }
        error.with_help(format!(
            "this is so under seed {}; train.small-workers = \"take-all\" lets a small worker take what it has",
            cell.seed
        ))
    })?;
    Ok(())
}

/// Runs cells, several at a time; those that are finished are read, not repeated, and those that were interrupted go on.
/// Cells in one folder are one cell.
///
/// Several processes may do this with the same folder at the same time: every cell is run by one of them. A cell that
/// another process is at comes last.
///
/// Results do not depend on `jobs` or `threads`, nor on the order of tasks. A cell that fails does not stop the others.
///
/// # Errors
/// Mistakes before anything runs, and a folder that cannot be made. What cells failed with is in the [`Tally`].
pub fn run_tasks(
    tasks: &[Task<'_>],
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Tally, LabError> {
    let tally = Mutex::new(Tally::default());
    run_each(tasks, options, host, watch, &|index, result| {
        let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(Some(outcome)) => {
                *if outcome.reused { &mut tally.found } else { &mut tally.run } += 1;
                let diverged = matches!(outcome.done.ending, Ending::Diverged { .. });
                tally.diverged += usize::from(diverged);
            }
            Ok(None) => tally.busy += 1,
            Err(LabError::Stopped { .. }) => tally.stopped += 1,
            Err(error) => tally.failed.push((index, error)),
        }
    })?;
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.failed.sort_by_key(|(index, _)| *index);
    Ok(tally)
}

/// As [`run_tasks`]; `take` is given what came of each, once for each folder.
pub(crate) fn run_each(
    tasks: &[Task<'_>],
    options: Options<'_>,
    host: Host<'_>,
    watch: &(dyn Fn(Event<'_>) + Sync),
    take: &(dyn Fn(usize, Result<Option<Outcome>, LabError>) + Sync),
) -> Result<(), LabError> {
    let (sets, places) = sets(tasks)?;
    let tasks = &*on(tasks, &sets, &places);
    let mut folders = HashSet::new();
    let once: Vec<usize> =
        (0..tasks.len()).filter(|&i| folders.insert(tasks[i].cell.folder())).collect();
    let assignments = AssignmentCache::of(once.iter().map(|&i| tasks[i].cell));
    check_on(tasks, &assignments)?;
    fs::create_dir_all(options.out).map_err(LabError::io("make the folder", options.out))?;
    let queue = Mutex::new(in_turn(tasks, &once));
    // Cells that another process had when it was their turn.
    let later: Mutex<VecDeque<usize>> = Mutex::default();
    let pop = |queue: &Mutex<VecDeque<usize>>| {
        queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    };
    let optima = Optima::new(options.optima, options.threads);
    let turn = |index: usize, busy: Busy| {
        let Task { cell, source, data } = &tasks[index];
        let with = Options { busy, ..options };
        let (shared, of) = ((&optima, &assignments), (index, *cell, source, *data));
        let result = run_with(shared, of, with, host, watch);
        if matches!(result, Ok(None)) && options.busy == Busy::Wait {
            return later.lock().unwrap_or_else(PoisonError::into_inner).push_back(index);
        }
        assignments.give_back(cell);
        tell(&options.out.join(cell.folder()), &result);
        match &result {
            Err(LabError::Stopped { .. }) | Ok(_) => {}
            Err(error) => watch(Event::Failed { index, cell, error }),
        }
        take(index, result);
    };
    let jobs = options.jobs.min(options.threads).clamp(1, once.len().max(1));
    let threads = (options.threads / jobs).max(1);
    let work = || {
        while let Some(index) = pop(&queue) {
            turn(index, Busy::Skip);
        }
        while let Some(index) = pop(&later) {
            turn(index, Busy::Wait);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            // Without threads of its own a cell still runs, on the pool that is there.
            scope.spawn(|| match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
                Ok(pool) => pool.install(work),
                Err(_) => work(),
            });
        }
    });
    Ok(())
}

/// Cells that share a partition follow each other, so that few of them are in memory.
fn in_turn(tasks: &[Task<'_>], once: &[usize]) -> VecDeque<usize> {
    let mut groups: HashMap<String, usize> = HashMap::new();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for &index in once {
        let next = groups.len();
        order.push((*groups.entry(key(tasks[index].cell)).or_insert(next), index));
    }
    order.sort_unstable();
    order.into_iter().map(|(_, index)| index).collect()
}

/// Leaves word of a failure, for whoever asks how a sweep stands. Where even that cannot be written, the error that is
/// returned has to do.
fn tell(folder: &Path, result: &Result<Option<Outcome>, LabError>) {
    let path = folder.join(FAILURE);
    match result {
        Err(LabError::Stopped { .. }) | Ok(None) => {}
        // What is there is right, and was not what was asked for.
        Err(LabError::Further { .. } | LabError::OtherConfiguration { .. }) => {}
        Err(error) if folder.is_dir() => {
            let _ = fs::write(path, format!("{error}\n"));
        }
        Err(_) => {}
        Ok(Some(_)) => {
            let _ = fs::remove_file(path);
        }
    }
}
