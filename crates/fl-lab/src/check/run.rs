//! Name, rounds, seeds, and what runs are told.

use crate::file::{
    CheckpointConfig, ConfigError, Experiment, ExperimentText, Mistakes, Plateau, StopConfig,
};
use std::collections::HashSet;

pub(super) fn check_run(experiment: &Experiment, source: &ExperimentText, mistakes: &mut Mistakes) {
    let mut at = |path: &str, message: String| mistakes.add(source.error_at(&[path], message));
    let name = &experiment.name;
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name.starts_with('.') {
        at("name", format!("name must be usable as a folder's name, got {name:?}"));
    } else if name.len() > 200 {
        // Names of files end at 255 bytes on most systems.
        at("name", format!("name must have at most 200 bytes, got {}", name.len()));
    }
    if experiment.rounds == 0 || experiment.rounds >= 1 << 32 {
        at("rounds", format!("rounds must be from 1 to 2³² − 1, got {}", experiment.rounds));
    }
    if experiment.evaluate_every == Some(0) {
        at("evaluate-every", "evaluate-every must be at least 1, got 0".into());
    }
    if experiment.seeds.is_empty() {
        at("seeds", "seeds must hold at least one number, got none".into());
    }
    if experiment.telemetry.evaluate_rows == Some(0) {
        let message = "evaluate-rows must be at least 1, got 0";
        mistakes.add(source.error_at(&["telemetry", "evaluate-rows"], message));
    }
    if let Some(share) = experiment.data.held_out.filter(|s| !(*s > 0.0 && *s < 1.0)) {
        let message = format!("data.held-out must be above 0 and below 1, got {share}");
        mistakes.add(source.error_at(&["data", "held-out"], message));
    }
    mistakes.take(check_stop(&experiment.stop, source));
    let CheckpointConfig { rounds, seconds, .. } = experiment.checkpoint;
    if rounds == Some(0) {
        let message = "checkpoint.rounds must be at least 1, got 0";
        mistakes.add(source.error_at(&["checkpoint", "rounds"], message));
    }
    if let Some(seconds) = seconds.filter(|s| s.is_nan() || *s <= 0.0) {
        let message = format!("checkpoint.seconds must be a positive number, got {seconds}");
        let error = source.error_at(&["checkpoint", "seconds"], message);
        mistakes.add(error.with_help("seconds = inf saves the state at the end only"));
    }
    let mut seen = HashSet::with_capacity(experiment.seeds.len());
    for (i, seed) in experiment.seeds.iter().enumerate() {
        if !seen.insert(seed) {
            let path = ["seeds", &i.to_string()];
            let message = format!("every seed must be there once, got {seed} twice");
            mistakes.add(source.error_at(&path, message));
        }
    }
}

/// Settings that cannot be meant, at their place in the file.
fn check_stop(stop: &StopConfig, source: &ExperimentText) -> Result<(), ConfigError> {
    let at = |key: &[&str], message: String| {
        let path: Vec<&str> = ["stop"].iter().chain(key).copied().collect();
        Err(source.error_at(&path, message))
    };
    if let Some(a) = stop.accuracy.filter(|a| !(*a > 0.0 && *a <= 1.0)) {
        return at(&["accuracy"], format!("stop.accuracy must be above 0 and at most 1, got {a}"));
    }
    if let Some(l) = stop.loss_above.filter(|l| l.is_nan() || *l <= 0.0) {
        return at(&["loss-above"], format!("stop.loss-above must be a positive number, got {l}"));
    }
    if let Some(s) = stop.seconds.filter(|s| s.is_nan() || *s <= 0.0) {
        return at(&["seconds"], format!("stop.seconds must be a positive number, got {s}"));
    }
    if let Some(Plateau { rounds, by }) = stop.plateau {
        if rounds == 0 {
            let message = "stop.plateau.rounds must be at least 1, got 0";
            return at(&["plateau", "rounds"], message.into());
        }
        if by.is_nan() || by < 0.0 {
            let message = format!("stop.plateau.by must be at least 0, got {by}");
            return at(&["plateau", "by"], message);
        }
    }
    Ok(())
}
