//! When a run is measured.

use crate::file::Experiment;

/// At which rounds something is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cadence {
    rounds: u64,
    every: u64,
    full_every: u64,
}

impl Cadence {
    pub(super) fn new(experiment: &Experiment) -> Self {
        Self {
            rounds: experiment.rounds,
            every: experiment.evaluation_interval(),
            full_every: experiment.full_pass_interval(),
        }
    }

    pub(super) fn full(self, round: u64) -> bool {
        self.full_every > 0 && (round.is_multiple_of(self.full_every) || round == self.rounds)
    }

    pub(super) fn full_at_end(self) -> bool {
        self.full_every > 0
    }

    pub(super) fn line(self, round: u64) -> bool {
        round.is_multiple_of(self.every) || self.full(round)
    }
}
