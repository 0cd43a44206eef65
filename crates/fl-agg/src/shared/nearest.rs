//! The mean of the numbers nearest to a centre, column by column: what MeaMed and Phocas share.

use super::median::{EvenMedian, middle};
use super::select::majority;
use fl_core::{ColumnRule, Scalar, Shape, SpecError, Tile};
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// What numbers are near to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Centre {
    /// The median; of an even number of messages the mean of the two in the middle.
    Median,
    /// The mean without the b smallest and the b largest.
    TrimmedMean,
}

/// The mean of the `W − b` numbers nearest to a centre.
#[derive(Debug)]
pub(crate) struct NearestTo {
    pub(crate) count: Option<usize>,
    pub(crate) centre: Centre,
}

impl ColumnRule for NearestTo {
    fn ranks(&self, rows: usize, _: usize) -> Option<Range<usize>> {
        Some(0..rows)
    }

    fn columns<T: Scalar>(&self, tile: &mut Tile<'_, T>, byzantine: usize, out: &mut [T]) {
        let (rows, b) = (tile.rows(), self.count.unwrap_or(byzantine));
        let ranks = match self.centre {
            Centre::Median => middle(rows, EvenMedian::Mean),
            Centre::TrimmedMean => b..rows - b,
        };
        tile.mean(ranks, out);
        nearest(tile, b, out);
    }
}

/// The rule of a spec with a setting `count`, b: f unless given.
macro_rules! nearest_to {
    ($spec:ident, $name:literal, $centre:expr) => {
        impl fl_core::RuleSpec for $spec {
            fn name(&self) -> &'static str {
                $name
            }

            fn check(&self, shape: fl_core::Shape) -> Result<(), fl_core::SpecError> {
                $crate::shared::nearest::leaves_a_majority($name, self.count, shape)
            }

            fn build(&self, shape: fl_core::Shape) -> Result<fl_core::Rule, fl_core::SpecError> {
                fl_core::RuleSpec::check(self, shape)?;
                let (count, centre) = (self.count, $centre);
                let rule = $crate::shared::nearest::NearestTo { count, centre };
                Ok(fl_core::Rule::coordinate(rule))
            }

            fn tolerates(&self, workers: usize) -> usize {
                let most = workers.saturating_sub(1) / 2;
                self.count.unwrap_or(most).min(most)
            }
        }
    };
}
pub(crate) use nearest_to;

/// For each column of a sorted tile the mean of all but the `out` numbers that are farthest from the centre. Comes with the
/// centres in `centre`, leaves the means there. Of two numbers equally far the larger is left out.
fn nearest<T: Scalar>(tile: &Tile<'_, T>, out: usize, centre: &mut [T]) {
    debug_assert!(2 * out < tile.rows());
    let columns = tile.columns();
    for from in (0..columns).step_by(RUN) {
        let to = (from + RUN).min(columns);
        let centre = &mut centre[from..to];
        let mut before = [T::ZERO; RUN];
        before[..to - from].copy_from_slice(centre);
        if !Arch::new().dispatch(Nearest { tile, out, from, centre: &mut *centre }) {
            for (k, (z, c)) in (from..to).zip(centre.iter_mut().zip(before)) {
                *z = one(tile, out, k, c);
            }
        }
    }
}

const RUN: usize = 64;

/// The numbers nearest to a centre are neighbours in order: `x_s … x_{s+m−1}`. The window moves on from `s` while `x_{s+m}` is
/// nearer than `x_s`; once it does not, it never does again, since the one distance grows with `s` and the other falls.
/// So of each pair `(x_s, x_{s+m})` exactly one is in the window, and all numbers between the pairs are.
struct Nearest<'a, 't, T> {
    tile: &'a Tile<'t, T>,
    out: usize,
    from: usize,
    centre: &'a mut [T],
}

impl<T: Scalar> WithSimd for Nearest<'_, '_, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { tile, out, from, centre } = self;
        let (to, n) = (from + centre.len(), tile.rows());
        let m = n - out;
        let (whole, rest) = T::split_mut::<S>(centre);
        let count = T::splat(simd, T::from_f64(m as f64));
        let zero = T::splat(simd, T::ZERO);
        let mut alarm = zero;
        for k in 0..whole.len() {
            let row = |i: usize| T::split::<S>(&tile.row(i)[from..to]).0[k];
            whole[k] = mean::<T, S>(simd, row, out, m, whole[k], count);
            alarm = T::mul_add(simd, whole[k], zero, alarm);
        }
        if !rest.is_empty() {
            let row = |i: usize| T::load_partial(simd, T::split::<S>(&tile.row(i)[from..to]).1);
            let z = mean::<T, S>(simd, row, out, m, T::load_partial(simd, rest), count);
            T::store_partial(simd, rest, z);
            alarm = T::mul_add(simd, T::load_partial(simd, rest), zero, alarm);
        }
        T::reduce_sum(simd, alarm) == T::ZERO
    }
}

#[inline(always)]
fn mean<T: Scalar, S: Simd>(
    simd: S,
    row: impl Fn(usize) -> T::Lanes<S>,
    out: usize,
    m: usize,
    centre: T::Lanes<S>,
    count: T::Lanes<S>,
) -> T::Lanes<S> {
    let mut sum = T::splat(simd, T::ZERO);
    for s in 0..out {
        let below = T::v_sub(simd, centre, row(s));
        let above = T::v_sub(simd, row(s + m), centre);
        let kept = T::select_less(
            simd,
            above,
            below,
            above,
            T::v_sub(simd, T::splat(simd, T::ZERO), below),
        );
        sum = T::v_add(simd, sum, kept);
    }
    for i in out..m {
        sum = T::v_add(simd, sum, T::v_sub(simd, row(i), centre));
    }
    T::v_add(simd, centre, T::v_div(simd, sum, count))
}

/// The same for one column, where differences overflow.
#[cold]
fn one<T: Scalar>(tile: &Tile<'_, T>, out: usize, column: usize, centre: T) -> T {
    let m = tile.rows() - out;
    // Halves of finite numbers have finite differences.
    let x = |i: usize| 0.5 * tile.row(i)[column].to_f64();
    let c = 0.5 * centre.to_f64();
    let pairs = (0..out).map(|s| if x(s + m) - c < c - x(s) { x(s + m) } else { x(s) });
    T::from_f64(pairs.chain((out..m).map(x)).map(|x| x / m as f64).sum::<f64>() * 2.0)
}

/// Whether more than half of the messages are regular, and more than half are averaged.
pub(crate) fn leaves_a_majority(
    name: &str,
    count: Option<usize>,
    shape: Shape,
) -> Result<(), SpecError> {
    majority(name, shape)?;
    let b = count.unwrap_or(0);
    if shape.workers <= 2 * b {
        let allowed = format!("at least {} (2b + 1, for b = {b} left out)", 2 * b + 1);
        return Err(SpecError::new("the number of messages", allowed, shape.workers).of(name));
    }
    Ok(())
}
