//! The experiment file: what it may say, and errors that point at the place.

use crate::named::{Choice, Named, name_or_table};
use crate::registry::Registry;
use crate::stop::StopConfig;
use fl_core::Knowledge;
use fl_data::{PartitionSpec, Scale, Source as DataSource};
use fl_saga::{Clip, LocalSteps, Momentum};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

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
    /// [`Optimum`]: crate::Optimum
    #[serde(default)]
    pub optimum: bool,
    /// Test rows that evaluations along the way look at, see [`Evaluator::with_rows`]; all if left out. The last
    /// evaluation always looks at all.
    ///
    /// [`Evaluator::with_rows`]: crate::Evaluator::with_rows
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
}

/// Left out of files: an experiment means the same without it.
fn is_default<V: Default + PartialEq>(value: &V) -> bool {
    *value == V::default()
}

/// Who is Byzantine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ByzantineConfig {
    /// The workers that hold these classes, under a by-class partition.
    Classes(Vec<u32>),
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

fn no_attack() -> Choice {
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

fn plain_gradient() -> Choice {
    Choice { name: "sgd".to_owned(), settings: toml::Table::new() }
}

/// A protocol other than gradients to a server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProtocolConfig {
    /// RSA: workers send models.
    Rsa(RsaConfig),
}

