//! The keys of a sweep with their values, and how `[sweep]` is read.

use super::label::{label, plain};
use crate::file::{ExperimentText, Mistakes, fixed};
use crate::tree::{Fault, Path, Tree, What};
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key of a sweep with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key, with dots, as in the file.
    pub key: String,
    /// What tables and pictures call it.
    pub name: String,
    /// Its values, in the order of the file.
    pub values: Vec<AxisValue>,
    /// The keys that take them: several where a file says `method.*`.
    pub(super) to: Vec<Path>,
    /// Where the list stands.
    pub(super) from: Path,
    /// Where the key stands in the text.
    pub(super) span: Range<usize>,
}

/// A value of a key of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisValue {
    /// The value.
    pub value: toml::Value,
    /// What tables and pictures call it.
    pub label: String,
    pub(super) span: Range<usize>,
}

impl Axis {
    /// A key in which runs differ that are there; no file has it.
    pub(super) fn of_runs(key: String, values: Vec<toml::Value>) -> Self {
        let value = |value| AxisValue { label: label(&value), value, span: 0..0 };
        let values = values.into_iter().map(value).collect();
        Self { key, name: String::new(), values, to: Vec::new(), from: Vec::new(), span: 0..0 }
    }

    /// Whether this is the axis that somebody calls `name`: by its key, by its name, or by the end of its key.
    pub fn is(&self, name: &str) -> bool {
        self.key == name || self.name == name || self.key.ends_with(&format!(".{name}"))
    }

    /// The place of a value that is given as in the file, by its label, or by the name of the choice that it is.
    pub(super) fn position(&self, wanted: &toml::Value) -> Option<usize> {
        let exact = self.values.iter().position(|v| v.value == *wanted);
        let name = wanted.as_str();
        exact.or_else(|| self.values.iter().position(|v| Some(v.label.as_str()) == name)).or_else(
            || {
                let mut named = self.values.iter().enumerate().filter(|(_, v)| {
                    let table = v.value.as_table().filter(|table| table.len() == 1);
                    table.and_then(|t| t.keys().next()).map(String::as_str) == name
                });
                let (place, _) = named.next()?;
                named.next().is_none().then_some(place)
            },
        )
    }
}

/// Reads `[sweep]`.
pub(super) struct AxisReader<'a, 't> {
    pub(super) source: &'a ExperimentText,
    /// The file without `[sweep]`.
    pub(super) tree: &'a Tree<'t>,
    /// The methods' names.
    pub(super) names: &'a [String],
    /// All keys with a list, the wrong ones too.
    pub(super) tried: Vec<String>,
    pub(super) mistakes: &'a mut Mistakes,
}

impl AxisReader<'_, '_> {
    pub(super) fn wrong(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.mistakes.add(self.source.error(Some(span), message, help));
    }

    /// The lists of a table, however deep. `key` and `from` lead to it, the one in words of the file, the other in the
    /// tree.
    pub(super) fn axes(
        &mut self,
        table: &DeTable<'_>,
        key: &[String],
        from: &[String],
        axes: &mut Vec<Axis>,
    ) {
        for (name, value) in table {
            let part = name.get_ref().as_ref();
            if key.is_empty() && part == "exclude" {
                continue;
            }
            let key = [key, &[part.to_owned()]].concat();
            let from = [from, &[part.to_owned()]].concat();
            match value.get_ref() {
                DeValue::Array(_) => self.axis(&key, &from, name.span(), value, None, axes),
                DeValue::Table(inner) => match inner.get("values") {
                    Some(values) if values.get_ref().is_array() => {
                        let from = [&from[..], &["values".to_owned()]].concat();
                        self.axis(&key, &from, name.span(), values, Some(inner), axes);
                    }
                    _ => self.axes(inner, &key, &from, axes),
                },
                other => {
                    let message = format!(
                        "{} needs a list of values in [ ], got {}",
                        key.join("."),
                        in_words(other)
                    );
                    let help = "a key with one value stands outside of [sweep]".to_owned();
                    self.wrong(value.span(), message, Some(help));
                }
            }
        }
    }

