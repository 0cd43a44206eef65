//! Folders of runs without their experiment file: of a file that is not at hand, or of a federation in Python, which has none.

use super::done::Done;
use crate::LabError;
use crate::file::{Experiment, stand_in};
use crate::plan::Cell;
use crate::read::written;
use crate::sweep::{RunThere, Sweep};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Whether a folder is called as runs are, METHOD~ATTACK~seedK~HASH.
pub fn is_run(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().matches('~').count());
    name == Some(3) && path.is_dir()
}

/// What a run's `config.toml` says: as it is written, and as an experiment.
///
/// A federation in Python says neither data nor batch, which are its program's own: of these its experiment has what keys
/// need to be read, and nothing that is true of it. Its settings do not have them.
///
/// # Errors
/// Why it cannot be read.
pub fn configuration(text: &str) -> Result<(Table, Experiment), String> {
    let settings: Table = text.parse().map_err(|e: toml::de::Error| e.message().to_owned())?;
    let mut whole = settings.clone();
    let model = settings.get("model").and_then(Value::as_table);
    if model.is_some_and(|model| model.contains_key("python")) {
        complete(&mut whole);
    }
    let text = toml::to_string(&whole).map_err(|e| e.to_string())?;
    let experiment = written(&text).ok_or("it is no experiment file of this version")?;
    Ok((settings, experiment))
}

/// Writes what is missing of the keys that every experiment has.
fn complete(settings: &mut Table) {
    let mut insert = |path: &[&str], key: &str| {
        let table = path.iter().try_fold(&mut *settings, |table, part| {
            table.entry(*part).or_insert_with(|| Value::Table(Table::new())).as_table_mut()
        });
        let text = stand_in(path, key).unwrap_or("0");
        let value = format!("value = {text}").parse::<Table>().ok();
        if let (Some(table), Some(value)) = (table, value.and_then(|mut t| t.remove("value"))) {
            table.entry(key).or_insert(value);
        }
    };
    insert(&[], "rounds");
    insert(&[], "data");
    insert(&["train"], "batch");
    insert(&["train"], "step");
}

/// The runs in a folder, of an experiment or of a single run, as the sweep that they could be of; and the folder of their
/// folders. Each key in which they differ is an axis. As many rounds are asked for as each of them has done.
///
/// # Errors
/// When there are no runs, and when a `config.toml` cannot be read.
pub fn runs_there(folder: &Path) -> Result<(Sweep, PathBuf), LabError> {
    let (root, paths) = if is_run(folder) {
        (folder.parent().unwrap_or(Path::new(".")).to_owned(), vec![folder.to_owned()])
    } else {
        let entries = fs::read_dir(folder).map_err(LabError::io("read", folder))?;
        let paths = entries.map(|entry| Ok(entry.map_err(LabError::io("read", folder))?.path()));
        let paths = paths.collect::<Result<Vec<_>, LabError>>()?;
        (folder.to_owned(), paths.into_iter().filter(|path| is_run(path)).collect())
    };
    let mut runs = Vec::with_capacity(paths.len());
    for path in paths {
        let config = path.join("config.toml");
        let text = match fs::read_to_string(&config) {
            Ok(text) => text,
            // It has not begun.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(LabError::io("read", config)(e)),
        };
        let damaged = |reason| LabError::Results { path: config.clone(), reason };
        runs.push(run(&path, &text).map_err(damaged)?);
    }
    if runs.is_empty() {
        return Err(LabError::NoRuns { path: folder.to_owned() });
    }
    runs.sort_by_key(|run| run.cell.folder());
    Ok((Sweep::of_runs(&folder.display().to_string(), runs)?, root))
}

fn run(folder: &Path, text: &str) -> Result<RunThere, String> {
    let (settings, mut experiment) = configuration(text)?;
    if let Ok(bytes) = fs::read(folder.join("done.json"))
        && let Ok(done) = serde_json::from_slice::<Done>(&bytes)
    {
        experiment.rounds = done.rounds;
    }
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let hash = name.rsplit('~').next().unwrap_or_default().to_owned();
    let ([method], [seed]) = (&*experiment.method, &*experiment.seeds) else {
        return Err("expected one method and one seed, as a run has".to_owned());
    };
    let (method, seed) = (method.clone(), *seed);
    let cell = Cell { experiment, method_index: 0, method, seed, hash };
    if cell.folder() != name {
        return Err(format!("its run belongs in a folder called {}", cell.folder()));
    }
    Ok(RunThere { settings, cell })
}
