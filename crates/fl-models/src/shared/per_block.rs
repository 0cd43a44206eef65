//! A setting that blocks of layers share or have each for themselves.

use fl_core::{Parameter, SpecError, ValueKind};

/// A whole number for every block, or one for each.
///
/// In files: `kernel = 5`, or `kernel = [5, 3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerBlock(Vec<usize>);

impl PerBlock {
    /// The number of each of `blocks` blocks.
    pub(crate) fn each(&self, name: &str, blocks: usize) -> Result<Vec<usize>, SpecError> {
        match self.0.len() {
            1 => Ok(vec![self.0[0]; blocks]),
            n if n == blocks => Ok(self.0.clone()),
            n => {
                let allowed = format!("one number, or {blocks}: one for each block of `channels`");
                Err(SpecError::new(name, allowed, format!("{n} numbers")))
            }
        }
    }
}

impl From<usize> for PerBlock {
    fn from(all: usize) -> Self {
        Self(vec![all])
    }
}

impl From<Vec<usize>> for PerBlock {
    fn from(each: Vec<usize>) -> Self {
        Self(each)
    }
}

impl Parameter for PerBlock {
    const KIND: ValueKind = ValueKind::Plain("whole number, or a list with one for each block");
}

#[cfg(feature = "serde")]
mod files {
    use super::PerBlock;
    use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Unexpected, Visitor};
    use serde::ser::{Serialize, Serializer};
    use std::fmt;

    impl Serialize for PerBlock {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0[..] {
                [all] => all.serialize(serializer),
                _ => self.0.serialize(serializer),
            }
        }
    }

    struct NumberOrList;

    impl<'de> Visitor<'de> for NumberOrList {
        type Value = PerBlock;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number, or a list of whole numbers")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<PerBlock, E> {
            let number = usize::try_from(number);
            number.map(PerBlock::from).map_err(|_| E::custom("too large a whole number"))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<PerBlock, E> {
            let positive = u64::try_from(number);
            self.visit_u64(positive.map_err(|_| {
                E::invalid_value(Unexpected::Signed(number), &"a whole number, zero or above")
            })?)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<PerBlock, A::Error> {
            let mut each = Vec::new();
            while let Some(number) = list.next_element()? {
                each.push(number);
            }
            Ok(PerBlock(each))
        }
    }

    impl<'de> Deserialize<'de> for PerBlock {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(NumberOrList)
        }
    }
}
