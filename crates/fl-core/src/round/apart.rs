//! Distances of a round whose lengths no single unit can hold: each is measured in its own.
//!
//! The squares of `f64` reach over 10^616, those of its numbers over 10^1264. So a distance is kept as its square root here,
//! which has no such limit. Rounds that need this are rare, and cost a few times what measuring costs otherwise.

use super::stream::{Points, Stream};
use super::{Mixing, SourceError, largest};
use crate::Scalar;
use pulp::Arch;
use std::ops::Range;

/// Columns at a time.
const TILE: usize = 128;
/// Sums that a processor can work on at a time.
const LANES: usize = 8;

/// Messages as some mixings leave them, then the origin, then perhaps the previous output.
pub(crate) struct Lineup<'a, T: Scalar> {
    pub(crate) stream: Stream<'a, T>,
    /// The mixings in order; `None` behind the last.
    pub(crate) mixings: &'a dyn Fn(usize) -> Option<&'a Mixing>,
}

/// How much memory up to so many points need.
pub(crate) fn memory(points: usize) -> usize {
    points.saturating_mul(2 * TILE + 2).saturating_add(TILE)
}

/// The largest even power of two at or below `x`, as far as its inverse is a normal number.
pub(crate) fn even_power(x: f64) -> f64 {
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    2f64.powi((exponent & !1).clamp(-1022, 1022))
}

/// A sum of squares in a unit that grows with it.
#[derive(Clone, Copy, Default)]
struct Sum {
    unit: f64,
    squares: f64,
}

impl Sum {
    /// Adds Σ (a − b)².
    #[inline(always)]
    fn add(&mut self, a: &[f64], b: &[f64]) {
        let mut most = [0.0f64; LANES];
        for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
            for (most, (a, b)) in most.iter_mut().zip(a.iter().zip(b)) {
                let difference = (a - b).abs();
                *most = if difference > *most { difference } else { *most };
            }
        }
        let most = most.into_iter().fold(0.0, f64::max);
        if most == 0.0 {
            return;
        }
        let unit = even_power(most);
        if unit > self.unit {
            let shrink = self.unit / unit;
            *self = Self { unit, squares: self.squares * shrink * shrink };
        }
        let inverse = 1.0 / self.unit;
        let mut sums = [0.0; LANES];
        // Where a difference is beyond the largest number, each of the two is brought to the unit first.
        let (before, after) = if most.is_finite() { (1.0, inverse) } else { (inverse, 1.0) };
        for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
            for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
                let difference = (a * before - b * before) * after;
                *sum += difference * difference;
            }
        }
        self.squares += sums.iter().sum::<f64>();
    }

    /// The square root of the length.
    fn root(self) -> f64 {
        self.unit.sqrt() * self.squares.sqrt().sqrt()
    }
}

