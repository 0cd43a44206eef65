//! `fl-cli run` and `fl-cli sweep run`.

use crate::host::failure::Failure;
use crate::host::flags::{ExperimentArgs, Pick, Work};
use crate::host::sets::Sets;
use crate::host::signals::Signals;
use crate::host::{self, experiment, limits, say};
use crate::show::progress::Display;
use crate::show::words::megabytes;
use crate::show::{cells, cost, curves, summary};
use anyhow::anyhow;
use clap::Args as ClapArgs;
use fl_lab::{
    AssignmentCache, Event, LabError, Memory, Options, Outcome, Registry, Sweep, Tally, Task,
};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Mutex;

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    #[command(flatten)]
    pub(crate) work: Work,
    /// Go on with runs that were interrupted, and read those that are finished (the default)
    #[arg(long, conflicts_with = "fresh")]
    pub(crate) resume: bool,
    /// Start every run over; what is there of it is removed
    #[arg(long)]
    pub(crate) fresh: bool,
    #[command(flatten)]
    pub(crate) pick: Pick,
    /// Print nothing but errors and warnings
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Print what happens as JSON, one object a line, on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs an experiment, or all that a sweep makes of it, or a share of that. For the whole, shows its curves and its table
/// and leaves pictures and `summary.json` beside the cells.
pub(crate) fn run(args: &RunArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let (jobs, threads) = limits::jobs_and_threads(&args.work.threads, args.quiet)?;
    let cells = cells::pick(&sweep, cells::distinct(&sweep), &args.pick)?;
    let of = |&i: &usize| &sweep.cells[i].cell.experiment.data;
    let locations = args.work.data.locations();
    let quiet = args.quiet || args.json;
    let sets = Sets::obtain(cells.iter().map(of), &locations, args.work.offline, quiet)?;
    let tasks: Vec<Task<'_>> = cells
        .iter()
        .filter_map(|&i| {
            let cell = &sweep.cells[i];
            let data = sets.get(&cell.cell.experiment.data)?;
            Some(Task { cell: &cell.cell, source: sweep.source(cell.point), data })
        })
        .collect();
    let out = args.work.results.out.join(&sweep.base.name);
    let optima = args.work.results.out.join("optima");
    if !quiet {
        cells::edited(&sweep, &cells, &out)?.iter().for_each(say::remark);
    }
    let jobs = fitting_jobs(&tasks, &sets, jobs, args.quiet)?;
    let options =
        Options { optima: &optima, jobs, fresh: args.fresh, ..Options::new(&out, threads) };
    let signals = Signals::catch()?;
    let system = signals.host();
    let names = cells.iter().map(|&i| cells::name(&sweep, i)).collect();
    let display = Display::new(names, &tasks, args.quiet, args.json);
    let begin = host::clock();
    // What is shown at the end of one experiment is its curves; a sweep's are read again where they are wanted.
    let outcomes: Mutex<Vec<(usize, Outcome)>> = Mutex::default();
    let tally = fl_lab::run_tasks(&tasks, options, system, &|event| {
        if let Event::Finished { index, outcome } = &event
            && sweep.is_one()
            && let Ok(mut outcomes) = outcomes.lock()
        {
            outcomes.push((*index, (*outcome).clone()));
        }
        display.show(&event);
    });
    display.finish();
    let tally = tally?;
    display.end(&tally, host::clock() - begin);
    all_done(tally, tasks.len(), &signals)?;
    if !args.pick.is_all() {
        return Ok(());
    }
    if !sweep.is_one() {
        return summary::after_run(&sweep, &out, quiet);
    }
    let mut outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes.sort_by_key(|(index, _)| *index);
    let outcomes = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    after_one(&sweep, outcomes, &out, host::clock() - begin, quiet)
}

/// An error for runs that failed or were stopped.
fn all_done(tally: Tally, all: usize, signals: &Signals) -> Result<(), Failure> {
    let failed = tally.failed.len();
    if let Some((_, error)) = tally.failed.into_iter().next() {
        let many = format_args!("{failed} of {} runs failed; the first:", all);
        match tally.stopped > 0 {
            // The exit code says that a signal came, whatever else there was.
            true => say::remark(format_args!("{many} {error}")),
            false if failed > 1 => say::remark(many),
            false => {}
        }
        if tally.stopped == 0 {
            return Err(error.into());
        }
    }
    if tally.stopped > 0 {
        return Err(signals.explain(LabError::Stopped { round: 0 }));
    }
    Ok(())
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
        // What cannot be assignment is told by the check that follows.
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
            megabytes(needed),
            limit.by,
            megabytes(limit.bytes)
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

/// Curves, table, pictures and summary of one experiment.
fn after_one(
    sweep: &Sweep,
    outcomes: Vec<Outcome>,
    out: &Path,
    seconds: f64,
    quiet: bool,
) -> Result<(), Failure> {
    let summary = summary::Summary::new(&sweep.base, &outcomes, seconds);
    summary.write(out)?;
    let figure = curves::figure(&sweep.base, &outcomes);
    let pictures = fl_plot::save(&figure, &out.join("accuracy"))?;
    if !quiet {
        say::result(curves::terminal(&figure)?);
        say::result(summary.table());
        for picture in pictures {
            say::result(picture.display());
        }
    }
    Ok(())
}
