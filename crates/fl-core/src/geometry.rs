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

use crate::distances::{self, Points};
use crate::{MessagesRef, Mixing, Scalar};

/// Columns up to which single-precision messages are measured in double precision.
const FEW: usize = 64;

/// Squared distances between the points of a round, in units of [`Geometry::unit`]²: first the messages, then the origin,
/// then perhaps the previous output.
#[derive(Clone, Debug)]
pub struct Geometry {
    workers: usize,
    points: usize,
    d: Vec<f64>,
    unit: f64,
    relative_error: f64,
    buffer: Vec<f64>,
    /// In what two combinations differ, while they are mixed.
    support: Vec<(u32, f64)>,
}

impl Geometry {
    /// Room for the geometry of up to `workers` messages of `dim` numbers, so that measuring allocates nothing.
    pub fn with_capacity<T: Scalar>(workers: usize, dim: usize) -> Self {
        let points = workers + 2;
        Self {
            workers: 0,
            points: 1,
            d: vec![0.0; points * points],
            unit: 1.0,
            relative_error: T::EPSILON,
            buffer: vec![0.0; distances::buffer_len::<T>(points, dim)],
            support: Vec::new(),
        }
    }

    /// Room for a mixed geometry, which is never measured: of up to `workers` messages, mixed from up to as many.
    pub fn mixed_with_capacity(workers: usize) -> Self {
        let points = workers + 2;
        Self {
            workers: 0,
            points: 1,
            d: vec![0.0; points * points],
            unit: 1.0,
            relative_error: 0.0,
            buffer: vec![0.0; points],
            support: Vec::with_capacity(points),
        }
    }

    /// The geometry of all messages: [`Geometry::measure`] with memory of its own.
    ///
    /// # Errors
    /// The workers whose messages are not finite.
    pub fn of<T: Scalar>(messages: MessagesRef<'_, T>) -> Result<Self, Vec<u32>> {
        let mut geometry = Self::with_capacity::<T>(messages.workers(), messages.dim());
        let mut rows: Vec<u32> = (0..messages.workers() as u32).collect();
        let all = rows.len();
        geometry.measure(messages, &mut rows);
        if rows.len() == all {
            Ok(geometry)
        } else {
            Err((0..all as u32).filter(|w| !rows.contains(w)).collect())
        }
    }

    /// Measures the messages named by `rows`, and removes from `rows` those that are not finite: they have no place in
    /// a geometry.
    ///
    /// `D` comes out finite whatever the size of finite messages: where squares in the messages' own type overflow or
    /// vanish the round is measured again in `f64`, with lengths divided by a power of two.
    ///
    /// Cost: `W² p / 2` differences, in parallel over columns; identical bits for any number of threads.
    pub fn measure<T: Scalar>(&mut self, messages: MessagesRef<'_, T>, rows: &mut Vec<u32>) {
        self.measure_with(messages, rows, None);
    }

    /// The same with one point more, the previous output, which must be finite.
    pub fn measure_with<T: Scalar>(
        &mut self,
        messages: MessagesRef<'_, T>,
        rows: &mut Vec<u32>,
        previous: Option<&[T]>,
    ) {
        self.relative_error = T::EPSILON;
        loop {
            let points = Points { messages, rows, extra: previous };
            self.workers = rows.len();
            self.points = points.len();
            self.unit = 1.0;
            self.reserve::<T>(messages.dim());
            let n = self.points;
            // Over many columns the rounding of single differences averages out; over few it does not, and then
            // double precision costs nothing worth saving.
            if size_of::<T>() == 4 && messages.dim() <= FEW {
                distances::all_pairs_scaled(points, 1.0, &mut self.d[..n * n]);
                self.relative_error = f64::EPSILON;
            } else {
                distances::all_pairs(points, &mut self.buffer, &mut self.d[..n * n]);
            }
            let mut largest = 0.0f64;
            let mut finite = true;
            for &x in &self.d[..n * n] {
                finite &= x.is_finite();
                largest = largest.max(x);
            }
            // Each squared difference may lose up to the smallest normal number to underflow.
            let lost = messages.dim() as f64 * if size_of::<T>() == 4 { 1.2e-38 } else { 2.3e-308 };
            // Rules add up distances, so the largest double is not the limit.
            if finite && largest < 1e250 && largest * 1e-14 >= lost {
                return;
            }
            let before = rows.len();
            rows.retain(|&w| messages.row(w as usize).iter().all(|x| x.is_finite()));
            if rows.len() < before {
                continue;
            }
            let peak = rows
                .iter()
                .map(|&w| messages.row(w as usize))
                .chain(previous)
                .flatten()
                .fold(0.0f64, |peak, x| peak.max(x.to_f64().abs()));
            if peak > 0.0 {
                self.unit = if (1e-100..1e100).contains(&peak) { 1.0 } else { power_of_two(peak) };
                let points = Points { messages, rows, extra: previous };
                distances::all_pairs_scaled(points, self.unit, &mut self.d[..n * n]);
                self.relative_error = f64::EPSILON;
            }
            return;
        }
    }

