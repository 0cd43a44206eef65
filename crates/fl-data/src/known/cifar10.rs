//! CIFAR-10: 60 000 photographs of 32×32 pixels in three colours and ten classes, from the published archive of binary files.
//!
//! Labels 0 … 9 are airplane, automobile, bird, cat, deer, dog, frog, horse, ship and truck. Pixels are scaled by 1/255. A row of
//! the data set is the red plane, the green one and the blue one. The fifth batch and those before it train, in their order.
//!
//! A. Krizhevsky, *Learning multiple layers of features from tiny images*, 2009.

use super::content::read_verified;
use super::{Format, KnownError, KnownSet};
use crate::format::FileError;
use crate::shape::{Loaded, Numbers, Scale, Shaper, Split};
use fl_core::data::Layout;
use flate2::read::GzDecoder;
use std::io::{self, Read};
use std::path::Path;

/// Pixels of a side.
const SIDE: usize = 32;

/// Numbers of a picture.
const COLUMNS: usize = 3 * SIDE * SIDE;

/// The members of the archive, the test part last.
const FILES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

pub(super) fn load(
    set: &KnownSet,
    path: &Path,
    scale: Option<Scale>,
) -> Result<Loaded, KnownError> {
    let archive = read_verified(set, &set.files[0], path)?;
    let files = members(&archive).map_err(FileError::io("read", path))?;
    drop(archive);
    let layout = Layout::Image { height: SIDE, width: SIDE };
    let mut shaper = Shaper::new(scale, COLUMNS, Format::Cifar10.classes(), layout);
    let mut part = |names: &[&str], files: &[Vec<u8>]| {
        let (mut labels, mut pixels) = (Vec::new(), Vec::new());
        for (name, file) in names.iter().zip(files) {
            if file.is_empty() || file.len() % (1 + COLUMNS) != 0 {
                let expected = format!("rows of {} bytes in {name}", 1 + COLUMNS);
                let found = format!("{} bytes", file.len());
                return Err(FileError::Table { path: path.into(), expected, found }.into());
            }
            pixels.reserve(file.len());
            for row in file.chunks_exact(1 + COLUMNS) {
                labels.push(u32::from(row[0]));
                pixels.extend_from_slice(&row[1..]);
            }
        }
        shaper
            .part(Numbers::Bytes { values: &pixels, unit: 1.0 / 255.0 }, labels)
            .map_err(|why| KnownError::Dataset { path: path.into(), why })
    };
    let (train, test) = (part(&FILES[..5], &files[..5])?, part(&FILES[5..], &files[5..])?);
    Ok(Loaded {
        name: set.name.clone(),
        split: Split { train, validation: None, test },
        classes: set.class_names(),
        picture: Some((SIDE, SIDE)),
        checksums: vec![set.files[0].checksum()],
        groups: None,
        places: None,
        notes: Vec::new(),
    })
}

/// The archive's members in the order of [`FILES`], whatever their folder; empty where one is missing.
fn members(archive: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let mut files = vec![Vec::new(); FILES.len()];
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = path.rsplit('/').next().unwrap_or_default();
        if let Some(at) = FILES.iter().position(|file| *file == name) {
            entry.read_to_end(&mut files[at])?;
        }
    }
    Ok(files)
}
