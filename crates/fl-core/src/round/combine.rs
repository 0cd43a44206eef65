//! The second and last pass over the messages: `out = v_r + Σ c_i (v_i − v_r)`.

use super::stream::{Points, Stream, Tiles};
use super::{MessagesRef, Sink, Source, SourceError};
use crate::Scalar;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Columns that one task forms.
const COLUMNS: usize = 2048;
/// Below this many numbers a parallel pass costs more than it saves.
const SERIAL: usize = 1 << 15;

/// Forms the affine combination `Σ c_i v_i` of the messages named by `rows`, as differences from the point of the largest
/// weight: an outlier with a tiny weight then costs no digits, and a weight of 1 gives that message's very bits.
///
/// `weights` sum to 1. They are those of the rows, and may go on with that of the origin and that of `previous`.
///
/// Gives whether the output is finite, which it is unless a message with a weight is not, or the output's type cannot hold
/// it.
/// Where differences of finite messages overflow, or a weight is too small for the messages' type, sums are formed in `f64`.
///
/// Cost: one pass over the rows with nonzero weights, in parallel over columns; identical bits for any thread count.
///
/// # Panics
/// When `out` is not as long as a message, or there are fewer `weights` than `rows`, or a weight on a previous output that
/// is not there.
pub fn combine<T: Scalar>(
    messages: MessagesRef<'_, T>,
    rows: &[u32],
    weights: &[f64],
    previous: Option<&[T]>,
    out: &mut [T],
) -> bool {
    assert_eq!(out.len(), messages.dim());
    assert!(rows.len() <= weights.len());
    assert!(weights.get(rows.len() + 1).is_none_or(|&w| w == 0.0 || previous.is_some()));
    let tiles = Tiles::none();
    let stream = Stream { source: &messages, tiles: &tiles, rows, extra: previous };
    let points = stream.resident().expect("messages in memory");
    let terms = Terms::new(points, weights);
    let columns = |(i, out): (usize, &mut [T])| terms.form(i * COLUMNS, out);
    if rows.len() * out.len() < SERIAL {
        out.chunks_mut(COLUMNS).enumerate().map(columns).fold(true, |all, one| all & one)
    } else {
        out.par_chunks_mut(COLUMNS).enumerate().map(columns).reduce(|| true, |a, b| a & b)
    }
}

/// [`combine`] of messages from anywhere, read through up to `memory` bytes (at least
/// [`least_tile_bytes`](crate::least_tile_bytes)): the same bits as of the messages in memory.
///
/// Cost: one pass over the messages with nonzero weights, from the last column to the first: after
/// [`Geometry::measure_from`](crate::Geometry::measure_from) the last ones may still be in a cache.
///
/// # Errors
/// The source's and the sink's own.
///
/// # Panics
/// When there are fewer `weights` than `rows`.
pub fn combine_from<T: Scalar>(
    source: &dyn Source<T>,
    rows: &[u32],
    weights: &[f64],
    sink: &dyn Sink<T>,
    memory: usize,
) -> Result<bool, SourceError> {
    assert!(rows.len() <= weights.len());
    let tiles = Tiles::within(memory, rows.len(), source.dim());
    combine_stream(Stream { source, tiles: &tiles, rows, extra: None }, weights, sink)
}

/// The same through given tiles.
pub(crate) fn combine_stream<T: Scalar>(
    stream: Stream<'_, T>,
    weights: &[f64],
    sink: &dyn Sink<T>,
) -> Result<bool, SourceError> {
    let (dim, columns) = (stream.dim(), stream.tiles.columns());
    (0..dim.div_ceil(columns))
        .rev()
        .par_bridge()
        .map(|i| {
            let from = i * columns;
            let mut output = stream.tiles.output();
            let out = &mut output[..columns.min(dim - from)];
            let finite = form_window(stream, weights, from, out)?;
            sink.write(from, out)?;
            stream.tiles.put_output(output);
            Ok(finite)
        })
        .try_reduce(|| true, |a, b| Ok(a & b))
}

