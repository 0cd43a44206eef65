//! From a cell to what a simulation is made of.

use super::assign::{AssignedData, Assignment};
use super::byzantine::nobody;
use super::cell::Cell;
use super::within::WithinSamples;
use crate::file::{
    BatchSize, ByzantineConfig, ConfigError, Experiment, ExperimentText, MethodConfig,
    ProtocolConfig, RotatingConfig, SmallWorkers, Weights,
};
use crate::name::{ChoiceError, Number, RuleChoice};
use fl_attacks::NoAttack;
use fl_core::{AttackSpec, Dataset, EstimatorSpec, Objective, PreAggregatorSpec, RuleSpec};
use fl_data::{Loaded, Partition};
use fl_saga::Augment;
use fl_sim::{ByzantineData, ProtocolSpec, Rotation, Setup};
use toml::Value;

/// What the parts of a cell are made from.
pub(crate) type Parts<'a> = (&'a Cell, &'a Loaded, &'a Assignment, &'a ExperimentText);

/// What rules that have weights call them.
pub(crate) const WEIGHTS: &str = "weights";

impl MethodConfig {
    /// Whether the rule weighs messages, by the workers' samples or by numbers of its own.
    pub fn has_weights(&self) -> bool {
        let own = |rule: &RuleChoice| rule.settings().get(WEIGHTS).is_some();
        self.weights.is_some() || self.rule.as_ref().is_some_and(own)
    }
}

/// The parts of a cell, from its configuration: each is built once, when the experiment file is read, and copied here.
///
/// # Errors
/// The part that cannot work, at its place in the file.
pub fn setup<'a, T: Number>(
    cell: &Cell,
    data: &'a Loaded,
    assignment: &'a Assignment,
    source: &ExperimentText,
) -> Result<Setup<'a, T>, ConfigError> {
    let (experiment, method) = (&cell.experiment, &cell.method);
    let index = &*cell.method_index.to_string();
    let train = assignment.train.as_deref().unwrap_or(&data.split.train);
    let model = experiment.model.spec().map_err(|e| source.error_at(&["model"], e))?;
    let objective =
        T::model(&*model).build_for(train).map_err(|e| source.error_at(&["model"], e))?;
    let batch = method.batch.unwrap_or(experiment.train.batch);
    let partition = &assignment.partition;
    let sizes = (0..partition.workers()).map(|w| partition.worker(w).len());
    let mut batches: Vec<usize> = match (batch, experiment.train.small_workers) {
        (BatchSize::Count(batch), None) => vec![batch],
        (BatchSize::Count(batch), Some(SmallWorkers::TakeAll)) => {
            sizes.map(|samples| batch.min(samples)).collect()
        }
        (BatchSize::All, _) => sizes.collect(),
    };
    batches.sort_unstable();
    batches.dedup();
    let estimator = estimator::<T>(method, experiment.augment(method), &batches)
        .map_err(|e| source.error_at(&["method", index, "estimator"], e))?;
    let all = (0..partition.workers()).map(|w| partition.worker(w).len()).sum();
    estimator
        .check(&*objective, all)
        .map_err(|e| source.error_at(&["method", index, "estimator"], e))?;
    let protocol = protocol(method, index, &assignment.partition, source)?;
    let (samples, byzantine_data) = taught(assignment, train, &*objective, source)?;
    let rotation = match experiment.federation.byzantine {
        ByzantineConfig::Rotating(RotatingConfig { every, .. }) => Some(Rotation { every }),
        _ => None,
    };
    let attack = attack(experiment).map_err(|e| source.error_at(&["federation", "attack"], e))?;
    Ok(Setup {
        train,
        samples,
        federation: assignment.federation.clone(),
        rotation,
        participation: experiment.federation.participation,
        byzantine_data,
        objective,
        estimator,
        protocol,
        knowledge: experiment.federation.knowledge,
        attack,
        step: method.step.unwrap_or(experiment.train.step),
        server_step: experiment.server_step(method),
        seed: cell.seed,
    })
}

/// What is sent and what is done with it.
fn protocol(
    method: &MethodConfig,
    index: &str,
    partition: &Partition,
    source: &ExperimentText,
) -> Result<ProtocolSpec, ConfigError> {
    let at = |key: &str, e: String| source.error_at(&["method", index, key], e);
    let rule = match (&method.protocol, &method.rule) {
        (Some(ProtocolConfig::Rsa(rsa)), _) => return Ok(ProtocolSpec::Rsa(*rsa)),
        (None, None) => {
            return Err(source.error_at(&["method", index], "a method needs a rule"));
        }
        (None, Some(rule)) => rule,
    };
    let rule = match method.weights {
        None => rule.spec(),
        Some(Weights::Samples) => {
            let weights = numbers_of_samples(partition).map_err(|e| at("weights", e))?;
            weighed(rule, &weights)
        }
    };
    let rule = rule.map_err(|e| at("rule", e.to_string()))?;
    let pre = pre(method).map_err(|e| at("pre", e.to_string()))?;
    Ok(ProtocolSpec::Gradient { pre, rule })
}

