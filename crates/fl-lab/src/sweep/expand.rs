//! From points to cells: a file is read at each of them.

use super::axis::Axis;
use super::points::Point;
use crate::check::check_after;
use crate::file::{ConfigError, Experiment, ExperimentText, Mistake, Mistakes};
use crate::name::Registry;
use crate::plan::{Cell, cells};
use crate::read::{Known, read};
use crate::tree::{Change, Tree, graft, value};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// More mistakes of a file than these help nobody.
const ENOUGH: usize = 50;

/// A cell of a sweep.
#[derive(Clone, Debug)]
pub struct SweepCell {
    /// The point that it belongs to.
    pub point: usize,
    /// The cell.
    pub cell: Cell,
}

/// What an experiment file asks for: one experiment, or with `[sweep]` many of them.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The experiment at the first point; its methods are those of the file.
    pub base: Experiment,
    /// The keys that are swept over, in the order of the file; none for a file without `[sweep]`.
    pub axes: Vec<Axis>,
    /// Every point: the place of its value in each axis. The last axis changes fastest.
    pub points: Vec<Vec<usize>>,
    /// All cells: points first, then seeds, then methods. A cell that several points share is there for each of them.
    pub cells: Vec<SweepCell>,
    pub(super) source: ExperimentText,
    /// Methods that are excluded at each point, by their places in the file.
    pub(super) without: Vec<Vec<usize>>,
}

/// A file with its sweep, to be read at its points.
pub(super) struct Expansion<'a, 't> {
    pub(super) registry: &'a Registry,
    pub(super) source: &'a ExperimentText,
    /// Without `[sweep]`.
    pub(super) tree: &'a Tree<'t>,
    pub(super) whole: &'a Tree<'t>,
    pub(super) axes: &'a [Axis],
}

/// What reading a file at one point leaves for reading it at the next.
struct Reading<'a, 't> {
    known: Known<'a>,
    /// The file as it was grafted last: every graft stands on the ones before it, so the next point's replace them all.
    tree: Option<Tree<'t>>,
    checked: Option<Experiment>,
}

impl<'a, 't> Expansion<'a, 't> {
    fn reading(&self) -> Reading<'a, 't> {
        Reading { known: Known::new(self.registry), tree: None, checked: None }
    }

    fn read(
        &self,
        reading: &mut Reading<'a, 't>,
        places: &[usize],
        without: &[usize],
    ) -> Result<Experiment, ConfigError> {
        let is_used = reading.tree.is_some();
        match self.read_next(reading, places, without) {
            // Tables that another point's graft has made have places of that point: mistakes are told from a new tree.
            Err(_) if is_used => self.read_next(reading, places, without),
            result => result,
        }
    }

    fn read_next(
        &self,
        reading: &mut Reading<'a, 't>,
        places: &[usize],
        without: &[usize],
    ) -> Result<Experiment, ConfigError> {
        let mut tree = reading.tree.take().unwrap_or_else(|| self.tree.clone());
        for (axis, place) in self.axes.iter().zip(places) {
            let from = [&axis.from[..], &[place.to_string()]].concat();
            let Some(taken) = value(self.whole, &from) else { continue };
            for to in &axis.to {
                graft(&mut tree, to, taken.clone(), taken.span());
            }
        }
        for method in without.iter().rev() {
            leave_out(*method).apply(&mut tree);
        }
        let source = changed(self.source, self.axes, places, without);
        let (experiment, source) = read(&mut reading.known, &source, &mut tree)?;
        check_after(reading.checked.as_ref(), &experiment, &source)?;
        // A tree that methods were taken out of, or that was read past mistakes, is no longer the file's.
        reading.tree = without.is_empty().then_some(tree);
        reading.checked = Some(experiment.clone());
        Ok(experiment)
    }

    /// The cells of a point.
    fn cells_at(
        &self,
        reading: &mut Reading<'a, 't>,
        index: usize,
        point: &Point,
        without: &[usize],
        methods: usize,
    ) -> Result<Vec<SweepCell>, ConfigError> {
        let experiment = self.read(reading, &point.places, without)?;
        let places: Vec<usize> = (0..methods).filter(|m| !without.contains(m)).collect();
        let is_in = |c: &Cell| !point.out.contains(&(places[c.method_index], c.seed));
        let cells = cells(&experiment).into_iter().filter(is_in);
        Ok(cells.map(|cell| SweepCell { point: index, cell }).collect())
    }

