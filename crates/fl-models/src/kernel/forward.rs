//! The first layer, `z = W x + b` for every sample of a batch, in one of two ways.
//!
//! * *Wide*: rows of W against the tiles that a sample has. Ten sums at a time run along the row and are added up across
//!   their lanes at its end. For pictures, whose rows are long and mostly empty.
//! * *Narrow*: a dense product with Wᵀ in the first-level cache, empty tiles written out. No sum across lanes, which is
//!   most of the work where rows are short.

use super::dense::{self, Left, Start};
use super::{PICTURE, for_row_blocks, padded, take};
use fl_core::data::TILE;
use fl_core::{Batch, Scalar};
use pulp::Simd;

/// How z is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// `outputs × padded(b)`.
    Output,
    /// `b × padded(outputs)`, zero in the padding.
    Sample,
}

/// Samples of a narrow product at a time, so that their rows stay in the first-level cache.
const CHUNK: usize = 48;

/// Numbers of scratch memory for [`affine`].
pub(crate) fn scratch_len<T>(outputs: usize, columns: usize, batch: usize) -> usize {
    if is_narrow::<T>(outputs, columns, batch) {
        let width = padded(outputs);
        (columns + 1) * width + CHUNK.min(batch) * (padded(columns) + width)
    } else if columns.is_multiple_of(TILE) {
        0
    } else {
        outputs * padded(columns)
    }
}

/// Whether the narrow way takes fewer instructions and Wᵀ leaves room in a first-level cache. It needs some samples to be
/// worth the transposition.
fn is_narrow<T>(outputs: usize, columns: usize, batch: usize) -> bool {
    let (width, tiles) = (padded(outputs), columns.div_ceil(TILE));
    let sums_across = 8;
    batch >= TILE
        && columns * width * size_of::<T>() <= 1 << 15
        && columns * width / TILE <= outputs * (tiles + sums_across)
}

/// `z ← W x + b` for every sample. W is row-major, `outputs × columns`; `bias` may be empty.
#[inline(always)]
pub(crate) fn affine<T: Scalar, S: Simd>(
    simd: S,
    w: &[T],
    bias: &[T],
    outputs: usize,
    batch: &Batch<T>,
    z: &mut [T],
    order: Order,
    scratch: &mut [T],
) {
    if is_narrow::<T>(outputs, batch.columns(), batch.len()) {
        narrow(simd, w, bias, outputs, batch, z, order, scratch);
    } else {
        wide(simd, w, bias, outputs, batch, z, order, scratch);
    }
}

#[inline(always)]
fn narrow<T: Scalar, S: Simd>(
    simd: S,
    w: &[T],
    bias: &[T],
    outputs: usize,
    batch: &Batch<T>,
    z: &mut [T],
    order: Order,
    mut scratch: &mut [T],
) {
    let (columns, width, samples) = (batch.columns(), padded(outputs), batch.len());
    let row = batch.tiles() * TILE;
    let transposed = take(&mut scratch, columns * width);
    let start = take(&mut scratch, width);
    let written_out = take(&mut scratch, CHUNK.min(samples) * row);
    let product = take(&mut scratch, CHUNK.min(samples) * width);
    dense::transpose(w, columns, outputs, transposed);
    start.fill(T::ZERO);
    start[..bias.len()].copy_from_slice(bias);
    for from in (0..samples).step_by(CHUNK) {
        let count = CHUNK.min(samples - from);
        let at = batch.first_tile(from) as usize * TILE;
        let end = (batch.first_tile(from + count - 1) as usize) * TILE
            + batch.values(from + count - 1).len();
        let x = if end - at == count * row {
            // No tile is empty: the batch is the matrix.
            &batch.all_values()[at..end]
        } else {
            for (j, out) in written_out.chunks_exact_mut(row).take(count).enumerate() {
                write_out(batch, from + j, out);
            }
            &*written_out
        };
        let left = Left { a: x, apart: (row, 1) };
        let out = match order {
            Order::Sample => &mut z[from * width..][..count * width],
            Order::Output => &mut product[..count * width],
        };
        dense::product(simd, count, columns, width, left, transposed, Start::Row(start), out);
        if order == Order::Output {
            for (j, p) in product.chunks_exact(width).take(count).enumerate() {
                for (z, &p) in z.chunks_exact_mut(padded(samples)).zip(p) {
                    z[from + j] = p;
                }
            }
        }
    }
}

