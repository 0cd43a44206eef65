//! `fl-cli tune`.

use crate::host::failure::Failure;
use crate::host::flags::{ExperimentArgs, Work};
use crate::host::say::on_one_line;
use crate::host::signals::Signals;
use crate::host::{self, experiment, limits, say, sets};
use crate::show::progress::Display;
use crate::show::words::{judged_on, seeds};
use clap::Args as ClapArgs;
use comfy_table::{CellAlignment, Table, presets};
use fl_data::Loaded;
use fl_lab::{
    Candidate, Cell, Choosing, EvaluateOn, Experiment, Options, Registry, Sweep, Task, Tuning,
};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, ClapArgs)]
pub(crate) struct TuneArgs {
    #[command(flatten)]
    pub(crate) experiment: ExperimentArgs,
    /// A method to tune; may be repeated. Those of the file's [tune] table, or else all, if left out; the others keep their
    /// steps
    #[arg(long, value_name = "NAME")]
    pub(crate) method: Vec<String>,
    /// Where the tuned experiment goes, with its evidence beside it as .json and .md; CONFIG.tuned.toml if left out
    #[arg(long, value_name = "FILE")]
    pub(crate) tuned: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) work: Work,
    /// Print nothing but errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// All that led to the choice; the same for the same experiment, data and program.
#[derive(Debug, Serialize)]
struct Evidence<'a> {
    experiment: &'a str,
    rounds: u64,
    seeds: &'a [u64],
    criterion: String,
    data: &'a str,
    data_digest: String,
    instruction_set: &'static str,
    version: &'static str,
    methods: &'a [Choosing],
}

/// Searches step sizes, and writes the experiment with them filled in and the evidence beside it.
pub(crate) fn tune(args: &TuneArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let (experiment, source) = (&sweep.base, sweep.source(0));
    if !sweep.is_one() && !args.quiet {
        say::remark(format_args!("tuned at the sweep's first point: {}", first_point(&sweep)));
    }
    let tuned = host::found_file(args.tuned.as_deref(), &args.experiment.config, "tuned.toml")?;
    let (jobs, threads) = limits::jobs_and_threads(&args.work.threads, args.quiet)?;
    let locations = args.work.data.locations();
    let (set, scale) = (&experiment.data.set, experiment.data.scale);
    let data = sets::obtain(set, scale, &locations, args.work.offline, args.quiet)?;
    let signals = Signals::catch()?;
    let system = signals.host();
    let folder = args.work.results.out.join(format!("{}-tune", experiment.name));
    let mut tuning = Tuning::new(experiment, &data, &args.method)?;
    while let Some((rung, rung_source)) = tuning.next()? {
        let (number, all) = tuning.rung();
        let out = folder.join(&rung.name);
        let cells = fl_lab::cells(&rung);
        if !args.quiet {
            let (number, rounds) = (number + 1, rung.rounds);
            let count = cells.len();
            say::remark(format_args!("rung {number} of {all}: {count} runs of {rounds} rounds"));
        }
        let options = Options { jobs, ..Options::new(&out, threads) };
        let task = |cell| Task { cell, source: rung_source.clone(), data: &data };
        let tasks: Vec<Task<'_>> = cells.iter().map(task).collect();
        let name = |cell: &Cell| format!("{} seed {}", on_one_line(&cell.method.name), cell.seed);
        let display = Display::new(cells.iter().map(name).collect(), &tasks, args.quiet, false);
        let outcomes =
            fl_lab::run_experiment(&rung, &rung_source, &data, options, system, &|event| {
                display.show(&event)
            });
        display.finish();
        tuning.tell(&outcomes.map_err(|e| signals.explain(e))?);
    }
    let evidence = evidence(experiment, &data, &tuning);
    let table = table(experiment, &evidence);
    host::write(&tuned, source.with_settings(&tuning.settings())?.as_bytes())?;
    let json = serde_json::to_string_pretty(&evidence).map_err(anyhow::Error::from)?;
    host::write(&beside(&tuned, "json"), json.as_bytes())?;
    host::write(&beside(&tuned, "md"), markdown(&evidence, &table).as_bytes())?;
    if !args.quiet {
        say::result(table);
        say::result(tuned.display());
        for ending in ["json", "md"] {
            say::result(beside(&tuned, ending).display());
        }
    }
    remarks(evidence.methods, args.quiet);
    Ok(())
}

