//! What an experiment file can name: rules, pre-aggregators, attacks, estimators and models, each with its documentation.
//!
//! The command line's help, the names in experiment files and the checks of settings all come from here, and a program of
//! one's own can add to it.

use crate::file::{ConfigError, ExperimentText, Tree, find, in_words, suggestion, value};
use crate::name::Choice;
use fl_core::{
    AttackSpec, Doc, EstimatorSpec, ModelSpec, PartVisitor, PoisonSpec, PreAggregatorSpec,
    Registrable, RuleSpec, Scalar,
};
use serde::Serialize;
use serde::de::IntoDeserializer;
use std::fmt::{self, Debug};
use std::sync::Arc;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};
use toml::{Spanned, Table};

/// Everything that an experiment file can name.
///
/// ```
/// use fl_lab::Registry;
///
/// let registry = Registry::standard();
/// let krum = registry.rules().find("krum").expect("a rule that everybody knows");
/// assert!(krum.doc().summary().starts_with("Krum"));
/// ```
///
/// Rules of one's own are added by their type, which `fl_core::spec!` declares:
///
/// ```ignore
/// let registry = Registry::standard().with_rule::<AroundMedoid>();
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    rules: Category<Box<dyn RuleSpec>>,
    pre: Category<Box<dyn PreAggregatorSpec>>,
    attacks: Category<Box<dyn AnyAttack>>,
    poisons: Category<Box<dyn PoisonSpec>>,
    estimators: Category<Box<dyn AnyEstimator>>,
    models: Category<Box<dyn AnyModel>>,
}

impl Registry {
    /// Nothing at all.
    pub fn empty() -> Self {
        Self {
            rules: Category::new("rule"),
            pre: Category::new("pre-aggregator"),
            attacks: Category::new("attack"),
            poisons: Category::new("poison"),
            estimators: Category::new("estimator"),
            models: Category::new("model"),
        }
    }

    /// All that this workspace has.
    pub fn standard() -> Self {
        let mut registry = Self::empty();
        fl_agg::parts(&mut registry);
        fl_resample::parts(&mut registry);
        fl_attacks::parts(&mut registry);
        fl_saga::parts(&mut registry);
        fl_models::parts(&mut registry);
        registry
            .with_composed::<super::composed::Mixture>()
            .with_composed::<super::composed::Random>()
            .with_composed::<super::composed::Scheduled>()
            .with_composed::<super::composed::LineSearch>()
    }

    /// Adds a rule, or replaces the one of the same name.
    #[must_use]
    pub fn with_rule<R: RuleSpec + Registrable>(mut self) -> Self {
        PartVisitor::rule::<R>(&mut self);
        self
    }

    /// Adds a pre-aggregator, or replaces the one of the same name.
    #[must_use]
    pub fn with_pre_aggregator<P: PreAggregatorSpec + Registrable>(mut self) -> Self {
        PartVisitor::pre_aggregator::<P>(&mut self);
        self
    }

    /// Adds an attack, or replaces the one of the same name.
    #[must_use]
    pub fn with_attack<A: AttackSpec<f32> + AttackSpec<f64> + Registrable>(mut self) -> Self {
        PartVisitor::attack::<A>(&mut self);
        self
    }

    /// Adds an attack on data, or replaces the one of the same name.
    #[must_use]
    pub fn with_poison<P: PoisonSpec + Registrable>(mut self) -> Self {
        PartVisitor::poison::<P>(&mut self);
        self
    }

    /// Adds an attack that is made of others, or replaces the one of the same name.
    #[must_use]
    pub fn with_composed<C: Composed>(mut self) -> Self {
        self.attacks.add_reading::<C>(C::NAME, |settings, lookup| {
            let mut spec = C::deserialize(settings)?;
            let attack = spec.compose(lookup)?;
            Ok((attack, in_full(&spec)))
        });
        self
    }

    /// What a choice of an attack stands for, also where it is made of others.
    ///
    /// # Errors
    /// As [`Category::make`].
    pub fn attack(&self, choice: &Choice) -> Result<Box<dyn AnyAttack>, ConfigError> {
        self.attacks.made(choice, &Lookup { registry: Some(self), place: None })
    }

