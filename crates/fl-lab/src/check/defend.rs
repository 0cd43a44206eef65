//! The table `[defend]`.

use super::tune::check_list;
use crate::file::{ConfigError, DefendConfig, Experiment, ExperimentText, Mistakes};

/// What is wrong with a search for a defence, each at its place.
///
/// # Errors
/// All of it.
pub(crate) fn check_defending(
    config: &DefendConfig,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let mut mistakes = Mistakes::default();
    let positive = |v: f64| v > 0.0 && v.is_finite();
    check_list(
        &["defend", "step"],
        &config.step,
        "a positive number",
        positive,
        source,
        &mut mistakes,
    );
    let beta = |v: f64| (0.0..1.0).contains(&v);
    let allowed = "at least 0 and below 1";
    check_list(&["defend", "momentum"], &config.momentum, allowed, beta, source, &mut mistakes);
    let mut at = |path: &[&str], message: String| mistakes.add(source.error_at(path, message));
    let lists = [
        ("estimators", config.estimators.len()),
        ("chains", config.chains.len()),
        ("rules", config.rules.len()),
        ("attacks", config.attacks.len()),
        ("seeds", config.seeds.len()),
        ("finalists", config.finalists),
        ("pipelines", config.pipelines.as_ref().map_or(1, Vec::len)),
    ];
    for (key, length) in lists {
        if length == 0 {
            at(&["defend", key], format!("{key} must be at least one, got none"));
        }
    }
    for (i, seed) in config.seeds.iter().enumerate() {
        if config.seeds[..i].contains(seed) {
            let path = ["defend", "seeds", &i.to_string()];
            at(&path, format!("every seed must be there once, got {seed} twice"));
        }
    }
    for (key, value, least) in [("rungs", config.rungs, 1), ("keep-one-in", config.keep_one_in, 2)]
    {
        if value < least || value > 20 {
            at(&["defend", key], format!("{key} must be from {least} to 20, got {value}"));
        }
    }
    mistakes.or(())
}

/// What keeps a search from this experiment, though its runs may be fine: seeds and rows that the finalists are judged by, and
/// Byzantine workers that are not free to play any attack.
///
/// # Errors
/// All of it.
pub(crate) fn check_search(
    experiment: &Experiment,
    config: &DefendConfig,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let mut mistakes = Mistakes::default();
    let mut at = |path: &[&str], message: String| mistakes.add(source.error_at(path, message));
    for (i, seed) in config.seeds.iter().enumerate() {
        if experiment.seeds.contains(seed) {
            let message = format!(
                "seed {seed} is one of the file's seeds, which the finalists run with; the search needs others"
            );
            at(&["defend", "seeds", &i.to_string()], message);
        }
    }
    if let Some(poison) = &experiment.federation.poison {
        let message = format!(
            "a search over attacks on messages cannot keep {}, which needs Byzantine workers that send what they compute",
            poison.name
        );
        at(&["federation", "poison"], message);
    }
    if crate::plan::nobody(&experiment.federation.byzantine) {
        at(
            &["federation", "byzantine"],
            "a search for a defence needs Byzantine workers, got none".to_owned(),
        );
    }
    mistakes.or(())
}
