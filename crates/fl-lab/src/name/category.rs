//! The registered things of one category, and what a choice among them becomes.

use super::any::AnyAttack;
use super::choice::{Choice, ChoiceError, Entry, Hand, Lookup, Made};
use crate::tree::{Fault, Reader, What};
use fl_core::{Doc, Registrable};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use toml::Table;
use toml::de::DeValue;

/// An attack that is made of others: its settings hold choices.
pub trait Composed: Registrable {
    /// The name in files.
    const NAME: &'static str;

    /// Looks up the choices, which writes out their own settings, and makes the attack.
    ///
    /// # Errors
    /// A choice that is none.
    fn compose(&mut self, lookup: Lookup<'_>) -> Result<Arc<dyn AnyAttack>, Fault>;
}

/// A part that has no Rust type of its own: what is known of it, and what makes it from its settings, of which those that
/// were left out have their defaults.
pub struct Foreign<S> {
    /// The name in files.
    pub name: &'static str,
    /// Its documentation; settings that it does not list are refused.
    pub doc: Doc,
    /// All settings, with the values that they have where they are left out.
    pub defaults: Table,
    /// Checks settings and makes what hands the part out.
    #[allow(clippy::type_complexity)]
    pub make: Box<dyn Fn(&Table) -> Result<Arc<dyn Fn() -> S + Send + Sync>, String> + Send + Sync>,
}

impl<S> std::fmt::Debug for Foreign<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Foreign").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The registered things of one category, in the order in which they were added; `S` is what a choice becomes.
#[derive(Debug)]
pub struct Category<S> {
    what: &'static str,
    entries: Vec<Arc<Entry<S>>>,
}

// Not derived: `S` need not be.
impl<S> Clone for Category<S> {
    fn clone(&self) -> Self {
        Self { what: self.what, entries: self.entries.clone() }
    }
}

impl<S: 'static> Category<S> {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, entries: Vec::new() }
    }

    pub(super) fn add<E: Registrable>(&mut self, name: &'static str, make: fn(E) -> S) {
        self.add_entry::<E>(name, move |settings, _| {
            let spec = E::deserialize(settings)?;
            let settings = in_full(&spec);
            Ok((Arc::new(move || make(spec.clone())), settings))
        });
    }

    fn add_entry<E: Registrable>(
        &mut self,
        name: &'static str,
        read: impl Fn(Reader<'_, '_>, Lookup<'_>) -> Result<(Hand<S>, Table), Fault>
        + Send
        + Sync
        + 'static,
    ) {
        self.put(Entry {
            name,
            doc: E::DOC,
            defaults: in_full(&E::default()),
            read: Arc::new(read),
        });
    }

    fn put(&mut self, entry: Entry<S>) {
        let entry = Arc::new(entry);
        match self.entries.iter_mut().find(|e| e.name == entry.name) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }

    /// Adds a part that has no Rust type, or replaces the one of the same name.
    pub(super) fn add_foreign(&mut self, part: Foreign<S>) {
        let Foreign { name, doc, defaults, make } = part;
        let mine = defaults.clone();
        let read = move |settings: Reader<'_, '_>, _: Lookup<'_>| {
            let given = Table::deserialize(settings)?;
            let mut full = mine.clone();
            for (key, value) in given {
                if !full.contains_key(&key) {
                    let known = full.keys().cloned().collect();
                    let fault = Fault::new(What::UnknownKey { key: key.clone(), known });
                    return Err(fault.of_key(&key));
                }
                full.insert(key, value);
            }
            let hand = make(&full).map_err(|why| Fault::new(What::Other(why)))?;
            Ok((hand, full))
        };
        self.put(Entry { name, doc, defaults, read: Arc::new(read) });
    }

    /// All of this category, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Entry<S>> {
        self.entries.iter().map(|entry| &**entry)
    }

    /// The one of this name.
    pub fn find(&self, name: &str) -> Option<&Entry<S>> {
        self.iter().find(|e| e.name == name)
    }

    /// What a choice stands for.
    ///
    /// # Errors
    /// An unknown name, or settings that are none of its own; said with the nearest valid name.
    pub fn make(&self, choice: &Choice<S>) -> Result<S, ChoiceError> {
        self.make_with(choice, Lookup { names: None })
    }

    pub(super) fn make_with(
        &self,
        choice: &Choice<S>,
        lookup: Lookup<'_>,
    ) -> Result<S, ChoiceError> {
        // What is wrong is said of the choice, and its name once.
        let of = |fault: Fault| {
            ChoiceError::new(format!("{} {}", self.what, choice.name), fault.within(&choice.name))
        };
        self.take(&mut choice.clone(), lookup).map_err(of)
    }

    /// Looks up a choice, with its settings as they are.
    pub(super) fn take(&self, choice: &mut Choice<S>, lookup: Lookup<'_>) -> Result<S, Fault> {
        let settings = choice.settings().clone();
        self.look_up(choice, Reader::Settings(&settings), lookup)?;
        Ok(choice.made.as_ref().map(Made::spec).expect("it has just been looked up"))
    }

    /// Looks up a choice that an experiment file has written so; a fault's path begins at the choice.
    pub(crate) fn resolve(
        &self,
        choice: &mut Choice<S>,
        written: Option<&DeValue<'_>>,
        lookup: Lookup<'_>,
    ) -> Result<(), Fault> {
        let table = written.and_then(DeValue::as_table);
        match table.and_then(|table| table.get(&*choice.name)) {
            Some(settings) => self.look_up(choice, Reader::File(settings.get_ref()), lookup),
            None => self.take(choice, lookup).map(drop),
        }
    }

    fn look_up(
        &self,
        choice: &mut Choice<S>,
        settings: Reader<'_, '_>,
        lookup: Lookup<'_>,
    ) -> Result<(), Fault> {
        let Some(entry) = self.entries.iter().find(|entry| entry.name == choice.name) else {
            let (name, known) = (choice.name.clone(), self.entries.iter());
            let known = known.map(|entry| entry.name.to_owned()).collect();
            return Err(Fault::new(What::UnknownName { name, known }).of_key(&choice.name));
        };
        let read = (entry.read)(settings, lookup);
        let (hand, settings) = read.map_err(|fault| fault.inside(&choice.name))?;
        choice.set(settings, Made { hand, entry: Arc::clone(entry) });
        Ok(())
    }
}

impl Category<Arc<dyn AnyAttack>> {
    /// Adds an attack that is made of others.
    pub(super) fn add_composed<C: Composed>(&mut self) {
        self.add_entry::<C>(C::NAME, |settings, lookup| {
            let mut spec = C::deserialize(settings)?;
            let attack = spec.compose(lookup)?;
            Ok((Arc::new(move || Arc::clone(&attack)), in_full(&spec)))
        });
    }
}

/// All settings of a spec, whatever was left to defaults included.
fn in_full(spec: &impl Serialize) -> Table {
    Table::try_from(spec).expect("a spec's settings are numbers, names and lists")
}
