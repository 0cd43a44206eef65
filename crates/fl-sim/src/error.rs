//! What can go wrong in a run.

use fl_core::{AggregateError, SpecError};
use std::path::PathBuf;

/// Why a run stopped or did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The experiment file, or something in it.
    #[error(transparent)]
    Config(#[from] crate::ConfigError),
    /// A part that cannot work, found when it was built.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The data.
    #[error(transparent)]
    Data(#[from] fl_data::Error),
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
    /// x*, which was to be measured against.
    #[error(transparent)]
    Optimum(#[from] crate::NotFound),
    /// A file or folder.
    #[error("cannot {action} {}: {why}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// A folder that holds something else.
    #[error(
        "{} holds results from another configuration: expected {expected}, found {found}; move it away, or choose \
         another folder with --out", path.display()
    )]
    OtherConfiguration {
        /// The cell's folder.
        path: PathBuf,
        /// What this cell is.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// A results file that cannot be read.
    #[error("{} is damaged: {reason}; delete its folder to run that cell again", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A results file of another version of this program.
    #[error(
        "{} was written by {} version (schema {found}; this one reads {expected}); move the folder away, or run with \
         --fresh to replace it", path.display(), if found < expected { "an older" } else { "a newer" }
    )]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u32,
        /// What this version writes.
        expected: u32,
    },
    /// More rounds have been done than are asked for.
    #[error(
        "{} has gone on to round {done}, beyond the {asked} rounds that are asked for, and cannot go back; ask for at \
         least {done}, choose another folder with --out, or run with --fresh to start it over", path.display()
    )]
    Further {
        /// The cell's folder.
        path: PathBuf,
        /// The rounds that were done.
        done: u64,
        /// Those asked for.
        asked: u64,
    },
    /// Somebody removed or replaced a cell's folder while it ran.
    #[error("the folder {} was removed while its cell was running; run it again to start it over", path.display())]
    Gone {
        /// The folder.
        path: PathBuf,
    },
    /// The user asked to stop.
    #[error("stopped on request in round {round}")]
    Stopped {
        /// The round.
        round: u64,
    },
}

impl SimError {
    /// Attaches what was attempted on which path.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |why| SimError::Io { action, path, why }
    }

    /// Whether this is a result of the experiment, not a failure of the laboratory.
    pub fn is_divergence(&self) -> bool {
        matches!(self, SimError::Diverged { .. } | SimError::ParametersDiverged { .. })
    }
}
