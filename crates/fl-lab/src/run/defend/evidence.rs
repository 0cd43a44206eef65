//! What a search for a defence leaves behind: every candidate with the attacks that it met, and the finalists.

use super::race::{Entrant, Race};
use super::space::{Attack, Pipeline};
use serde::Serialize;

/// What a finalist came to under an attack, with the seeds and the rows of the experiment file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Met {
    /// The attack.
    pub attack: String,
    /// Whether the search has not seen it.
    pub held_out: bool,
    /// Final accuracies, or R², in the order of seeds; null for a run that diverged.
    pub accuracies: Vec<Option<f64>>,
}

/// A finalist.
#[derive(Clone, Debug, PartialEq)]
pub struct Final {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// γ.
    pub step: f64,
    /// Its worst case in the search; none where a search that was ended early does not know it.
    pub searched_worst: Option<f64>,
    /// All attacks, those of the search first.
    pub met: Vec<Met>,
}

/// A candidate of a rung.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// The pipeline.
    pub pipeline: String,
    /// γ.
    pub step: f64,
    /// The least score, above which its worst case is not; null where a run diverged, or none has been made.
    pub least: Option<f64>,
    /// Mean scores over seeds by attack, in the order of the attacks that it met; null where a run diverged.
    pub met: Vec<(String, Option<f64>)>,
    /// Whether it went on.
    pub kept: bool,
}

/// A rung that has ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RaceRecord {
    /// Rounds of each run.
    pub rounds: u64,
    /// Seeds of each candidate.
    pub seeds: Vec<u64>,
    /// Pairs of a candidate and an attack that were run.
    pub pairs: usize,
    /// Pairs that there are.
    pub of: usize,
    /// All candidates, in the order of the list.
    pub tried: Vec<Tried>,
}

impl RaceRecord {
    pub(super) fn of(
        race: &Race,
        (pipelines, attacks): (&[Pipeline], &[Attack]),
        (rounds, seeds): (u64, Vec<u64>),
        kept: &[usize],
    ) -> Self {
        let tried = |(index, entrant): (usize, &Entrant)| Tried {
            pipeline: pipelines[entrant.pipeline].name.clone(),
            step: entrant.step,
            least: Some(entrant.bound()).filter(|bound| bound.is_finite()),
            met: race
                .order()
                .iter()
                .filter_map(|&a| Some((attacks[a].name.clone(), entrant.scores[a]?)))
                .collect(),
            kept: kept.contains(&index),
        };
        let tried: Vec<Tried> = race.entrants.iter().enumerate().map(tried).collect();
        let pairs = tried.iter().map(|t| t.met.len()).sum();
        Self { rounds, seeds, pairs, of: tried.len() * race.order().len(), tried }
    }
}
