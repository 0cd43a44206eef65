//! What may go wrong with files of updates.

use fl_core::{AggregateError, SpecError};
use std::fmt;
use std::path::Path;

/// Most problems that are told one by one.
const TOLD: usize = 40;

/// A fault of one file, found before a number was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file or folder.
    pub path: String,
    /// What is wrong with it, and what was expected.
    pub what: String,
}

impl Problem {
    pub(crate) fn new(path: &Path, what: impl fmt::Display) -> Self {
        Self { path: path.display().to_string(), what: what.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Why updates were not aggregated. Nothing is written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdatesError {
    /// Files that cannot be read or do not fit together: all of them at once.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    /// A file failed while numbers were read or written.
    #[error("{0}; nothing was written")]
    File(String),
    /// A choice that cannot work.
    #[error("{0}")]
    Choice(String),
    /// A rule that cannot work with so many clients.
    #[error("{0}")]
    Spec(#[from] SpecError),
    /// What the rule says about the messages.
    #[error("{0}; nothing was written")]
    Aggregate(AggregateError),
    /// Somebody asked for an end.
    #[error("stopped before the end; nothing was written")]
    Stopped,
}

fn lines(problems: &[Problem]) -> String {
    let mut lines: Vec<String> = problems.iter().take(TOLD).map(ToString::to_string).collect();
    if problems.len() > TOLD {
        lines.push(format!("and {} problems more", problems.len() - TOLD));
    }
    lines.join("\n")
}

impl From<Problem> for UpdatesError {
    fn from(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }
}
