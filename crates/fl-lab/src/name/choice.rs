//! Something that a file names, with its settings: `rule = "krum"`, or `rule.krum = { variant = "paper" }`.

use super::any::{AnyAttack, AnyEstimator, AnyModel};
use crate::tree::{Fault, Reader, What};
use fl_core::{Doc, PoisonSpec, PreAggregatorSpec, RuleSpec};
use serde::de::{Deserializer, EnumAccess, VariantAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::sync::Arc;
use toml::{Table, Value};

/// Something that a [`Registry`](crate::Registry) knows, by its name and its settings; `S` is what it stands for.
///
/// In a file it is a name, or a table with one name in it.
pub struct Choice<S> {
    /// The name.
    pub name: String,
    /// Shared by the cells of a sweep.
    settings: Arc<Table>,
    /// What they make, once a registry has looked them up.
    pub(super) made: Option<Made<S>>,
}

/// An aggregation rule.
pub type RuleChoice = Choice<Box<dyn RuleSpec>>;
/// A pre-aggregator.
pub type PreAggregatorChoice = Choice<Box<dyn PreAggregatorSpec>>;
/// An attack.
pub type AttackChoice = Choice<Arc<dyn AnyAttack>>;
/// An attack on data.
pub type PoisonChoice = Choice<Box<dyn PoisonSpec>>;
/// A gradient estimator.
pub type EstimatorChoice = Choice<Box<dyn AnyEstimator>>;
/// A model.
pub type ModelChoice = Choice<Box<dyn AnyModel>>;

impl<S> Choice<S> {
    /// A name with some settings, which a registry has not seen yet.
    pub fn new(name: impl Into<String>, settings: Table) -> Self {
        Self { name: name.into(), settings: Arc::new(settings), made: None }
    }

    /// A name with its default settings.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new(name, Table::new())
    }

    /// Its settings; after reading an experiment file all of them, those left to defaults included.
    pub fn settings(&self) -> &Table {
        &self.settings
    }

    /// Leaves a setting out of what is written, which something else in the file decides.
    pub(crate) fn leave_out(&mut self, setting: &str) {
        if self.settings.contains_key(setting) {
            Arc::make_mut(&mut self.settings).remove(setting);
        }
    }

    pub(super) fn set(&mut self, settings: Table, made: Made<S>) {
        (self.settings, self.made) = (Arc::new(settings), Some(made));
    }

    /// What it stands for.
    ///
    /// # Errors
    /// When no registry has looked it up, which reading an experiment file does.
    pub fn spec(&self) -> Result<S, ChoiceError> {
        self.made().map(Made::spec)
    }

    /// What it stands for with other values of some settings.
    ///
    /// # Errors
    /// As [`Choice::spec`], and when a value is none that the setting may have.
    pub fn spec_with(&self, others: &[(&str, Value)]) -> Result<S, ChoiceError> {
        let mut settings = Table::clone(&self.settings);
        for (key, value) in others {
            settings.insert((*key).to_owned(), value.clone());
        }
        self.made()?.read(&settings).map_err(|fault| ChoiceError::new(&self.name, fault))
    }

    /// Whether it has a setting of this name.
    pub fn has_setting(&self, name: &str) -> bool {
        self.made.as_ref().is_some_and(|made| made.has_setting(name))
    }

    fn made(&self) -> Result<&Made<S>, ChoiceError> {
        self.made.as_ref().ok_or_else(|| {
            let words = "no registry has looked this up: read the experiment by Experiment::parse";
            ChoiceError::new(&self.name, Fault::new(What::Other(words.to_owned())))
        })
    }
}

/// Why a choice stands for nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct ChoiceError {
    /// What was chosen.
    pub choice: String,
    pub(crate) fault: Fault,
}

impl ChoiceError {
    pub(super) fn new(choice: impl Into<String>, fault: Fault) -> Self {
        Self { choice: choice.into(), fault }
    }
}

impl fmt::Display for ChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.choice, self.fault)?;
        match (self.fault.nearest(), &self.fault.help) {
            (Some(name), _) => write!(f, "\n  help: did you mean `{name}`?"),
            (None, Some(help)) => write!(f, "\n  help: {help}"),
            (None, None) => Ok(()),
        }
    }
}

// Not derived: `S` need have none of these.
impl<S> Clone for Choice<S> {
    fn clone(&self) -> Self {
        let Self { name, settings, made } = self;
        Self { name: name.clone(), settings: Arc::clone(settings), made: made.clone() }
    }
}

impl<S> fmt::Debug for Choice<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Choice");
        shown.field("name", &self.name).field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<S> PartialEq for Choice<S> {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.settings) == (&other.name, &other.settings)
    }
}

