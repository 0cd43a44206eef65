//! Labelled rows.

use super::store::{Store, head};
use super::{ClassLabel, ClassValues, DatasetError, GROUP, Layout, Picture, TILE, Values};
use crate::num::prefetch;

/// A labelled data set: `n` rows, `columns` features, and for each row a label `0 … classes − 1` or a real target.
///
/// A set with real targets ([`Dataset::with_targets`]) has one class, to which all rows belong. Models of real targets
/// read [`Batch::target`](super::Batch::target), which in a set of classes is what the class is as a number ([`ClassValues`]).
///
/// Memory: about 24 bytes a row plus 16 values a non-empty tile (MNIST's 60 000 training pictures: 18.7 MB).
#[derive(Clone, Debug)]
pub struct Dataset {
    pub(super) columns: usize,
    pub(super) classes: usize,
    pub(super) tiles: usize,
    /// Words of a row's tile mask.
    pub(super) words: usize,
    /// What a row is a picture of; `None` where columns are not pixels.
    pub(super) picture: Option<Picture>,
    /// `order[stored column]` is the original column.
    pub(super) order: Vec<u32>,
    pub(super) store: Store,
    /// What a row is found by, side by side so that a random row costs one cache miss before its values: the first
    /// stored tile and the label in one word, then the tile mask.
    pub(super) heads: Vec<u64>,
    /// First stored tile of each row, and one more: all that [`Dataset::prefetch`] needs, small enough to stay in a
    /// second-level cache.
    pub(super) starts: Vec<u32>,
    pub(super) labels: Vec<u32>,
    pub(super) targets: Option<Vec<f64>>,
    pub(super) class_values: ClassValues,
    /// The largest absolute value of a feature or target.
    pub(super) largest: f64,
}

