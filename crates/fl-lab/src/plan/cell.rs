//! A cell: one method, one attack, one seed. What an experiment file resolves to, and what a folder of results holds.

use crate::file::{
    ByzantineConfig, CheckpointConfig, ConfigError, Experiment, ExperimentText, MethodConfig,
    Mistakes, Precision, ProtocolConfig, RotatingConfig, SmallWorkers, Weights, no_attack,
};
use crate::name::{Choice, Named, Number};
use crate::store::StopConfig;
use fl_core::data::{ClassValues, DatasetError, Layout, TILE, Values};
use fl_core::{
    AttackContext, AttackSpec, Dataset, Estimator, EstimatorSpec, Federation, Local, ModelSpec,
    Objective, Pipeline, Poison, PoisonContext, Poisoned, PreAggregatorSpec, Role, RuleSpec, Shape,
    SpecError, Streams, streams, triggered,
};
use fl_data::{Loaded, Partition, PartitionError};
use fl_sim::{ByzantineData, Participation, ProtocolSpec, Rotation, Setup};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::Arc;

/// One method, one attack, one seed.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The experiment with this method and this seed alone: `fl-cli run` on it repeats the cell.
    pub experiment: Experiment,
    /// The method's place in the original file.
    pub method_index: usize,
    /// The method.
    pub method: MethodConfig,
    /// The seed.
    pub seed: u64,
    /// Twelve hexadecimal digits that stand for all that decides the results, the number of rounds and names left out.
    pub hash: String,
}

impl Cell {
    /// The folder's name: `method~attack~seed0~hash`.
    pub fn folder(&self) -> String {
        let method: String = self
            .method
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
            .collect();
        let attack = &self.experiment.federation.attack.name;
        format!("{method}~{attack}~seed{}~{}", self.seed, self.hash)
    }
}

/// The cells of an experiment: methods × seeds, methods first.
pub fn cells(experiment: &Experiment) -> Vec<Cell> {
    // What every cell gets a copy of holds neither the others' seeds nor their methods.
    let mut common = Experiment { seeds: Vec::new(), method: Vec::new(), ..experiment.clone() };
    // In a sweep an attack may meet nobody to play it; the cell is the one without an attack, and says so.
    if nobody(&common.federation.byzantine) {
        common.federation.attack = no_attack();
    }
    // What was left to defaults that depend on the number of rounds is fixed here, so that the file repeats.
    common.evaluate_every = Some(experiment.evaluation_interval());
    common.full_pass_every = Some(experiment.full_pass_interval());
    common.final_window = None;
    common.tune = None;
    let with = |method: &MethodConfig, seeds: Vec<u64>| {
        let mut one = Experiment { seeds, method: vec![method.clone()], ..common.clone() };
        one.method[0].final_window = Some(experiment.window(method));
        one
    };
    let decides: Vec<String> =
        experiment.method.iter().map(|method| decides(&with(method, Vec::new()))).collect();
    let mut cells = Vec::with_capacity(experiment.seeds.len() * experiment.method.len());
    for &seed in &experiment.seeds {
        for (method_index, method) in experiment.method.iter().enumerate() {
            // The first list of that name is the experiment's own.
            let text = decides[method_index].replacen(NO_SEEDS, &format!("\"seeds\":[{seed}]"), 1);
            let hash = short_digest(&text);
            let (experiment, method) = (with(method, vec![seed]), method.clone());
            cells.push(Cell { experiment, method_index, method, seed, hash });
        }
    }
    cells
}

/// How an experiment without seeds says so in [`decides`].
const NO_SEEDS: &str = "\"seeds\":[]";

/// Whether no worker is Byzantine.
fn nobody(byzantine: &ByzantineConfig) -> bool {
    match byzantine {
        ByzantineConfig::Count(count) | ByzantineConfig::Rotating(RotatingConfig { count, .. }) => {
            *count == 0
        }
        ByzantineConfig::Workers(list) => list.is_empty(),
        ByzantineConfig::Classes(list) => list.is_empty(),
    }
}