/// What led to the choice.
fn evidence<'a>(
    experiment: &'a Experiment,
    data: &'a Loaded,
    tuning: &'a Tuning<'_>,
) -> Evidence<'a> {
    let (seeds, on) = tuning.conditions();
    Evidence {
        experiment: &experiment.name,
        rounds: experiment.rounds,
        seeds,
        criterion: criterion(on),
        data: &data.name,
        data_digest: data.digest(),
        instruction_set: fl_core::instruction_set(),
        version: env!("CARGO_PKG_VERSION"),
        methods: tuning.methods(),
    }
}

/// The values at the first point of a sweep.
fn first_point(sweep: &Sweep) -> String {
    let values = sweep.axes.iter().zip(sweep.labels(0));
    let values: Vec<String> = values.map(|(a, l)| format!("{} = {l}", a.name)).collect();
    values.join(", ")
}

/// What should be looked at again.
fn remarks(methods: &[Choosing], quiet: bool) {
    for m in methods {
        if m.chosen.is_none() {
            say::remark(format_args!(
                "{}: every candidate diverged, so that it keeps its step; smaller ones belong into [tune] step",
                m.method
            ));
        } else if m.at_edge && !quiet {
            say::remark(format_args!(
                "{}: what was chosen is at the edge of its grid; a better value may lie outside",
                m.method
            ));
        }
    }
}

/// The same place with another ending.
fn beside(tuned: &Path, ending: &str) -> PathBuf {
    tuned.with_extension(ending)
}

fn criterion(on: EvaluateOn) -> String {
    let rows = judged_on(on);
    format!("final accuracy on {rows}, mean over seeds; a run that diverges is worst")
}

/// A candidate in words.
fn words(candidate: &Candidate) -> String {
    let step = candidate.step;
    candidate.lambda.map_or(format!("{step}"), |lambda| format!("{step}, λ {lambda}"))
}

/// What was chosen.
fn table(experiment: &Experiment, evidence: &Evidence<'_>) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["method", "step", "score", "next best", "score", ""]);
    for method in &experiment.method {
        let Some(m) = evidence.methods.iter().find(|m| m.method == method.name) else {
            let step = method.step.unwrap_or(experiment.train.step);
            let kept = "kept".to_owned();
            table.add_row([
                on_one_line(&method.name).into(),
                step.to_string(),
                kept,
                "".into(),
                "".into(),
                "".into(),
            ]);
            continue;
        };
        let last = m.rungs.last().map_or(&[][..], |rung| &rung.trials);
        let chosen = last.iter().find(|t| t.kept);
        let score = |s: Option<f64>| s.map_or("diverged".to_owned(), |s| format!("{s:.4}"));
        let others = last.iter().filter(|t| !t.kept && t.score.is_some());
        let next = others
            .max_by(|a, b| a.score.partial_cmp(&b.score).unwrap_or(std::cmp::Ordering::Equal));
        table.add_row([
            on_one_line(&m.method).into(),
            chosen.map_or("–".to_owned(), |t| words(&t.candidate)),
            chosen.map_or("all diverged".to_owned(), |t| score(t.score)),
            next.map_or(String::new(), |t| words(&t.candidate)),
            next.map_or(String::new(), |t| score(t.score)),
            if m.at_edge { "at the edge of the grid".to_owned() } else { String::new() },
        ]);
    }
    for column in [2, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string()
}

/// Every candidate on every rung.
fn markdown(evidence: &Evidence<'_>, table: &str) -> String {
    let mut text = format!(
        "# Step sizes of {}\n\nChosen by `fl-cli tune` (version {}, {}).\nCriterion: {}.\nSeeds {}; data {}, SHA-256 {}.\n\n{table}\n",
        evidence.experiment,
        evidence.version,
        evidence.instruction_set,
        evidence.criterion,
        seeds(evidence.seeds),
        evidence.data,
        evidence.data_digest,
    );
    for m in evidence.methods {
        let _ = write!(text, "\n## {}\n\n", on_one_line(&m.method));
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        let mut header = vec!["step".to_owned()];
        header.extend(m.rungs.iter().map(|r| format!("{} rounds", r.rounds)));
        table.set_header(header);
        for first in m.rungs.first().map_or(&[][..], |rung| &rung.trials) {
            let mut row = vec![words(&first.candidate)];
            for rung in &m.rungs {
                let trial = rung.trials.iter().find(|t| t.candidate == first.candidate);
                row.push(trial.map_or(String::new(), |t| {
                    let score = t.score.map_or("diverged".to_owned(), |s| format!("{s:.4}"));
                    if t.kept { format!("**{score}**") } else { score }
                }));
            }
            table.add_row(row);
        }
        let _ = writeln!(text, "{table}");
    }
    text.push_str("\nBold went on to the next rung, or on the last was chosen.\n");
    text
}
