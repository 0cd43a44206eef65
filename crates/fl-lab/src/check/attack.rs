//! The attack and the poison: whether they can be carried out in this federation.

use super::method::rule;
use crate::file::{ByzantineConfig, ConfigError, Experiment, ExperimentText, MethodConfig};
use crate::name::Number;
use crate::plan::{Classes, federation_of, pre};
use fl_core::{AttackContext, Federation, Pipeline, Shape};

/// Whether the attack can be carried out in this federation, under every seed and against these methods. What an attack
/// requires has nothing to do with the length of messages.
pub(super) fn check_attack<T: Number>(
    experiment: &Experiment,
    methods: &[&MethodConfig],
    shape: Shape,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let (config, at) = (&experiment.federation, &["federation", "attack"]);
    let attack = config.attack.spec().map_err(|e| source.error_at(at, e))?;
    let attack = T::attack(&*attack);
    // A sweep over both has combinations in which there is nobody to play an attack: they are what others are compared with.
    let swept = source.is_swept(&["federation", "byzantine"]);
    if shape.byzantine == 0 && config.attack.name != "none" && !swept {
        let message = format!("{} needs Byzantine workers, got none", config.attack.name);
        let help =
            "say who is Byzantine, for example byzantine.count = 3, or write attack = \"none\"";
        return Err(source.error_at(at, message).with_help(help));
    }
    let drawn =
        matches!(config.byzantine, ByzantineConfig::Count(_) | ByzantineConfig::Rotating(_));
    let seeds = if drawn { &experiment.seeds[..] } else { &[0] };
    let classes = Classes::known(experiment);
    let federations: Vec<Federation> = seeds
        .iter()
        .map(|&seed| federation_of(experiment, seed, classes.as_ref(), source))
        .collect::<Result<_, _>>()?;
    let advice = drawn.then_some(
        "byzantine.count draws other workers for every seed; byzantine.workers names them",
    );
    for method in methods {
        let defence = defence::<T>(method, shape, source)?;
        for federation in &federations {
            let mut context = AttackContext::new(federation, 1).with_knowledge(config.knowledge);
            context.defence = defence.as_ref();
            let built = attack.build(&context).map_err(|e| {
                let error = source.error_at(at, e);
                match advice {
                    Some(help) => error.with_help(help),
                    None => error,
                }
            })?;
            if let Some(poison) = &config.poison
                && !built.needs_true_messages()
            {
                let message = format!(
                    "{} would have no effect: the attack {} does not look at what Byzantine workers compute",
                    poison.name, config.attack.name
                );
                let help =
                    "leave out attack, or take one that starts from the workers' own messages";
                return Err(source.error_at(&["federation", "poison"], message).with_help(help));
            }
        }
    }
    Ok(())
}

/// A method's server, for messages of one number.
fn defence<T: Number>(
    method: &MethodConfig,
    shape: Shape,
    source: &ExperimentText,
) -> Result<Option<Pipeline<T>>, ConfigError> {
    let Some(choice) = &method.rule else { return Ok(None) };
    let at = |e: String| source.error_at(&["method"], format!("{}: {e}", method.name));
    let pre = pre(method).map_err(|e| at(e.to_string()))?;
    let rule = rule(method, choice, shape).map_err(|e| at(e.to_string()))?;
    Pipeline::build(pre, rule, shape, 1).map(Some).map_err(|e| at(e.to_string()))
}

/// A poison must have somebody to act on, and an effect on what is sent.
pub(super) fn check_poison(
    experiment: &Experiment,
    shape: Shape,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let federation = &experiment.federation;
    let Some(poison) = &federation.poison else { return Ok(()) };
    let at = |message: String| source.error_at(&["federation", "poison"], message);
    if shape.byzantine == 0 {
        let message = format!("{} needs Byzantine workers, got none", poison.name);
        return Err(at(message).with_help("say who is Byzantine, for example byzantine.count = 3"));
    }
    if let ByzantineConfig::Rotating(_) = federation.byzantine {
        let message =
            "a poison needs the same Byzantine workers in all rounds, got byzantine.rotating";
        return Err(at(message.into()).with_help("use byzantine.count"));
    }
    Ok(())
}
