//! Choices that may be written as a bare name: `rule = "krum"` for `rule.krum = {}`.
//!
//! [`Choice`] is open, and means what a registry says; [`Named`] is for enums.

use crate::file::Empty;
use serde::de::value::{EnumAccessDeserializer, MapDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, IntoDeserializer, MapAccess,
    VariantAccess, Visitor,
};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// An externally tagged enum of tables, each of which may be left out where all its keys have defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Named<E>(pub E);

impl<'de, E: Deserialize<'de>> Deserialize<'de> for Named<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        name_or_table(deserializer).map(Named)
    }
}

/// Something that a registry knows, by its name and its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The name.
    pub name: String,
    /// Its settings; after reading an experiment file all of them, those left to defaults included.
    pub settings: toml::Table,
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.name, &self.settings)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameAndSettings)
    }
}

struct NameAndSettings;

impl<'de> Visitor<'de> for NameAndSettings {
    type Value = Choice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, or a table with one name in it")
    }

    fn visit_str<Er: Error>(self, name: &str) -> Result<Choice, Er> {
        Ok(Choice { name: name.to_owned(), settings: toml::Table::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Choice, A::Error> {
        let Some(name) = map.next_key::<String>()? else {
            return Err(Error::custom("expected a table with one name in it, found an empty one"));
        };
        // A value that is no table is refused with its name, when a registry looks the choice up.
        let settings = match map.next_value()? {
            toml::Value::Table(settings) => settings,
            _ => toml::Table::new(),
        };
        OneName(map).end(Choice { name, settings })
    }
}

/// The same for a field that is not wrapped: `#[serde(deserialize_with = "name_or_table")]`.
pub(crate) fn name_or_table<'de, E: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<E, D::Error> {
    deserializer.deserialize_any(NameOrTable(PhantomData))
}

struct NameOrTable<E>(PhantomData<E>);

impl<'de, E: Deserialize<'de>> Visitor<'de> for NameOrTable<E> {
    type Value = E;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, or a table with one name in it")
    }

    fn visit_str<Er: Error>(self, name: &str) -> Result<E, Er> {
        // A choice without a table first, then one whose table is left out; an unknown name fails both ways alike.
        E::deserialize(StrDeserializer::<Er>::new(name)).or_else(|_| {
            let one = MapDeserializer::new(std::iter::once((name, NoKeys)));
            E::deserialize(EnumAccessDeserializer::new(OneName(one)))
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<E, A::Error> {
        E::deserialize(EnumAccessDeserializer::new(OneName(map)))
    }
}

/// A table whose only key names the choice.
struct OneName<A>(A);

impl<'de, A: MapAccess<'de>> OneName<A> {
    /// A second name would otherwise be dropped without a word.
    fn end<V>(mut self, value: V) -> Result<V, A::Error> {
        match self.0.next_key::<String>()? {
            None => Ok(value),
            Some(name) => {
                self.0.next_value::<IgnoredAny>()?;
                Err(Error::custom(format_args!(
                    "expected a table with one name in it, found a second: `{name}`"
                )))
            }
        }
    }
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for OneName<A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        mut self,
        seed: V,
    ) -> Result<(V::Value, Self), A::Error> {
        match self.0.next_key_seed(seed)? {
            Some(name) => Ok((name, self)),
            None => Err(Error::custom("expected a table with one name in it, found an empty one")),
        }
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for OneName<A> {
    type Error = A::Error;

    fn unit_variant(mut self) -> Result<(), A::Error> {
        self.0.next_value::<Empty>()?;
        self.end(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        mut self,
        seed: T,
    ) -> Result<T::Value, A::Error> {
        let value = self.0.next_value_seed(seed)?;
        self.end(value)
    }

    fn tuple_variant<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let value = self.0.next_value_seed(Tuple(len, visitor))?;
        self.end(value)
    }

    fn struct_variant<V: Visitor<'de>>(
        mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let value = self.0.next_value_seed(Table(fields, visitor))?;
        self.end(value)
    }
}

struct Tuple<V>(usize, V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_tuple(self.0, self.1)
    }
}

struct Table<V>(&'static [&'static str], V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Table<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_struct("table", self.0, self.1)
    }
}

/// An empty table.
struct NoKeys;

impl<'de, Er: Error> IntoDeserializer<'de, Er> for NoKeys {
    type Deserializer = MapDeserializer<'de, std::iter::Empty<(&'static str, &'static str)>, Er>;

    fn into_deserializer(self) -> Self::Deserializer {
        MapDeserializer::new(std::iter::empty())
    }
}
