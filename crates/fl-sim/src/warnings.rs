//! What can be computed, but is beyond what the theory says something about. It is told and not refused: the paper's own
//! experiments go there.

use crate::cell::federation_size;
use crate::config::Experiment;

/// What a reader of the paper would object to in an experiment, a sentence for each method.
///
/// - **Resampling.** The results on resampling with s-replacement need `B < W / 2s`: otherwise the averages that hold
///   something Byzantine, at most `s B`, may be half of the `W` or more (Theorem 1 and what follows from it).
pub fn warnings(experiment: &Experiment) -> Vec<String> {
    let Some(shape) = federation_size(experiment) else { return Vec::new() };
    let (workers, byzantine) = (shape.workers, shape.byzantine);
    let mut warnings = Vec::new();
    for method in &experiment.method {
        for pre in method.pre.iter().filter(|pre| pre.name == "resample") {
            let s = pre.settings.get("s").and_then(toml::Value::as_integer);
            let Some(s) = s.and_then(|s| usize::try_from(s).ok()) else { continue };
            if byzantine > 0 && 2 * s * byzantine >= workers {
                warnings.push(format!(
                    "{}: resampling with s = {s} needs B < W / 2s = {:.1} for the paper's bounds, and B is {byzantine}",
                    method.name,
                    workers as f64 / (2 * s) as f64
                ));
            }
        }
    }
    warnings
}
