//! The hot loops. Each is generic over the number type and the instruction set and is inlined into the one
//! `Arch::dispatch` of a call: a function that is not inlined there would be compiled for the oldest machine.

mod cross_entropy;
pub(crate) mod dense;
pub(crate) mod elementary;
pub(crate) mod fold;
pub(crate) mod forward;
pub(crate) mod head;
pub(crate) mod patches;

use fl_core::Scalar;
use fl_core::data::TILE;
use pulp::Simd;

/// Columns of MNIST's and Fashion-MNIST's pictures, for which the kernels of the first layer are compiled with a constant
/// row length (measured: a tenth of a whole round).
pub(crate) const PICTURE: usize = 28 * 28;

/// The next multiple of sixteen: rows of scratch matrices have whole registers on every machine.
pub(crate) const fn padded(n: usize) -> usize {
    n.next_multiple_of(TILE)
}

/// Takes `n` numbers off the front of scratch memory; pieces start sixteen numbers apart, so at cache lines in `f32`.
#[inline(always)]
pub(crate) fn take<'a, T>(scratch: &mut &'a mut [T], n: usize) -> &'a mut [T] {
    let (piece, rest) = std::mem::take(scratch).split_at_mut(padded(n));
    *scratch = rest;
    &mut piece[..n]
}

/// Runs `$body` for blocks of N = 10, 5, 2 or 1 rows that cover `$rows`. Ten sums hide the latency of the products, fit
/// sixteen registers, and ten rows of 784 weights fit the L1 cache; with 25 the compiler no longer
/// unrolls, and both kernels were up to three times slower.
macro_rules! for_row_blocks {
    ($rows:expr, |$row:ident, $n:ident| $body:block) => {{
        let rows: usize = $rows;
        let mut $row = 0;
        while $row < rows {
            let left = rows - $row;
            if left >= 10 {
                const $n: usize = 10;
                $body
                $row += $n;
            } else if left >= 5 {
                const $n: usize = 5;
                $body
                $row += $n;
            } else if left >= 2 {
                const $n: usize = 2;
                $body
                $row += $n;
            } else {
                const $n: usize = 1;
                $body
                $row += $n;
            }
        }
    }};
}
pub(crate) use for_row_blocks;

/// One register from the front of a slice.
#[inline(always)]
pub(crate) fn load<T: Scalar, S: Simd>(slice: &[T]) -> T::Lanes<S> {
    T::split::<S>(&slice[..T::lane_count::<S>()]).0[0]
}

/// One register to the front of a slice.
#[inline(always)]
pub(crate) fn store<T: Scalar, S: Simd>(slice: &mut [T], a: T::Lanes<S>) {
    T::split_mut::<S>(&mut slice[..T::lane_count::<S>()]).0[0] = a;
}

/// to ← from, by registers: for rows of some fifty numbers a call of `memcpy` costs more than the copy.
#[inline(always)]
pub(crate) fn copy<T: Scalar, S: Simd>(simd: S, from: &[T], to: &mut [T]) {
    let n = from.len();
    let (from, from_rest) = T::split::<S>(from);
    let (to, to_rest) = T::split_mut::<S>(&mut to[..n]);
    for (to, &from) in to.iter_mut().zip(from) {
        // The larger of a number and itself: a plain loop of loads and stores is compiled to that very call.
        *to = T::v_max(simd, from, from);
    }
    if !from_rest.is_empty() {
        let a = T::load_partial::<S>(simd, from_rest);
        T::store_partial::<S>(simd, to_rest, a);
    }
}

/// Σ a_i b_i in f64, in eight interleaved sums.
pub(crate) fn dot<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, a1) = a.as_chunks::<8>();
    let (b8, b1) = b.as_chunks::<8>();
    for (a, b) in a8.iter().zip(b8) {
        for l in 0..8 {
            sums[l] += a[l].to_f64() * b[l].to_f64();
        }
    }
    let rest: f64 = a1.iter().zip(b1).map(|(a, b)| a.to_f64() * b.to_f64()).sum();
    sums.iter().sum::<f64>() + rest
}
