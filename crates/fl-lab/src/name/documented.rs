//! What a file names by a key of its own: protocols, partitions, decorators, scalings and data sets.
//!
//! They are no choices of a registry, since a file has one key for each kind. They are documented like all parts.

use super::sets::SETS;
use fl_core::{DecoratorSpec, Described, Doc, Registrable, doc, file_name};
use fl_data::{PartitionSpec, Scale};
use fl_sim::{Rsa, Schedule, ServerOptimizer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

/// A name that stands in files without being a choice of a [`Registry`](crate::Registry).
#[derive(Clone, Debug)]
pub struct Documented {
    /// "protocol", "schedule", "server optimizer", "partition", "decorator", "scaling" or "data set".
    pub category: &'static str,
    /// The name in files.
    pub name: String,
    /// Its documentation.
    pub doc: Doc,
    /// Its settings when none is given; what has no default is not in it.
    pub defaults: Table,
    /// How a file has it.
    pub example: String,
}

impl Documented {
    /// A decorator, which has a key of its own in a method.
    pub(super) fn decorator<D: DecoratorSpec<f32> + Registrable>() -> Self {
        let spec = D::default();
        let name = spec.name().to_owned();
        let defaults = Table::try_from(&spec).expect("settings are numbers and names");
        let example = format!("{name} = {}", inline(&defaults));
        Self { category: "decorator", name, doc: D::DOC, defaults, example }
    }
}

/// All that this workspace has but for decorators, which `fl_saga::parts` shows.
pub(super) fn standard() -> Vec<Documented> {
    let mut named = vec![Documented {
        category: "protocol",
        name: "rsa".to_owned(),
        doc: Rsa::DOC,
        defaults: Table::new(),
        example: "protocol.rsa = { lambda = 0.02 }".to_owned(),
    }];
    named.extend(kinds::<Schedule>("schedule", "schedule", Schedule::KINDS));
    named.extend(kinds::<ServerOptimizer>("server optimizer", "server", ServerOptimizer::KINDS));
    named.extend(kinds::<PartitionSpec>("partition", "partition", PartitionSpec::KINDS));
    for (name, scale) in Scale::ALL {
        let example = format!("scale = \"{name}\"");
        let (name, doc) = (name.to_owned(), scaling(scale));
        named.push(Documented { category: "scaling", name, doc, defaults: Table::new(), example });
    }
    for (name, doc) in SETS {
        let example = format!("set = \"{name}\"");
        let (name, doc) = ((*name).to_owned(), *doc);
        named.push(Documented { category: "data set", name, doc, defaults: Table::new(), example });
    }
    named
}

/// The kinds of what a file has by a key.
fn kinds<S: Serialize + DeserializeOwned>(
    category: &'static str,
    key: &str,
    all: &[(&str, Doc)],
) -> Vec<Documented> {
    let one = |(name, doc): &(&str, Doc)| {
        let name = file_name(name);
        let defaults = defaults::<S>(&name);
        let example = match doc.settings {
            [] => format!("{key} = \"{name}\""),
            settings => {
                let known: Vec<String> =
                    settings.iter().map(|setting| value(&defaults, setting.name)).collect();
                format!("{key}.{name} = {{ {} }}", known.join(", "))
            }
        };
        Documented { category, name, doc: *doc, defaults, example }
    };
    all.iter().map(one).collect()
}

/// The settings of a kind that are left out of `{ NAME = {} }`, where it has defaults for all of them.
fn defaults<S: Serialize + DeserializeOwned>(name: &str) -> Table {
    let empty = toml::from_str::<S>(&format!("{name} = {{}}"));
    let full = empty.ok().and_then(|spec| Table::try_from(spec).ok());
    full.and_then(|mut table| table.remove(name)?.as_table().cloned()).unwrap_or_default()
}

/// `key = value`, with a mark in place of a value that has to be given.
fn value(defaults: &Table, setting: &str) -> String {
    let key = file_name(setting);
    let value = defaults.get(&key).map_or("…".to_owned(), ToString::to_string);
    format!("{key} = {value}")
}

fn inline(table: &Table) -> String {
    let pairs: Vec<String> = table.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", pairs.join(", "))
}

fn scaling(scale: Scale) -> Doc {
    match scale {
        Scale::Raw => doc! {
            /// Features as they are in the file.
            ///
            /// # Requirements
            /// None.
            ///
            /// # Reference
            /// Ours: the identity.
        },
        Scale::Standardise => doc! {
            /// Each column with mean 0 and standard deviation 1 over the training rows.
            ///
            /// ```text
            /// x → (x − mean) / std
            /// ```
            ///
            /// A constant column becomes 0. Columns that hold only 0 and 1 stay as they are.
            ///
            /// # Requirements
            /// A training row.
            ///
            /// # Reference
            /// The z-score, with the standard deviation of the rows themselves (÷ n).
        },
        Scale::MinMax => doc! {
            /// Each column in 0 … 1 over the training rows.
            ///
            /// ```text
            /// x → (x − min) / (max − min)
            /// ```
            ///
            /// A constant column becomes 0. Columns that hold only 0 and 1 stay as they are.
            ///
            /// # Requirements
            /// A training row.
            ///
            /// # Reference
            /// Ours: the affine map that the formula says.
        },
        _ => doc! {
            /// All columns together with mean 0 and standard deviation 1 over the training rows.
            ///
            /// ```text
            /// x → (x − mean) / std
            /// ```
            ///
            /// One mean and one deviation for all columns, as is usual for pictures (MNIST in 0 … 1: 0.1307 and 0.3081).
            ///
            /// # Requirements
            /// A training row.
            ///
            /// # Reference
            /// The z-score of all features at once.
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_documented_with_requirements_and_reference() {
        for named in standard() {
            for heading in ["Requirements", "Reference"] {
                assert!(!named.doc.section(heading).is_empty(), "{}: no {heading}", named.name);
            }
            assert!(!named.doc.summary().is_empty(), "{}", named.name);
        }
    }

    #[test]
    fn every_known_set_is_here() {
        let known: Vec<String> = fl_data::sets().iter().map(|set| set.name.clone()).collect();
        let named: Vec<&str> = SETS.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, known);
    }
}