/// A cell with everything removed that does not decide its metrics.
pub(crate) fn deciding(cell: &Experiment) -> Experiment {
    let mut core = cell.clone();
    core.name = String::new();
    core.rounds = 0;
    core.final_window = None;
    core.checkpoint = CheckpointConfig::default();
    core.tune = None;
    core.stop = StopConfig::default();
    // Classes of known sets by their places, which is how they were always written into a hash.
    if let (ByzantineConfig::Classes(list), Some(Classes { count, values })) =
        (&mut core.federation.byzantine, Classes::known(cell))
    {
        for label in list {
            if let Some(place) = values.place(label, count) {
                *label = place.into();
            }
        }
    }
    for method in &mut core.method {
        method.name = String::new();
        method.final_window = None;
        // A method's own value and a shared one mean the same.
        method.step = Some(method.step.unwrap_or(core.train.step));
        method.batch = Some(method.batch.unwrap_or(core.train.batch));
    }
    core.train.step = 0.0;
    core.train.batch = 0;
    core
}

/// SHA-256 over what decides a cell's metrics.
pub(crate) fn hash(cell: &Experiment) -> String {
    short_digest(&decides(cell))
}

/// What decides a cell's metrics, as a text.
fn decides(cell: &Experiment) -> String {
    serde_json::to_string(&deciding(cell)).expect("an experiment is plain data")
}

fn short_digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..6].iter().map(|b| format!("{b:02x}")).collect()
}

/// The checks that need no data: all methods included, and whatever follows from the numbers of workers and classes.
///
/// # Errors
/// Everything that cannot work, each at its place in the file.
pub fn check(experiment: &Experiment, source: &ExperimentText) -> Result<(), ConfigError> {
    let mut mistakes = Mistakes::default();
    check_run(experiment, source, &mut mistakes);
    // Where something was assumed of the federation, nothing can be said about what depends on it.
    let assumed = [&["data"][..], &["federation", "workers"], &["federation", "byzantine"]];
    let known = !assumed.iter().any(|path| source.is_assumed(path));
    let shape = known.then(|| check_federation(experiment, source));
    let shape = shape.and_then(|shape| mistakes.take(shape));
    if let Some(shape) = shape.filter(|_| !source.is_assumed(&["federation", "poison"])) {
        mistakes.take(check_poison(experiment, shape, source));
    }
    mistakes.take(check_model(experiment, source));
    if experiment.method.is_empty() {
        let help = "add [[method]] with name = \"Byrd-SAGA\", estimator = \"saga\", rule = \"geometric-median\"";
        let message = "an experiment needs at least one [[method]], got none";
        mistakes.add(source.error_at(&["method"], message).with_help(help));
    }
    let mut right = Vec::new();
    for (index, method) in experiment.method.iter().enumerate() {
        let before = mistakes.len();
        check_method(experiment, index, shape, source, &mut mistakes);
        if mistakes.len() == before && !source.is_assumed(&["method", &index.to_string()]) {
            right.push(method);
        }
    }
    if let Some(shape) = shape.filter(|_| !source.is_assumed(&["federation", "attack"])) {
        mistakes.take(match experiment.precision {
            Precision::F32 => check_attack::<f32>(experiment, &right, shape, source),
            Precision::F64 => check_attack::<f64>(experiment, &right, shape, source),
        });
    }
    crate::run::check_tuning(experiment, source, &mut mistakes);
    mistakes.without(|path| source.follows(path)).or(())
}

fn check_run(experiment: &Experiment, source: &ExperimentText, mistakes: &mut Mistakes) {
    let mut at = |path: &str, message: String| mistakes.add(source.error_at(&[path], message));
    let name = &experiment.name;
    if name.is_empty() || name.contains(['/', '\\', '\0']) || name.starts_with('.') {
        at("name", format!("name must be usable as a folder's name, got {name:?}"));
    } else if name.len() > 200 {
        // Names of files end at 255 bytes on most systems.
        at("name", format!("name must have at most 200 bytes, got {}", name.len()));
    }
    if experiment.rounds == 0 || experiment.rounds >= 1 << 32 {
        at("rounds", format!("rounds must be from 1 to 2³² − 1, got {}", experiment.rounds));
    }
    if experiment.evaluate_every == Some(0) {
        at("evaluate-every", "evaluate-every must be at least 1, got 0".into());
    }
    if experiment.seeds.is_empty() {
        at("seeds", "seeds must hold at least one number, got none".into());
    }
    if experiment.telemetry.evaluate_rows == Some(0) {
        let message = "evaluate-rows must be at least 1, got 0";
        mistakes.add(source.error_at(&["telemetry", "evaluate-rows"], message));
    }
    mistakes.take(experiment.stop.check(source));
    let CheckpointConfig { rounds, seconds, .. } = experiment.checkpoint;
    if rounds == Some(0) {
        let message = "checkpoint.rounds must be at least 1, got 0";
        mistakes.add(source.error_at(&["checkpoint", "rounds"], message));
    }
    if let Some(seconds) = seconds.filter(|s| s.is_nan() || *s <= 0.0) {
        let message = format!("checkpoint.seconds must be a positive number, got {seconds}");
        let error = source.error_at(&["checkpoint", "seconds"], message);
        mistakes.add(error.with_help("seconds = inf saves the state at the end only"));
    }
    let mut seen = HashSet::with_capacity(experiment.seeds.len());
    for (i, seed) in experiment.seeds.iter().enumerate() {
        if !seen.insert(seed) {
            let path = ["seeds", &i.to_string()];
            let message = format!("every seed must be there once, got {seed} twice");
            mistakes.add(source.error_at(&path, message));
        }
    }
}

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

