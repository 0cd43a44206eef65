//! Why a set could not be fetched.

use super::options::Route;
use crate::format::FileError;
use crate::known::{ContentError, KnownError};
use std::fmt;

/// Why a set could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// What is here already is not the set.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// The cache cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Every way to fetch the set failed.
    #[error(
        "data set {set} could not be fetched{}\nto do it by hand, {by_hand}",
        attempts.iter().map(|a| format!("\n  {a}")).collect::<String>()
    )]
    Failed {
        /// The set.
        set: String,
        /// What was tried, each with its own reason.
        attempts: Vec<Attempt>,
        /// Files, lengths, digests and the folder to put them in.
        by_hand: String,
    },
}

/// A source that did not give what was asked of it.
#[derive(Debug)]
pub struct Attempt {
    /// Its kind.
    pub route: Route,
    /// The address, command or path.
    pub source: String,
    /// Why not.
    pub why: RouteError,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.why)
    }
}

/// Why a source failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// It needs a network.
    #[error("not tried, because only sources without a network were allowed")]
    Offline,
    /// The set has no such source.
    #[error("there is no such source for this set")]
    NoSource,
    /// No answer.
    #[error("no answer: {why}")]
    Unreachable {
        /// What failed.
        why: String,
    },
    /// An answer without the file.
    #[error("expected http status 200, found {found}")]
    Status {
        /// The status.
        found: String,
    },
    /// Bytes, but not the published ones.
    #[error("{0}")]
    Content(ContentError),
    /// A download that ended before its end.
    #[error("broke off after {after} of {} bytes: {why}", total.map_or("unknown many".into(), |n| n.to_string()))]
    BrokeOff {
        /// Bytes that have arrived, as they are sent.
        after: u64,
        /// Bytes of the whole, if the source told.
        total: Option<u64>,
        /// What failed.
        why: String,
    },
    /// The package client is not there.
    #[error("{client} is not installed, or not on the path")]
    NoClient {
        /// The program.
        client: String,
    },
    /// The package client failed.
    #[error("{client} failed ({status}): {said}")]
    Client {
        /// The program.
        client: String,
        /// How it ended.
        status: String,
        /// The beginning of what it said.
        said: String,
    },
    /// The package or the folder has not the file.
    #[error("{file} is not there")]
    Absent {
        /// What was looked for.
        file: String,
    },
}
