//! Files of one's own, format by format.

use super::error::{Error, refused};
use super::files::{ArrayFiles, CsvFiles, LibsvmFiles, Missing, NpzFile};
use super::raw::{Raw, RawValues, expand};
use crate::format::text::{Labels, Note, Table, TextError};
use crate::format::{Checksum, FileError, Plain, csv, idx, libsvm, npy, zip};
use crate::shape::FileNote;
use std::path::{Path, PathBuf};

/// A training part and perhaps a test part.
pub(super) type Parts = (Raw, Option<Raw>);

/// A file's plain bytes, whose checksum is noted.
fn read(path: &Path, archive: bool, sums: &mut Vec<Checksum>) -> Result<Vec<u8>, Error> {
    let plain = Plain::read(path, archive)?;
    sums.push(plain.checksum(path));
    Ok(plain.bytes)
}

/// For `map_err`: a text of this file.
fn in_text(path: &Path) -> impl Fn(TextError) -> FileError {
    let path = path.to_path_buf();
    move |why| FileError::Text { path: path.clone(), why }
}

fn noted(notes: &mut Vec<FileNote>, path: &Path, own: Vec<Note>) {
    notes.extend(own.into_iter().map(|note| FileNote { path: path.into(), note }));
}

pub(super) fn read_csv(
    files: &CsvFiles,
    sums: &mut Vec<Checksum>,
    notes: &mut Vec<FileNote>,
) -> Result<Parts, Error> {
    let options = files.options();
    let text = read(&files.train, false, sums)?;
    let mut train = csv::parse(&text, &options).map_err(in_text(&files.train))?;
    drop(text);
    let mut test = None;
    if let Some(path) = &files.test {
        let text = read(path, false, sums)?;
        test = Some(csv::parse_like(&text, &options, &train).map_err(in_text(path))?);
    }
    let levels = std::mem::take(&mut train.levels);
    let mut finish = |mut table: Table, path: &Path| -> Result<Raw, Error> {
        if table.levels.is_empty() {
            table.levels.clone_from(&levels);
        }
        noted(notes, path, std::mem::take(&mut table.notes));
        let mut note = |count: usize, text: String| {
            if count > 0 {
                noted(notes, path, vec![Note { text, warning: true }]);
            }
        };
        if table.columns == levels.len() {
            let unknown = expand(&mut table, &levels).map_err(in_text(path))?;
            note(
                unknown,
                format!("{unknown} texts of categories are in no training row; they count as none"),
            );
        }
        let (all, mut raw) = (table.labels.index.len(), Raw::of(table));
        if files.missing == Some(Missing::SkipRow) {
            let skipped = raw.skip_missing();
            note(skipped, format!("{skipped} of {all} rows lack something and are left out"));
        }
        Ok(raw)
    };
    let train = finish(train, &files.train)?;
    let test = match (test, &files.test) {
        (Some(test), Some(path)) => Some(finish(test, path)?),
        _ => None,
    };
    Ok((train, test))
}

pub(super) fn read_libsvm(
    files: &LibsvmFiles,
    sums: &mut Vec<Checksum>,
    notes: &mut Vec<FileNote>,
) -> Result<Parts, Error> {
    let mut options = files.options();
    let text = read(&files.train, false, sums)?;
    let other = files.test.as_deref().map(|path| Ok::<_, Error>((path, read(path, false, sums)?)));
    let other = other.transpose()?;
    // What either part lacks, the other may have. A file that alone is too wide for its bytes is refused as such.
    if let (None, Some((path, other))) = (options.features, &other) {
        let own = libsvm::width(&text, &options).map_err(in_text(&files.train))?;
        let wider = libsvm::width(other, &options).map_err(in_text(path))?;
        if wider > own {
            libsvm::parse(other, &options).map_err(in_text(path))?;
            options.features = Some(wider);
            let text = format!("{wider} features, where the training rows have {own}");
            noted(notes, path, vec![Note { text, warning: false }]);
        }
    }
    let mut parse = |text: &[u8], path: &Path, options: &libsvm::LibsvmOptions| {
        let mut table = libsvm::parse(text, options).map_err(in_text(path))?;
        noted(notes, path, std::mem::take(&mut table.notes));
        Ok::<_, Error>(Raw::of(table))
    };
    let train = parse(&text, &files.train, &options)?;
    drop(text);
    options.features = Some(train.columns);
    let test = other.map(|(path, text)| parse(&text, path, &options)).transpose()?;
    Ok((train, test))
}

