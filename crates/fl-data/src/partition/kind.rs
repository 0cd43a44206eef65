//! What a kind of partition is, and how one is declared.

use super::error::PartitionError;
use super::lists::Partition;
use super::rows::Rows;
use fl_core::Dataset;
use rand::Rng;

/// What is changed of samples: those that workers see.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) data: &'a Dataset,
    /// Height and width of samples that are pictures.
    pub(super) picture: Option<(usize, usize)>,
    pub(super) partition: &'a Partition,
}

/// A way to divide samples.
pub(super) trait Kind {
    /// What can be checked without samples; `classes` is their number, where it is known.
    fn check(&self, classes: Option<usize>, workers: usize) -> Result<(), PartitionError> {
        match self.of() {
            Some(of) => of.check(classes, workers),
            None => Ok(()),
        }
    }

    /// Divides rows that are known to be in order: labels below `classes`, as many as 32 bits can number.
    fn divide(
        &self,
        rows: Rows<'_>,
        workers: usize,
        rng: &mut dyn Rng,
    ) -> Result<Partition, PartitionError>;

    /// Workers that share a class and hold nothing else.
    fn workers_per_class(&self) -> Option<usize> {
        self.of().and_then(Kind::workers_per_class)
    }

    /// The file that it is read from.
    fn file(&self) -> Option<&str> {
        self.of().and_then(Kind::file)
    }

    /// The samples as workers see them, where that is another way than they are stored.
    fn transform(
        &self,
        seen: &Seen<'_>,
        rng: &mut dyn Rng,
    ) -> Result<Option<Dataset>, PartitionError> {
        match self.of() {
            Some(of) => of.transform(seen, rng),
            None => Ok(None),
        }
    }

    /// The partition that this one is made of.
    fn of(&self) -> Option<&dyn Kind> {
        None
    }
}

/// Whether a setting is good.
pub(super) fn setting(
    setting: &'static str,
    allowed: &'static str,
    found: f64,
    good: bool,
) -> Result<(), PartitionError> {
    if good { Ok(()) } else { Err(PartitionError::Setting { setting, allowed, found }) }
}

/// Whether a setting is a positive number.
pub(super) fn positive(name: &'static str, x: f64) -> Result<(), PartitionError> {
    setting(name, "a positive number", x, x > 0.0 && x.is_finite())
}

/// Whether there are `each` samples for each worker.
pub(super) fn enough(rows: &Rows<'_>, workers: usize, each: usize) -> Result<(), PartitionError> {
    let samples = rows.len();
    if workers.checked_mul(each).is_some_and(|n| n <= samples) {
        return Ok(());
    }
    Err(match each {
        1 => PartitionError::MoreWorkersThanSamples { workers, samples },
        _ => PartitionError::TooFewSamples { workers, each, samples },
    })
}

/// Declares a kind: a struct with public fields, its form in files, and its documentation as data. A field must be
/// written unless `#[default = "function"]` or `= default` (the type's own) gives it a value.
macro_rules! kind {
    (@kind $ty:ty) => { <$ty as fl_core::Parameter>::KIND };
    (@kind $ty:ty, $is:literal) => { fl_core::ValueKind::Plain($is) };
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident $(<$p:ident>)? {
            $(
                $(#[doc = $field_doc:literal])*
                $(#[default = $default:literal])?
                $(#[is = $is:literal])?
                pub $field:ident : $ty:ty $(= $default_of:ident)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "kebab-case", deny_unknown_fields))]
        pub struct $name $(<$p>)? {
            $(
                $(#[doc = $field_doc])*
                $(#[cfg_attr(feature = "serde", serde(default = $default))])?
                $(#[cfg_attr(feature = "serde", serde($default_of))])?
                pub $field: $ty
            ),*
        }

        impl $(<$p>)? fl_core::Described for $name $(<$p>)? {
            const DOC: fl_core::Doc = fl_core::Doc {
                lines: &[$($doc),*],
                settings: &[$(
                    fl_core::Setting {
                        name: stringify!($field),
                        doc: &[$($field_doc),*],
                        kind: $crate::partition::kind::kind!(@kind $ty $(, $is)?),
                    }
                ),*],
            };
        }
    };
}
pub(super) use kind;

/// Defaults in files.
#[cfg(feature = "serde")]
pub(super) mod defaults {
    pub(in crate::partition) fn one() -> usize {
        1
    }
    pub(in crate::partition) fn hundred() -> usize {
        100
    }
    pub(in crate::partition) fn none() -> Vec<usize> {
        Vec::new()
    }
}
