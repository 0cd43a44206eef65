//! The table `[tune]`.

use crate::file::{Experiment, ExperimentText, Mistakes};

/// What is wrong with a table `[tune]`, each at its place.
pub(super) fn check_tuning(
    experiment: &Experiment,
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) {
    let Some(tune) = &experiment.tune else { return };
    for (key, values) in [("step", &tune.step), ("lambda", &tune.lambda)] {
        let positive = |v: f64| v > 0.0 && v.is_finite();
        check_list(&["tune", key], values, "a positive number", positive, source, mistakes);
    }
    let mut at = |path: &[&str], message: String| mistakes.add(source.error_at(path, message));
    if tune.seeds.is_empty() {
        at(&["tune", "seeds"], "seeds must hold at least one number, got none".into());
    }
    for (i, seed) in tune.seeds.iter().enumerate() {
        if tune.seeds[..i].contains(seed) {
            let message = format!("every seed must be there once, got {seed} twice");
            at(&["tune", "seeds", &i.to_string()], message);
        }
    }
    for (key, value, least) in [("rungs", tune.rungs, 1), ("keep-one-in", tune.keep_one_in, 2)] {
        if value < least || value > 20 {
            at(&["tune", key], format!("{key} must be from {least} to 20, got {value}"));
        }
    }
    for (i, name) in tune.methods.iter().flatten().enumerate() {
        if experiment.method.iter().all(|m| m.name != *name) {
            at(&["tune", "methods", &i.to_string()], unknown_method(experiment, name));
        }
    }
}

/// What is wrong with a list of candidates, each of which must be allowed and there once.
pub(super) fn check_list(
    path: &[&str; 2],
    values: &[f64],
    allowed: &str,
    is_allowed: impl Fn(f64) -> bool,
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) {
    let key = path[1];
    let mut at = |path: &[&str], message: String| mistakes.add(source.error_at(path, message));
    if values.is_empty() {
        at(path, format!("{key} must hold at least one candidate, got none"));
    }
    for (i, &value) in values.iter().enumerate() {
        let path = [path[0], key, &i.to_string()];
        if !is_allowed(value) {
            at(&path, format!("a {key} must be {allowed}, got {value}"));
        } else if values[..i].contains(&value) {
            at(&path, format!("every {key} must be there once, got {value} twice"));
        }
    }
}

/// That there is no method of this name.
pub(crate) fn unknown_method(experiment: &Experiment, name: &str) -> String {
    let names: Vec<String> = experiment.method.iter().map(|m| format!("{:?}", m.name)).collect();
    format!("no method is called {name:?}; there are {}", names.join(", "))
}
