//! EMNIST: handwritten digits and letters of NIST's Special Database 19 in MNIST's format, from the published archive.
//!
//! Its pictures lie on their sides, and are set upright. Labels are those of the files: 0 … 46 of `balanced` (the ten digits, the
//! capitals A … Z, then a, b, d, e, f, g, h, n, q, r and t), 1 … 26 of `letters`, 0 … 9 of `digits`.
//!
//! The archive is read whole and compared with its published digest each time: 0.6 GB of memory while it is read.
//!
//! G. Cohen, S. Afshar, J. Tapson, A. van Schaik, *EMNIST: an extension of MNIST to handwritten letters*, 2017.

use super::content::read_verified;
use super::pairs::{Labels, pairs};
use super::{Format, KnownError, KnownSet};

use crate::format::{FileError, gunzip, zip};
use crate::shape::{Loaded, Scale};
use std::path::{Path, PathBuf};

/// The four files of a part, in MNIST's order.
const FILES: [&str; 4] =
    ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"];

pub(super) fn load(
    set: &KnownSet,
    part: &str,
    path: &Path,
    scale: Option<Scale>,
) -> Result<Loaded, KnownError> {
    let Format::Emnist { classes, first, .. } = set.format else {
        return Err(KnownError::NotIdx { set: set.name.clone() });
    };
    let archive = read_verified(set, &set.files[0], path)?;
    let (split, sides) = pairs(Labels { first, classes }, true, scale, |i| {
        let name = format!("gzip/emnist-{part}-{}-ubyte.gz", FILES[i]);
        let packed = zip::member(&archive, &name)
            .and_then(|member| member.unpack().map(|bytes| bytes.into_owned()))
            .map_err(|why| FileError::Zip { path: path.into(), why })?;
        let inside = PathBuf::from(format!("{}, {name}", path.display()));
        let bytes = gunzip(&packed).map_err(|why| FileError::Gzip { path: inside.clone(), why })?;
        Ok((bytes, inside))
    })?;
    Ok(Loaded {
        name: set.name.clone(),
        split,
        classes: set.class_names(),
        picture: Some(sides),
        checksums: vec![set.files[0].checksum()],
        groups: None,
        places: None,
        notes: Vec::new(),
    })
}
