//! The points of a sweep: every combination of values at which something is left to run.

use super::axis::Axis;
use super::exclude::Exclusion;
use crate::file::{ConfigError, ExperimentText, Mistakes};
use std::collections::HashSet;

/// A point and what is excluded there: methods by their places, with seeds.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) places: Vec<usize>,
    pub(super) out: HashSet<(usize, u64)>,
}

impl Point {
    /// The methods of which nothing is left.
    pub(super) fn without(&self, methods: usize, seeds: &[u64]) -> Vec<usize> {
        let all = |m: &usize| seeds.iter().all(|&seed| self.out.contains(&(*m, seed)));
        (0..methods).filter(all).collect()
    }
}

/// Every combination of values at which something is left to run.
pub(super) fn points(
    axes: &[Axis],
    exclusions: &[Exclusion],
    methods: usize,
    seeds: &[u64],
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) -> Vec<Point> {
    let count: usize = axes.iter().map(|axis| axis.values.len()).product();
    let mut useful = vec![false; exclusions.len()];
    let mut points = Vec::new();
    for index in 0..count {
        let mut rest = index;
        let mut places = vec![0; axes.len()];
        for (place, axis) in places.iter_mut().zip(axes).rev() {
            *place = rest % axis.values.len();
            rest /= axis.values.len();
        }
        let mut out = HashSet::new();
        for (exclusion, useful) in exclusions.iter().zip(&mut useful) {
            if exclusion.holds(&places) {
                for m in (0..methods).filter(|m| exclusion.has_method(*m)) {
                    for &seed in seeds.iter().filter(|seed| exclusion.has_seed(**seed)) {
                        *useful |= out.insert((m, seed));
                    }
                }
            }
        }
        if methods == 0 || out.len() < methods * seeds.len() {
            points.push(Point { places, out });
        }
    }
    for (exclusion, useful) in exclusions.iter().zip(useful) {
        if !useful && methods > 0 {
            let message = "this excludes nothing: exclusions before it have it all already";
            mistakes.add(source.error(Some(exclusion.span.clone()), message.into(), None));
        }
    }
    if points.is_empty() && mistakes.is_empty() {
        let span = exclusions.first().map(|exclusion| exclusion.span.clone());
        let message = "everything is excluded: nothing is left to run";
        mistakes.add(source.error(span, message.into(), None));
    }
    points
}

/// Runs that one file may ask for: each takes some kilobytes as long as the program runs.
pub const MOST_RUNS: usize = 500_000;

/// Refuses a file with more combinations than [`MOST_RUNS`], before the first of them is made.
pub(super) fn count(
    axes: &[Axis],
    methods: usize,
    seeds: usize,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let sizes = || axes.iter().map(|axis| axis.values.len());
    let runs = sizes().chain([methods.max(1), seeds]).try_fold(1usize, usize::checked_mul);
    if runs.is_some_and(|runs| runs <= MOST_RUNS) {
        return Ok(());
    }
    // Beyond 2⁵³ the last digits do not matter to anybody.
    let of = |n: f64| if n < 1e15 { format!("{n}") } else { format!("{n:.3e}") };
    let points: f64 = sizes().map(|n| n as f64).product();
    let all = points * methods.max(1) as f64 * seeds as f64;
    let message = format!(
        "this asks for {} runs ({} points of the sweep × {methods} methods × {seeds} seeds); one file may ask for at most \
         {MOST_RUNS}",
        of(all),
        of(points)
    );
    let span = axes.iter().max_by_key(|axis| axis.values.len()).map(|axis| axis.span.clone());
    let help = "leave values out, or make several files of it".to_owned();
    Err(source.error(span, message, Some(help)))
}