/// Each worker's rows, and what Byzantine workers learn from where that is something else than the training data.
type Taught<'a, T> = (Vec<&'a [u32]>, Option<ByzantineData<'a, T>>);

fn taught<'a, T: Number>(
    assignment: &'a Assignment,
    train: &'a Dataset,
    objective: &dyn Objective<T>,
    source: &ExperimentText,
) -> Result<Taught<'a, T>, ConfigError> {
    let (partition, federation) = (&assignment.partition, &assignment.federation);
    let mut samples: Vec<&[u32]> = (0..partition.workers()).map(|w| partition.worker(w)).collect();
    let byzantine_data = match &assignment.byzantine_data {
        None => None,
        Some(AssignedData::Changed { poisoned, .. }) => {
            for (&b, rows) in federation.byzantine().iter().zip(&poisoned.samples) {
                samples[b as usize] = rows;
            }
            Some(ByzantineData { data: &poisoned.data, objective: None })
        }
        Some(AssignedData::Held(worker)) => {
            federation.byzantine().iter().for_each(|&b| samples[b as usize] = samples[*worker]);
            None
        }
        Some(AssignedData::LeastLikely) => {
            let objective = objective.least_likely().ok_or_else(|| {
                let message =
                    "label-flip: labels = \"least-likely\" needs a model with class probabilities";
                source
                    .error_at(&["federation", "poison"], message)
                    .with_help("softmax and a perceptron with cross-entropy have them")
            })?;
            Some(ByzantineData { data: train, objective: Some(objective) })
        }
    };
    Ok((samples, byzantine_data))
}

fn attack<T: Number>(experiment: &Experiment) -> Result<Box<dyn AttackSpec<T>>, ChoiceError> {
    // Where nobody is there to play it, whatever a sweep combines with that.
    if nobody(&experiment.federation.byzantine) {
        return Ok(Box::new(NoAttack {}));
    }
    Ok(T::attack(&*experiment.federation.attack.spec()?))
}

/// A method's estimator: on moved pictures, local steps with it, then momentum, then clipping.
fn estimator<T: Number>(
    method: &MethodConfig,
    augment: Option<Augment>,
    batches: &[usize],
) -> Result<Box<dyn EstimatorSpec<T>>, ChoiceError> {
    let choice = &method.estimator;
    let with = |&batch: &usize| {
        let batch = i64::try_from(batch).unwrap_or(i64::MAX);
        let spec = match choice.has_setting("batch") {
            true => choice.spec_with(&[("batch", Value::Integer(batch))])?,
            false => choice.spec()?,
        };
        Ok(T::estimator(&*spec))
    };
    let specs = batches.iter().map(with).collect::<Result<_, ChoiceError>>()?;
    let mut estimator = WithinSamples::of(specs);
    if let Some(augment) = augment {
        estimator = Box::new(augment.over(estimator));
    }
    if let Some(steps) = method.local_steps {
        estimator = Box::new(steps.over(estimator));
    }
    if let Some(momentum) = method.momentum {
        estimator = Box::new(momentum.over(estimator));
    }
    if let Some(clip) = method.clip {
        estimator = Box::new(clip.over(estimator));
    }
    Ok(estimator)
}

/// A rule with these weights.
pub(crate) fn weighed(
    choice: &RuleChoice,
    weights: &[f64],
) -> Result<Box<dyn RuleSpec>, ChoiceError> {
    choice.spec_with(&[(WEIGHTS, weights.to_vec().into())])
}

fn numbers_of_samples(partition: &Partition) -> Result<Vec<f64>, String> {
    let numbers: Vec<f64> =
        (0..partition.workers()).map(|w| partition.worker(w).len() as f64).collect();
    match numbers.iter().position(|&n| n == 0.0) {
        Some(w) => {
            Err(format!("weights = \"samples\" needs samples everywhere, and worker {w} has none"))
        }
        None => Ok(numbers),
    }
}

/// A method's chain of pre-aggregators.
pub(crate) fn pre(method: &MethodConfig) -> Result<Vec<Box<dyn PreAggregatorSpec>>, ChoiceError> {
    method.pre.iter().map(|pre| pre.spec()).collect()
}
