//! `fl-cli results`: final numbers of a sweep by any of its keys.

use crate::args::{Measure, ResultsArgs, TableFormat};
use crate::failure::Failure;
use crate::{experiment, say};
use anyhow::anyhow;
use comfy_table::{CellAlignment, Table, presets};
use fl_lab::{Cell, Done, Registry, Status, Sweep};
use fl_plot::student_t_975;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// Shows what is finished of an experiment, by the keys that are asked for.
pub(crate) fn results(args: &ResultsArgs, registry: &Registry) -> Result<(), Failure> {
    let sweep = experiment::read(&args.experiment, registry)?;
    let keys = keys(&sweep, &args.by)?;
    let root = args.out.join(&sweep.base.name);
    let cells: Vec<&Cell> = sweep.cells.iter().map(|c| &c.cell).collect();
    let standings = fl_lab::statuses(&cells, &root)?;
    let finished = standings.iter().filter(|s| s.is_finished()).count();
    if finished == 0 {
        return Err(Failure::Failed(anyhow!(
            "none of the {} cells of {} is finished in {}; `fl-cli run {}` runs them",
            cells.len(),
            sweep.base.name,
            root.display(),
            args.experiment.config.display()
        )));
    }
    if finished < cells.len() {
        say::remark(format_args!("{finished} of {} cells are finished", cells.len()));
    }
    let groups = groups(&sweep, &standings, &keys, args.measure);
    let report = Report { keys: &keys, groups, measure: args.measure, sweep: &sweep };
    let text = match args.format {
        TableFormat::Table => report.table(),
        TableFormat::Csv => report.csv(),
        TableFormat::Json => report.json()?,
        TableFormat::Markdown => report.markdown(),
        TableFormat::Latex => report.latex(),
    };
    say::result(text.trim_end());
    Ok(())
}

/// The table of a sweep that has been run, and its numbers as `summary.json`.
pub(crate) fn after_run(sweep: &Sweep, root: &Path, quiet: bool) -> Result<(), Failure> {
    let keys = keys(sweep, &[])?;
    let cells: Vec<&Cell> = sweep.cells.iter().map(|c| &c.cell).collect();
    let standings = fl_lab::statuses(&cells, root)?;
    let measure = Measure::Accuracy;
    let groups = groups(sweep, &standings, &keys, measure);
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
    let places = sweep.cells.iter().zip(&standings).map(|(of, standing)| Place {
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
        finished: standings.iter().filter(|s| s.is_finished()).count(),
        groups: report.numbers(),
    };
    let text = serde_json::to_string_pretty(&summary).map_err(|e| Failure::Failed(e.into()))?;
    crate::host::remove_leftovers(root);
    fl_lab::write_whole(&root.join("summary.json"), text.as_bytes())?;
    if !quiet {
        say::result(report.table());
    }
    Ok(())
}

/// What cells can be told apart by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key {
    /// The place of an axis, and its name.
    Axis(usize, String),
    Method,
    Seed,
    Attack,
    Estimator,
    Rule,
    Pre,
}

impl Key {
    /// The key of this name.
    pub(crate) fn find(sweep: &Sweep, name: &str) -> Result<Self, Failure> {
        if let Some(place) = sweep.axes.iter().position(|axis| axis.is(name)) {
            return Ok(Key::Axis(place, sweep.axes[place].name.clone()));
        }
        Ok(match name {
            "method" => Key::Method,
            "seed" | "seeds" => Key::Seed,
            "attack" | "federation.attack" => Key::Attack,
            "estimator" => Key::Estimator,
            "rule" => Key::Rule,
            "pre" => Key::Pre,
            _ => {
                let mut known: Vec<&str> = sweep.axes.iter().map(|a| a.key.as_str()).collect();
                known.extend(["method", "seed", "attack", "estimator", "rule", "pre"]);
                return Err(Failure::Usage(anyhow!(
                    "cells cannot be told apart by {name:?}; use one of {}",
                    known.join(", ")
                )));
            }
        })
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Key::Axis(_, name) => name,
            Key::Method => "method",
            Key::Seed => "seed",
            Key::Attack => "attack",
            Key::Estimator => "estimator",
            Key::Rule => "rule",
            Key::Pre => "pre",
        }
    }

    /// A cell's value, as tables show it.
    pub(crate) fn label(&self, sweep: &Sweep, point: usize, cell: &Cell) -> String {
        match self {
            Key::Axis(place, _) => sweep.labels(point).nth(*place).unwrap_or_default().to_owned(),
            Key::Method => cell.method.name.clone(),
            Key::Seed => cell.seed.to_string(),
            Key::Attack => cell.experiment.federation.attack.name.clone(),
            Key::Estimator => cell.method.estimator.name.clone(),
            Key::Rule => {
                cell.method.rule.as_ref().map_or("–".to_owned(), |rule| rule.name.clone())
            }
            Key::Pre if cell.method.pre.is_empty() => "–".to_owned(),
            Key::Pre => {
                let names: Vec<&str> = cell.method.pre.iter().map(|p| p.name.as_str()).collect();
                names.join(" + ")
            }
        }
    }

    /// What a table is ordered by: the order of the file.
    pub(crate) fn order(&self, sweep: &Sweep, point: usize, cell: &Cell) -> usize {
        match self {
            Key::Axis(place, _) => sweep.points[point][*place],
            Key::Method => {
                let mut methods = sweep.base.method.iter();
                methods.position(|m| m.name == cell.method.name).unwrap_or(usize::MAX)
            }
            Key::Seed => {
                sweep.base.seeds.iter().position(|s| *s == cell.seed).unwrap_or(usize::MAX)
            }
            // In the order in which they first appear.
            _ => {
                let label = self.label(sweep, point, cell);
                let same = |c: &fl_lab::SweepCell| self.label(sweep, c.point, &c.cell) == label;
                sweep.cells.iter().position(same).unwrap_or(usize::MAX)
            }
        }
    }
}

