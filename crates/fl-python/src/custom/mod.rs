//! Parts that are written in Python.

mod attack;
mod function;
mod pending;
mod rule;

pub(crate) use pending::{Pending, any};

use crate::convert::errors;
use crate::convert::value::table;
use crate::parts;
use fl_core::{Doc, Setting, ValueKind};
use fl_lab::Foreign;
use function::Function;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;
use toml::Table;

/// What a name's function is after its settings are known.
type Hand<S> = Arc<dyn Fn() -> S + Send + Sync>;

/// Adds a part to the registry: `bind(settings)` makes the function that is called in every round.
#[pyfunction]
fn register(
    kind: &str,
    name: String,
    lines: Vec<String>,
    settings: &Bound<'_, PyDict>,
    bind: Py<PyAny>,
) -> PyResult<()> {
    // A registry keeps names and documentation for as long as the process runs; a cell that is run again adds a few bytes.
    let name: &'static str = name.leak();
    let defaults = table(settings, "")?;
    let doc = Doc { lines: leak(lines), settings: documented(&defaults) };
    let bind = Arc::new(bind);
    let function = move |settings: &Table| -> Result<Function, String> {
        Python::attach(|py| {
            let given = parts::python(py, &toml::Value::Table(settings.clone()))?;
            let call = Arc::new(bind.call1(py, (given,))?);
            Ok(Function { name, call, pending: Pending::current() })
        })
        .map_err(|e: PyErr| e.to_string())
    };
    pending::there_is_one();
    match kind {
        "rule" => parts::extend(|registry| {
            let make = move |settings: &Table| -> Result<Hand<_>, String> {
                let function = function(settings)?;
                Ok(Arc::new(move || rule::by_distances(function.clone())))
            };
            registry.with_foreign_rule(Foreign { name, doc, defaults, make: Box::new(make) })
        }),
        "column-rule" => parts::extend(|registry| {
            let make = move |settings: &Table| -> Result<Hand<_>, String> {
                let function = function(settings)?;
                Ok(Arc::new(move || rule::by_columns(function.clone())))
            };
            registry.with_foreign_rule(Foreign { name, doc, defaults, make: Box::new(make) })
        }),
        "attack" => parts::extend(|registry| {
            let make = move |settings: &Table| -> Result<Hand<_>, String> {
                let function = function(settings)?;
                Ok(Arc::new(move || attack::by_messages(function.clone())))
            };
            registry.with_foreign_attack(Foreign { name, doc, defaults, make: Box::new(make) })
        }),
        _ => return Err(errors::no_choice(format!("{kind}: rule, column-rule or attack"))),
    }
    Ok(())
}

fn leak(lines: Vec<String>) -> &'static [&'static str] {
    let lines: Vec<&'static str> = lines.into_iter().map(|line| &*line.leak()).collect();
    lines.leak()
}

fn documented(defaults: &Table) -> &'static [Setting] {
    let setting = |(name, value): (&String, &toml::Value)| Setting {
        name: name.clone().leak(),
        doc: match &**name {
            "source" => &["SHA-256 of the function's source, so that results name it."],
            _ => &["A keyword argument of the function."],
        },
        kind: ValueKind::Plain(match value {
            toml::Value::Integer(_) => "whole number",
            toml::Value::Float(_) => "number",
            toml::Value::Boolean(_) => "true or false",
            toml::Value::String(_) => "text",
            _ => "list or table",
        }),
    };
    let settings: Vec<Setting> = defaults.iter().map(setting).collect();
    settings.leak()
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(register, module)?)
}
