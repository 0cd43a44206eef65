//! Why a tree cannot be read as a type: what serde's traits say, as data.

use serde::de::{Expected, Unexpected};
use std::fmt;

/// Why a tree cannot be read as what it should be, and where in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The keys that lead from the root of what was read to the place; numbers in lists.
    pub(crate) path: Vec<String>,
    /// Whether it is the key at the end of the path that is wrong, and not its value.
    pub(crate) at_key: bool,
    pub(crate) what: What,
    /// What to do, where the type knows.
    pub(crate) help: Option<String>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// A key that the table does not have.
    UnknownKey { key: String, known: Vec<String> },
    /// A key that the table needs.
    MissingKey { key: String },
    /// A name that is none of those that stand for something.
    UnknownName { name: String, known: Vec<String> },
    /// A table that should have one name in it and has none, or a second one.
    NotOneName { second: Option<String> },
    /// A value of another type, or of the right type outside of its range.
    Value { wrong: &'static str, found: String, expected: String },
    /// In the words of the type.
    Other(String),
}

impl Fault {
    pub(crate) fn new(what: What) -> Self {
        Self { path: Vec::new(), at_key: false, what, help: None }
    }

    /// A fault inside of the value of this key.
    #[must_use]
    pub(crate) fn inside(mut self, key: &str) -> Self {
        self.path.insert(0, key.to_owned());
        self
    }

    /// The same, told to somebody who looks at the value of this key.
    #[must_use]
    pub(crate) fn within(mut self, key: &str) -> Self {
        if self.path.first().is_some_and(|first| first == key) {
            self.path.remove(0);
        }
        self
    }

    /// A fault of the key itself.
    #[must_use]
    pub(crate) fn of_key(self, key: &str) -> Self {
        Self { at_key: true, ..self.inside(key) }
    }

    /// A fault inside of the value that these keys lead to.
    #[must_use]
    pub(crate) fn below(self, keys: &[&str]) -> Self {
        keys.iter().rev().fold(self, |fault, key| fault.inside(key))
    }

    /// The same with a line that says what to do.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The valid name that is nearest to the one that is unknown.
    pub(crate) fn nearest(&self) -> Option<&str> {
        match &self.what {
            What::UnknownKey { key: got, known } | What::UnknownName { name: got, known } => {
                super::nearest(got, known.iter().map(String::as_str))
            }
            _ => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::UnknownKey { key, known } => {
                write!(f, "unknown key `{key}`, {}", expected(known, "there are no keys"))
            }
            What::UnknownName { name, known } => {
                write!(f, "unknown name `{name}`, {}", expected(known, "there are no names"))
            }
            What::MissingKey { key } => write!(f, "missing key `{key}`"),
            What::NotOneName { second: None } => {
                f.write_str("expected a table with one name in it, found an empty one")
            }
            What::NotOneName { second: Some(name) } => {
                write!(f, "expected a table with one name in it, found a second: `{name}`")
            }
            What::Value { wrong, found, expected } => {
                write!(f, "invalid {wrong}: {found}, expected {expected}")
            }
            What::Other(words) => f.write_str(words),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            [] => self.what.fmt(f),
            path => write!(f, "{}: {}", path.join("."), self.what),
        }
    }
}

fn expected(known: &[String], none: &str) -> String {
    match known {
        [] => none.to_owned(),
        [one] => format!("expected `{one}`"),
        [one, other] => format!("expected `{one}` or `{other}`"),
        many => {
            let all: Vec<String> = many.iter().map(|name| format!("`{name}`")).collect();
            format!("expected one of {}", all.join(", "))
        }
    }
}

impl std::error::Error for Fault {}

fn names(known: &'static [&'static str]) -> Vec<String> {
    known.iter().map(|&name| name.to_owned()).collect()
}

/// What types say of a value, by serde's own methods: nothing is read out of its words.
impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (found, expected) = (in_words(found), expected.to_string());
        Self::new(What::Value { wrong: "type", found, expected })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (found, expected) = (in_words(found), expected.to_string());
        Self::new(What::Value { wrong: "value", found, expected })
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::UnknownName { name: name.to_owned(), known: names(known) })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(What::UnknownKey { key: key.to_owned(), known: names(known) })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(What::MissingKey { key: key.to_owned() })
    }
}

/// A value that was found, as people call it.
pub(crate) fn in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(flag) => format!("boolean `{flag}`"),
        Unexpected::Unsigned(number) => format!("integer `{number}`"),
        Unexpected::Signed(number) => format!("integer `{number}`"),
        Unexpected::Float(number) => format!("floating point `{number:?}`"),
        Unexpected::Char(text) => format!("string {text:?}"),
        Unexpected::Str(text) => format!("string {}", shown(text)),
        Unexpected::Seq => "list".to_owned(),
        Unexpected::Map => "table".to_owned(),
        other => other.to_string(),
    }
}

/// A text in quotes, cut where it is long.
fn shown(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}
