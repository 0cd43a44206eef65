//! How a file is to be read.

use std::fmt;

/// How a file is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", deny_unknown_fields, default))]
pub struct CsvOptions {
    /// The column of labels. Default: the last.
    pub label: Column,
    /// Columns that are left out.
    pub drop: Vec<Column>,
    /// Whether the first line holds names; found out if left out.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub header: Option<bool>,
    /// What separates fields: one character; a space stands for any number of spaces and tabs. Default: a comma, or what
    /// the first line shows if it has none.
    pub delimiter: char,
    /// What lines begin with that are no rows.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub comment: Option<char>,
    /// Columns of texts, each of which becomes a column of 0 and 1 for each of its texts.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub categories: Vec<Column>,
    /// Whether a number may be missing (an empty field, or one of [`MISSING`]); it is then NaN.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "std::ops::Not::not"))]
    pub missing: bool,
    /// The column that says which group a row belongs to; it is no feature.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub group: Option<Column>,
    /// Whether labels are real targets.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "std::ops::Not::not"))]
    pub targets: bool,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            label: Column::Index(-1),
            drop: Vec::new(),
            header: None,
            delimiter: ',',
            comment: None,
            categories: Vec::new(),
            missing: false,
            group: None,
            targets: false,
        }
    }
}

/// What stands in files for a number that is missing, beside nothing at all.
pub const MISSING: [&str; 9] = ["?", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "-"];

/// Whether a field stands for a number that is missing.
pub(crate) fn is_missing(token: &[u8]) -> bool {
    token.is_empty() || MISSING.iter().any(|m| m.as_bytes() == token)
}

/// A column, by its name in the first line or by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(untagged, expecting = "a column: its name, or its place from 0 (from the end: -1)")
)]
pub enum Column {
    /// Its place from 0, or from the end: −1 is the last.
    Index(i64),
    /// Its name.
    Name(String),
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Index(index) => write!(f, "{index}"),
            Column::Name(name) => write!(f, "{name:?}"),
        }
    }
}