/// A training part and perhaps a test part, each of features and labels.
pub(super) fn read_pairs(
    files: &ArrayFiles,
    sums: &mut Vec<Checksum>,
    parse: impl for<'b> Fn(&'b [u8], &Path) -> Result<npy::Array<'b>, FileError>,
) -> Result<(Raw, Option<Raw>), Error> {
    let mut pair = |features: &Path, labels: &Path| {
        let (f, l) = (read(features, false, sums)?, read(labels, false, sums)?);
        let (x, y) = (parse(&f, features)?, parse(&l, labels)?);
        arrays(features, &x, labels, &y, files.targets)
    };
    let train = pair(&files.train, &files.train_labels)?;
    let test = match (&files.test, &files.test_labels) {
        (Some(features), Some(labels)) => Some(pair(features, labels)?),
        (None, None) => None,
        (Some(path), None) | (None, Some(path)) => {
            let expected = "both test and test-labels".into();
            return Err(refused(path, expected, "one of them".into()));
        }
    };
    Ok((train, test))
}

/// Reads the bytes of an IDX file.
pub(super) fn parse_idx<'b>(bytes: &'b [u8], path: &Path) -> Result<npy::Array<'b>, FileError> {
    idx::parse(bytes).map_err(|why| FileError::Idx { path: path.into(), why })
}

/// Reads the bytes of a NumPy file.
pub(super) fn parse_npy<'b>(bytes: &'b [u8], path: &Path) -> Result<npy::Array<'b>, FileError> {
    npy::parse(bytes).map_err(|why| FileError::Npy { path: path.into(), why })
}

fn arrays(
    path: &Path,
    features: &npy::Array<'_>,
    l_path: &Path,
    labels: &npy::Array<'_>,
    targets: bool,
) -> Result<Raw, Error> {
    if labels.columns() != 1 {
        let found = format!("an array of shape {:?}", labels.shape);
        return Err(refused(l_path, "one label a sample".into(), found));
    }
    counts(path, features.rows(), l_path, labels.rows())?;
    let numbers = labels.to_f64();
    if let Some(row) = numbers.iter().position(|n| !n.is_finite()) {
        let what = if targets { "target" } else { "label" };
        return Err(refused(l_path, format!("a {what} for row {row}"), numbers[row].to_string()));
    }
    let (labels, targets) = if targets {
        let labels = Labels { index: vec![0; numbers.len()], names: vec!["target".into()] };
        (Ok(labels), Some(numbers))
    } else {
        let labels = match labels.to_integers() {
            // Integers beyond 2⁵³ are no floats.
            Some(integers) => Labels::from_integers(integers.into_iter()),
            None => Labels::from_numbers(numbers.into_iter()),
        };
        (labels, None)
    };
    let labels = labels.map_err(|why| FileError::Text { path: l_path.into(), why })?;
    // Bytes with three axes are pictures, also with a last axis of one channel.
    let picture = match (features.shape.as_slice(), features.bytes()) {
        ([_, height, width] | [_, height, width, 1], Some(_)) => Some((*height, *width)),
        _ => None,
    };
    let values = match features.bytes() {
        Some(bytes) => {
            RawValues::Bytes(bytes.to_vec(), if picture.is_some() { 1.0 / 255.0 } else { 1.0 })
        }
        None => RawValues::Floats(features.to_f32()),
    };
    Ok(Raw {
        columns: features.columns(),
        values,
        labels,
        targets,
        groups: None,
        places: None,
        picture,
    })
}

pub(super) fn read_npz(
    file: &NpzFile,
    sums: &mut Vec<Checksum>,
) -> Result<(Raw, Option<Raw>), Error> {
    let bytes = read(&file.path, true, sums)?;
    let inside = |name: &str| PathBuf::from(format!("{}, {name}", file.path.display()));
    let zip_error = |why| FileError::Zip { path: file.path.clone(), why };
    let unpack = |name: &str| {
        zip::member(&bytes, &format!("{name}.npy")).and_then(|m| m.unpack()).map_err(zip_error)
    };
    let pair = |x: &str, y: &str| -> Result<Raw, Error> {
        let (features, labels) = (unpack(x)?, unpack(y)?);
        let parse = |bytes, name| {
            npy::parse(bytes).map_err(|why| FileError::Npy { path: inside(name), why })
        };
        arrays(&inside(x), &parse(&features, x)?, &inside(y), &parse(&labels, y)?, file.targets)
    };
    let train = pair(&file.train, &file.train_labels)?;
    let names: Vec<String> =
        zip::members(&bytes).map_err(zip_error)?.into_iter().map(|m| m.name).collect();
    let there = |name: &str| names.iter().any(|n| n.strip_suffix(".npy") == Some(name));
    let test = if there(&file.test) || there(&file.test_labels) {
        Some(pair(&file.test, &file.test_labels)?)
    } else {
        None
    };
    Ok((train, test))
}

fn counts(path: &Path, images: usize, l_path: &Path, labels: usize) -> Result<(), Error> {
    if images == labels {
        return Ok(());
    }
    Err(Error::Counts { path: path.into(), rows: images, labels_path: l_path.into(), labels })
}
