//! Reading a file's tree as an experiment past its mistakes, so that all of them are told at once.
//!
//! Types stop at the first mistake. Here it is written down, and the tree is changed so that the next reading gets beyond
//! it: a key that is misspelt gets the nearest valid name, a value of a wrong type is left out, a key that is missing is
//! assumed. What is said later about something assumed is not told, because it follows from a mistake that is.

use crate::check::{check, check_weights};
use crate::file::{
    ConfigError, DefendConfig, Experiment, ExperimentText, Mistakes, home, stand_in,
};
use crate::name::{AnyAttack, AnyEstimator, AnyModel, Category, Choice, Lookup, Registry};
use crate::tree::{Change, Fault, Path, Reader, Tree, What, value};
use fl_core::{PoisonSpec, PreAggregatorSpec, RuleSpec};
use serde::Deserialize;
use std::sync::Arc;

/// No file is read more often than this.
const READINGS: usize = 200;

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

    /// The same with your own registry.
    ///
    /// # Errors
    /// As [`Experiment::parse`].
    pub fn parse_with(
        registry: &Registry,
        text: &str,
        file: &str,
        set: &[(String, String)],
    ) -> Result<(Self, ExperimentText), ConfigError> {
        let source = ExperimentText::new(text, file, set)?;
        let Some(tree) = source.tree() else {
            return Err(ConfigError::plain(file, "is no TOML"));
        };
        if let Some((key, _)) = tree.get_ref().get_key_value("sweep") {
            let message = "[sweep] makes many experiments of this file, and one is asked for";
            return Err(source.error(Some(key.span()), message.into(), None));
        }
        read(&mut Known::new(registry), &source, &mut { tree })
    }
}

/// A configuration that a run has written, if it is one; no registry looks at its choices.
pub(crate) fn written(text: &str) -> Option<Experiment> {
    let tree = toml::de::DeTable::parse(text).ok()?;
    Experiment::deserialize(Reader::Table(tree.get_ref())).ok()
}

/// A registry, and the choices that it has looked up: a file is read at many points of a sweep, and most of what it chooses is
/// the same at all of them.
pub(crate) struct Known<'r> {
    registry: &'r Registry,
    models: Vec<Pair<Box<dyn AnyModel>>>,
    attacks: Vec<Pair<Arc<dyn AnyAttack>>>,
    poisons: Vec<Pair<Box<dyn PoisonSpec>>>,
    pre: Vec<Pair<Box<dyn PreAggregatorSpec>>>,
    estimators: Vec<Pair<Box<dyn AnyEstimator>>>,
    rules: Vec<Pair<Box<dyn RuleSpec>>>,
}

/// A choice as a file has it, and what it was looked up as.
type Pair<S> = (Choice<S>, Choice<S>);

/// Choices of one kind that are remembered: more would take longer to look through than to look up.
const MOST_KNOWN: usize = 32;

impl<'r> Known<'r> {
    pub(crate) fn new(registry: &'r Registry) -> Self {
        let (models, attacks, poisons) = (Vec::new(), Vec::new(), Vec::new());
        let (pre, estimators, rules) = (Vec::new(), Vec::new(), Vec::new());
        Self { registry, models, attacks, poisons, pre, estimators, rules }
    }
}

/// Reads a tree of a source, past its mistakes; all of them are returned, and the tree is then not what it was.
pub(crate) fn read(
    known: &mut Known<'_>,
    source: &ExperimentText,
    tree: &mut Tree<'_>,
) -> Result<(Experiment, ExperimentText), ConfigError> {
    let registry = known.registry;
    let (changes, assumed) = (Vec::new(), Vec::new());
    let mistakes = Mistakes::default();
    let mut reading = Reading { registry, source, changes, assumed, mistakes };
    let mut experiment = reading.read(tree);
    if let Some(experiment) = &mut experiment {
        reading.look_up(known, experiment, tree);
    }
    let Reading { changes, assumed, mut mistakes, .. } = reading;
    let source = source.changed(&changes).assuming(assumed);
    if let Some(experiment) = &experiment {
        for index in 0..experiment.method.len() {
            check_weights(experiment, index, registry, &source, &mut mistakes);
        }
        if !mistakes.is_empty() {
            mistakes.take(check(experiment, &source));
        }
    }
    match (experiment, mistakes.or(source)) {
        (Some(experiment), Ok(source)) => Ok((experiment, source)),
        (_, Err(error)) => Err(error),
        (None, Ok(_)) => Err(ConfigError::plain("the file", "cannot be read")),
    }
}

