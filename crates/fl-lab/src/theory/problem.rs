//! The constants of problem (1) as a cell has it, computed and measured.

use crate::LabError;
use crate::file::{ConfigError, ExperimentText, Precision};
use crate::name::Number;
use crate::plan::{Assignment, Cell, Parts, setup};
use fl_data::Loaded;
use fl_saga::Sgd;
use fl_sim::{ProtocolSpec, Simulation, full_pass};
use fl_theory::{Estimate, Problem};
use rayon::prelude::*;
use serde::Serialize;

/// µ, L and J of problem (1) as a cell deals it: over the regular workers' samples, with the cell's batch. `None` for a model that is
/// not strongly convex (a perceptron, or λ = 0), and where Byzantine workers
/// change and problem (1) with them.
///
/// Where regular workers hold equally many samples f is the mean over all of them. Where they do not, f is the mean of the workers' means, and
/// the means of their constants bound it. Bounds that [`Curvature`](fl_core::Curvature) gives are as good as they are: L from above, µ from below.
///
/// # Errors
/// As [`setup`].
pub fn problem(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
) -> Result<Option<Problem>, ConfigError> {
    match cell.experiment.precision {
        Precision::F32 => problem_of::<f32>((cell, data, assignment, source)),
        Precision::F64 => problem_of::<f64>((cell, data, assignment, source)),
    }
}

fn problem_of<T: Number>(
    (cell, data, assignment, source): Parts<'_>,
) -> Result<Option<Problem>, ConfigError> {
    let setup = setup::<T>(cell, data, assignment, source)?;
    if setup.rotation.is_some() {
        return Ok(None);
    }
    let regular = || setup.federation.regular().iter().map(|&w| setup.samples[w as usize]);
    let samples = regular().map(<[u32]>::len).max().unwrap_or(0);
    let curvature = if regular().all(|rows| rows.len() == samples) {
        let mut rows: Vec<u32> = regular().flatten().copied().collect();
        rows.sort_unstable();
        setup.objective.curvature(setup.train, &rows)
    } else {
        let workers: Vec<&[u32]> = regular().collect();
        setup.objective.curvature_of_means(setup.train, &workers)
    };
    let batch = cell.method.batch.unwrap_or(cell.experiment.train.batch).of(samples);
    Ok(curvature.filter(|c| c.mu > 0.0).map(|c| Problem {
        mu: c.mu,
        smooth: c.smooth,
        smooth_sample: c.smooth_sample,
        samples,
        batch,
    }))
}

/// The mean over regular workers of the L of each worker's own f_w. It is at least the L of f, their mean, and well above it
/// where workers hold different classes. `None` where [`problem`] gives none.
///
/// # Errors
/// As [`setup`].
pub fn mean_smoothness(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
) -> Result<Option<f64>, ConfigError> {
    let setup = setup::<f64>(cell, data, assignment, source)?;
    if setup.rotation.is_some() {
        return Ok(None);
    }
    let regular = setup.federation.regular();
    let each: Option<Vec<f64>> = regular
        .par_iter()
        .map(|&w| {
            let rows = setup.samples[w as usize];
            setup.objective.curvature(setup.train, rows).map(|c| c.smooth)
        })
        .collect();
    Ok(each.map(|each| each.iter().sum::<f64>() / each.len() as f64))
}

/// What was measured of a problem at some points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// Points at which (15) and (16) were measured.
    pub points: usize,
    /// δ², the largest outer variation (15).
    pub delta2: f64,
    /// σ² for one sample, the largest inner variation: of (16) the mean over the regular workers, which is what (67) uses.
    pub sigma2: f64,
    /// `‖∇f(x⁰)‖`.
    pub gradient_norm: f64,
}

/// Measures δ² and σ² at x⁰ and at the points that stochastic gradients averaged over everybody, without attack, reach from there after the given
/// numbers of rounds, with the cell's step. Both assumptions ask for all x, so these are bounds from below.
///
/// Cost: three passes over the training data a point, and the rounds.
///
/// # Errors
/// As [`setup`]. A run that diverges ends the list of points early.
pub fn measure(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
    rounds: &[u64],
) -> Result<Measured, LabError> {
    match cell.experiment.precision {
        Precision::F32 => measure_of::<f32>((cell, data, assignment, source), rounds),
        Precision::F64 => measure_of::<f64>((cell, data, assignment, source), rounds),
    }
}

fn measure_of<T: Number>(
    (cell, data, assignment, source): Parts<'_>,
    rounds: &[u64],
) -> Result<Measured, LabError> {
    let mut setup = setup::<T>(cell, data, assignment, source)?;
    let smallest = setup.samples.iter().map(|rows| rows.len()).min().unwrap_or(1);
    let batch = cell.method.batch.unwrap_or(cell.experiment.train.batch).of(smallest).min(smallest);
    setup.estimator = Box::new(Sgd::new(batch));
    setup.attack = Box::new(fl_attacks::NoAttack {});
    (setup.rotation, setup.participation, setup.byzantine_data) = (None, None, None);
    setup.protocol = ProtocolSpec::Gradient { pre: Vec::new(), rule: Box::new(fl_agg::Mean) };
    let mut simulation = Simulation::new(setup).map_err(|e| source.error_at(&["federation"], e))?;
    let mut estimate = Estimate::default();
    let mut gradient_norm = f64::NAN;
    let mut rounds = rounds.to_vec();
    rounds.push(0);
    rounds.sort_unstable();
    rounds.dedup();
    for round in rounds {
        if simulation.run(round, |_, _| Ok(())).is_err() {
            break;
        }
        let params = simulation.params().to_vec();
        let pass = full_pass(&simulation.view(), &params);
        if !(pass.outer_variation.is_finite() && pass.inner_variation.is_finite()) {
            break;
        }
        if round == 0 {
            gradient_norm = pass.gradient_norm;
        }
        estimate.measured(pass.outer_variation, pass.inner_variation);
    }
    let Estimate { delta2, sigma2, points } = estimate;
    Ok(Measured { points, delta2, sigma2, gradient_norm })
}
