//! Why a known set cannot be had.

use super::ContentError;
use crate::format::FileError;
use fl_core::data::DatasetError;
use std::path::PathBuf;

/// Why a known set cannot be found, checked or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownError {
    /// No set has that name.
    #[error(
        "no data set {name:?}{}; known sets: {}",
        nearest.as_ref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default(),
        known.join(", ")
    )]
    UnknownSet {
        /// The name asked for.
        name: String,
        /// A name that looks like it.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// The files of a set are nowhere.
    #[error("data set {set} is not on this machine; looked in {}\n{by_hand}", looked.join(", "))]
    Missing {
        /// The set.
        set: String,
        /// The folders searched, each with what it lacks if it has a part.
        looked: Vec<String>,
        /// Files, lengths, digests and the folder to put them in.
        by_hand: String,
    },
    /// A file is not the published one.
    #[error("{} is not the published file: {why}", path.display())]
    Content {
        /// The set that the file should belong to.
        set: String,
        /// The file.
        path: PathBuf,
        /// What differs.
        why: ContentError,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Labels do not belong to the images.
    #[error(
        "{} holds {images} images and {} holds {labels} labels; both must be as many",
        images_path.display(), labels_path.display()
    )]
    Counts {
        /// The file of images.
        images_path: PathBuf,
        /// Images in it.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// Labels in it.
        labels: usize,
    },
    /// Test images have another size than training images.
    #[error("{} holds images of {}×{} pixels, the training images have {}×{}", path.display(), found.0, found.1, expected.0, expected.1)]
    Pixels {
        /// The file of test images.
        path: PathBuf,
        /// Height and width of the training images.
        expected: (usize, usize),
        /// Height and width found.
        found: (usize, usize),
    },
    /// The numbers do not make a data set.
    #[error("{}: {why}", path.display())]
    Dataset {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: DatasetError,
    },
    /// The set's description cannot be read as what was asked.
    #[error("data set {set} is not made of four IDX files")]
    NotIdx {
        /// The set.
        set: String,
    },
}
