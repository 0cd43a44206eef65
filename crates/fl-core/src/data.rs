//! Labelled data as models read them: rows cut into tiles of sixteen columns, of which empty ones are not stored.
//!
//! Four fifths of MNIST's pixels are zero and they come in patches, so that of a picture's 49 tiles of 4×4 pixels some
//! 18 remain. Leaving a tile out is exact: a zero column adds nothing to `W x` and nothing to `r xᵀ`.
//! Models never see how a set is stored; they see a [`Batch`], whose values are numbers of the model's own type.

use crate::{AlignedVec, Scalar};
use pulp::{Arch, Simd, WithSimd};

/// Columns in a tile.
pub const TILE: usize = 16;

/// Samples that one word of [`Batch::touching`] covers.
pub const GROUP: usize = 32;

/// Raw values of a data set, row-major `rows × columns`.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Bytes that stand for `byte · scale`, for example pixels with scale 1/255.
    Bytes {
        /// Row-major bytes.
        values: &'a [u8],
        /// What a byte is multiplied by.
        scale: f64,
    },
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

impl Values<'_> {
    fn len(&self) -> usize {
        match self {
            Values::Bytes { values, .. } => values.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
        }
    }
}

/// How columns are grouped into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Sixteen neighbouring columns a tile, in their own order.
    Flat,
    /// Columns are the pixels of a picture in row-major order; a tile is a patch of 4×4 pixels.
    /// Where a side is no multiple of 4 this is [`Layout::Flat`].
    Image {
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
    },
}

/// Why numbers do not make a data set.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// No rows or no columns.
    #[error("a data set needs rows and columns, got {rows} rows and {columns} columns")]
    Empty {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// Not a rectangle.
    #[error("{values} values do not fill {rows} rows of {columns} columns ({} expected)", rows * columns)]
    Shape {
        /// Numbers found.
        values: usize,
        /// Labels found, which is the number of rows.
        rows: usize,
        /// Columns asked for.
        columns: usize,
    },
    /// A label beyond the classes.
    #[error("label {label} of row {row} is outside the {classes} classes 0 to {}", classes.saturating_sub(1))]
    Label {
        /// The row, from 0.
        row: usize,
        /// The label found.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// An infinite or NaN feature.
    #[error("feature {column} of row {row} is {value}; features must be finite numbers")]
    NonFinite {
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The value found.
        value: f64,
    },
    /// Numbers that are not those of the classes.
    #[error("{found} numbers for {classes} classes; each class needs one")]
    ClassValues {
        /// Numbers found.
        found: usize,
        /// Number of classes.
        classes: usize,
    },
    /// An infinite or NaN target.
    #[error("the target of row {row} is {value}; targets must be finite numbers")]
    Target {
        /// The row, from 0.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// Bytes that stand for no finite numbers.
    #[error("bytes are to be multiplied by {scale}; a scale must be a finite number")]
    Scale {
        /// The factor found.
        scale: f64,
    },
    /// A picture whose sides do not multiply to the columns.
    #[error("a picture of {height}×{width} pixels has {} columns, the data have {columns}", height * width)]
    Picture {
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
        /// Columns found.
        columns: usize,
    },
    /// More samples or tiles than 32-bit offsets can address.
    #[error(
        "{rows} rows of {columns} columns are more than this build can address (2³² − 1 tiles)"
    )]
    TooLarge {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
}

#[derive(Clone, Debug)]
enum Store {
    Bytes { values: Vec<u8>, scale: f64 },
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// What the classes of a set are as numbers, for models of real targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassValues {
    /// Class `c` is the number c.
    #[default]
    Places,
    /// Class `c` is this number.
    Numbers(Vec<f64>),
    /// Classes have these names, which are no numbers.
    Names(Vec<String>),
}

impl ClassValues {
    /// The place of the class that files call so, of `classes`; `None` if there is none.
    pub fn place(&self, label: &ClassLabel, classes: usize) -> Option<u32> {
        let number = match label {
            ClassLabel::Number(number) => Some(*number as f64),
            ClassLabel::Text(text) => text.parse().ok(),
        };
        let place = match self {
            ClassValues::Places => number
                .filter(|n| n.fract() == 0.0 && (0.0..classes as f64).contains(n))
                .map(|n| n as usize),
            ClassValues::Numbers(numbers) => numbers.iter().position(|n| Some(*n) == number),
            ClassValues::Names(names) => {
                let text = match label {
                    ClassLabel::Number(number) => number.to_string(),
                    ClassLabel::Text(text) => text.clone(),
                };
                names.iter().position(|name| *name == text)
            }
        };
        place.map(|place| place as u32)
    }

    /// What there is, for an error: `0 to 9`, `1, 2, 4` or `"cat", "dog"`.
    pub fn list(&self, classes: usize) -> String {
        const SHOWN: usize = 12;
        let mut shown: Vec<String> = match self {
            ClassValues::Places => return format!("0 to {}", classes.saturating_sub(1)),
            ClassValues::Numbers(numbers) => {
                if let [first, .., last] = numbers[..]
                    && numbers.windows(2).all(|n| n[1] - n[0] == 1.0)
                {
                    return format!("{first} to {last}");
                }
                numbers.iter().take(SHOWN).map(ToString::to_string).collect()
            }
            ClassValues::Names(names) => {
                let short = |name: &String| name.chars().take(32).collect::<String>();
                names.iter().take(SHOWN).map(|name| format!("{:?}", short(name))).collect()
            }
        };
        if classes > SHOWN {
            shown.push("…".into());
        }
        shown.join(", ")
    }
}

/// A class as files name it: by its label in the data, a number or a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(untagged, expecting = "a class as the data name it: a whole number or a text")
)]
pub enum ClassLabel {
    /// A label that is a whole number.
    Number(i64),
    /// Any label.
    Text(String),
}

