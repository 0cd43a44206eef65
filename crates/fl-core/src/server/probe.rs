//! A round's messages, for rules that look at more than their geometry.

use super::apply::{Seen, TileMemory};
use super::chain::Stage;
use crate::round::apart::Lineup;
use crate::{AlignedVec, CoordinateRule, Geometry, MessagesRef, Probe, Scalar, SourceError};

/// Memory for chosen columns.
#[derive(Debug)]
pub(super) struct Sample<T> {
    columns: usize,
    numbers: AlignedVec<T>,
    rows: Vec<u32>,
    geometry: Geometry,
}

impl<T: Scalar> Sample<T> {
    /// Bytes of [`Sample::new`].
    pub(super) fn bytes(workers: usize, columns: usize) -> usize {
        let numbers = workers.saturating_mul(columns).saturating_mul(size_of::<T>());
        numbers.saturating_add(Geometry::bytes::<T>(workers, columns))
    }

    pub(super) fn new(workers: usize, columns: usize) -> Self {
        Self {
            columns,
            numbers: AlignedVec::zeros(workers * columns),
            rows: Vec::with_capacity(workers),
            geometry: Geometry::with_capacity::<T>(workers, columns),
        }
    }
}

/// A round's messages, for rules that look at them.
#[derive(Debug)]
pub(super) struct Looker<'a, T: Scalar> {
    pub(super) seen: Seen<'a, T>,
    pub(super) stages: &'a [Stage],
    pub(super) unit: f64,
    pub(super) memory: &'a mut [f64],
    pub(super) tiles: Option<&'a mut TileMemory<T>>,
    pub(super) sample: Option<&'a mut Sample<T>>,
    /// Why the messages could not be looked at. What was answered since is of no use.
    pub(super) failed: Option<SourceError>,
}

impl<T: Scalar> Looker<'_, T> {
    /// Remembers the first failure.
    fn note(&mut self, result: Result<(), SourceError>) {
        if let Err(e) = result {
            self.failed.get_or_insert(e);
        }
    }
}

impl<T: Scalar> Probe for Looker<'_, T> {
    fn dim(&self) -> usize {
        self.seen.stream.dim()
    }

    fn sample(&mut self, columns: &[u32], out: &mut Geometry) {
        let sample = self.sample.as_mut().expect("a rule that says in its needs that it samples");
        assert!(columns.len() <= sample.columns, "at most {} columns", sample.columns);
        assert!(columns.is_sorted_by(|a, b| a < b), "columns must rise");
        let Seen { stream, mixing } = self.seen;
        let rows = stream.rows;
        let numbers = &mut sample.numbers[..rows.len() * columns.len()];
        let each = numbers.chunks_exact_mut(columns.len().max(1)).enumerate();
        let mut read = Ok(());
        for (i, numbers) in each {
            read = read.and_then(|()| stream.pick(i, columns, numbers));
        }
        if read.is_err() {
            // Numbers all the same, since a rule goes on.
            numbers.fill(T::ZERO);
        }
        let chosen = MessagesRef::new(numbers, rows.len(), columns.len()).expect("as long as both");
        sample.rows.clear();
        sample.rows.extend(0..rows.len() as u32);
        match mixing {
            None => out.measure(chosen, &mut sample.rows),
            Some(mixing) => {
                sample.geometry.measure(chosen, &mut sample.rows);
                sample.geometry.mix(mixing, out);
            }
        }
        self.note(read);
    }

    fn distances_to(&mut self, rule: &dyn CoordinateRule, byzantine: usize, out: &mut [f64]) {
        let tiles =
            self.tiles.as_mut().expect("a rule that says in its needs that it sees columns");
        let done = self.seen.distances_to(rule, byzantine, self.unit, tiles, out);
        self.note(done);
    }

    fn roots_from(&mut self, weights: &[f64], out: &mut [f64]) -> bool {
        let mixings = |k: usize| self.stages.get(k).map(|stage| &stage.mixing);
        let lineup = Lineup { stream: self.seen.stream, mixings: &mixings };
        let done = lineup.roots_to_combination(weights, self.memory, out);
        self.note(done);
        let root = 1.0 / self.unit.sqrt();
        out.iter_mut().for_each(|x| *x *= root);
        true
    }
}
