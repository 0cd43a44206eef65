//! One method: its names and numbers, and whether its server can do with what arrives.

use crate::file::{
    BatchSize, ConfigError, Experiment, ExperimentText, MethodConfig, Mistakes, ProtocolConfig,
    Weights,
};
use crate::name::{ChoiceError, Entry, Registry, RuleChoice};
use crate::plan::{WEIGHTS, batch_path, pre, weighed};
use fl_core::{RuleSpec, Shape};
use fl_sim::{Participation, Rsa, ServerStep};

pub(super) fn check_method(
    experiment: &Experiment,
    index: usize,
    shape: Option<Shape>,
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) {
    let method = &experiment.method[index];
    let i = index.to_string();
    let at = |key: &str, message: String| source.error_at(&["method", &i, key], message);
    let found = method.name.len();
    if found == 0 {
        mistakes.add(at("name", "a method needs a name, got \"\"".into()));
    } else if found > 100 {
        let message = format!("a method's name must have at most 100 bytes, got {found}");
        mistakes.add(at("name", message));
    } else if experiment.method[..index].iter().any(|m| m.name == method.name) {
        let message = format!("two methods are called {:?}; names must differ", method.name);
        mistakes.add(at("name", message));
    }
    let batch = method.batch.unwrap_or(experiment.train.batch);
    if batch == BatchSize::Count(0) {
        let path = batch_path(method, &i);
        mistakes.add(source.error_at(&path, "batch must be at least 1, got 0"));
    }
    let step = method.step.unwrap_or(experiment.train.step);
    if !(step > 0.0 && step.is_finite()) {
        let path: &[&str] =
            if method.step.is_some() { &["method", &i, "step"] } else { &["train", "step"] };
        let message = format!("step must be a positive number, got {step}");
        mistakes.add(source.error_at(path, message));
    }
    check_server_step(experiment, method, &i, source, mistakes);
    match (&method.protocol, &method.rule) {
        (Some(ProtocolConfig::Rsa(rsa)), _) => check_rsa(method, rsa, &i, source, mistakes),
        (None, Some(_)) => {
            let assumed = ["pre", "rule"].iter().any(|key| source.is_assumed(&["method", &i, key]));
            if let (Some(shape), false) = (shape, assumed) {
                let participation = experiment.federation.participation;
                mistakes.take(check_server(method, &i, shape, participation, source));
            }
        }
        (None, None) => {
            let message = format!("method {:?} needs a rule", method.name);
            mistakes.add(at("rule", message).with_help("for example rule = \"geometric-median\""));
        }
    }
}

/// How the server steps: settings at their places, which are the method's own or the shared ones.
fn check_server_step(
    experiment: &Experiment,
    method: &MethodConfig,
    i: &str,
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) {
    let server_step = experiment.server_step(method);
    let own = match (&method.schedule, &method.server) {
        (Some(_), _) => Some("schedule"),
        (None, Some(_)) => Some("server"),
        (None, None) => None,
    };
    let path = own.map_or(vec!["train"], |key| vec!["method", i, key]);
    if let Err(error) = server_step.check() {
        let setting = error.setting.clone();
        let keys: Vec<&str> = setting.split('.').collect();
        let is_own = match keys[0] {
            "schedule" => method.schedule.is_some(),
            _ => keys[0] == "server" && method.server.is_some(),
        };
        let table: &[&str] = if is_own { &["method", i] } else { &["train"] };
        mistakes.add(source.error_at(&[table, &keys].concat(), error));
    }
    if method.protocol.is_some() && server_step != ServerStep::default() {
        let message = format!(
            "`schedule`, `server`, `warm-up` and `weight-decay` are of the gradient protocol, but method {:?} follows RSA",
            method.name
        );
        let help = "RSA has `decay`; `schedule` and `server` can stand at the other methods alone";
        mistakes.add(source.error_at(&path, message).with_help(help));
    }
}

