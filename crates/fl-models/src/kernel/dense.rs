//! Dense products: `C ← C₀ + A B`, row-major, rows of B and C padded to whole registers. Fast where B stays in cache.

use super::{load, padded, store};
use fl_core::Scalar;
use pulp::{Simd, WithSimd};

/// The left factor, `A(m, k) = a[m · apart.0 + k · apart.1]`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a, T> {
    pub(crate) a: &'a [T],
    /// Distance of neighbouring rows, distance of neighbouring columns; one of them is 1.
    pub(crate) apart: (usize, usize),
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, T> {
    /// Zero.
    Zero,
    /// The same row of `width` numbers for every row.
    Row(&'a [T]),
    /// What is there.
    There,
}

/// `c ← start + A B`: A is `rows × inner`, `b` is `inner × width`, `c` is `rows × width`. `width` is a multiple of sixteen.
#[inline(always)]
pub(crate) fn product<T: Scalar, S: Simd>(
    simd: S,
    rows: usize,
    inner: usize,
    width: usize,
    left: Left<'_, T>,
    b: &[T],
    start: Start<'_, T>,
    c: &mut [T],
) {
    // A function of its own and no part of its callers: there are several, and this is most of what is compiled.
    simd.vectorize(Product { rows, inner, width, left, b, start, c });
}

struct Product<'a, T> {
    rows: usize,
    inner: usize,
    width: usize,
    left: Left<'a, T>,
    b: &'a [T],
    start: Start<'a, T>,
    c: &'a mut [T],
}

impl<T: Scalar> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Product { rows, inner, width, left, b, start, c } = self;
        let lanes = T::lane_count::<S>();
        let mut column = 0;
        // Rows × registers of a block: enough sums to hide the latency, few enough for the registers.
        while column < width {
            let left_over = (width - column) / lanes;
            let at = Corner { inner, width, column };
            if S::REGISTER_COUNT >= 32 && left_over >= 4 {
                stripe::<6, 4, T, S>(simd, rows, at, left, b, start, c);
                column += 4 * lanes;
            } else if left_over >= 2 {
                stripe::<6, 2, T, S>(simd, rows, at, left, b, start, c);
                column += 2 * lanes;
            } else {
                stripe::<8, 1, T, S>(simd, rows, at, left, b, start, c);
                column += lanes;
            }
        }
    }
}

/// Wᵀ with rows of `padded(outputs)` for a row-major W of `outputs × inputs`, zero in the padding.
#[inline(always)]
pub(crate) fn transpose<T: Scalar>(w: &[T], inputs: usize, outputs: usize, out: &mut [T]) {
    for (i, out) in out.chunks_exact_mut(padded(outputs)).enumerate() {
        let (out, padding) = out.split_at_mut(outputs);
        for (o, row) in out.iter_mut().zip(w.chunks_exact(inputs)) {
            *o = row[i];
        }
        padding.fill(T::ZERO);
    }
}

#[derive(Clone, Copy)]
struct Corner {
    inner: usize,
    width: usize,
    column: usize,
}

#[inline(always)]
fn stripe<const M: usize, const R: usize, T: Scalar, S: Simd>(
    simd: S,
    rows: usize,
    at: Corner,
    left: Left<'_, T>,
    b: &[T],
    start: Start<'_, T>,
    c: &mut [T],
) {
    let mut row = 0;
    while row + M <= rows {
        block::<M, R, T, S>(simd, row, at, left, b, start, c);
        row += M;
    }
    while row + 2 <= rows {
        block::<2, R, T, S>(simd, row, at, left, b, start, c);
        row += 2;
    }
    if row < rows {
        block::<1, R, T, S>(simd, row, at, left, b, start, c);
    }
}

#[inline(always)]
fn block<const M: usize, const R: usize, T: Scalar, S: Simd>(
    simd: S,
    row: usize,
    at: Corner,
    left: Left<'_, T>,
    b: &[T],
    start: Start<'_, T>,
    c: &mut [T],
) {
    let lanes = T::lane_count::<S>();
    let Corner { inner, width, column } = at;
    let mut sums = [[T::splat(simd, T::ZERO); R]; M];
    match start {
        Start::Zero => {}
        Start::Row(start) => {
            for i in 0..R {
                let start = load::<T, S>(&start[column + i * lanes..]);
                for m in 0..M {
                    sums[m][i] = start;
                }
            }
        }
        Start::There => {
            for m in 0..M {
                let c = &c[(row + m) * width + column..][..R * lanes];
                for i in 0..R {
                    sums[m][i] = load::<T, S>(&c[i * lanes..]);
                }
            }
        }
    }
    let b = b.chunks_exact(width).take(inner);
    if left.apart.1 == 1 {
        let mut a: [&[T]; M] = [&[]; M];
        for m in 0..M {
            a[m] = &left.a[(row + m) * left.apart.0..][..inner];
        }
        for (k, b) in b.enumerate() {
            let mut factors = [T::ZERO; M];
            for m in 0..M {
                factors[m] = a[m][k];
            }
            step(simd, factors, &b[column..][..R * lanes], &mut sums);
        }
    } else {
        for (a, b) in left.a.chunks(left.apart.1).zip(b) {
            let mut factors = [T::ZERO; M];
            factors.copy_from_slice(&a[row..row + M]);
            step(simd, factors, &b[column..][..R * lanes], &mut sums);
        }
    }
    for m in 0..M {
        let c = &mut c[(row + m) * width + column..][..R * lanes];
        for i in 0..R {
            store::<T, S>(&mut c[i * lanes..], sums[m][i]);
        }
    }
}

#[inline(always)]
fn step<const M: usize, const R: usize, T: Scalar, S: Simd>(
    simd: S,
    factors: [T; M],
    b: &[T],
    sums: &mut [[T::Lanes<S>; R]; M],
) {
    let b = T::split::<S>(b).0;
    let mut registers = [T::splat(simd, T::ZERO); R];
    registers.copy_from_slice(&b[..R]);
    for m in 0..M {
        let factor = T::splat(simd, factors[m]);
        for i in 0..R {
            sums[m][i] = T::mul_add(simd, factor, registers[i], sums[m][i]);
        }
    }
}
