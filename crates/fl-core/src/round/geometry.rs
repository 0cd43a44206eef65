//! The geometry of a round: all squared distances between messages, and what follows from them alone.
//!
//! With `D_ij = ‖v_i − v_j‖²` and affine weights `Σ c_i = 1`, the point `z = Σ c_i v_i` has
//!
//! ```text
//! ‖z − v_j‖²    = (D c)_j − ½ cᵀ D c
//! ‖Σ e_i v_i‖²  = −½ eᵀ D e             when Σ e_i = 0
//! ```
//!
//! so a rule that moves among affine combinations costs `O(W²)` a step whatever the length `p` of a message.
//! The origin is one more point, so norms are in the geometry too; for rules with memory the previous output is another.

use super::copies::Copies;
use super::{apart, distances};
use crate::Scalar;

/// The largest and the smallest square that are kept as they are in a round whose squares `f64` cannot hold: those of 2⁴⁰⁰ and
/// 2⁻⁴⁰⁰ units.
pub(super) const LONG: f64 = f64::from_bits((1023 + 800) << 52);
pub(super) const SHORT: f64 = f64::from_bits((1023 - 800) << 52);
/// √ of the length of 2⁴⁰⁰ units.
pub(super) const LONG_ROOT: f64 = f64::from_bits((1023 + 200) << 52);

/// Squared distances between the points of a round, in units of [`Geometry::unit`]²: first the messages, then the origin,
/// then perhaps the previous output.
///
/// # Rounds of many scales
/// `f64` holds squares of lengths that differ by a factor of 10³⁰⁰, and messages of `f64` may differ by 10⁶³⁰.
/// Where one unit does not do, every pair is measured in its own, and the unit of the squares follows the least radius in
/// which there is a majority of the messages.
/// A length ℓ of more than 2⁴⁰⁰ units then stands as `2⁸⁰⁰ (ℓ/2⁴⁰⁰)^(1/16)` in place of its square, and one of less than 2⁻⁴⁰⁰
/// as `2⁻⁸⁰⁰ (ℓ/2⁻⁴⁰⁰)^(1/16)`.
/// So order is kept, whoever is that far stays farther than all others, and a rule that withstands f arbitrary messages
/// decides as if f others had been sent, at those distances.
/// Lengths themselves are known at any scale: [`Geometry::distance`], [`Geometry::ratio`].
#[derive(Clone, Debug)]
pub struct Geometry {
    pub(super) workers: usize,
    pub(super) points: usize,
    pub(super) d: Vec<f64>,
    pub(super) unit: f64,
    pub(super) relative_error: f64,
    /// Whether entries above [`LONG`] and below [`SHORT`] are no squares.
    pub(super) many_scales: bool,
    pub(super) buffer: Vec<f64>,
    /// In what two combinations differ, while they are mixed.
    pub(super) support: Vec<(u32, f64)>,
    /// Of the round that was measured last.
    pub(super) copies: Copies,
}

impl Geometry {
    /// Room for the geometry of up to `workers` messages of `dim` numbers, so that measuring allocates nothing.
    pub fn with_capacity<T: Scalar>(workers: usize, dim: usize) -> Self {
        let points = workers + 2;
        Self {
            d: vec![0.0; points * points],
            relative_error: T::EPSILON,
            buffer: vec![0.0; Self::buffer_len::<T>(points, dim)],
            copies: Copies::with_capacity(points),
            ..Self::without_distances()
        }
    }

    /// Room for a mixed geometry, which is never measured: of up to `workers` messages, mixed from up to as many.
    pub fn mixed_with_capacity(workers: usize) -> Self {
        let points = workers + 2;
        Self {
            d: vec![0.0; points * points],
            buffer: vec![0.0; points],
            support: Vec::with_capacity(points),
            ..Self::without_distances()
        }
    }

    /// For rounds of which only the number of messages is known.
    pub(crate) fn without_distances() -> Self {
        Self {
            workers: 0,
            points: 1,
            d: Vec::new(),
            unit: 1.0,
            relative_error: 0.0,
            many_scales: false,
            buffer: Vec::new(),
            support: Vec::new(),
            copies: Copies::default(),
        }
    }