fn partition_error(error: &PartitionError, source: &ExperimentText) -> ConfigError {
    match error {
        // The way out is usually another number of workers.
        PartitionError::WorkersPerClass { .. } => {
            source.error_at(&["federation", "workers"], error)
        }
        _ => source.error_at(&["data", "partition"], error),
    }
}

/// Who is Byzantine under a seed.
fn federation_of(
    experiment: &Experiment,
    seed: u64,
    classes: Option<&Classes>,
    source: &ExperimentText,
) -> Result<Federation, ConfigError> {
    let workers = experiment.federation.workers;
    let byzantine = match &experiment.federation.byzantine {
        ByzantineConfig::Count(count) | ByzantineConfig::Rotating(RotatingConfig { count, .. }) => {
            let mut chosen = vec![0; (*count).min(workers)];
            let mut rng = Streams::new(seed).at(Role::Byzantine, 0, 0);
            streams::distinct(&mut rng, workers as u32, &mut chosen);
            chosen
        }
        chosen => named(experiment, chosen, classes, source)?,
    };
    Federation::new(workers, &byzantine)
        .map_err(|e| source.error_at(&["federation", "byzantine"], e))
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
struct Classes {
    count: usize,
    values: ClassValues,
}

impl Classes {
    /// Those of a known set, which are known before it is read.
    fn known(experiment: &Experiment) -> Option<Self> {
        let set = experiment.data.set.known().ok().flatten()?;
        Some(Self { count: set.classes(), values: set.class_values() })
    }

    fn of(data: &Dataset) -> Self {
        Self { count: data.classes(), values: data.class_values().clone() }
    }
}

/// Whether the attack can be carried out in this federation, under every seed and against these methods. What an attack
/// requires has nothing to do with the length of messages.
fn check_attack<T: Number>(
    experiment: &Experiment,
    methods: &[&MethodConfig],
    shape: Shape,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let (config, at) = (&experiment.federation, &["federation", "attack"]);
    let attack = attack::<T>(experiment, source)?;
    // A sweep over both has combinations in which there is nobody to play an attack: they are what others are compared with.
    let swept = source.is_swept(&["federation", "byzantine"]);
    if shape.byzantine == 0 && config.attack.name != "none" && !swept {
        let message = format!("{} needs Byzantine workers, got none", config.attack.name);
        let help =
            "say who is Byzantine, for example byzantine.count = 3, or write attack = \"none\"";
        return Err(source.error_at(at, message).with_help(help));
    }
    let drawn =
        matches!(config.byzantine, ByzantineConfig::Count(_) | ByzantineConfig::Rotating(_));
    let seeds = if drawn { &experiment.seeds[..] } else { &[0] };
    let classes = Classes::known(experiment);
    let federations: Vec<Federation> = seeds
        .iter()
        .map(|&seed| federation_of(experiment, seed, classes.as_ref(), source))
        .collect::<Result<_, _>>()?;
    for method in methods {
        let defence =
            match &method.rule {
                Some(choice) => {
                    let (pre, rule) = (pre(method, source)?, rule(method, choice, shape, source)?);
                    Some(Pipeline::<T>::build(pre, rule, shape, 1).map_err(|e| {
                        source.error_at(&["method"], format!("{}: {e}", method.name))
                    })?)
                }
                None => None,
            };
        for federation in &federations {
            let mut site = AttackContext::new(federation, 1).with_knowledge(config.knowledge);
            site.defence = defence.as_ref();
            let built = attack.build(&site).map_err(|e| {
                let error = source.error_at(at, e);
                match drawn {
                    true => error.with_help(
                        "byzantine.count draws other workers for every seed; byzantine.workers names them",
                    ),
                    false => error,
                }
            })?;
            if let Some(poison) = &config.poison
                && !built.needs_true_messages()
            {
                let message = format!(
                    "{} would have no effect: the attack {} does not look at what Byzantine workers compute",
                    poison.name, config.attack.name
                );
                let help =
                    "leave out attack, or take one that starts from the workers' own messages";
                return Err(source.error_at(&["federation", "poison"], message).with_help(help));
            }
        }
    }
    Ok(())
}

/// A poison must have somebody to act on, and an effect on what is sent.
fn check_poison(
    experiment: &Experiment,
    shape: Shape,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let federation = &experiment.federation;
    let Some(poison) = &federation.poison else { return Ok(()) };
    let at = |message: String| source.error_at(&["federation", "poison"], message);
    if shape.byzantine == 0 {
        let message = format!("{} needs Byzantine workers, got none", poison.name);
        return Err(at(message).with_help("say who is Byzantine, for example byzantine.count = 3"));
    }
    if let ByzantineConfig::Rotating(_) = federation.byzantine {
        let message =
            "a poison needs the same Byzantine workers in all rounds, got byzantine.rotating";
        return Err(at(message.into()).with_help("use byzantine.count"));
    }
    Ok(())
}

/// The model's own settings; columns and classes are the data's.
fn check_model(experiment: &Experiment, source: &ExperimentText) -> Result<(), ConfigError> {
    if source.is_assumed(&["model"]) {
        return Ok(());
    }
    let model = model::<f64>(experiment, source)?
        .build(fl_core::data::TILE, 2)
        .map_err(|e| source.error_at(&["model"], e))?;
    if experiment.telemetry.optimum {
        check_optimum(&*model, experiment, source)?;
    }
    Ok(())
}

/// x* must be one point: the loss convex, which some two rows tell as well as others, and the ℓ₂ term there.
fn check_optimum(
    model: &dyn Objective<f64>,
    experiment: &Experiment,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let values = [1.0; 2 * TILE];
    let rows = Dataset::new(Values::F64(&values), TILE, vec![0, 1], 2, Layout::Flat);
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

fn check_method(
    experiment: &Experiment,
    index: usize,
    shape: Option<Shape>,
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) {
    let method = &experiment.method[index];
    let i = index.to_string();
    let at = |key: &str, message: String| source.error_at(&["method", &i, key], message);
    let found = method.name.len();
    if found == 0 {
        mistakes.add(at("name", "a method needs a name, got \"\"".into()));
    } else if found > 100 {
        let message = format!("a method's name must have at most 100 bytes, got {found}");
        mistakes.add(at("name", message));
    } else if experiment.method[..index].iter().any(|m| m.name == method.name) {
        let message = format!("two methods are called {:?}; names must differ", method.name);
        mistakes.add(at("name", message));
    }
    let batch = method.batch.unwrap_or(experiment.train.batch);
    if batch == 0 {
        let path = batch_path(method, &i);
        mistakes.add(source.error_at(&path, "batch must be at least 1, got 0"));
    }
    let step = method.step.unwrap_or(experiment.train.step);
    if !(step > 0.0 && step.is_finite()) {
        let path: &[&str] =
            if method.step.is_some() { &["method", &i, "step"] } else { &["train", "step"] };
        let message = format!("step must be a positive number, got {step}");
        mistakes.add(source.error_at(path, message));
    }
    match (&method.protocol, &method.rule) {
        (Some(Named(ProtocolConfig::Rsa(rsa))), _) => {
            let key = if method.rule.is_some() { "rule" } else { "pre" };
            if method.rule.is_some() || !method.pre.is_empty() {
                let message = "RSA has no aggregation rule and no pre-aggregators: workers send models and the server \
                               takes its own step";
                mistakes.add(at(key, message.into()).with_help(format!("remove {key}")));
            }
            let estimator = &method.estimator.name;
            if estimator != "sgd" {
                let message = format!(
                    "RSA is defined with stochastic gradients (estimator = \"sgd\"), got \"{estimator}\""
                );
                mistakes.add(at("estimator", message));
            }
            for (key, there) in [
                ("local-steps", method.local_steps.is_some()),
                ("momentum", method.momentum.is_some()),
                ("clip", method.clip.is_some()),
            ] {
                if there {
                    let message = format!("RSA has no {key}: workers send models");
                    mistakes.add(at(key, message).with_help(format!("remove {key}")));
                }
            }
            check_weights(method, &i, source, mistakes);
            if !(rsa.lambda > 0.0 && rsa.lambda.is_finite()) {
                let message = format!("lambda must be a positive number, got {}", rsa.lambda);
                let path = ["method", &i, "protocol", "rsa", "lambda"];
                mistakes.add(source.error_at(&path, message));
            }
        }
        (None, Some(_)) => {
            check_weights(method, &i, source, mistakes);
            let assumed = ["pre", "rule"].iter().any(|key| source.is_assumed(&["method", &i, key]));
            if let (Some(shape), false) = (shape, assumed) {
                let participation = experiment.federation.participation;
                mistakes.take(check_server(method, &i, shape, participation, source));
            }
        }
        (None, None) => {
            let message = format!("method {:?} needs a rule", method.name);
            mistakes.add(at("rule", message).with_help("for example rule = \"geometric-median\""));
        }
    }
}

/// Whether the rule can do with what the pre-aggregators leave of W and f.
fn check_server(
    method: &MethodConfig,
    index: &str,
    all: Shape,
    participation: Option<Participation>,
    source: &ExperimentText,
) -> Result<(), ConfigError> {
    let shape = participation.map_or(all, |p| p.drawn_of(all));
    let mut inner = shape;
    for (stage, spec) in pre(method, source)?.iter().enumerate() {
        let path = ["method", index, "pre", &stage.to_string()];
        inner = spec.output(inner).map_err(|e| source.error_at(&path, e))?;
    }
    let Some(choice) = &method.rule else { return Ok(()) };
    rule(method, choice, inner, source)?.check(inner).map_err(|e| {
        let error = source.error_at(&["method", index, "rule"], e);
        if inner == all {
            return error;
        }
        if inner == shape {
            let (w, f) = (shape.workers, shape.byzantine);
            return error.with_help(format!(
                "participation.sample leaves {w} messages a round, of which {f} may be Byzantine"
            ));
        }
        let (w, f) = (inner.workers, inner.byzantine);
        error.with_help(format!(
            "after pre-aggregation there are {w} messages, of which {f} may hold something Byzantine"
        ))
    })
}

/// Where a method's batch is written.
pub(crate) fn batch_path<'a>(method: &MethodConfig, index: &'a str) -> Vec<&'a str> {
    match method.batch {
        Some(_) => vec!["method", index, "batch"],
        None => vec!["train", "batch"],
    }
}