/// RSA's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RsaConfig {
    /// λ, the weight of the penalty.
    pub lambda: f64,
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
    ) -> Result<(Self, Source), ConfigError> {
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
    ) -> Result<(Self, Source), ConfigError> {
        let text = if set.is_empty() { text.to_owned() } else { edit(text, file, set)? };
        let (file, registry) = (file.to_owned(), registry.clone());
        let source = Source { file, text, edited: !set.is_empty(), registry };
        source.check_tables()?;
        match toml::from_str::<Self>(&source.text) {
            Ok(mut experiment) => {
                experiment.resolve(&source)?;
                Ok((experiment, source))
            }
            Err(error) => {
                // What lacks at the top lacks everywhere: the first line has nothing to do with it.
                let missing = error.message().starts_with("missing");
                let span = if missing && source.is_top(error.span()) { None } else { error.span() };
                Err(source.error_in_words(span, error.message()))
            }
        }
    }

    /// Looks up every choice, and writes out the settings that were left to defaults.
    fn resolve(&mut self, source: &Source) -> Result<(), ConfigError> {
        let registry = &source.registry;
        let path = ["federation", "attack"];
        registry.models().resolve(&mut self.model, &["model"], source)?;
        registry.attacks().resolve(&mut self.federation.attack, &path, source)?;
        if let Some(poison) = &mut self.federation.poison {
            registry.poisons().resolve(poison, &["federation", "poison"], source)?;
        }
        for (i, method) in self.method.iter_mut().enumerate() {
            let i = i.to_string();
            for (stage, pre) in method.pre.iter_mut().enumerate() {
                let path = ["method", &i, "pre", &stage.to_string()];
                registry.pre_aggregators().resolve(pre, &path, source)?;
            }
            let path = ["method", &i, "estimator"];
            let inside = ["method", &i, "estimator", &method.estimator.name, "batch"];
            if source.value(&inside).is_some() {
                let message =
                    "the batch size is a key of the method, or of [train] for all methods";
                let help =
                    format!("write batch = … beside estimator = \"{}\"", method.estimator.name);
                return Err(source.error_at(&inside, message).with_help(help));
            }
            registry.estimators().resolve(&mut method.estimator, &path, source)?;
            method.estimator.settings.remove("batch");
            if let Some(rule) = &mut method.rule {
                registry.rules().resolve(rule, &["method", &i, "rule"], source)?;
            }
        }
        Ok(())
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

/// The text of an experiment file, for errors that point at it, and the registry that says what its names mean.
#[derive(Clone, Debug)]
pub struct Source {
    file: String,
    text: String,
    edited: bool,
    registry: Registry,
}

impl Source {
    /// What the names in the file mean.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// An error at the place of a key, given by its path (`["method", "2", "pre"]`); the nearest part of the path that
    /// exists is shown.
    pub fn error_at(&self, path: &[&str], message: impl fmt::Display) -> ConfigError {
        self.error(self.find(path), message.to_string(), None)
    }

    /// Brackets that say something else than was meant, which as types would be told in the parser's words.
    fn check_tables(&self) -> Result<(), ConfigError> {
        let root = match DeTable::parse(&self.text) {
            Ok(root) => root,
            Err(error) => {
                let help = (error.message() == "duplicate key").then(|| {
                    "every key and every [table] stands once; a method begins with [[method]]"
                        .into()
                });
                return Err(self.error(error.span(), error.message().to_owned(), help));
            }
        };
        for (key, value) in root.get_ref() {
            let (name, span) = (key.get_ref().as_ref(), Some(key.span()));
            match (name, value.get_ref().is_table(), value.get_ref().is_array()) {
                (
                    "checkpoint" | "data" | "federation" | "model" | "stop" | "telemetry" | "train",
                    _,
                    true,
                ) => {
                    let help = format!("write [{name}], with single brackets");
                    return Err(self.error(
                        span,
                        format!("{name} must be one table, got a list"),
                        Some(help),
                    ));
                }
                ("method", true, _) => {
                    let help = "write [[method]], with double brackets, once for each method";
                    let message = "method must be a list of tables, got one table";
                    return Err(self.error(span, message.into(), Some(help.into())));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a place is the file as a whole.
    fn is_top(&self, span: Option<Range<usize>>) -> bool {
        let end = self.text.trim_end().len();
        span.is_none_or(|span| span.start == 0 && (span.end <= 1 || span.end >= end))
    }

    /// A parser's message, in words, with help where there is some.
    pub(crate) fn error_in_words(&self, span: Option<Range<usize>>, message: &str) -> ConfigError {
        let message = in_words(message);
        let help = suggestion(&message).or_else(|| example(&message));
        self.error(span, message, help)
    }

    /// The value at a path, if it is there.
    pub(crate) fn value(&self, path: &[&str]) -> Option<Spanned<DeValue<'_>>> {
        let root = DeTable::parse(&self.text).ok()?;
        let mut at = Spanned::new(root.span(), DeValue::Table(root.into_inner()));
        for &part in path {
            at = match at.into_inner() {
                DeValue::Table(mut table) => table.remove(part)?,
                DeValue::Array(array) => array.into_iter().nth(part.parse().ok()?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// The place of a key, or of the nearest part of its path that exists.
    pub(crate) fn find(&self, path: &[&str]) -> Option<Range<usize>> {
        let root = DeTable::parse(&self.text).ok()?;
        let mut span = None;
        let mut table = Some(root.get_ref());
        let mut array: Option<&DeArray<'_>> = None;
        for &part in path {
            let value = if let Some(t) = table {
                let Some((key, value)) = t.iter().find(|(k, _)| k.get_ref() == part) else { break };
                span = Some(key.span());
                value
            } else if let Some(a) = array {
                let Some(value) = part.parse::<usize>().ok().and_then(|i| a.get(i)) else { break };
                span = Some(value.span());
                value
            } else {
                break;
            };
            table = value.get_ref().as_table();
            array = value.get_ref().as_array();
        }
        span
    }

    fn error(
        &self,
        span: Option<Range<usize>>,
        message: String,
        help: Option<String>,
    ) -> ConfigError {
        let place = span.map(|span| Place::new(&self.text, span));
        let edited = if self.edited { " (with --set)" } else { "" };
        ConfigError { file: format!("{}{edited}", self.file), place, message, help }
    }
}

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
    text: String,
    width: usize,
}

impl Place {
    fn new(text: &str, span: Range<usize>) -> Self {
        let start = span.start.min(text.len());
        let begin = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let width = text[start..span.end.clamp(start, end)].chars().count().max(1);
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[begin..start].chars().count() + 1,
            text: text[begin..end].trim_end().to_owned(),
            width,
        }
    }
}

/// A mistake in an experiment file: what, at which line and column, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: String,
    place: Option<Place>,
    message: String,
    help: Option<String>,
}

impl ConfigError {
    /// A mistake with no place in the file.
    pub fn plain(file: &str, message: impl fmt::Display) -> Self {
        Self { file: file.to_owned(), place: None, message: message.to_string(), help: None }
    }

    /// The same mistake with a line that says what to do.
    #[must_use]
    pub fn with_help(self, help: impl fmt::Display) -> Self {
        Self { help: Some(help.to_string()), ..self }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            None => write!(f, "{}: {}", self.file, self.message.trim_end())?,
            Some(p) => {
                let number = p.line.to_string();
                let pad = " ".repeat(number.len());
                // Tabs stay tabs, so that the caret is below its place however wide they are shown.
                let before = p.text.chars().chain(std::iter::repeat(' ')).take(p.column - 1);
                let space: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
                let carets = "^".repeat(p.width);
                writeln!(f, "{}:{}:{}: {}", self.file, p.line, p.column, self.message.trim_end())?;
                write!(f, "{pad} |\n{number} | {}\n{pad} | {space}{carets}", p.text)?;
            }
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Applies `--set` to the text.
fn edit(text: &str, file: &str, set: &[(String, String)]) -> Result<String, ConfigError> {
    let (text_file, registry) = (file.to_owned(), Registry::empty());
    let source = Source { file: text_file, text: text.to_owned(), edited: false, registry };
    let mut document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|e: toml_edit::TomlError| source.error(e.span(), e.message().to_owned(), None))?;
    for (key, value) in set {
        let fail = |why: String| {
            let help = "keys are written as in --set train.step=0.1 or --set method.0.batch=8";
            ConfigError::plain("--set", format!("{key}={value}: {why}")).with_help(help)
        };
        // What is no TOML value is meant as a string: --set data.set=mnist.
        let parsed: toml_edit::Value = value.parse().unwrap_or_else(|_| value.as_str().into());
        let parts: Vec<&str> = key.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(fail("the key must be names with dots between them".into()));
        }
        let Some((last, front)) = parts.split_last() else { continue };
        let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
        let mut front = front.iter().peekable();
        while let Some(part) = front.next() {
            let item = table.entry(part).or_insert(toml_edit::table());
            table = match item {
                toml_edit::Item::ArrayOfTables(tables) => {
                    let count = tables.len();
                    let index = front.next().and_then(|i| i.parse::<usize>().ok());
                    index.and_then(|i| tables.get_mut(i)).ok_or_else(|| {
                        fail(format!(
                            "{part} needs a number from 0 to {} and a key after it",
                            count.saturating_sub(1)
                        ))
                    })?
                }
                item => item
                    .as_table_like_mut()
                    .ok_or_else(|| fail(format!("{part} has no keys of its own")))?,
            };
        }
        if table.get(last).is_some_and(toml_edit::Item::is_array_of_tables) {
            return Err(fail(format!("{last} is a list of tables; set a key of one of them")));
        }
        table.insert(last, toml_edit::value(parsed));
    }
    Ok(document.to_string())
}

/// A parser's message in the words of someone who writes a file.
pub(crate) fn in_words(message: &str) -> String {
    let mut words = message.trim_end().to_owned();
    for (theirs, ours) in [
        ("unknown field", "unknown key"),
        ("unknown variant", "unknown name"),
        ("missing field", "missing key"),
        ("expected u64", "expected a whole number from 0"),
        ("expected u32", "expected a whole number from 0"),
        ("expected usize", "expected a whole number from 0"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list in [ ]"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: table"),
    ] {
        words = words.replace(theirs, ours);
    }
    words
}

/// "did you mean" for the messages that name what they expected.
pub(crate) fn suggestion(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let got = quoted.next()?;
    if !message.starts_with("unknown") {
        return None;
    }
    let nearest = quoted.map(|name| (distance(got, name), name)).min()?;
    (nearest.0 <= got.len().max(3) / 2 + 1).then(|| format!("did you mean `{}`?", nearest.1))
}

/// What a key that is missing could look like.
fn example(message: &str) -> Option<String> {
    let key = message.strip_prefix("missing key `")?.split('`').next()?;
    let example = match key {
        "name" => "name = \"my-experiment\"",
        "rounds" => "rounds = 1500",
        "data" => "[data] with set = \"digits\" and partition = \"iid\"",
        "set" => "set = \"digits\"",
        "partition" => "partition = \"iid\" or partition.by-class = { workers-per-class = 3 }",
        "classes-per-worker" => "classes-per-worker = 2",
        "alpha" => "alpha = 0.3",
        "workers-per-class" => "workers-per-class = 3",
        "federation" => "[federation] with workers = 30",
        "workers" => "workers = 30",
        "model" => "[model.softmax]",
        "train" => "[train] with batch = 32 and step = 0.5",
        "batch" => "batch = 32",
        "step" => "step = 0.5",
        "method" => {
            "[[method]] with name = \"Byrd-SAGA\", estimator = \"saga\", rule = \"geometric-median\""
        }
        "lambda" => "lambda = 0.02",
        _ => return None,
    };
    Some(format!("add it, for example {example}"))
}

/// The number of single-character edits between two names (Levenshtein).
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
