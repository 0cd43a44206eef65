//! Tables without a split of their own: of each class every fifth row, in file order, is for testing.

use super::content::verify_bytes;
use super::{Format, KnownError, KnownSet};
use crate::format::csv::{self, CsvOptions};
use crate::format::text::Table;
use crate::format::{FileError, Plain};
use crate::shape::{Answers, Loaded, Scale, Shaper, Split, every, packed};
use fl_core::data::Layout;
use std::path::Path;

/// Of each class, one row in so many is for testing.
const TEST_EVERY: usize = 5;

pub(super) fn load(
    set: &KnownSet,
    path: &Path,
    scale: Option<Scale>,
) -> Result<Loaded, KnownError> {
    let plain = Plain::read(path, false)?;
    verify_bytes(&plain.bytes, set, &set.files[0], path)?;
    let options = CsvOptions { header: Some(false), ..CsvOptions::default() };
    let table = csv::parse(&plain.bytes, &options)
        .map_err(|why| FileError::Text { path: path.into(), why })?;
    let Format::Table { columns, classes } = set.format else {
        return Err(KnownError::NotIdx { set: set.name.clone() });
    };
    if (table.columns, &table.labels.names[..]) != (columns, &set.class_names()[..]) {
        let expected = format!("{columns} features and the labels {}", classes.join(", "));
        let found = format!("{} and {}", table.columns, table.labels.names.join(", "));
        return Err(FileError::Table { path: path.into(), expected, found }.into());
    }
    split(set, path, table, scale)
}

/// Maps labels, splits and scales.
pub(super) fn split(
    set: &KnownSet,
    path: &Path,
    table: Table,
    scale: Option<Scale>,
) -> Result<Loaded, KnownError> {
    let Table { columns, mut values, labels, .. } = table;
    let names = set.class_names();
    let labels: Vec<u32> = match &set.map[..] {
        [] => labels.index,
        map => labels.index.iter().map(|&class| map[class as usize]).collect(),
    };
    let out = every(&labels, names.len(), TEST_EVERY);
    let mut parts = [(Vec::new(), Vec::new(), Vec::new()), (Vec::new(), Vec::new(), Vec::new())];
    for (row, (&label, &out)) in labels.iter().zip(&out).enumerate() {
        let (features, labels, places) = &mut parts[usize::from(out)];
        features.extend_from_slice(&values[row * columns..][..columns]);
        labels.push(label);
        places.push(row as u32);
    }
    values.clear();
    values.shrink_to_fit();
    let scale = Some(scale.unwrap_or(Scale::Standardise));
    let mut shaper =
        Shaper::new(scale, columns, names.len(), Layout::Flat).answering(Answers::of(&names));
    let [train, test] = parts;
    let mut part = |features: &[f32], labels| {
        let part = shaper.part_of(packed(features), labels, None);
        part.map_err(|why| KnownError::Dataset { path: path.into(), why })
    };
    Ok(Loaded {
        name: set.name.clone(),
        split: Split {
            train: part(&train.0, train.1)?,
            validation: None,
            test: part(&test.0, test.1)?,
        },
        classes: names,
        picture: None,
        checksums: vec![set.files[0].checksum()],
        groups: None,
        places: Some(train.2),
        notes: Vec::new(),
    })
}
