//! A round's messages, for rules that look at more than their geometry.

use super::apply::{Source, TileMemory};
use super::chain::Stage;
use crate::round::Points;
use crate::round::apart::Lineup;
use crate::{AlignedVec, CoordinateRule, Geometry, MessagesRef, Probe, Scalar};

/// Memory for chosen columns.
#[derive(Debug)]
pub(super) struct Sample<T> {
    columns: usize,
    numbers: AlignedVec<T>,
    rows: Vec<u32>,
    geometry: Geometry,
}

impl<T: Scalar> Sample<T> {
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
pub(super) struct Looker<'a, T> {
    pub(super) source: Source<'a, T>,
    pub(super) points: Points<'a, T>,
    pub(super) stages: &'a [Stage],
    pub(super) unit: f64,
    pub(super) memory: &'a mut [f64],
    pub(super) tiles: Option<&'a mut TileMemory<T>>,
    pub(super) sample: Option<&'a mut Sample<T>>,
}

impl<T: Scalar> Probe for Looker<'_, T> {
    fn dim(&self) -> usize {
        self.source.messages.dim()
    }

    fn sample(&mut self, columns: &[u32], out: &mut Geometry) {
        let sample = self.sample.as_mut().expect("a rule that says in its needs that it samples");
        assert!(columns.len() <= sample.columns, "at most {} columns", sample.columns);
        assert!(columns.is_sorted_by(|a, b| a < b), "columns must rise");
        let Source { messages, rows, mixing } = self.source;
        let numbers = &mut sample.numbers[..rows.len() * columns.len()];
        for (&row, numbers) in rows.iter().zip(numbers.chunks_exact_mut(columns.len().max(1))) {
            let message = messages.row(row as usize);
            for (x, &column) in numbers.iter_mut().zip(columns) {
                *x = message[column as usize];
            }
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
    }

    fn distances_to(&mut self, rule: &dyn CoordinateRule, byzantine: usize, out: &mut [f64]) {
        let tiles =
            self.tiles.as_mut().expect("a rule that says in its needs that it sees columns");
        self.source.distances_to(rule, byzantine, self.unit, tiles, out);
    }
    fn roots_from(&mut self, weights: &[f64], out: &mut [f64]) -> bool {
        let mixings = |k: usize| self.stages.get(k).map(|stage| &stage.mixing);
        let lineup = Lineup { points: self.points, mixings: &mixings };
        lineup.roots_to_combination(weights, self.memory, out);
        let root = 1.0 / self.unit.sqrt();
        out.iter_mut().for_each(|x| *x *= root);
        true
    }
}
