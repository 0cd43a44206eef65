//! Who holds which samples, and what Byzantine workers learn from.

use super::byzantine::{Classes, federation_of};
use super::cell::Cell;
use super::held_out::{HeldOutRows, hold_out};
use crate::file::{ConfigError, ExperimentText};
use fl_core::data::DatasetError;
use fl_core::{Dataset, Federation, Poison, PoisonContext, Poisoned, Role, Streams, triggered};
use fl_data::{Loaded, Partition, PartitionError};
use std::sync::Arc;

/// A cell's partition and federation on given data.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Who holds what.
    pub partition: Arc<Partition>,
    /// Of each worker, samples that it does not learn from and that its accuracy is measured on.
    pub held_out: Option<Arc<HeldOutRows>>,
    /// The training samples as their workers see them, where that is another way than they are loaded.
    pub train: Option<Arc<Dataset>>,
    /// Who is who; for a start, where that changes.
    pub federation: Federation,
    /// What Byzantine workers learn in place of their own samples.
    pub byzantine_data: Option<AssignedData>,
}

/// What Byzantine workers learn in place of their own samples.
#[derive(Clone, Debug)]
pub enum AssignedData {
    /// Changed samples.
    Changed {
        /// The samples.
        poisoned: Box<Poisoned>,
        /// Test samples with a backdoor's trigger and its target as their label.
        triggered: Option<Box<Dataset>>,
    },
    /// The samples of this worker.
    Held(usize),
    /// What the model finds least likely.
    LeastLikely,
}

/// Deals the data to the workers of a cell, and says who is Byzantine.
///
/// # Errors
/// When data and federation do not fit, at the place in the file.
pub fn assign(
    cell: &Cell,
    data: &Loaded,
    source: &ExperimentText,
) -> Result<Assignment, ConfigError> {
    assign_from(share_out(cell, data, source)?, cell, data, source)
}

/// What cells have in common that differ in other things than data, seed and number of workers.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    partition: Arc<Partition>,
    held_out: Option<Arc<HeldOutRows>>,
    train: Option<Arc<Dataset>>,
}

pub(crate) fn share_out(
    cell: &Cell,
    data: &Loaded,
    source: &ExperimentText,
) -> Result<Shares, ConfigError> {
    let experiment = &cell.experiment;
    let (train, workers) = (&data.split.train, experiment.federation.workers);
    let streams = Streams::new(cell.seed);
    let partition = experiment
        .data
        .partition
        .build_rows(data.into(), workers, &mut streams.at(Role::Partition, 0, 0))
        .map_err(|e| partition_error(&e, source))?;
    let seen = experiment
        .data
        .partition
        .transform(train, data.picture, &partition, &mut streams.at(Role::Partition, 0, 1))
        .map_err(|e| partition_error(&e, source))?;
    let (partition, held_out) = match experiment.data.held_out {
        None => (partition, None),
        Some(share) => {
            let (kept, held_out) = hold_out(&partition, train, share)
                .map_err(|why| source.error_at(&["data", "held-out"], why))?;
            (kept, Some(Arc::new(held_out)))
        }
    };
    Ok(Shares { partition: Arc::new(partition), held_out, train: seen.map(Arc::new) })
}

pub(crate) fn assign_from(
    shares: Shares,
    cell: &Cell,
    data: &Loaded,
    source: &ExperimentText,
) -> Result<Assignment, ConfigError> {
    let experiment = &cell.experiment;
    let (train, workers) = (&data.split.train, experiment.federation.workers);
    let Shares { partition, held_out, train: seen } = shares;
    let streams = Streams::new(cell.seed);
    let federation = federation_of(experiment, cell.seed, Some(&Classes::of(train)), source)?;
    let at = |e: String| source.error_at(&["federation", "poison"], e);
    let byzantine_data = match &experiment.federation.poison {
        None => None,
        Some(poison) => {
            let samples: Vec<&[u32]> = (0..workers).map(|w| partition.worker(w)).collect();
            let data_seen = seen.as_deref().unwrap_or(train);
            let (picture, samples, federation) = (data.picture, &*samples, &federation);
            let context = PoisonContext { data: data_seen, picture, samples, federation };
            let spec = poison.spec().map_err(|e| at(e.to_string()))?;
            let poison = spec.build(&context).map_err(|e| at(e.to_string()))?;
            Some(
                learn(poison, &context, &data.split.test, &streams)
                    .map_err(|e| at(e.to_string()))?,
            )
        }
    };
    Ok(Assignment { partition, held_out, train: seen, federation, byzantine_data })
}

/// Prepares what a poison makes of the samples.
fn learn(
    poison: Poison,
    context: &PoisonContext<'_>,
    test: &Dataset,
    streams: &Streams,
) -> Result<AssignedData, DatasetError> {
    Ok(match poison {
        Poison::Held(worker) => AssignedData::Held(worker),
        Poison::LeastLikely => AssignedData::LeastLikely,
        Poison::Changed(change) => AssignedData::Changed {
            poisoned: Box::new(Poisoned::new(&*change, context, streams)?),
            triggered: match change.backdoor() {
                Some(backdoor) => triggered(test, backdoor)?.map(Box::new),
                None => None,
            },
        },
    })
}

pub(crate) fn partition_error(error: &PartitionError, source: &ExperimentText) -> ConfigError {
    match error {
        // The way out is usually another number of workers.
        PartitionError::WorkersPerClass { .. } => {
            source.error_at(&["federation", "workers"], error)
        }
        _ => source.error_at(&["data", "partition"], error),
    }
}
