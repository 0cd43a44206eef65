//! Python's values as TOML's, and choices: a name, or a table with one name in it.

use super::errors::no_choice;
use fl_lab::Choice;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use toml::{Table, Value};

/// A value as an experiment file would have it. A part, which has `_choice()`, is a table with its name in it; an entry of
/// None is left out.
///
/// # Errors
/// For what TOML has no form for, with the key.
pub(crate) fn value(object: &Bound<'_, PyAny>, key: &str) -> PyResult<Value> {
    let refuse = |why: &str| {
        let name = object.get_type().name().map_or("?".to_owned(), |n| n.to_string());
        let place = if key.is_empty() { "a value".to_owned() } else { format!("`{key}`") };
        PyTypeError::new_err(format!(
            "{place} is of type {name}, {why}; expected a number, text, a list or a table"
        ))
    };
    if object.is_instance_of::<PyBool>() {
        return Ok(Value::Boolean(object.extract()?));
    }
    if object.is_instance_of::<PyInt>() {
        let whole = object.extract::<i64>();
        return whole.map(Value::Integer).map_err(|_| refuse("and beyond 64 bits"));
    }
    if object.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(object.extract()?));
    }
    if object.is_instance_of::<PyString>() {
        return Ok(Value::String(object.extract()?));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.enumerate();
        let items = items.map(|(i, item)| value(&item?, &format!("{key}[{i}]")));
        return Ok(Value::Array(items.collect::<PyResult<_>>()?));
    }
    if let Ok(entries) = object.cast::<PyDict>() {
        return Ok(Value::Table(table(entries, key)?));
    }
    for method in ["_choice", "tolist", "__fspath__"] {
        if let Ok(plain) = object.getattr(method) {
            return value(&plain.call0()?, key);
        }
    }
    Err(refuse("which an experiment file has no form for"))
}

/// A table of values.
pub(crate) fn table(entries: &Bound<'_, PyDict>, key: &str) -> PyResult<Table> {
    let mut table = Table::new();
    for (name, entry) in entries {
        let Ok(name) = name.extract::<String>() else {
            let place = if key.is_empty() { "the table" } else { key };
            return Err(PyTypeError::new_err(format!(
                "{place}: expected text as a key, found {name}"
            )));
        };
        if !entry.is_none() {
            let below = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            table.insert(name, value(&entry, &below)?);
        }
    }
    Ok(table)
}

/// A choice: `"krum"`, `{"krum": {"variant": "paper"}}`, or a part.
pub(crate) fn choice<S>(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Choice<S>> {
    let expected = |found: String| {
        no_choice(format!(
            "the {what} must be a name, a table {{NAME: {{SETTING: VALUE}}}} or a part of robust_fl, got {found}"
        ))
    };
    match value(object, what)? {
        Value::String(name) => Ok(Choice::named(name)),
        Value::Table(mut table) if table.len() == 1 => {
            let (name, settings) = table.iter_mut().next().expect("one entry");
            match std::mem::replace(settings, Value::Boolean(true)) {
                Value::Table(settings) => Ok(Choice::new(name.clone(), settings)),
                other => Err(expected(format!("{{{name}: {other}}}"))),
            }
        }
        Value::Table(table) => Err(expected(format!("a table of {} names", table.len()))),
        other => Err(expected(other.to_string())),
    }
}
