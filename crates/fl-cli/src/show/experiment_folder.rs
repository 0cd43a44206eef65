//! Folders of results as a report shows them: what is there, and what is wrong with the rest.

use crate::show::metric::{QUANTITIES, Quantity};
use fl_lab::{Done, Ending, LabError, Status, Timing};
use fl_report::{Curve, Matrix, Problem, Run, State};
use fl_sim::Metrics;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// What curves can be drawn against beside rounds; they come after [`QUANTITIES`].
pub(crate) const AXES: [(&str, &str); 2] = [
    ("gradients", "gradient evaluations of regular workers"),
    ("seconds", "seconds without evaluations"),
];

/// What folders hold.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) runs: Vec<Run>,
    pub(crate) problems: Vec<Problem>,
    /// The experiments' names.
    pub(crate) experiments: Vec<String>,
    /// Folders of runs, readable or not.
    pub(crate) folders: usize,
}

impl Found {
    fn problem(&mut self, place: &Path, what: impl std::fmt::Display) {
        self.problems.push(Problem { place: place.display().to_string(), what: what.to_string() });
    }
}

/// Folders within folders that are looked into: runs/paper/fig7/RUN from runs.
const DEPTH: usize = 4;

/// Reads all runs in some folders. What cannot be read is a problem and stops nothing.
pub(crate) fn read(folders: &[PathBuf]) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    for folder in folders {
        let before = (found.runs.len(), found.problems.len());
        search(folder, DEPTH, &mut seen, &mut found);
        if (found.runs.len(), found.problems.len()) == before {
            found.problem(folder, "holds no runs; expected what `fl-cli run` leaves");
        }
    }
    let names = found.runs.iter().filter_map(|run| setting(run, "name"));
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    found.experiments = names.into_iter().collect();
    found
}

fn setting<'a>(run: &'a Run, key: &str) -> Option<&'a str> {
    run.settings.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
}

/// Whether a folder is called as runs are, or holds what they hold.
fn is_run(path: &Path) -> bool {
    let holds = |name| path.join(name).is_file();
    fl_lab::is_run(path) || (holds("config.toml") && holds("metrics.jsonl"))
}

fn search(folder: &Path, depth: usize, seen: &mut HashSet<PathBuf>, found: &mut Found) {
    if is_run(folder) {
        return take(folder, None, seen, found);
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) => return found.problem(folder, format_args!("cannot be read: {e}")),
    };
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_dir()).collect();
    folders.sort();
    let order = Order::read(folder, found);
    let (mut runs, others): (Vec<PathBuf>, Vec<PathBuf>) =
        folders.into_iter().partition(|path| is_run(path));
    runs.sort_by_key(|run| order.place(run));
    for run in &runs {
        take(run, order.labels(run), seen, found);
    }
    for name in order.missing(&runs) {
        found.problem(
            &folder.join(name),
            "summary.json names this run, but its folder is not there; run the experiment again to have it",
        );
    }
    if depth > 0 {
        others.iter().for_each(|path| search(path, depth - 1, seen, found));
    }
}

/// What `summary.json` says of the runs beside it: their order, and their places in a sweep.
#[derive(Debug, Default)]
struct Order {
    places: HashMap<String, (usize, Vec<(String, String)>)>,
}

