//! Reading a file's tree as an experiment past its mistakes, so that all of them are told at once.
//!
//! A parser stops at the first mistake. Here it is written down, and the tree is changed so that the next reading gets
//! beyond it: a key that is misspelt gets the nearest valid name, a value of a wrong type is left out, a key that is
//! missing is assumed. What is said later about something assumed is not told, because it follows from a mistake that is.

use crate::file::{
    Change, Experiment, ExperimentText, Mistakes, Path, Tree, in_words, locate, suggestion, value,
};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::Error;

/// No file is read more often than this.
const READINGS: usize = 200;

/// What was read, and what had to be changed for it.
pub(crate) struct Reading {
    pub(crate) experiment: Option<Experiment>,
    pub(crate) changes: Vec<Change>,
    /// Where the experiment says something else than the file.
    pub(crate) assumed: Vec<Path>,
}

/// Reads a tree, and changes it where it cannot be read.
pub(crate) fn read(
    source: &ExperimentText,
    tree: &mut Tree<'_>,
    mistakes: &mut Mistakes,
) -> Reading {
    let mut reading = Reading { experiment: None, changes: Vec::new(), assumed: Vec::new() };
    for _ in 0..READINGS {
        match Experiment::deserialize(tree.clone().into_deserializer()) {
            Ok(experiment) => {
                reading.experiment = Some(experiment);
                break;
            }
            Err(error) => {
                if !reading.beyond(&error, source, tree, mistakes) {
                    break;
                }
            }
        }
    }
    reading
}

impl Reading {
    /// Writes a mistake down and changes the tree so that the next reading gets further; false if nothing helps.
    fn beyond(
        &mut self,
        error: &Error,
        source: &ExperimentText,
        tree: &mut Tree<'_>,
        mistakes: &mut Mistakes,
    ) -> bool {
        let words = in_words(error.message());
        let mut quoted = words.split('`').skip(1).step_by(2);
        let name = quoted.next().unwrap_or_default().to_owned();
        let unknown = words.starts_with("unknown");
        let missing = words.starts_with("missing key");
        // What lacks at the top lacks everywhere: the first line has nothing to do with it.
        let top = missing && source.is_top(error.span());
        let path = match error.span() {
            _ if top => Some(Path::new()),
            Some(span) => locate(tree, &span, unknown.then_some(name.as_str())),
            None => None,
        };
        let Some(mut path) = path else {
            mistakes.add(source.error_in_words(error.span(), error.message()));
            return false;
        };
        let lacks = missing.then(|| [&path[..], std::slice::from_ref(&name)].concat());
        let follows = match &lacks {
            Some(lacks) => self.assumed.contains(lacks),
            None => self.assumed.iter().any(|assumed| assumed.starts_with(&path)),
        };
        if !follows {
            let span = if top { None } else { error.span() };
            mistakes.add(source.error_in_words(span, error.message()));
        }
        if let Some(lacks) = lacks {
            self.assumed.push(lacks.clone());
            if let Some(value) = stand_in(&name) {
                return self.change(Change::Insert { path: lacks, value }, tree);
            }
        } else if unknown && let Some(nearest) = suggestion(&words) {
            let is_key = path.last() == Some(&name);
            let there = [&path[..path.len() - 1], std::slice::from_ref(&nearest)].concat();
            if is_key && value(tree, &there).is_none() {
                return self.change(Change::Rename { path, name: nearest }, tree);
            }
        }
        // An element of a list goes with its list, so that the others keep their numbers.
        while path.last().is_some_and(|part| part.parse::<usize>().is_ok()) {
            path.pop();
        }
        self.assumed.push(path.clone());
        self.change(Change::Remove { path }, tree)
    }

    fn change(&mut self, change: Change, tree: &mut Tree<'_>) -> bool {
        let done = change.apply(tree);
        self.changes.push(change);
        done
    }
}

/// What is assumed of a key that is missing, to read on.
fn stand_in(key: &str) -> Option<&'static str> {
    Some(match key {
        "name" => "\"?\"",
        "rounds" | "workers" | "batch" | "step" | "lambda" | "alpha" => "1",
        "workers-per-class" | "classes-per-worker" => "1",
        "data" => "{ set = \"digits\", partition = \"iid\" }",
        "set" => "\"digits\"",
        "partition" => "\"iid\"",
        "federation" => "{ workers = 1 }",
        "model" => "\"softmax\"",
        "train" => "{ batch = 1, step = 1 }",
        "method" => "[{ name = \"?\", rule = \"mean\" }]",
        _ => return None,
    })
}
