//! A set in memory.

use crate::format::text::{Labels, Note};
use crate::format::{Checksum, sha256};
use fl_core::Dataset;
use std::fmt;
use std::path::PathBuf;

/// A set's parts.
#[derive(Clone, Debug)]
pub struct Split {
    /// What workers learn from.
    pub train: Dataset,
    /// What settings may be tuned on, in sets that have such a part of their own.
    pub validation: Option<Dataset>,
    /// What accuracy is measured on.
    pub test: Dataset,
}

/// A set with what a run's record says about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The set's name.
    pub name: String,
    /// The data.
    pub split: Split,
    /// The labels as the files name them: class `c` is called `classes[c]`. With real targets one name for all rows.
    pub classes: Vec<String>,
    /// The group that each training row belongs to, where the files say so.
    pub groups: Option<Labels>,
    /// Where each training row is in its file, from 0, where that is not its place among the training rows.
    pub places: Option<Vec<u32>>,
    /// Height and width, where rows are pictures.
    pub picture: Option<(usize, usize)>,
    /// What was actually read, file by file.
    pub checksums: Vec<Checksum>,
    /// How files of one's own were understood.
    pub notes: Vec<FileNote>,
}

/// Something to be known about how a file was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNote {
    /// The file.
    pub path: PathBuf,
    /// What.
    pub note: Note,
}

impl fmt::Display for FileNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.note.text)
    }
}

impl Loaded {
    /// Whether rows have real targets instead of classes.
    pub fn has_targets(&self) -> bool {
        self.split.train.targets().is_some()
    }

    /// One SHA-256 for the whole set, in hexadecimal: that of the lines `DIGEST  NAME` of its plain files in order,
    /// so that `sha256sum NAME… | sha256sum` gives it too.
    pub fn digest(&self) -> String {
        let lines: String =
            self.checksums.iter().map(|c| format!("{}  {}\n", c.sha256, c.file)).collect();
        sha256(lines.as_bytes())
    }
}

/// Which rows are for testing where a set has no split: of each class, in file order, every so-manieth.
pub(crate) fn every(labels: &[u32], classes: usize, every: usize) -> Vec<bool> {
    let mut seen = vec![0usize; classes];
    let is_for_testing = |&class: &u32| {
        let seen = &mut seen[class as usize];
        *seen += 1;
        seen.is_multiple_of(every)
    };
    labels.iter().map(is_for_testing).collect()
}
