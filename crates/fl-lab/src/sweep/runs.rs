//! Runs that are there, as the sweep that they could be of: what tells them apart becomes its keys.

use super::axis::{Axis, name_axes};
use super::expand::{Sweep, SweepCell};
use crate::file::{ConfigError, Experiment, ExperimentText, MethodConfig};
use crate::plan::Cell;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Keys that do not decide what a run computes, and those that every table of results shows by itself.
const ASIDE: [&str; 9] =
    ["name", "rounds", "seeds", "method", "final-window", "stop", "checkpoint", "tune", "defend"];
/// The same of a method.
const METHOD_ASIDE: [&str; 2] = ["name", "final-window"];
/// Tables that are looked at key by key. What else differs is one value, as `{ alie = { z = 1.5 } }` is one attack.
const TABLES: [&str; 6] = ["", "data", "federation", "train", "telemetry", "method"];
/// Of a federation in Python: its first model, which usually is another one for each seed.
const START: &str = "model.python.start";

/// A run that is there.
#[derive(Debug)]
pub(crate) struct RunThere {
    /// What its `config.toml` says.
    pub(crate) settings: Table,
    /// The cell that it is.
    pub(crate) cell: Cell,
}

impl Sweep {
    /// The sweep that these runs could be of. Each key in which they differ is an axis; a key of methods, in which runs of
    /// one method differ.
    pub(crate) fn of_runs(folder: &str, runs: Vec<RunThere>) -> Result<Self, ConfigError> {
        let Some(first) = runs.first() else {
            return Err(ConfigError::plain(folder, "holds no runs"));
        };
        let methods = methods(&runs);
        let place = |cell: &Cell| methods.iter().position(|m| m.name == cell.method.name);
        let seeds: BTreeSet<u64> = runs.iter().map(|run| run.cell.seed).collect();
        let rounds = runs.iter().map(|run| run.cell.experiment.rounds).max().unwrap_or(0);
        let base = Experiment {
            rounds,
            seeds: seeds.into_iter().collect(),
            method: methods.clone(),
            ..first.cell.experiment.clone()
        };
        let (axes, places) = axes(&runs);
        let mut points = places.clone();
        points.sort();
        points.dedup();
        let cells = runs.into_iter().zip(&places).map(|(run, places)| {
            let point = points.binary_search(places).unwrap_or(0);
            let method_index = place(&run.cell).unwrap_or(0);
            SweepCell { point, cell: Cell { method_index, ..run.cell } }
        });
        let mut cells: Vec<SweepCell> = cells.collect();
        cells.sort_by_key(|c| (c.point, c.cell.seed, c.cell.method_index));
        let source = ExperimentText::new("", folder, &[])?;
        let without = vec![Vec::new(); points.len()];
        Ok(Sweep { base, axes, points, cells, source, without })
    }
}

/// The methods, in the order of their names.
fn methods(runs: &[RunThere]) -> Vec<MethodConfig> {
    let all: BTreeMap<&str, &MethodConfig> =
        runs.iter().map(|run| (&*run.cell.method.name, &run.cell.method)).collect();
    all.into_values().cloned().collect()
}

/// The keys in which runs differ, and for each run the places of its values.
fn axes(runs: &[RunThere]) -> (Vec<Axis>, Vec<Vec<usize>>) {
    let shared: Vec<Value> = runs.iter().map(|run| without(&run.settings, &ASIDE)).collect();
    let mut keys = BTreeSet::new();
    apart("", &shared.iter().map(Some).collect::<Vec<_>>(), &mut keys);
    let own: Vec<Value> = runs.iter().map(|run| method(&run.settings)).collect();
    let mut by_name: BTreeMap<&str, Vec<Option<&Value>>> = BTreeMap::new();
    for (run, own) in runs.iter().zip(&own) {
        by_name.entry(&run.cell.method.name).or_default().push(Some(own));
    }
    for of_method in by_name.values() {
        apart("method", of_method, &mut keys);
    }
    let value = |i: usize, key: &str| {
        let (table, key) = match key.strip_prefix("method.") {
            Some(key) => (&own[i], key),
            None => (&shared[i], key),
        };
        let found = key.split('.').try_fold(table, |table, part| table.get(part));
        // A key that a run has not.
        found.cloned().unwrap_or_else(|| Value::String("–".to_owned()))
    };
    let (mut axes, mut places) = (Vec::new(), vec![Vec::new(); runs.len()]);
    for key in keys {
        let all: Vec<Value> = (0..runs.len()).map(|i| value(i, &key)).collect();
        if key == START && follows_from_seed(runs, &all) {
            continue;
        }
        let values = distinct(&all);
        for (value, places) in all.iter().zip(&mut places) {
            places.push(values.iter().position(|v| v == value).unwrap_or(0));
        }
        axes.push(Axis::of_runs(key, values));
    }
    name_axes(&mut axes);
    (axes, places)
}

fn without(table: &Table, aside: &[&str]) -> Value {
    let kept = table.iter().filter(|(key, _)| !aside.contains(&key.as_str()));
    Value::Table(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// A run's one method.
fn method(settings: &Table) -> Value {
    let first = settings.get("method").and_then(Value::as_array).and_then(|list| list.first());
    first
        .and_then(Value::as_table)
        .map_or_else(|| Value::Table(Table::new()), |table| without(table, &METHOD_ASIDE))
}

/// The keys below `path` at which values differ.
fn apart(path: &str, values: &[Option<&Value>], found: &mut BTreeSet<String>) {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return;
    }
    let tables = values.iter().map(|value| value.and_then(Value::as_table));
    let tables: Option<Vec<&Table>> = tables.collect();
    let Some(tables) = tables.filter(|tables| is_open(path, tables)) else {
        found.insert(path.to_owned());
        return;
    };
    let keys: BTreeSet<&String> = tables.iter().flat_map(|table| table.keys()).collect();
    for key in keys {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let values: Vec<Option<&Value>> = tables.iter().map(|table| table.get(key)).collect();
        apart(&below, &values, found);
    }
}

/// Whether a table is looked at key by key. So is the description of a model in Python where all models are of that kind.
fn is_open(path: &str, tables: &[&Table]) -> bool {
    let python = |table: &&Table| table.len() == 1 && table.contains_key("python");
    TABLES.contains(&path) || path == "model.python" || path == "model" && tables.iter().all(python)
}

fn follows_from_seed(runs: &[RunThere], values: &[Value]) -> bool {
    let mut known: BTreeMap<u64, &Value> = BTreeMap::new();
    runs.iter()
        .zip(values)
        .all(|(run, value)| *known.entry(run.cell.seed).or_insert(value) == value)
}

/// Each value once: numbers by size, others in the order in which they first appear.
fn distinct(all: &[Value]) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for value in all {
        if !values.contains(value) {
            values.push(value.clone());
        }
    }
    let number = |value: &Value| value.as_float().or(value.as_integer().map(|n| n as f64));
    if values.iter().all(|value| number(value).is_some()) {
        let size = |value: &Value| number(value).unwrap_or(f64::NAN);
        values.sort_by(|a, b| size(a).total_cmp(&size(b)));
    }
    values
}
