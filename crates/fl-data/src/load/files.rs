//! Files of one's own, and how to read them.

use crate::format::csv::{Column, CsvOptions};
use crate::format::libsvm::LibsvmOptions;
use std::path::{Path, PathBuf};

/// Files of one's own, by their format.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Own {
    /// Comma-separated values, `csv`.
    Csv(CsvFiles),
    /// LIBSVM's text, `libsvm`.
    Libsvm(LibsvmFiles),
    /// NumPy arrays, `npy`: features and labels in files of their own.
    Npy(ArrayFiles),
    /// A NumPy archive, `zip` and `npy`.
    Npz(NpzFile),
    /// IDX, the format of MNIST, `idx`.
    Idx(ArrayFiles),
}

/// Files of comma-separated values and how to read them, as [`CsvOptions`] tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", deny_unknown_fields))]
pub struct CsvFiles {
    /// Rows to train on.
    pub train: PathBuf,
    /// Rows to test on; some of `train` if left out.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub test: Option<PathBuf>,
    /// Without test rows: of each class every so-manieth row of `train`, with real targets of all rows. Default: 5.
    #[cfg_attr(feature = "serde", serde(default = "fifth"))]
    pub test_every: usize,
    /// The column of labels, by name or place. Default: the last.
    #[cfg_attr(feature = "serde", serde(default = "last"))]
    pub label: Column,
    /// Columns that are left out.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub drop: Vec<Column>,
    /// Whether the first line holds names; found out if left out.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub header: Option<bool>,
    /// What separates fields; a space stands for any number of blanks. Default: a comma, or what the first line shows.
    #[cfg_attr(feature = "serde", serde(default = "comma"))]
    pub delimiter: char,
    /// What lines begin with that are no rows.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub comment: Option<char>,
    /// Columns of texts: each becomes a column of 0 and 1 for each text that the training file has in it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub categories: Vec<Column>,
    /// What becomes of rows that lack a number; they are refused if left out.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub missing: Option<Missing>,
    /// The column that says which group a row belongs to, for the partition by groups; it is no feature.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub group: Option<Column>,
    /// Whether labels are real targets.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub targets: bool,
}

impl CsvFiles {
    /// How the files are read.
    pub fn options(&self) -> CsvOptions {
        CsvOptions {
            label: self.label.clone(),
            drop: self.drop.clone(),
            header: self.header,
            delimiter: self.delimiter,
            comment: self.comment,
            categories: self.categories.clone(),
            missing: self.missing.is_some(),
            group: self.group.clone(),
            targets: self.targets,
        }
    }
}

/// What becomes of rows in which something is missing: an empty field, or one of [`crate::csv::MISSING`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Missing {
    /// The row is left out.
    SkipRow,
    /// The mean of the column over the training rows that have it; of a category, the share of each of its texts.
    Mean,
    /// Nought; of a category, none of its texts.
    Zero,
}

/// Files of LIBSVM's text and how to read them, as [`LibsvmOptions`] tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", deny_unknown_fields))]
pub struct LibsvmFiles {
    /// Rows to train on.
    pub train: PathBuf,
    /// Rows to test on; some of `train` if left out.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub test: Option<PathBuf>,
    /// Without test rows: of each class every so-manieth row of `train`, with real targets of all rows. Default: 5.
    #[cfg_attr(feature = "serde", serde(default = "fifth"))]
    pub test_every: usize,
    /// Number of features; the greatest index in either file if left out.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub features: Option<usize>,
    /// Whether indices begin at 0.
    #[cfg_attr(feature = "serde", serde(default))]
    pub zero_based: bool,
    /// Whether labels are real targets.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub targets: bool,
}

impl LibsvmFiles {
    /// How the files are read.
    pub fn options(&self) -> LibsvmOptions {
        let Self { features, zero_based, targets, .. } = *self;
        LibsvmOptions { features, zero_based, targets }
    }
}

/// Files of which each holds one array.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", deny_unknown_fields))]
pub struct ArrayFiles {
    /// Features to train on; the first axis counts samples.
    pub train: PathBuf,
    /// Their labels.
    pub train_labels: PathBuf,
    /// Features to test on; some of `train` if left out.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub test: Option<PathBuf>,
    /// Their labels.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub test_labels: Option<PathBuf>,
    /// Without test rows: of each class every so-manieth row of `train`, with real targets of all rows. Default: 5.
    #[cfg_attr(feature = "serde", serde(default = "fifth"))]
    pub test_every: usize,
    /// Whether labels are real targets.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub targets: bool,
}

/// A NumPy archive and the names of the arrays in it; the default names are those that Keras uses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", deny_unknown_fields))]
pub struct NpzFile {
    /// The archive.
    pub path: PathBuf,
    /// Features to train on. Default: `x_train`.
    #[cfg_attr(feature = "serde", serde(default = "x_train"))]
    pub train: String,
    /// Their labels. Default: `y_train`.
    #[cfg_attr(feature = "serde", serde(default = "y_train"))]
    pub train_labels: String,
    /// Features to test on. Default: `x_test`, and some of `train` if there is none.
    #[cfg_attr(feature = "serde", serde(default = "x_test"))]
    pub test: String,
    /// Their labels. Default: `y_test`.
    #[cfg_attr(feature = "serde", serde(default = "y_test"))]
    pub test_labels: String,
    /// Without test rows: of each class every so-manieth row of `train`, with real targets of all rows. Default: 5.
    #[cfg_attr(feature = "serde", serde(default = "fifth"))]
    pub test_every: usize,
    /// Whether labels are real targets.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub targets: bool,
}

#[cfg(feature = "serde")]
mod defaults {
    use super::Column;

    pub(super) fn fifth() -> usize {
        5
    }
    pub(super) fn last() -> Column {
        Column::Index(-1)
    }
    pub(super) fn comma() -> char {
        ','
    }
    pub(super) fn x_train() -> String {
        "x_train".into()
    }
    pub(super) fn y_train() -> String {
        "y_train".into()
    }
    pub(super) fn x_test() -> String {
        "x_test".into()
    }
    pub(super) fn y_test() -> String {
        "y_test".into()
    }
}
#[cfg(feature = "serde")]
use defaults::{comma, fifth, last, x_test, x_train, y_test, y_train};

impl Own {
    /// The file that stands for all of them.
    pub(crate) fn first(&self) -> &Path {
        match self {
            Own::Csv(files) => &files.train,
            Own::Libsvm(files) => &files.train,
            Own::Npy(files) | Own::Idx(files) => &files.train,
            Own::Npz(file) => &file.path,
        }
    }

    /// Whether labels are real targets.
    pub(crate) fn targets(&self) -> bool {
        match self {
            Own::Csv(files) => files.targets,
            Own::Libsvm(files) => files.targets,
            Own::Npy(files) | Own::Idx(files) => files.targets,
            Own::Npz(file) => file.targets,
        }
    }

    pub(crate) fn test_every(&self) -> usize {
        match self {
            Own::Csv(files) => files.test_every,
            Own::Libsvm(files) => files.test_every,
            Own::Npy(files) | Own::Idx(files) => files.test_every,
            Own::Npz(file) => file.test_every,
        }
    }
}