impl Order {
    fn read(folder: &Path, found: &mut Found) -> Self {
        let path = folder.join("summary.json");
        let Ok(bytes) = std::fs::read(&path) else { return Self::default() };
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(summary) => Self::of(&summary),
            Err(e) => {
                found.problem(&path, format_args!("is damaged: {e}"));
                Self::default()
            }
        }
    }

    fn of(summary: &Value) -> Self {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut cells = list(&summary["cells"]);
        for method in list(&summary["methods"]) {
            cells.extend(list(&method["runs_by_seed"]));
        }
        let labels: Vec<Vec<String>> =
            cells.iter().map(|cell| list(&cell["labels"]).iter().map(text).collect()).collect();
        // The names of the axes with several values stand at the groups: each is the one with these values.
        let groups = list(&summary["groups"]);
        let names = groups.first().and_then(|group| group["keys"].as_object());
        let names = names.into_iter().flat_map(|keys| keys.keys()).filter(|name| *name != "method");
        let count = labels.iter().map(Vec::len).max().unwrap_or(0);
        let values = |place: usize| labels.iter().filter_map(|l| l.get(place).cloned()).collect();
        let sets: Vec<BTreeSet<String>> = (0..count).map(values).collect();
        let mut axes: Vec<(usize, String)> = Vec::new();
        for name in names {
            let here: BTreeSet<String> = groups.iter().map(|g| text(&g["keys"][name])).collect();
            let places: Vec<usize> = (0..count).filter(|&place| sets[place] == here).collect();
            // Two axes with the same values cannot be told apart here.
            if let [place] = places[..] {
                axes.push((place, name.clone()));
            }
        }
        axes.sort();
        let labelled = |labels: &Vec<String>| {
            let pair =
                |(place, name): &(usize, String)| Some((name.clone(), labels.get(*place)?.clone()));
            axes.iter().filter_map(pair).collect()
        };
        let mut places = HashMap::new();
        for (place, (cell, labels)) in cells.iter().zip(&labels).enumerate() {
            // Of equal runs at several places of a sweep the first place counts.
            places.entry(text(&cell["folder"])).or_insert_with(|| (place, labelled(labels)));
        }
        Self { places }
    }

    fn name(run: &Path) -> String {
        run.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// What runs are sorted by.
    fn place(&self, run: &Path) -> (usize, String) {
        let name = Self::name(run);
        (self.places.get(&name).map_or(usize::MAX, |(place, _)| *place), name)
    }

    fn labels(&self, run: &Path) -> Option<Vec<(String, String)>> {
        self.places.get(&Self::name(run)).map(|(_, labels)| labels.clone())
    }

    /// Runs that are named and not there.
    fn missing(&self, runs: &[PathBuf]) -> Vec<String> {
        let there: HashSet<String> = runs.iter().map(|run| Self::name(run)).collect();
        let absent = self.places.iter().filter(|(name, _)| !there.contains(*name));
        let mut absent: Vec<(usize, String)> = absent.map(|(n, p)| (p.0, n.clone())).collect();
        absent.sort();
        absent.into_iter().map(|(_, name)| name).collect()
    }
}

/// Reads a run, once.
fn take(
    folder: &Path,
    labels: Option<Vec<(String, String)>>,
    seen: &mut HashSet<PathBuf>,
    found: &mut Found,
) {
    if !seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.to_owned())) {
        return;
    }
    found.folders += 1;
    let config = folder.join("config.toml");
    let text = match std::fs::read_to_string(&config) {
        Ok(text) => text,
        Err(e) => {
            let what = "cannot be read, and without it nothing is known of the run";
            return found.problem(&config, format_args!("{what}: {e}"));
        }
    };
    let table = match text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(e) => return found.problem(&config, format_args!("is no TOML: {}", e.message())),
    };
    let mut settings = Vec::new();
    flatten("", &toml::Value::Table(table), &mut settings);
    let experiment = fl_lab::configuration(&text).ok().map(|(_, experiment)| experiment);
    let seed = experiment.as_ref().and_then(|e| e.seeds.first().copied()).unwrap_or_default();
    let status = fl_lab::status(folder, None);
    let mut state = state_of(&status);
    let metrics = lines(&folder.join("metrics.jsonl"), fl_lab::read_metrics, &mut state, found);
    if let State::Failed(why) = &state {
        found.problem(folder, why);
    }
    let timing = fl_lab::read_timing(&folder.join("timing.jsonl")).unwrap_or_default();
    let window = window(&settings);
    let mut curves: Vec<Curve> =
        QUANTITIES.iter().enumerate().filter_map(|(i, q)| curve(i, q, &metrics)).collect();
    let finals = QUANTITIES.iter().map(|q| last(&q.series(&metrics), &metrics, window)).collect();
    let spent: [fn(&Timing) -> Option<f64>; 2] =
        [|t| t.gradients.map(|n| n as f64), |t| Some(t.seconds - t.evaluation_seconds)];
    for (place, of) in spent.into_iter().enumerate() {
        let points = timing.iter().filter_map(|t| Some((t.round, of(t)?)));
        let (rounds, values): (Vec<u64>, Vec<f64>) = points.unzip();
        curves.push(Curve { quantity: QUANTITIES.len() + place, rounds, values });
    }
    let byzantine = experiment.as_ref().and_then(|e| fl_lab::byzantine_workers(e, seed));
    found.runs.push(Run {
        folder: folder.display().to_string(),
        seed,
        settings,
        labels: labels.unwrap_or_default(),
        facts: status.done().map(facts).unwrap_or_default(),
        state,
        command: format!("fl-cli run {} --out repeated", quoted(&config)),
        finals,
        curves,
        classes: classes(&metrics),
        weights: weights(&metrics),
        byzantine,
    });
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./~".contains(c);
    if text.chars().all(is_plain) && !text.starts_with('~') {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Settings as dotted keys; a cell has one method, whose keys need no number.
fn flatten(key: &str, value: &toml::Value, out: &mut Vec<(String, String)>) {
    let join = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            table.iter().for_each(|(name, value)| flatten(&join(name), value, out));
        }
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            for (i, value) in list.iter().enumerate() {
                let one = key == "method" && list.len() == 1;
                let place = if one { key.to_owned() } else { join(&i.to_string()) };
                flatten(&place, value, out);
            }
        }
        toml::Value::String(text) => out.push((key.to_owned(), text.clone())),
        value => out.push((key.to_owned(), value.to_string())),
    }
}

