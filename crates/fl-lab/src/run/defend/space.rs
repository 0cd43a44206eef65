//! What a search for a defence combines, and what of it cannot be tried.

use crate::file::{ConfigError, DefendConfig, Experiment, MethodConfig};
use crate::name::{AttackChoice, Category, Choice, EstimatorChoice, PreAggregatorChoice, Registry};
use fl_saga::Momentum;
use serde::Serialize;
use std::collections::HashSet;

/// An estimator, its momentum, a chain and a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Its parts, or its name in the file.
    pub name: String,
    /// The method, without a step.
    pub method: MethodConfig,
}

/// Something that was not tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Untried {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A name has at most so many bytes, so that a step goes behind it.
const LONGEST: usize = 72;

/// Settings that a registry has not by default, in brackets behind the name.
pub(super) fn label<S: 'static>(choice: &Choice<S>, category: &Category<S>) -> String {
    let defaults = category.find(&choice.name).map(|entry| entry.defaults());
    let own = choice
        .settings()
        .iter()
        .filter(|(key, value)| defaults.is_none_or(|defaults| defaults.get(*key) != Some(value)));
    let own: Vec<String> = own
        .map(|(key, value)| match value {
            toml::Value::Table(inner) => format!("{key} {}", named(inner)),
            toml::Value::String(text) => format!("{key} {text}"),
            other => format!("{key} {other}"),
        })
        .collect();
    match own.is_empty() {
        true => choice.name.clone(),
        false => format!("{} ({})", choice.name, own.join(", ")),
    }
}

/// A table of one part without settings is the part's name; any other table is told whole.
fn named(table: &toml::Table) -> String {
    let alone = table.iter().next().filter(|_| table.len() == 1);
    match alone {
        Some((name, toml::Value::Table(settings))) if settings.is_empty() => name.clone(),
        _ => toml::Value::Table(table.clone()).to_string(),
    }
}

/// Every pipeline of the table and of the file's methods, each once.
pub(super) fn pipelines(
    experiment: &Experiment,
    config: &DefendConfig,
    registry: &Registry,
) -> (Vec<Pipeline>, Vec<Untried>) {
    let (mut found, mut untried) = (Vec::new(), Vec::new());
    for method in &experiment.method {
        if method.rule.is_none() {
            let (what, why) = (method.name.clone(), "its server has no rule".to_owned());
            untried.push(Untried { what, why });
            continue;
        }
        let method = MethodConfig { step: None, final_window: None, ..method.clone() };
        found.push(Pipeline { name: method.name.clone(), method });
    }
    for estimator in &config.estimators {
        for &beta in &config.momentum {
            for chain in &config.chains {
                for rule in &config.rules {
                    let mut parts = vec![label(estimator, registry.estimators())];
                    if beta > 0.0 {
                        parts.push(format!("momentum {beta}"));
                    }
                    let pre = registry.pre_aggregators();
                    parts.extend(chain.iter().map(|stage| label(stage, pre)));
                    parts.push(label(rule, registry.rules()));
                    let method = combined(estimator, beta, chain, rule);
                    found.push(Pipeline { name: parts.join(" + "), method });
                }
            }
        }
    }
    let wanted = |p: &Pipeline| {
        config.pipelines.as_ref().is_none_or(|texts| texts.iter().any(|t| p.name.contains(&**t)))
    };
    found.retain(wanted);
    let mut names = HashSet::new();
    for (index, pipeline) in found.iter_mut().enumerate() {
        let mut end = pipeline.name.len().min(LONGEST);
        while !pipeline.name.is_char_boundary(end) {
            end -= 1;
        }
        if end < pipeline.name.len() || !names.insert(pipeline.name.clone()) {
            pipeline.name = format!("{} #{index}", &pipeline.name[..end]);
        }
    }
    (found, untried)
}

fn combined(
    estimator: &EstimatorChoice,
    beta: f64,
    chain: &[PreAggregatorChoice],
    rule: &crate::name::RuleChoice,
) -> MethodConfig {
    MethodConfig {
        name: String::new(),
        estimator: estimator.clone(),
        augment: None,
        local_steps: None,
        momentum: (beta > 0.0).then(|| Momentum { beta, ..Momentum::default() }),
        clip: None,
        protocol: None,
        pre: chain.to_vec(),
        rule: Some(rule.clone()),
        weights: None,
        step: None,
        schedule: None,
        server: None,
        batch: None,
        final_window: None,
    }
}

