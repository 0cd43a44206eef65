//! The table at the end of a run, and the same numbers as `summary.json`.

use super::groups::{Measure, groups, keys};
use super::report::{Numbers, Report};
use super::words::seeds;
use crate::host::failure::Failure;
use crate::host::say::on_one_line;
use crate::host::{self, say};
use comfy_table::{CellAlignment, Table, presets};
use fl_lab::{Cell, Ending, Experiment, Finals, Outcome, Resources, Status, Sweep};
use serde::Serialize;
use std::path::Path;

/// What an experiment came to.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    experiment: String,
    rounds: u64,
    seeds: Vec<u64>,
    data: String,
    data_digest: String,
    methods: Vec<Method>,
    runs: usize,
    runs_found_finished: usize,
    seconds: f64,
    peak_memory: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Method {
    name: String,
    /// Whether the numbers below are R², as with real targets, and not accuracies.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    r_squared: bool,
    final_window: u64,
    /// Each run, in the order of seeds.
    runs_by_seed: Vec<Run>,
    /// Final accuracies in the order of seeds.
    final_accuracies: Vec<f64>,
    mean: f64,
    standard_deviation: f64,
    balanced_mean: f64,
    diverged: usize,
    rounds_per_second: f64,
}

/// All numbers of a run that a comparison may need.
#[derive(Debug, Serialize)]
struct Run {
    seed: u64,
    folder: String,
    ending: Ending,
    /// On all test rows, at the last evaluation.
    last_accuracy: Option<f64>,
    last_balanced_accuracy: Option<f64>,
    finals: Option<Finals>,
    resources: Resources,
}

impl Run {
    fn new(outcome: &Outcome) -> Self {
        Self {
            seed: outcome.cell.seed,
            folder: outcome.cell.folder(),
            ending: outcome.done.ending.clone(),
            last_accuracy: outcome.done.last_accuracy,
            last_balanced_accuracy: outcome.metrics.last().map(|m| m.balanced_accuracy),
            finals: outcome.finals(),
            resources: outcome.done.resources,
        }
    }
}

impl Summary {
    pub(crate) fn new(experiment: &Experiment, outcomes: &[Outcome], seconds: f64) -> Self {
        let methods = fl_lab::summarise(outcomes)
            .into_iter()
            .zip(&experiment.method)
            .map(|(s, method)| Method {
                runs_by_seed: outcomes
                    .iter()
                    .filter(|o| o.cell.method.name == s.method)
                    .map(Run::new)
                    .collect(),
                name: s.method,
                r_squared: s.r_squared,
                final_window: experiment.window(method),
                final_accuracies: s.accuracies,
                mean: s.mean,
                standard_deviation: s.deviation,
                balanced_mean: s.balanced,
                diverged: s.diverged,
                rounds_per_second: s.rounds_per_second,
            })
            .collect();
        let first = outcomes.first().map(|o| &o.done);
        Self {
            experiment: experiment.name.clone(),
            rounds: experiment.rounds,
            seeds: experiment.seeds.clone(),
            data: first.map_or_else(String::new, |d| d.data.clone()),
            data_digest: first.map_or_else(String::new, |d| d.data_digest.clone()),
            methods,
            runs: outcomes.len(),
            runs_found_finished: outcomes.iter().filter(|o| o.reused).count(),
            seconds,
            peak_memory: host::peak_memory(),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(anyhow::Error::from)?;
        host::remove_leftovers(folder);
        host::write(&folder.join("summary.json"), text.as_bytes())
    }

    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        let many = self.seeds.len() > 1;
        let spread = if many { "± std" } else { "" };
        let targets = self.methods.iter().any(|m| m.r_squared);
        let (what, title, balanced) = match targets {
            true => ("R²", "final R²", ""),
            false => ("accuracy", "final accuracy", "balanced"),
        };
        table.set_header(["method", title, spread, balanced, "rounds/s", ""]);
        for m in &self.methods {
            let note = match m.diverged {
                0 => String::new(),
                n => format!("{n} of {} diverged", self.seeds.len()),
            };
            table.add_row([
                on_one_line(&m.name).into(),
                format!("{:.4}", m.mean),
                if many { format!("± {:.4}", m.standard_deviation) } else { String::new() },
                if targets { String::new() } else { format!("{:.4}", m.balanced_mean) },
                format!("{:.0}", m.rounds_per_second),
                note,
            ]);
        }
        for column in 1..5 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let mut windows: Vec<u64> = self.methods.iter().map(|m| m.final_window).collect();
        windows.sort_unstable();
        windows.dedup();
        let windows: Vec<String> = windows.iter().map(u64::to_string).collect();
        format!(
            "{table}\n{what}: mean over evaluations in the last {} rounds of {}, then over seeds {}; {:.1} s in all",
            windows.join(" or "),
            self.rounds,
            seeds(&self.seeds),
            self.seconds
        )
    }
}

/// The table of a sweep that has been run, and its numbers as `summary.json`.
pub(crate) fn after_run(sweep: &Sweep, root: &Path, quiet: bool) -> Result<(), Failure> {
    let keys = keys(sweep, &[])?;
    let cells: Vec<&Cell> = sweep.cells.iter().map(|c| &c.cell).collect();
    let statuses = fl_lab::statuses(&cells, root)?;
    let measure = Measure::Accuracy;
    let groups = groups(sweep, &statuses, &keys, measure);
    let report = Report { keys: &keys, groups, measure, sweep };
    #[derive(Serialize)]
    struct Summary<'a> {
        experiment: &'a str,
        rounds: u64,
        seeds: &'a [u64],
        cells: Vec<Place<'a>>,
        finished: usize,
        groups: Vec<Numbers<'a>>,
    }
    /// Where a cell's own numbers are.
    #[derive(Serialize)]
    struct Place<'a> {
        /// Its values of the sweep's keys, as tables show them.
        labels: Vec<&'a str>,
        method: &'a str,
        seed: u64,
        /// Beside this file.
        folder: String,
        final_window: u64,
        ending: Option<&'a fl_lab::Ending>,
    }
    let places = sweep.cells.iter().zip(&statuses).map(|(of, standing)| Place {
        labels: sweep.labels(of.point).collect(),
        method: &of.cell.method.name,
        seed: of.cell.seed,
        folder: of.cell.folder(),
        final_window: of.cell.experiment.window(&of.cell.experiment.method[0]),
        ending: match standing {
            Status::Finished(done) => Some(&done.ending),
            _ => None,
        },
    });
    let summary = Summary {
        experiment: &sweep.base.name,
        rounds: sweep.base.rounds,
        seeds: &sweep.base.seeds,
        cells: places.collect(),
        finished: statuses.iter().filter(|s| s.is_finished()).count(),
        groups: report.numbers(),
    };
    let text = serde_json::to_string_pretty(&summary).map_err(|e| Failure::Failed(e.into()))?;
    host::remove_leftovers(root);
    host::write(&root.join("summary.json"), text.as_bytes())?;
    if !quiet {
        say::result(report.table());
    }
    Ok(())
}