impl From<u32> for ClassLabel {
    fn from(number: u32) -> Self {
        ClassLabel::Number(i64::from(number))
    }
}

impl From<&str> for ClassLabel {
    fn from(text: &str) -> Self {
        ClassLabel::Text(text.into())
    }
}

impl std::fmt::Display for ClassLabel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ClassLabel::Number(number) => write!(f, "{number}"),
            ClassLabel::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// A labelled data set: `n` rows, `columns` features, and for each row a label `0 … classes − 1` or a real target.
///
/// A set with real targets ([`Dataset::with_targets`]) has one class, to which all rows belong. Models of real targets
/// read [`Batch::target`], which in a set of classes is what the class is as a number ([`ClassValues`]).
///
/// Memory: about 24 bytes a row plus 16 values a non-empty tile (MNIST's 60 000 training pictures: 18.7 MB).
#[derive(Clone, Debug)]
pub struct Dataset {
    columns: usize,
    classes: usize,
    tiles: usize,
    /// Words of a row's tile mask.
    words: usize,
    /// `order[stored column]` is the original column.
    order: Vec<u32>,
    store: Store,
    /// What a row is found by, side by side so that a random row costs one cache miss before its values: the first
    /// stored tile and the label in one word, then the tile mask.
    heads: Vec<u64>,
    /// First stored tile of each row, and one more: all that [`Dataset::prefetch`] needs, small enough to stay in a
    /// second-level cache.
    starts: Vec<u32>,
    labels: Vec<u32>,
    targets: Option<Vec<f64>>,
    class_values: ClassValues,
    /// The largest absolute value of a feature or target.
    largest: f64,
}

