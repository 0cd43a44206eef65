//! The runs of an experiment with their data: what `fl-cli run` and a program with this library begin with.

use crate::host::failure::Failure;
use crate::host::flags::Threads;
use crate::host::sets::Sets;
use crate::host::{self, limits, say};
use crate::show::{cells, cost};
use anyhow::anyhow;
use fl_core::in_units;
use fl_data::Locations;
use fl_lab::{AssignmentCache, Event, Host, Memory, Options, Sweep, Task};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// How [`run`](crate::run) runs: what the command has flags for.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// The folder of results, in which each experiment has its own.
    pub out: PathBuf,
    /// Runs at a time; as many as threads, but no more than there is memory for.
    pub jobs: Option<usize>,
    /// Threads, on which no result depends; as many as processors.
    pub threads: Option<usize>,
    /// Whether what is there is started over.
    pub fresh: bool,
    /// Whether data that are missing are an error, and not fetched.
    pub offline: bool,
    /// Where data are looked for before FL_DATA_DIR and the user's cache.
    pub data_dir: Option<PathBuf>,
}

/// Which cells are run, and how.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) sweep: &'a Sweep,
    pub(crate) cells: &'a [usize],
    pub(crate) locations: &'a Locations,
    pub(crate) offline: bool,
    pub(crate) threads: &'a Threads,
    /// The folder of all experiments' folders.
    pub(crate) results: &'a Path,
    pub(crate) fresh: bool,
    /// Whether nothing but errors and warnings is said.
    pub(crate) quiet: bool,
    /// Whether nothing is said of data and of folders.
    pub(crate) terse: bool,
}

/// Does something with the runs of these cells, whose data are loaded, or fetched if they are missing, and with as many of
/// them at a time as there is memory for.
pub(crate) fn with<R>(
    asked: &Asked<'_>,
    act: impl FnOnce(&[Task<'_>], Options<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let Asked { sweep, cells, quiet, terse, .. } = *asked;
    let (jobs, threads) = limits::jobs_and_threads(asked.threads, quiet)?;
    let configs = cells.iter().map(|&i| &sweep.cells[i].cell.experiment.data);
    let sets = Sets::obtain(configs, asked.locations, asked.offline, terse)?;
    let tasks: Vec<Task<'_>> = cells
        .iter()
        .filter_map(|&i| {
            let cell = &sweep.cells[i];
            let data = sets.get(&cell.cell.experiment.data)?;
            Some(Task { cell: &cell.cell, source: sweep.source(cell.point), data })
        })
        .collect();
    let out = asked.results.join(&sweep.base.name);
    let optima = asked.results.join("optima");
    if !terse {
        cells::edited(sweep, cells, &out)?.iter().for_each(say::remark);
    }
    let jobs = fitting_jobs(&tasks, &sets, jobs, quiet)?;
    let fresh = asked.fresh;
    act(&tasks, Options { optima: &optima, jobs, fresh, ..Options::new(&out, threads) })
}

/// Runs what is not finished of all cells; the first run that failed is the error.
pub(crate) fn run(
    sweep: &Sweep,
    options: &RunOptions,
    host: Host<'_>,
    tell: &(dyn Fn(Event<'_>) + Sync),
) -> Result<(), Failure> {
    let asked = Asked {
        sweep,
        cells: &cells::distinct(sweep),
        locations: &host::locations(options.data_dir.as_ref()),
        offline: options.offline,
        threads: &Threads { jobs: options.jobs, threads: options.threads },
        results: &options.out,
        fresh: options.fresh,
        quiet: false,
        terse: false,
    };
    limits::limit_memory();
    let tally = with(&asked, |tasks, options| Ok(fl_lab::run_tasks(tasks, options, host, tell)?))?;
    tally.failed.into_iter().next().map_or(Ok(()), |(_, error)| Err(error.into()))
}

/// As many jobs as there is memory for; a run that alone needs more than there is, is refused before anything begins.
///
/// What a run needs does not depend on its seed but for how a partition turns out: the first run of each kind speaks for
/// the others.
fn fitting_jobs(
    tasks: &[Task<'_>],
    sets: &Sets,
    jobs: usize,
    quiet: bool,
) -> Result<usize, Failure> {
    let assignments = AssignmentCache::default();
    let mut seen = HashSet::new();
    let (mut greatest, mut long) = (None::<Memory>, BTreeSet::new());
    for Task { cell, source, data } in tasks {
        if !seen.insert(cells::alike(cell, true)) {
            continue;
        }
        // What cannot be dealt is told by the check that follows.
        let Ok(assignment) = assignments.assign(cell, data, source) else { continue };
        let Ok(memory) = fl_lab::memory(cell, data, &assignment, source) else { continue };
        if greatest.is_none_or(|m| m.total() < memory.total()) {
            greatest = Some(memory);
        }
        if !quiet {
            long.extend(cells::long_parts(cell, &assignment));
        }
        assignments.give_back(cell);
    }
    cost::tell(long);
    if let Some((needed, limit)) = limits::beyond(sets, greatest, 1) {
        return Err(Failure::Usage(anyhow!(
            "a run needs {} of memory with its data, and {} {}\n  help: fewer workers, another estimator or a smaller model \
             need less; `fl-cli check` shows how much",
            in_units(needed),
            limit.by,
            in_units(limit.bytes)
        )));
    }
    let fitting = (1..=jobs).rev().find(|&n| limits::beyond(sets, greatest, n).is_none());
    let fitting = fitting.unwrap_or(1);
    if fitting < jobs && !quiet && tasks.len() > fitting {
        say::remark(format_args!(
            "{jobs} runs at a time do not fit into memory: {fitting} at a time"
        ));
    }
    Ok(fitting)
}
