//! What stands in a tree, in a file or without places.

use super::fault::{Fault, What, in_words};
use serde::de::Unexpected;
use toml::Value;
use toml::de::{DeInteger, DeTable, DeValue};

/// A value of a file's tree, or one without places.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reader<'a, 't> {
    /// A table of a file.
    Table(&'a DeTable<'t>),
    /// A value of a file.
    File(&'a DeValue<'t>),
    /// A value without places.
    Plain(&'a Value),
    /// A table without places.
    Settings(&'a toml::Table),
}

/// What a reader finds.
pub(super) enum Found<'a, 't> {
    /// With the text as it stands.
    Whole(Option<i128>, &'a dyn std::fmt::Display),
    /// With the text as it stands, for a number beyond all others.
    Number(Option<f64>, &'a dyn std::fmt::Display),
    Flag(bool),
    Text(&'a str),
    Date(String),
    List(Vec<Reader<'a, 't>>),
    Table(Vec<(&'a str, Reader<'a, 't>)>),
}

/// A whole number of a file, whatever its base.
pub(crate) fn whole(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

impl<'a, 't> Reader<'a, 't> {
    pub(super) fn found(self) -> Found<'a, 't> {
        fn table<'a, 't>(table: &'a DeTable<'t>) -> Found<'a, 't> {
            let entry = |(key, value): (&'a toml::Spanned<_>, &'a toml::Spanned<DeValue<'t>>)| {
                let key: &'a std::borrow::Cow<'t, str> = key.get_ref();
                (&**key, Reader::File(value.get_ref()))
            };
            Found::Table(table.iter().map(entry).collect())
        }
        fn settings<'a, 't>(table: &'a toml::Table) -> Found<'a, 't> {
            Found::Table(table.iter().map(|(k, v)| (k.as_str(), Reader::Plain(v))).collect())
        }
        match self {
            Reader::Table(of) | Reader::File(DeValue::Table(of)) => table(of),
            Reader::File(DeValue::Integer(number)) => Found::Whole(whole(number), number),
            Reader::File(DeValue::Float(number)) => {
                let finite = |x: &f64| !x.is_infinite() || number.as_str().contains("inf");
                Found::Number(number.as_str().parse().ok().filter(finite), number)
            }
            Reader::File(DeValue::Boolean(flag)) | Reader::Plain(Value::Boolean(flag)) => {
                Found::Flag(*flag)
            }
            Reader::File(DeValue::String(text)) => Found::Text(text),
            Reader::File(DeValue::Datetime(date)) | Reader::Plain(Value::Datetime(date)) => {
                Found::Date(date.to_string())
            }
            Reader::File(DeValue::Array(list)) => {
                Found::List(list.iter().map(|value| Reader::File(value.get_ref())).collect())
            }
            Reader::Plain(Value::Integer(number)) => {
                Found::Whole(Some(i128::from(*number)), number)
            }
            Reader::Plain(Value::Float(number)) => Found::Number(Some(*number), number),
            Reader::Plain(Value::String(text)) => Found::Text(text),
            Reader::Plain(Value::Array(list)) => {
                Found::List(list.iter().map(Reader::Plain).collect())
            }
            Reader::Plain(Value::Table(of)) | Reader::Settings(of) => settings(of),
        }
    }
}

impl Found<'_, '_> {
    /// It, as people call it.
    fn in_words(&self) -> String {
        match self {
            Found::Whole(_, text) => format!("integer `{text}`"),
            Found::Number(Some(number), _) => in_words(Unexpected::Float(*number)),
            Found::Number(None, text) => format!("floating point `{text}`"),
            Found::Flag(flag) => in_words(Unexpected::Bool(*flag)),
            Found::Text(text) => in_words(Unexpected::Str(text)),
            Found::Date(date) => format!("date `{date}`"),
            Found::List(_) => in_words(Unexpected::Seq),
            Found::Table(_) => in_words(Unexpected::Map),
        }
    }

    pub(super) fn refused(&self, wrong: &'static str, expected: impl Into<String>) -> Fault {
        let (found, expected) = (self.in_words(), expected.into());
        Fault::new(What::Value { wrong, found, expected })
    }

    /// A whole number that a type can hold.
    pub(super) fn whole<N: TryFrom<i128>>(&self, expected: &str) -> Result<N, Fault> {
        match self {
            Found::Whole(number, _) => number
                .and_then(|number| N::try_from(number).ok())
                .ok_or_else(|| self.refused("value", expected)),
            _ => Err(self.refused("type", expected)),
        }
    }

    pub(super) fn number(&self) -> Result<f64, Fault> {
        match self {
            Found::Whole(Some(number), _) => Ok(*number as f64),
            Found::Number(Some(number), _) => Ok(*number),
            Found::Whole(None, _) | Found::Number(None, _) => {
                Err(self.refused("value", "a number of double precision"))
            }
            _ => Err(self.refused("type", "a number")),
        }
    }
}
