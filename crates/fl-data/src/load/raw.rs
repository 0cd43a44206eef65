//! Rows as their file has them, before they are scaled.

use super::files::Missing;
use crate::format::text::{Labels, Table, TextError};
use crate::shape::Numbers;
use std::borrow::Cow;

/// Rows as their file has them.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) columns: usize,
    pub(super) values: RawValues,
    pub(super) labels: Labels,
    pub(super) targets: Option<Vec<f64>>,
    pub(super) groups: Option<Labels>,
    /// Where each row is in its file, where that is not its place here.
    pub(super) places: Option<Vec<u32>>,
    pub(super) picture: Option<(usize, usize)>,
}

#[derive(Debug)]
pub(super) enum RawValues {
    /// Bytes, and what one of them stands for.
    Bytes(Vec<u8>, f64),
    Floats(Vec<f32>),
}

impl RawValues {
    pub(super) fn numbers(&self) -> Numbers<'_> {
        match self {
            RawValues::Bytes(values, unit) => Numbers::Bytes { values, unit: *unit },
            RawValues::Floats(values) => Numbers::Floats(Cow::Borrowed(values)),
        }
    }
}

impl Raw {
    pub(super) fn of(table: Table) -> Self {
        let Table { columns, values, labels, targets, groups, .. } = table;
        let values = RawValues::Floats(values);
        Self { columns, values, labels, targets, groups, places: None, picture: None }
    }

    pub(super) fn rows(&self) -> usize {
        self.labels.index.len()
    }

    /// Takes the rows for which `out` is true into a set of their own; the others close up, so that the matrix is never
    /// there twice.
    pub(super) fn split_off(&mut self, out: &[bool]) -> Self {
        fn values<V: Copy>(all: &mut Vec<V>, out: &[bool], columns: usize) -> Vec<V> {
            let mut taken = Vec::with_capacity(columns * out.iter().filter(|o| **o).count());
            let mut end = 0;
            for (row, out) in out.iter().enumerate() {
                let own = row * columns..(row + 1) * columns;
                if *out {
                    taken.extend_from_slice(&all[own]);
                } else {
                    all.copy_within(own, end);
                    end += columns;
                }
            }
            all.truncate(end);
            taken
        }
        let labels = |all: &mut Labels| Labels {
            index: values(&mut all.index, out, 1),
            names: all.names.clone(),
        };
        let columns = self.columns;
        let rows = out.len() as u32;
        let places = self.places.get_or_insert_with(|| (0..rows).collect());
        Self {
            columns,
            places: Some(values(places, out, 1)),
            values: match &mut self.values {
                RawValues::Bytes(all, unit) => RawValues::Bytes(values(all, out, columns), *unit),
                RawValues::Floats(all) => RawValues::Floats(values(all, out, columns)),
            },
            labels: labels(&mut self.labels),
            targets: self.targets.as_mut().map(|all| values(all, out, 1)),
            groups: self.groups.as_mut().map(labels),
            picture: self.picture,
        }
    }

    /// Leaves out rows that lack a number; gives their number.
    pub(super) fn skip_missing(&mut self) -> usize {
        let RawValues::Floats(values) = &self.values else { return 0 };
        let lacks = |row: &[f32]| row.iter().any(|v| v.is_nan());
        let out: Vec<bool> = values.chunks_exact(self.columns).map(lacks).collect();
        if !out.contains(&true) {
            return 0;
        }
        self.split_off(&out).rows()
    }

    /// The mean of each column over the rows that have it, or nought.
    pub(super) fn fillers(&self, how: Missing) -> Vec<f32> {
        let (RawValues::Floats(values), Missing::Mean) = (&self.values, how) else {
            return vec![0.0; self.columns];
        };
        let mut sums = vec![(0.0, 0usize); self.columns];
        for row in values.chunks_exact(self.columns) {
            for ((sum, count), value) in sums.iter_mut().zip(row).filter(|(_, v)| !v.is_nan()) {
                *sum += f64::from(*value);
                *count += 1;
            }
        }
        sums.into_iter().map(|(sum, count)| (sum / count.max(1) as f64) as f32).collect()
    }

    /// Puts something in place of what is missing; gives how often.
    pub(super) fn fill_missing(&mut self, fillers: &[f32]) -> usize {
        let RawValues::Floats(values) = &mut self.values else { return 0 };
        let mut count = 0;
        for row in values.chunks_exact_mut(self.columns) {
            for (value, filler) in row.iter_mut().zip(fillers).filter(|(v, _)| v.is_nan()) {
                *value = *filler;
                count += 1;
            }
        }
        count
    }
}

/// Gives each category a column of 0 and 1 for each of the texts in `levels`, which are those of the training file. A
/// text that is none of them has 0 in all of these columns; gives their number. What is missing is so in all of them.
///
/// # Errors
/// When there is no memory for the columns.
pub(super) fn expand(table: &mut Table, levels: &[Vec<String>]) -> Result<usize, TextError> {
    if levels.iter().all(Vec::is_empty) {
        return Ok(0);
    }
    let width = |levels: &Vec<String>| levels.len().max(1);
    let (rows, columns) = (table.labels.index.len(), levels.iter().map(width).sum());
    let mut values = crate::format::text::zeros(rows, columns)?;
    let places: Vec<Vec<Option<usize>>> = table
        .levels
        .iter()
        .zip(levels)
        .map(|(own, all)| own.iter().map(|l| all.iter().position(|a| a == l)).collect())
        .collect();
    let mut unknown = 0;
    for (from, to) in table.values.chunks_exact(table.columns).zip(values.chunks_exact_mut(columns))
    {
        let mut start = 0;
        for ((value, levels), places) in from.iter().zip(levels).zip(&places) {
            let to = &mut to[start..start + width(levels)];
            start += to.len();
            if levels.is_empty() || value.is_nan() {
                to.fill(*value);
            } else if let Some(place) = places[*value as usize] {
                to[place] = 1.0;
            } else {
                unknown += 1;
            }
        }
    }
    (table.values, table.columns) = (values, columns);
    Ok(unknown)
}
