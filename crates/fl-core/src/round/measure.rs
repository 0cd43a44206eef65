//! Measuring a geometry: in one pass where squares in the messages' own type suffice, and again where they do not.

use super::apart::{self, Lineup};
use super::distances;
use super::geometry::{LONG, LONG_ROOT, SHORT};
use super::stream::{Stream, Tiles, retain_finite};
use super::{Geometry, MessagesRef, Source, SourceError};
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
        let tiles = Tiles::none();
        self.measure_stream(&messages, &tiles, rows, previous, &mut |_, _| {})
            .expect("messages in memory are read without errors");
    }

    /// [`Geometry::measure`] of messages from anywhere, read through up to `memory` bytes (at least
    /// [`least_tile_bytes`](crate::least_tile_bytes)): the same bits as of the messages in memory.
    ///
    /// Cost: one pass over the source; one more over messages that are not finite or equal, and over all of them in a round
    /// whose squares the messages' type cannot hold.
    ///
    /// # Errors
    /// The source's own. The geometry is of no use then.
    pub fn measure_from<T: Scalar>(
        &mut self,
        source: &dyn Source<T>,
        rows: &mut Vec<u32>,
        memory: usize,
    ) -> Result<(), SourceError> {
        let tiles = Tiles::within(memory, rows.len(), source.dim());
        self.measure_stream(source, &tiles, rows, None, &mut |_, _| {})
    }

    /// Measures, and tells who is left out, with the first column that is not finite.
    pub(crate) fn measure_stream<T: Scalar>(
        &mut self,
        source: &dyn Source<T>,
        tiles: &Tiles<T>,
        rows: &mut Vec<u32>,
        extra: Option<&[T]>,
        dropped: &mut dyn FnMut(u32, usize),
    ) -> Result<(), SourceError> {
        self.measure_squares(Stream { source, tiles, rows, extra })?;
        let origin = self.workers;
        if (0..origin).any(|i| !self.squared_norm(i).is_finite()) {
            let doubtful = |i| !self.squared_norm(i).is_finite();
            let mut left_out = 0;
            retain_finite(source, tiles, rows, doubtful, &mut |row, column| {
                left_out += 1;
                dropped(row, column);
            })?;
            if left_out > 0 {
                self.measure_squares(Stream { source, tiles, rows, extra })?;
            }
        }
        let stream = Stream { source, tiles, rows, extra };
        if self.is_exact(stream)? { Ok(()) } else { self.measure_again(stream) }
    }

    /// One pass in the messages' own type.
    fn measure_squares<T: Scalar>(&mut self, stream: Stream<'_, T>) -> Result<(), SourceError> {
        let (n, dim) = (stream.len(), stream.dim());
        (self.workers, self.points) = (stream.rows.len(), n);
        (self.unit, self.relative_error, self.many_scales) = (1.0, T::EPSILON, false);
        self.reserve::<T>(dim);
        self.copies.clear();
        // Over many columns the rounding of single differences averages out; over few it does not, and then
        // double precision costs nothing worth saving.
        if size_of::<T>() == 4 && dim <= FEW {
            self.relative_error = f64::EPSILON;
            self.measure_scaled(stream, 1.0)
        } else if stream.resident().is_some_and(|points| self.copies.find(points)) {
            let different = Stream { rows: &self.copies.different, ..stream };
            let k = different.len();
            distances::all_pairs(different, &mut self.buffer, &mut self.d[..k * k])?;
            self.copies.spread(n, &mut self.d[..n * n]);
            Ok(())
        } else {
            distances::all_pairs(stream, &mut self.buffer, &mut self.d[..n * n])
        }
    }

    /// The same in `f64`, with lengths divided by a unit.
    fn measure_scaled<T: Scalar>(
        &mut self,
        stream: Stream<'_, T>,
        unit: f64,
    ) -> Result<(), SourceError> {
        let n = stream.len();
        let lanes = if stream.resident().is_some() { 0 } else { distances::lanes_len(n) };
        if self.buffer.len() < lanes {
            // The one before is given back first.
            self.buffer = Vec::new();
            self.buffer = vec![0.0; lanes];
        }
        distances::all_pairs_scaled(stream, unit, &mut self.buffer, &mut self.d[..n * n])
    }

    /// Whether all entries are as exact as the messages' own type can make them.
    fn is_exact<T: Scalar>(&self, stream: Stream<'_, T>) -> Result<bool, SourceError> {
        let n = self.points;
        // Each squared difference may lose up to the smallest normal number to underflow.
        let lost = stream.dim() as f64 * if size_of::<T>() == 4 { 1.2e-38 } else { 2.3e-308 };
        let (mut largest, mut small, mut finite) = (0.0f64, 0, true);
        for &x in &self.d[..n * n] {
            finite &= x.is_finite();
            largest = largest.max(x);
            small += usize::from(x < lost / T::EPSILON);
        }
        // Rules add up distances, so the largest double is not the limit.
        let held = finite && largest < 1e250 && largest * 1e-14 >= lost;
        // The diagonal is always small, and so are copies.
        Ok(held
            && (small == n + self.copies.pairs
                || !self.vanished(stream, lost / T::EPSILON, T::EPSILON)?))
    }

    /// Whether a square below `safe` may be what underflow has left of one between points that differ.
    #[cold]
    fn vanished<T: Scalar>(
        &self,
        stream: Stream<'_, T>,
        safe: f64,
        epsilon: f64,
    ) -> Result<bool, SourceError> {
        // Two messages as long as this are as good as equal: they differ by less than the rounding of their length.
        let long = safe / (epsilon * epsilon);
        for j in 1..self.points {
            let row = self.point(j);
            let Some(i) = row[..j].iter().position(|&x| x < safe) else { continue };
            // One is enough: whoever else is as near to `j` is equal to `i`, or was found out before.
            let norms = row[self.workers].min(self.point(i)[self.workers]);
            if norms < long && !stream.equal(i, j)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// In `f64` with one unit for all; or where that does not do, with one for each pair.
    #[cold]
    fn measure_again<T: Scalar>(&mut self, stream: Stream<'_, T>) -> Result<(), SourceError> {
        let n = stream.len();
        let peak = stream.peak()?;
        if peak == 0.0 {
            return Ok(());
        }
        self.relative_error = f64::EPSILON;
        self.unit = if (1e-100..1e100).contains(&peak) { 1.0 } else { power_of_two(peak) };
        self.measure_scaled(stream, self.unit)?;
        let safe = stream.dim() as f64 * 2.3e-308 / f64::EPSILON;
        let fits = self.d[..n * n].iter().all(|&x| x < 1e250);
        if !fits || self.vanished(stream, safe, f64::EPSILON)? {
            let mut memory = std::mem::take(&mut self.buffer);
            let lineup = Lineup { stream, mixings: &|_| None };
            let done = lineup.all_pairs(&mut memory, &mut self.d[..n * n]);
            self.buffer = memory;
            done?;
            self.choose_unit();
        }
        Ok(())
    }

    /// The geometry of messages as some mixings leave them, from the messages themselves.
    pub(crate) fn measure_mixed<T: Scalar>(
        &mut self,
        lineup: &Lineup<'_, T>,
        memory: &mut [f64],
    ) -> Result<(), SourceError> {
        let n = lineup.len();
        let others = lineup.stream.len() - lineup.stream.rows.len();
        (self.workers, self.points) = (n - others, n);
        self.relative_error = f64::EPSILON;
        if self.d.len() < n * n {
            self.d.resize(n * n, 0.0);
        }
        if self.buffer.len() < n {
            self.buffer.resize(n, 0.0);
        }
        lineup.all_pairs(memory, &mut self.d[..n * n])?;
        self.choose_unit();
        Ok(())
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
