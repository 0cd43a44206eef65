//! Runs that belong together by some of their keys, and their numbers.

use crate::host::failure::Failure;
use anyhow::anyhow;
use clap::ValueEnum;
use fl_lab::{Cell, Done, Status, Sweep};
use fl_plot::student_t_975;
use std::collections::{BTreeMap, BTreeSet};

/// A final number of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// Test accuracy, a mean over the last evaluations
    Accuracy,
    /// The same of the mean over classes
    Balanced,
    /// Test accuracy at the last evaluation
    Last,
    /// Accuracy on workers' own held-out samples, mean over workers
    Worker,
    /// The same at the worst worker
    WorstWorker,
}

impl Measure {
    /// What legends call it; with real targets runs are compared by R².
    pub(crate) fn words(self, r_squared: bool) -> &'static str {
        match self {
            Measure::Accuracy if r_squared => "final R²",
            Measure::Accuracy => "final test accuracy",
            Measure::Balanced => "final balanced accuracy",
            Measure::Last => "test accuracy at the last evaluation",
            Measure::Worker => "final accuracy on workers' held-out samples",
            Measure::WorstWorker => "final accuracy on held-out samples of the worst worker",
        }
    }
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
    /// Whether the numbers are R², as with real targets.
    pub(crate) r_squared: bool,
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
    statuses: &[Status],
    keys: &[Key],
    measure: Measure,
) -> Vec<Group> {
    let attacks = Attacks::new(sweep);
    let mut gathered: BTreeMap<Vec<usize>, Gathered> = BTreeMap::new();
    // Looking a label's order up is not free.
    let mut orders: BTreeMap<(usize, String), usize> = BTreeMap::new();
    for (c, standing) in sweep.cells.iter().zip(statuses) {
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
            group.r_squared |= done.finals.as_ref().is_some_and(|f| f.r_squared.is_some());
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
        .map(|group| group.summed_up(&attacks))
        .collect()
}

/// What a group is made from.
#[derive(Default)]
struct Gathered {
    labels: Vec<String>,
    of: usize,
    diverged: usize,
    r_squared: bool,
    /// Seeds, attacks, and what they came to.
    values: Vec<(u64, usize, f64)>,
}

impl Gathered {
    fn summed_up(self, attacks: &Attacks) -> Group {
        let Gathered { labels, of, diverged, r_squared, values } = self;
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
            r_squared,
            mean: mean(&means),
            half: interval(&means),
            best: fold(f64::max).unwrap_or(f64::NAN),
            worst: fold(f64::min).unwrap_or(f64::NAN),
            worst_attack: worst_attack.flatten(),
        }
    }
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
    let held_out = done.finals.as_ref().and_then(|finals| finals.held_out);
    let value = match measure {
        // Real targets have no accuracy.
        Measure::Accuracy => done.finals.as_ref().and_then(|f| f.r_squared).or(done.final_accuracy),
        Measure::Balanced => done.final_balanced_accuracy,
        Measure::Last => done.last_accuracy,
        Measure::Worker => held_out.map(|h| h.mean),
        Measure::WorstWorker => held_out.map(|h| h.worst),
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
