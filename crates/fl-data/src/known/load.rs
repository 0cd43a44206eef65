//! Known bytes become a training part and a test part.

use super::content::{read_verified, verify_bytes};
use super::pairs::{Labels, pairs};
use super::{
    Format, KnownError, KnownFile, KnownSet, Located, Locations, cifar10, covtype, digits, emnist,
    find, locate, table,
};

use crate::format::{Checksum, FileError, Plain, gunzip, idx, sha256};
use crate::shape::{Loaded, Scale};
use std::path::{Path, PathBuf};

/// Finds, checks and loads a known set, scaled its own way.
///
/// # Errors
/// When the name is unknown, files are missing, or they are not the published ones.
pub fn load(name: &str, locations: &Locations) -> Result<Loaded, KnownError> {
    load_known(find(name)?, None, locations)
}

/// Finds, checks, loads and scales a set that is known by its description.
///
/// A set of text is kept converted in the cache folder, keyed by its digest, and read from there the next time; that file
/// may be deleted at any time. Nothing is written where [`Locations::cache`] is empty.
///
/// # Errors
/// When files are missing, or are not the published ones.
pub fn load_known(
    set: &KnownSet,
    scale: Option<Scale>,
    locations: &Locations,
) -> Result<Loaded, KnownError> {
    let Located::Files { paths, .. } = locate(set, locations)? else {
        let made = digits::load_scaled(scale);
        return made.map_err(|why| KnownError::Dataset { path: "digits".into(), why });
    };
    match set.format {
        Format::Covtype => covtype::load(set, &paths[0], scale, locations),
        Format::Emnist { part, .. } => emnist::load(set, part, &paths[0], scale),
        Format::Cifar10 => cifar10::load(set, &paths[0], scale),
        Format::Table { .. } => table::load(set, &paths[0], scale),
        Format::Idx { .. } | Format::Embedded => load_idx(set, &paths, true, scale),
    }
}

/// Loads a set of four IDX files; `paths` are in the order of the set's files.
pub(crate) fn load_idx(
    set: &KnownSet,
    paths: &[PathBuf],
    verified: bool,
    scale: Option<Scale>,
) -> Result<Loaded, KnownError> {
    let (Format::Idx { classes }, 4, 4) = (set.format, set.files.len(), paths.len()) else {
        return Err(KnownError::NotIdx { set: set.name.clone() });
    };
    let mut sums = [const { None }; 4];
    let labels = Labels { first: 0, classes };
    let (split, sides) = pairs(labels, false, scale, |i| {
        let (bytes, sum) = read(set, &set.files[i], &paths[i], verified)?;
        sums[i] = Some(sum);
        Ok((bytes, paths[i].clone()))
    })?;
    Ok(Loaded {
        name: set.name.clone(),
        split,
        classes: set.class_names(),
        picture: Some(sides),
        checksums: sums.into_iter().flatten().collect(),
        groups: None,
        places: None,
        notes: Vec::new(),
    })
}

/// The plain bytes of an IDX file and their checksum, or that of the file if it is known packed, compared with the published
/// one if asked.
fn read(
    set: &KnownSet,
    file: &KnownFile,
    path: &Path,
    verified: bool,
) -> Result<(Vec<u8>, Checksum), KnownError> {
    if file.packed && verified {
        let packed = read_verified(set, file, path)?;
        let bytes = gunzip(&packed).map_err(|why| FileError::Gzip { path: path.into(), why })?;
        return Ok((bytes, file.checksum()));
    }
    let plain = Plain::read(path, false)?;
    // That bytes are no IDX says more than that they are not the published ones.
    idx::parse(&plain.bytes).map_err(|why| FileError::Idx { path: path.into(), why })?;
    let bytes = &plain.bytes;
    let sha256 = if verified { verify_bytes(bytes, set, file, path)? } else { sha256(bytes) };
    Ok((plain.bytes, Checksum { file: file.name.clone(), sha256 }))
}