/// A cell's partition and federation on given data.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Who holds what.
    pub partition: Arc<Partition>,
    /// The training samples as their workers see them, where that is another way than they are loaded.
    pub train: Option<Arc<Dataset>>,
    /// Who is who; for a start, where that changes.
    pub federation: Federation,
    /// What Byzantine workers learn in place of their own samples.
    pub byzantine_data: Option<AssignedData>,
}

/// What Byzantine workers learn in place of their own samples.
#[derive(Clone, Debug)]
pub enum AssignedData {
    /// Changed samples.
    Changed {
        /// The samples.
        poisoned: Box<Poisoned>,
        /// Test samples with a backdoor's trigger and its target as their label.
        triggered: Option<Box<Dataset>>,
    },
    /// The samples of this worker.
    Held(usize),
    /// What the model finds least likely.
    LeastLikely,
}

/// AssignmentCache the data to the workers of a cell, and says who is Byzantine.
///
/// # Errors
/// When data and federation do not fit, at the place in the file.
pub fn assign(
    cell: &Cell,
    data: &Loaded,
    source: &ExperimentText,
) -> Result<Assignment, ConfigError> {
    assign_from(share_out(cell, data, source)?, cell, data, source)
}

/// What cells have in common that differ in other things than data, seed and number of workers.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    partition: Arc<Partition>,
    train: Option<Arc<Dataset>>,
}

