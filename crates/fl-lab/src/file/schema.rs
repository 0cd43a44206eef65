//! The experiment file: what it may say, and errors that point at the place.

use crate::file::{ConfigError, EvaluateOn, ExperimentText, Mistakes, Tree, value};
use crate::name::{Choice, Named, Registry, name_or_table};
use crate::plan::check;
use crate::read::read;
use crate::run::TuneConfig;
use crate::store::StopConfig;
use fl_core::Knowledge;
use fl_core::data::ClassLabel;
use fl_data::{DataSource, PartitionSpec, Scale};
use fl_saga::{Clip, LocalSteps, Momentum};
use fl_sim::{Participation, Rsa};
use serde::{Deserialize, Serialize};

/// An experiment: one federation, some methods, some seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Experiment {
    /// Names the folder of results.
    pub name: String,
    /// Rounds to run.
    pub rounds: u64,
    /// One run of each method for each seed.
    #[serde(default = "first_seed")]
    pub seeds: Vec<u64>,
    /// Rounds between evaluations on the test set; an eightieth of the rounds if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate_every: Option<u64>,
    /// Rounds between full passes over the training data; a tenth of the rounds if left out, 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_pass_every: Option<u64>,
    /// The final accuracy is the mean over evaluations in this many last rounds; an eighth of the rounds if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_window: Option<u64>,
    /// The number type that models are trained in.
    #[serde(default)]
    pub precision: Precision,
    /// What is measured beside what always is.
    #[serde(default, skip_serializing_if = "TelemetryConfig::is_default")]
    pub telemetry: TelemetryConfig,
    /// When a run ends before its last round; like the number of rounds it decides where results end, not what they are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stop: StopConfig,
    /// How often a run's state is saved, and what stays at its end; no result depends on it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub checkpoint: CheckpointConfig,
    /// The data set and how workers share it.
    pub data: DataConfig,
    /// The workers, and which of them do what.
    pub federation: FederationConfig,
    /// The model.
    pub model: Choice,
    /// What all methods share.
    pub train: TrainConfig,
    /// How `fl-cli tune` chooses steps; no run depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tune: Option<TuneConfig>,
    /// The methods to compare.
    pub method: Vec<MethodConfig>,
}

/// How often a run's state is saved, and what stays at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Rounds between checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// Seconds between checkpoints, infinite for none; 30 if neither is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What stays of a finished run.
    #[serde(default)]
    pub keep: Keep,
}

/// What stays of a finished run beside its results.
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

impl CheckpointConfig {
    /// Seconds between checkpoints, unless only rounds count.
    pub fn seconds(&self) -> Option<f64> {
        self.seconds.or_else(|| self.rounds.is_none().then_some(30.0))
    }
}

fn first_seed() -> Vec<u64> {
    vec![0]
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

/// What is measured beside what always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Whether ‖x − x*‖² is measured, for convex models with an ℓ₂ term: x* is then searched first, see [`Optimum`].
    ///
    /// [`Optimum`]: fl_sim::Optimum
    #[serde(default)]
    pub optimum: bool,
    /// Test rows that evaluations along the way look at, see [`Evaluator::with_rows`]; all if left out. The last
    /// evaluation always looks at all.
    ///
    /// [`Evaluator::with_rows`]: fl_sim::Evaluator::with_rows
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate_rows: Option<usize>,
}

