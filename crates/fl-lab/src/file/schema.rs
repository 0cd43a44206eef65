//! What an experiment file may say: the federation, its data and its methods.

use super::batch::BatchSize;
use super::defend::DefendConfig;
use super::keys::{Kind, Written, keys};
use super::runs::{CheckpointConfig, EvaluateOn, StopConfig, TelemetryConfig, TuneConfig};
use crate::name::{
    AttackChoice, EstimatorChoice, ModelChoice, PoisonChoice, PreAggregatorChoice, RuleChoice,
};
use fl_core::data::ClassLabel;
use fl_core::{Described, Knowledge};
use fl_data::{DataSource, PartitionSpec, Scale};
use fl_saga::{Augment, Clip, LocalSteps, Momentum};
use fl_sim::{Participation, Rsa, Schedule, ServerOptimizer, ServerStep};
use serde::{Deserialize, Serialize};

keys! {
    /// An experiment: one federation, some methods, some seeds.
    pub struct Experiment {
        /// The folder of results.
        name: String => needed "\"my-experiment\"", fixed "it only names the folder of results";
        /// Rounds of each run.
        rounds: u64 => needed "1500",
            fixed "more rounds continue the same cells; run the file again with more of them";
        /// One run of each method for each.
        #[serde(default = "first_seed")]
        seeds: Vec<u64> => otherwise "`[0]`",
            fixed "every seed of the list is run at every point already";
        /// Rounds between evaluations.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evaluate_every: Option<u64> => otherwise "an eightieth of `rounds`";
        /// Rounds between full passes over the training data, 0 for none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        full_pass_every: Option<u64> => otherwise "a tenth of `rounds`";
        /// The final accuracy is the mean over evaluations in this many last rounds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        final_window: Option<u64> => otherwise "an eighth of `rounds`",
            fixed "it does not decide what a cell computes";
        /// The number type that models are trained in: `"f32"` or `"f64"`.
        #[serde(default)]
        precision: Precision => otherwise "`\"f32\"`";
        /// What is measured, next to what always is.
        #[serde(default, skip_serializing_if = "is_default")]
        telemetry: TelemetryConfig => otherwise "what always is";
        /// When a run ends before its last round. Like the number of rounds it decides where results end, not what they are.
        #[serde(default, skip_serializing_if = "is_default")]
        stop: StopConfig => otherwise "at its last round",
            fixed "it decides where a cell ends and not what it computes";
        /// How often a run's state is saved, and what stays at its end. No result depends on it.
        #[serde(default, skip_serializing_if = "is_default")]
        checkpoint: CheckpointConfig => otherwise "every 30 seconds",
            fixed "no result depends on it";
        /// The data set and how workers share it.
        data: DataConfig => needed "{ set = \"digits\", partition = \"iid\" }";
        /// The workers, and which of them do what.
        federation: FederationConfig => needed "{ workers = 30 }";
        /// The model: `softmax = { bias, l2 }`, `perceptron = { hidden, activation, loss, l2, initialise }`,
        /// `convolutional = { shape, channels, kernel, pool, hidden }`, …
        model: ModelChoice => needed "{ softmax = {} }";
        /// What all methods share.
        train: TrainConfig => needed "{ batch = 32, step = 0.5 }";
        /// How the step sizes of methods are chosen. No run depends on it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tune: Option<TuneConfig> => otherwise "a grid of steps", fixed "no run depends on it";
        /// How a defence is searched for. No run depends on it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        defend: Option<DefendConfig> => otherwise "the usual parts", fixed "no run depends on it";
        /// The methods to compare.
        method: Vec<MethodConfig> =>
            needed "[{ name = \"Byrd-SAGA\", estimator = \"saga\", rule = \"geometric-median\" }]";
    }
}

