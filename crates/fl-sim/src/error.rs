//! What can go wrong in a federation.

use fl_core::{AggregateError, SpecError};

/// Why a simulation did not begin or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// A part that cannot work, found when it was built.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The messages of a round could not be aggregated.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// A regular worker's message became infinite or NaN.
    #[error(
        "diverged in round {round}: the message of regular worker {worker} is not finite, at parameters of norm {norm:.3e}; a smaller step may help"
    )]
    Diverged {
        /// The round.
        round: u64,
        /// The lowest such worker.
        worker: usize,
        /// ‖x‖ of the parameters that it computed its message at.
        norm: f64,
    },
    /// The parameters became infinite or NaN.
    #[error("diverged by round {round}: the parameters are not finite; a smaller step may help")]
    ParametersDiverged {
        /// The round at which this was seen.
        round: u64,
    },
    /// Somebody asked to leave the round: see [`Simulation::interrupted_by`](crate::Simulation::interrupted_by).
    #[error("round {round} was left unfinished on request")]
    Interrupted {
        /// The round.
        round: u64,
    },
    /// The observer's own error, which ends the run.
    #[error(transparent)]
    Observer(Box<dyn std::error::Error + Send + Sync>),
}

impl SimError {
    /// Whether the run diverged: a result of the experiment, not a failure of the program.
    pub fn is_divergence(&self) -> bool {
        matches!(self, SimError::Diverged { .. } | SimError::ParametersDiverged { .. })
    }
}