    fn axis(
        &mut self,
        key: &[String],
        from: &[String],
        place: Range<usize>,
        list: &Spanned<DeValue<'_>>,
        more: Option<&DeTable<'_>>,
        axes: &mut Vec<Axis>,
    ) {
        let key = key.join(".");
        self.tried.push(key.clone());
        let parts: Vec<&str> = key.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            let message = format!("{key:?} must be names with dots between them");
            return self.wrong(place, message, None);
        }
        let last = parts.last().copied().unwrap_or_default();
        // A method's name may have dots in it.
        let of_method = (parts[0] == "method").then(|| fixed(&["method", "*", last])).flatten();
        if let Some((name, why)) = fixed(&parts).or(of_method) {
            return self.wrong(place, format!("{name} cannot be swept over: {why}"), None);
        }
        let Some(to) = self.resolve(&key, &parts, &place) else { return };
        if let Some(other) = axes.iter().find(|axis| axis.to.iter().any(|path| to.contains(path))) {
            let message = format!("{key} is swept over already, as {}", other.key);
            return self.wrong(place, message, None);
        }
        let elements: Vec<_> =
            list.get_ref().as_array().into_iter().flat_map(|a| a.iter()).collect();
        if elements.is_empty() {
            return self.wrong(
                list.span(),
                format!("{key} needs at least one value, got none"),
                None,
            );
        }
        let mut values: Vec<AxisValue> = Vec::new();
        for element in elements {
            let Some(value) = plain(element) else { continue };
            if values.iter().any(|v| v.value == value) {
                let message =
                    format!("every value must be there once, got {} twice", label(&value));
                self.wrong(element.span(), message, None);
            }
            values.push(AxisValue { label: label(&value), value, span: element.span() });
        }
        shorten(&mut values);
        let name = String::new();
        let mut axis = Axis { name, key, values, to, from: from.to_vec(), span: place };
        if let Some(more) = more {
            self.names_of(&mut axis, more);
        }
        axes.push(axis);
    }

    /// `name` and `labels` of an axis that is written as a table.
    fn names_of(&mut self, axis: &mut Axis, table: &DeTable<'_>) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("values", _) => {}
                ("name", DeValue::String(name)) if !name.is_empty() => axis.name = name.to_string(),
                ("name", _) => self.wrong(value.span(), "name must be a text".into(), None),
                ("labels", DeValue::Array(labels)) => {
                    let texts: Vec<&str> =
                        labels.iter().filter_map(|l| l.get_ref().as_str()).collect();
                    let once: BTreeSet<&str> = texts.iter().copied().collect();
                    if once.len() != axis.values.len() || labels.len() != axis.values.len() {
                        let message = format!(
                            "labels must be as many different texts as there are values, {}",
                            axis.values.len()
                        );
                        self.wrong(value.span(), message, None);
                        continue;
                    }
                    for (value, text) in axis.values.iter_mut().zip(texts) {
                        value.label = text.to_owned();
                    }
                }
                ("labels", _) => {
                    self.wrong(value.span(), "labels must be a list of texts".into(), None)
                }
                (other, _) => {
                    let known = ["values", "name", "labels"].map(str::to_owned).to_vec();
                    let fault = Fault::new(What::UnknownKey { key: other.to_owned(), known });
                    let help = fault.nearest().map(|name| format!("did you mean `{name}`?"));
                    self.wrong(key.span(), fault.to_string(), help);
                }
            }
        }
    }
}

/// A value that is no list, for people.
fn in_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::String(_) => "a text",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Choices are called by their names alone where that tells them apart.
fn shorten(values: &mut [AxisValue]) {
    let names: Vec<String> = values
        .iter()
        .map(|v| match &v.value {
            toml::Value::Table(table) if table.len() == 1 => table
                .iter()
                .next()
                .filter(|(_, v)| v.is_table())
                .map_or(v.label.clone(), |(k, _)| k.clone()),
            _ => v.label.clone(),
        })
        .collect();
    if names.iter().collect::<BTreeSet<_>>().len() == names.len() {
        for (value, name) in values.iter_mut().zip(names) {
            value.label = name;
        }
    }
}

/// Axes are called by the ends of their keys where that tells them apart.
pub(super) fn name_axes(axes: &mut [Axis]) {
    let short = |axis: &Axis| -> String {
        let parts: Vec<&str> =
            axis.key.split('.').filter(|p| p.parse::<usize>().is_err()).collect();
        match &parts[..] {
            ["method", "*", .., last] => (*last).to_owned(),
            ["method", name, .., last] => format!("{name} {last}"),
            ["federation", "byzantine", "count"] => "Byzantine".to_owned(),
            [.., "by-class" | "dirichlet" | "partition", last] => (*last).to_owned(),
            [.., last] => (*last).to_owned(),
            [] => axis.key.clone(),
        }
    };
    let names: Vec<String> = axes.iter().map(short).collect();
    for (i, axis) in axes.iter_mut().enumerate() {
        if axis.name.is_empty() {
            let alone = names.iter().filter(|name| **name == names[i]).count() == 1;
            axis.name = if alone { names[i].clone() } else { axis.key.clone() };
        }
    }
}