keys! {
    /// The data set and how workers share it.
    pub struct DataConfig {
        /// A known set, `"digits"`, `"mnist"`, `"cifar10"`, …, or your own files: `csv = { train = "rows.csv" }`, and so with
        /// `libsvm`, `npy`, `npz` and `idx`.
        set: DataSource => needed "\"digits\"";
        /// How features are scaled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scale: Option<Scale> => otherwise "the set's own way";
        /// Who holds which samples: `"iid"`, `by-class = { workers-per-class = 3 }`, `dirichlet = { alpha = 0.3 }`, or any
        /// other that `fl-data` knows.
        partition: PartitionSpec => needed "\"iid\"";
        /// What accuracy is measured on: `"test"`, `"validation"`, or `training-rows = 6000`, which are then set aside:
        /// nobody learns from them.
        #[serde(default, skip_serializing_if = "is_default")]
        evaluate_on: EvaluateOn => otherwise "`\"test\"`";
        /// The share of each worker's samples that it does not learn from. At every evaluation the model's accuracy on them
        /// is measured worker by worker: mean, worst and spread over the regular workers.
        ///
        /// Of each class a worker sets its share aside, evenly spaced in the order of the file; at least one sample, and
        /// never all of them. A worker with one sample sets nothing aside. A sample that several workers hold may still be
        /// learned from by another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        held_out: Option<f64> => otherwise "nothing is held out";
    }
}

keys! {
    /// The workers, and which of them do what.
    pub struct FederationConfig {
        /// W.
        workers: usize => needed "30";
        /// Who is Byzantine: `classes = [8, 9]` (with a by-class partition), `workers = [24, 25]`, `count = 6`, drawn anew
        /// for each seed, or `rotating = { count = 6, every = 100 }`, drawn anew every 100 rounds.
        #[serde(default)]
        byzantine: ByzantineConfig => otherwise "nobody";
        /// What Byzantine workers send: `"none"` for their true messages, `sign-flipping = { factor = -5 }`, …
        #[serde(default = "no_attack")]
        attack: AttackChoice => otherwise "`\"none\"`";
        /// What the adversary knows: `"omniscient"`, or `"own"`, the Byzantine workers' own true messages alone.
        #[serde(default, skip_serializing_if = "is_default")]
        knowledge: Knowledge => otherwise "`\"omniscient\"`";
        /// What Byzantine workers learn in place of their own samples: `label-flip`, `feature-noise`, `backdoor`,
        /// `duplicate-samples`. The attack must start from their own messages, as `none` does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        poison: Option<PoisonChoice> => otherwise "their own samples";
        /// Who takes part in a round: `{ sample = 10, drop-out = 0.1 }` draws 10 workers anew in each, of whom each drops
        /// out with probability 0.1. A round in which too few are left for the rule leaves the model as it is and is
        /// counted (`skipped` in the metrics).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        participation: Option<Participation> => otherwise "everybody";
    }
}

keys! {
    /// What all methods share.
    pub struct TrainConfig {
        /// b, samples that a worker draws a round: a number, or `"all"` for all that it holds.
        batch: BatchSize => needed "32";
        /// γ, the step size.
        step: f64 => needed "0.5";
        /// How γ changes from round to round: `"constant"`, `steps = { at = [1000], factor = 0.1 }`,
        /// `cosine = { rounds = 4000 }`, `inverse-root`. Of the gradient protocol.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schedule: Option<Schedule> => otherwise "`\"constant\"`";
        /// Rounds over which γ grows to its full size: γ (k + 1)/warm-up in round k, from 0. Of the gradient protocol.
        #[serde(default, skip_serializing_if = "is_default")]
        warm_up: u64 => otherwise "none";
        /// What the server steps along: `"plain"`, `heavy-ball = { beta = 0.9 }`, `adam`, `yogi`. Of the gradient protocol.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerOptimizer> => otherwise "`\"plain\"`";
        /// λ of `x ← x − γ_k (u + λ x)` at the server, apart from its memory. Of the gradient protocol.
        #[serde(default, skip_serializing_if = "is_default")]
        weight_decay: f64 => otherwise "0";
        /// What a worker with fewer than b samples does: `"take-all"` draws min(b, its samples). Beside `batch = "all"`, for
        /// which no worker has too few, it says nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        small_workers: Option<SmallWorkers> => otherwise "a mistake";
        /// How the pictures of a batch are moved before gradients are taken: `{ shift, flip }`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        augment: Option<Augment> => otherwise "not at all";
    }
}

