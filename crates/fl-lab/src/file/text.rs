//! The text of an experiment file and the tree that it says, for errors that point at their place.

use super::edit::edit;
use super::lookup::{example, home, is_table};
use super::mistake::{ConfigError, Mistake, Mistakes, Place};
use crate::tree::{Change, Fault, Path, Tree, What, find, value};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use toml::de::DeTable;

/// The text of an experiment file, for errors that point at it.
#[derive(Clone, Debug)]
pub struct ExperimentText {
    file: Arc<str>,
    text: Arc<str>,
    /// What makes the text's tree the one that is meant.
    changes: Arc<Vec<Change>>,
    /// What was changed to find further mistakes behind one: nothing is to be said about it a second time.
    assumed: Arc<Vec<Path>>,
}

impl ExperimentText {
    /// Takes the text, after setting some of its keys.
    pub(crate) fn new(
        text: &str,
        file: &str,
        set: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let text = if set.is_empty() { text.into() } else { edit(text, file, set)?.into() };
        let source =
            Self { file: file.into(), text, changes: Arc::default(), assumed: Arc::default() };
        source.check_tables()?;
        Ok(source)
    }

    /// The same text with a tree that is changed further.
    pub(crate) fn changed(&self, more: &[Change]) -> Self {
        if more.is_empty() {
            return self.clone();
        }
        let changes = self.changes.iter().chain(more).cloned().collect();
        Self { changes: Arc::new(changes), ..self.clone() }
    }

    /// The same file, with something assumed at these keys.
    pub(crate) fn assuming(&self, assumed: Vec<Path>) -> Self {
        Self { assumed: Arc::new(assumed), ..self.clone() }
    }

