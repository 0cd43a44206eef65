//! The numbers that are measured, at two cadences.

use serde::{Deserialize, Deserializer, Serialize};

/// One line of `metrics.jsonl`.
///
/// A value that does not exist (RSA has no direction, the last line no aggregation) is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Metrics {
    /// k: everything here is about x^k and the round that starts from it.
    pub round: u64,
    /// Share of the test rows that are classified rightly; NaN with real targets.
    #[serde(deserialize_with = "number")]
    pub accuracy: f64,
    /// Mean over classes of the share of a class's test rows that are classified rightly.
    #[serde(deserialize_with = "number")]
    pub balanced_accuracy: f64,
    /// That share for each class; null for a class without test rows.
    pub class_accuracy: Vec<Option<f64>>,
    /// Mean test loss, without the ℓ₂ term.
    #[serde(deserialize_with = "number")]
    pub test_loss: f64,
    /// 1 − Σ (z − t)² / Σ (t − mean of t)² over the test rows, for real targets, which have no accuracy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub r_squared: Option<f64>,
    /// Mean of |z − t| over the test rows, for real targets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mean_absolute_error: Option<f64>,
    /// Test rows that the numbers above come from.
    #[serde(default)]
    pub test_rows: u64,
    /// ‖x^k − x*‖², where x* is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub squared_distance_to_optimum: Option<f64>,
    /// ‖aggregate − mean of the regular messages‖².
    pub aggregate_error: Option<f64>,
    /// (1/R) Σ ‖v_w − mean of the regular messages‖².
    pub regular_spread: Option<f64>,
    /// Sum of the weights that the output gives to Byzantine messages.
    pub byzantine_weight: Option<f64>,
    /// The weight that the output gives to each worker's message, where that is asked for and the rule has weights. Of
    /// equal messages a rule may weigh any, Krum for example the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weights: Option<Vec<f64>>,
    /// Outputs of the pre-aggregation that a Byzantine message takes part in.
    pub contaminated: Option<u64>,
    /// Iterations of the rule's solver.
    pub iterations: Option<u32>,
    /// Its certified gap, relative to the objective.
    pub relative_gap: Option<f64>,
    /// Messages dropped because they were not finite.
    pub dropped: Option<u64>,
    /// Workers that took part in the round, where that is not always all of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub present: Option<u64>,
    /// Rounds so far, this one included, in which too few took part for the model to move.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub skipped: Option<u64>,
    /// Share of the test samples of other classes than a backdoor's target which, with its trigger, are taken for the
    /// target.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub backdoor_success: Option<f64>,
    /// Accuracies on the samples that workers have set aside, where they have.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_out: Option<HeldOut>,
    /// The measurements that need full passes, at their own cadence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub full: Option<FullPass>,
}

impl Metrics {
    /// What runs are compared by: the accuracy, and R² with real targets.
    pub fn score(&self) -> f64 {
        self.r_squared.unwrap_or(self.accuracy)
    }
}

/// a_w, the share of worker w's own samples, set aside before it learned, that the model classifies rightly; over the regular
/// workers that have set some aside, n of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// ā = (1/n) Σ a_w.
    pub mean: f64,
    /// min a_w.
    pub worst: f64,
    /// √((1/n) Σ (a_w − ā)²).
    pub spread: f64,
}

/// What full passes over the regular workers' training data show at x^k.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FullPass {
    /// f(x), the average over regular workers (1), with the ℓ₂ term.
    #[serde(deserialize_with = "number")]
    pub honest_loss: f64,
    /// ‖∇f(x)‖.
    #[serde(deserialize_with = "number")]
    pub gradient_norm: f64,
    /// Mean over regular workers of the share of their training rows that are classified rightly.
    #[serde(deserialize_with = "number", default = "unknown")]
    pub train_accuracy: f64,
    /// (1/R) Σ ‖∇f_w(x) − ∇f(x)‖² (15).
    #[serde(deserialize_with = "number")]
    pub outer_variation: f64,
    /// Mean over regular workers of E‖∇f_{w,i}(x) − ∇f_w(x)‖² (16), for one sample.
    #[serde(deserialize_with = "number")]
    pub inner_variation: f64,
    /// The same for the messages that the workers' estimators send.
    #[serde(deserialize_with = "number")]
    pub message_variation: f64,
}

/// JSON has no NaN and no infinity: what diverges is written as null and read as NaN.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

/// For files of earlier versions.
fn unknown() -> f64 {
    f64::NAN
}
