//! Where the files of a set are.

use super::content::check;
use super::{KnownError, KnownFile, KnownSet, sets};
use crate::format::FileError;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Folders in which sets are looked for. The caller names them: this crate reads no environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations {
    /// Searched first, in this order; never written to. The files of a set are in its subfolder (`mnist/`) or in the
    /// folder itself.
    pub read_only: Vec<PathBuf>,
    /// Searched last, in the set's subfolder; fetched files go there.
    pub cache: PathBuf,
}

impl Locations {
    /// The folder that fetched files of a set go to.
    pub fn home(&self, set: &KnownSet) -> PathBuf {
        self.cache.join(&set.home)
    }

    /// Every folder that may hold the set, in the order of search.
    pub fn folders(&self, set: &KnownSet) -> Vec<PathBuf> {
        let read_only = self.read_only.iter().flat_map(|f| [f.join(&set.home), f.clone()]);
        read_only.chain([self.home(set)]).collect()
    }
}

/// Where a set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// Inside this crate.
    Embedded,
    /// In files.
    Files {
        /// The folder.
        folder: PathBuf,
        /// One path for each of the set's files, in their order, each `NAME` or `NAME.gz`.
        paths: Vec<PathBuf>,
    },
}

/// `NAME` or else `NAME.gz` in a folder; an archive by its name alone.
pub(crate) fn present(folder: &Path, file: &KnownFile) -> Option<PathBuf> {
    let gzip = (!file.packed).then(|| folder.join(format!("{}.gz", file.name)));
    [Some(folder.join(&file.name)), gzip].into_iter().flatten().find(|path| path.is_file())
}

/// Finds a folder that holds all files of a set; does not read them.
///
/// # Errors
/// [`KnownError::Missing`], with the files, their lengths and digests, and where to put them.
pub fn locate(set: &KnownSet, locations: &Locations) -> Result<Located, KnownError> {
    if set.is_embedded() {
        return Ok(Located::Embedded);
    }
    let mut looked = Vec::new();
    for folder in locations.folders(set) {
        let found: Vec<_> = set.files.iter().map(|f| present(&folder, f)).collect();
        let lacking: Vec<_> = set
            .files
            .iter()
            .zip(&found)
            .filter(|(_, path)| path.is_none())
            .map(|(f, _)| f.name.as_str())
            .collect();
        if lacking.is_empty() {
            return Ok(Located::Files { folder, paths: found.into_iter().flatten().collect() });
        }
        looked.push(if lacking.len() == found.len() {
            folder.display().to_string()
        } else {
            format!("{} (lacks {})", folder.display(), lacking.join(", "))
        });
    }
    let by_hand = set.by_hand(&locations.home(set));
    Err(KnownError::Missing { set: set.name.clone(), looked, by_hand })
}

/// Finds a set and compares the length and SHA-256 of all its files, unpacked, with the published ones.
///
/// Cost: reads every file once, in constant memory.
///
/// # Errors
/// [`KnownError::Missing`], or [`KnownError::Content`] at the first file that differs.
pub fn verify(set: &KnownSet, locations: &Locations) -> Result<Located, KnownError> {
    let located = locate(set, locations)?;
    if let Located::Files { paths, .. } = &located {
        for (file, path) in set.files.iter().zip(paths) {
            check_file(set, file, path)?;
        }
    }
    Ok(located)
}

pub(crate) fn check_file(set: &KnownSet, file: &KnownFile, path: &Path) -> Result<(), KnownError> {
    let opened = File::open(path).map_err(FileError::io("read", path))?;
    check(opened, file, |_| Ok(())).map_err(|why| KnownError::Content {
        set: set.name.clone(),
        path: path.into(),
        why,
    })
}

/// A line of [`list`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The set.
    pub set: &'static KnownSet,
    /// Whether it is here.
    pub state: State,
}

/// Whether a set is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All files are there. [`verify`] says whether they are the published ones.
    Here(Located),
    /// Something is missing.
    Missing {
        /// Bytes on disk after fetching.
        bytes: u64,
    },
}

/// Every known set and whether it is here; reads no file.
pub fn list(locations: &Locations) -> Vec<Listed> {
    sets()
        .iter()
        .map(|set| {
            let state = match locate(set, locations) {
                Ok(located) => State::Here(located),
                Err(_) => State::Missing { bytes: set.bytes() },
            };
            Listed { set, state }
        })
        .collect()
}
