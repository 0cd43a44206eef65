//! `done.json`: how a cell ended and what it came to.

use crate::plan::Cell;
use fl_sim::{FullPass, HeldOut, Metrics};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The file in a cell's folder that says why it failed; it is gone when the cell is tried again.
pub(crate) const FAILURE: &str = "failure.txt";

/// Version of `done.json` and `metrics.jsonl`.
pub(crate) const SCHEMA: u32 = 1;

pub(super) fn first_schema() -> u32 {
    SCHEMA
}

/// How a cell ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// All rounds were done.
    Finished,
    /// Something in `[stop]` ended it early.
    Stopped {
        /// What.
        by: Stop,
        /// The rounds that were done.
        round: u64,
    },
    /// A regular message or the parameters stopped being finite.
    Diverged {
        /// In the run's own words.
        reason: String,
    },
}

/// `done.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Version of this file and of `metrics.jsonl` beside it.
    #[serde(default = "first_schema")]
    pub schema: u32,
    /// How it ended.
    pub ending: Ending,
    /// Rounds asked for.
    pub rounds: u64,
    /// Mean test accuracy over the final window.
    pub final_accuracy: Option<f64>,
    /// The same of the balanced accuracy.
    pub final_balanced_accuracy: Option<f64>,
    /// Test accuracy at the last evaluation.
    pub last_accuracy: Option<f64>,
    /// All that is measured, over the final window.
    #[serde(default)]
    pub finals: Option<Finals>,
    /// Bytes that the workers' estimators keep.
    pub estimator_bytes: u64,
    /// Version of this crate.
    pub version: String,
    /// What the kernels ran on; results are bit-identical for any number of threads on the same one.
    pub instruction_set: String,
    /// The data set.
    pub data: String,
    /// Its SHA-256.
    pub data_digest: String,
    /// What is no result.
    pub resources: Resources,
}

/// Time and memory: they differ from run to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Seconds in all.
    pub seconds: f64,
    /// Seconds spent in evaluations and full passes.
    pub evaluation_seconds: f64,
    /// Rounds a second, evaluations apart.
    pub rounds_per_second: f64,
    /// Threads of this cell.
    pub threads: usize,
    /// Peak memory of the whole process in bytes, where the system tells.
    pub peak_memory: Option<u64>,
    /// Where the time of the call that ended the run went, beside its rounds.
    #[serde(rename = "beside", default)]
    pub overhead: Overhead,
}

/// Seconds of a run that are not its rounds'. A checkpoint's are those that the run waits for: the copy of its state, and
/// at the end the disk; another thread writes the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
pub struct Overhead {
    /// On the test rows.
    pub evaluations: f64,
    /// Over the training data.
    pub full_passes: f64,
    /// What a round's messages show.
    pub telemetry: f64,
    /// `metrics.jsonl` and `timing.jsonl`.
    pub lines: f64,
    /// Copies of the state.
    pub checkpoints: f64,
    /// How many these were.
    pub saved: u64,
}

impl Overhead {
    /// What comes with every run, whatever is measured: telemetry, lines and checkpoints.
    pub fn of_every_run(&self) -> f64 {
        self.telemetry + self.lines + self.checkpoints
    }
}

/// What ended a run before its last round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The test accuracy asked for was reached.
    Accuracy,
    /// The test accuracy did not improve any more.
    Plateau,
    /// The test loss was too large, or not finite.
    LossAbove,
    /// The seconds were over. The cell is not finished.
    Seconds,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stop::Accuracy => "the accuracy asked for was reached",
            Stop::Plateau => "the accuracy did not improve any more",
            Stop::LossAbove => "the loss was too large",
            Stop::Seconds => "its seconds were over",
        })
    }
}

/// A cell's results.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The cell.
    pub cell: Cell,
    /// Its final numbers.
    pub done: Done,
    /// Its evaluations.
    pub metrics: Vec<Metrics>,
    /// Its folder.
    pub path: PathBuf,
    /// Whether it was found finished.
    pub reused: bool,
}