    /// Bytes of [`Geometry::with_capacity`].
    pub fn bytes<T: Scalar>(workers: usize, dim: usize) -> usize {
        let points = workers.saturating_add(2);
        // Beyond this many points the sums of blocks could not be counted.
        if points > 1 << 28 {
            return usize::MAX;
        }
        let table = points * points;
        // Two lists of four bytes for each.
        table
            .saturating_add(Self::buffer_len::<T>(points, dim))
            .saturating_add(points)
            .saturating_mul(8)
    }

    /// Bytes beyond [`Geometry::bytes`] that [`Geometry::measure_from`] may need of messages that are not in memory.
    pub fn streaming_bytes<T: Scalar>(workers: usize, dim: usize) -> usize {
        let points = workers.saturating_add(2);
        if points > 1 << 28 {
            return usize::MAX;
        }
        let lanes = distances::lanes_len(points);
        lanes.saturating_sub(Self::buffer_len::<T>(points, dim)).saturating_mul(8)
    }

    /// Bytes of [`Geometry::mixed_with_capacity`].
    pub fn mixed_bytes(workers: usize) -> usize {
        let points = workers.saturating_add(2);
        points.saturating_mul(points).saturating_mul(8)
    }

    /// The square root of the length between two points, over that of the unit.
    fn root(&self, i: usize, j: usize) -> f64 {
        let x = self.squared_distance(i, j);
        if !self.is_no_square(i, j) {
            return x.sqrt().sqrt();
        }
        let (ratio, root) =
            if x > 1.0 { (x / LONG, LONG_ROOT) } else { (x / SHORT, 1.0 / LONG_ROOT) };
        let fourth = (ratio * ratio) * (ratio * ratio);
        fourth * fourth * root
    }

    /// ‖v_i − v_j‖ in units of [`Geometry::unit`], infinite where `f64` cannot hold it.
    pub fn distance(&self, i: usize, j: usize) -> f64 {
        if self.is_no_square(i, j) {
            let root = self.root(i, j);
            root * root
        } else {
            self.squared_distance(i, j).sqrt()
        }
    }

    /// `length / ‖v_i − v_j‖` for a length in units of [`Geometry::unit`], also where `f64` cannot hold the distance.
    pub fn ratio(&self, length: f64, i: usize, j: usize) -> f64 {
        if self.is_no_square(i, j) {
            let root = self.root(i, j);
            length / root / root
        } else {
            length / self.squared_distance(i, j).sqrt()
        }
    }

    /// `‖v_i‖ / ‖v_j‖`, also where `f64` cannot hold the norms.
    pub fn norm_ratio(&self, i: usize, j: usize) -> f64 {
        let origin = self.workers;
        if self.is_no_square(i, origin) || self.is_no_square(j, origin) {
            (self.root(i, origin) / self.root(j, origin)).powi(2)
        } else {
            self.squared_norm(i).sqrt() / self.squared_norm(j).sqrt()
        }
    }

    /// `weight · ‖v_i − v_j‖`, also where `f64` cannot hold the distance.
    pub(crate) fn product(&self, weight: f64, i: usize, j: usize) -> f64 {
        if self.is_no_square(i, j) {
            let root = self.root(i, j);
            weight * root * root
        } else {
            weight * self.squared_distance(i, j).sqrt()
        }
    }

    /// Whether two points are so far apart or so near, in a round of many scales, that the square of their distance is not known.
    pub(super) fn is_no_square(&self, i: usize, j: usize) -> bool {
        let x = self.squared_distance(i, j);
        self.many_scales && (x > LONG || (x < SHORT && x > 0.0))
    }

    /// Whether there are distances of which no square is known, so that nothing can be computed from sums of them.
    pub fn has_many_scales(&self) -> bool {
        self.many_scales
    }

    /// The ratio of lengths beyond which the direction of the longer one is lost among rounded squared distances.
    pub fn farthest(&self) -> f64 {
        // Of distances that are exact to the last bits of f64 more is asked.
        (0.1 / self.relative_error).min(1e8)
    }

