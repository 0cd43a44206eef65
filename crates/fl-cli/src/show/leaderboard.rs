//! The finalists of a search for a defence: their worst cases and means with intervals, and what is proven of them.

use super::words::right;
use crate::host::say::on_one_line;
use comfy_table::{Table, presets};
use fl_core::Shape;
use fl_lab::theory::{Proven, proven};
use fl_lab::{Defence, Final, Met, RaceRecord, Untried};
use fl_plot::student_t_975;
use serde::Serialize;
use std::fmt::Write;

/// A mean over seeds, with half of its 95 % interval by Student's t.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Interval {
    pub(crate) mean: f64,
    /// None for one seed, which has no interval.
    pub(crate) half: Option<f64>,
}

impl Interval {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let square: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        let half = (values.len() > 1)
            .then(|| student_t_975(values.len() - 1) * (square / (n - 1.0) / n).sqrt());
        Self { mean, half }
    }

    fn words(self) -> String {
        match self.half {
            Some(half) => format!("{:.3} ± {half:.3}", self.mean),
            None => format!("{:.3}", self.mean),
        }
    }
}

/// The least of some attacks' means: what is left under the attack that hurts most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Worst {
    pub(crate) attack: String,
    /// Null where a run diverged under it.
    pub(crate) accuracy: Option<Interval>,
}

/// A finalist's line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) pipeline: String,
    pub(crate) step: f64,
    /// The worst case in the search, on rows set aside; null where a search that was ended early does not know it.
    pub(crate) searched_worst: Option<f64>,
    /// Over the attacks of the search.
    pub(crate) worst: Worst,
    /// Over the attacks held out; null without any.
    pub(crate) held_out: Option<Worst>,
    /// Over all attacks; null where a run diverged.
    pub(crate) mean: Option<Interval>,
    pub(crate) proven: Option<Proven>,
    pub(crate) met: Vec<Met>,
}

/// The worst of these attacks.
fn worst<'m>(met: impl Iterator<Item = &'m Met>) -> Option<Worst> {
    let of = |met: &Met| {
        let all: Option<Vec<f64>> = met.accuracies.iter().copied().collect();
        Worst { attack: met.attack.clone(), accuracy: all.map(|all| Interval::of(&all)) }
    };
    let value = |worst: &Worst| worst.accuracy.map_or(f64::NEG_INFINITY, |a| a.mean);
    met.map(of).min_by(|a, b| value(a).total_cmp(&value(b)))
}

/// The mean over attacks, seed by seed.
fn mean(met: &[Met]) -> Option<Interval> {
    let seeds = met.first().map_or(0, |met| met.accuracies.len());
    let of_seed = |seed: usize| {
        let sum: Option<f64> = met.iter().map(|met| met.accuracies[seed]).sum();
        sum.map(|sum| sum / met.len() as f64)
    };
    let all: Option<Vec<f64>> = (0..seeds).map(of_seed).collect();
    all.map(|all| Interval::of(&all))
}

/// What is proven of a method's server; of messages with weights nothing, as the proofs are about equal ones.
fn of_method(method: &fl_lab::MethodConfig, shape: Shape) -> Option<Proven> {
    if method.has_weights() {
        return None;
    }
    let pre: Result<Vec<_>, _> = method.pre.iter().map(|stage| stage.spec()).collect();
    let rule = method.rule.as_ref()?.spec().ok()?;
    Some(proven(&pre.ok()?, &*rule, shape))
}

/// The finalists, best worst case over all attacks first.
pub(crate) fn rows(finals: &[Final], shape: Shape) -> Vec<Row> {
    let row = |f: &Final| {
        Some(Row {
            pipeline: f.pipeline.name.clone(),
            step: f.step,
            searched_worst: f.searched_worst,
            worst: worst(f.met.iter().filter(|met| !met.held_out))?,
            held_out: worst(f.met.iter().filter(|met| met.held_out)),
            mean: mean(&f.met),
            proven: of_method(&f.pipeline.method, shape),
            met: f.met.clone(),
        })
    };
    let mut rows: Vec<Row> = finals.iter().filter_map(row).collect();
    rows.sort_by(|a, b| b.least().total_cmp(&a.least()));
    rows
}