impl Dataset {
    /// Checks and stores row-major values with one label a row.
    ///
    /// # Errors
    /// When there is nothing, when sizes disagree, a label is outside `0 … classes − 1`, a value is not finite, or a
    /// picture's sides do not multiply to `columns`.
    ///
    /// ```
    /// use fl_core::data::{Dataset, Layout, Values};
    /// let values = [0.0f32, 1.0, 0.5, 0.5];
    /// let set = Dataset::new(Values::F32(&values), 2, vec![0, 1], 2, Layout::Flat)?;
    /// assert_eq!((set.rows(), set.columns(), set.classes()), (2, 2, 2));
    /// # Ok::<(), fl_core::data::DatasetError>(())
    /// ```
    pub fn new(
        values: Values<'_>,
        columns: usize,
        labels: Vec<u32>,
        classes: usize,
        layout: Layout,
    ) -> Result<Self, DatasetError> {
        let rows = labels.len();
        if rows == 0 || columns == 0 {
            return Err(DatasetError::Empty { rows, columns });
        }
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(DatasetError::Shape { values: values.len(), rows, columns });
        }
        let picture = layout.picture(columns)?;
        Self::ordered(values, columns, labels, classes, picture)
    }

    /// [`Dataset::new`] with the shape of a picture; sizes agree.
    fn ordered(
        values: Values<'_>,
        columns: usize,
        labels: Vec<u32>,
        classes: usize,
        picture: Option<Picture>,
    ) -> Result<Self, DatasetError> {
        let rows = labels.len();
        let order = picture.map_or_else(|| (0..columns as u32).collect(), Picture::order);
        let too_large = DatasetError::TooLarge { rows, columns };
        let tiles = columns.div_ceil(TILE);
        if rows.checked_mul(tiles).is_none_or(|n| u32::try_from(n).is_err()) {
            return Err(too_large);
        }
        if let Some(row) = labels.iter().position(|&l| l as usize >= classes) {
            return Err(DatasetError::Label { row, label: labels[row], classes });
        }
        let largest = values.largest(columns)?;
        let words = tiles.div_ceil(64);
        let mut masks = vec![0; rows * words];
        let (store, ends) = Store::compact(values, &order, words, &mut masks);
        let mut heads = Vec::with_capacity(rows * (1 + words));
        let mut starts = Vec::with_capacity(rows + 1);
        let mut start = 0;
        for ((&label, end), mask) in labels.iter().zip(ends).zip(masks.chunks_exact(words)) {
            heads.push(head(start, label));
            heads.extend_from_slice(mask);
            starts.push(start);
            start = end;
        }
        starts.push(start);
        let (targets, class_values) = (None, ClassValues::Places);
        Ok(Self {
            columns,
            classes,
            tiles,
            words,
            picture,
            order,
            store,
            heads,
            starts,
            labels,
            targets,
            class_values,
            largest,
        })
    }

    /// Says what the classes are as numbers.
    ///
    /// # Errors
    /// When a number is not finite, or there are not as many as classes.
    pub fn with_class_values(mut self, class_values: ClassValues) -> Result<Self, DatasetError> {
        if let ClassValues::Numbers(numbers) = &class_values {
            if numbers.len() != self.classes {
                return Err(DatasetError::ClassValues {
                    found: numbers.len(),
                    classes: self.classes,
                });
            }
            if let Some((row, &value)) = numbers.iter().enumerate().find(|(_, n)| !n.is_finite()) {
                return Err(DatasetError::Target { row, value });
            }
        }
        self.class_values = class_values;
        Ok(self)
    }

    /// Checks and stores row-major values with one real target a row, for regression. The set has one class.
    ///
    /// # Errors
    /// As [`Dataset::new`]; and when a target is not finite.
    ///
    /// ```
    /// use fl_core::data::{Batch, Dataset, Layout, Values};
    /// let values = [0.0f64, 1.0, 0.5, 0.5];
    /// let set = Dataset::with_targets(Values::F64(&values), 2, vec![0.25, -3.0], Layout::Flat)?;
    /// let mut batch = Batch::<f32>::new(&set, 1);
    /// batch.gather(&set, &[1]);
    /// assert_eq!(batch.target(0), -3.0);
    /// # Ok::<(), fl_core::data::DatasetError>(())
    /// ```
    pub fn with_targets(
        values: Values<'_>,
        columns: usize,
        targets: Vec<f64>,
        layout: Layout,
    ) -> Result<Self, DatasetError> {
        Self::new(values, columns, vec![0; targets.len()], 1, layout)?.targeting(targets)
    }

    /// The set with one real target a row.
    ///
    /// # Errors
    /// When there are not as many targets as rows, or one is not finite.
    pub fn targeting(mut self, targets: Vec<f64>) -> Result<Self, DatasetError> {
        let (rows, columns) = (self.rows(), self.columns);
        if targets.len() != rows {
            return Err(DatasetError::Shape { values: targets.len(), rows, columns });
        }
        for (row, &value) in targets.iter().enumerate() {
            if !value.is_finite() {
                return Err(DatasetError::Target { row, value });
            }
            self.largest = self.largest.max(value.abs());
        }
        self.targets = Some(targets);
        Ok(self)
    }

    /// Some samples as a set of its own, stored as they are here.
    ///
    /// # Errors
    /// When there are no rows.
    ///
    /// # Panics
    /// When a row is outside the set.
    pub fn subset(&self, rows: &[u32]) -> Result<Self, DatasetError> {
        let Self { columns, classes, tiles, words, picture, order, largest, .. } = self;
        if rows.is_empty() {
            return Err(DatasetError::Empty { rows: 0, columns: *columns });
        }
        let labels: Vec<u32> = rows.iter().map(|&row| self.labels[row as usize]).collect();
        let (mut heads, mut starts) = (Vec::with_capacity(rows.len() * (1 + words)), vec![0]);
        let mut end = 0;
        for (&row, &label) in rows.iter().zip(&labels) {
            let row = row as usize;
            heads.push(head(end, label));
            heads.extend_from_slice(self.find(row).1);
            end += self.starts[row + 1] - self.starts[row];
            starts.push(end);
        }
        let store = self.store.pick(&self.starts, rows);
        let targets = self.targets.as_ref();
        Ok(Self {
            columns: *columns,
            classes: *classes,
            tiles: *tiles,
            words: *words,
            picture: *picture,
            order: order.clone(),
            store,
            heads,
            starts,
            labels,
            class_values: self.class_values.clone(),
            targets: targets.map(|t| rows.iter().map(|&row| t[row as usize]).collect()),
            // Of the whole set: nothing here is larger.
            largest: *largest,
        })
    }

    /// Some samples after a change of their features (in the data's own order) and labels, as a set of its own that models
    /// for this one can read. `change` is given a sample's place in `rows`. Real targets stay what they are.
    ///
    /// Cost: one pass over these samples; the new set is stored in `f32`, or in `f64` where this one is.
    ///
    /// # Errors
    /// When there are no rows, a feature is not finite afterwards, or a label is outside the classes.
    ///
    /// # Panics
    /// When a row is outside the set.
    pub fn changed(
        &self,
        rows: &[u32],
        mut change: impl FnMut(usize, &mut [f64], &mut u32),
    ) -> Result<Self, DatasetError> {
        let columns = self.columns;
        if rows.is_empty() {
            return Err(DatasetError::Empty { rows: 0, columns });
        }
        let mut row = vec![0.0; columns];
        let mut labels = Vec::with_capacity(rows.len());
        let mut each = |keep: &mut dyn FnMut(&[f64])| {
            for (at, &i) in rows.iter().enumerate() {
                self.row(i as usize, &mut row);
                let mut label = self.labels[i as usize];
                change(at, &mut row, &mut label);
                labels.push(label);
                keep(&row);
            }
        };
        let (classes, picture) = (self.classes, self.picture);
        let mut set = if let Store::F64(_) = self.store {
            let mut values = Vec::with_capacity(rows.len() * columns);
            each(&mut |row| values.extend_from_slice(row));
            Self::ordered(Values::F64(&values), columns, labels, classes, picture)?
        } else {
            let mut values = Vec::with_capacity(rows.len() * columns);
            each(&mut |row| values.extend(row.iter().map(|&x| x as f32)));
            Self::ordered(Values::F32(&values), columns, labels, classes, picture)?
        };
        set.class_values.clone_from(&self.class_values);
        if let Some(targets) = &self.targets {
            let targets: Vec<f64> = rows.iter().map(|&i| targets[i as usize]).collect();
            set.largest = targets.iter().fold(set.largest, |most, t| most.max(t.abs()));
            set.targets = Some(targets);
        }
        Ok(set)
    }

    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Number of features of a sample.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// What a row is a picture of; `None` where columns are not pixels.
    pub fn picture(&self) -> Option<Picture> {
        self.picture
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels, one a row.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The real targets, one a row; `None` in a set of classes.
    pub fn targets(&self) -> Option<&[f64]> {
        self.targets.as_deref()
    }

    /// The place of the class that files call so.
    pub fn class_of(&self, label: &ClassLabel) -> Option<u32> {
        self.class_values.place(label, self.classes)
    }

    /// What the classes are as numbers.
    pub fn class_values(&self) -> &ClassValues {
        &self.class_values
    }

    /// The largest absolute value of a feature or real target. A model in `f32` can read the set when this is at most
    /// `f32::MAX`.
    pub fn largest(&self) -> f64 {
        self.largest
    }

    /// `order()[i]` is the original column of the `i`-th feature as models see it.
    ///
    /// Pictures are read patch by patch, so a model's weights follow this order; undo it to show them as a picture.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Bytes that the set occupies.
    pub fn memory(&self) -> usize {
        self.store.bytes()
            + 4 * (self.labels.len() + self.order.len() + self.starts.len())
            + 8 * (self.heads.len() + self.targets.as_ref().map_or(0, Vec::len))
    }

    /// Asks the memory for some rows, which [`Batch::gather`](super::Batch::gather) will want soon. Nothing but time depends on it.
    ///
    /// Measured on Figure 7's rounds: rows lie all over 18 MB, and waiting for them was a fifth of a worker's turn.
    pub fn prefetch(&self, rows: &[u32]) {
        for rows in rows.chunks(GROUP) {
            // Where the rows are is read first for all of them, with no branch on it, so that these reads overlap.
            let mut places = [(0, 0); GROUP];
            for (place, &row) in places.iter_mut().zip(rows) {
                let row = row as usize;
                let (from, to) = (self.starts[row] as usize, self.starts[row + 1] as usize);
                *place = (from * TILE, (to - from) * TILE);
                prefetch(&self.heads[row * (1 + self.words)..][..1 + self.words]);
            }
            for &(from, len) in &places[..rows.len()] {
                self.store.prefetch(from..from + len);
            }
        }
    }

    /// First stored tile and tile mask of a row.
    fn find(&self, row: usize) -> (usize, &[u64]) {
        let head = &self.heads[row * (1 + self.words)..][..1 + self.words];
        (head[0] as u32 as usize, &head[1..])
    }

    /// One row in its original column order: the slow, obvious view, for tests and export.
    ///
    /// # Panics
    /// When `row` is outside the set or `out` has not `columns()` places.
    pub fn row(&self, row: usize, out: &mut [f64]) {
        assert_eq!(out.len(), self.columns);
        out.fill(0.0);
        let (start, mask) = self.find(row);
        let mut at = start * TILE;
        for tile in 0..self.tiles {
            if mask[tile / 64] >> (tile % 64) & 1 == 0 {
                continue;
            }
            for lane in 0..TILE.min(self.columns - tile * TILE) {
                out[self.order[tile * TILE + lane] as usize] = match &self.store {
                    Store::Bytes { values, scale } => f64::from(values[at + lane]) * scale,
                    Store::F32(v) => f64::from(v[at + lane]),
                    Store::F64(v) => v[at + lane],
                };
            }
            at += TILE;
        }
    }
}