/// The keys of these names; without any, everything that differs but seeds.
pub(crate) fn keys(sweep: &Sweep, names: &[String]) -> Result<Vec<Key>, Failure> {
    if !names.is_empty() {
        return names.iter().map(|name| Key::find(sweep, name)).collect();
    }
    let axes = sweep.axes.iter().enumerate().filter(|(_, axis)| axis.values.len() > 1);
    let mut keys: Vec<Key> = axes.map(|(i, axis)| Key::Axis(i, axis.name.clone())).collect();
    keys.push(Key::Method);
    Ok(keys)
}

/// Cells that agree on all keys that are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) labels: Vec<String>,
    /// Cells that are finished, and all.
    pub(crate) cells: usize,
    pub(crate) of: usize,
    pub(crate) diverged: usize,
    /// Mean over seeds of the means over what else differs.
    pub(crate) mean: f64,
    /// Half of the 95 % interval of that mean.
    pub(crate) half: Option<f64>,
    /// The best and the worst cell.
    pub(crate) best: f64,
    pub(crate) worst: f64,
    /// The attack with the lowest mean, where the group has several.
    pub(crate) worst_attack: Option<(String, f64)>,
}

/// The finished cells by keys, in the order of the file.
pub(crate) fn groups(
    sweep: &Sweep,
    standings: &[Status],
    keys: &[Key],
    measure: Measure,
) -> Vec<Group> {
    #[derive(Default)]
    struct Gathered {
        labels: Vec<String>,
        of: usize,
        diverged: usize,
        values: Vec<(u64, usize, f64)>,
    }
    let attacks = Attacks::new(sweep);
    let mut gathered: BTreeMap<Vec<usize>, Gathered> = BTreeMap::new();
    // Looking a label's order up is not free.
    let mut orders: BTreeMap<(usize, String), usize> = BTreeMap::new();
    for (c, standing) in sweep.cells.iter().zip(standings) {
        let labels: Vec<String> = keys.iter().map(|k| k.label(sweep, c.point, &c.cell)).collect();
        let order = keys.iter().enumerate().map(|(i, key)| {
            *orders
                .entry((i, labels[i].clone()))
                .or_insert_with(|| key.order(sweep, c.point, &c.cell))
        });
        let group = gathered.entry(order.collect()).or_default();
        group.labels = labels;
        group.of += 1;
        if let Some(done) = standing.done() {
            group.diverged += usize::from(standing.has_diverged());
            group.values.push((
                c.cell.seed,
                attacks.of(sweep, c.point, &c.cell),
                value(done, measure),
            ));
        }
    }
    gathered
        .into_values()
        .filter(|group| !group.values.is_empty())
        .map(|Gathered { labels, of, diverged, values }| {
            // Cells that differ in more than their seed are no repetitions of each other: first what a seed came to.
            let mut seeds: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
            let mut by_attack: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
            for &(seed, attack, value) in &values {
                seeds.entry(seed).or_default().push(value);
                by_attack.entry(attack).or_default().push(value);
            }
            let means: Vec<f64> = seeds.values().map(|values| mean(values)).collect();
            let fold = |f: fn(f64, f64) -> f64| values.iter().map(|v| v.2).reduce(f);
            let worst_attack = (by_attack.len() > 1).then(|| {
                let means = by_attack.iter().map(|(attack, values)| (*attack, mean(values)));
                let worst = means.min_by(|a, b| a.1.total_cmp(&b.1));
                worst.map(|(attack, mean)| (attacks.names[attack].clone(), mean))
            });
            Group {
                labels,
                cells: values.len(),
                of,
                diverged,
                mean: mean(&means),
                half: interval(&means),
                best: fold(f64::max).unwrap_or(f64::NAN),
                worst: fold(f64::min).unwrap_or(f64::NAN),
                worst_attack: worst_attack.flatten(),
            }
        })
        .collect()
}