    /// Adds a workers' gradient estimator, or replaces the one of the same name. A setting `batch` is filled from the
    /// experiment's batch size.
    #[must_use]
    pub fn with_estimator<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Registrable>(
        mut self,
    ) -> Self {
        PartVisitor::estimator::<E>(&mut self);
        self
    }

    /// Adds a model, or replaces the one of the same name.
    #[must_use]
    pub fn with_model<M: ModelSpec<f32> + ModelSpec<f64> + Registrable>(mut self) -> Self {
        PartVisitor::model::<M>(&mut self);
        self
    }

    /// The aggregation rules.
    pub fn rules(&self) -> &Category<Box<dyn RuleSpec>> {
        &self.rules
    }

    /// The pre-aggregators.
    pub fn pre_aggregators(&self) -> &Category<Box<dyn PreAggregatorSpec>> {
        &self.pre
    }

    /// The attacks.
    pub fn attacks(&self) -> &Category<Box<dyn AnyAttack>> {
        &self.attacks
    }

    /// The attacks on data.
    pub fn poisons(&self) -> &Category<Box<dyn PoisonSpec>> {
        &self.poisons
    }

    /// The workers' gradient estimators.
    pub fn estimators(&self) -> &Category<Box<dyn AnyEstimator>> {
        &self.estimators
    }

    /// The models.
    pub fn models(&self) -> &Category<Box<dyn AnyModel>> {
        &self.models
    }
}

impl PartVisitor for Registry {
    fn rule<R: RuleSpec + Registrable>(&mut self) {
        self.rules.add::<R>(R::default().name(), |spec| Box::new(spec));
    }

    fn pre_aggregator<P: PreAggregatorSpec + Registrable>(&mut self) {
        self.pre.add::<P>(P::default().name(), |spec| Box::new(spec));
    }

    fn attack<A: AttackSpec<f32> + AttackSpec<f64> + Registrable>(&mut self) {
        let name = AttackSpec::<f32>::name(&A::default());
        self.attacks.add::<A>(name, |spec| Box::new(spec));
    }

    fn poison<P: PoisonSpec + Registrable>(&mut self) {
        self.poisons.add::<P>(P::default().name(), |spec| Box::new(spec));
    }

    fn estimator<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Registrable>(&mut self) {
        let name = EstimatorSpec::<f32>::name(&E::default());
        self.estimators.add::<E>(name, |spec| Box::new(spec));
    }

    fn model<M: ModelSpec<f32> + ModelSpec<f64> + Registrable>(&mut self) {
        let name = ModelSpec::<f32>::name(&M::default());
        self.models.add::<M>(name, |spec| Box::new(spec));
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::standard()
    }
}

/// An attack for either number type.
pub trait AnyAttack: Debug + Send + Sync {
    /// The attack on messages in `f32`.
    fn single(&self) -> Box<dyn AttackSpec<f32>>;
    /// The attack on messages in `f64`.
    fn double(&self) -> Box<dyn AttackSpec<f64>>;
}

impl<A: AttackSpec<f32> + AttackSpec<f64> + Clone + 'static> AnyAttack for A {
    fn single(&self) -> Box<dyn AttackSpec<f32>> {
        Box::new(self.clone())
    }

    fn double(&self) -> Box<dyn AttackSpec<f64>> {
        Box::new(self.clone())
    }
}

/// An estimator for either number type.
pub trait AnyEstimator: Debug + Send + Sync {
    /// The estimator in `f32`.
    fn single(&self) -> Box<dyn EstimatorSpec<f32>>;
    /// The estimator in `f64`.
    fn double(&self) -> Box<dyn EstimatorSpec<f64>>;
}

impl<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Clone + 'static> AnyEstimator for E {
    fn single(&self) -> Box<dyn EstimatorSpec<f32>> {
        Box::new(self.clone())
    }

    fn double(&self) -> Box<dyn EstimatorSpec<f64>> {
        Box::new(self.clone())
    }
}

/// A model for either number type.
pub trait AnyModel: Debug + Send + Sync {
    /// The model in `f32`.
    fn single(&self) -> Box<dyn ModelSpec<f32>>;
    /// The model in `f64`.
    fn double(&self) -> Box<dyn ModelSpec<f64>>;
}