/// An experiment as a file would say it: its choices are looked up, and it is checked.
pub(super) fn read(
    experiment: &Experiment,
    registry: &Registry,
    file: &str,
) -> Result<Experiment, ConfigError> {
    let text = toml::to_string(experiment).map_err(|e| ConfigError::plain(file, e))?;
    let (experiment, source) = Experiment::parse_with(registry, &text, file, &[])?;
    crate::check::check(&experiment, &source)?;
    Ok(experiment)
}

/// The pipelines that can be built for this federation.
pub(super) fn that_work(
    experiment: &Experiment,
    pipelines: Vec<Pipeline>,
    registry: &Registry,
    untried: &mut Vec<Untried>,
) -> Vec<Pipeline> {
    let mut work: Vec<Pipeline> = Vec::new();
    for Pipeline { name, mut method } in pipelines {
        method.name.clone_from(&name);
        let mut one =
            Experiment { method: vec![method], tune: None, defend: None, ..experiment.clone() };
        one.federation.attack = crate::file::no_attack();
        match read(&one, registry, "pipeline") {
            Ok(mut one) => {
                let Some(method) = one.method.pop() else { continue };
                let same = |known: &Pipeline| {
                    let named = MethodConfig { name: known.name.clone(), ..method.clone() };
                    known.method == named
                };
                // A method of the file may be one of the combinations.
                if !work.iter().any(same) {
                    work.push(Pipeline { name, method });
                }
            }
            Err(error) => untried.push(Untried { what: name, why: why(&error) }),
        }
    }
    work
}

/// The attacks that can be played here under all of these seeds, with all settings.
pub(super) fn attacks(
    (experiment, seeds): (&Experiment, &[u64]),
    attacks: &[AttackChoice],
    pipelines: &[Pipeline],
    registry: &Registry,
    untried: &mut Vec<Untried>,
) -> Vec<Attack> {
    let method: Vec<MethodConfig> = pipelines.iter().map(|p| p.method.clone()).collect();
    let mut work: Vec<Attack> = Vec::new();
    for choice in attacks {
        let name = label(choice, registry.attacks());
        let mut one =
            Experiment { method: method.clone(), tune: None, defend: None, ..experiment.clone() };
        one.seeds = seeds.to_vec();
        one.federation.attack = choice.clone();
        match read(&one, registry, "attack") {
            Ok(one) => {
                let choice = one.federation.attack;
                if work.iter().all(|known| known.choice != choice) {
                    work.push(Attack { name: label(&choice, registry.attacks()), choice });
                }
            }
            Err(error) => untried.push(Untried { what: name, why: why(&error) }),
        }
    }
    work
}

/// An attack, as it is called in tables.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attack {
    pub(super) name: String,
    pub(super) choice: AttackChoice,
}

/// The first mistake, in its own words.
fn why(error: &ConfigError) -> String {
    error.mistakes().first().map_or_else(|| error.to_string(), |m| m.message.clone())
}

/// Names that nothing in the search uses.
pub(super) fn not_named(config: &DefendConfig, registry: &Registry) -> Vec<Untried> {
    fn left_out<'a, S: 'static>(
        category: &Category<S>,
        used: impl Iterator<Item = &'a str>,
    ) -> String {
        let used: HashSet<&str> = used.collect();
        let all = category.iter().map(|entry| entry.name()).filter(|name| !used.contains(name));
        all.collect::<Vec<_>>().join(", ")
    }
    let pre = config.chains.iter().flatten().map(|c| &*c.name);
    let attacks = config.attacks.iter().chain(&config.held_out).map(|c| &*c.name);
    let lists = [
        ("estimators", left_out(registry.estimators(), config.estimators.iter().map(|c| &*c.name))),
        ("pre-aggregators", left_out(registry.pre_aggregators(), pre)),
        ("rules", left_out(registry.rules(), config.rules.iter().map(|c| &*c.name))),
        ("attacks", left_out(registry.attacks(), attacks)),
        ("poisons", left_out(registry.poisons(), std::iter::empty())),
    ];
    let lists = lists.into_iter().filter(|(_, names)| !names.is_empty());
    lists
        .map(|(kind, names)| Untried {
            what: format!("{kind} {names}"),
            why: "not among those that the search combines".to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn tables_that_differ_have_names_that_differ() {
        let named = |text: &str| super::named(&text.parse().unwrap());
        assert_eq!(named("alie = {}"), "alie");
        let texts = ["alie = { z = 1 }", "alie = { z = 2 }", "alie = {}\nipm = {}", "alie = 1"];
        let names: std::collections::HashSet<String> = texts.map(named).into();
        assert_eq!(names.len(), texts.len());
        assert!(names.iter().all(|name| !name.contains('\n')), "{names:?}");
    }
}
