//! What decides a cell's results, as twelve hexadecimal digits.

use super::byzantine::Classes;
use crate::file::{BatchSize, ByzantineConfig, CheckpointConfig, Experiment, StopConfig};
use fl_sim::{Schedule, ServerOptimizer, ServerStep};
use sha2::{Digest, Sha256};
use std::fs;

/// A cell with everything removed that does not decide its metrics.
pub(crate) fn deciding(cell: &Experiment) -> Experiment {
    let mut core = cell.clone();
    core.name = String::new();
    core.rounds = 0;
    core.final_window = None;
    core.checkpoint = CheckpointConfig::default();
    (core.tune, core.defend) = (None, None);
    core.stop = StopConfig::default();
    // Classes of known sets by their places, which is how they were always written into a hash.
    if let (ByzantineConfig::Classes(list), Some(Classes { count, values })) =
        (&mut core.federation.byzantine, Classes::known(cell))
    {
        for label in list {
            if let Some(place) = values.place(label, count) {
                *label = place.into();
            }
        }
    }
    if core.train.warm_up == 1 {
        core.train.warm_up = 0;
    }
    let augments: Vec<_> = core.method.iter().map(|m| core.augment(m)).collect();
    for (method, augment) in core.method.iter_mut().zip(augments) {
        method.augment = augment;
    }
    core.train.augment = None;
    let steps: Vec<ServerStep> = core.method.iter().map(|m| core.server_step(m)).collect();
    for (method, server_step) in core.method.iter_mut().zip(steps) {
        method.name = String::new();
        method.final_window = None;
        // A method's own value and a shared one mean the same.
        method.step = Some(method.step.unwrap_or(core.train.step));
        method.batch = Some(method.batch.unwrap_or(core.train.batch));
        let ServerStep { schedule, optimizer, .. } = server_step;
        method.schedule = Some(schedule).filter(|s| *s != Schedule::default());
        method.server = Some(optimizer).filter(|s| *s != ServerOptimizer::default());
    }
    (core.train.schedule, core.train.server) = (None, None);
    core.train.step = 0.0;
    core.train.batch = BatchSize::Count(0);
    core
}

/// SHA-256 over what decides a cell's metrics.
pub(crate) fn hash(cell: &Experiment) -> String {
    short_digest(&decides(cell))
}

/// What decides a cell's metrics, as a text: its configuration, and what is in a file that says who holds what. Where that
/// file cannot be read, the run cannot begin.
pub(super) fn decides(cell: &Experiment) -> String {
    let mut text = serde_json::to_string(&deciding(cell)).expect("an experiment is plain data");
    if let Some(lists) = cell.data.partition.file().and_then(|path| fs::read(path).ok()) {
        text.extend(Sha256::digest(lists).iter().map(|b| format!("{b:02x}")));
    }
    text
}

/// The first twelve hexadecimal digits of a text's SHA-256.
pub(crate) fn short_digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..6].iter().map(|b| format!("{b:02x}")).collect()
}