/// Forms the columns from `from` on, whole pieces of [`COLUMNS`].
pub(super) fn form_window<T: Scalar>(
    stream: Stream<'_, T>,
    weights: &[f64],
    from: usize,
    out: &mut [T],
) -> Result<bool, SourceError> {
    let mut finite = true;
    let wanted = |i| weights[i] != 0.0;
    stream.windows(from..from + out.len(), wanted, |points, _| {
        let terms = Terms::new(points, weights);
        for (i, out) in out.chunks_mut(COLUMNS).enumerate() {
            finite &= terms.form(from + i * COLUMNS, out);
        }
    })?;
    Ok(finite)
}

/// The lowest index of the largest weight.
pub fn largest(weights: &[f64]) -> usize {
    let mut best = 0;
    for (i, w) in weights.iter().enumerate() {
        if *w > weights[best] {
            best = i;
        }
    }
    best
}

/// A bound on the distance between what [`combine`] writes and the exact combination:
/// `½ ε (‖z‖ + (n + 2) Σ |c_i| ‖v_i − v_r‖)` for `n` nonzero weights, zero when one point has all the weight.
///
/// `weights` are those that [`combine`] takes, `share` gives `|c_i| ‖v_i − v_r‖` (a product, since the length of a message
/// with a tiny weight may be beyond the largest number) and `norm` is `‖z‖`.
pub fn rounding(epsilon: f64, weights: &[f64], share: impl Fn(usize) -> f64, norm: f64) -> f64 {
    let r = largest(weights);
    let mut spread = 0.0;
    let mut nonzero = 0.0;
    for (i, w) in weights.iter().enumerate() {
        if i != r && *w != 0.0 {
            nonzero += 1.0;
            spread += share(i);
        }
    }
    if nonzero == 0.0 { 0.0 } else { epsilon * (0.5 * norm + (nonzero + 2.0) * 0.5 * spread) }
}

/// What is summed: rows, then perhaps the origin and the previous output.
#[derive(Clone, Copy)]
struct Terms<'a, T> {
    points: Points<'a, T>,
    weights: &'a [f64],
    reference: usize,
    /// Whether a weight is so tiny that on a message that is very long it loses digits below the smallest normal number.
    faint: bool,
}

impl<'a, T: Scalar> Terms<'a, T> {
    fn new(points: Points<'a, T>, weights: &'a [f64]) -> Self {
        let smallest = if size_of::<T>() == 4 { f64::from(f32::MIN_POSITIVE) } else { 0.0 };
        let faint = weights.iter().any(|&w| w != 0.0 && w.abs() < smallest);
        Self { points, weights, reference: largest(weights), faint }
    }

    /// Forms up to [`COLUMNS`] columns; gives whether they are finite.
    fn form(self, from: usize, out: &mut [T]) -> bool {
        let columns = Columns { terms: self, from, out: &mut *out };
        (!self.faint && Arch::new().dispatch(columns)) || self.in_double(from, out)
    }

    /// Some columns of a point; `None` for the origin.
    #[inline(always)]
    fn point(self, i: usize, from: usize, to: usize) -> Option<&'a [T]> {
        self.points.get(i, from, to)
    }

    /// The points other than the reference that have a weight.
    #[inline(always)]
    fn others(self) -> impl Iterator<Item = (usize, f64)> {
        let all = self.weights.iter().copied().enumerate();
        all.filter(move |&(i, w)| w != 0.0 && i != self.reference)
    }

    /// The same in double precision: differences of single-precision messages cannot overflow there nor tiny weights vanish,
    /// and differences of double-precision messages are halved.
    #[cold]
    fn in_double(self, from: usize, out: &mut [T]) -> bool {
        let to = from + out.len();
        let mut finite = true;
        for (k, out) in out.iter_mut().enumerate() {
            let at = |i| self.point(i, from, to).map_or(0.0, |v| 0.5 * v[k].to_f64());
            let base = at(self.reference);
            let sum: f64 = self.others().map(|(i, w)| w * (at(i) - base)).sum();
            *out = T::from_f64(2.0 * (base + sum));
            finite &= out.is_finite();
        }
        finite
    }
}

