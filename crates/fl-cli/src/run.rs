//! `fl-cli run` and `fl-cli sweep run`.

use crate::args::RunArgs;
use crate::data::Sets;
use crate::display::Display;
use crate::failure::Failure;
use crate::signals::Signals;
use crate::{experiment, host, plot, results, say, sweep, tables};
use anyhow::anyhow;
use fl_lab::{Event, Host, LabError, Options, Outcome, Registry, Sweep, Task};
use std::path::Path;
use std::sync::Mutex;

/// Runs an experiment, or all that a sweep makes of it, or a share of that. For the whole, shows its curves and its table
/// and leaves pictures and `summary.json` beside the cells.
pub(crate) fn run(args: &RunArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    for (flag, value) in [("--jobs", args.jobs), ("--threads", args.threads)] {
        if value == Some(0) {
            return Err(Failure::Usage(anyhow!("{flag} must be at least 1, got 0")));
        }
    }
    let cells = sweep::pick(&sweep, sweep::distinct(&sweep), &args.pick)?;
    let of = |&i: &usize| &sweep.cells[i].cell.experiment.data;
    let locations = host::locations(args.data_dir.as_ref());
    let quiet = args.quiet || args.json;
    let sets = Sets::obtain(cells.iter().map(of), &locations, args.offline, quiet)?;
    let tasks: Vec<Task<'_>> = cells
        .iter()
        .filter_map(|&i| {
            let cell = &sweep.cells[i];
            let data = sets.get(&cell.cell.experiment.data)?;
            Some(Task { cell: &cell.cell, source: sweep.source(cell.point), data })
        })
        .collect();
    let threads = args.threads.unwrap_or_else(|| host::processors().max(args.jobs.unwrap_or(1)));
    let out = args.out.join(&sweep.base.name);
    let optima = args.out.join("optima");
    let jobs = args.jobs.unwrap_or(threads);
    if !quiet {
        sweep::edited(&sweep, &cells, &out)?.iter().for_each(say::remark);
    }
    let options =
        Options { optima: &optima, jobs, fresh: args.fresh, ..Options::new(&out, threads) };
    let signals = Signals::catch()?;
    let stop = signals.stop();
    let system = Host { clock: host::clock, peak_memory: host::peak_memory, stop };
    let names = cells.iter().map(|&i| sweep::name(&sweep, i)).collect();
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
    let failed = tally.failed.len();
    if let Some((_, error)) = tally.failed.into_iter().next() {
        let many = format_args!("{failed} of {} runs failed; the first:", tasks.len());
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
    if !args.pick.is_all() {
        return Ok(());
    }
    if !sweep.is_one() {
        return tables::after_run(&sweep, &out, quiet);
    }
    let mut outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes.sort_by_key(|(index, _)| *index);
    let outcomes = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    after_one(&sweep, outcomes, &out, host::clock() - begin, quiet)
}

/// Curves, table, pictures and summary of one experiment.
fn after_one(
    sweep: &Sweep,
    outcomes: Vec<Outcome>,
    out: &Path,
    seconds: f64,
    quiet: bool,
) -> Result<(), Failure> {
    let summary = results::Summary::new(&sweep.base, &outcomes, seconds);
    summary.write(out)?;
    let figure = plot::figure(&sweep.base, &outcomes);
    let pictures = fl_plot::save(&figure, &out.join("accuracy"))?;
    if !quiet {
        say::result(plot::terminal(&figure)?);
        say::result(summary.table());
        for picture in pictures {
            say::result(picture.display());
        }
    }
    Ok(())
}
