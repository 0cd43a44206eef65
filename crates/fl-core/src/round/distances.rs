//! All squared distances of a round, by differences: the one pass over the messages that rules are decided on.
//!
//! Columns are cut into tiles of 2 KiB a row; points are cut into blocks of four, and a block pair's sixteen sums live
//! in registers over a tile. A tile's sums are in the messages' type, everything above a tile is `f64`.
//! Tiles are grouped into chunks whose number depends on the shape alone, each chunk has sums of its own, and these are
//! added in order: any number of threads gives the same bits.

use super::SourceError;
use super::stream::{Points, Stream};
use crate::Scalar;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// Points in a block.
const BLOCK: usize = 4;
/// Sums of a block pair.
const PAIR: usize = BLOCK * BLOCK;
/// Most chunks: enough for any thread count worth having, few enough that adding their sums costs nothing.
const CHUNKS: usize = 64;
/// Below this many numbers a parallel pass costs more than it saves.
const SERIAL: usize = 1 << 15;

/// Columns in a tile: 2 KiB a row, so that two blocks stay in a first-level cache.
const fn tile_columns<T>() -> usize {
    4096 / size_of::<T>()
}

fn chunk_columns<T>(dim: usize) -> usize {
    let tile = tile_columns::<T>();
    dim.div_ceil(CHUNKS).div_ceil(tile).max(1) * tile
}

/// Number of sums of all block pairs of `points` points.
fn sums(points: usize) -> usize {
    let blocks = points.div_ceil(BLOCK);
    blocks * (blocks + 1) / 2 * PAIR
}

/// Length of the buffer that [`all_pairs`] needs.
pub(crate) fn buffer_len<T>(points: usize, dim: usize) -> usize {
    dim.div_ceil(chunk_columns::<T>(dim)).max(1) * sums(points)
}

/// Squared distances of all pairs into the symmetric `d` (row-major, `points.len()` wide).
///
/// An entry may come out infinite or NaN, or lost to underflow: the caller looks (see `Geometry::measure`).
pub(crate) fn all_pairs<T: Scalar>(
    stream: Stream<'_, T>,
    buffer: &mut [f64],
    d: &mut [f64],
) -> Result<(), SourceError> {
    let (n, dim) = (stream.len(), stream.dim());
    let (sums, columns) = (sums(n), chunk_columns::<T>(dim));
    let buffer = &mut buffer[..buffer_len::<T>(n, dim)];
    let arch = Arch::new();
    // A chunk's sums are carried over its windows: their number changes no bit.
    let chunk = |(i, sums): (usize, &mut [f64])| {
        sums.fill(0.0);
        stream.windows(
            i * columns..((i + 1) * columns).min(dim),
            |_| true,
            |points, window| {
                arch.dispatch(Chunk {
                    points,
                    from: window.start,
                    to: window.end,
                    sums: &mut *sums,
                });
            },
        )
    };
    if n * dim < SERIAL {
        buffer.chunks_exact_mut(sums).enumerate().try_for_each(chunk)?;
    } else if stream.resident().is_some() {
        buffer.par_chunks_exact_mut(sums).enumerate().try_for_each(chunk)?;
    } else {
        // One after the other, so that files are read nearly in order.
        buffer.chunks_exact_mut(sums).enumerate().par_bridge().try_for_each(chunk)?;
    }
    let (total, others) = buffer.split_at_mut(sums);
    for other in others.chunks_exact(sums) {
        for (t, o) in total.iter_mut().zip(other) {
            *t += o;
        }
    }
    let mut pair = total.chunks_exact(PAIR);
    for a in (0..n).step_by(BLOCK) {
        for b in (a..n).step_by(BLOCK) {
            let sums = pair.next().expect("a sum for every block pair");
            for i in 0..BLOCK.min(n - a) {
                for j in 0..BLOCK.min(n - b) {
                    if a + i < b + j {
                        d[(a + i) * n + b + j] = sums[i * BLOCK + j];
                        d[(b + j) * n + a + i] = sums[i * BLOCK + j];
                    }
                }
            }
        }
    }
    for i in 0..n {
        d[i * n + i] = 0.0;
    }
    Ok(())
}

struct Chunk<'a, T> {
    points: Points<'a, T>,
    from: usize,
    to: usize,
    sums: &'a mut [f64],
}

impl<T: Scalar> WithSimd for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { points, from, to, sums } = self;
        // 512 numbers of 4 bytes or 256 of 8: one tile of the origin.
        let zeros = [T::ZERO; 1024];
        let n = points.len();
        let tile = tile_columns::<T>();
        for from in (from..to).step_by(tile) {
            let to = (from + tile).min(to);
            let block = |a: usize| -> [&[T]; BLOCK] {
                std::array::from_fn(|i| points.get(a + i, from, to).unwrap_or(&zeros[..to - from]))
            };
            let mut sums = sums.chunks_exact_mut(PAIR);
            for a in (0..n).step_by(BLOCK) {
                let rows = block(a);
                triangle(simd, rows, sums.next().expect("a sum for every block pair"));
                for b in (a + BLOCK..n).step_by(BLOCK) {
                    let columns = block(b);
                    let sums = sums.next().expect("a sum for every block pair");
                    if S::REGISTER_COUNT >= 32 {
                        rectangle::<T, S, 4>(simd, rows, columns, sums);
                    } else {
                        // Sixteen registers hold eight sums, two rows of differences and a column.
                        rectangle::<T, S, 2>(simd, [rows[0], rows[1]], columns, sums);
                        rectangle::<T, S, 2>(simd, [rows[2], rows[3]], columns, &mut sums[8..]);
                    }
                }
            }
        }
    }
}