/// A file on its way to an experiment.
struct Reading<'a> {
    registry: &'a Registry,
    source: &'a ExperimentText,
    /// What was changed to read on.
    changes: Vec<Change>,
    /// Where the experiment says something else than the file.
    assumed: Vec<Path>,
    mistakes: Mistakes,
}

impl Reading<'_> {
    /// Reads a tree, and changes it where it cannot be read.
    fn read(&mut self, tree: &mut Tree<'_>) -> Option<Experiment> {
        for _ in 0..READINGS {
            match Experiment::deserialize(Reader::Table(tree.get_ref())) {
                Ok(experiment) => return Some(experiment),
                Err(fault) => {
                    if !self.beyond(fault, tree) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Writes a mistake down and changes the tree so that the next reading gets further; false if nothing helps.
    fn beyond(&mut self, fault: Fault, tree: &mut Tree<'_>) -> bool {
        let mut path = fault.path.clone();
        let lacks = match &fault.what {
            What::MissingKey { key } => Some([&path[..], std::slice::from_ref(key)].concat()),
            _ => None,
        };
        let follows = match &lacks {
            Some(lacks) => self.assumed.contains(lacks),
            None => self.assumed.iter().any(|assumed| assumed.starts_with(&path)),
        };
        let (at_key, nearest) = (fault.at_key, fault.nearest().map(str::to_owned));
        if !follows {
            let fault = self.with_help(fault);
            self.mistakes.add(self.source.fault(tree, &fault));
        }
        if let Some(lacks) = lacks {
            self.assumed.push(lacks.clone());
            let front: Vec<&str> = path.iter().map(String::as_str).collect();
            let key = lacks.last().map(String::as_str).unwrap_or_default();
            if let Some(value) = stand_in(&front, key) {
                return self.change(Change::Insert { path: lacks, value }, tree);
            }
        } else if let (true, Some(name), Some((_, front))) = (at_key, nearest, path.split_last()) {
            let there = [front, std::slice::from_ref(&name)].concat();
            if value(tree, &path).is_some() && value(tree, &there).is_none() {
                return self.change(Change::Rename { path, name }, tree);
            }
        }
        // A table that is left out goes with its name, and an element of a list with its list, so that the others keep
        // their numbers.
        let is_number = |part: &String| part.parse::<usize>().is_ok();
        while path.last().is_some_and(is_number)
            || (!path.is_empty() && value(tree, &path).is_none())
        {
            path.pop();
        }
        self.assumed.push(path.clone());
        self.change(Change::Remove { path }, tree)
    }

    /// A key that is unknown where it stands may be one of a model.
    fn with_help(&self, fault: Fault) -> Fault {
        let of_model = match &fault.what {
            What::UnknownKey { key, .. } if home(key).is_none() => {
                let known = self.registry.models().iter().any(|model| model.has_setting(key));
                known.then(|| {
                    format!("`{key}` is a key of the model's table, for example [model.softmax]")
                })
            }
            _ => None,
        };
        match of_model {
            Some(help) => fault.with_help(help),
            None => fault,
        }
    }

    fn change(&mut self, change: Change, tree: &mut Tree<'_>) -> bool {
        let done = change.apply(tree);
        self.changes.push(change);
        done
    }

    /// Looks up every choice, and writes out the settings that were left to defaults.
    fn look_up(&mut self, known: &mut Known<'_>, experiment: &mut Experiment, tree: &Tree<'_>) {
        let registry = self.registry;
        let models = (registry.models(), &mut known.models);
        self.choice(models, &mut experiment.model, &["model"], tree);
        let federation = &mut experiment.federation;
        let path = ["federation", "attack"];
        self.choice((registry.attacks(), &mut known.attacks), &mut federation.attack, &path, tree);
        if let Some(poison) = &mut federation.poison {
            let poisons = (registry.poisons(), &mut known.poisons);
            self.choice(poisons, poison, &["federation", "poison"], tree);
        }
        if let Some(defend) = &mut experiment.defend {
            self.combined(known, defend, tree);
        }
        for (i, method) in experiment.method.iter_mut().enumerate() {
            let i = &*i.to_string();
            for (stage, pre) in method.pre.iter_mut().enumerate() {
                let path = ["method", i, "pre", &stage.to_string()];
                self.choice((registry.pre_aggregators(), &mut known.pre), pre, &path, tree);
            }
            let estimator = &mut method.estimator;
            let inside = ["method", i, "estimator", &estimator.name, "batch"];
            if value(tree, &inside).is_some() {
                let message =
                    "the batch size is a key of the method, or of [train] for all methods";
                let help = format!("write batch = … beside estimator = \"{}\"", estimator.name);
                self.refuse(&inside, self.source.error_at(&inside, message).with_help(help));
            }
            let estimators = (registry.estimators(), &mut known.estimators);
            self.choice(estimators, estimator, &["method", i, "estimator"], tree);
            estimator.leave_out("batch");
            if let Some(rule) = &mut method.rule {
                let rules = (registry.rules(), &mut known.rules);
                self.choice(rules, rule, &["method", i, "rule"], tree);
            }
        }
    }

    /// Looks up what a search for a defence combines.
    fn combined(&mut self, known: &mut Known<'_>, defend: &mut DefendConfig, tree: &Tree<'_>) {
        let registry = self.registry;
        let estimators = (registry.estimators(), &mut known.estimators);
        self.list(estimators, &mut defend.estimators, &["estimators"], tree);
        defend.estimators.iter_mut().for_each(|estimator| estimator.leave_out("batch"));
        for (i, chain) in defend.chains.iter_mut().enumerate() {
            let path = ["chains", &*i.to_string()];
            self.list((registry.pre_aggregators(), &mut known.pre), chain, &path, tree);
        }
        self.list((registry.rules(), &mut known.rules), &mut defend.rules, &["rules"], tree);
        let attacks = (registry.attacks(), &mut known.attacks);
        self.list(attacks, &mut defend.attacks, &["attacks"], tree);
        let attacks = (registry.attacks(), &mut known.attacks);
        self.list(attacks, &mut defend.held_out, &["held-out"], tree);
    }

    /// Choices in a list of the table `[defend]`.
    fn list<S: 'static>(
        &mut self,
        (category, known): (&Category<S>, &mut Vec<Pair<S>>),
        choices: &mut [Choice<S>],
        path: &[&str],
        tree: &Tree<'_>,
    ) {
        for (i, choice) in choices.iter_mut().enumerate() {
            let i = i.to_string();
            self.choice((category, known), choice, &[&["defend"], path, &[&*i]].concat(), tree);
        }
    }

    fn choice<S: 'static>(
        &mut self,
        (category, known): (&Category<S>, &mut Vec<Pair<S>>),
        choice: &mut Choice<S>,
        path: &[&str],
        tree: &Tree<'_>,
    ) {
        if let Some((_, found)) = known.iter().find(|(written, _)| written == choice) {
            *choice = found.clone();
            return;
        }
        let written = choice.clone();
        let there = value(tree, path).map(|value| value.get_ref());
        match category.resolve(choice, there, Lookup::of(self.registry)) {
            Ok(()) => {
                if known.len() >= MOST_KNOWN {
                    known.clear();
                }
                known.push((written, choice.clone()));
            }
            Err(fault) => self.refuse(path, self.source.fault(tree, &fault.below(path))),
        }
    }

    fn refuse(&mut self, path: &[&str], error: ConfigError) {
        let path: Path = path.iter().map(|&part| part.to_owned()).collect();
        // A stand-in may be unknown to a registry of a program's own.
        if !self.assumed.iter().any(|assumed| path.starts_with(assumed)) {
            self.mistakes.add(error);
        }
        self.assumed.push(path);
    }
}