impl TelemetryConfig {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The data set and how workers share it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DataConfig {
    /// A known set's name, or files of one's own: `set.csv = { train = "rows.csv" }`.
    pub set: DataSource,
    /// How features are scaled; the set's own way if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// `"iid"`, `by-class = { workers-per-class = 3 }`, or any other that `fl_data` knows.
    #[serde(deserialize_with = "name_or_table")]
    pub partition: PartitionSpec,
    /// What accuracy is measured on; the test rows if left out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub evaluate_on: Named<EvaluateOn>,
}

/// The workers, and which of them do what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FederationConfig {
    /// W.
    pub workers: usize,
    /// Who is Byzantine; nobody if left out.
    #[serde(default, deserialize_with = "name_or_table")]
    pub byzantine: ByzantineConfig,
    /// What Byzantine workers send; their true messages if left out.
    #[serde(default = "no_attack")]
    pub attack: Choice,
    /// What the adversary knows: `"omniscient"`, or `"own"` for the Byzantine workers' own true messages alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub knowledge: Knowledge,
    /// What Byzantine workers learn in place of their own samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poison: Option<Choice>,
    /// Who takes part in a round; everybody if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participation: Option<Participation>,
}

/// Left out of files: an experiment means the same without it.
fn is_default<V: Default + PartialEq>(value: &V) -> bool {
    *value == V::default()
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

/// A table without keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// Byzantine workers that send their true messages.
pub(crate) fn no_attack() -> Choice {
    Choice { name: "none".to_owned(), settings: toml::Table::new() }
}

/// What all methods share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrainConfig {
    /// b, samples that a worker draws a round.
    pub batch: usize,
    /// γ.
    pub step: f64,
    /// What a worker with fewer than b samples does; it is a mistake if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small_workers: Option<SmallWorkers>,
}

/// What a worker with fewer samples than a batch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmallWorkers {
    /// It draws min(b, its samples), so that each of them is in every batch drawn without replacement. A batch of as many as
    /// the largest worker has (or any number above) then makes every batch all of a worker's samples.
    TakeAll,
}

/// One method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MethodConfig {
    /// As in legends and tables.
    pub name: String,
    /// The workers' gradient estimator.
    #[serde(default = "plain_gradient")]
    pub estimator: Choice,
    /// Local steps with the estimator, instead of one message of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_steps: Option<LocalSteps>,
    /// Momentum of what comes of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub momentum: Option<Momentum>,
    /// Clipping, last of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<Clip>,
    /// Who sends what; gradients to a server if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Named<ProtocolConfig>>,
    /// The chain of pre-aggregators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre: Vec<Choice>,
    /// The aggregation rule; needed by the gradient protocol, out of place in RSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Choice>,
    /// What the rule weighs messages by; the rule's own weights if left out, which are equal where it says none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Named<Weights>>,
    /// γ, where it differs from the others'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// b, where it differs from the others'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// The window of the final accuracy, where it differs from the others'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_window: Option<u64>,
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

fn plain_gradient() -> Choice {
    Choice { name: "sgd".to_owned(), settings: toml::Table::new() }
}

/// A protocol other than gradients to a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolConfig {
    /// RSA: workers send models.
    Rsa(Rsa),
}

impl Experiment {
    /// Reads an experiment file that names what this workspace has, after setting some of its keys
    /// (`("train.step", "0.1")`, `("method.0.batch", "8")`).
    ///
    /// # Errors
    /// Syntax errors, unknown keys and wrong types, with line, caret and the nearest valid name.
    pub fn parse(
        text: &str,
        file: &str,
        set: &[(String, String)],
    ) -> Result<(Self, ExperimentText), ConfigError> {
        Self::parse_with(&Registry::standard(), text, file, set)
    }

    /// The same with a registry of one's own.
    ///
    /// # Errors
    /// As [`Experiment::parse`].
    pub fn parse_with(
        registry: &Registry,
        text: &str,
        file: &str,
        set: &[(String, String)],
    ) -> Result<(Self, ExperimentText), ConfigError> {
        let source = ExperimentText::new(registry, text, file, set)?;
        let Some(tree) = source.tree() else {
            return Err(ConfigError::plain(file, "is no TOML"));
        };
        if let Some((key, _)) = tree.get_ref().get_key_value("sweep") {
            let message = "[sweep] makes many experiments of this file, and one is asked for";
            return Err(source.error(Some(key.span()), message.into(), None));
        }
        Self::of(&source, tree)
    }