impl<M: ModelSpec<f32> + ModelSpec<f64> + Clone + 'static> AnyModel for M {
    fn single(&self) -> Box<dyn ModelSpec<f32>> {
        Box::new(self.clone())
    }

    fn double(&self) -> Box<dyn ModelSpec<f64>> {
        Box::new(self.clone())
    }
}

/// The number types, and the choice between what is registered for both.
pub trait Number: Scalar {
    /// The attack on messages of this type.
    fn attack(attack: &dyn AnyAttack) -> Box<dyn AttackSpec<Self>>;
    /// The estimator in this type.
    fn estimator(estimator: &dyn AnyEstimator) -> Box<dyn EstimatorSpec<Self>>;
    /// The model in this type.
    fn model(model: &dyn AnyModel) -> Box<dyn ModelSpec<Self>>;
}

impl Number for f32 {
    fn attack(attack: &dyn AnyAttack) -> Box<dyn AttackSpec<f32>> {
        attack.single()
    }

    fn estimator(estimator: &dyn AnyEstimator) -> Box<dyn EstimatorSpec<f32>> {
        estimator.single()
    }

    fn model(model: &dyn AnyModel) -> Box<dyn ModelSpec<f32>> {
        model.single()
    }
}

impl Number for f64 {
    fn attack(attack: &dyn AnyAttack) -> Box<dyn AttackSpec<f64>> {
        attack.double()
    }

    fn estimator(estimator: &dyn AnyEstimator) -> Box<dyn EstimatorSpec<f64>> {
        estimator.double()
    }

    fn model(model: &dyn AnyModel) -> Box<dyn ModelSpec<f64>> {
        model.double()
    }
}

/// The registered things of one kind, in the order in which they were added; `S` is what a choice becomes.
#[derive(Debug)]
pub struct Category<S> {
    what: &'static str,
    entries: Vec<Entry<S>>,
}

/// An attack that is made of others: its settings hold choices.
pub trait Composed: Registrable {
    /// The name in files.
    const NAME: &'static str;

    /// Looks up the choices, which writes out their own settings, and makes the attack.
    ///
    /// # Errors
    /// A choice that is none.
    fn compose(&mut self, lookup: &Lookup<'_>) -> Result<Box<dyn AnyAttack>, ConfigError>;
}

/// Where the choices inside of a choice are looked up.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    registry: Option<&'a Registry>,
    /// The place of the outer choice's settings in an experiment file.
    place: Option<(&'a [&'a str], &'a ExperimentText, &'a Tree<'a>)>,
}

impl Lookup<'_> {
    /// The attack that the setting at `key` names; `key` goes on with a number inside of a list.
    ///
    /// # Errors
    /// An unknown name, or settings that are none of its own.
    pub fn attack(
        &self,
        choice: &mut Choice,
        key: &[&str],
    ) -> Result<Box<dyn AnyAttack>, ConfigError> {
        self.find(choice, key, Registry::attacks)
    }

    /// The rule that the setting at `key` names.
    ///
    /// # Errors
    /// As [`Lookup::attack`].
    pub fn rule(
        &self,
        choice: &mut Choice,
        key: &[&str],
    ) -> Result<Box<dyn RuleSpec>, ConfigError> {
        self.find(choice, key, Registry::rules)
    }

    /// The pre-aggregator that the setting at `key` names.
    ///
    /// # Errors
    /// As [`Lookup::attack`].
    pub fn pre_aggregator(
        &self,
        choice: &mut Choice,
        key: &[&str],
    ) -> Result<Box<dyn PreAggregatorSpec>, ConfigError> {
        self.find(choice, key, Registry::pre_aggregators)
    }

    /// A mistake in the setting at `key`.
    pub fn error(&self, key: &[&str], message: &str) -> ConfigError {
        match self.place {
            Some((place, source, _)) => {
                let path: Vec<&str> = place.iter().chain(key).copied().collect();
                source.error_at(&path, message)
            }
            None => ConfigError::plain(&key.join("."), message),
        }
    }

    fn find<S: 'static>(
        &self,
        choice: &mut Choice,
        key: &[&str],
        kind: impl Fn(&Registry) -> &Category<S>,
    ) -> Result<S, ConfigError> {
        match (self.place, self.registry) {
            (Some((place, source, tree)), _) => {
                let path: Vec<&str> = place.iter().chain(key).copied().collect();
                kind(source.registry()).resolve(choice, &path, source, tree)
            }
            (None, Some(registry)) => kind(registry).made(choice, self),
            (None, None) => {
                let message =
                    "this is made of others, which a registry knows: see Registry::attack";
                Err(ConfigError::plain(&choice.name, message))
            }
        }
    }
}