fn state_of(status: &Status) -> State {
    match status {
        Status::Waiting => State::Waiting,
        Status::Interrupted(_) => State::Interrupted,
        Status::Running(_) => State::Running,
        Status::Failed(why) => State::Failed(why.clone()),
        Status::Finished(done) | Status::Beyond(done) => match &done.ending {
            Ending::Finished => State::Finished,
            Ending::Stopped { by, round } => State::Stopped(format!("{by}, after round {round}")),
            Ending::Diverged { reason } => State::Diverged(reason.clone()),
        },
    }
}

/// The lines of a file; what is wrong with it becomes the run's state.
fn lines<L>(
    path: &Path,
    read: fn(&Path) -> Result<Vec<L>, LabError>,
    state: &mut State,
    found: &mut Found,
) -> Vec<L> {
    if !path.exists() {
        // A run that has not begun has none.
        if matches!(state, State::Finished | State::Stopped(_) | State::Diverged(_)) {
            found.problem(path, "is not there, although done.json is");
        }
        return Vec::new();
    }
    read(path).unwrap_or_else(|e| {
        *state = State::Failed(e.to_string());
        Vec::new()
    })
}

fn window(settings: &[(String, String)]) -> u64 {
    let number = |key: &str| settings.iter().find(|(k, _)| k == key)?.1.parse::<u64>().ok();
    number("method.final-window").or(number("final-window")).unwrap_or_default()
}

fn curve(place: usize, quantity: &Quantity, metrics: &[Metrics]) -> Option<Curve> {
    let series = quantity.series(metrics);
    // With real targets there is no accuracy.
    if series.iter().all(|(_, value)| value.is_nan()) {
        return None;
    }
    let (rounds, values) = series.iter().map(|&(round, value)| (round as u64, value)).unzip();
    Some(Curve { quantity: place, rounds, values })
}

/// What a run came to, as `done.json` has it: the mean over the evaluations in its last rounds that have the quantity, or
/// where none of them has it, the last value before.
fn last(series: &[(f64, f64)], metrics: &[Metrics], window: u64) -> Option<f64> {
    let end = metrics.last()?.round;
    let tail = series.iter().filter(|(round, _)| *round as u64 + window >= end);
    let tail: Vec<f64> = tail.map(|(_, value)| *value).collect();
    let mean = tail.iter().sum::<f64>() / tail.len() as f64;
    let value = if tail.is_empty() { series.last()?.1 } else { mean };
    value.is_finite().then_some(value)
}

fn classes(metrics: &[Metrics]) -> Option<Matrix> {
    let columns = metrics.first()?.class_accuracy.len();
    let same = metrics.iter().filter(|m| m.class_accuracy.len() == columns);
    let values = same.clone().flat_map(|m| &m.class_accuracy).map(|v| v.unwrap_or(f64::NAN));
    let (rounds, values) = (same.clone().map(|m| m.round).collect(), values.collect());
    Some(Matrix { rounds, columns, values })
}

fn weights(metrics: &[Metrics]) -> Option<Matrix> {
    let mut with = metrics.iter().filter_map(|m| Some((m.round, m.weights.as_ref()?)));
    let columns = with.clone().next()?.1.len();
    let (mut rounds, mut values) = (Vec::new(), Vec::new());
    for (round, weights) in with.by_ref().filter(|(_, weights)| weights.len() == columns) {
        rounds.push(round);
        values.extend(weights);
    }
    Some(Matrix { rounds, columns, values })
}

fn facts(done: &Done) -> Vec<(String, String)> {
    let resources = &done.resources;
    let bytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let mut facts = vec![
        ("version", done.version.clone()),
        ("instruction set", done.instruction_set.clone()),
        ("data", done.data.clone()),
        ("data, SHA-256", done.data_digest.clone()),
        ("rounds", done.rounds.to_string()),
        ("seconds", format!("{:.3}", resources.seconds)),
        ("seconds of evaluations", format!("{:.3}", resources.evaluation_seconds)),
        ("rounds a second", format!("{:.0}", resources.rounds_per_second)),
        ("threads", resources.threads.to_string()),
        ("memory of the estimators", bytes(done.estimator_bytes)),
    ];
    facts.extend(resources.peak_memory.map(|n| ("peak memory of the process", bytes(n))));
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
