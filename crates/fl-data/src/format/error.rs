//! Why a file cannot be read.

use super::gzip::GzipError;
use super::idx::IdxError;
use super::npy::NpyError;
use super::text::TextError;
use super::zip::ZipError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file cannot be read as what it should be.
///
/// The text of each is complete: where, expected, found. Causes are part of it, not chained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system refused.
    #[error("cannot {doing} {}: {why}", path.display())]
    Io {
        /// `read`, `write`, `create`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// A gzip file cannot be unpacked.
    #[error("{}: {why}", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What is wrong, and at which byte.
        why: GzipError,
    },
    /// A file is packed in a way that is not read.
    #[error("{}: the file is packed by {format}, which is not read; unpack it with `{command}`", path.display())]
    Packed {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What unpacks it.
        command: &'static str,
    },
    /// A file is not IDX.
    #[error("{}: {why}", path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong, and at which byte.
        why: IdxError,
    },
    /// A text is not a table of numbers with labels.
    #[error("{}: {why}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        why: TextError,
    },
    /// A file is not a NumPy array of numbers.
    #[error("{}: {why}", path.display())]
    Npy {
        /// The file.
        path: PathBuf,
        /// What is wrong, and at which byte.
        why: NpyError,
    },
    /// What a file holds, or two files together, does not make the set that was asked for.
    #[error("{}: expected {expected}, found {found}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What would do.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A file is not an archive, or lacks something.
    #[error("{}: {why}", path.display())]
    Zip {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ZipError,
    },
}

impl FileError {
    /// For `map_err`: what the operating system refused.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |why| FileError::Io { doing, path, why }
    }
}