/// A spec and its settings in full, or why the file's settings are none.
type Read<S> =
    dyn Fn(ValueDeserializer<'_>, &Lookup<'_>) -> Result<(S, Table), Fault> + Send + Sync;

/// Why settings are none.
enum Fault {
    /// In the words of the parser, at a place of its own.
    Parser(Error),
    /// In ours.
    Ours(ConfigError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Parser(error)
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Fault::Ours(error)
    }
}

/// One thing that a file can name.
pub struct Entry<S> {
    name: &'static str,
    doc: Doc,
    defaults: Table,
    read: Arc<Read<S>>,
}

// Not derived: `S` need be neither.
impl<S> Clone for Category<S> {
    fn clone(&self) -> Self {
        Self { what: self.what, entries: self.entries.clone() }
    }
}

impl<S> Clone for Entry<S> {
    fn clone(&self) -> Self {
        let Self { name, doc, defaults, read } = self;
        Self { name, doc: *doc, defaults: defaults.clone(), read: Arc::clone(read) }
    }
}

impl<S> Debug for Entry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).field("defaults", &self.defaults).finish()
    }
}

impl<S> Entry<S> {
    /// The name in files.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its documentation.
    pub fn doc(&self) -> &Doc {
        &self.doc
    }

    /// Its settings when none is given; what may be left out and has no value then is not in it.
    pub fn defaults(&self) -> &Table {
        &self.defaults
    }

    /// It with its default settings.
    pub fn choice(&self) -> Choice {
        Choice { name: self.name.to_owned(), settings: self.defaults.clone() }
    }
}

