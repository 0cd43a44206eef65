//! Files of one's own become a set.

use super::error::{Error, refused};
use super::files::{Missing, Own};
use super::raw::Raw;
use super::read::{Parts, parse_idx, parse_npy, read_csv, read_libsvm, read_npz, read_pairs};
use crate::format::Checksum;
use crate::format::text::{Labels, Note};
use crate::shape::{self, Answers, FileNote, Loaded, Scale, Shaper, Split};
use fl_core::data::Layout;
use std::path::Path;

/// Labels that are told by their names.
const TOLD: usize = 6;

pub(super) fn load_own(own: &Own, scale: Option<Scale>) -> Result<Loaded, Error> {
    let (mut checksums, mut notes) = (Vec::new(), Vec::new());
    let (mut train, test): Parts = match own {
        Own::Csv(files) => read_csv(files, &mut checksums, &mut notes)?,
        Own::Libsvm(files) => read_libsvm(files, &mut checksums, &mut notes)?,
        Own::Npy(files) => read_pairs(files, &mut checksums, parse_npy)?,
        Own::Idx(files) => read_pairs(files, &mut checksums, parse_idx)?,
        Own::Npz(file) => read_npz(file, &mut checksums)?,
    };
    let path = own.first();
    let mut test = match test {
        Some(test) => test,
        None => hold_out(own, &mut train)?,
    };
    if test.columns != train.columns {
        return Err(refused(
            path,
            format!("{} features in the test rows, as in training", train.columns),
            test.columns.to_string(),
        ));
    }
    if let Own::Csv(files) = own
        && let Some(how @ (Missing::Mean | Missing::Zero)) = files.missing
    {
        fill(&mut train, &mut test, how, path, &mut notes);
    }
    train.labels.unite(&mut test.labels);
    if notes.is_empty() {
        let kind = if own.targets() { "targets" } else { "labels" };
        let text = format!("{} features a row; {kind} are an array of their own", train.columns);
        notes.push(FileNote { path: path.into(), note: Note { text, warning: false } });
    }
    compare(&train.labels, &test.labels, path, &mut notes);
    assemble(train, test, scale, path, checksums, notes)
}

/// Some rows of a file for testing: of each class, in file order, every so-manieth; with real targets of all rows.
fn hold_out(own: &Own, train: &mut Raw) -> Result<Raw, Error> {
    let wrong = |expected: String, found: String| refused(own.first(), expected, found);
    let every = own.test_every();
    if every < 2 {
        return Err(wrong("test-every of at least 2".into(), every.to_string()));
    }
    let labels = &train.labels;
    let out = shape::every(&labels.index, labels.names.len(), every);
    if !out.contains(&true) {
        let (rows, classes) = (out.len(), labels.names.len());
        if own.targets() {
            let expected = format!("{every} rows, of which one is for testing");
            return Err(wrong(expected, format!("{rows} rows")));
        }
        let expected = format!("a class with {every} rows, of which one is for testing");
        let measured = if labels.numbers().is_some() && 2 * classes > rows {
            "; `targets = true` reads labels as real targets"
        } else {
            ""
        };
        return Err(wrong(expected, format!("{rows} rows in {classes} classes{measured}")));
    }
    Ok(train.split_off(&out))
}

/// Puts something in place of what is missing.
fn fill(train: &mut Raw, test: &mut Raw, how: Missing, path: &Path, notes: &mut Vec<FileNote>) {
    let fillers = train.fillers(how);
    let count = train.fill_missing(&fillers) + test.fill_missing(&fillers);
    if count > 0 {
        let what = match how {
            Missing::Mean => "the means of the training rows",
            _ => "noughts",
        };
        let text = format!("{count} missing numbers are replaced by {what}");
        notes.push(FileNote { path: path.into(), note: Note { text, warning: true } });
    }
}

/// Notes classes of test rows that no training row has.
fn compare(train: &Labels, test: &Labels, path: &Path, notes: &mut Vec<FileNote>) {
    let (own, other) = (train.counts(), test.counts());
    let unseen: Vec<usize> = (0..own.len()).filter(|&c| own[c] == 0 && other[c] > 0).collect();
    if unseen.is_empty() {
        return;
    }
    let rows: usize = unseen.iter().map(|&c| other[c]).sum();
    let mut names: Vec<String> =
        unseen.iter().take(TOLD).map(|&c| shown(&train.names[c])).collect();
    if unseen.len() > TOLD {
        names.push("…".into());
    }
    let text = format!(
        "{rows} of {} test rows have labels that no training row has: {}",
        test.index.len(),
        names.join(", ")
    );
    notes.push(FileNote { path: path.into(), note: Note { text, warning: true } });
}

/// A label in quotes, of bounded length.
fn shown(label: &str) -> String {
    let short: String = label.chars().take(40).collect();
    let more = if short.len() < label.len() { "…" } else { "" };
    format!("{:?}", short + more)
}

fn assemble(
    train: Raw,
    test: Raw,
    scale: Option<Scale>,
    path: &Path,
    checksums: Vec<Checksum>,
    notes: Vec<FileNote>,
) -> Result<Loaded, Error> {
    let layout = match train.picture {
        Some((height, width)) if test.picture == train.picture => Layout::Image { height, width },
        _ => Layout::Flat,
    };
    let (classes, picture) = (train.labels.names.clone(), train.picture);
    let (groups, places) = (train.groups.clone(), train.places.clone());
    let answers = if train.targets.is_some() { Answers::Targets } else { Answers::of(&classes) };
    let mut shaper = Shaper::new(scale, train.columns, classes.len(), layout).answering(answers);
    let mut make = |part: Raw| {
        let Raw { values, labels, targets, .. } = part;
        let made = shaper.part_of(values.numbers(), labels.index, targets);
        made.map_err(|why| Error::Dataset { path: path.into(), why })
    };
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let name = name.split('.').next().unwrap_or_default().to_owned();
    Ok(Loaded {
        name,
        split: Split { train: make(train)?, validation: None, test: make(test)? },
        classes,
        groups,
        places,
        picture: picture.filter(|_| layout != Layout::Flat),
        checksums,
        notes,
    })
}
