//! Why data cannot be loaded.

use crate::format::FileError;
use crate::known::KnownError;
use fl_core::data::DatasetError;
use std::path::{Path, PathBuf};

/// Why data cannot be loaded: a known set, or files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A known set cannot be had.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Features and labels are not as many.
    #[error(
        "{} holds {rows} rows and {} holds {labels} labels; both must be as many",
        path.display(), labels_path.display()
    )]
    Counts {
        /// The file of features.
        path: PathBuf,
        /// Rows in it.
        rows: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// Labels in it.
        labels: usize,
    },
    /// The numbers do not make a data set.
    #[error("{}: {why}", path.display())]
    Dataset {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: DatasetError,
    },
}

/// For what a file holds, or two files together, that does not make the set that was asked for.
pub(super) fn refused(path: &Path, expected: String, found: String) -> Error {
    FileError::Table { path: path.into(), expected, found }.into()
}

impl Error {
    /// Whether a known set is not on this machine, so that fetching it would help.
    pub fn is_missing(&self) -> bool {
        matches!(self, Error::Known(KnownError::Missing { .. }))
    }
}