    /// All cells, or all mistakes.
    pub(super) fn cells(
        &self,
        points: Vec<Point>,
        methods: usize,
        seeds: &[u64],
        mut mistakes: Mistakes,
    ) -> Result<Sweep, ConfigError> {
        let Some(first) = points.first() else {
            return mistakes.or(()).and(Err(ConfigError::plain("[sweep]", "has no point")));
        };
        let without: Vec<Vec<usize>> =
            points.iter().map(|point| point.without(methods, seeds)).collect();
        // With every method that is left anywhere, so that the first point speaks for all.
        let base = self.read(&mut self.reading(), &first.places, &[]);
        let cells_at = |reading: &mut Reading<'a, 't>, index: usize| {
            self.cells_at(reading, index, &points[index], &without[index], methods)
        };
        let few = |index: &usize| {
            // Around the first point every value is met once, which is enough to tell what is wrong.
            let places = points[*index].places.iter().zip(&first.places);
            base.is_ok() || places.filter(|(a, b)| a != b).count() <= 1
        };
        let chosen: Vec<usize> = (0..points.len()).filter(few).collect();
        let results: Vec<Result<Vec<SweepCell>, ConfigError>> = if chosen.len() > 16 {
            let begin = || self.reading();
            chosen.par_iter().map_init(begin, |reading, &index| cells_at(reading, index)).collect()
        } else {
            let mut reading = self.reading();
            chosen.iter().map(|&index| cells_at(&mut reading, index)).collect()
        };
        let (mut all, mut wrong) = (Vec::new(), Vec::new());
        for (&index, result) in chosen.iter().zip(results) {
            match result {
                Ok(cells) => all.extend(cells),
                Err(error) if wrong.len() < ENOUGH => wrong.push((index, error)),
                Err(_) => {}
            }
        }
        for mistake in self.together(&wrong, &chosen, &points) {
            mistakes.add(ConfigError::new(mistake));
        }
        let places = points.into_iter().map(|point| point.places).collect();
        let (axes, source) = (self.axes.to_vec(), self.source.clone());
        match base {
            Ok(base) => {
                mistakes.or(Sweep { base, axes, points: places, cells: all, source, without })
            }
            Err(error) => {
                // What is wrong at the first point only for a method that is excluded there is no mistake.
                if mistakes.is_empty() {
                    mistakes.add(error);
                }
                mistakes.or(()).and(Err(ConfigError::plain("[sweep]", "has no point")))
            }
        }
    }

    /// The mistakes of several points, each once, with the values for which it is one.
    fn together(
        &self,
        wrong: &[(usize, ConfigError)],
        chosen: &[usize],
        points: &[Point],
    ) -> Vec<Mistake> {
        let mut found: Vec<(Mistake, Vec<usize>)> = Vec::new();
        for (index, error) in wrong {
            for mistake in error.mistakes() {
                match found.iter_mut().find(|(m, _)| m.is_like(mistake)) {
                    Some((_, at)) => at.push(*index),
                    None => found.push((mistake.clone(), vec![*index])),
                }
            }
        }
        for (mistake, at) in &mut found {
            // A key has the place of its value, which an unknown key has nothing to do with.
            let begins = |axis: &&Axis| axis.values.iter().any(|v| mistake.begins(&v.span));
            let axis = self.axes.iter().find(begins);
            if let Some(axis) = axis.filter(|_| mistake.is_unknown_key) {
                *mistake = self.source.moved(mistake.clone(), axis.span.clone());
            }
            let values = |axis: usize, of: &[usize]| -> BTreeSet<usize> {
                of.iter().map(|&index| points[index].places[axis]).collect()
            };
            let mut conditions = Vec::new();
            for (i, axis) in self.axes.iter().enumerate() {
                let (here, all) = (values(i, at), values(i, chosen));
                // A value that is wrong by itself is shown already.
                let shown = here.iter().any(|&v| mistake.is_at(&axis.values[v].span));
                if here != all && !shown {
                    let labels: Vec<&str> =
                        here.iter().map(|&v| axis.values[v].label.as_str()).collect();
                    conditions.push(format!("{} = {}", axis.key, labels.join(" or ")));
                }
            }
            if !conditions.is_empty() {
                mistake.when = Some(conditions.join(" and "));
            }
        }
        found.into_iter().map(|(mistake, _)| mistake).collect()
    }
}

/// A method that is excluded.
fn leave_out(method: usize) -> Change {
    Change::Take { path: vec!["method".to_owned(), method.to_string()] }
}

/// The changes that make a file's text what it says at a point.
pub(super) fn changed(
    source: &ExperimentText,
    axes: &[Axis],
    places: &[usize],
    without: &[usize],
) -> ExperimentText {
    let mut changes: Vec<Change> = Vec::new();
    for (axis, &place) in axes.iter().zip(places) {
        for to in &axis.to {
            let from = [&axis.from[..], &[place.to_string()]].concat();
            changes.push(Change::Graft { from, to: to.clone() });
        }
    }
    changes.push(Change::Remove { path: vec!["sweep".to_owned()] });
    changes.extend(without.iter().rev().map(|m| leave_out(*m)));
    source.changed(&changes)
}