impl<T: Scalar> Lineup<'_, T> {
    /// Number of points that come out.
    pub(crate) fn len(&self) -> usize {
        let mut outputs = self.stream.rows.len();
        let mut i = 0;
        while let Some(mixing) = (self.mixings)(i) {
            outputs = mixing.outputs();
            i += 1;
        }
        outputs + self.stream.len() - self.stream.rows.len()
    }

    /// Some columns of all points, in rows of [`TILE`] numbers.
    #[inline(always)]
    fn tile<'b>(
        &self,
        window: Points<'_, T>,
        from: usize,
        to: usize,
        one: &'b mut [f64],
        two: &'b mut [f64],
    ) -> &'b [f64] {
        let (mut here, mut there) = (one, two);
        for (i, row) in here.chunks_exact_mut(TILE).take(self.stream.len()).enumerate() {
            match window.get(i, from, to) {
                Some(point) => {
                    for (to, x) in row.iter_mut().zip(point) {
                        *to = x.to_f64();
                    }
                }
                None => row.fill(0.0),
            }
        }
        let mut inputs = self.stream.rows.len();
        let others = self.stream.len() - inputs;
        let mut i = 0;
        while let Some(mixing) = (self.mixings)(i) {
            let outputs = mixing.outputs();
            for (a, out) in there.chunks_exact_mut(TILE).take(outputs).enumerate() {
                out.fill(0.0);
                let (points, weights) = mixing.row(a);
                for (&point, &w) in points.iter().zip(weights) {
                    for (o, x) in out.iter_mut().zip(&here[point as usize * TILE..][..TILE]) {
                        *o += w * x;
                    }
                }
            }
            there[outputs * TILE..][..others * TILE]
                .copy_from_slice(&here[inputs * TILE..][..others * TILE]);
            std::mem::swap(&mut here, &mut there);
            inputs = outputs;
            i += 1;
        }
        here
    }

    /// The square roots of all distances into the symmetric `d`, row-major.
    pub(crate) fn all_pairs(&self, memory: &mut [f64], d: &mut [f64]) -> Result<(), SourceError> {
        let (n, dim) = (self.len(), self.stream.dim());
        let half = memory.len() / 2;
        let (one, two) = memory.split_at_mut(half);
        // A pair's unit is above the diagonal, and its sum below.
        d[..n * n].fill(0.0);
        let arch = Arch::new();
        let mut add = |points: Points<'_, T>, window: Range<usize>| {
            for from in window.clone().step_by(TILE) {
                let len = TILE.min(window.end - from);
                let rows = self.tile(points, from, from + len, one, two);
                for i in 0..n {
                    for j in i + 1..n {
                        let mut sum = Sum { unit: d[i * n + j], squares: d[j * n + i] };
                        sum.add(&rows[i * TILE..][..len], &rows[j * TILE..][..len]);
                        (d[i * n + j], d[j * n + i]) = (sum.unit, sum.squares);
                    }
                }
            }
        };
        self.stream.windows(
            0..dim,
            |_| true,
            |points, window| {
                arch.dispatch(|| add(points, window));
            },
        )?;
        for i in 0..n {
            for j in i + 1..n {
                let root = Sum { unit: d[i * n + j], squares: d[j * n + i] }.root();
                (d[i * n + j], d[j * n + i]) = (root, root);
            }
        }
        Ok(())
    }

    /// The square roots of the distances from `Σ weights_i v_i` to as many points as `out` has room for.
    ///
    /// `weights` sum to 1; those that are left out are 0.
    pub(crate) fn roots_to_combination(
        &self,
        weights: &[f64],
        memory: &mut [f64],
        out: &mut [f64],
    ) -> Result<(), SourceError> {
        let dim = self.stream.dim();
        let reference = largest(weights);
        let (sums, tiles) = memory.split_at_mut(2 * out.len());
        let (moved, tiles) = tiles.split_at_mut(TILE);
        let half = tiles.len() / 2;
        let (one, two) = tiles.split_at_mut(half);
        sums.fill(0.0);
        let arch = Arch::new();
        let mut add = |points: Points<'_, T>, window: Range<usize>| {
            for from in window.clone().step_by(TILE) {
                let len = TILE.min(window.end - from);
                let rows = self.tile(points, from, from + len, one, two);
                let base = &rows[reference * TILE..][..len];
                // The combination as it differs from the point of the largest weight.
                let moved = &mut moved[..len];
                moved.fill(0.0);
                for (i, &w) in weights.iter().enumerate() {
                    if w != 0.0 && i != reference {
                        let row = &rows[i * TILE..][..len];
                        for (m, (x, b)) in moved.iter_mut().zip(row.iter().zip(base)) {
                            let difference = x - b;
                            *m += match difference.is_finite() {
                                true => w * difference,
                                false => w * x - w * b,
                            };
                        }
                    }
                }
                for (j, sums) in sums.chunks_exact_mut(2).enumerate() {
                    let mut sum = Sum { unit: sums[0], squares: sums[1] };
                    let mut difference = [0.0; TILE];
                    let row = &rows[j * TILE..][..len];
                    for (d, (x, b)) in difference.iter_mut().zip(row.iter().zip(base)) {
                        *d = x - b;
                    }
                    sum.add(&difference[..len], moved);
                    (sums[0], sums[1]) = (sum.unit, sum.squares);
                }
            }
        };
        self.stream.windows(
            0..dim,
            |_| true,
            |points, window| {
                arch.dispatch(|| add(points, window));
            },
        )?;
        for (out, sums) in out.iter_mut().zip(sums.chunks_exact(2)) {
            *out = Sum { unit: sums[0], squares: sums[1] }.root();
        }
        Ok(())
    }
}
