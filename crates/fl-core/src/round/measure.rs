//! Measuring a geometry: in one pass where squares in the messages' own type suffice, and again where they do not.

use super::apart::{self, Lineup};
use super::distances::{self, Points};
use super::geometry::{LONG, LONG_ROOT, SHORT};
use super::{Geometry, MessagesRef};
use crate::Scalar;

/// Columns up to which single-precision messages are measured in double precision.
const FEW: usize = 64;

impl Geometry {
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
}

/// The power of two at or below `x`, within a factor of 4, that is normal and has a finite inverse.
fn power_of_two(x: f64) -> f64 {
    2f64.powi((x.log2().floor() as i32).clamp(-1022, 1022))
}