    /// What the text says, with all changes.
    pub(crate) fn tree(&self) -> Option<Tree<'_>> {
        let mut tree = DeTable::parse(&self.text).ok()?;
        for change in &*self.changes {
            change.apply(&mut tree);
        }
        Some(tree)
    }

    /// Whether what stands at a path, or a part of it, is one of the values of a sweep.
    pub(crate) fn is_swept(&self, path: &[&str]) -> bool {
        let grafted = |change: &Change| match change {
            Change::Graft { to, .. } => to.iter().zip(path).all(|(a, b)| a == b),
            _ => false,
        };
        self.changes.iter().any(grafted)
    }

    /// Whether what stands at a path, or a part of it, was assumed.
    pub(crate) fn is_assumed(&self, path: &[&str]) -> bool {
        self.assumed.iter().any(|assumed| assumed.iter().zip(path).all(|(a, b)| a == b))
    }

    /// Whether a mistake at this path follows from one that has been told.
    pub(crate) fn follows(&self, path: &[String]) -> bool {
        self.assumed.iter().any(|assumed| path.starts_with(assumed))
    }

    /// The file's text with some keys set, all else as it was written.
    ///
    /// # Errors
    /// When a key cannot be set, as one of a method in a list on one line.
    pub fn with_settings(&self, set: &[(String, String)]) -> Result<String, ConfigError> {
        edit(&self.text, &self.file, set)
    }

    /// An error at the place of a key, given by its path (`["method", "2", "pre"]`); the nearest part of the path that
    /// exists is shown.
    pub fn error_at(&self, path: &[&str], message: impl fmt::Display) -> ConfigError {
        let span = self.tree().and_then(|tree| find(&tree, path));
        let mut mistake = self.mistake(span, message.to_string(), None);
        mistake.path = path.iter().map(|&part| part.to_owned()).collect();
        ConfigError::new(mistake)
    }

    /// Brackets that say something else than was meant, which as types would be hard to understand.
    fn check_tables(&self) -> Result<(), ConfigError> {
        let root = match DeTable::parse(&self.text) {
            Ok(root) => root,
            Err(error) => {
                let span = error.span();
                let help = span.clone().filter(|span| self.stands_before(span)).map(|_| {
                    "every key and every [table] stands once; a method begins with [[method]]"
                        .to_owned()
                });
                return Err(self.error(span, error.message().to_owned(), help));
            }
        };
        let mut mistakes = Mistakes::default();
        for (key, value) in root.get_ref() {
            let (name, span) = (key.get_ref().as_ref(), Some(key.span()));
            if value.get_ref().is_array() && is_table(name) {
                let help = format!("write [{name}], with single brackets");
                let message = format!("{name} must be one table, got a list");
                mistakes.add(self.error(span, message, Some(help)));
            } else if value.get_ref().is_table() && name == "method" {
                let help = "write [[method]], with double brackets, once for each method";
                let message = "method must be a list of tables, got one table";
                mistakes.add(self.error(span, message.into(), Some(help.into())));
            }
        }
        mistakes.or(())
    }

    /// Whether the key at a place begins a line before it, too, as a key or in brackets.
    fn stands_before(&self, span: &Range<usize>) -> bool {
        let Some(key) = self.text.get(span.clone()) else { return false };
        let is_key = |c: char| c.is_alphanumeric() || "-_.\"'".contains(c);
        let line = self.text[..span.start].rfind('\n').map_or(0, |end| end + 1);
        let begins = |line: &str| {
            let rest = line.trim_start_matches([' ', '\t', '[']).strip_prefix(key);
            rest.is_some_and(|rest| !rest.starts_with(is_key))
        };
        !key.is_empty() && key.chars().all(is_key) && self.text[..line].lines().any(begins)
    }

    /// What a type says of a tree, at its place, and what to do about it.
    pub(crate) fn fault(&self, tree: &Tree<'_>, fault: &Fault) -> ConfigError {
        let path = &fault.path;
        let there = (0..=path.len()).rev().find_map(|end| value(tree, &path[..end]));
        let span = match (fault.at_key, &fault.what) {
            (true, _) if value(tree, path).is_some() => find(tree, path),
            // What lacks at the top lacks everywhere: the first line has nothing to do with it.
            (false, What::MissingKey { .. }) if path.is_empty() => None,
            _ => there.map(|value| value.span()),
        };
        let nearest = fault.nearest().map(|name| format!("did you mean `{name}`?"));
        let help = nearest.or_else(|| fault.help.clone()).or_else(|| help(fault));
        let mut mistake = self.mistake(span, fault.what.to_string(), help);
        mistake.is_unknown_key = matches!(fault.what, What::UnknownKey { .. });
        ConfigError::new(mistake)
    }

    pub(crate) fn error(
        &self,
        span: Option<Range<usize>>,
        message: String,
        help: Option<String>,
    ) -> ConfigError {
        ConfigError::new(self.mistake(span, message, help))
    }

    /// A mistake that is shown at another place.
    pub(crate) fn moved(&self, mistake: Mistake, span: Range<usize>) -> Mistake {
        Mistake { place: Some(Place::new(&self.text, span)), ..mistake }
    }

    fn mistake(
        &self,
        span: Option<Range<usize>>,
        message: String,
        help: Option<String>,
    ) -> Mistake {
        let place = span.map(|span| Place::new(&self.text, span));
        Mistake {
            file: self.file.to_string(),
            place,
            message,
            help,
            path: Vec::new(),
            is_unknown_key: false,
            when: None,
        }
    }
}

/// What to do about a fault, as far as the keys of files tell.
fn help(fault: &Fault) -> Option<String> {
    match &fault.what {
        What::MissingKey { key } => {
            let path: Vec<&str> = fault.path.iter().map(String::as_str).collect();
            example(&path, key).map(|example| format!("add it, for example {example}"))
        }
        What::NotOneName { .. } => Some(
            "a name is the key of its settings, as in partition.dirichlet = { alpha = 0.3 }".into(),
        ),
        What::UnknownName { name, known } if ["name", "type", "kind"].contains(&&**name) => {
            let first = known.first()?;
            Some(format!("a name stands alone, or is the key of its settings: {first} = {{ … }}"))
        }
        What::UnknownKey { key, .. } => home(key),
        _ => None,
    }
}
