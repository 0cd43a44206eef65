//! Rows become numbers, labels and groups.

use super::super::labels::Interner;
use super::super::number::{number, whole};
use super::super::text::{Part, TextError, excerpt, trim};
use super::head::{Head, Use};
use super::line::{Fields, content, field_end};
use super::options::{CsvOptions, is_missing};

/// What was read of some rows beside their numbers.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) index: Vec<u32>,
    pub(super) labels: Interner,
    pub(super) targets: Vec<f64>,
    pub(super) group: Vec<u32>,
    pub(super) groups: Interner,
    /// For each feature its texts, if it is a category.
    pub(super) levels: Vec<Interner>,
}

impl Read {
    pub(super) fn new(head: &Head) -> Self {
        let mut read = Self::default();
        if head.uses.iter().any(|u| matches!(u, Use::Category(_))) {
            read.levels.resize_with(head.columns, Interner::default);
        }
        read
    }
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) head: &'a Head,
    pub(super) options: &'a CsvOptions,
}

impl Reader<'_> {
    /// Reads the rows of a part.
    pub(super) fn part(&self, part: &Part<'_>, mut out: &mut [f32]) -> Result<Read, TextError> {
        let mut read = Read::new(self.head);
        for (line, row) in part.lines() {
            let (own, rest) = out.split_at_mut(self.head.columns);
            self.row(line, trim(row), own, &mut read)?;
            out = rest;
        }
        Ok(read)
    }

    /// Writes a row's features and notes what else it says.
    pub(super) fn row(
        &self,
        line: u64,
        row: &[u8],
        out: &mut [f32],
        read: &mut Read,
    ) -> Result<(), TextError> {
        let separator = self.head.separator;
        let row = separator.trim(row);
        let mut at = 0;
        for (field, &usage) in self.head.uses.iter().enumerate() {
            if field > 0 {
                at = separator.next(row, at).ok_or_else(|| self.count(line, row))?;
            }
            if let Use::Feature(place) = usage
                && let Some((value, length)) = number(&row[at..])
                && row.get(at + length).is_none_or(|b| separator.is(*b))
                // What single precision cannot hold is refused below.
                && value.abs() < 1e38
            {
                out[place as usize] = value as f32;
                at += length;
                continue;
            }
            let end = field_end(row, at, separator).map_err(|e| e.at(line))?;
            let token = content(&row[at..end]);
            let value = matches!(usage, Use::Feature(_)).then(|| whole(&token)).flatten();
            match (usage, value) {
                // A short row is told as such, not by the field that lacks.
                (Use::Feature(_), None)
                    if end == row.len()
                        && field + 1 < self.head.uses.len()
                        && !self.is_missing(&token) =>
                {
                    return Err(self.count(line, row));
                }
                (Use::Feature(place), Some(value)) => out[place as usize] = value as f32,
                _ => self.token((line, field), usage, &token, out, read)?,
            }
            at = end;
        }
        if at < row.len() {
            return Err(self.count(line, row));
        }
        Ok(())
    }

    fn is_missing(&self, token: &[u8]) -> bool {
        self.options.missing && is_missing(token)
    }

    /// Notes what a field says that is no plain number.
    fn token(
        &self,
        (line, field): (u64, usize),
        usage: Use,
        token: &[u8],
        out: &mut [f32],
        read: &mut Read,
    ) -> Result<(), TextError> {
        let refused = |expected: &str| TextError::Line {
            line,
            field: Some(self.field(field)),
            expected: expected.into(),
            found: excerpt(token),
        };
        match usage {
            Use::Nothing => {}
            Use::Feature(place) | Use::Category(place) if self.is_missing(token) => {
                out[place as usize] = f32::NAN;
            }
            Use::Feature(_) => return Err(refused(wanted(token))),
            Use::Category(place) => {
                let place = place as usize;
                out[place] = read.levels[place].text(token).map_err(|e| e.at(line))? as f32;
            }
            Use::Label | Use::Group if token.is_empty() => {
                return Err(refused(if usage == Use::Group { "a group" } else { "a label" }));
            }
            Use::Label if self.options.targets => {
                let target = str::from_utf8(token).ok().and_then(|t| t.trim().parse().ok());
                let target = target.filter(|t: &f64| t.is_finite());
                read.targets.push(target.ok_or_else(|| refused("a finite number as target"))?);
            }
            Use::Label => read.index.push(read.labels.label(token).map_err(|e| e.at(line))?),
            Use::Group => read.group.push(read.groups.label(token).map_err(|e| e.at(line))?),
        }
        Ok(())
    }

    fn field(&self, field: usize) -> String {
        let name = self.head.names.get(field).map(|n| format!(" ({n:?})")).unwrap_or_default();
        format!("field {}{name}", field + 1)
    }

    fn count(&self, line: u64, row: &[u8]) -> TextError {
        let separator = self.head.separator;
        let mut count = 0;
        for field in Fields::new(row, separator) {
            match field {
                Ok(_) => count += 1,
                Err(error) => return error.at(line),
            }
        }
        let wanted = self.head.uses.len();
        let (expected, found) = if count == wanted {
            (format!("{} between fields", separator.what()), excerpt(row))
        } else {
            let by = separator.what();
            (format!("{wanted} fields, as in the first row, separated by {by}"), count.to_string())
        };
        TextError::Line { line, field: None, expected, found }
    }
}

/// What would do in place of a token that is no number.
fn wanted(token: &[u8]) -> &'static str {
    let is_text = |b: &u8| b.is_ascii_alphabetic() || !b.is_ascii();
    let number = token.iter().any(u8::is_ascii_digit);
    if is_missing(token) {
        "a finite number (`missing` says what becomes of rows that lack one)"
    } else if !number && token.iter().any(is_text) {
        "a finite number (`categories` names columns of texts)"
    } else {
        "a finite number"
    }
}
