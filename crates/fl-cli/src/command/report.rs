//! `fl-cli report`: runs of any folders in one HTML file.

use crate::host::failure::Failure;
use crate::host::signals::Signals;
use crate::host::{self, say};
use crate::show::experiment_folder;
use crate::show::metric::{QUANTITIES, Scale};
use anyhow::anyhow;
use clap::Args as ClapArgs;
use fl_report::{Better, Quantity, Report};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Flags of `fl-cli report`.
#[derive(Debug, ClapArgs)]
pub(crate) struct ReportArgs {
    /// Folders of results: runs, experiments, or folders of experiments
    #[arg(value_name = "RUNS", required = true)]
    runs: Vec<PathBuf>,
    /// The page [default: report.html in the first folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Title of the page [default: the names of the experiments]
    #[arg(long)]
    title: Option<String>,
    /// Write the page again every so many seconds, until a signal; the page reloads itself and keeps its selection
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: Option<u64>,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
}

/// Writes the page, once or again and again.
pub(crate) fn report(args: &ReportArgs) -> Result<(), Failure> {
    let out = args.out.clone().unwrap_or_else(|| args.runs[0].join("report.html"));
    let signals = args.every.is_some().then(Signals::catch).transpose()?;
    let count = write(args, &out, args.every)?;
    say::result(format_args!("{} ({count} runs)", out.display()));
    if args.open {
        open::that_detached(&out).map_err(|e| {
            Failure::Failed(anyhow!("cannot open {} in a browser: {e}", out.display()))
        })?;
    }
    let (Some(signals), Some(seconds)) = (signals, args.every) else { return Ok(()) };
    while wait(&signals, seconds) {
        write(args, &out, args.every)?;
    }
    // What stays does not reload itself.
    write(args, &out, None)?;
    Ok(())
}

/// Waits; whether no signal came meanwhile.
fn wait(signals: &Signals, seconds: u64) -> bool {
    const SLICE: Duration = Duration::from_millis(100);
    for _ in 0..seconds * 10 {
        if signals.host().stop.load(Ordering::Relaxed) {
            return false;
        }
        std::thread::sleep(SLICE);
    }
    true
}

/// Reads the folders and writes the page; gives the number of runs.
fn write(args: &ReportArgs, out: &Path, reload: Option<u64>) -> Result<usize, Failure> {
    let found = experiment_folder::read(&args.runs);
    let count = found.runs.len();
    if found.folders == 0 {
        let said = found.problems.iter().map(|p| format!("{} {}", p.place, p.what));
        return Err(Failure::Usage(anyhow!(
            "there are no runs to report: {}",
            said.collect::<Vec<_>>().join("; ")
        )));
    }
    let title = args.title.clone().unwrap_or_else(|| found.experiments.join(", "));
    let report = Report {
        title: if title.is_empty() { "Report".to_owned() } else { title },
        writer: format!("fl-cli {}", env!("CARGO_PKG_VERSION")),
        quantities: quantities(),
        runs: found.runs,
        problems: found.problems,
        reload,
    };
    let page = fl_report::html(&report);
    if let Some(folder) = out.parent() {
        host::remove_leftovers(folder);
    }
    host::write(out, page.as_bytes())?;
    Ok(count)
}

/// What can be measured, and what curves can be drawn against beside rounds.
fn quantities() -> Vec<Quantity> {
    let measured = QUANTITIES.iter().map(|q| Quantity {
        name: q.name.to_owned(),
        label: q.label.to_owned(),
        scale: match q.scale {
            Scale::Share => fl_report::Scale::Share,
            Scale::Linear => fl_report::Scale::Linear,
            Scale::Log => fl_report::Scale::Log,
        },
        better: if q.is_better_high { Better::High } else { Better::Low },
        is_axis: false,
    });
    let axis = |(name, label): (&str, &str)| Quantity {
        name: name.to_owned(),
        label: label.to_owned(),
        scale: fl_report::Scale::Linear,
        better: Better::Low,
        is_axis: true,
    };
    measured.chain(experiment_folder::AXES.map(axis)).collect()
}