/// The attacks of a sweep, by an axis if there is one, so that one attack with several settings is several.
struct Attacks {
    axis: Option<usize>,
    names: Vec<String>,
}

impl Attacks {
    fn new(sweep: &Sweep) -> Self {
        let axis = sweep.axes.iter().position(|axis| axis.key == "federation.attack");
        let names = match axis {
            Some(axis) => sweep.axes[axis].values.iter().map(|v| v.label.clone()).collect(),
            None => {
                let names = sweep.cells.iter().map(|c| &c.cell.experiment.federation.attack.name);
                names.collect::<BTreeSet<_>>().into_iter().cloned().collect()
            }
        };
        Self { axis, names }
    }

    fn of(&self, sweep: &Sweep, point: usize, cell: &Cell) -> usize {
        let name = &cell.experiment.federation.attack.name;
        match self.axis {
            Some(axis) => sweep.points[point][axis],
            None => self.names.iter().position(|n| n == name).unwrap_or(0),
        }
    }
}

fn value(done: &Done, measure: Measure) -> f64 {
    let value = match measure {
        Measure::Accuracy => done.final_accuracy,
        Measure::Balanced => done.final_balanced_accuracy,
        Measure::Last => done.last_accuracy,
    };
    // A run that diverged before its first evaluation has shown nothing.
    value.unwrap_or(f64::NAN)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Half of the 95 % Student-t interval of a mean; none for one value.
fn interval(values: &[f64]) -> Option<f64> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let average = mean(values);
    let variance = values.iter().map(|v| (v - average).powi(2)).sum::<f64>() / (n - 1) as f64;
    Some(student_t_975(n - 1) * (variance / n as f64).sqrt())
}

/// Groups as a table.
pub(crate) struct Report<'a> {
    pub(crate) keys: &'a [Key],
    pub(crate) groups: Vec<Group>,
    pub(crate) measure: Measure,
    pub(crate) sweep: &'a Sweep,
}

