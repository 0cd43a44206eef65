//! What is told on the way.

use super::error::Attempt;
use std::time::Duration;

/// What is happening, for a display.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process is fetching the same set; its end is awaited.
    Waiting,
    /// A source is asked: an address, a command or a path.
    Trying {
        /// What is asked.
        source: &'a str,
    },
    /// A download broke off, or the mirror is busy; it is asked again after a wait.
    Again {
        /// What broke off, and why.
        attempt: &'a Attempt,
        /// How long is waited.
        wait: Duration,
    },
    /// Bytes of a file have arrived, counted as the source sends them: packed, from most mirrors.
    Bytes {
        /// The file's name.
        file: &'a str,
        /// Bytes so far.
        done: u64,
        /// Bytes of the whole file, as far as the source tells.
        total: u64,
    },
    /// A file is complete, checked, and in its place.
    Stored {
        /// The file's name.
        file: &'a str,
    },
    /// A source failed; the next one is tried.
    Failed {
        /// What failed, and why.
        attempt: &'a Attempt,
    },
}
