//! COVTYPE: 581 012 patches of forest, 54 features, seven types of cover.
//!
//! Ten features are measured (elevation, slope, distances, shade), 44 say which of four wilderness areas and forty types of
//! soil a patch belongs to. Labels 1 … 7 become 0 … 6.
//!
//! The split is UCI's: the first 11 340 rows train (1 620 of each class), the next 3 780 are for tuning (540 of each), the
//! other 565 892 test, in which the classes are far from even.
//!
//! J. A. Blackard, D. J. Dean, "Comparative accuracies of artificial neural networks and discriminant analysis in predicting
//! forest cover types from cartographic variables", Computers and Electronics in Agriculture 24(3), 1999. UCI, CC BY 4.0.

use super::content::verify_bytes;
use super::{Format, KnownError, KnownSet, Located, Locations, find, locate, table};
use crate::format::csv::{self, CsvOptions};
use crate::format::text::Table;
use crate::format::{FileError, Plain, matrix};
use crate::shape::{Answers, Loaded, Scale, Shaper, Split, packed};
use fl_core::data::Layout;
use std::path::{Path, PathBuf};

/// Number of features.
pub const COLUMNS: usize = 54;

/// Number of classes.
pub const CLASSES: usize = Format::Covtype.classes();

/// Rows to train on: the first ones.
pub const TRAIN: usize = 11_340;

/// Rows for tuning: those after the training rows.
pub const VALIDATION: usize = 3_780;

/// The converted file, keyed by what it was made of; `None` where the caller names no cache.
pub(crate) fn converted(set: &KnownSet, locations: &Locations) -> Option<PathBuf> {
    let cache = !locations.cache.as_os_str().is_empty();
    let digest = set.files.first()?.sha256.get(..16)?;
    cache.then(|| locations.home(set).join(format!("covtype-{digest}.matrix")))
}

/// All rows in file order with their raw values and the labels 1 … 7.
///
/// They are read from the converted file in the cache folder if there is one; otherwise from the text, which is then
/// checked, and kept converted unless [`Locations::cache`] is empty or cannot be written.
///
/// # Errors
/// When the file is missing or not the published one.
pub fn table(locations: &Locations) -> Result<Table, KnownError> {
    let set = find("covtype")?;
    match locate(set, locations)? {
        Located::Files { paths, .. } => rows(set, &paths[0], locations),
        // It is not, and the compiler cannot know.
        Located::Embedded => unreachable!("covtype is in files"),
    }
}

fn rows(set: &KnownSet, path: &Path, locations: &Locations) -> Result<Table, KnownError> {
    let converted = converted(set, locations);
    if let Some(table) = converted.as_deref().and_then(matrix::read)
        && fits(&table)
    {
        return Ok(table);
    }
    let plain = Plain::read(path, false)?;
    let (right, table) = rayon::join(
        || verify_bytes(&plain.bytes, set, &set.files[0], path),
        || parse(&plain.bytes, path),
    );
    right?;
    drop(plain);
    let table = table?;
    if let Some(converted) = converted {
        // Without it the text is read again next time: a full disk or a read-only cache is no reason to fail.
        let _ = matrix::write(&converted, &table);
    }
    Ok(table)
}

fn parse(text: &[u8], path: &Path) -> Result<Table, KnownError> {
    let options = CsvOptions { header: Some(false), ..CsvOptions::default() };
    let table =
        csv::parse(text, &options).map_err(|why| FileError::Text { path: path.into(), why })?;
    let (rows, classes) = (table.labels.index.len(), table.labels.names.len());
    if fits(&table) {
        return Ok(table);
    }
    Err(FileError::Table {
        path: path.into(),
        expected: format!(
            "{COLUMNS} features, {CLASSES} classes and more than {} rows",
            TRAIN + VALIDATION
        ),
        found: format!("{}, {classes} and {rows}", table.columns),
    }
    .into())
}

fn fits(table: &Table) -> bool {
    table.columns == COLUMNS
        && table.labels.names.len() == CLASSES
        && table.labels.index.len() > TRAIN + VALIDATION
}

/// Splits and scales: UCI's split, or for a set with a label map every fifth row of each class for testing, since the classes
/// of UCI's first rows are as many as each other in seven classes only.
pub(crate) fn load(
    set: &KnownSet,
    path: &Path,
    scale: Option<Scale>,
    locations: &Locations,
) -> Result<Loaded, KnownError> {
    let all = rows(set, path, locations)?;
    if !set.map.is_empty() {
        return table::split(set, path, all, scale);
    }
    let Table { mut values, labels, .. } = all;
    let scale = scale.unwrap_or(Scale::Standardise);
    if let Some(scaling) = scale.fit(&values[..TRAIN * COLUMNS], COLUMNS) {
        scaling.apply(&mut values);
    }
    let (train, rest) = values.split_at(TRAIN * COLUMNS);
    let (validation, test) = rest.split_at(VALIDATION * COLUMNS);
    let (train_labels, rest) = labels.index.split_at(TRAIN);
    let (validation_labels, test_labels) = rest.split_at(VALIDATION);
    let mut shaper =
        Shaper::new(None, COLUMNS, CLASSES, Layout::Flat).answering(Answers::of(&labels.names));
    // Labels are 1 … 7, and stand for these numbers.
    let mut part = |values: &[f32], labels: &[u32]| {
        let part = shaper.part_of(packed(values), labels.to_vec(), None);
        part.map_err(|why| KnownError::Dataset { path: path.into(), why })
    };
    Ok(Loaded {
        name: set.name.clone(),
        split: Split {
            train: part(train, train_labels)?,
            validation: Some(part(validation, validation_labels)?),
            test: part(test, test_labels)?,
        },
        classes: labels.names,
        picture: None,
        checksums: vec![set.files[0].checksum()],
        groups: None,
        places: None,
        notes: Vec::new(),
    })
}