/// Adds Σ_k (a_i − b_j)² over a tile's columns k for `R` rows against four.
#[inline(always)]
fn rectangle<T: Scalar, S: Simd, const R: usize>(
    simd: S,
    rows: [&[T]; R],
    columns: [&[T]; BLOCK],
    sums: &mut [f64],
) {
    let len = rows[0].len();
    let a = rows.map(|r| T::split::<S>(&r[..len]));
    let b = columns.map(|c| T::split::<S>(&c[..len]));
    let vectors = a[0].0.len();
    let (av, bv) = (a.map(|x| &x.0[..vectors]), b.map(|x| &x.0[..vectors]));
    let mut acc = [[T::splat(simd, T::ZERO); BLOCK]; R];
    for k in 0..vectors {
        for i in 0..R {
            for j in 0..BLOCK {
                let difference = T::v_sub(simd, av[i][k], bv[j][k]);
                acc[i][j] = T::mul_add(simd, difference, difference, acc[i][j]);
            }
        }
    }
    if !a[0].1.is_empty() {
        let at = a.map(|x| T::load_partial(simd, x.1));
        let bt = b.map(|x| T::load_partial(simd, x.1));
        for i in 0..R {
            for j in 0..BLOCK {
                let difference = T::v_sub(simd, at[i], bt[j]);
                acc[i][j] = T::mul_add(simd, difference, difference, acc[i][j]);
            }
        }
    }
    for i in 0..R {
        for j in 0..BLOCK {
            sums[i * BLOCK + j] += T::reduce_sum(simd, acc[i][j]).to_f64();
        }
    }
}

/// The six pairs inside a block.
#[inline(always)]
fn triangle<T: Scalar, S: Simd>(simd: S, rows: [&[T]; BLOCK], sums: &mut [f64]) {
    const PAIRS: [(usize, usize); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
    let len = rows[0].len();
    let a = rows.map(|r| T::split::<S>(&r[..len]));
    let vectors = a[0].0.len();
    let av = a.map(|x| &x.0[..vectors]);
    let mut acc = [T::splat(simd, T::ZERO); 6];
    for k in 0..vectors {
        for (acc, (i, j)) in acc.iter_mut().zip(PAIRS) {
            let difference = T::v_sub(simd, av[i][k], av[j][k]);
            *acc = T::mul_add(simd, difference, difference, *acc);
        }
    }
    if !a[0].1.is_empty() {
        let at = a.map(|x| T::load_partial(simd, x.1));
        for (acc, (i, j)) in acc.iter_mut().zip(PAIRS) {
            let difference = T::v_sub(simd, at[i], at[j]);
            *acc = T::mul_add(simd, difference, difference, *acc);
        }
    }
    for (acc, (i, j)) in acc.into_iter().zip(PAIRS) {
        sums[i * BLOCK + j] += T::reduce_sum(simd, acc).to_f64();
    }
}

/// Sums that a processor can work on at a time.
const LANES: usize = 8;
/// Columns of a pair that are looked at together.
const TILE: usize = 512;

/// Length of the buffer that [`all_pairs_scaled`] needs for messages that are not in memory.
pub(crate) fn lanes_len(points: usize) -> usize {
    points.saturating_mul(points).saturating_mul(LANES)
}

/// The same in `f64` throughout, with every length divided by `unit`: for values whose squares overflow or vanish.
/// Several times slower, and hardly ever needed.
pub(crate) fn all_pairs_scaled<T: Scalar>(
    stream: Stream<'_, T>,
    unit: f64,
    buffer: &mut [f64],
    d: &mut [f64],
) -> Result<(), SourceError> {
    let (n, scale, zeros) = (stream.len(), 1.0 / unit, [T::ZERO; TILE]);
    let d = &mut d[..n * n];
    if let Some(points) = stream.resident() {
        d.par_chunks_exact_mut(n).enumerate().for_each(|(i, row)| {
            for (j, sum) in row.iter_mut().enumerate() {
                let mut lanes = [0.0; LANES];
                pair_scaled(points, (i, j), 0..stream.dim(), scale, &zeros, &mut lanes);
                *sum = lanes.iter().sum();
            }
        });
        return Ok(());
    }
    // Sums are carried from window to window: their number changes no bit.
    let (lanes, _) = buffer[..lanes_len(n)].as_chunks_mut::<LANES>();
    lanes.fill([0.0; LANES]);
    stream.windows(
        0..stream.dim(),
        |_| true,
        |points, window| {
            lanes.par_chunks_exact_mut(n).enumerate().for_each(|(i, row)| {
                for (j, lanes) in row.iter_mut().enumerate() {
                    pair_scaled(points, (i, j), window.clone(), scale, &zeros, lanes);
                }
            });
        },
    )?;
    for (sum, lanes) in d.iter_mut().zip(lanes) {
        *sum = lanes.iter().sum();
    }
    Ok(())
}

/// Adds a pair's squared differences in some columns; `zeros` are the origin's.
fn pair_scaled<T: Scalar>(
    points: Points<'_, T>,
    (i, j): (usize, usize),
    window: Range<usize>,
    scale: f64,
    zeros: &[T; TILE],
    lanes: &mut [f64; LANES],
) {
    for from in window.clone().step_by(TILE) {
        let to = (from + TILE).min(window.end);
        let [a, b] = [i, j].map(|p| points.get(p, from, to).unwrap_or(&zeros[..to - from]));
        for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
            for (l, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
                let difference = a.to_f64() * scale - b.to_f64() * scale;
                *l += difference * difference;
            }
        }
    }
}
