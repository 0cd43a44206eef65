//! Passes over the known messages: means, spreads and what else attacks take from them, some columns at a time.
//!
//! A tile of columns is read from memory once; what is computed from it again is in a first-level cache by then. Tiles are
//! cut by the length of a message alone, and what they sum is added in their order: any number of threads gives the same
//! bits.

use fl_core::{Known, Scalar};
use pulp::Arch;
use rayon::prelude::*;
use std::ops::Range;

/// Columns of a tile: with thirty messages 60 KiB in single precision, and 4 KiB for each list of sums.
const COLUMNS: usize = 512;
/// Below this many numbers a parallel pass costs more than it saves.
const SERIAL: usize = 1 << 15;

/// Some columns of the known messages.
pub(crate) struct Columns<'a, T> {
    known: Known<'a, T>,
    /// Which columns.
    pub(crate) range: Range<usize>,
}

impl<'a, T: Scalar> Columns<'a, T> {
    /// These columns of message number `i`.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> &'a [T] {
        &self.known.row(i)[self.range.clone()]
    }

    /// How many messages are known.
    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.known.count()
    }

    /// The mean of each column.
    #[inline(always)]
    pub(crate) fn mean(&self) -> [f64; COLUMNS] {
        let mut out = [0.0; COLUMNS];
        let sums = &mut out[..self.range.len()];
        let (fours, rest) = (self.count() / 4 * 4, self.count());
        for i in (0..fours).step_by(4) {
            let rows = [self.row(i), self.row(i + 1), self.row(i + 2), self.row(i + 3)];
            let [a, b, c, d] = rows.map(|row| &row[..sums.len()]);
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum += (a[k].to_f64() + b[k].to_f64()) + (c[k].to_f64() + d[k].to_f64());
            }
        }
        for i in fours..rest {
            for (sum, x) in sums.iter_mut().zip(self.row(i)) {
                *sum += x.to_f64();
            }
        }
        let share = self.count() as f64;
        sums.iter_mut().for_each(|sum| *sum /= share);
        out
    }

    /// The standard deviation of each column around its mean, with `count − less` in the denominator.
    #[inline(always)]
    pub(crate) fn std(&self, mean: &[f64; COLUMNS], less: usize) -> [f64; COLUMNS] {
        let mut out = [0.0; COLUMNS];
        let sums = &mut out[..self.range.len()];
        for i in 0..self.count() {
            let row = &self.row(i)[..sums.len()];
            for (k, sum) in sums.iter_mut().enumerate() {
                let x = row[k].to_f64() - mean[k];
                *sum += x * x;
            }
        }
        let denominator = (self.count() - less) as f64;
        sums.iter_mut().for_each(|sum| *sum = (*sum / denominator).sqrt());
        out
    }
}

/// How many tiles a message has.
pub(crate) fn tiles(dim: usize) -> usize {
    dim.div_ceil(COLUMNS)
}