impl Report<'_> {
    fn has_attacks(&self) -> bool {
        self.groups.iter().any(|group| group.worst_attack.is_some())
    }

    fn header(&self) -> Vec<String> {
        let mut header: Vec<String> = self.keys.iter().map(|key| key.name().to_owned()).collect();
        header.extend(["cells", "mean", "± 95 %", "best", "worst"].map(str::to_owned));
        if self.has_attacks() {
            header.push("worst attack".to_owned());
        }
        header
    }

    /// Whether a group's mean is the best of the methods that it is to be compared with.
    fn leads(&self, group: &Group) -> bool {
        let Some(method) = self.keys.iter().position(|key| *key == Key::Method) else {
            return false;
        };
        let same = |other: &&Group| {
            let labels = other.labels.iter().zip(&group.labels).enumerate();
            labels.filter(|(i, _)| *i != method).all(|(_, (a, b))| a == b)
        };
        let rivals: Vec<&Group> = self.groups.iter().filter(same).collect();
        rivals.len() > 1 && rivals.iter().all(|rival| rival.mean <= group.mean)
    }

    fn row(&self, group: &Group, pm: &str) -> Vec<String> {
        let mut row = group.labels.clone();
        let cells = match (group.cells == group.of, group.diverged) {
            (true, 0) => group.cells.to_string(),
            (false, 0) => format!("{} of {}", group.cells, group.of),
            (true, n) => format!("{}, {n} diverged", group.cells),
            (false, n) => format!("{} of {}, {n} diverged", group.cells, group.of),
        };
        row.push(cells);
        row.push(format!("{:.4}", group.mean));
        row.push(group.half.map_or(String::new(), |half| format!("{pm}{half:.4}")));
        row.extend([group.best, group.worst].map(|v| format!("{v:.4}")));
        if self.has_attacks() {
            let worst = group.worst_attack.as_ref();
            row.push(worst.map_or(String::new(), |(name, mean)| format!("{mean:.4} ({name})")));
        }
        row
    }

    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(self.header());
        for group in &self.groups {
            table.add_row(self.row(group, "± "));
        }
        for column in self.keys.len()..self.keys.len() + 5 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        format!("{table}\n{}", self.legend())
    }

    /// What the numbers are.
    fn legend(&self) -> String {
        let what = self.measure.words();
        let seeds = self.sweep.base.seeds.len();
        format!(
            "{what}: mean over {seeds} seeds with its 95 % Student-t interval; best and worst cell"
        )
    }

    fn csv(&self) -> String {
        let mut text = String::new();
        let quoted = |field: &str| match field.contains([',', '"', '\n']) {
            true => format!("\"{}\"", field.replace('"', "\"\"")),
            false => field.to_owned(),
        };
        let mut header: Vec<String> = self.keys.iter().map(|key| quoted(key.name())).collect();
        header.extend(
            ["cells", "of", "diverged", "mean", "half_width_95", "best", "worst"]
                .map(str::to_owned),
        );
        header.extend(["worst_attack", "worst_attack_mean"].map(str::to_owned));
        let _ = writeln!(text, "{}", header.join(","));
        for g in &self.groups {
            let mut row: Vec<String> = g.labels.iter().map(|label| quoted(label)).collect();
            row.extend([g.cells, g.of, g.diverged].map(|n| n.to_string()));
            row.push(g.mean.to_string());
            row.push(g.half.map_or(String::new(), |half| half.to_string()));
            row.extend([g.best, g.worst].map(|v| v.to_string()));
            match &g.worst_attack {
                Some((name, mean)) => row.extend([quoted(name), mean.to_string()]),
                None => row.extend([String::new(), String::new()]),
            }
            let _ = writeln!(text, "{}", row.join(","));
        }
        text
    }

    fn json(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(&self.numbers()).map_err(|e| Failure::Failed(e.into()))
    }

    /// The groups as plain data.
    pub(crate) fn numbers(&self) -> Vec<Numbers<'_>> {
        let numbers = |g: &Group| Numbers {
            keys: self.keys.iter().zip(&g.labels).map(|(k, l)| (k.name(), l.clone())).collect(),
            cells: g.cells,
            of: g.of,
            diverged: g.diverged,
            mean: g.mean,
            half_width_95: g.half,
            best: g.best,
            worst: g.worst,
            worst_attack: g.worst_attack.as_ref().map(|(name, _)| name.clone()),
            worst_attack_mean: g.worst_attack.as_ref().map(|(_, mean)| *mean),
        };
        self.groups.iter().map(numbers).collect()
    }

    fn markdown(&self) -> String {
        let line = |row: &[String]| {
            let row: Vec<String> = row.iter().map(|field| field.replace('|', "\\|")).collect();
            format!("| {} |\n", row.join(" | "))
        };
        let header = self.header();
        let mut text = line(&header);
        let rule: Vec<&str> =
            (0..header.len()).map(|i| if i < self.keys.len() { "---" } else { "---:" }).collect();
        let _ = writeln!(text, "| {} |", rule.join(" | "));
        for group in &self.groups {
            let mut row = self.row(group, "± ");
            if self.leads(group) {
                let mean = &mut row[self.keys.len() + 1];
                *mean = format!("**{mean}**");
            }
            text += &line(&row);
        }
        let _ = write!(text, "\n{}", self.legend());
        text
    }

    fn latex(&self) -> String {
        let escape = |field: &str| {
            let mut text = String::new();
            for c in field.chars() {
                match c {
                    '&' | '%' | '$' | '#' | '_' | '{' | '}' => text.extend(['\\', c]),
                    '~' => text.push_str("\\textasciitilde{}"),
                    '^' => text.push_str("\\textasciicircum{}"),
                    '\\' => text.push_str("\\textbackslash{}"),
                    '±' => text.push_str("$\\pm$"),
                    '–' => text.push_str("--"),
                    c => text.push(c),
                }
            }
            text
        };
        let line = |row: &[String]| {
            let row: Vec<String> = row.iter().map(|field| escape(field)).collect();
            row.join(" & ") + " \\\\\n"
        };
        let header = self.header();
        let columns: String =
            (0..header.len()).map(|i| if i < self.keys.len() { 'l' } else { 'r' }).collect();
        let mut text = format!("% {}\n\\begin{{tabular}}{{{columns}}}\n\\hline\n", self.legend());
        text += &line(&header);
        text += "\\hline\n";
        for group in &self.groups {
            let row = self.row(group, "± ");
            let mut row: Vec<String> = row.iter().map(|field| escape(field)).collect();
            if self.leads(group) {
                let mean = &mut row[self.keys.len() + 1];
                *mean = format!("\\textbf{{{mean}}}");
            }
            text += &(row.join(" & ") + " \\\\\n");
        }
        text + "\\hline\n\\end{tabular}"
    }
}

/// A group as plain data.
#[derive(Debug, Serialize)]
pub(crate) struct Numbers<'a> {
    #[serde(serialize_with = "in_order")]
    keys: Vec<(&'a str, String)>,
    cells: usize,
    of: usize,
    diverged: usize,
    mean: f64,
    half_width_95: Option<f64>,
    best: f64,
    worst: f64,
    worst_attack: Option<String>,
    worst_attack_mean: Option<f64>,
}

/// Pairs as an object that keeps their order.
fn in_order<S: serde::Serializer>(pairs: &[(&str, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}
