//! Who is Byzantine in a cell.

use crate::file::{ByzantineConfig, ConfigError, Experiment, ExperimentText, RotatingConfig};
use fl_core::data::ClassValues;
use fl_core::{Dataset, Federation, Role, Streams, streams};

/// Whether no worker is Byzantine.
pub(crate) fn nobody(byzantine: &ByzantineConfig) -> bool {
    match byzantine {
        ByzantineConfig::Count(count) | ByzantineConfig::Rotating(RotatingConfig { count, .. }) => {
            *count == 0
        }
        ByzantineConfig::Workers(list) => list.is_empty(),
        ByzantineConfig::Classes(list) => list.is_empty(),
    }
}

/// Who is Byzantine under a seed.
pub(crate) fn federation_of(
    experiment: &Experiment,
    seed: u64,
    classes: Option<&Classes>,
    source: &ExperimentText,
) -> Result<Federation, ConfigError> {
    let workers = experiment.federation.workers;
    let byzantine = match &experiment.federation.byzantine {
        ByzantineConfig::Count(count) | ByzantineConfig::Rotating(RotatingConfig { count, .. }) => {
            drawn(*count, workers, seed)
        }
        chosen => named(experiment, chosen, classes, source)?,
    };
    Federation::new(workers, &byzantine)
        .map_err(|e| source.error_at(&["federation", "byzantine"], e))
}

/// The Byzantine workers of a cell; `None` where they change from round to round, or follow from classes of a set that
/// is not known before it is read.
pub fn byzantine_workers(experiment: &Experiment, seed: u64) -> Option<Vec<u32>> {
    let workers = experiment.federation.workers;
    let mut byzantine: Vec<u32> = match &experiment.federation.byzantine {
        ByzantineConfig::Count(count) => drawn(*count, workers, seed),
        ByzantineConfig::Workers(list) => list.clone(),
        ByzantineConfig::Classes(list) => {
            let per = experiment.data.partition.workers_per_class()? as u32;
            let Classes { count, values } = Classes::known(experiment)?;
            let classes: Vec<u32> =
                list.iter().map(|label| values.place(label, count)).collect::<Option<_>>()?;
            classes.into_iter().flat_map(|class| class * per..(class + 1) * per).collect()
        }
        ByzantineConfig::Rotating(_) => return None,
    };
    byzantine.retain(|&worker| (worker as usize) < workers);
    byzantine.sort_unstable();
    Some(byzantine)
}

/// So many workers, drawn uniformly for a seed.
fn drawn(count: usize, workers: usize, seed: u64) -> Vec<u32> {
    let mut chosen = vec![0; count.min(workers)];
    let mut rng = Streams::new(seed).at(Role::Byzantine, 0, 0);
    streams::distinct(&mut rng, workers as u32, &mut chosen);
    chosen
}

/// The Byzantine workers that the file names, by themselves or by their classes.
fn named(
    experiment: &Experiment,
    chosen: &ByzantineConfig,
    classes: Option<&Classes>,
    source: &ExperimentText,
) -> Result<Vec<u32>, ConfigError> {
    match (chosen, experiment.data.partition.workers_per_class()) {
        (ByzantineConfig::Workers(list), _) => Ok(list.clone()),
        (ByzantineConfig::Classes(list), Some(workers_per_class)) => {
            let per = workers_per_class as u32;
            // Of files that have not been read it is only known how many classes are meant.
            let Some(Classes { count, values }) = classes else {
                return Ok((0..list.len() as u32 * per).collect());
            };
            let mut workers = Vec::new();
            for (i, label) in list.iter().enumerate() {
                let Some(class) = values.place(label, *count) else {
                    let path = ["federation", "byzantine", "classes", &i.to_string()];
                    let message = format!(
                        "class {label} does not exist: {} has the classes {}",
                        experiment.data.set,
                        values.list(*count)
                    );
                    return Err(source.error_at(&path, message));
                };
                workers.extend(class * per..(class + 1) * per);
            }
            Ok(workers)
        }
        (ByzantineConfig::Classes(_), _) => {
            let message = "byzantine.classes needs a by-class partition, in which a class has workers of its own";
            let help = "use byzantine.count, byzantine.workers or partition.by-class";
            Err(source.error_at(&["federation", "byzantine"], message).with_help(help))
        }
        (ByzantineConfig::Count(_) | ByzantineConfig::Rotating(_), _) => Ok(Vec::new()),
    }
}

/// The classes of a set, as far as they are known.
pub(crate) struct Classes {
    pub(super) count: usize,
    pub(super) values: ClassValues,
}

impl Classes {
    /// Those of a known set, which are known before it is read.
    pub(crate) fn known(experiment: &Experiment) -> Option<Self> {
        let set = experiment.data.set.known().ok().flatten()?;
        Some(Self { count: set.classes(), values: set.class_values() })
    }

    pub(super) fn of(data: &Dataset) -> Self {
        Self { count: data.classes(), values: data.class_values().clone() }
    }
}
