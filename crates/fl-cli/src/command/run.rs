//! `fl-cli run` and `fl-cli sweep run`.

use super::tasks;
use crate::host::failure::Failure;
use crate::host::flags::{ExperimentArgs, Pick, Work};
use crate::host::signals::Signals;
use crate::host::{self, experiment, say};
use crate::show::progress::Display;
use crate::show::{cells, curves, summary};
use clap::Args as ClapArgs;
use fl_lab::{Event, LabError, Outcome, Registry, Sweep, Tally};
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
    let cells = cells::pick(&sweep, cells::distinct(&sweep), &args.pick)?;
    let quiet = args.quiet || args.json;
    let out = args.work.results.out.join(&sweep.base.name);
    let asked = tasks::Asked {
        sweep: &sweep,
        cells: &cells,
        locations: &args.work.data.locations(),
        offline: args.work.offline,
        threads: &args.work.threads,
        results: &args.work.results.out,
        fresh: args.fresh,
        quiet: args.quiet,
        terse: quiet,
    };
    // What is shown at the end of one experiment is its curves; a sweep's are read again where they are wanted.
    let outcomes: Mutex<Vec<(usize, Outcome)>> = Mutex::default();
    let mut begin = host::clock();
    tasks::with(&asked, |tasks, options| {
        let signals = Signals::catch()?;
        let names = cells.iter().map(|&i| cells::name(&sweep, i)).collect();
        let display = Display::new(names, tasks, args.quiet, args.json);
        begin = host::clock();
        let tally = fl_lab::run_tasks(tasks, options, signals.host(), &|event| {
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
        all_done(tally, tasks.len(), &signals)
    })?;
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