/// RSA has a server of its own, and its estimator is the plain stochastic gradient.
fn check_rsa(
    method: &MethodConfig,
    rsa: &Rsa,
    index: &str,
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) {
    let at = |key: &str, message: String| source.error_at(&["method", index, key], message);
    let key = if method.rule.is_some() { "rule" } else { "pre" };
    if method.rule.is_some() || !method.pre.is_empty() {
        let message = "RSA has no aggregation rule and no pre-aggregators: workers send models and the server \
                       takes its own step";
        mistakes.add(at(key, message.into()).with_help(format!("remove {key}")));
    }
    let estimator = &method.estimator.name;
    if estimator != "sgd" {
        let message = format!(
            "RSA is defined with stochastic gradients (estimator = \"sgd\"), got \"{estimator}\""
        );
        mistakes.add(at("estimator", message));
    }
    for (key, there) in [
        ("local-steps", method.local_steps.is_some()),
        ("momentum", method.momentum.is_some()),
        ("clip", method.clip.is_some()),
    ] {
        if there {
            let message = format!("RSA has no {key}: workers send models");
            mistakes.add(at(key, message).with_help(format!("remove {key}")));
        }
    }
    if !(rsa.lambda > 0.0 && rsa.lambda.is_finite()) {
        let message = format!("lambda must be a positive number, got {}", rsa.lambda);
        let path = ["method", index, "protocol", "rsa", "lambda"];
        mistakes.add(source.error_at(&path, message));
    }
}

/// Whether the rule can do with what the pre-aggregators leave of W and f.
fn check_server(
    method: &MethodConfig,
    index: &str,
    all: Shape,
    participation: Option<Participation>,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let shape = participation.map_or(all, |p| p.drawn_of(all));
    let mut inner = shape;
    let at_pre = |e| source.error_at(&["method", index, "pre"], e);
    for (stage, spec) in pre(method).map_err(at_pre)?.iter().enumerate() {
        let path = ["method", index, "pre", &stage.to_string()];
        inner = spec.output(inner).map_err(|e| source.error_at(&path, e))?;
    }
    let Some(choice) = &method.rule else { return Ok(()) };
    let rule = rule(method, choice, inner);
    let rule = rule.map_err(|e| source.error_at(&["method", index, "rule"], e))?;
    rule.check(inner).map_err(|e| {
        let error = source.error_at(&["method", index, "rule"], e);
        if inner == all {
            return error;
        }
        if inner == shape {
            let (w, f) = (shape.workers, shape.byzantine);
            return error.with_help(format!(
                "participation.sample leaves {w} messages a round, of which {f} may be Byzantine"
            ));
        }
        let (w, f) = (inner.workers, inner.byzantine);
        error.with_help(format!(
            "after pre-aggregation there are {w} messages, of which {f} may hold something Byzantine"
        ))
    })
}

/// A method's rule before it is known who holds how many samples: equal weights stand for what they will be.
pub(super) fn rule(
    method: &MethodConfig,
    choice: &RuleChoice,
    shape: Shape,
) -> Result<Box<dyn RuleSpec>, ChoiceError> {
    match method.weights {
        // That a rule has no weights is told by `check_weights`; what else is wrong with it is found without them.
        Some(Weights::Samples) if choice.has_setting(WEIGHTS) => {
            weighed(choice, &vec![1.0; shape.workers])
        }
        _ => choice.spec(),
    }
}

/// Whether a method's rule has weights that can be the workers' numbers of samples.
pub(crate) fn check_weights(
    experiment: &Experiment,
    index: usize,
    registry: &Registry,
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) {
    let (method, index) = (&experiment.method[index], &*index.to_string());
    if method.weights.is_none() || source.is_assumed(&["method", index, "rule"]) {
        return;
    }
    let at = |message: String| source.error_at(&["method", index, "weights"], message);
    let Some(rule) = &method.rule else {
        let message =
            "weights = \"samples\" needs a rule that has weights; RSA's server adds up signs";
        if method.protocol.is_some() {
            mistakes.add(at(message.into()).with_help("remove weights"));
        }
        return;
    };
    let own = rule
        .settings()
        .get(WEIGHTS)
        .is_some_and(|own| own.as_array().is_none_or(|own| !own.is_empty()));
    if !rule.has_setting(WEIGHTS) {
        let all = registry.rules().iter().filter(|entry| entry.has_setting(WEIGHTS));
        let all: Vec<&str> = all.map(Entry::name).collect();
        let message =
            format!("{} has no weights; rules that have are {}", rule.name, all.join(", "));
        let error = at(message);
        mistakes.add(match &*rule.name {
            "mean" => error.with_help("rule = \"weighted-mean\" is the mean with weights"),
            _ => error,
        });
    } else if own {
        let message =
            format!("{} has weights of its own, and weights = \"samples\" says others", rule.name);
        mistakes.add(at(message).with_help("remove one of them"));
    }
}
