//! Workers, classes and Byzantine workers.

use crate::file::{ByzantineConfig, ConfigError, Experiment, ExperimentText, RotatingConfig};
use crate::plan::{Classes, federation_of, partition_error};
use fl_core::Shape;
use std::fs;

/// Workers, classes and Byzantine workers must fit each other; gives W and f.
pub(crate) fn check_federation(
    experiment: &Experiment,
    source: &ExperimentText,
) -> Result<Shape, ConfigError> {
    let classes = experiment
        .data
        .set
        .classes()
        .map_err(|e| source.error_at(&["data", "set"], e.to_string()))?;
    let federation = &experiment.federation;
    let workers = federation.workers;
    // Streams are addressed by 24 bits of worker.
    if workers == 0 || workers >= 1 << 24 {
        let message = format!("workers must be from 1 to 2²⁴ − 1, got {workers}");
        return Err(source.error_at(&["federation", "workers"], message));
    }
    let partition = &experiment.data.partition;
    partition.check(classes, workers).map_err(|e| partition_error(&e, source))?;
    if let Some(path) = partition.file() {
        check_lists(path, source)?;
    }
    let byzantine = match &federation.byzantine {
        ByzantineConfig::Count(count) => {
            check_count(*count, workers, "count", &["federation", "byzantine", "count"], source)?;
            *count
        }
        ByzantineConfig::Rotating(RotatingConfig { count, every }) => {
            let path = ["federation", "byzantine", "rotating", "count"];
            check_count(*count, workers, "rotating.count", &path, source)?;
            if *every == 0 {
                let path = ["federation", "byzantine", "rotating", "every"];
                let message = "byzantine.rotating.every must be at least 1 round, got 0";
                return Err(source.error_at(&path, message));
            }
            *count
        }
        _ => {
            let classes = Classes::known(experiment);
            federation_of(experiment, 0, classes.as_ref(), source)?.byzantine().len()
        }
    };
    if let Some(participation) = &federation.participation {
        participation.check(workers).map_err(|e| {
            let key = e.setting.rsplit('.').next().unwrap_or_default();
            source.error_at(&["federation", "participation", key], &e)
        })?;
    }
    Ok(Shape { workers, byzantine })
}

/// The lists of rows are a part of what a run is, so they are there before a run has a name.
fn check_lists(path: &str, source: &ExperimentText) -> Result<(), ConfigError> {
    let reason = match fs::metadata(path) {
        // A pipe would be waited for.
        Ok(found) if !found.is_file() => "it is no file".to_owned(),
        Ok(_) => match fs::File::open(path) {
            Ok(_) => return Ok(()),
            Err(e) => e.to_string(),
        },
        Err(e) => e.to_string(),
    };
    let message = format!(
        "the lists of rows in {path} cannot be read: {reason}; paths are relative to the folder of the command"
    );
    Err(source.error_at(&["data", "partition"], message))
}

/// Somebody must be regular.
fn check_count(
    count: usize,
    workers: usize,
    key: &str,
    path: &[&str],
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    if count < workers {
        return Ok(());
    }
    let message = format!(
        "byzantine.{key} must be less than the {workers} workers, got {count}: somebody must be regular"
    );
    Err(source.error_at(path, message))
}