pub(crate) fn share_out(
    cell: &Cell,
    data: &Loaded,
    source: &ExperimentText,
) -> Result<Shares, ConfigError> {
    let experiment = &cell.experiment;
    let (train, workers) = (&data.split.train, experiment.federation.workers);
    let streams = Streams::new(cell.seed);
    let partition = experiment
        .data
        .partition
        .build_rows(data.into(), workers, &mut streams.at(Role::Partition, 0, 0))
        .map_err(|e| partition_error(&e, source))?;
    let seen = experiment
        .data
        .partition
        .transform(train, data.picture, &partition, &mut streams.at(Role::Partition, 0, 1))
        .map_err(|e| partition_error(&e, source))?;
    Ok(Shares { partition: Arc::new(partition), train: seen.map(Arc::new) })
}

pub(crate) fn assign_from(
    shares: Shares,
    cell: &Cell,
    data: &Loaded,
    source: &ExperimentText,
) -> Result<Assignment, ConfigError> {
    let experiment = &cell.experiment;
    let (train, workers) = (&data.split.train, experiment.federation.workers);
    let Shares { partition, train: seen } = shares;
    let streams = Streams::new(cell.seed);
    let federation = federation_of(experiment, cell.seed, Some(&Classes::of(train)), source)?;
    let at = |e: String| source.error_at(&["federation", "poison"], e);
    let byzantine_data = match &experiment.federation.poison {
        None => None,
        Some(poison) => {
            let samples: Vec<&[u32]> = (0..workers).map(|w| partition.worker(w)).collect();
            let data_seen = seen.as_deref().unwrap_or(train);
            let (picture, samples, federation) = (data.picture, &*samples, &federation);
            let scene = PoisonContext { data: data_seen, picture, samples, federation };
            let spec = source.registry().poisons().make(poison)?;
            let poison = spec.build(&scene).map_err(|e| at(e.to_string()))?;
            Some(learn(poison, &scene, &data.split.test, &streams).map_err(|e| at(e.to_string()))?)
        }
    };
    Ok(Assignment { partition, train: seen, federation, byzantine_data })
}

