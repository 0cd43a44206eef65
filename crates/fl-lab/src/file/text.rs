//! The text of an experiment file and the tree that it says, for errors that point at their place.

use crate::file::{ConfigError, Mistake, Mistakes, Place};
use crate::name::Registry;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A file's tables and values, each with its place in the text.
pub(crate) type Tree<'t> = Spanned<DeTable<'t>>;

/// The keys that lead to a value; places in lists are numbers.
pub(crate) type Path = Vec<String>;

/// The text of an experiment file, for errors that point at it, and the registry that says what its names mean.
#[derive(Clone, Debug)]
pub struct ExperimentText {
    file: Arc<str>,
    text: Arc<str>,
    edited: bool,
    registry: Arc<Registry>,
    /// What makes the text's tree the one that is meant.
    changes: Arc<Vec<Change>>,
    /// What was changed to find further mistakes behind one: nothing is to be said about it a second time.
    assumed: Arc<Vec<Path>>,
}

/// A change of a file's tree. What is put in stands, for errors, where it came from.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A value of a sweep, at `from`, becomes the value of the key `to`.
    Graft { from: Path, to: Path },
    /// A key gets another name.
    Rename { path: Path, name: String },
    /// A key is left out.
    Remove { path: Path },
    /// An element of a list is left out.
    Take { path: Path },
    /// A key is assumed.
    Insert { path: Path, value: &'static str },
}

impl ExperimentText {
    /// Takes the text, after `--set`.
    pub(crate) fn new(
        registry: &Registry,
        text: &str,
        file: &str,
        set: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let text = if set.is_empty() { text.into() } else { edit(text, file, set)?.into() };
        let source = Self {
            file: file.into(),
            text,
            edited: !set.is_empty(),
            registry: Arc::new(registry.clone()),
            changes: Arc::default(),
            assumed: Arc::default(),
        };
        source.check_tables()?;
        Ok(source)
    }

