//! How values are stored: what goes in, and tiles of sixteen columns without the empty ones.

use super::DatasetError;

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

#[derive(Clone, Debug)]
pub(super) enum Store {
    Bytes { values: Vec<u8>, scale: f64 },
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// A row's first word.
#[inline(always)]
pub(super) fn head(start: u32, label: u32) -> u64 {
    u64::from(label) << 32 | u64::from(start)
}

/// The largest absolute value, all of them being finite.
pub(super) fn largest<V: Copy + Into<f64>>(
    values: &[V],
    columns: usize,
) -> Result<f64, DatasetError> {
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

pub(super) fn order(columns: usize, layout: Layout) -> Result<Vec<u32>, DatasetError> {
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
pub(super) fn compact<V: Copy + Default + PartialEq>(
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
