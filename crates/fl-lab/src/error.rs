//! What can go wrong in the laboratory.

use crate::file::ConfigError;
use fl_core::SpecError;
use fl_sim::{NotFound, SimError};
use std::path::PathBuf;

/// Why a run stopped or did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The experiment file, or something in it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A part that cannot work, found when it was built.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The data.
    #[error(transparent)]
    Data(#[from] fl_data::Error),
    /// The federation stopped: it diverged, or a round could not be aggregated.
    #[error(transparent)]
    Sim(SimError),
    /// x*, which was to be measured against.
    #[error(transparent)]
    Optimum(#[from] NotFound),
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
         another folder", path.display()
    )]
    OtherConfiguration {
        /// The cell's folder.
        path: PathBuf,
        /// What this cell is.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// A folder without what is looked for.
    #[error(
        "{} holds no runs; expected the folder of one experiment, as `fl-cli run` and Python's Federation leave it, with folders \
         METHOD~ATTACK~seedK~HASH in it", path.display()
    )]
    NoRuns {
        /// The folder.
        path: PathBuf,
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
        "{} was written by {} version (schema {found}; this one reads {expected}); move the folder away, or start the \
         cell over", path.display(), if found < expected { "an older" } else { "a newer" }
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
         least {done}, choose another folder, or start the cell over", path.display()
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

impl LabError {
    /// Attaches what was attempted on which path.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |why| LabError::Io { action, path, why }
    }

    /// Whether this is a result of the experiment, not a failure of the laboratory.
    pub fn is_divergence(&self) -> bool {
        matches!(self, LabError::Sim(error) if error.is_divergence())
    }
}

/// What an observer of a simulation failed with is what it was.
impl From<SimError> for LabError {
    fn from(error: SimError) -> Self {
        match error {
            SimError::Spec(error) => LabError::Spec(error),
            SimError::Interrupted { round } => LabError::Stopped { round },
            SimError::Observer(own) => match own.downcast::<LabError>() {
                Ok(own) => *own,
                Err(other) => LabError::Sim(SimError::Observer(other)),
            },
            error => LabError::Sim(error),
        }
    }
}

/// What a simulation is told by its observer.
impl From<LabError> for SimError {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Sim(error) => error,
            other => SimError::Observer(Box::new(other)),
        }
    }
}
