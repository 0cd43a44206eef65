//! Which theorem is about a method.

use crate::check::check_federation;
use crate::file::{
    ByzantineConfig, ConfigError, Experiment, ExperimentText, MethodConfig, ProtocolConfig,
};
use crate::name::PreAggregatorChoice;
use fl_sim::ServerStep;
use fl_theory::Setting;

/// What the theory has to say about a method.
#[derive(Clone, Debug, PartialEq)]
pub enum Scope {
    /// Theorem 1: SAGA and a geometric median, with resampling or without (`s = 1`, Byrd-SAGA).
    Theorem1(Setting),
    /// Theorem 3: stochastic gradients and a geometric median, with resampling or without (`s = 1`, Byrd-SGD).
    Theorem3(Setting),
    /// Neither is about it, and why.
    Neither(String),
}

impl Scope {
    /// W, B and s, where a theorem is about the method.
    pub fn setting(&self) -> Option<Setting> {
        match self {
            Scope::Theorem1(setting) | Scope::Theorem3(setting) => Some(*setting),
            Scope::Neither(_) => None,
        }
    }
}

/// Which theorem is about a method of an experiment that was checked.
///
/// # Errors
/// As [`crate::check`].
pub fn scope(
    experiment: &Experiment,
    method: &MethodConfig,
    source: &ExperimentText,
) -> Result<Scope, ConfigError> {
    let shape = check_federation(experiment, source)?;
    let neither = |why: String| Ok(Scope::Neither(why));
    if let Some(ProtocolConfig::Rsa(_)) = method.protocol {
        return neither("RSA sends models, and the theorems are about gradients".into());
    }
    if matches!(experiment.federation.byzantine, ByzantineConfig::Rotating(_)) {
        return neither("the Byzantine workers change, so that problem (1) does too".into());
    }
    if experiment.federation.participation.is_some() {
        return neither(
            "part of the workers take part in a round, and the theorems are about all".into(),
        );
    }
    if experiment.server_step(method) != ServerStep::default() {
        return neither("its server does not step along the aggregate with a constant γ".into());
    }
    if method.has_weights() {
        return neither(
            "its messages have weights, and problem (1) and the theorems are about equal ones"
                .into(),
        );
    }
    match &method.rule {
        Some(rule) if rule.name == "geometric-median" => {}
        Some(rule) => {
            return neither(format!("its rule is {}, not the geometric median", rule.name));
        }
        None => return neither("it has no rule".into()),
    }
    let s = match &*method.pre {
        [] => 1,
        [one] if one.name == "resample" => resampling_size(one),
        [one] => return neither(format!("{} is not resampling", one.name)),
        _ => return neither("it has more than one pre-aggregator".into()),
    };
    if let Some(decorator) = decorated(experiment, method) {
        return neither(format!("it has {decorator}"));
    }
    let Ok(setting) = Setting::new(shape.workers, shape.byzantine, s) else {
        return neither(format!("s = {s} is not between 1 and W"));
    };
    match &*method.estimator.name {
        "saga" | "dense-saga" => Ok(Scope::Theorem1(setting)),
        "sgd" => Ok(Scope::Theorem3(setting)),
        other => {
            neither(format!("its estimator is {other}, neither SAGA nor a stochastic gradient"))
        }
    }
}

/// What stands around a method's estimator, if anything does.
fn decorated(experiment: &Experiment, method: &MethodConfig) -> Option<&'static str> {
    let all = [
        ("augmentation", experiment.augment(method).is_some()),
        ("local steps", method.local_steps.is_some()),
        ("momentum", method.momentum.is_some()),
        ("clipping", method.clip.is_some()),
    ];
    all.into_iter().find(|(_, there)| *there).map(|(decorator, _)| decorator)
}

/// s of a choice that was looked up, whose settings are there in full.
fn resampling_size(choice: &PreAggregatorChoice) -> usize {
    let s = choice.settings().get("s").and_then(toml::Value::as_integer);
    s.and_then(|s| usize::try_from(s).ok()).unwrap_or(0)
}
