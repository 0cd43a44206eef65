//! What cannot work in an experiment, found without data and before anything runs; each at its place in the file.

mod attack;
mod defend;
mod federation;
mod method;
mod model;
mod run;
mod tune;

pub(crate) use defend::{check_defending, check_search};
pub(crate) use federation::check_federation;
pub(crate) use method::check_weights;
pub(crate) use tune::unknown_method;

use crate::file::{ConfigError, Experiment, ExperimentText, MethodConfig, Mistakes, Precision};
use attack::{check_attack, check_poison};
use method::check_method;
use model::check_model;
use run::check_run;
use tune::check_tuning;

/// The checks that need no data: all methods included, and whatever follows from the numbers of workers and classes.
///
/// # Errors
/// Everything that cannot work, each at its place in the file.
pub fn check(experiment: &Experiment, source: &ExperimentText) -> Result<(), ConfigError> {
    check_after(None, experiment, source)
}

/// The same, where another experiment is known to be right: what does not differ from it is not built a second time.
pub(crate) fn check_after(
    right: Option<&Experiment>,
    experiment: &Experiment,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let mut mistakes = Mistakes::default();
    check_run(experiment, source, &mut mistakes);
    if right.is_some_and(|right| differs_in_numbers(right, experiment)) {
        for index in 0..experiment.method.len() {
            check_method(experiment, index, None, source, &mut mistakes);
        }
        check_tuning(experiment, source, &mut mistakes);
        return mistakes.or(());
    }
    // Where something was assumed of the federation, nothing can be said about what depends on it.
    let assumed = [&["data"][..], &["federation", "workers"], &["federation", "byzantine"]];
    let known = !assumed.iter().any(|path| source.is_assumed(path));
    let shape = known.then(|| check_federation(experiment, source));
    let shape = shape.and_then(|shape| mistakes.take(shape));
    if let Some(shape) = shape.filter(|_| !source.is_assumed(&["federation", "poison"])) {
        mistakes.take(check_poison(experiment, shape, source));
    }
    mistakes.take(check_model(experiment, source));
    if experiment.method.is_empty() {
        let help = "add [[method]] with name = \"Byrd-SAGA\", estimator = \"saga\", rule = \"geometric-median\"";
        let message = "an experiment needs at least one [[method]], got none";
        mistakes.add(source.error_at(&["method"], message).with_help(help));
    }
    let mut right = Vec::new();
    for (index, method) in experiment.method.iter().enumerate() {
        let before = mistakes.len();
        check_method(experiment, index, shape, source, &mut mistakes);
        if mistakes.len() == before && !source.is_assumed(&["method", &index.to_string()]) {
            right.push(method);
        }
    }
    if let Some(shape) = shape.filter(|_| !source.is_assumed(&["federation", "attack"])) {
        mistakes.take(match experiment.precision {
            Precision::F32 => check_attack::<f32>(experiment, &right, shape, source),
            Precision::F64 => check_attack::<f64>(experiment, &right, shape, source),
        });
    }
    check_tuning(experiment, source, &mut mistakes);
    if let Some(config) = &experiment.defend {
        mistakes.take(check_defending(config, source));
    }
    mistakes.without(|path| source.follows(path)).or(())
}

/// Whether two experiments differ in nothing but what every method is checked for alone, such as its step and its batch.
fn differs_in_numbers(one: &Experiment, other: &Experiment) -> bool {
    let server = |(a, b): (&MethodConfig, &MethodConfig)| {
        (&a.pre, &a.rule, a.weights) == (&b.pre, &b.rule, b.weights)
            && a.protocol.is_some() == b.protocol.is_some()
    };
    one.federation == other.federation
        && one.data == other.data
        && one.model == other.model
        && one.telemetry == other.telemetry
        && (one.precision, &one.seeds) == (other.precision, &other.seeds)
        && !one.method.is_empty()
        && one.method.len() == other.method.len()
        && one.method.iter().zip(&other.method).all(server)
}