/// What a run came to: means over the evaluations in its last rounds, the last evaluation always among them.
///
/// A value that some of these evaluations lack is the mean over the others; one that all of them lack, as a short window
/// does what a round's messages show, is that of the last evaluation before them which has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finals {
    /// The last rounds that this is about.
    pub window: u64,
    /// As in [`Metrics`], and so are the others; null where no such evaluation has it, or where it is not finite.
    pub accuracy: Option<f64>,
    /// Mean over classes.
    pub balanced_accuracy: Option<f64>,
    /// By class.
    pub class_accuracy: Vec<Option<f64>>,
    /// Without the ℓ₂ term.
    pub test_loss: Option<f64>,
    /// R², for real targets, which have no accuracy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub r_squared: Option<f64>,
    /// Mean of |z − t|, for real targets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mean_absolute_error: Option<f64>,
    /// Accuracies on the samples that workers have set aside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_out: Option<HeldOut>,
    /// ‖x − x*‖².
    pub squared_distance_to_optimum: Option<f64>,
    /// ‖aggregate − mean of the regular messages‖².
    pub aggregate_error: Option<f64>,
    /// (1/R) Σ ‖v_w − mean of the regular messages‖².
    pub regular_spread: Option<f64>,
    /// Weight given to Byzantine messages.
    pub byzantine_weight: Option<f64>,
    /// Outputs of the pre-aggregation that a Byzantine message takes part in.
    pub contaminated: Option<f64>,
    /// As in [`FullPass`], and so are the others: over the full passes in the window.
    pub train_accuracy: Option<f64>,
    /// f(x).
    pub honest_loss: Option<f64>,
    /// ‖∇f(x)‖.
    pub gradient_norm: Option<f64>,
    /// (15).
    pub outer_variation: Option<f64>,
    /// (16), for one sample.
    pub inner_variation: Option<f64>,
    /// (16), of the messages that estimators send.
    pub message_variation: Option<f64>,
}

impl Finals {
    /// What runs are compared by: the accuracy, and R² with real targets.
    pub fn score(&self) -> Option<f64> {
        self.r_squared.or(self.accuracy)
    }

    /// Of these evaluations, for a window of so many rounds; `None` without an evaluation.
    pub fn of(metrics: &[Metrics], window: u64) -> Option<Self> {
        let last = metrics.last()?;
        let begin = metrics.partition_point(|m| m.round + window < last.round);
        let tail = &metrics[begin..];
        let mean = |value: &dyn Fn(&Metrics) -> Option<f64>| {
            let known: Vec<f64> = tail.iter().filter_map(value).collect();
            let mean = known.iter().sum::<f64>() / known.len() as f64;
            let mean = if known.is_empty() { metrics.iter().rev().find_map(value)? } else { mean };
            mean.is_finite().then_some(mean)
        };
        let held_out = |value: fn(&HeldOut) -> f64| mean(&|m| m.held_out.as_ref().map(value));
        let of_workers = || {
            let (mean, worst) = (held_out(|h| h.mean)?, held_out(|h| h.worst)?);
            Some(HeldOut { mean, worst, spread: held_out(|h| h.spread)? })
        };
        let full = |value: &dyn Fn(&FullPass) -> f64| mean(&|m| m.full.as_ref().map(value));
        Some(Self {
            window,
            accuracy: mean(&|m| Some(m.accuracy)),
            balanced_accuracy: mean(&|m| Some(m.balanced_accuracy)),
            class_accuracy: (0..last.class_accuracy.len())
                .map(|class| mean(&|m| *m.class_accuracy.get(class)?))
                .collect(),
            test_loss: mean(&|m| Some(m.test_loss)),
            r_squared: mean(&|m| m.r_squared),
            mean_absolute_error: mean(&|m| m.mean_absolute_error),
            held_out: of_workers(),
            squared_distance_to_optimum: mean(&|m| m.squared_distance_to_optimum),
            aggregate_error: mean(&|m| m.aggregate_error),
            regular_spread: mean(&|m| m.regular_spread),
            byzantine_weight: mean(&|m| m.byzantine_weight),
            contaminated: mean(&|m| m.contaminated.map(|n| n as f64)),
            train_accuracy: full(&|f| f.train_accuracy),
            honest_loss: full(&|f| f.honest_loss),
            gradient_norm: full(&|f| f.gradient_norm),
            outer_variation: full(&|f| f.outer_variation),
            inner_variation: full(&|f| f.inner_variation),
            message_variation: full(&|f| f.message_variation),
        })
    }
}

impl Outcome {
    /// What it came to, over its method's final window.
    pub fn finals(&self) -> Option<Finals> {
        let experiment = &self.cell.experiment;
        Finals::of(&self.metrics, experiment.window(&experiment.method[0]))
    }
}