/// Prepares what a poison makes of the samples.
fn learn(
    poison: Poison,
    scene: &PoisonContext<'_>,
    test: &Dataset,
    streams: &Streams,
) -> Result<AssignedData, DatasetError> {
    Ok(match poison {
        Poison::Held(worker) => AssignedData::Held(worker),
        Poison::LeastLikely => AssignedData::LeastLikely,
        Poison::Changed(change) => AssignedData::Changed {
            poisoned: Box::new(Poisoned::new(&*change, scene, streams)?),
            triggered: match change.backdoor() {
                Some(backdoor) => triggered(test, backdoor)?.map(Box::new),
                None => None,
            },
        },
    })
}

/// The parts of a cell, built from its configuration.
///
/// # Errors
/// The part that cannot work, at its place in the file.
pub fn setup<'a, T: Number>(
    cell: &Cell,
    data: &'a Loaded,
    assignment: &'a Assignment,
    source: &ExperimentText,
) -> Result<Setup<'a, T>, ConfigError> {
    let (experiment, method) = (&cell.experiment, &cell.method);
    let index = cell.method_index.to_string();
    let train = assignment.train.as_deref().unwrap_or(&data.split.train);
    let objective = model::<T>(experiment, source)?
        .build_for(train)
        .map_err(|e| source.error_at(&["model"], e))?;
    let batch = method.batch.unwrap_or(experiment.train.batch);
    let mut batches: Vec<usize> = match experiment.train.small_workers {
        None => vec![batch],
        Some(SmallWorkers::TakeAll) => {
            let partition = &assignment.partition;
            (0..partition.workers()).map(|w| batch.min(partition.worker(w).len())).collect()
        }
    };
    batches.sort_unstable();
    batches.dedup();
    let estimator = estimator::<T>(method, &batches, source)?;
    let protocol = match (&method.protocol, &method.rule) {
        (Some(Named(ProtocolConfig::Rsa(rsa))), _) => ProtocolSpec::Rsa(*rsa),
        (None, Some(rule)) => {
            let rule = match method.weights {
                None => source.registry().rules().make(rule)?,
                Some(Named(Weights::Samples)) => {
                    let path = ["method", &index, "weights"];
                    let weights = numbers_of_samples(&assignment.partition)
                        .map_err(|message| source.error_at(&path, message))?;
                    weighed(rule, &weights, source)?
                }
            };
            ProtocolSpec::Gradient { pre: pre(method, source)?, rule }
        }
        (None, None) => {
            return Err(source.error_at(&["method", &index], "a method needs a rule"));
        }
    };
    let (partition, federation) = (&assignment.partition, assignment.federation.clone());
    let mut samples: Vec<&[u32]> = (0..partition.workers()).map(|w| partition.worker(w)).collect();
    let byzantine_data = match &assignment.byzantine_data {
        None => None,
        Some(AssignedData::Changed { poisoned, .. }) => {
            for (&b, rows) in federation.byzantine().iter().zip(&poisoned.samples) {
                samples[b as usize] = rows;
            }
            Some(ByzantineData { data: &poisoned.data, objective: None })
        }
        Some(AssignedData::Held(worker)) => {
            federation.byzantine().iter().for_each(|&b| samples[b as usize] = samples[*worker]);
            None
        }
        Some(AssignedData::LeastLikely) => {
            let objective = objective.least_likely().ok_or_else(|| {
                let message =
                    "label-flip: labels = \"least-likely\" needs a model with class probabilities";
                source
                    .error_at(&["federation", "poison"], message)
                    .with_help("softmax and a perceptron with cross-entropy have them")
            })?;
            Some(ByzantineData { data: train, objective: Some(objective) })
        }
    };
    let rotation = match experiment.federation.byzantine {
        ByzantineConfig::Rotating(RotatingConfig { every, .. }) => Some(Rotation { every }),
        _ => None,
    };
    Ok(Setup {
        train,
        samples,
        federation,
        rotation,
        participation: experiment.federation.participation,
        byzantine_data,
        objective,
        estimator,
        protocol,
        knowledge: experiment.federation.knowledge,
        attack: attack(experiment, source)?,
        step: method.step.unwrap_or(experiment.train.step),
        seed: cell.seed,
    })
}

