//! Columns of messages in cache: where coordinate-wise rules work.
//!
//! A tile has one row a message, as pre-aggregators leave it, and a few dozen columns. A mixing is applied while the tile is
//! filled, so mixed messages exist for a tile at a time and nothing of size `W × p` is ever written.

use super::network::{BLOCK, Network, Sort};
use crate::Scalar;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Columns in a tile: four cache lines a row, so that the rows of a hundred messages stay in a first-level cache.
pub(crate) const fn tile_columns<T>() -> usize {
    256 / size_of::<T>()
}

/// Some columns of a round's messages, in a buffer of its own.
#[derive(Debug)]
pub struct Tile<'a, T> {
    /// Rows of [`tile_columns`] numbers, with room for a whole last block of the network.
    pub(crate) data: &'a mut [T],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) arch: Arch,
    pub(crate) network: &'a mut Network,
}

impl<T: Scalar> Tile<'_, T> {
    /// Number of messages.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Row `i`: the message of index `i`, or after [`Tile::sort`] the `i`-th smallest number of each column.
    pub fn row(&self, i: usize) -> &[T] {
        assert!(i < self.rows, "row {i} of {}", self.rows);
        &self.data[i * tile_columns::<T>()..][..self.columns]
    }

    /// Sorts each column, the smallest number first.
    ///
    /// Zeros of both signs are equal, and it is not said which of them are left.
    pub fn sort(&mut self) {
        self.select(0..self.rows);
    }

    /// Sorts each column as far as is needed for the given ranks: afterwards row `i` of these is the `i`-th smallest number of
    /// each column, and other rows are of no use.
    ///
    /// # Panics
    /// When there are not as many rows.
    pub fn select(&mut self, ranks: Range<usize>) {
        assert!(ranks.end <= self.rows, "ranks {ranks:?} of {}", self.rows);
        let end = self.rows.next_multiple_of(BLOCK) * tile_columns::<T>();
        self.data[self.rows * tile_columns::<T>()..end].fill(T::MAX);
        self.network.prepare(self.rows, ranks);
        self.merge(false);
    }

    pub(crate) fn merge(&mut self, begun: bool) {
        self.arch.dispatch(Sort {
            data: &mut self.data[..self.rows.next_multiple_of(BLOCK) * tile_columns::<T>()],
            network: self.network,
            stride: tile_columns::<T>(),
            columns: self.columns,
            begun,
        });
    }

    /// The mean of some rows, formed as differences from the one in their middle: of sorted rows these are small, and the mean
    /// of equal numbers is that number.
    ///
    /// # Panics
    /// When there are no such rows, or `out` is not as long as a row.
    pub fn mean(&self, rows: Range<usize>, out: &mut [T]) {
        assert!(rows.start < rows.end && rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        assert_eq!(out.len(), self.columns);
        let mean = Mean { tile: self, rows: rows.clone(), out: &mut *out };
        if self.arch.dispatch(mean) {
            return;
        }
        // Differences have overflowed.
        let share = 1.0 / rows.len() as f64;
        for (k, out) in out.iter_mut().enumerate() {
            *out = T::from_f64(rows.clone().map(|i| self.row(i)[k].to_f64() * share).sum());
        }
    }

    /// The same tile under the name of its number type.
    pub(crate) fn cast<U: Scalar>(&mut self) -> Tile<'_, U> {
        Tile {
            data: bytemuck::cast_slice_mut(self.data),
            rows: self.rows,
            columns: self.columns,
            arch: self.arch,
            network: self.network,
        }
    }

    fn vectors<S: Simd>(&self, row: usize) -> &[T::Lanes<S>] {
        T::split::<S>(&self.data[row * tile_columns::<T>()..][..tile_columns::<T>()]).0
    }
}

struct Mean<'a, T> {
    tile: &'a Tile<'a, T>,
    rows: Range<usize>,
    out: &'a mut [T],
}

impl<T: Scalar> WithSimd for Mean<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { tile, rows, out } = self;
        let middle = rows.start + (rows.len() - 1) / 2;
        let base = tile.vectors::<S>(middle);
        let count = T::splat(simd, T::from_f64(rows.len() as f64));
        let mut alarm = T::splat(simd, T::ZERO);
        let zero = alarm;
        const RUN: usize = 4;
        let lanes = T::lane_count::<S>();
        for (k, out) in out.chunks_mut(RUN * lanes).enumerate() {
            let k = k * RUN;
            let b: [_; RUN] = std::array::from_fn(|i| base[k + i]);
            let mut acc = [zero; RUN];
            for row in rows.clone() {
                let v = &tile.vectors::<S>(row)[k..k + RUN];
                for i in 0..RUN {
                    acc[i] = T::v_add(simd, acc[i], T::v_sub(simd, v[i], b[i]));
                }
            }
            for (out, (acc, b)) in out.chunks_mut(lanes).zip(acc.into_iter().zip(b)) {
                let mean = T::v_add(simd, b, T::v_div(simd, acc, count));
                if out.len() == lanes {
                    T::split_mut::<S>(out).0[0] = mean;
                    alarm = T::mul_add(simd, mean, zero, alarm);
                } else {
                    T::store_partial(simd, out, mean);
                    let kept = T::load_partial(simd, out);
                    alarm = T::mul_add(simd, kept, zero, alarm);
                }
            }
        }
        T::reduce_sum(simd, alarm) == T::ZERO
    }
}
