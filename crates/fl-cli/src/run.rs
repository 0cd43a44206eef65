//! `fl-cli run`.

use crate::args::RunArgs;
use crate::display::Display;
use crate::failure::Failure;
use crate::signals::Signals;
use crate::{data, experiment, host, plot, results, say};
use fl_sim::{Host, Options, Registry};

/// Runs an experiment, shows its curves and its table, and leaves pictures and `summary.json` beside the cells.
pub(crate) fn run(args: &RunArgs, registry: &Registry) -> Result<(), Failure> {
    let (experiment, source) = experiment::read(&args.experiment, registry)?;
    for (flag, value) in [("--jobs", args.jobs), ("--threads", args.threads)] {
        if value == Some(0) {
            return Err(Failure::Usage(anyhow::anyhow!("{flag} must be at least 1, got 0")));
        }
    }
    let locations = host::locations(args.data_dir.as_ref());
    let (set, scale) = (&experiment.data.set, experiment.data.scale);
    let data = data::obtain(set, scale, &locations, args.offline, args.quiet)?;
    let threads = args.threads.unwrap_or_else(|| host::processors().max(args.jobs.unwrap_or(1)));
    let out = args.out.join(&experiment.name);
    let jobs = args.jobs.unwrap_or(threads);
    let optima = args.out.join("optima");
    let options =
        Options { optima: &optima, jobs, fresh: args.fresh, ..Options::new(&out, threads) };
    let signals = Signals::catch()?;
    let stop = signals.stop();
    let system = Host { clock: host::clock, peak_memory: host::peak_memory, stop };
    let cells = fl_sim::cells(&experiment);
    let display = Display::new(&experiment, cells.len(), args.quiet);
    let begin = host::clock();
    let outcomes = fl_sim::run_experiment(&experiment, &source, &data, options, system, &|event| {
        display.show(&event)
    });
    display.finish();
    let outcomes = outcomes.map_err(|e| signals.explain(e))?;
    let summary = results::Summary::new(&experiment, &outcomes, host::clock() - begin);
    summary.write(&out)?;
    let figure = plot::figure(&experiment, &outcomes, None);
    let pictures = fl_plot::save(&figure, &out.join("accuracy"))?;
    if !args.quiet {
        say::result(plot::terminal(&figure)?);
        say::result(summary.table());
        for picture in pictures {
            say::result(picture.display());
        }
    }
    Ok(())
}
