//! The registry: everything that can be named, and what Python has added to it.

use crate::convert::errors;
use crate::convert::value::choice;
use fl_core::{PreAggregatorSpec, RuleSpec, Shape, ValueKind, file_name};
use fl_lab::{AnyAttack, Category, Registry};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::ffi::OsString;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

static REGISTRY: LazyLock<RwLock<Arc<Registry>>> =
    LazyLock::new(|| RwLock::new(Arc::new(Registry::standard())));

/// The registry as it stands.
pub(crate) fn registry() -> Arc<Registry> {
    Arc::clone(&REGISTRY.read().unwrap_or_else(PoisonError::into_inner))
}

/// Puts another in its place.
pub(crate) fn extend(add: impl FnOnce(Registry) -> Registry) {
    let mut registry = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    *registry = Arc::new(add((**registry).clone()));
}

/// What a choice of a rule stands for.
pub(crate) fn rule(object: &Bound<'_, PyAny>) -> PyResult<Box<dyn RuleSpec>> {
    registry().rules().make(&choice(object, "rule")?).map_err(|e| errors::choice(&e))
}

/// What a list of choices of pre-aggregators stands for.
pub(crate) fn chain(objects: &[Bound<'_, PyAny>]) -> PyResult<Vec<Box<dyn PreAggregatorSpec>>> {
    let registry = registry();
    let make = |object: &Bound<'_, PyAny>| {
        let choice = choice(object, "pre-aggregator")?;
        registry.pre_aggregators().make(&choice).map_err(|e| errors::choice(&e))
    };
    objects.iter().map(make).collect()
}

/// What a choice of an attack stands for.
pub(crate) fn attack(object: &Bound<'_, PyAny>) -> PyResult<Arc<dyn AnyAttack>> {
    registry().attack(&choice(object, "attack")?).map_err(|e| errors::choice(&e))
}

/// Whether a choice of this category is one.
#[pyfunction]
fn check(category: &str, part: &Bound<'_, PyAny>) -> PyResult<()> {
    let registry = registry();
    let made = match category {
        "rule" => registry.rules().make(&choice(part, category)?).map(drop),
        "pre-aggregator" => registry.pre_aggregators().make(&choice(part, category)?).map(drop),
        "attack" => registry.attack(&choice(part, category)?).map(drop),
        "poison" => registry.poisons().make(&choice(part, category)?).map(drop),
        "estimator" => registry.estimators().make(&choice(part, category)?).map(drop),
        _ => registry.models().make(&choice(part, category)?).map(drop),
    };
    made.map_err(|e| errors::choice(&e))
}

/// The coefficient κ of a rule behind pre-aggregators and the largest f that the rule itself withstands, for a shape.
#[pyfunction]
fn robustness(
    rule: &Bound<'_, PyAny>,
    pre: Vec<Bound<'_, PyAny>>,
    workers: usize,
    byzantine: usize,
) -> PyResult<(Option<f64>, usize)> {
    let (rule, pre) = (self::rule(rule)?, chain(&pre)?);
    let mut shapes = vec![Shape { workers, byzantine }];
    for stage in &pre {
        let next = stage.output(*shapes.last().expect("the first shape"));
        shapes.push(next.map_err(|e| errors::requirement(&e))?);
    }
    let inner = *shapes.last().expect("the first shape");
    // κ of a chain is told from the rule back to the messages.
    let kappa = rule.kappa(inner).and_then(|kappa| {
        let mut stages = pre.iter().zip(&shapes).rev();
        stages.try_fold(kappa, |inner, (stage, shape)| stage.kappa(*shape, inner))
    });
    Ok((kappa, rule.tolerates(inner.workers)))
}

/// All parts of the registry: for each its category, name, documentation, and settings with kind, choices and default.
#[pyfunction]
fn catalogue(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let registry = registry();
    let all = PyList::empty(py);
    list(&all, &registry, "rule", registry.rules())?;
    list(&all, &registry, "pre-aggregator", registry.pre_aggregators())?;
    list(&all, &registry, "attack", registry.attacks())?;
    list(&all, &registry, "poison", registry.poisons())?;
    list(&all, &registry, "estimator", registry.estimators())?;
    list(&all, &registry, "model", registry.models())?;
    Ok(all)
}

fn list<S: 'static>(
    all: &Bound<'_, PyList>,
    registry: &Registry,
    category: &str,
    parts: &Category<S>,
) -> PyResult<()> {
    let py = all.py();
    for entry in parts.iter() {
        let settings = PyList::empty(py);
        for setting in entry.doc().settings {
            let name = file_name(setting.name);
            let default = entry.defaults().get(&name).map(|value| python(py, value)).transpose()?;
            let choices: Vec<String> = match setting.kind {
                ValueKind::Choice(choices) => choices.iter().map(|c| file_name(c.name)).collect(),
                _ => Vec::new(),
            };
            let kind = setting.kind.to_string();
            settings.append((setting.name, kind, choices, default))?;
        }
        let part = PyDict::new(py);
        part.set_item("category", category)?;
        part.set_item("name", entry.name())?;
        // As the command prints it. No thread is used for it, so that a program may still fork after an import.
        let asked = ["explain", entry.name()].map(OsString::from);
        let said = fl_cli::call(registry, &asked);
        part.set_item("doc", said.map_err(|(_, why)| errors::RunError::new_err(why))?.results)?;
        part.set_item("settings", settings)?;
        all.append(part)?;
    }
    Ok(())
}

/// A value of TOML as Python's.
pub(crate) fn python<'py>(py: Python<'py>, value: &toml::Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        toml::Value::Boolean(x) => x.into_pyobject(py)?.to_owned().into_any(),
        toml::Value::Integer(x) => x.into_pyobject(py)?.into_any(),
        toml::Value::Float(x) => x.into_pyobject(py)?.into_any(),
        toml::Value::Array(items) => {
            let items: PyResult<Vec<_>> = items.iter().map(|item| python(py, item)).collect();
            PyList::new(py, items?)?.into_any()
        }
        toml::Value::Table(table) => {
            let entries = PyDict::new(py);
            for (key, value) in table {
                entries.set_item(key, python(py, value)?)?;
            }
            entries.into_any()
        }
        toml::Value::String(x) => x.into_pyobject(py)?.into_any(),
        toml::Value::Datetime(x) => x.to_string().into_pyobject(py)?.into_any(),
    })
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(check, module)?)?;
    module.add_function(wrap_pyfunction!(robustness, module)?)?;
    module.add_function(wrap_pyfunction!(catalogue, module)?)
}
