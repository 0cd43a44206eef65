//! Known bytes become a training part and a test part.

use super::content::verify_bytes;
use super::{
    Format, KnownError, KnownFile, KnownSet, Located, Locations, covtype, digits, find, locate,
};
use crate::format::{Checksum, FileError, Plain, idx, sha256};
use crate::shape::{Loaded, Numbers, Scale, Shaper, Split};
use fl_core::Dataset;
use fl_core::data::Layout;
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
    match (set.format, locate(set, locations)?) {
        (Format::Idx { .. }, Located::Files { paths, .. }) => load_idx(set, &paths, true, scale),
        (Format::Covtype, Located::Files { paths, .. }) => {
            covtype::load(set, &paths[0], scale, locations)
        }
        _ => digits::load_scaled(scale)
            .map_err(|why| KnownError::Dataset { path: "digits".into(), why }),
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
    let mut checksums = Vec::new();
    let mut parts = Vec::new();
    let mut expected = None;
    let mut shaper = None;
    for (files, paths) in set.files.chunks(2).zip(paths.chunks(2)) {
        let [images_path, labels_path] = [0, 1].map(|i| paths[i].as_path());
        // Of all bytes, only one file's are held beside the data sets: the next is read when the last is compacted.
        let (bytes, labels_sum) = read(set, &files[1], labels_path, verified)?;
        let labels = idx::labels(&bytes, classes)
            .map_err(|why| FileError::Idx { path: labels_path.into(), why })?;
        let (bytes, images_sum) = read(set, &files[0], images_path, verified)?;
        let images =
            idx::images(&bytes).map_err(|why| FileError::Idx { path: images_path.into(), why })?;
        if images.count != labels.len() {
            return Err(KnownError::Counts {
                images_path: images_path.into(),
                images: images.count,
                labels_path: labels_path.into(),
                labels: labels.len(),
            });
        }
        let (height, width) = (images.height, images.width);
        let expected = *expected.get_or_insert((height, width));
        if expected != (height, width) {
            let path = images_path.into();
            return Err(KnownError::Pixels { path, expected, found: (height, width) });
        }
        let layout = Layout::Image { height, width };
        let part = shaper
            .get_or_insert_with(|| Shaper::new(scale, height * width, classes as usize, layout))
            .part(Numbers::Bytes { values: images.pixels, unit: 1.0 / 255.0 }, labels)
            .map_err(|why| KnownError::Dataset { path: images_path.into(), why })?;
        parts.push(part);
        checksums.extend([images_sum, labels_sum]);
    }
    let [train, test] = <[Dataset; 2]>::try_from(parts).expect("two pairs of files");
    Ok(Loaded {
        name: set.name.clone(),
        split: Split { train, validation: None, test },
        classes: (0..classes).map(|c| c.to_string()).collect(),
        picture: expected,
        checksums,
        groups: None,
        places: None,
        notes: Vec::new(),
    })
}

/// The plain bytes of an IDX file and their checksum, compared with the published one if asked.
fn read(
    set: &KnownSet,
    file: &KnownFile,
    path: &Path,
    verified: bool,
) -> Result<(Vec<u8>, Checksum), KnownError> {
    let plain = Plain::read(path, false)?;
    // That bytes are no IDX says more than that they are not the published ones.
    idx::parse(&plain.bytes).map_err(|why| FileError::Idx { path: path.into(), why })?;
    let bytes = &plain.bytes;
    let sha256 = if verified { verify_bytes(bytes, set, file, path)? } else { sha256(bytes) };
    Ok((plain.bytes, Checksum { file: file.name.clone(), sha256 }))
}