impl<S: 'static> Category<S> {
    fn new(what: &'static str) -> Self {
        Self { what, entries: Vec::new() }
    }

    fn add<E: Registrable>(&mut self, name: &'static str, make: fn(E) -> S) {
        self.add_reading::<E>(name, move |settings, _| {
            let spec = E::deserialize(settings)?;
            let settings = in_full(&spec);
            Ok((make(spec), settings))
        });
    }

    fn add_reading<E: Registrable>(
        &mut self,
        name: &'static str,
        read: impl Fn(ValueDeserializer<'_>, &Lookup<'_>) -> Result<(S, Table), Fault>
        + Send
        + Sync
        + 'static,
    ) {
        let entry =
            Entry { name, doc: E::DOC, defaults: in_full(&E::default()), read: Arc::new(read) };
        match self.entries.iter_mut().find(|e| e.name == name) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }

    /// All of this kind, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<S>> {
        self.entries.iter()
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<&Entry<S>> {
        self.entries.iter().find(|e| e.name == name)
    }

    /// What a choice stands for.
    ///
    /// # Errors
    /// An unknown name, or settings that are none of its own; said with the nearest valid name.
    pub fn make(&self, choice: &Choice) -> Result<S, ConfigError> {
        self.made(choice, &Lookup { registry: None, place: None })
    }

    fn made(&self, choice: &Choice, lookup: &Lookup<'_>) -> Result<S, ConfigError> {
        let fail = |message: String| {
            let message = in_words(&message);
            let help = suggestion(&message);
            let error = ConfigError::plain(&format!("{} {}", self.what, choice.name), message);
            match help {
                Some(name) => error.with_help(format!("did you mean `{name}`?")),
                None => error,
            }
        };
        let Some(entry) = self.find(&choice.name) else {
            return Err(fail(self.unknown(&choice.name)));
        };
        let text = toml::to_string(&choice.settings).map_err(|e| fail(e.to_string()))?;
        let table = DeTable::parse(&text).map_err(|e| fail(e.message().to_owned()))?;
        let value = Spanned::new(0..text.len(), DeValue::Table(table.into_inner()));
        match (entry.read)(value.into_deserializer(), lookup) {
            Ok((spec, _)) => Ok(spec),
            Err(Fault::Parser(error)) => Err(fail(error.message().to_owned())),
            Err(Fault::Ours(error)) => Err(error),
        }
    }

    /// What a choice in an experiment file stands for; writes out the settings that were left to defaults.
    pub(crate) fn resolve(
        &self,
        choice: &mut Choice,
        path: &[&str],
        source: &ExperimentText,
        tree: &Tree<'_>,
    ) -> Result<S, ConfigError> {
        let written = value(tree, path);
        let mut inside = path.to_vec();
        inside.push(&choice.name);
        let Some(entry) = self.find(&choice.name) else {
            // In the short form the name is the value, in the long one it is a key.
            let span = match &written {
                Some(value) if value.get_ref().is_str() => Some(value.span()),
                _ => find(tree, &inside),
            };
            return Err(source.error_in_words(span, &self.unknown(&choice.name)));
        };
        let settings =
            written.and_then(|value| value.get_ref().as_table()?.get(&*choice.name)).cloned();
        let settings =
            settings.unwrap_or_else(|| Spanned::new(0..0, DeValue::Table(DeTable::new())));
        let span = find(tree, &inside);
        let lookup = Lookup { registry: None, place: Some((&inside, source, tree)) };
        match (entry.read)(settings.into_deserializer(), &lookup) {
            Ok((spec, settings)) => {
                choice.settings = settings;
                Ok(spec)
            }
            Err(Fault::Parser(error)) => {
                Err(source.error_in_words(error.span().or(span), error.message()))
            }
            Err(Fault::Ours(error)) => Err(error),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let names: Vec<String> = self.entries.iter().map(|e| format!("`{}`", e.name)).collect();
        match &*names {
            [] => format!("unknown name `{name}`: no {} is known", self.what),
            [one] => format!("unknown name `{name}`, expected {one}"),
            _ => format!("unknown name `{name}`, expected one of {}", names.join(", ")),
        }
    }
}

/// All settings of a spec, whatever was left to defaults included.
fn in_full(spec: &impl Serialize) -> Table {
    Table::try_from(spec).expect("a spec's settings are numbers, names and lists")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::file_name;

    /// Documentation and files must not drift apart: what `spec!` lists is what serde writes.
    #[test]
    fn every_setting_with_a_default_is_documented_by_the_name_that_files_use() {
        fn check<S: 'static>(kind: &Category<S>) {
            for entry in kind.iter() {
                let documented: Vec<String> =
                    entry.doc().settings.iter().map(|s| file_name(s.name)).collect();
                for name in entry.defaults().keys() {
                    assert!(
                        documented.contains(name),
                        "{}: {name} of {documented:?}",
                        entry.name()
                    );
                }
                for setting in entry.doc().settings {
                    assert!(!setting.doc.is_empty(), "{}: {}", entry.name(), setting.name);
                }
                assert!(!entry.doc().summary().is_empty(), "{}", entry.name());
                let registry = Registry::standard();
                let lookup = Lookup { registry: Some(&registry), place: None };
                assert!(kind.made(&entry.choice(), &lookup).is_ok(), "{}", entry.name());
            }
        }
        let registry = Registry::standard();
        check(registry.rules());
        check(registry.pre_aggregators());
        check(registry.attacks());
        check(registry.poisons());
        check(registry.estimators());
        check(registry.models());
    }

    #[test]
    fn a_choice_that_is_none_is_refused_with_the_nearest_name() {
        let registry = Registry::standard();
        let refused = |choice: Choice| registry.rules().make(&choice).unwrap_err().to_string();
        let unknown = Choice { name: "krumm".into(), settings: Table::new() };
        assert!(refused(unknown).contains("did you mean `krum`?"));
        let mut settings = Table::new();
        settings.insert("varient".into(), "paper".into());
        let setting = Choice { name: "krum".into(), settings };
        assert!(refused(setting).contains("did you mean `variant`?"));
    }
}
