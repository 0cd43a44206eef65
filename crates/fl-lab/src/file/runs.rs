//! What an experiment file may say of its runs: what is measured, when they end, what is kept, and what is tuned.

use super::keys::{Kind, Written, keys};
use serde::{Deserialize, Serialize};

keys! {
    /// What is measured, next to what always is.
    #[derive(Copy, Default, Eq)]
    pub struct TelemetryConfig {
        /// Whether ‖x − x*‖² is measured, for convex models with an ℓ₂ term.
        ///
        /// x* is then searched first, see [`Optimum`](fl_sim::Optimum).
        #[serde(default)]
        optimum: bool => otherwise "`false`";
        /// Test rows that evaluations along the way look at; the last one looks at all.
        ///
        /// See [`Evaluator::with_rows`](fl_sim::Evaluator::with_rows).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evaluate_rows: Option<usize> => otherwise "all";
        /// Whether `metrics.jsonl` has the weight of each worker's message, for rules that have weights.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        weights: bool => otherwise "`false`";
    }
}

/// What accuracy is measured on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvaluateOn {
    /// The test rows.
    #[default]
    Test,
    /// The set's own validation rows.
    Validation,
    /// This many of the training rows, which nobody then learns from: of each class its share, evenly spaced in the order of
    /// the file.
    TrainingRows(usize),
}

keys! {
    /// How often a run's state is saved, and what stays at its end.
    #[derive(Copy, Default)]
    pub struct CheckpointConfig {
        /// A run's state is saved at multiples of so many rounds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rounds: Option<u64> => otherwise "–";
        /// A run's state is saved after so many seconds, `inf` for never.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<f64> => otherwise "30, unless `rounds` is there";
        /// What stays of a finished run: `"state"`, with which more rounds can be added, `"model"`, or `"nothing"`.
        #[serde(default)]
        keep: Keep => otherwise "`\"state\"`";
    }
}

/// What stays of a finished run next to its results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// A checkpoint of the last round, with which more rounds can be added.
    #[default]
    State,
    /// The parameters alone.
    Model,
    /// Nothing.
    Nothing,
}

impl Written for Keep {
    const KIND: Kind = Kind::Value("state | model | nothing");
}

impl CheckpointConfig {
    /// Seconds between checkpoints, unless only rounds count.
    pub fn seconds(&self) -> Option<f64> {
        self.seconds.or_else(|| self.rounds.is_none().then_some(30.0))
    }
}

keys! {
    /// When a run ends before its last round; the first that applies ends it.
    #[derive(Default)]
    pub struct StopConfig {
        /// Ends a run after an evaluation with this test accuracy or more; with real targets this R².
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accuracy: Option<f64> => otherwise "–";
        /// `{ rounds, by }`: ends a run whose best test accuracy (with real targets R²) has not grown by more than `by` (0 by
        /// default) in so many `rounds`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plateau: Option<Plateau> => otherwise "–";
        /// Ends a run after an evaluation with a test loss above this, or one that is not finite.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        loss_above: Option<f64> => otherwise "–";
        /// Ends a run after so many seconds of one call; the next call goes on with it, for as many seconds.
        ///
        /// Time is no result: the cell is not finished.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seconds: Option<f64> => otherwise "–";
    }
}

/// No improvement for a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plateau {
    /// Rounds for which the best test accuracy, with real targets the best R², has to stand.
    pub rounds: u64,
    /// By more than how much it has to be exceeded to count as improved.
    #[serde(default)]
    pub by: f64,
}

impl Written for Plateau {
    const KIND: Kind = Kind::Value("table with rounds and by");
}

keys! {
    /// How step sizes are chosen: the table `[tune]` of an experiment file. No run depends on it.
    ///
    /// Every candidate runs a short while; the best third goes on for three times as long; and so on until the last rung,
    /// which has all rounds. A candidate's score is its final accuracy (the window of its method, shortened as the rung is)
    /// on rows set aside, averaged over seeds; one that diverges under any seed is worst. Ties, as of candidates that all are
    /// at chance in a short rung, go to the smaller loss on these rows, then to the smaller step, then to the smaller λ.
    ///
    /// **Reference**: Jamieson and Talwalkar 2016.
    #[serde(default)]
    pub struct TuneConfig {
        /// Candidates for γ.
        step: Vec<f64> => otherwise "thirteen from 0.001 to 10";
        /// Candidates for RSA's λ, each of which is tried with each γ.
        lambda: Vec<f64> => otherwise "twelve from 0.0001 to 0.5";
        /// The methods to tune; the others keep their steps.
        #[serde(skip_serializing_if = "Option::is_none")]
        methods: Option<Vec<String>> => otherwise "all";
        /// Seeds of the search, others than those of the final runs.
        seeds: Vec<u64> => otherwise "`[1000, 1001]`";
        /// Rows that candidates are judged by, as in `data.evaluate-on`.
        #[serde(skip_serializing_if = "Option::is_none")]
        evaluate_on: Option<EvaluateOn> => otherwise "the set's validation rows, or a tenth of the training rows";
        /// How often candidates are compared.
        rungs: u32 => otherwise "3";
        /// Of so many candidates one goes on to the next rung, which has as many times the rounds.
        keep_one_in: u32 => otherwise "3";
    }
}

impl Default for TuneConfig {
    fn default() -> Self {
        Self {
            step: vec![0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0],
            lambda: vec![
                0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
            ],
            methods: None,
            seeds: vec![1000, 1001],
            evaluate_on: None,
            rungs: 3,
            keep_one_in: 3,
        }
    }
}