fn model<T: Number>(
    experiment: &Experiment,
    source: &ExperimentText,
) -> Result<Box<dyn ModelSpec<T>>, ConfigError> {
    source.registry().models().make(&experiment.model).map(|model| T::model(&*model))
}

fn attack<T: Number>(
    experiment: &Experiment,
    source: &ExperimentText,
) -> Result<Box<dyn AttackSpec<T>>, ConfigError> {
    source.registry().attack(&experiment.federation.attack).map(|attack| T::attack(&*attack))
}

/// A method's estimator: local steps with it, then momentum, then clipping.
fn estimator<T: Number>(
    method: &MethodConfig,
    batches: &[usize],
    source: &ExperimentText,
) -> Result<Box<dyn EstimatorSpec<T>>, ConfigError> {
    let estimators = source.registry().estimators();
    let mut choice = method.estimator.clone();
    let has_batch =
        |name| estimators.find(name).is_some_and(|e| e.defaults().contains_key("batch"));
    let mut specs = Vec::new();
    for &batch in batches {
        if has_batch(&choice.name) {
            let batch = i64::try_from(batch).unwrap_or(i64::MAX);
            choice.settings.insert("batch".into(), batch.into());
        }
        specs.push(T::estimator(&*estimators.make(&choice)?));
    }
    let mut estimator = WithinSamples::of(specs);
    if let Some(steps) = method.local_steps {
        estimator = Box::new(steps.over(estimator));
    }
    if let Some(momentum) = method.momentum {
        estimator = Box::new(momentum.over(estimator));
    }
    if let Some(clip) = method.clip {
        estimator = Box::new(clip.over(estimator));
    }
    Ok(estimator)
}

/// An estimator by its batch, in rising order, of which a worker takes the largest that its samples fill.
#[derive(Debug)]
struct WithinSamples<T: Number>(Vec<Box<dyn EstimatorSpec<T>>>);

impl<T: Number> WithinSamples<T> {
    /// One is itself.
    fn of(mut specs: Vec<Box<dyn EstimatorSpec<T>>>) -> Box<dyn EstimatorSpec<T>> {
        match specs.pop() {
            Some(only) if specs.is_empty() => only,
            last => Box::new(Self(specs.into_iter().chain(last).collect())),
        }
    }