/// What a worker with fewer samples than a batch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmallWorkers {
    /// It draws min(b, its samples), so that each of them is in every batch drawn without replacement.
    TakeAll,
}

keys! {
    /// One method.
    pub struct MethodConfig {
        /// As in legends and tables.
        name: String => needed "\"Byrd-SAGA\"", fixed "it only names the folder of results";
        /// The workers' gradient estimator: `"sgd"`, `"saga"`, `svrg = { every = 100 }`, …
        #[serde(default = "plain_gradient")]
        estimator: EstimatorChoice => otherwise "`\"sgd\"`";
        /// How the pictures of a batch are moved before gradients are taken: `{ shift, flip }`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        augment: Option<Augment> => otherwise "`train.augment`";
        /// Several local steps with the estimator, of which the outcome is sent: `{ steps, step, send }`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        local_steps: Option<LocalSteps> => otherwise "one message";
        /// Momentum of what comes of that: `{ beta, form }`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        momentum: Option<Momentum> => otherwise "none";
        /// Clipping, last of all: `{ norm }`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clip: Option<Clip> => otherwise "none";
        /// Who sends what: `rsa = { lambda = 0.02 }`, then without `rule` and `pre`, with `order = "workers-first"` and
        /// `decay = "inverse-root"` as in RSA's own code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protocol: Option<ProtocolConfig> => otherwise "gradients to a server";
        /// The chain of pre-aggregators: `[{ resample = { s = 2 } }]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pre: Vec<PreAggregatorChoice> => otherwise "none";
        /// The aggregation rule, by its name or with settings: `geometric-median = { relative-gap = 1e-8 }`. The gradient
        /// protocol needs one; RSA has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<RuleChoice> => otherwise "–";
        /// `"samples"`: the rule weighs messages by the numbers of samples that the partition gave their workers. For rules
        /// that have weights, `weighted-mean` and `geometric-median`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        weights: Option<Weights> => otherwise "equal, or the rule's own";
        /// γ of this method.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<f64> => otherwise "`train.step`";
        /// The schedule of this method's γ.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        schedule: Option<Schedule> => otherwise "`train.schedule`";
        /// What the server steps along in this method.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerOptimizer> => otherwise "`train.server`";
        /// b of this method.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        batch: Option<BatchSize> => otherwise "`train.batch`";
        /// The window of this method's final accuracy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        final_window: Option<u64> => otherwise "`final-window`",
            fixed "it does not decide what a cell computes";
    }
}

/// The number type that models are trained in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Double precision.
    F64,
}

/// Who is Byzantine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByzantineConfig {
    /// The workers that hold these classes, by their labels in the data, under a by-class partition.
    Classes(Vec<ClassLabel>),
    /// These workers.
    Workers(Vec<u32>),
    /// This many, drawn uniformly for each seed.
    Count(usize),
    /// This many, drawn anew every so many rounds.
    Rotating(RotatingConfig),
}

/// A different set of Byzantine workers each epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RotatingConfig {
    /// How many at a time.
    pub count: usize,
    /// Rounds of an epoch.
    pub every: u64,
}

impl Default for ByzantineConfig {
    fn default() -> Self {
        ByzantineConfig::Count(0)
    }
}

/// What messages are weighed by, for rules that have weights.
///
/// The server knows these numbers: they are those of the partition, and not what workers say, nor what a poison makes of
/// their samples. Where part of the workers are present, the weights of those keep their ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// The numbers of samples that workers hold.
    Samples,
}

/// A protocol other than gradients to a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolConfig {
    /// RSA: workers send models.
    Rsa(Rsa),
}

