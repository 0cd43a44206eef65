//! How many samples a worker draws a round.

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;

/// b: a number, or all samples that a worker holds.
///
/// With `"all"` workers of different sizes have different b. Drawn without replacement, as estimators do unless they are told
/// otherwise, a batch is then every sample of its worker, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSize {
    /// This many.
    Count(usize),
    /// As many as the worker holds.
    All,
}

/// How files call [`BatchSize::All`].
const ALL: &str = "all";

impl BatchSize {
    /// b of a worker with so many samples.
    pub fn of(self, samples: usize) -> usize {
        match self {
            BatchSize::Count(count) => count,
            BatchSize::All => samples,
        }
    }
}

impl fmt::Display for BatchSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchSize::Count(count) => count.fmt(f),
            BatchSize::All => f.write_str(ALL),
        }
    }
}

impl Serialize for BatchSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            BatchSize::Count(count) => count.serialize(serializer),
            BatchSize::All => serializer.serialize_str(ALL),
        }
    }
}

impl<'de> Deserialize<'de> for BatchSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrAll)
    }
}

struct NumberOrAll;

impl Visitor<'_> for NumberOrAll {
    type Value = BatchSize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 1, or \"all\"")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<BatchSize, E> {
        let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
        usize::try_from(number).map(BatchSize::Count).map_err(wrong)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<BatchSize, E> {
        let wrong = |_| E::invalid_value(Unexpected::Signed(number), &self);
        usize::try_from(number).map(BatchSize::Count).map_err(wrong)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<BatchSize, E> {
        if text == ALL {
            return Ok(BatchSize::All);
        }
        Err(E::invalid_value(Unexpected::Str(text), &self))
    }
}