    fn largest(&self) -> &dyn EstimatorSpec<T> {
        &*self.0[self.0.len() - 1]
    }

    fn within(&self, samples: usize) -> &dyn EstimatorSpec<T> {
        let fits = self.0.iter().rev().find(|spec| spec.batch() <= samples);
        &**fits.unwrap_or(&self.0[0])
    }
}

impl<T: Number> EstimatorSpec<T> for WithinSamples<T> {
    fn name(&self) -> &'static str {
        self.largest().name()
    }

    fn batch(&self) -> usize {
        self.largest().batch()
    }

    fn capacity(&self) -> usize {
        self.0.iter().map(|spec| spec.capacity()).max().unwrap_or(0)
    }

    fn memory(&self, objective: &dyn Objective<T>, samples: usize) -> Option<usize> {
        self.within(samples).memory(objective, samples)
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        self.within(local.samples.len()).build(local)
    }
}

/// A method's rule before it is known who holds how many samples: equal weights stand for what they will be.
pub(crate) fn rule(
    method: &MethodConfig,
    choice: &Choice,
    shape: Shape,
    source: &ExperimentText,
) -> Result<Box<dyn RuleSpec>, ConfigError> {
    match method.weights {
        // That a rule has no weights is told by `check_weights`; what else is wrong with it is found without them.
        Some(Named(Weights::Samples)) if has_weights(&choice.name, source) => {
            weighed(choice, &vec![1.0; shape.workers], source)
        }
        _ => source.registry().rules().make(choice),
    }
}

/// A rule with these weights.
fn weighed(
    choice: &Choice,
    weights: &[f64],
    source: &ExperimentText,
) -> Result<Box<dyn RuleSpec>, ConfigError> {
    let mut choice = choice.clone();
    choice.settings.insert(WEIGHTS.to_owned(), weights.to_vec().into());
    source.registry().rules().make(&choice)
}

/// What rules that have weights call them.
const WEIGHTS: &str = "weights";

fn has_weights(rule: &str, source: &ExperimentText) -> bool {
    let entry = source.registry().rules().find(rule);
    entry.is_some_and(|entry| entry.doc().settings.iter().any(|s| s.name == WEIGHTS))
}

fn numbers_of_samples(partition: &Partition) -> Result<Vec<f64>, String> {
    let numbers: Vec<f64> =
        (0..partition.workers()).map(|w| partition.worker(w).len() as f64).collect();
    match numbers.iter().position(|&n| n == 0.0) {
        Some(w) => {
            Err(format!("weights = \"samples\" needs samples everywhere, and worker {w} has none"))
        }
        None => Ok(numbers),
    }
}

/// Whether a method's rule has weights that can be the workers' numbers of samples.
fn check_weights(
    method: &MethodConfig,
    index: &str,
    source: &ExperimentText,
    mistakes: &mut Mistakes,
) {
    let (Some(_), false) = (method.weights, source.is_assumed(&["method", index, "rule"])) else {
        return;
    };
    let at = |message: String| source.error_at(&["method", index, "weights"], message);
    let rules = source.registry().rules();
    let Some(rule) = &method.rule else {
        let message =
            "weights = \"samples\" needs a rule that has weights; RSA's server adds up signs";
        if method.protocol.is_some() {
            mistakes.add(at(message.into()).with_help("remove weights"));
        }
        return;
    };
    if !has_weights(&rule.name, source) {
        let names = rules.iter().map(|entry| entry.name());
        let all: Vec<&str> = names.filter(|name| has_weights(name, source)).collect();
        let message =
            format!("{} has no weights; rules that have are {}", rule.name, all.join(", "));
        let error = at(message);
        mistakes.add(match &*rule.name {
            "mean" => error.with_help("rule = \"weighted-mean\" is the mean with weights"),
            _ => error,
        });
    } else if rule.settings.get(WEIGHTS).is_some_and(|w| w.as_array().is_none_or(|w| !w.is_empty()))
    {
        let message =
            format!("{} has weights of its own, and weights = \"samples\" says others", rule.name);
        mistakes.add(at(message).with_help("remove one of them"));
    }
}

fn pre(
    method: &MethodConfig,
    source: &ExperimentText,
) -> Result<Vec<Box<dyn PreAggregatorSpec>>, ConfigError> {
    method.pre.iter().map(|pre| source.registry().pre_aggregators().make(pre)).collect()
}
