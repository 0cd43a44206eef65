//! A cell: one method, one attack, one seed. What an experiment file resolves to, and what a folder of results holds.

use super::byzantine::nobody;
use super::hash::{decides, short_digest};
use crate::file::{Experiment, MethodConfig, no_attack};

/// One method, one attack, one seed.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The experiment with this method and this seed alone: `fl-cli run` on it repeats the cell.
    pub experiment: Experiment,
    /// The method's place in the original file.
    pub method_index: usize,
    /// The method.
    pub method: MethodConfig,
    /// The seed.
    pub seed: u64,
    /// Twelve hexadecimal digits that stand for all that decides the results, the number of rounds and names left out.
    pub hash: String,
}

impl Cell {
    /// The folder's name: `method~attack~seed0~hash`.
    pub fn folder(&self) -> String {
        let method: String = self
            .method
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
            .collect();
        let attack = &self.experiment.federation.attack.name;
        format!("{method}~{attack}~seed{}~{}", self.seed, self.hash)
    }
}

/// The cells of an experiment: methods × seeds, methods first.
pub fn cells(experiment: &Experiment) -> Vec<Cell> {
    // What every cell gets a copy of holds neither the others' seeds nor their methods.
    let mut common = Experiment { seeds: Vec::new(), method: Vec::new(), ..experiment.clone() };
    // In a sweep an attack may meet nobody to play it; the cell is the one without an attack, and says so.
    if nobody(&common.federation.byzantine) {
        common.federation.attack = no_attack();
    }
    // What was left to defaults that depend on the number of rounds is fixed here, so that the file repeats.
    common.evaluate_every = Some(experiment.evaluation_interval());
    common.full_pass_every = Some(experiment.full_pass_interval());
    common.final_window = None;
    (common.tune, common.defend) = (None, None);
    let with = |method: &MethodConfig, seeds: Vec<u64>| {
        let mut one = Experiment { seeds, method: vec![method.clone()], ..common.clone() };
        one.method[0].final_window = Some(experiment.window(method));
        one
    };
    let decides: Vec<String> =
        experiment.method.iter().map(|method| decides(&with(method, Vec::new()))).collect();
    let mut cells = Vec::with_capacity(experiment.seeds.len() * experiment.method.len());
    for &seed in &experiment.seeds {
        for (method_index, method) in experiment.method.iter().enumerate() {
            // The first list of that name is the experiment's own.
            let text = decides[method_index].replacen(NO_SEEDS, &format!("\"seeds\":[{seed}]"), 1);
            let hash = short_digest(&text);
            let (experiment, method) = (with(method, vec![seed]), method.clone());
            cells.push(Cell { experiment, method_index, method, seed, hash });
        }
    }
    cells
}

/// How an experiment without seeds says so in [`decides`].
const NO_SEEDS: &str = "\"seeds\":[]";

/// Where a method's batch is written.
pub(crate) fn batch_path<'a>(method: &MethodConfig, index: &'a str) -> Vec<&'a str> {
    match method.batch {
        Some(_) => vec!["method", index, "batch"],
        None => vec!["train", "batch"],
    }
}