impl Row {
    /// The worst case over all attacks.
    pub(crate) fn least(&self) -> f64 {
        let both = [Some(&self.worst), self.held_out.as_ref()];
        let value = |worst: &Worst| worst.accuracy.map_or(f64::NEG_INFINITY, |a| a.mean);
        both.into_iter().flatten().map(value).fold(f64::INFINITY, f64::min)
    }
}

/// The leaderboard as a table, with the winner in bold; `times` are seconds of a round, which no result is.
pub(crate) fn table(rows: &[Row], winner: &str, shape: Shape, times: Option<&[f64]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    let mut header =
        vec!["pipeline", "step", "worst case", "under", "held out", "under", "mean", "κ", "f ≤"];
    header.extend(times.map(|_| "ms a round"));
    table.set_header(header);
    let case = |worst: &Worst| {
        let words = worst.accuracy.map_or("diverged".to_owned(), Interval::words);
        [words, worst.attack.clone()]
    };
    for (i, row) in rows.iter().enumerate() {
        let name = on_one_line(&row.pipeline);
        let name = if row.pipeline == winner { format!("**{name}**") } else { name.into_owned() };
        let mut cells = vec![name, row.step.to_string()];
        cells.extend(case(&row.worst));
        cells.extend(row.held_out.as_ref().map_or([const { String::new() }; 2], case));
        cells.push(row.mean.map_or("diverged".to_owned(), Interval::words));
        let unproven = || "not proven".to_owned();
        let kappa = row.proven.and_then(|p| p.kappa);
        cells.push(kappa.map_or_else(unproven, |kappa| format!("{kappa:.3}")));
        let most = row.proven.map_or(0, |p| p.withstands);
        cells.push(match most {
            0 => unproven(),
            most => format!("{most} of {}", shape.workers),
        });
        cells.extend(times.map(|times| format!("{:.2}", 1e3 * times[i])));
        table.add_row(cells);
    }
    right(&mut table, 1..2);
    table.to_string()
}

/// The whole search as a document.
pub(crate) fn document(head: &str, board: &str, defence: &Defence<'_>) -> String {
    let mut text = format!("{head}\n\n{board}\n");
    text.push_str(
        "\nIn bold: the winner, the best of the search.\nNo finalist was chosen by a number of this table.\nA worst case is the least mean over seeds, with its 95 % Student-t interval.\nκ is that of (f, κ)-robustness for the f of this federation, and f ≤ is the largest f that is proven to be withstood.\n",
    );
    for (index, record) in defence.records().iter().enumerate() {
        rung(&mut text, index, record);
    }
    text.push_str("\n## What was not tried\n\n");
    for Untried { what, why } in defence.untried() {
        let _ = writeln!(text, "- {}: {}.", on_one_line(what), on_one_line(why));
    }
    text
}

/// Candidates of a rung that are shown.
const SHOWN: usize = 30;

fn rung(text: &mut String, index: usize, record: &RaceRecord) {
    let RaceRecord { rounds, seeds, pairs, of, tried } = record;
    let _ = write!(
        text,
        "\n## Rung {}: {} candidates, {rounds} rounds, seeds {seeds:?}\n\n{pairs} of {of} pairs of a candidate and an attack were run.\n\n",
        index + 1,
        tried.len()
    );
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["candidate", "step", "worst so far", "attacks met", "went on"]);
    let mut order: Vec<_> = tried.iter().filter(|t| t.least.is_some()).collect();
    order.sort_by(|a, b| b.kept.cmp(&a.kept).then(b.least.partial_cmp(&a.least).expect("finite")));
    let known = order.len();
    for t in order.into_iter().take(SHOWN) {
        table.add_row([
            on_one_line(&t.pipeline).into_owned(),
            t.step.to_string(),
            t.least.map_or(String::new(), |least| format!("{least:.3}")),
            t.met.len().to_string(),
            if t.kept { "yes".to_owned() } else { String::new() },
        ]);
    }
    right(&mut table, 1..4);
    let _ = writeln!(text, "{table}");
    if known > SHOWN {
        let _ = writeln!(
            text,
            "\n{SHOWN} of {known} candidates with results are shown; the .json file has all."
        );
    }
}