impl<S> Serialize for Choice<S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.name, &*self.settings)?;
        map.end()
    }
}

impl<'de, S> Deserialize<'de> for Choice<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum("choice", &[], NameAndSettings(PhantomData))
    }
}

struct NameAndSettings<S>(PhantomData<S>);

impl<'de, S> Visitor<'de> for NameAndSettings<S> {
    type Value = Choice<S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, or a table with one name in it")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, choice: A) -> Result<Choice<S>, A::Error> {
        let (name, settings) = choice.variant::<String>()?;
        // A value that is no table is refused with its name, when a registry looks the choice up.
        let settings = match settings.newtype_variant()? {
            Value::Table(settings) => settings,
            _ => Table::new(),
        };
        Ok(Choice::new(name, settings))
    }
}

/// Hands out what was built once.
pub(super) type Hand<S> = Arc<dyn Fn() -> S + Send + Sync>;

/// From settings what hands out specs, and the settings in full.
pub(super) type Read<S> =
    dyn Fn(Reader<'_, '_>, Lookup<'_>) -> Result<(Hand<S>, Table), Fault> + Send + Sync;

/// One thing that a file can name.
pub struct Entry<S> {
    pub(super) name: &'static str,
    pub(super) doc: Doc,
    pub(super) defaults: Table,
    pub(super) read: Arc<Read<S>>,
}

/// What a choice was made into.
pub(super) struct Made<S> {
    pub(super) hand: Hand<S>,
    pub(super) entry: Arc<Entry<S>>,
}

impl<S> Made<S> {
    pub(super) fn spec(&self) -> S {
        (self.hand)()
    }

    /// The same thing with other settings.
    pub(super) fn read(&self, settings: &Table) -> Result<S, Fault> {
        let lookup = Lookup { names: None };
        (self.entry.read)(Reader::Settings(settings), lookup).map(|(hand, _)| hand())
    }

    pub(super) fn has_setting(&self, name: &str) -> bool {
        self.entry.has_setting(name)
    }
}

impl<S> Clone for Made<S> {
    fn clone(&self) -> Self {
        Self { hand: Arc::clone(&self.hand), entry: Arc::clone(&self.entry) }
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
    pub fn choice(&self) -> Choice<S> {
        Choice::new(self.name, self.defaults.clone())
    }

    /// Whether it has a setting of this name, as files have it.
    pub fn has_setting(&self, name: &str) -> bool {
        self.doc.settings.iter().any(|setting| fl_core::file_name(setting.name) == name)
    }
}

/// What looks up choices: a registry.
pub(super) trait LookUp: Debug {
    fn attack(&self, choice: &mut AttackChoice) -> Result<Arc<dyn AnyAttack>, Fault>;
    fn rule(&self, choice: &mut RuleChoice) -> Result<Box<dyn RuleSpec>, Fault>;
    fn pre_aggregator(
        &self,
        choice: &mut PreAggregatorChoice,
    ) -> Result<Box<dyn PreAggregatorSpec>, Fault>;
}

/// Where the choices inside of a choice are looked up.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    pub(super) names: Option<&'a dyn LookUp>,
}

impl<'a> Lookup<'a> {
    /// The attack that the setting at `key` names; `key` goes on with a number inside of a list.
    ///
    /// # Errors
    /// An unknown name, or settings that are none of its own.
    pub fn attack(
        self,
        choice: &mut AttackChoice,
        key: &[&str],
    ) -> Result<Arc<dyn AnyAttack>, Fault> {
        self.names()?.attack(choice).map_err(|fault| fault.below(key))
    }

    /// The rule that the setting at `key` names.
    ///
    /// # Errors
    /// As [`Lookup::attack`].
    pub fn rule(self, choice: &mut RuleChoice, key: &[&str]) -> Result<Box<dyn RuleSpec>, Fault> {
        self.names()?.rule(choice).map_err(|fault| fault.below(key))
    }

    /// The pre-aggregator that the setting at `key` names.
    ///
    /// # Errors
    /// As [`Lookup::attack`].
    pub fn pre_aggregator(
        self,
        choice: &mut PreAggregatorChoice,
        key: &[&str],
    ) -> Result<Box<dyn PreAggregatorSpec>, Fault> {
        self.names()?.pre_aggregator(choice).map_err(|fault| fault.below(key))
    }

    /// A mistake in the setting at `key`.
    pub fn error(self, key: &[&str], message: impl Into<String>) -> Fault {
        Fault::new(What::Other(message.into())).below(key)
    }

    fn names(self) -> Result<&'a dyn LookUp, Fault> {
        self.names.ok_or_else(|| {
            let message = "this is made of others, which a registry knows: see Registry::attack";
            Fault::new(What::Other(message.to_owned()))
        })
    }
}
