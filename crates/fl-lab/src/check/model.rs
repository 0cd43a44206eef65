//! The model, and x*.

use crate::file::{ByzantineConfig, ConfigError, Experiment, ExperimentText};
use crate::name::Number;
use fl_core::data::{Layout, TILE, Values};
use fl_core::{Dataset, Objective};

/// The model's own settings; columns and classes are the data's.
pub(super) fn check_model(
    experiment: &Experiment,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    if source.is_assumed(&["model"]) {
        return Ok(());
    }
    let spec = experiment.model.spec().map_err(|e| source.error_at(&["model"], e))?;
    let spec = <f64 as Number>::model(&*spec);
    // Whether the data have as many features as the model says is known when they are there.
    let columns = spec.columns().unwrap_or(TILE);
    let model = spec.build(columns, 2).map_err(|e| source.error_at(&["model"], e))?;
    if experiment.telemetry.optimum {
        check_optimum(&*model, columns, experiment, source)?;
    }
    Ok(())
}

/// x* must be one point: the loss convex, which some two rows tell as well as others, and the ℓ₂ term there.
fn check_optimum(
    model: &dyn Objective<f64>,
    columns: usize,
    experiment: &Experiment,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let values = vec![1.0; 2 * columns];
    let rows = Dataset::new(Values::F64(&values), columns, vec![0, 1], 2, Layout::Flat);
    let convex = rows.is_ok_and(|rows| model.curvature(&rows, &[0, 1]).is_some());
    let name = &experiment.model.name;
    let at = |message: String| source.error_at(&["telemetry", "optimum"], message);
    if !convex {
        let message = format!(
            "optimum = true needs a model with a convex loss, got {name}: nothing says which of its minima a run is to \
             be compared with"
        );
        return Err(
            at(message).with_help("remove optimum, or use softmax, logistic or least-squares")
        );
    }
    if let ByzantineConfig::Rotating(_) = experiment.federation.byzantine {
        let message = "optimum = true needs the same regular workers in all rounds, got byzantine.rotating: problem (1) \
                       is theirs";
        return Err(at(message.into()).with_help("use byzantine.count"));
    }
    if model.l2() == 0.0 {
        let message = format!(
            "optimum = true needs an ℓ₂ term, got {name} with l2 = 0: without it a minimum need not exist, nor be the \
             only one"
        );
        return Err(at(message).with_help(format!("set model.{name}.l2, for example l2 = 0.01")));
    }
    Ok(())
}
