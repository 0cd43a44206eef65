//! MNIST from a folder: 60 000 training and 10 000 test pictures of 28×28 pixels, ten classes, pixels scaled by 1/255.
//!
//! [`load`](crate::load()) with the name `mnist` finds the folder; these functions are for one that you name. Peak
//! memory is the training pictures' 47 MB and the data set's 19 MB, and the 10 MB of a gzip file while it is unpacked.
//!
//! Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
//! Proceedings of the IEEE 86(11), 1998.

use super::load::load_idx;
use super::locate::present;
use super::{KnownError, find};
use crate::shape::Loaded;
use std::path::{Path, PathBuf};

/// Reads the four files, plain or `.gz`, and refuses them unless they are the published ones.
///
/// # Errors
/// When a file is missing, is not IDX, or differs from the published one in length or SHA-256.
pub fn load(folder: &Path) -> Result<Loaded, KnownError> {
    load_idx(find("mnist")?, &paths(folder)?, true, None)
}

/// As [`load`], but takes any four IDX files of those names with labels 0 to 9: a part of MNIST, say, or another set.
/// Nobody then knows what they are; [`Loaded::digest`] tells them apart.
///
/// # Errors
/// When a file is missing or not IDX, or when images and labels disagree.
pub fn load_unverified(folder: &Path) -> Result<Loaded, KnownError> {
    load_idx(find("mnist")?, &paths(folder)?, false, None)
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, KnownError> {
    let set = find("mnist")?;
    let paths: Vec<_> = set.files.iter().map_while(|f| present(folder, f)).collect();
    if paths.len() < set.files.len() {
        let lacking = &set.files[paths.len()].name;
        return Err(KnownError::Missing {
            set: set.name.clone(),
            looked: vec![format!("{} (lacks {lacking})", folder.display())],
            by_hand: set.by_hand(folder),
        });
    }
    Ok(paths)
}