    /// A round of which only the number of messages is known.
    pub(crate) fn unmeasured(&mut self, workers: usize, previous: bool) {
        self.workers = workers;
        self.points = workers + 1 + usize::from(previous);
        (self.unit, self.many_scales) = (1.0, false);
    }

    /// Takes on given numbers, as if these messages had been measured as `like` was: `d(i, j)` for every pair of points
    /// `i < j`.
    pub(crate) fn assemble(
        &mut self,
        workers: usize,
        like: &Geometry,
        d: impl Fn(usize, usize) -> f64,
    ) {
        let n = workers + like.points - like.workers;
        (self.workers, self.points) = (workers, n);
        (self.unit, self.relative_error) = (like.unit, like.relative_error);
        self.many_scales = false;
        if self.d.len() < n * n {
            self.d.resize(n * n, 0.0);
        }
        for i in 0..n {
            self.d[i * n + i] = 0.0;
            for j in i + 1..n {
                let x = d(i, j);
                self.d[i * n + j] = x;
                self.d[j * n + i] = x;
            }
        }
    }

    fn buffer_len<T>(points: usize, dim: usize) -> usize {
        // Numbers of f32 need no units of their own.
        let apart = if size_of::<T>() == 4 { 0 } else { apart::memory(points) };
        distances::buffer_len::<T>(points, dim).max(apart)
    }

    pub(super) fn reserve<T>(&mut self, dim: usize) {
        let buffer = Self::buffer_len::<T>(self.points, dim);
        if self.buffer.len() < buffer {
            self.buffer.resize(buffer, 0.0);
        }
        if self.d.len() < self.points * self.points {
            self.d.resize(self.points * self.points, 0.0);
        }
    }

    /// Number of messages.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Number of points: the messages, the origin, and perhaps the previous output. Weights have as many numbers.
    pub fn points(&self) -> usize {
        self.points
    }

    /// The place of the origin among the points, right behind the messages.
    pub fn origin(&self) -> usize {
        self.workers
    }

    /// The place of the previous output among the points, where a rule needs it ([`crate::Needs::previous`]).
    pub fn previous(&self) -> Option<usize> {
        (self.points > self.workers + 1).then_some(self.workers + 1)
    }

    /// What a length of 1 here stands for: 1, but for messages too large or too small for their squares.
    pub fn unit(&self) -> f64 {
        self.unit
    }

    /// Relative rounding error of an entry: the machine epsilon of the type it was summed in.
    pub fn relative_error(&self) -> f64 {
        self.relative_error
    }

    /// ‖v_i − v_j‖², for any two points.
    pub fn squared_distance(&self, i: usize, j: usize) -> f64 {
        self.d[i * self.points + j]
    }

    /// ‖v_i‖², for any point.
    pub fn squared_norm(&self, i: usize) -> f64 {
        self.d[i * self.points + self.workers]
    }

    /// Squared distances from message `i` to all messages, itself included.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.d[i * self.points..][..self.workers]
    }

    /// Squared distances from point `i` to all points: messages, origin, and perhaps previous output.
    pub fn point(&self, i: usize) -> &[f64] {
        &self.d[i * self.points..][..self.points]
    }

    /// `D c` into `out`: as many entries as it has room for, at most one a point. `c` has a weight for each message, and may
    /// go on with weights for the other points.
    pub fn times(&self, c: &[f64], out: &mut [f64]) {
        let n = out.len().min(self.points);
        let out = &mut out[..n];
        out.fill(0.0);
        for (i, &w) in c.iter().enumerate() {
            if w != 0.0 {
                for (o, &x) in out.iter_mut().zip(self.point(i)) {
                    *o += w * x;
                }
            }
        }
    }

    /// ‖Σ e_i v_i‖ for weights that sum to zero, on the messages or on more points: √(−½ eᵀ D e).
    pub fn length(&self, e: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (i, &w) in e.iter().enumerate() {
            if w != 0.0 {
                let inner: f64 = e.iter().zip(self.point(i)).map(|(&v, &x)| v * x).sum();
                sum += w * inner;
            }
        }
        (-0.5 * sum).max(0.0).sqrt()
    }
}