    /// Reads a tree of a source, past its mistakes; all of them are returned.
    pub(crate) fn of(
        source: &ExperimentText,
        mut tree: Tree<'_>,
    ) -> Result<(Self, ExperimentText), ConfigError> {
        let mut mistakes = Mistakes::default();
        let mut reading = read(source, &mut tree, &mut mistakes);
        if let Some(experiment) = &mut reading.experiment {
            experiment.resolve(source, &tree, &mut mistakes, &mut reading.assumed);
        }
        let source = source.changed(&reading.changes).assuming(reading.assumed);
        if let (Some(experiment), false) = (&reading.experiment, mistakes.is_empty()) {
            mistakes.take(check(experiment, &source));
        }
        match (reading.experiment, mistakes.or(source)) {
            (Some(experiment), Ok(source)) => Ok((experiment, source)),
            (_, Err(error)) => Err(error),
            (None, Ok(_)) => Err(ConfigError::plain("the file", "cannot be read")),
        }
    }

    /// Looks up every choice, and writes out the settings that were left to defaults.
    fn resolve(
        &mut self,
        source: &ExperimentText,
        tree: &Tree<'_>,
        mistakes: &mut Mistakes,
        assumed: &mut Vec<Vec<String>>,
    ) {
        let registry = source.registry();
        let mut refuse = |path: &[&str], error: ConfigError| {
            let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
            // A stand-in may be unknown to a registry of one's own.
            if !assumed.iter().any(|assumed| path.starts_with(assumed)) {
                mistakes.add(error);
            }
            assumed.push(path);
        };
        let path = ["model"];
        if let Err(error) = registry.models().resolve(&mut self.model, &path, source, tree) {
            refuse(&path, error);
        }
        let path = ["federation", "attack"];
        let attack = &mut self.federation.attack;
        if let Err(error) = registry.attacks().resolve(attack, &path, source, tree) {
            refuse(&path, error);
        }
        let path = ["federation", "poison"];
        if let Some(poison) = &mut self.federation.poison
            && let Err(error) = registry.poisons().resolve(poison, &path, source, tree)
        {
            refuse(&path, error);
        }
        for (i, method) in self.method.iter_mut().enumerate() {
            let i = i.to_string();
            for (stage, pre) in method.pre.iter_mut().enumerate() {
                let path = ["method", &i, "pre", &stage.to_string()];
                if let Err(e) = registry.pre_aggregators().resolve(pre, &path, source, tree) {
                    refuse(&path, e);
                }
            }
            let path = ["method", &i, "estimator"];
            let inside = ["method", &i, "estimator", &method.estimator.name, "batch"];
            if value(tree, &inside).is_some() {
                let message =
                    "the batch size is a key of the method, or of [train] for all methods";
                let help =
                    format!("write batch = … beside estimator = \"{}\"", method.estimator.name);
                refuse(&inside, source.error_at(&inside, message).with_help(help));
            }
            let estimator = &mut method.estimator;
            if let Err(error) = registry.estimators().resolve(estimator, &path, source, tree) {
                refuse(&path, error);
            }
            method.estimator.settings.remove("batch");
            let path = ["method", &i, "rule"];
            if let Some(rule) = &mut method.rule
                && let Err(error) = registry.rules().resolve(rule, &path, source, tree)
            {
                refuse(&path, error);
            }
        }
    }

    /// Rounds between evaluations.
    pub fn evaluation_interval(&self) -> u64 {
        self.evaluate_every.unwrap_or((self.rounds / 80).max(1))
    }

    /// Rounds between full passes; 0 for none.
    pub fn full_pass_interval(&self) -> u64 {
        self.full_pass_every.unwrap_or((self.rounds / 10).max(1))
    }

    /// The window of a method's final accuracy, in rounds.
    pub fn window(&self, method: &MethodConfig) -> u64 {
        method.final_window.or(self.final_window).unwrap_or(self.rounds / 8)
    }
}