/// A row's first word.
#[inline(always)]
fn head(start: u32, label: u32) -> u64 {
    u64::from(label) << 32 | u64::from(start)
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
        let order = order(columns, layout)?;
        Self::ordered(values, columns, labels, classes, order)
    }

    /// [`Dataset::new`] with the columns' order; sizes agree.
    fn ordered(
        values: Values<'_>,
        columns: usize,
        labels: Vec<u32>,
        classes: usize,
        order: Vec<u32>,
    ) -> Result<Self, DatasetError> {
        let rows = labels.len();
        let too_large = DatasetError::TooLarge { rows, columns };
        let tiles = columns.div_ceil(TILE);
        if rows.checked_mul(tiles).is_none_or(|n| u32::try_from(n).is_err()) {
            return Err(too_large);
        }
        if let Some(row) = labels.iter().position(|&l| l as usize >= classes) {
            return Err(DatasetError::Label { row, label: labels[row], classes });
        }
        let largest = match values {
            Values::Bytes { values, scale } => {
                if !scale.is_finite() {
                    return Err(DatasetError::Scale { scale });
                }
                f64::from(values.iter().copied().max().unwrap_or(0)) * scale.abs()
            }
            Values::F32(values) => largest(values, columns)?,
            Values::F64(values) => largest(values, columns)?,
        };
        let words = tiles.div_ceil(64);
        let mut masks = vec![0; rows * words];
        let (store, ends) = match values {
            Values::Bytes { values, scale } => {
                let (kept, ends) = compact(values, columns, &order, words, &mut masks);
                (Store::Bytes { values: kept, scale }, ends)
            }
            Values::F32(values) => {
                let (kept, ends) = compact(values, columns, &order, words, &mut masks);
                (Store::F32(kept), ends)
            }
            Values::F64(values) => {
                let (kept, ends) = compact(values, columns, &order, words, &mut masks);
                (Store::F64(kept), ends)
            }
        };
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
        let targets = None;
        Ok(Self {
            columns,
            classes,
            tiles,
            words,
            order,
            store,
            heads,
            starts,
            labels,
            targets,
            class_values: ClassValues::Places,
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
        fn pick<V: Copy>(values: &[V], starts: &[u32], rows: &[u32]) -> Vec<V> {
            let place = |row: usize| starts[row] as usize * TILE..starts[row + 1] as usize * TILE;
            rows.iter().flat_map(|&row| &values[place(row as usize)]).copied().collect()
        }
        let Self { columns, classes, tiles, words, order, largest, .. } = self;
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
        let store = match &self.store {
            Store::Bytes { values, scale } => {
                Store::Bytes { values: pick(values, &self.starts, rows), scale: *scale }
            }
            Store::F32(values) => Store::F32(pick(values, &self.starts, rows)),
            Store::F64(values) => Store::F64(pick(values, &self.starts, rows)),
        };
        let targets = self.targets.as_ref();
        Ok(Self {
            columns: *columns,
            classes: *classes,
            tiles: *tiles,
            words: *words,
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
        let (classes, order) = (self.classes, self.order.clone());
        let mut set = if let Store::F64(_) = self.store {
            let mut values = Vec::with_capacity(rows.len() * columns);
            each(&mut |row| values.extend_from_slice(row));
            Self::ordered(Values::F64(&values), columns, labels, classes, order)?
        } else {
            let mut values = Vec::with_capacity(rows.len() * columns);
            each(&mut |row| values.extend(row.iter().map(|&x| x as f32)));
            Self::ordered(Values::F32(&values), columns, labels, classes, order)?
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
        let values = match &self.store {
            Store::Bytes { values, .. } => values.len(),
            Store::F32(v) => 4 * v.len(),
            Store::F64(v) => 8 * v.len(),
        };
        values
            + 4 * (self.labels.len() + self.order.len() + self.starts.len())
            + 8 * (self.heads.len() + self.targets.as_ref().map_or(0, Vec::len))
    }

    /// Asks the memory for some rows, which [`Batch::gather`] will want soon. Nothing but time depends on it.
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
                match &self.store {
                    Store::Bytes { values, .. } => prefetch(&values[from..from + len]),
                    Store::F32(values) => prefetch(&values[from..from + len]),
                    Store::F64(values) => prefetch(&values[from..from + len]),
                }
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

/// The largest absolute value, all of them being finite.
fn largest<V: Copy + Into<f64>>(values: &[V], columns: usize) -> Result<f64, DatasetError> {
    let mut largest = 0.0f64;
    for (at, &value) in values.iter().enumerate() {
        let value: f64 = value.into();
        if !value.is_finite() {
            return Err(DatasetError::NonFinite { row: at / columns, column: at % columns, value });
        }
        largest = largest.max(value.abs());
    }
    Ok(largest)
}

fn order(columns: usize, layout: Layout) -> Result<Vec<u32>, DatasetError> {
    match layout {
        Layout::Image { height, width } if height.checked_mul(width) != Some(columns) => {
            Err(DatasetError::Picture { height, width, columns })
        }
        Layout::Image { height, width } if height % 4 == 0 && width % 4 == 0 => Ok((0..columns)
            .map(|i| {
                let (tile, lane) = (i / TILE, i % TILE);
                let (y, x) = (tile / (width / 4) * 4 + lane / 4, tile % (width / 4) * 4 + lane % 4);
                (y * width + x) as u32
            })
            .collect()),
        _ => Ok((0..columns as u32).collect()),
    }
}

/// Keeps the tiles that hold anything; returns them and each row's end, counted in tiles.
fn compact<V: Copy + Default + PartialEq>(
    values: &[V],
    columns: usize,
    order: &[u32],
    words: usize,
    masks: &mut [u64],
) -> (Vec<V>, Vec<u32>) {
    let mut kept = Vec::new();
    let mut ends = Vec::with_capacity(values.len() / columns);
    for (row, mask) in values.chunks_exact(columns).zip(masks.chunks_exact_mut(words)) {
        for (tile, places) in order.chunks(TILE).enumerate() {
            let mut cells = [V::default(); TILE];
            for (cell, &place) in cells.iter_mut().zip(places) {
                *cell = row[place as usize];
            }
            if cells != [V::default(); TILE] {
                kept.extend_from_slice(&cells);
                mask[tile / 64] |= 1 << (tile % 64);
            }
        }
        ends.push((kept.len() / TILE) as u32);
    }
    kept.shrink_to_fit();
    (kept, ends)
}

/// Some samples of a [`Dataset`], gathered and converted to a model's number type. Reused from round to round: after
/// `new` nothing is allocated.
#[derive(Clone, Debug)]
pub struct Batch<T> {
    columns: usize,
    tiles: usize,
    words: usize,
    capacity: usize,
    len: usize,
    labels: Vec<u32>,
    targets: Vec<T>,
    /// Whether `targets` are real ones, and not left over from another set.
    has_targets: bool,
    /// What each class is as a number, where that is not its place.
    class_values: Vec<f64>,
    /// First stored tile of each sample in the data set.
    from: Vec<u32>,
    /// First value of each sample, and one more.
    starts: Vec<u32>,
    masks: Vec<u64>,
    touching: Vec<u32>,
    values: AlignedVec<T>,
}

impl<T: Scalar> Batch<T> {
    /// An empty batch with room for `capacity` samples of `data`.
    pub fn new(data: &Dataset, capacity: usize) -> Self {
        let (tiles, words) = (data.tiles, data.words);
        Self {
            columns: data.columns,
            tiles,
            words,
            capacity,
            len: 0,
            labels: vec![0; capacity],
            targets: vec![T::ZERO; capacity],
            has_targets: false,
            class_values: match &data.class_values {
                ClassValues::Numbers(numbers) => numbers.clone(),
                ClassValues::Places | ClassValues::Names(_) => Vec::new(),
            },
            from: vec![0; capacity],
            starts: vec![0; capacity + 1],
            masks: vec![0; capacity * words],
            touching: vec![0; capacity.div_ceil(GROUP) * tiles],
            values: AlignedVec::zeros(capacity * tiles * TILE),
        }
    }

    /// Replaces the content by the samples `indices` of `data`.
    ///
    /// Cost: one pass over the samples' non-empty tiles.
    ///
    /// # Panics
    /// When there are more than `capacity` indices, one is outside the set, or `data` has another width than the set
    /// that the batch was made for.
    pub fn gather(&mut self, data: &Dataset, indices: &[u32]) {
        assert!(indices.len() <= self.capacity, "batch of {} in {}", indices.len(), self.capacity);
        assert_eq!(data.columns, self.columns, "another data set");
        self.len = indices.len();
        self.has_targets = data.targets.is_some();
        if let ClassValues::Numbers(numbers) = &data.class_values {
            self.has_targets = true;
            for (to, &index) in self.targets.iter_mut().zip(indices) {
                *to = T::from_f64(numbers[data.labels[index as usize] as usize]);
            }
        }
        if let Some(targets) = &data.targets {
            for (to, &index) in self.targets.iter_mut().zip(indices) {
                *to = T::from_f64(targets[index as usize]);
            }
        }
        Arch::new().dispatch(Gather { batch: self, data, indices });
    }

    /// Number of samples.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Most samples that fit.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Number of features of a sample.
    #[inline]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of tiles that a whole row has: `columns / 16`, rounded up.
    #[inline]
    pub fn tiles(&self) -> usize {
        self.tiles
    }

    /// The samples' labels.
    #[inline]
    pub fn labels(&self) -> &[u32] {
        &self.labels[..self.len]
    }

    /// What each class is as a number, in the set that the batch was made for; empty where that is its place.
    pub fn class_values(&self) -> &[f64] {
        &self.class_values
    }

    /// What sample `j` stands for as a number: its real target, or what its class is as a number.
    #[inline]
    pub fn target(&self, j: usize) -> T {
        if self.has_targets { self.targets[j] } else { T::from_f64(f64::from(self.labels[j])) }
    }

    /// The non-empty tiles of sample `j`: a bit a tile, lowest first, in words of 64.
    #[inline]
    pub fn mask(&self, j: usize) -> &[u64] {
        &self.masks[j * self.words..(j + 1) * self.words]
    }

    /// The values of sample `j`'s non-empty tiles, sixteen a tile, zero beyond the last column.
    #[inline]
    pub fn values(&self, j: usize) -> &[T] {
        &self.values[self.starts[j] as usize..self.starts[j + 1] as usize]
    }

    /// The values of all samples' tiles, one after the other.
    #[inline]
    pub fn all_values(&self) -> &[T] {
        &self.values[..self.starts[self.len] as usize]
    }

    /// Where sample `j`'s tiles begin in [`Batch::all_values`], counted in tiles.
    #[inline]
    pub fn first_tile(&self, j: usize) -> u32 {
        self.starts[j] / TILE as u32
    }

    /// For the samples `32 g … 32 g + 31`: a word a tile, whose bit `i` says that sample `32 g + i` has that tile.
    #[inline]
    pub fn touching(&self, g: usize) -> &[u32] {
        &self.touching[g * self.tiles..(g + 1) * self.tiles]
    }

    /// One sample in the order that models see ([`Dataset::order`]), zeros included: the slow, obvious view.
    ///
    /// # Panics
    /// When `j ≥ len()` or `out` has not `columns()` places.
    pub fn dense(&self, j: usize, out: &mut [T]) {
        assert!(j < self.len && out.len() == self.columns);
        out.fill(T::ZERO);
        let mut values = self.values(j).chunks_exact(TILE);
        for tile in 0..self.tiles {
            if self.mask(j)[tile / 64] >> (tile % 64) & 1 == 1 {
                let cells = values.next().expect("a tile for every bit");
                let end = (tile * TILE + TILE).min(self.columns);
                out[tile * TILE..end].copy_from_slice(&cells[..end - tile * TILE]);
            }
        }
    }
}

struct Gather<'a, T> {
    batch: &'a mut Batch<T>,
    data: &'a Dataset,
    indices: &'a [u32],
}

impl<T: Scalar> WithSimd for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Gather { batch, data, indices } = self;
        let words = data.words;
        let groups = indices.len().div_ceil(GROUP);
        // Rows lie all over memory: all heads are read first, so that their cache misses overlap. The values themselves
        // were asked for by `Dataset::prefetch` while the worker before computed.
        let mut at = 0;
        batch.starts[0] = 0;
        for (j, &index) in indices.iter().enumerate() {
            let head = &data.heads[index as usize * (1 + words)..][..1 + words];
            batch.labels[j] = (head[0] >> 32) as u32;
            batch.from[j] = head[0] as u32;
            let mut tiles = 0;
            for (mask, &bits) in batch.masks[j * words..].iter_mut().zip(&head[1..]) {
                *mask = bits;
                tiles += bits.count_ones();
            }
            at += tiles * TILE as u32;
            batch.starts[j + 1] = at;
        }
        for group in 0..groups {
            let first = group * GROUP;
            let count = GROUP.min(indices.len() - first);
            let touching = &mut batch.touching[group * batch.tiles..][..batch.tiles];
            for (part, touching) in touching.chunks_mut(32).enumerate() {
                let mut square = [0u32; 32];
                for (j, bits) in square[..count].iter_mut().enumerate() {
                    let word = batch.masks[(first + j) * words + part / 2];
                    *bits = (word >> (part % 2 * 32)) as u32;
                }
                transpose(&mut square);
                touching.copy_from_slice(&square[..touching.len()]);
            }
        }
        for j in 0..indices.len() {
            let out = &mut batch.values[batch.starts[j] as usize..batch.starts[j + 1] as usize];
            let from = batch.from[j] as usize * TILE;
            let stored = from..from + out.len();
            match &data.store {
                Store::Bytes { values, scale } => {
                    let scale = T::from_f64(*scale);
                    for (o, &v) in out.iter_mut().zip(&values[stored]) {
                        *o = from_byte::<T>(v) * scale;
                    }
                }
                Store::F32(values) => {
                    for (o, &v) in out.iter_mut().zip(&values[stored]) {
                        *o = T::from_f64(f64::from(v));
                    }
                }
                Store::F64(values) => {
                    for (o, &v) in out.iter_mut().zip(&values[stored]) {
                        *o = T::from_f64(v);
                    }
                }
            }
        }
    }
}

/// Asks the memory for the cache lines of a slice, without waiting. Nothing but time depends on it; where the machine has no
/// such instruction nothing happens.
#[inline(always)]
pub fn prefetch<V>(values: &[V]) {
    let step = (64 / size_of::<V>().max(1)).max(1);
    for value in values.iter().step_by(step).chain(values.last()) {
        prefetch_line(value);
    }
}

/// The same for the one line that a value begins in.
#[inline(always)]
pub(crate) fn prefetch_line<V>(value: &V) {
    #[cfg(target_arch = "x86_64")]
    if let Some(sse) = pulp::core_arch::x86::Sse::try_new() {
        sse._mm_prefetch::<2>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Swaps rows and columns of a square of bits: bit `i` of word `j` becomes bit `j` of word `i`. Halves are exchanged at
/// every scale from 16 down to 1.
#[inline(always)]
fn transpose(square: &mut [u32; GROUP]) {
    let mut step = 16;
    let mut keep = 0x0000_ffffu32;
    while step > 0 {
        for block in square.chunks_exact_mut(2 * step) {
            let (top, bottom) = block.split_at_mut(step);
            for (a, b) in top.iter_mut().zip(bottom) {
                let t = ((*a >> step) ^ *b) & keep;
                *a ^= t << step;
                *b ^= t;
            }
        }
        step /= 2;
        keep ^= keep << step;
    }
}

/// Through `i32` and `f32`, both exact for a byte, because that is what vector units convert.
#[inline(always)]
fn from_byte<T: Scalar>(v: u8) -> T {
    let x = i32::from(v) as f32;
    if size_of::<T>() == 4 { bytemuck::cast(x) } else { T::from_f64(f64::from(x)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sparse(rows: usize, columns: usize) -> (Vec<u8>, Vec<u32>) {
        let values = (0..rows * columns)
            .map(|i| if (i / 23) % 3 == 0 { (i * 7 % 251) as u8 } else { 0 })
            .collect();
        (values, (0..rows as u32).map(|r| r % 3).collect())
    }

    #[test]
    fn a_subset_is_the_set_of_its_rows() {
        let mut values: Vec<u8> = (0..7 * 40).map(|i| (i % 251) as u8).collect();
        // A row that lacks all tiles, and one that lacks its first.
        values[40..80].fill(0);
        values[120..136].fill(0);
        let labels = [0, 1, 2, 0, 1, 2, 0];
        let set = |values: &[u8], labels: Vec<u32>| {
            let values = Values::Bytes { values, scale: 0.5 };
            Dataset::new(values, 40, labels, 3, Layout::Flat).unwrap()
        };
        let rows = [6, 1, 3, 3];
        let picked: Vec<u8> =
            rows.iter().flat_map(|&r| &values[r as usize * 40..][..40]).copied().collect();
        let expected = set(&picked, rows.iter().map(|&r| labels[r as usize]).collect());
        let whole = set(&values, labels.to_vec());
        let subset = whole.subset(&rows).unwrap();
        assert_eq!(subset.labels(), expected.labels());
        let (mut a, mut b) = (Batch::<f64>::new(&subset, 4), Batch::<f64>::new(&expected, 4));
        a.gather(&subset, &[0, 1, 2, 3]);
        b.gather(&expected, &[0, 1, 2, 3]);
        for j in 0..4 {
            assert_eq!((a.values(j), a.mask(j)), (b.values(j), b.mask(j)));
            let (mut of_a, mut of_b) = (vec![0.0; 40], vec![0.0; 40]);
            subset.row(j, &mut of_a);
            expected.row(j, &mut of_b);
            assert_eq!(of_a, of_b);
        }
        assert!(matches!(whole.subset(&[]), Err(DatasetError::Empty { .. })));
    }

    #[test]
    fn rows_come_back_as_they_went_in() {
        for (columns, layout) in [
            (784, Layout::Image { height: 28, width: 28 }),
            (54, Layout::Flat),
            (16, Layout::Flat),
            (6, Layout::Image { height: 2, width: 3 }),
            (1100, Layout::Flat),
        ] {
            let (values, labels) = sparse(37, columns);
            let bytes = Values::Bytes { values: &values, scale: 0.25 };
            let set = Dataset::new(bytes, columns, labels.clone(), 3, layout).unwrap();
            let mut batch = Batch::<f32>::new(&set, 40);
            let all: Vec<u32> = (0..37).rev().collect();
            batch.gather(&set, &all);
            let (mut row, mut dense) = (vec![0.0; columns], vec![0.0f32; columns]);
            for j in 0..37 {
                let r = 36 - j;
                set.row(r, &mut row);
                batch.dense(j, &mut dense);
                assert_eq!(batch.labels()[j], labels[r]);
                for c in 0..columns {
                    assert_eq!(row[c], f64::from(values[r * columns + c]) * 0.25);
                }
                for (i, &c) in set.order().iter().enumerate() {
                    assert_eq!(f64::from(dense[i]), row[c as usize]);
                }
                for t in 0..batch.tiles() {
                    let here = batch.mask(j)[t / 64] >> (t % 64) & 1;
                    let there = batch.touching(j / GROUP)[t] >> (j % GROUP) & 1;
                    assert_eq!(here, u64::from(there));
                }
            }
        }
    }

    #[test]
    fn double_precision_survives_a_batch() {
        let values = [0.1, -1e-30, 3.0, 1e200];
        let set = Dataset::new(Values::F64(&values), 2, vec![0, 1], 2, Layout::Flat).unwrap();
        let mut batch = Batch::<f64>::new(&set, 2);
        batch.gather(&set, &[1, 0]);
        let mut row = [0.0; 2];
        batch.dense(0, &mut row);
        assert_eq!(row, [3.0, 1e200]);
        batch.dense(1, &mut row);
        assert_eq!(row, [0.1, -1e-30]);
    }

    #[test]
    fn targets_are_real_ones_or_labels_as_numbers() {
        let values = Values::F64(&[1.0, -7.0, 3.0]);
        let real = Dataset::with_targets(values, 1, vec![0.5, -9.25, 3.0], Layout::Flat).unwrap();
        let labelled = Dataset::new(values, 1, vec![2, 0, 1], 3, Layout::Flat).unwrap();
        assert_eq!((real.classes(), real.targets().unwrap().len()), (1, 3));
        assert_eq!((real.largest(), labelled.largest(), labelled.targets()), (9.25, 7.0, None));
        let mut batch = Batch::<f32>::new(&labelled, 2);
        for (set, expected) in
            [(&labelled, [0.0, 2.0]), (&real, [-9.25, 0.5]), (&labelled, [0.0, 2.0])]
        {
            batch.gather(set, &[1, 0]);
            assert_eq!([batch.target(0), batch.target(1)], expected);
        }
    }

    #[test]
    fn bad_sets_are_refused_with_numbers() {
        let new = |v: &[f32], columns, labels: Vec<u32>, layout| {
            Dataset::new(Values::F32(v), columns, labels, 2, layout).unwrap_err().to_string()
        };
        assert!(new(&[], 3, vec![], Layout::Flat).contains("0 rows"));
        assert!(
            new(&[1.0; 5], 3, vec![0, 1], Layout::Flat).contains("5 values do not fill 2 rows")
        );
        assert!(new(&[1.0; 6], 3, vec![0, 2], Layout::Flat).contains("label 2 of row 1"));
        let nan = [1.0, 1.0, 1.0, 1.0, f32::NAN, 1.0];
        assert!(new(&nan, 3, vec![0, 1], Layout::Flat).contains("feature 1 of row 1 is NaN"));
        let infinite = Values::Bytes { values: &[1, 2], scale: f64::INFINITY };
        let error = Dataset::new(infinite, 1, vec![0, 1], 2, Layout::Flat).unwrap_err();
        assert_eq!(error, DatasetError::Scale { scale: f64::INFINITY });
        let targets = |t: Vec<f64>| {
            Dataset::with_targets(Values::F32(&[1.0; 6]), 3, t, Layout::Flat)
                .unwrap_err()
                .to_string()
        };
        assert!(targets(vec![0.0, f64::NAN]).contains("the target of row 1 is NaN"));
        assert!(targets(vec![0.0; 3]).contains("6 values do not fill 3 rows"));
        let picture = Layout::Image { height: 2, width: 2 };
        assert!(new(&[1.0; 6], 3, vec![0, 1], picture).contains("2×2 pixels has 4 columns"));
    }
}