/// Calls `tile` for all columns of the known messages, with the same columns of `base` and `direction`, and with `per`
/// numbers of `sums` that belong to this tile alone. `sums` has `per · tiles(p)` numbers.
pub(crate) fn each<T: Scalar, U: Send>(
    known: Known<'_, T>,
    base: &mut [U],
    direction: &mut [U],
    sums: &mut [f64],
    tile: impl Fn(&Columns<'_, T>, &mut [U], &mut [U], &mut [f64]) + Sync,
) {
    let parallel = known.count() * base.len() >= SERIAL;
    let one = |i: usize, base: &mut [U], direction: &mut [U], sums: &mut [f64]| {
        let range = i * COLUMNS..i * COLUMNS + base.len();
        let columns = Columns { known, range };
        Arch::new().dispatch(|| tile(&columns, base, direction, sums));
    };
    deal(parallel, base, direction, sums, &one);
}

/// Some tile: its number, and the pieces of three slices that are its own.
type Tile<'a, U> = dyn Fn(usize, &mut [U], &mut [U], &mut [f64]) + Sync + 'a;

/// Cuts the slices into tiles and calls `one` for each. It is compiled once a type of numbers, not once a caller: the
/// parallel loops were a tenth of what a whole program has to compile.
fn deal<U: Send>(
    parallel: bool,
    base: &mut [U],
    direction: &mut [U],
    sums: &mut [f64],
    one: &Tile<'_, U>,
) {
    let per = sums.len() / tiles(base.len());
    let pieces = base.chunks_mut(COLUMNS).zip(direction.chunks_mut(COLUMNS)).enumerate();
    match (per, parallel) {
        (0, false) => pieces.for_each(|(i, (b, d))| one(i, b, d, &mut [])),
        (_, false) => pieces
            .zip(sums.chunks_exact_mut(per))
            .for_each(|((i, (b, d)), sums)| one(i, b, d, sums)),
        (0, true) => base
            .par_chunks_mut(COLUMNS)
            .zip(direction.par_chunks_mut(COLUMNS))
            .enumerate()
            .for_each(|(i, (b, d))| one(i, b, d, &mut [])),
        (_, true) => base
            .par_chunks_mut(COLUMNS)
            .zip(direction.par_chunks_mut(COLUMNS))
            .zip(sums.par_chunks_exact_mut(per))
            .enumerate()
            .for_each(|(i, ((b, d), sums))| one(i, b, d, sums)),
    }
}

/// Adds up what tiles have summed, in their order, into the first `per` numbers.
pub(crate) fn total(sums: &mut [f64], per: usize) -> &[f64] {
    let (total, others) = sums.split_at_mut(per);
    for other in others.chunks_exact(per) {
        total.iter_mut().zip(other).for_each(|(t, o)| *t += o);
    }
    total
}

/// Writes `factor` times the mean of the known messages into `out`.
pub(crate) fn scaled_mean<T: Scalar>(known: Known<'_, T>, factor: f64, out: &mut [T]) {
    let dim = out.len();
    let one = |i: usize, out: &mut [T]| {
        let range = i * COLUMNS..i * COLUMNS + out.len();
        Arch::new().dispatch(|| {
            let mean = Columns { known, range: range.clone() }.mean();
            for (x, m) in out.iter_mut().zip(&mean) {
                *x = T::from_f64(factor * m);
            }
        });
    };
    if known.count() * dim < SERIAL {
        out.chunks_mut(COLUMNS).enumerate().for_each(|(i, out)| one(i, out));
    } else {
        out.par_chunks_mut(COLUMNS).enumerate().for_each(|(i, out)| one(i, out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::{AttackView, Federation, Messages};

    #[test]
    fn means_and_spreads_are_those_of_all_columns_whatever_the_length() {
        for dim in [1, 511, 512, 513, 3000] {
            let mut messages = Messages::<f32>::zeros(7, dim);
            for (w, row) in messages.rows_mut().enumerate() {
                for (i, x) in row.iter_mut().enumerate() {
                    *x = (w * w * 10 + i) as f32;
                }
            }
            let federation = Federation::new(7, &[0, 2]).expect("valid");
            let view = AttackView::new(&mut messages, &federation);
            let (mut base, mut direction) = (vec![0.0f32; dim], vec![0.0f32; dim]);
            let mut sums = vec![0.0; 2 * tiles(dim)];
            each(
                view.known(),
                &mut base,
                &mut direction,
                &mut sums,
                |columns, base, direction, sums| {
                    let mean = columns.mean();
                    let std = columns.std(&mean, 1);
                    for k in 0..base.len() {
                        base[k] = mean[k] as f32;
                        direction[k] = std[k] as f32;
                    }
                    sums.copy_from_slice(&[base.len() as f64, 1.0]);
                },
            );
            // Workers 1, 3, 4, 5 and 6: 10, 90, 160, 250, 360.
            let mean: f64 = 174.0;
            let squares = [10.0, 90.0, 160.0, 250.0, 360.0].map(|x: f64| (x - mean).powi(2));
            let std = (squares.iter().sum::<f64>() / 4.0).sqrt() as f32;
            for i in 0..dim {
                assert_eq!((base[i], direction[i]), ((174 + i) as f32, std));
            }
            assert_eq!(total(&mut sums, 2), [dim as f64, tiles(dim) as f64]);
            scaled_mean(view.known(), -2.0, &mut base);
            assert!((0..dim).all(|i| base[i] == -2.0 * (174 + i) as f32));
        }
    }
}
