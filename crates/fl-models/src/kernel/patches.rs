//! Sums of patches with factors: what a convolution's backward pass is made of, where most factors are zero.

use super::{load, store};
use fl_core::Scalar;
use pulp::{Simd, WithSimd};

/// Rows of numbers in one matrix, and of as many in another.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    /// Numbers in a row; whole registers are read and written, so up to fifteen more on both sides.
    pub(crate) width: usize,
    /// Distance of neighbouring rows of what is read, and of what is written.
    pub(crate) apart: (usize, usize),
}

/// The patches of a sum: where each begins, and its factor.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a, T> {
    pub(crate) places: &'a [u32],
    pub(crate) factors: &'a [T],
}

/// `to[r, i] += Σ_e factor_e · from[place_e + (r, i)]` for the rows and numbers of a shape, terms in their order.
#[inline(always)]
pub(crate) fn add<T: Scalar, S: Simd>(
    simd: S,
    shape: Shape,
    terms: Terms<'_, T>,
    from: &[T],
    to: &mut [T],
) {
    // A function of its own, as in `dense`.
    simd.vectorize(Add { shape, terms, from, to });
}

struct Add<'a, T> {
    shape: Shape,
    terms: Terms<'a, T>,
    from: &'a [T],
    to: &'a mut [T],
}

impl<T: Scalar> WithSimd for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut row = 0;
        while row < self.shape.rows {
            row += match self.shape.rows - row {
                5.. => self.row::<5, S>(simd, row),
                3.. => self.row::<3, S>(simd, row),
                _ => self.row::<1, S>(simd, row),
            };
        }
    }
}

impl<T: Scalar> Add<'_, T> {
    /// G rows from `row`; returns G.
    #[inline(always)]
    fn row<const G: usize, S: Simd>(&mut self, simd: S, row: usize) -> usize {
        let registers = self.shape.width.div_ceil(T::lane_count::<S>());
        // Twenty sums are as many as thirty-two registers hold beside what is read, ten as many as sixteen do.
        let widest = if S::REGISTER_COUNT >= 32 { 4 } else { 2 };
        let mut at = 0;
        while at < registers {
            at += match (registers - at).min(widest) {
                4.. => self.block::<G, 4, S>(simd, row, at),
                2.. => self.block::<G, 2, S>(simd, row, at),
                _ => self.block::<G, 1, S>(simd, row, at),
            };
        }
        G
    }

    /// R registers of G rows; returns R.
    #[inline(always)]
    fn block<const G: usize, const R: usize, S: Simd>(
        &mut self,
        simd: S,
        row: usize,
        at: usize,
    ) -> usize {
        let lanes = T::lane_count::<S>();
        let (from_apart, to_apart) = self.shape.apart;
        let to = &mut self.to[row * to_apart + at * lanes..];
        let mut sums = [[T::splat(simd, T::ZERO); R]; G];
        for g in 0..G {
            for r in 0..R {
                sums[g][r] = load::<T, S>(&to[g * to_apart + r * lanes..]);
            }
        }
        let from = &self.from[row * from_apart + at * lanes..];
        for (&place, &factor) in self.terms.places.iter().zip(self.terms.factors) {
            let patch = &from[place as usize..];
            let factor = T::splat(simd, factor);
            for g in 0..G {
                let x = T::split::<S>(&patch[g * from_apart..][..R * lanes]).0;
                for r in 0..R {
                    sums[g][r] = T::mul_add(simd, factor, x[r], sums[g][r]);
                }
            }
        }
        for g in 0..G {
            for r in 0..R {
                store::<T, S>(&mut to[g * to_apart + r * lanes..], sums[g][r]);
            }
        }
        R
    }
}