    /// The same text with a tree that is changed further.
    pub(crate) fn changed(&self, more: &[Change]) -> Self {
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

    /// What the names in the file mean.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// An error at the place of a key, given by its path (`["method", "2", "pre"]`); the nearest part of the path that
    /// exists is shown.
    pub fn error_at(&self, path: &[&str], message: impl fmt::Display) -> ConfigError {
        let span = self.tree().and_then(|tree| find(&tree, path));
        let mut mistake = self.mistake(span, message.to_string(), None);
        mistake.path = path.iter().map(|&part| part.to_owned()).collect();
        ConfigError::new(mistake)
    }

    /// Brackets that say something else than was meant, which as types would be told in the parser's words.
    fn check_tables(&self) -> Result<(), ConfigError> {
        let root = match DeTable::parse(&self.text) {
            Ok(root) => root,
            Err(error) => {
                let help = (error.message() == "duplicate key").then(|| {
                    "every key and every [table] stands once; a method begins with [[method]]"
                        .into()
                });
                return Err(self.error(error.span(), error.message().to_owned(), help));
            }
        };
        let mut mistakes = Mistakes::default();
        for (key, value) in root.get_ref() {
            let (name, span) = (key.get_ref().as_ref(), Some(key.span()));
            match (name, value.get_ref().is_table(), value.get_ref().is_array()) {
                (
                    "checkpoint" | "data" | "federation" | "model" | "stop" | "sweep" | "telemetry"
                    | "train" | "tune",
                    _,
                    true,
                ) => {
                    let help = format!("write [{name}], with single brackets");
                    let message = format!("{name} must be one table, got a list");
                    mistakes.add(self.error(span, message, Some(help)));
                }
                ("method", true, _) => {
                    let help = "write [[method]], with double brackets, once for each method";
                    let message = "method must be a list of tables, got one table";
                    mistakes.add(self.error(span, message.into(), Some(help.into())));
                }
                _ => {}
            }
        }
        mistakes.or(())
    }

    /// Whether a place is the file as a whole.
    pub(crate) fn is_top(&self, span: Option<Range<usize>>) -> bool {
        let end = self.text.trim_end().len();
        span.is_none_or(|span| span.start == 0 && (span.end <= 1 || span.end >= end))
    }

    /// A parser's message, in words, with help where there is some.
    pub(crate) fn error_in_words(&self, span: Option<Range<usize>>, message: &str) -> ConfigError {
        let message = in_words(message);
        let help = suggestion(&message)
            .map(|name| format!("did you mean `{name}`?"))
            .or_else(|| example(&message))
            .or_else(|| elsewhere(&message));
        self.error(span, message, help)
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
        let edited = if self.edited { " (with --set)" } else { "" };
        Mistake {
            file: format!("{}{edited}", self.file),
            place,
            message,
            help,
            path: Vec::new(),
            when: None,
        }
    }
}

impl Change {
    /// Does it, where it can be done.
    pub(crate) fn apply(&self, tree: &mut Tree<'_>) -> bool {
        match self {
            Change::Graft { from, to } => {
                let Some(value) = value(tree, from).cloned() else { return false };
                let span = value.span();
                graft(tree, to, value, span)
            }
            Change::Rename { path, name } => {
                let Some((last, front)) = path.split_last() else { return false };
                let Some(table) = table_mut(tree, front) else { return false };
                let Some((key, value)) = table.remove_entry(last.as_str()) else { return false };
                table.insert(Spanned::new(key.span(), name.clone().into()), value);
                true
            }
            Change::Remove { path } => {
                let Some((last, front)) = path.split_last() else { return false };
                table_mut(tree, front).is_some_and(|table| table.remove(last.as_str()).is_some())
            }
            Change::Take { path } => {
                let Some((last, front)) = path.split_last() else { return false };
                let Some((list, front)) = front.split_last() else { return false };
                let index = last.parse::<usize>();
                let list = table_mut(tree, front).and_then(|table| table.get_mut(list.as_str()));
                let (Some(list), Ok(index)) = (list, index) else { return false };
                let DeValue::Array(old) =
                    std::mem::replace(list.get_mut(), DeValue::Boolean(false))
                else {
                    return false;
                };
                let mut array = DeArray::new();
                for (i, element) in old.into_iter().enumerate() {
                    if i != index {
                        array.push(element);
                    }
                }
                *list.get_mut() = DeValue::Array(array);
                true
            }
            Change::Insert { path, value } => {
                let Ok(value) = DeValue::parse(value) else { return false };
                let front = path.split_last().map_or(&[][..], |(_, front)| front);
                // Whatever is said about it is said about the table that lacks it.
                let span = find(tree, front).unwrap_or(0..0);
                graft(tree, path, Spanned::new(span.clone(), value.into_inner()), span)
            }
        }
    }
}

/// Puts a value at a path; tables that are missing on the way are made, and a bare name becomes one.
pub(crate) fn graft<'t>(
    tree: &mut Tree<'t>,
    path: &[String],
    value: Spanned<DeValue<'t>>,
    span: Range<usize>,
) -> bool {
    let Some((last, front)) = path.split_last() else { return false };
    let mut at: &mut DeTable<'t> = tree.get_mut();
    let mut front = front.iter().peekable();
    while let Some(part) = front.next() {
        let key = Spanned::new(span.clone(), part.clone().into());
        let next = at
            .entry(key)
            .or_insert_with(|| Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
        let mut next = next;
        while let DeValue::Array(_) = next.get_ref() {
            let index = front.next().and_then(|i| i.parse::<usize>().ok());
            let DeValue::Array(array) = next.get_mut() else { return false };
            let Some(element) = index.and_then(|i| array.get_mut(i)) else { return false };
            next = element;
        }
        if let DeValue::String(name) = next.get_ref()
            && front.peek().map_or(last, |part| part) == name
        {
            let place = next.span();
            let key = Spanned::new(place.clone(), name.clone());
            let mut table = DeTable::new();
            table.insert(key, Spanned::new(place.clone(), DeValue::Table(DeTable::new())));
            *next = Spanned::new(place, DeValue::Table(table));
        }
        let DeValue::Table(table) = next.get_mut() else { return false };
        at = table;
    }
    // The key's place changes with its value's.
    at.remove(last.as_str());
    at.insert(Spanned::new(span, last.clone().into()), value);
    true
}

/// The table at a path.
fn table_mut<'a, 't>(tree: &'a mut Tree<'t>, path: &[String]) -> Option<&'a mut DeTable<'t>> {
    let Some((first, rest)) = path.split_first() else { return Some(tree.get_mut()) };
    let mut at = tree.get_mut().get_mut(first.as_str())?;
    for part in rest {
        at = match at.get_mut() {
            DeValue::Table(table) => table.get_mut(part.as_str())?,
            DeValue::Array(array) => array.get_mut(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    match at.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// The value at a path, if it is there.
pub(crate) fn value<'a, 't>(
    tree: &'a Tree<'t>,
    path: &[impl AsRef<str>],
) -> Option<&'a Spanned<DeValue<'t>>> {
    let (first, rest) = path.split_first()?;
    let mut at = tree.get_ref().get(first.as_ref())?;
    for part in rest {
        at = match at.get_ref() {
            DeValue::Table(table) => table.get(part.as_ref())?,
            DeValue::Array(array) => array.get(part.as_ref().parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

/// The place of a key, or of the nearest part of its path that exists.
pub(crate) fn find(tree: &Tree<'_>, path: &[impl AsRef<str>]) -> Option<Range<usize>> {
    let mut span = None;
    let mut table = Some(tree.get_ref());
    let mut array: Option<&DeArray<'_>> = None;
    for part in path {
        let part = part.as_ref();
        let value = if let Some(t) = table {
            let Some((key, value)) = t.get_key_value(part) else { break };
            span = Some(key.span());
            value
        } else if let Some(a) = array {
            let Some(value) = part.parse::<usize>().ok().and_then(|i| a.get(i)) else { break };
            span = Some(value.span());
            value
        } else {
            break;
        };
        table = value.get_ref().as_table();
        array = value.get_ref().as_array();
    }
    span
}

/// The path of the key, or of the value, that stands at a place; a key only if it has this name.
pub(crate) fn locate(tree: &Tree<'_>, span: &Range<usize>, name: Option<&str>) -> Option<Path> {
    fn inside(
        table: &DeTable<'_>,
        span: &Range<usize>,
        name: Option<&str>,
        path: &mut Path,
    ) -> bool {
        for (key, value) in table {
            path.push(key.get_ref().to_string());
            let is_key = key.span() == *span && name == Some(key.get_ref().as_ref());
            if is_key || within(value, span, name, path) {
                return true;
            }
            path.pop();
        }
        false
    }
    fn within(
        value: &Spanned<DeValue<'_>>,
        span: &Range<usize>,
        name: Option<&str>,
        path: &mut Path,
    ) -> bool {
        // Deepest first: a table in a list may stand at the same place as what is in it.
        let inner = match value.get_ref() {
            DeValue::Table(table) => inside(table, span, name, path),
            DeValue::Array(array) => array.iter().enumerate().any(|(i, value)| {
                path.push(i.to_string());
                let found = within(value, span, name, path);
                if !found {
                    path.pop();
                }
                found
            }),
            _ => false,
        };
        inner || value.span() == *span
    }
    let mut path = Path::new();
    inside(tree.get_ref(), span, name, &mut path).then_some(path)
}

/// Applies `--set` to the text.
fn edit(text: &str, file: &str, set: &[(String, String)]) -> Result<String, ConfigError> {
    let mut document: toml_edit::DocumentMut =
        text.parse().map_err(|e: toml_edit::TomlError| {
            ConfigError::new(Mistake {
                file: file.to_owned(),
                place: e.span().map(|span| Place::new(text, span)),
                message: e.message().to_owned(),
                help: None,
                path: Vec::new(),
                when: None,
            })
        })?;
    for (key, value) in set {
        let fail = |why: String| {
            let help = "keys are written as in --set train.step=0.1 or --set method.0.batch=8";
            ConfigError::plain("--set", format!("{key}={value}: {why}")).with_help(help)
        };
        // What is no TOML value is meant as a string: --set data.set=mnist.
        let parsed: toml_edit::Value = value.parse().unwrap_or_else(|_| value.as_str().into());
        let parts: Vec<&str> = key.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(fail("the key must be names with dots between them".into()));
        }
        let Some((last, front)) = parts.split_last() else { continue };
        let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
        let mut front = front.iter().peekable();
        while let Some(part) = front.next() {
            let item = table.entry(part).or_insert(toml_edit::table());
            table = match item {
                toml_edit::Item::ArrayOfTables(tables) => {
                    let count = tables.len();
                    let index = front.next().and_then(|i| i.parse::<usize>().ok());
                    index.and_then(|i| tables.get_mut(i)).ok_or_else(|| {
                        fail(format!(
                            "{part} needs a number from 0 to {} and a key after it",
                            count.saturating_sub(1)
                        ))
                    })?
                }
                item => item
                    .as_table_like_mut()
                    .ok_or_else(|| fail(format!("{part} has no keys of its own")))?,
            };
        }
        if table.get(last).is_some_and(toml_edit::Item::is_array_of_tables) {
            return Err(fail(format!("{last} is a list of tables; set a key of one of them")));
        }
        table.insert(last, toml_edit::value(parsed));
    }
    Ok(document.to_string())
}

/// A parser's message in the words of someone who writes a file.
pub(crate) fn in_words(message: &str) -> String {
    let mut words = message.trim_end().to_owned();
    for (theirs, ours) in [
        ("unknown field", "unknown key"),
        ("unknown variant", "unknown name"),
        ("missing field", "missing key"),
        ("expected u64", "expected a whole number from 0"),
        ("expected u32", "expected a whole number from 0"),
        ("expected usize", "expected a whole number from 0"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list in [ ]"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: table"),
    ] {
        words = words.replace(theirs, ours);
    }
    words
}

/// The nearest valid name, for the messages that name what they expected.
pub(crate) fn suggestion(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let got = quoted.next()?;
    if !message.starts_with("unknown") {
        return None;
    }
    nearest(got, quoted).map(str::to_owned)
}

/// The name that was meant: the nearest one, where no more than half of what was written, rounded up, is wrong.
pub(crate) fn nearest<'a>(got: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (wrong, name) = names.into_iter().map(|name| (distance(got, name), name)).min()?;
    (wrong <= got.chars().count().div_ceil(2)).then_some(name)
}

/// Where a key that is unknown here would be known.
fn elsewhere(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let name = quoted.next()?;
    if message.starts_with("unknown name") {
        let first = quoted.next()?;
        return matches!(name, "name" | "type" | "kind").then(|| {
            format!("a name stands alone, or is the key of its settings: {first} = {{ … }}")
        });
    }
    if message.starts_with("expected a table with one name") {
        let example = "partition.dirichlet = { alpha = 0.3 }";
        return Some(format!("a name is the key of its settings, as in {example}"));
    }
    if !message.starts_with("unknown key") {
        return None;
    }
    let home = match name {
        "rounds" | "seeds" | "evaluate-every" | "full-pass-every" | "final-window"
        | "precision" => {
            return Some(format!("`{name}` stands at the top of the file, before all tables"));
        }
        "set" | "scale" | "partition" | "evaluate-on" => "[data]",
        "workers" | "byzantine" | "attack" | "knowledge" | "poison" | "participation" => {
            "[federation]"
        }
        "l2" | "bias" | "initialise" | "hidden" => "the model's table, for example [model.softmax]",
        "batch" | "step" => "[train]",
        "estimator" | "momentum" | "local-steps" | "clip" | "protocol" | "pre" | "rule" => {
            "[[method]]"
        }
        "aggregator" => return Some("how messages are aggregated is called `rule`".to_owned()),
        _ => return None,
    };
    Some(format!("`{name}` is a key of {home}"))
}

/// What a key that is missing could look like.
fn example(message: &str) -> Option<String> {
    let key = message.strip_prefix("missing key `")?.split('`').next()?;
    let example = match key {
        "name" => "name = \"my-experiment\"",
        "rounds" => "rounds = 1500",
        "data" => "[data] with set = \"digits\" and partition = \"iid\"",
        "set" => "set = \"digits\"",
        "partition" => "partition = \"iid\" or partition.by-class = { workers-per-class = 3 }",
        "classes-per-worker" => "classes-per-worker = 2",
        "alpha" => "alpha = 0.3",
        "workers-per-class" => "workers-per-class = 3",
        "federation" => "[federation] with workers = 30",
        "workers" => "workers = 30",
        "model" => "[model.softmax]",
        "train" => "[train] with batch = 32 and step = 0.5",
        "batch" => "batch = 32",
        "step" => "step = 0.5",
        "method" => {
            "[[method]] with name = \"Byrd-SAGA\", estimator = \"saga\", rule = \"geometric-median\""
        }
        "lambda" => "lambda = 0.02",
        _ => return None,
    };
    Some(format!("add it, for example {example}"))
}

/// The number of single-character edits between two names (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