    /// A round of which only the number of messages is known.
    pub(crate) fn unmeasured(&mut self, workers: usize, previous: bool) {
        self.workers = workers;
        self.points = workers + 1 + usize::from(previous);
        self.unit = 1.0;
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

    fn reserve<T>(&mut self, dim: usize) {
        let buffer = distances::buffer_len::<T>(self.points, dim);
        if self.buffer.len() < buffer {
            self.buffer.resize(buffer, 0.0);
        }
        if self.d.len() < self.points * self.points {
            self.d.resize(self.points * self.points, 0.0);
        }
    }

    /// The geometry of the mixed messages `ṽ_a = Σ_i S_ai v_i`, without touching a message: `D̃_ab = −½ eᵀ D e` with
    /// `e = S_a − S_b`. The origin and the previous output pass unmixed.
    ///
    /// Cost: `O(n (W + W'))` for `n` nonzeros in all, as the product `S D Sᵀ`; `O(k²)` more for each pair of combinations
    /// that nearly coincide but for `k` messages.
    pub fn mix(&self, mixing: &Mixing, out: &mut Geometry) {
        let m = mixing.outputs();
        let n = m + self.points - self.workers;
        out.workers = m;
        out.points = n;
        out.unit = self.unit;
        out.relative_error = self.relative_error;
        if out.d.len() < n * n {
            out.d.resize(n * n, 0.0);
        }
        if out.buffer.len() < self.points {
            out.buffer.resize(self.points, 0.0);
        }
        let Geometry { d, buffer, support, .. } = out;
        let products = &mut buffer[..self.points];
        let unmixed = [self.workers as u32, self.workers as u32 + 1];
        let row = |a: usize| {
            if a < m { mixing.row(a) } else { (&unmixed[a - m..=a - m], &[1.0][..]) }
        };
        // Weights of both signs cancel within a combination, so that what cancels between two cannot be told from the sums.
        let signed = (0..m).any(|a| mixing.row(a).1.iter().any(|&w| w < 0.0));
        // −½ eᵀDe = S_aᵀ D S_b − ½ S_aᵀ D S_a − ½ S_bᵀ D S_b; the last two wait on the diagonal.
        for a in 0..n {
            let (ia, wa) = row(a);
            products.fill(0.0);
            for (&i, &w) in ia.iter().zip(wa) {
                for (product, &x) in products.iter_mut().zip(self.point(i as usize)) {
                    *product += w * x;
                }
            }
            let within = 0.5 * dot(ia, wa, products);
            for b in 0..a {
                let (ib, wb) = row(b);
                let cross = dot(ib, wb, products);
                let plain = cross - within - d[b * n + b];
                // The plain form cancels where combinations nearly coincide or share a far message; then their difference
                // is taken first.
                let x = if plain > 1e-4 * cross && !signed {
                    plain
                } else {
                    self.between(ia, wa, ib, wb, support)
                };
                d[a * n + b] = x;
                d[b * n + a] = x;
            }
            d[a * n + a] = within;
        }
        for a in 0..n {
            d[a * n + a] = 0.0;
        }
    }

    /// −½ eᵀDe for e the difference of two sparse affine combinations. Rows of a mixing have sorted indices, so the
    /// difference is a merge; what both share drops out exactly.
    fn between(
        &self,
        ia: &[u32],
        wa: &[f64],
        ib: &[u32],
        wb: &[f64],
        support: &mut Vec<(u32, f64)>,
    ) -> f64 {
        if ia == ib && wa == wb {
            return 0.0;
        }
        support.clear();
        merge(ia, wa, ib, wb, |i, e| support.push((i, e)));
        let mut sum = 0.0;
        for (k, &(i, e)) in support.iter().enumerate() {
            let row = self.point(i as usize);
            sum += e * support[..k].iter().map(|&(j, f)| f * row[j as usize]).sum::<f64>();
        }
        (-sum).max(0.0)
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

/// The power of two at or below `x`, within a factor of 4, that is normal and has a finite inverse.
fn power_of_two(x: f64) -> f64 {
    2f64.powi((x.log2().floor() as i32).clamp(-1022, 1022))
}

/// Σ_k weights_k · values[indices_k], in four sums that a processor can work on at a time.
fn dot(indices: &[u32], weights: &[f64], values: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (four, rest) = indices.as_chunks::<4>();
    let (four_weights, rest_weights) = weights.as_chunks::<4>();
    for (i, w) in four.iter().zip(four_weights) {
        for k in 0..4 {
            sums[k] += w[k] * values[i[k] as usize];
        }
    }
    for (k, (&i, &w)) in rest.iter().zip(rest_weights).enumerate() {
        sums[k] += w * values[i as usize];
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

fn merge(ia: &[u32], wa: &[f64], ib: &[u32], wb: &[f64], mut visit: impl FnMut(u32, f64)) {
    let (mut a, mut b) = (0, 0);
    while a < ia.len() || b < ib.len() {
        let i = ia.get(a).copied().unwrap_or(u32::MAX);
        let j = ib.get(b).copied().unwrap_or(u32::MAX);
        let mut e = 0.0;
        if i <= j {
            e += wa[a];
            a += 1;
        }
        if j <= i {
            e -= wb[b];
            b += 1;
        }
        if e != 0.0 {
            visit(i.min(j), e);
        }
    }
}