struct Columns<'a, T> {
    terms: Terms<'a, T>,
    from: usize,
    out: &'a mut [T],
}

/// Registers of output at a time: each row is then read in runs of several cache lines.
const RUN: usize = 8;

impl<T: Scalar> Terms<'_, T> {
    /// `Σ w_i (v_i − b)` over the other points, for a run of registers from the `k`-th on.
    #[inline(always)]
    fn run<S: Simd>(
        self,
        simd: S,
        (from, to): (usize, usize),
        k: usize,
        b: &[T::Lanes<S>; RUN],
    ) -> [T::Lanes<S>; RUN] {
        let null = T::splat(simd, T::ZERO);
        let mut acc = [T::splat(simd, -T::ZERO); RUN];
        for (point, w) in self.others() {
            let w = T::splat(simd, T::from_f64(w));
            if point == self.points.rows.len() {
                for i in 0..RUN {
                    acc[i] = T::mul_add(simd, w, T::v_sub(simd, null, b[i]), acc[i]);
                }
            } else if let Some(v) = self.point(point, from, to) {
                let v = &T::split::<S>(v).0[k..k + RUN];
                for i in 0..RUN {
                    acc[i] = T::mul_add(simd, w, T::v_sub(simd, v[i], b[i]), acc[i]);
                }
            }
        }
        acc
    }

    /// The same for one register, which `read` takes out of a point's columns.
    #[inline(always)]
    fn one<S: Simd>(
        self,
        simd: S,
        (from, to): (usize, usize),
        b: T::Lanes<S>,
        read: impl Fn(&[T]) -> T::Lanes<S>,
    ) -> T::Lanes<S> {
        let mut acc = T::splat(simd, -T::ZERO);
        for (point, w) in self.others() {
            let v = self.point(point, from, to).map_or(T::splat(simd, T::ZERO), &read);
            acc = T::mul_add(simd, T::splat(simd, T::from_f64(w)), T::v_sub(simd, v, b), acc);
        }
        acc
    }
}

impl<T: Scalar> WithSimd for Columns<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self { terms, from, out } = self;
        let to = from + out.len();
        let (out, out_tail) = T::split_mut::<S>(out);
        let null = T::splat(simd, T::ZERO);
        let base = terms.point(terms.reference, from, to).map(|base| T::split::<S>(base));
        let (base_vectors, base_tail) = base.unzip();
        // Terms are summed before the reference is added, so that rounding is relative to the spread of the messages and
        // not to a common offset. The sum begins at −0, the only number that changes no bit of what it is added to.
        // 0 · x is 0 for finite x alone.
        let mut alarm = null;
        let whole = out.len() / RUN * RUN;
        for k in (0..whole).step_by(RUN) {
            let b: [_; RUN] = match base_vectors {
                Some(base) => std::array::from_fn(|i| base[k + i]),
                None => [null; RUN],
            };
            let acc = terms.run(simd, (from, to), k, &b);
            for i in 0..RUN {
                let sum = T::v_add(simd, b[i], acc[i]);
                alarm = T::mul_add(simd, sum, null, alarm);
                out[k + i] = sum;
            }
        }
        for k in whole..out.len() {
            let b = base_vectors.map_or(null, |base| base[k]);
            let acc = terms.one(simd, (from, to), b, |v| T::split::<S>(v).0[k]);
            out[k] = T::v_add(simd, b, acc);
            alarm = T::mul_add(simd, out[k], null, alarm);
        }
        if !out_tail.is_empty() {
            let b = base_tail.map_or(null, |base| T::load_partial(simd, base));
            let last = |v: &[T]| T::load_partial(simd, T::split::<S>(v).1);
            let acc = terms.one(simd, (from, to), b, last);
            let sum = T::v_add(simd, b, acc);
            alarm = T::mul_add(simd, sum, null, alarm);
            T::store_partial(simd, out_tail, sum);
        }
        T::reduce_sum(simd, alarm) == T::ZERO
    }
}
