//! Reading a file's tree as an experiment past its mistakes, so that all of them are told at once.
//!
//! Types stop at the first mistake. Here it is written down, and the tree is changed so that the next reading gets beyond
//! it: a key that is misspelt gets the nearest valid name, a value of a wrong type is left out, a key that is missing is
//! assumed. What is said later about something assumed is not told, because it follows from a mistake that is.

use crate::check::{check, check_weights};
use crate::file::{ConfigError, Experiment, ExperimentText, Mistakes, home, stand_in};
use crate::name::{Category, Choice, Lookup, Registry};
use crate::tree::{Change, Fault, Path, Reader, Tree, What, value};
use serde::Deserialize;

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
        read(registry, &source, tree)
    }
}

/// A configuration that a run has written, if it is one; no registry looks at its choices.
pub(crate) fn written(text: &str) -> Option<Experiment> {
    let tree = toml::de::DeTable::parse(text).ok()?;
    Experiment::deserialize(Reader::Table(tree.get_ref())).ok()
}

/// Reads a tree of a source, past its mistakes; all of them are returned.
pub(crate) fn read(
    registry: &Registry,
    source: &ExperimentText,
    mut tree: Tree<'_>,
) -> Result<(Experiment, ExperimentText), ConfigError> {
    let (changes, assumed) = (Vec::new(), Vec::new());
    let mistakes = Mistakes::default();
    let mut reading = Reading { registry, source, changes, assumed, mistakes };
    let mut experiment = reading.read(&mut tree);
    if let Some(experiment) = &mut experiment {
        reading.look_up(experiment, &tree);
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
    fn look_up(&mut self, experiment: &mut Experiment, tree: &Tree<'_>) {
        let registry = self.registry;
        self.choice(registry.models(), &mut experiment.model, &["model"], tree);
        let federation = &mut experiment.federation;
        let path = ["federation", "attack"];
        self.choice(registry.attacks(), &mut federation.attack, &path, tree);
        if let Some(poison) = &mut federation.poison {
            self.choice(registry.poisons(), poison, &["federation", "poison"], tree);
        }
        for (i, method) in experiment.method.iter_mut().enumerate() {
            let i = &*i.to_string();
            for (stage, pre) in method.pre.iter_mut().enumerate() {
                let path = ["method", i, "pre", &stage.to_string()];
                self.choice(registry.pre_aggregators(), pre, &path, tree);
            }
            let estimator = &mut method.estimator;
            let inside = ["method", i, "estimator", &estimator.name, "batch"];
            if value(tree, &inside).is_some() {
                let message =
                    "the batch size is a key of the method, or of [train] for all methods";
                let help = format!("write batch = … beside estimator = \"{}\"", estimator.name);
                self.refuse(&inside, self.source.error_at(&inside, message).with_help(help));
            }
            self.choice(registry.estimators(), estimator, &["method", i, "estimator"], tree);
            estimator.leave_out("batch");
            if let Some(rule) = &mut method.rule {
                self.choice(registry.rules(), rule, &["method", i, "rule"], tree);
            }
        }
    }

    fn choice<S: 'static>(
        &mut self,
        category: &Category<S>,
        choice: &mut Choice<S>,
        path: &[&str],
        tree: &Tree<'_>,
    ) {
        let written = value(tree, path).map(|value| value.get_ref());
        if let Err(fault) = category.resolve(choice, written, Lookup::of(self.registry)) {
            self.refuse(path, self.source.fault(tree, &fault.below(path)));
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
