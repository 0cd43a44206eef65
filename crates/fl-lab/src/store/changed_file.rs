//! Cells that are not there while others stand in their place, because the file says something else than it did.

use crate::LabError;
use crate::file::Experiment;
use crate::plan::{Cell, deciding};
use crate::read::written;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Configurations that are read at most: this is a remark, and a folder may hold ten thousand.
const READ: usize = 64;

/// A cell that has no results, beside a cell of the same method, attack and seed that has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its place in the list.
    pub index: usize,
    /// The other cell's folder: of several the one that differs least.
    pub folder: String,
    /// What differs; never empty.
    pub differences: Vec<Difference>,
}

/// A setting that two cells do not share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Difference {
    /// Its dotted key, as in a file; what belongs to the method without `method.0`.
    pub key: String,
    /// What it is now, as in a file; `None` where it is not there.
    pub now: Option<String>,
    /// What it was.
    pub before: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.now, &self.before) {
            (Some(now), Some(before)) => write!(f, "{} is {now}, was {before}", self.key),
            (Some(now), None) => write!(f, "{} is {now}, was not there", self.key),
            (None, before) => {
                write!(f, "{} is not there, was {}", self.key, before.as_deref().unwrap_or("there"))
            }
        }
    }
}

impl ChangedFile {
    /// The intervals of the other cell, where nothing else differs: a file that says them goes on with it. They follow
    /// from the number of rounds where a file leaves them out, so that another number makes other cells.
    pub fn intervals(&self) -> Option<String> {
        let is_interval = |d: &&Difference| INTERVALS.contains(&&*d.key);
        if !self.differences.iter().all(|d| is_interval(&d)) {
            return None;
        }
        let said = self.differences.iter().filter_map(|d| Some((&d.key, d.before.as_ref()?)));
        Some(said.map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>().join(" and "))
    }
}

const INTERVALS: [&str; 2] = ["evaluate-every", "full-pass-every"];

/// Which of these cells have no folder while there is one of the same method, attack and seed that is none of theirs.
///
/// Results are found by what decides them, so that a run of an edited file never takes up those of the file as it was;
/// this says why they are not found. It is no mistake, and at most 64 configurations are read.
///
/// # Errors
/// When the folder is there and cannot be read.
pub fn edited(cells: &[&Cell], root: &Path) -> Result<Vec<ChangedFile>, LabError> {
    let own: HashSet<String> = cells.iter().map(|cell| cell.folder()).collect();
    let mut there = HashSet::new();
    let mut others: HashMap<String, Vec<String>> = HashMap::new();
    match fs::read_dir(root) {
        Ok(entries) => {
            for entry in entries {
                let name = entry.map_err(LabError::io("read", root))?.file_name();
                let Some(name) = name.to_str().map(str::to_owned) else { continue };
                match name.rsplit_once('~') {
                    _ if own.contains(&name) => drop(there.insert(name)),
                    Some((who, _)) => others.entry(who.to_owned()).or_default().push(name),
                    None => {}
                }
            }
        }
        // What is no folder is told by whoever needs one.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
        Err(e) => return Err(LabError::io("read", root)(e)),
    }
    let mut read = 0;
    let mut known: HashMap<&str, Option<BTreeMap<String, String>>> = HashMap::new();
    let mut found = Vec::new();
    for (index, cell) in cells.iter().enumerate() {
        let folder = cell.folder();
        let beside = folder.rsplit_once('~').and_then(|(who, _)| others.get(who));
        let Some(beside) = beside.filter(|_| !there.contains(&folder)) else { continue };
        let now = settings(&cell.experiment);
        let mut nearest: Option<ChangedFile> = None;
        for folder in beside {
            if !known.contains_key(folder.as_str()) {
                if read == READ {
                    continue;
                }
                read += 1;
                let text = fs::read_to_string(root.join(folder).join("config.toml")).ok();
                let was = text.and_then(|text| written(&text));
                known.insert(folder, was.as_ref().map(settings));
            }
            let Some(Some(before)) = known.get(folder.as_str()) else { continue };
            let differences = differences(&now, before);
            let fewer =
                |n: &ChangedFile| (differences.len(), folder) < (n.differences.len(), &n.folder);
            if !differences.is_empty() && nearest.as_ref().is_none_or(fewer) {
                nearest = Some(ChangedFile { index, folder: folder.clone(), differences });
            }
        }
        found.extend(nearest);
    }
    Ok(found)
}

fn differences(
    now: &BTreeMap<String, String>,
    before: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let keys: std::collections::BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let differ = keys.into_iter().filter(|key| now.get(*key) != before.get(*key));
    differ
        .map(|key| Difference {
            key: key.strip_prefix("method.0.").unwrap_or(key).to_owned(),
            now: now.get(key).cloned(),
            before: before.get(key).cloned(),
        })
        .collect()
}

/// All that decides a cell's results, by dotted key.
fn settings(cell: &Experiment) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Ok(value) = serde_json::to_value(deciding(cell)) {
        walk("", &value, &mut found);
    }
    found
}

fn walk(key: &str, value: &serde_json::Value, found: &mut BTreeMap<String, String>) {
    let inside = |name: &str| match key {
        "" => name.to_owned(),
        _ => format!("{key}.{name}"),
    };
    match value {
        serde_json::Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(name, value)| walk(&inside(name), value, found));
        }
        serde_json::Value::Array(list) if list.iter().any(|value| value.is_object()) => {
            let each = list.iter().enumerate();
            each.for_each(|(i, value)| walk(&inside(&i.to_string()), value, found));
        }
        value => drop(found.insert(key.to_owned(), value.to_string())),
    }
}