fn first_seed() -> Vec<u64> {
    vec![0]
}

/// Byzantine workers that send their true messages.
pub(crate) fn no_attack() -> AttackChoice {
    AttackChoice::named("none")
}

fn plain_gradient() -> EstimatorChoice {
    EstimatorChoice::named("sgd")
}

/// Left out of files: an experiment means the same without it.
fn is_default<V: Default + PartialEq>(value: &V) -> bool {
    *value == V::default()
}

/// Types whose values are told in words.
macro_rules! written {
    ($($type:ty => $words:literal;)*) => {
        $(impl Written for $type { const KIND: Kind = Kind::Value($words); })*
    };
}

written! {
    String => "text";
    bool => "true or false";
    u32 => "whole number";
    u64 => "whole number";
    usize => "whole number";
    f64 => "number";
    Vec<u64> => "list of whole numbers";
    Vec<f64> => "list of numbers";
    Vec<String> => "list of texts";
    Precision => "f32 | f64";
    EvaluateOn => "test | validation | training-rows = whole number";
    DataSource => "name of a set, or table with one format in it";
    Scale => "name of a scaling";
    PartitionSpec => "name of a partition, or table with one name in it";
    ByzantineConfig => "table with one of classes, workers, count, rotating";
    AttackChoice => "attack: name, or table with one name in it";
    PoisonChoice => "poison: name, or table with one name in it";
    ModelChoice => "model: name, or table with one name in it";
    EstimatorChoice => "estimator: name, or table with one name in it";
    RuleChoice => "rule: name, or table with one name in it";
    Vec<PreAggregatorChoice> => "list of pre-aggregators: names, or tables with one name in each";
    Knowledge => "omniscient | own";
    Participation => "table with sample and drop-out";
    ProtocolConfig => "table with the name rsa";
    Weights => "samples";
    Schedule => "schedule: name, or table with one name in it";
    ServerOptimizer => "server optimizer: name, or table with one name in it";
    SmallWorkers => "take-all";
    BatchSize => "whole number | all";
}

impl Written for Vec<MethodConfig> {
    const KIND: Kind = Kind::Tables(MethodConfig::KEYS);
}

impl Written for Augment {
    const KIND: Kind = Kind::Spec(Augment::DOC);
}

impl Written for LocalSteps {
    const KIND: Kind = Kind::Spec(LocalSteps::DOC);
}

impl Written for Momentum {
    const KIND: Kind = Kind::Spec(Momentum::DOC);
}

impl Written for Clip {
    const KIND: Kind = Kind::Spec(Clip::DOC);
}

impl Experiment {
    /// Rounds between evaluations.
    pub fn evaluation_interval(&self) -> u64 {
        self.evaluate_every.unwrap_or((self.rounds / 80).max(1))
    }

    /// Rounds between full passes; 0 for none.
    pub fn full_pass_interval(&self) -> u64 {
        self.full_pass_every.unwrap_or((self.rounds / 10).max(1))
    }

    /// How the server steps in a method, beside γ.
    pub fn server_step(&self, method: &MethodConfig) -> ServerStep {
        let schedule = method.schedule.as_ref().or(self.train.schedule.as_ref());
        let optimizer = method.server.as_ref().or(self.train.server.as_ref());
        ServerStep {
            schedule: schedule.cloned().unwrap_or_default(),
            warm_up: self.train.warm_up,
            optimizer: optimizer.cloned().unwrap_or_default(),
            weight_decay: self.train.weight_decay,
        }
    }

    /// How a method's pictures are moved; `None` where they are not.
    pub fn augment(&self, method: &MethodConfig) -> Option<Augment> {
        method.augment.or(self.train.augment).filter(|augment| !augment.is_nothing())
    }

    /// The window of a method's final accuracy, in rounds.
    pub fn window(&self, method: &MethodConfig) -> u64 {
        method.final_window.or(self.final_window).unwrap_or(self.rounds / 8)
    }
}
