//! What a cell will cost: memory from shapes alone, time from a trial of a few rounds.

use super::host::Host;
use crate::LabError;
use crate::file::{ConfigError, ExperimentText, Precision};
use crate::name::Number;
use crate::plan::{Assignment, Cell, Parts, setup};
use fl_core::Shape;
use fl_data::Loaded;
use fl_sim::{Evaluator, ProtocolSpec, Simulation, full_pass};
use std::sync::Arc;

/// What a cell keeps in memory beside the data, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The workers' estimators, between rounds; `None` where one does not say.
    pub estimators: Option<usize>,
    /// The messages of a round, `W × p`; in RSA also the workers' models.
    pub messages: usize,
    /// What the server keeps between pairs of messages, and what an evaluation needs on one thread.
    pub other: usize,
}

impl Memory {
    /// All of it; what an estimator does not say counts as nothing.
    pub fn total(&self) -> usize {
        let estimators = self.estimators.unwrap_or(0);
        estimators.saturating_add(self.messages).saturating_add(self.other)
    }
}

/// What a cell will keep in memory. Nothing of it is allocated.
///
/// # Errors
/// As [`setup`](crate::setup()).
pub fn memory(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
) -> Result<Memory, ConfigError> {
    fn of<T: Number>((cell, data, assignment, source): Parts<'_>) -> Result<Memory, ConfigError> {
        let setup = setup::<T>(cell, data, assignment, source)?;
        let samples = setup.samples.iter().map(|samples| samples.len());
        let (workers, dim) = (setup.samples.len(), setup.objective.dim());
        let numbers = setup.protocol.numbers(workers, dim);
        let shape = Shape { workers, byzantine: setup.federation.byzantine().len() };
        let server = match &setup.protocol {
            ProtocolSpec::Gradient { pre, rule } => {
                fl_core::server_cost::<T>(pre, &**rule, shape, dim).map_or(0, |cost| cost.bytes)
            }
            ProtocolSpec::Rsa(_) => 0,
        };
        let evaluation = Evaluator::bytes(&*setup.objective, &data.split.test).saturating_add(
            assignment
                .held_out
                .as_ref()
                .map_or(0, |_| Evaluator::bytes(&*setup.objective, setup.train)),
        );
        let kept = setup.server_step.vectors().saturating_mul(dim).saturating_mul(size_of::<T>());
        Ok(Memory {
            estimators: fl_saga::memory(&*setup.estimator, &*setup.objective, samples),
            messages: numbers.saturating_mul(size_of::<T>()),
            other: server.saturating_add(evaluation).saturating_add(kept),
        })
    }
    match cell.experiment.precision {
        Precision::F32 => of::<f32>((cell, data, assignment, source)),
        Precision::F64 => of::<f64>((cell, data, assignment, source)),
    }
}

/// Seconds a round, with the cell's evaluations and full passes in proportion, from some rounds on the current thread
/// pool that take about `seconds`. Nothing is written.
///
/// # Errors
/// As [`Simulation::new`] and [`Simulation::run`].
pub fn trial(
    cell: &Cell,
    data: &Loaded,
    assignment: &Assignment,
    source: &ExperimentText,
    host: Host<'_>,
    seconds: f64,
) -> Result<f64, LabError> {
    match cell.experiment.precision {
        Precision::F32 => trial_of::<f32>((cell, data, assignment, source), host, seconds),
        Precision::F64 => trial_of::<f64>((cell, data, assignment, source), host, seconds),
    }
}

fn trial_of<T: Number>(
    (cell, data, assignment, source): Parts<'_>,
    host: Host<'_>,
    seconds: f64,
) -> Result<f64, LabError> {
    let experiment = &cell.experiment;
    let now = host.clock;
    let mut simulation = Simulation::new(setup::<T>(cell, data, assignment, source)?)?;
    if let Some(flag) = host.abandon {
        simulation = simulation.interrupted_by(Arc::clone(flag));
    }
    let mut evaluator = Evaluator::new(simulation.view().objective(), &data.split.test);
    let params = simulation.params().to_vec();
    let begin = now();
    evaluator.evaluate(simulation.view().objective(), &params, 0);
    let evaluation = now() - begin;
    let full = match experiment.full_pass_interval() {
        0 => 0.0,
        every => {
            let begin = now();
            full_pass(&simulation.view(), &params);
            (now() - begin) / every as f64
        }
    };
    // The first round finds everything cold.
    simulation.run(1, |_, _| Ok(()))?;
    let (begin, first) = (now(), simulation.round());
    let mut rounds = first;
    while rounds < experiment.rounds && now() - begin < seconds {
        rounds = (rounds + (rounds - first).max(1)).min(experiment.rounds);
        simulation.run(rounds, |_, _| Ok(()))?;
    }
    let done = (simulation.round() - first).max(1) as f64;
    let round = if simulation.round() > first { (now() - begin) / done } else { 0.0 };
    Ok(round + evaluation / experiment.evaluation_interval() as f64 + full)
}
