//! How values are stored: what goes in, and tiles of sixteen columns without the empty ones.

use super::DatasetError;
use crate::num::prefetch;
use std::ops::Range;

/// Columns in a tile.
pub const TILE: usize = 16;

/// Samples that one word of [`Batch::touching`](super::Batch::touching) covers.
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
    pub(super) fn len(&self) -> usize {
        match self {
            Values::Bytes { values, .. } => values.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
        }
    }

    /// The largest absolute value, all of them being finite.
    pub(super) fn largest(&self, columns: usize) -> Result<f64, DatasetError> {
        match *self {
            Values::Bytes { scale, .. } if !scale.is_finite() => Err(DatasetError::Scale { scale }),
            Values::Bytes { values, scale } => {
                Ok(f64::from(values.iter().copied().max().unwrap_or(0)) * scale.abs())
            }
            Values::F32(values) => largest(values, columns),
            Values::F64(values) => largest(values, columns),
        }
    }
}

/// How columns are grouped into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Sixteen neighbouring columns a tile, in their own order.
    Flat,
    /// Columns are the pixels of a picture in row-major order, channel after channel; a tile is a patch of 4×4 pixels of one
    /// channel. There are as many channels as pictures of these sides fill the columns.
    /// Where a side is no multiple of 4, tiles are those of [`Layout::Flat`].
    Image {
        /// Rows of pixels.
        height: usize,
        /// Pixels in a row.
        width: usize,
    },
}

/// The shape of a picture, whose numbers lie channel after channel, row after row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Numbers of a pixel: 1 for grey, 3 for colours.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl std::fmt::Display for Picture {
    /// `3×32×32`: channels, height, width.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

impl Picture {
    /// `channels · height · width`; `usize::MAX` where that is beyond `usize`.
    pub fn columns(self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }

    /// [`Dataset::order`](super::Dataset::order) of a set of such pictures.
    pub fn order(self) -> Vec<u32> {
        let Self { height, width, .. } = self;
        if !height.is_multiple_of(4) || !width.is_multiple_of(4) {
            return (0..self.columns() as u32).collect();
        }
        let patches = height * width / TILE;
        let place = |i: usize| {
            let (tile, lane) = (i / TILE, i % TILE);
            let (channel, patch) = (tile / patches, tile % patches);
            let y = patch / (width / 4) * 4 + lane / 4;
            let x = patch % (width / 4) * 4 + lane % 4;
            ((channel * height + y) * width + x) as u32
        };
        (0..self.columns()).map(place).collect()
    }
}

impl Layout {
    /// The shape of a picture of `columns` numbers; `None` where columns are not pixels.
    pub(super) fn picture(self, columns: usize) -> Result<Option<Picture>, DatasetError> {
        let Layout::Image { height, width } = self else { return Ok(None) };
        match height.checked_mul(width) {
            Some(pixels) if pixels > 0 && columns.is_multiple_of(pixels) => {
                Ok(Some(Picture { channels: columns / pixels, height, width }))
            }
            _ => Err(DatasetError::Picture { height, width, columns }),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Store {
    Bytes { values: Vec<u8>, scale: f64 },
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Store {
    /// Keeps the tiles that hold anything, marks them in a row's mask of `words` words, and returns each row's end, counted in
    /// tiles.
    pub(super) fn compact(
        values: Values<'_>,
        order: &[u32],
        words: usize,
        masks: &mut [u64],
    ) -> (Self, Vec<u32>) {
        match values {
            Values::Bytes { values, scale } => {
                let (values, ends) = compact(values, order, words, masks);
                (Store::Bytes { values, scale }, ends)
            }
            Values::F32(values) => {
                let (values, ends) = compact(values, order, words, masks);
                (Store::F32(values), ends)
            }
            Values::F64(values) => {
                let (values, ends) = compact(values, order, words, masks);
                (Store::F64(values), ends)
            }
        }
    }

    /// The tiles of some rows, from all rows' starts.
    pub(super) fn pick(&self, starts: &[u32], rows: &[u32]) -> Self {
        fn pick<V: Copy>(values: &[V], starts: &[u32], rows: &[u32]) -> Vec<V> {
            let place = |row: usize| starts[row] as usize * TILE..starts[row + 1] as usize * TILE;
            rows.iter().flat_map(|&row| &values[place(row as usize)]).copied().collect()
        }
        match self {
            Store::Bytes { values, scale } => {
                Store::Bytes { values: pick(values, starts, rows), scale: *scale }
            }
            Store::F32(values) => Store::F32(pick(values, starts, rows)),
            Store::F64(values) => Store::F64(pick(values, starts, rows)),
        }
    }

    /// Asks the memory for some values.
    #[inline]
    pub(super) fn prefetch(&self, places: Range<usize>) {
        match self {
            Store::Bytes { values, .. } => prefetch(&values[places]),
            Store::F32(values) => prefetch(&values[places]),
            Store::F64(values) => prefetch(&values[places]),
        }
    }

    /// Bytes of the values.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Store::Bytes { values, .. } => values.len(),
            Store::F32(values) => size_of_val(&values[..]),
            Store::F64(values) => size_of_val(&values[..]),
        }
    }
}

/// A row's first word.
#[inline(always)]
pub(super) fn head(start: u32, label: u32) -> u64 {
    u64::from(label) << 32 | u64::from(start)
}

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

/// Keeps the tiles that hold anything; returns them and each row's end, counted in tiles.
fn compact<V: Copy + Default + PartialEq>(
    values: &[V],
    order: &[u32],
    words: usize,
    masks: &mut [u64],
) -> (Vec<V>, Vec<u32>) {
    let columns = order.len();
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
