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

use crate::apart::{self, Lineup};
use crate::distances::{self, Points};
use crate::{MessagesRef, Mixing, Scalar};

/// The largest and the smallest square that are kept as they are in a round whose squares `f64` cannot hold: those of 2⁴⁰⁰ and
/// 2⁻⁴⁰⁰ units.
const LONG: f64 = f64::from_bits((1023 + 800) << 52);
const SHORT: f64 = f64::from_bits((1023 - 800) << 52);
/// √ of the length of 2⁴⁰⁰ units.
const LONG_ROOT: f64 = f64::from_bits((1023 + 200) << 52);

/// Columns up to which single-precision messages are measured in double precision.
const FEW: usize = 64;

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
    workers: usize,
    points: usize,
    d: Vec<f64>,
    unit: f64,
    relative_error: f64,
    /// Whether entries above [`LONG`] and below [`SHORT`] are no squares.
    many_scales: bool,
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
            many_scales: false,
            buffer: vec![0.0; Self::buffer_len::<T>(points, dim)],
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
            many_scales: false,
            buffer: vec![0.0; points],
            support: Vec::with_capacity(points),
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
        table.saturating_add(Self::buffer_len::<T>(points, dim)).saturating_mul(8)
    }

    /// Bytes of [`Geometry::mixed_with_capacity`].
    pub fn mixed_bytes(workers: usize) -> usize {
        let points = workers.saturating_add(2);
        points.saturating_mul(points).saturating_mul(8)
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
    /// vanish the round is measured again in `f64`, with lengths divided by a power of two, and where no such power does for
    /// all pairs, every pair by itself.
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
        loop {
            if self.measure_squares(Points { messages, rows, extra: previous }) {
                return;
            }
            let before = rows.len();
            rows.retain(|&w| messages.row(w as usize).iter().all(|x| x.is_finite()));
            if rows.len() < before {
                continue;
            }
            return self.measure_again(Points { messages, rows, extra: previous });
        }
    }

    /// One pass in the messages' own type; gives whether all entries are as exact as it can make them.
    fn measure_squares<T: Scalar>(&mut self, points: Points<'_, T>) -> bool {
        let (n, dim) = (points.len(), points.messages.dim());
        (self.workers, self.points) = (points.rows.len(), n);
        (self.unit, self.relative_error, self.many_scales) = (1.0, T::EPSILON, false);
        self.reserve::<T>(dim);
        // Over many columns the rounding of single differences averages out; over few it does not, and then
        // double precision costs nothing worth saving.
        if size_of::<T>() == 4 && dim <= FEW {
            distances::all_pairs_scaled(points, 1.0, &mut self.d[..n * n]);
            self.relative_error = f64::EPSILON;
        } else {
            distances::all_pairs(points, &mut self.buffer, &mut self.d[..n * n]);
        }
        // Each squared difference may lose up to the smallest normal number to underflow.
        let lost = dim as f64 * if size_of::<T>() == 4 { 1.2e-38 } else { 2.3e-308 };
        let (mut largest, mut small, mut finite) = (0.0f64, 0, true);
        for &x in &self.d[..n * n] {
            finite &= x.is_finite();
            largest = largest.max(x);
            small += usize::from(x < lost / T::EPSILON);
        }
        // Rules add up distances, so the largest double is not the limit.
        finite
            && largest < 1e250
            && largest * 1e-14 >= lost
            // The diagonal is always small.
            && (small == n || !self.vanished(points, lost / T::EPSILON, T::EPSILON))
    }

    /// Whether a square below `safe` may be what underflow has left of one between points that differ.
    #[cold]
    fn vanished<T: Scalar>(&self, points: Points<'_, T>, safe: f64, epsilon: f64) -> bool {
        // Two messages as long as this are as good as equal: they differ by less than the rounding of their length.
        let long = safe / (epsilon * epsilon);
        for j in 1..self.points {
            let row = self.point(j);
            let Some(i) = row[..j].iter().position(|&x| x < safe) else { continue };
            // One is enough: whoever else is as near to `j` is equal to `i`, or was found out before.
            let norms = row[self.workers].min(self.point(i)[self.workers]);
            if norms < long && !points.equal(i, j) {
                return true;
            }
        }
        false
    }

    /// In `f64` with one unit for all; or where that does not do, with one for each pair.
    #[cold]
    fn measure_again<T: Scalar>(&mut self, points: Points<'_, T>) {
        let n = points.len();
        let all = (0..n).filter_map(|i| points.point(i)).flatten();
        let peak = all.fold(0.0f64, |peak, x| peak.max(x.to_f64().abs()));
        if peak == 0.0 {
            return;
        }
        self.relative_error = f64::EPSILON;
        self.unit = if (1e-100..1e100).contains(&peak) { 1.0 } else { power_of_two(peak) };
        distances::all_pairs_scaled(points, self.unit, &mut self.d[..n * n]);
        let safe = points.messages.dim() as f64 * 2.3e-308 / f64::EPSILON;
        let fits = self.d[..n * n].iter().all(|&x| x < 1e250);
        if !fits || self.vanished(points, safe, f64::EPSILON) {
            let mut memory = std::mem::take(&mut self.buffer);
            Lineup { points, mixings: &|_| None }.all_pairs(&mut memory, &mut self.d[..n * n]);
            self.buffer = memory;
            self.choose_unit();
        }
    }

    /// The geometry of messages as some mixings leave them, from the messages themselves.
    pub(crate) fn measure_mixed<T: Scalar>(&mut self, lineup: &Lineup<'_, T>, memory: &mut [f64]) {
        let n = lineup.len();
        let others = lineup.points.len() - lineup.points.rows.len();
        (self.workers, self.points) = (n - others, n);
        self.relative_error = f64::EPSILON;
        if self.d.len() < n * n {
            self.d.resize(n * n, 0.0);
        }
        if self.buffer.len() < n {
            self.buffer.resize(n, 0.0);
        }
        lineup.all_pairs(memory, &mut self.d[..n * n]);
        self.choose_unit();
    }

    /// From the square roots of lengths to squares in a unit.
    fn choose_unit(&mut self) {
        let (n, workers) = (self.points, self.workers);
        let Self { d, buffer, .. } = self;
        // The least radius, and not 0, in which there is a majority of the messages; without any the least distance.
        let mut least = f64::INFINITY;
        for row in d[..n * n].chunks_exact(n).take(workers) {
            let sorted = &mut buffer[..workers];
            sorted.copy_from_slice(&row[..workers]);
            sorted.sort_unstable_by(f64::total_cmp);
            let radius = sorted[workers / 2..].iter().find(|&&x| x > 0.0);
            least = least.min(radius.copied().unwrap_or(f64::INFINITY));
        }
        if least.is_infinite() {
            let positive = d[..n * n].iter().filter(|&&x| x > 0.0);
            least = positive.fold(f64::INFINITY, |least, &x| least.min(x));
        }
        // Powers of two whose inverses, and the largest root over the smallest of which, are normal numbers.
        let root = match least.is_finite() {
            true => apart::even_power(least).clamp(2f64.powi(-475), 2f64.powi(510)),
            false => 1.0,
        };
        self.unit = root * root;
        self.many_scales = false;
        let eighth = |x: f64| x.sqrt().sqrt().sqrt();
        for x in &mut d[..n * n] {
            let scaled = *x / root;
            *x = if scaled > LONG_ROOT {
                self.many_scales = true;
                LONG * eighth(scaled / LONG_ROOT)
            } else if scaled * LONG_ROOT < 1.0 && *x > 0.0 {
                self.many_scales = true;
                // In this order, since what is scaled may be no normal number.
                SHORT * eighth(*x * LONG_ROOT / root)
            } else {
                (scaled * scaled) * (scaled * scaled)
            };
        }
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
    fn is_no_square(&self, i: usize, j: usize) -> bool {
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

    fn reserve<T>(&mut self, dim: usize) {
        let buffer = Self::buffer_len::<T>(self.points, dim);
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
        out.many_scales = false;
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