/// A sample's tiles with the empty ones between them.
#[inline(always)]
fn write_out<T: Scalar>(batch: &Batch<T>, j: usize, out: &mut [T]) {
    let mut tiles = batch.values(j).as_chunks::<TILE>().0.iter();
    for (t, out) in out.as_chunks_mut::<TILE>().0.iter_mut().enumerate() {
        *out = match batch.mask(j)[t / 64] >> (t % 64) & 1 {
            0 => [T::ZERO; TILE],
            _ => tiles.next().copied().unwrap_or([T::ZERO; TILE]),
        };
    }
}

#[inline(always)]
fn wide<T: Scalar, S: Simd>(
    simd: S,
    w: &[T],
    bias: &[T],
    outputs: usize,
    batch: &Batch<T>,
    z: &mut [T],
    order: Order,
    scratch: &mut [T],
) {
    let w = whole_tiles(w, batch.columns(), scratch);
    let (samples, width) = (padded(batch.len()), padded(outputs));
    let places = match order {
        Order::Output => Places { rows_apart: samples, samples_apart: 1 },
        Order::Sample => Places { rows_apart: 1, samples_apart: width },
    };
    let columns = batch.tiles() * TILE;
    // With a constant row length the addresses of ten rows are displacements of one register; otherwise they are ten
    // registers, more than a machine has to spare. Pictures of 28 × 28 are worth a kernel of their own.
    if columns == PICTURE {
        for_row_blocks!(outputs, |row, N| {
            let z = &mut z[row * places.rows_apart..];
            block::<N, PICTURE, T, S>(simd, &w[row * columns..], batch, z, places);
        });
    } else {
        for_row_blocks!(outputs, |row, N| {
            let z = &mut z[row * places.rows_apart..];
            block::<N, 0, T, S>(simd, &w[row * columns..], batch, z, places);
        });
    }
    match order {
        Order::Output => {
            for (z, &b) in z.chunks_exact_mut(samples).zip(bias) {
                for z in z {
                    *z += b;
                }
            }
        }
        Order::Sample => {
            for z in z.chunks_exact_mut(width) {
                let (z, padding) = z.split_at_mut(outputs);
                for (z, &b) in z.iter_mut().zip(bias) {
                    *z += b;
                }
                padding.fill(T::ZERO);
            }
        }
    }
}

/// W with rows of whole tiles: itself where it has them, otherwise a copy padded with zeros.
#[inline(always)]
fn whole_tiles<'a, T: Scalar>(w: &'a [T], columns: usize, scratch: &'a mut [T]) -> &'a [T] {
    if columns.is_multiple_of(TILE) {
        return w;
    }
    let width = padded(columns);
    for (row, copy) in w.chunks_exact(columns).zip(scratch.chunks_exact_mut(width)) {
        copy[..columns].copy_from_slice(row);
        copy[columns..].fill(T::ZERO);
    }
    scratch
}

/// Where the product of a row of W with a sample goes: `row · rows_apart + sample · samples_apart`.
#[derive(Clone, Copy)]
struct Places {
    rows_apart: usize,
    samples_apart: usize,
}

/// `WIDTH` is the row length, or 0 where it is known at run time only.
#[inline(always)]
fn block<const N: usize, const WIDTH: usize, T: Scalar, S: Simd>(
    simd: S,
    w: &[T],
    batch: &Batch<T>,
    z: &mut [T],
    places: Places,
) {
    let registers = TILE / T::lane_count::<S>();
    let width = if WIDTH > 0 { WIDTH } else { batch.tiles() * TILE };
    let len = width / T::lane_count::<S>();
    // One slice of N rows, so that one bounds check a tile serves them all.
    let w = &T::split::<S>(&w[..N * width]).0[..N * len];
    for j in 0..batch.len() {
        let mut sums = [T::splat(simd, T::ZERO); N];
        let mut tiles = T::split::<S>(batch.values(j)).0.chunks_exact(registers);
        for (word, &bits) in batch.mask(j).iter().enumerate() {
            let mut bits = bits;
            while bits != 0 {
                let at = (word * 64 + bits.trailing_zeros() as usize) * registers;
                bits &= bits - 1;
                let Some(x) = tiles.next() else { break };
                for l in 0..registers {
                    let w = &w[at + l..][..(N - 1) * len + 1];
                    for r in 0..N {
                        sums[r] = T::mul_add(simd, w[r * len], x[l], sums[r]);
                    }
                }
            }
        }
        for r in 0..N {
            z[r * places.rows_apart + j * places.samples_apart] = T::reduce_sum(simd, sums[r]);
        }
    }
}
