//! Keys of experiment files by their paths: where they belong, what they are when missing, and all of them as a table.

use super::keys::{Key, Kind};
use super::schema::Experiment;

/// Values of keys that are needed in tables that other crates declare.
const FOREIGN: [(&str, &str); 5] = [
    ("workers-per-class", "3"),
    ("classes-per-worker", "2"),
    ("alpha", "0.3"),
    ("lambda", "0.02"),
    ("train", "\"rows.csv\""),
];

/// What people call keys that have another name.
const CALLED: [(&str, &str); 1] = [("aggregator", "how messages are aggregated is called `rule`")];

/// The key that a path leads to; places in lists are numbers, methods' names or `*`.
pub(crate) fn find<'p>(path: impl IntoIterator<Item = &'p str>) -> Option<&'static Key> {
    let mut keys = Experiment::KEYS;
    let mut found: Option<&'static Key> = None;
    let mut path = path.into_iter();
    while let Some(part) = path.next() {
        let key = keys.iter().find(|key| key.name() == part)?;
        if let Kind::Tables(_) = key.kind {
            path.next();
        }
        (found, keys) = (Some(key), key.inner());
    }
    found
}

/// Why a key, or a table that it is in, cannot be swept over, with the name of that.
pub(crate) fn fixed(path: &[&str]) -> Option<(String, &'static str)> {
    if path.first() == Some(&"sweep") {
        return Some(("sweep".to_owned(), "it is what sweeps"));
    }
    (1..=path.len()).find_map(|end| {
        let key = find(path[..end].iter().copied())?;
        Some((key.name(), key.fixed?))
    })
}

/// Whether a key of the top is one table, and no list of them.
pub(crate) fn is_table(name: &str) -> bool {
    let is_table = |key: &'static Key| matches!(key.kind, Kind::Table(_)) || key.field == "model";
    name == "sweep" || find([name]).is_some_and(is_table)
}

/// The value that stands for a key that is missing.
pub(crate) fn stand_in(path: &[&str], key: &str) -> Option<&'static str> {
    let own = find(path.iter().copied().chain([key])).and_then(|key| key.example);
    own.or_else(|| FOREIGN.iter().find(|(name, _)| *name == key).map(|(_, value)| *value))
}

/// How a key that is missing could be written.
pub(crate) fn example(path: &[&str], key: &str) -> Option<String> {
    match find(path.iter().copied().chain([key])) {
        Some(key) => key.example.map(|example| key.written(example)),
        None => stand_in(path, key).map(|value| format!("{key} = {value}")),
    }
}

/// Where a key that is unknown in its table would be known.
pub(crate) fn home(name: &str) -> Option<String> {
    if let Some((_, words)) = CALLED.iter().find(|(called, _)| *called == name) {
        return Some((*words).to_owned());
    }
    let top = Experiment::KEYS;
    if let Some(key) = top.iter().find(|key| key.name() == name) {
        return Some(match key.kind {
            Kind::Value(_) => format!("`{name}` stands at the top of the file, before all tables"),
            Kind::Tables(_) => format!("`{name}` is a list of tables at the top: [[{name}]]"),
            Kind::Table(_) | Kind::Spec(_) => format!("`{name}` is a table of its own: [{name}]"),
        });
    }
    let homes = || top.iter().filter(|key| key.inner().iter().any(|key| key.name() == name));
    let home = homes().find(|key| !key.is_side()).or_else(|| homes().next())?;
    Some(match home.kind {
        Kind::Tables(_) => format!("`{name}` is a key of [[{}]]", home.name()),
        _ => format!("`{name}` is a key of [{}]", home.name()),
    })
}

impl Key {
    /// Whether it is a table that no result depends on, which a key is rarely meant for.
    fn is_side(&self) -> bool {
        matches!(self.field, "checkpoint" | "defend" | "stop" | "telemetry" | "tune")
    }
}

/// All keys with their paths, `train.batch` for example, in the order in which files have them; tables come before their
/// keys.
pub fn all_keys() -> Vec<(String, &'static Key)> {
    fn walk(front: &str, keys: &'static [Key], found: &mut Vec<(String, &'static Key)>) {
        for key in keys {
            let path = format!("{front}{}", key.name());
            found.push((path.clone(), key));
            walk(&format!("{path}."), key.inner(), found);
        }
    }
    let mut found = Vec::new();
    walk("", Experiment::KEYS, &mut found);
    found
}

/// The keys as a table in Markdown, as `docs/keys.md` has it.
pub fn key_table() -> String {
    let mut text = "| key | what it says | if left out |\n|---|---|---|\n".to_owned();
    for (path, key) in all_keys() {
        if key.inner().is_empty() {
            let otherwise = key.otherwise.unwrap_or("–");
            text += &format!("| `{path}` | {} | {otherwise} |\n", key.summary());
        }
    }
    text
}
