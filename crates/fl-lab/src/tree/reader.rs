//! A deserializer over a tree, whose faults carry their place.

use super::fault::{Fault, What};
use super::found::{Found, Reader};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use toml::de::DeTable;

/// Whole numbers, each with what is expected of it.
macro_rules! whole {
    ($($method:ident $visit:ident $type:ty: $expected:expr;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
                visitor.$visit(self.found().whole::<$type>($expected)?)
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let found = self.found();
        match found {
            Found::Whole(Some(number), _) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => visitor.visit_i128(number),
            },
            Found::Number(Some(number), _) => visitor.visit_f64(number),
            Found::Whole(None, _) | Found::Number(None, _) => {
                Err(found.refused("value", "a smaller number"))
            }
            Found::Flag(flag) => visitor.visit_bool(flag),
            Found::Text(text) => visitor.visit_str(text),
            Found::Date(date) => visitor.visit_string(date),
            Found::List(list) => visitor.visit_seq(Elements { list: list.into_iter(), at: 0 }),
            Found::Table(entries) => {
                visitor.visit_map(Entries { entries: entries.into_iter(), current: None })
            }
        }
    }

    whole! {
        deserialize_u8 visit_u8 u8: "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16: "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32: "a whole number from 0 to 4294967295";
        deserialize_u64 visit_u64 u64: "a whole number from 0";
        deserialize_i8 visit_i8 i8: "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16: "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32: "a whole number from -2147483648 to 2147483647";
        deserialize_i64 visit_i64 i64: "a whole number";
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(self.found().number()?)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f32(self.found().number()? as f32)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.found() {
            Found::Flag(flag) => visitor.visit_bool(flag),
            other => Err(other.refused("type", "true or false")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.found() {
            Found::Text(text) => visitor.visit_str(text),
            other => Err(other.refused("type", "a text in quotes")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.found() {
            Found::List(list) => visitor.visit_seq(Elements { list: list.into_iter(), at: 0 }),
            other => Err(other.refused("type", "a list in [ ]")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_map(Entries::of(self)?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.found() {
            Found::Text(name) => visitor.visit_enum(BareName(name)),
            Found::Table(mut entries) => match entries.len() {
                1 => {
                    let (name, value) = entries.remove(0);
                    visitor.visit_enum(OneName { name, value })
                }
                0 => Err(Fault::new(What::NotOneName { second: None })),
                _ => {
                    let second = Some(entries[1].0.to_owned());
                    Err(Fault::new(What::NotOneName { second }))
                }
            },
            other => Err(other.refused("type", "a name, or a table with one name in it")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 bytes byte_buf map unit unit_struct tuple tuple_struct identifier
    }
}

/// A table, key by key.
struct Entries<'a, 't> {
    entries: std::vec::IntoIter<(&'a str, Reader<'a, 't>)>,
    current: Option<(&'a str, Reader<'a, 't>)>,
}

impl<'a, 't> Entries<'a, 't> {
    fn of(reader: Reader<'a, 't>) -> Result<Self, Fault> {
        match reader.found() {
            Found::Table(entries) => Ok(Self { entries: entries.into_iter(), current: None }),
            other => Err(other.refused("type", "a table")),
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        let read = seed.deserialize(StrDeserializer::<Fault>::new(key));
        read.map(Some).map_err(|fault| fault.of_key(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, value)) = self.current.take() else {
            return Err(Fault::new(What::Other("a value is asked for before its key".into())));
        };
        seed.deserialize(value).map_err(|fault| fault.inside(key))
    }
}

/// A list, element by element.
struct Elements<'a, 't> {
    list: std::vec::IntoIter<Reader<'a, 't>>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Fault;

    fn next_element_seed<E: DeserializeSeed<'de>>(
        &mut self,
        seed: E,
    ) -> Result<Option<E::Value>, Fault> {
        let Some(element) = self.list.next() else { return Ok(None) };
        let at = self.at.to_string();
        self.at += 1;
        seed.deserialize(element).map(Some).map_err(|fault| fault.inside(&at))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.list.len())
    }
}

/// A table whose only key names a variant.
struct OneName<'a, 't> {
    name: &'a str,
    value: Reader<'a, 't>,
}

impl<'de> EnumAccess<'de> for OneName<'_, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let read = seed.deserialize(StrDeserializer::<Fault>::new(self.name));
        Ok((read.map_err(|fault| fault.of_key(self.name))?, self))
    }
}

impl<'de> VariantAccess<'de> for OneName<'_, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value.found() {
            Found::Table(entries) if entries.is_empty() => Ok(()),
            other => Err(other.refused("type", "an empty table").inside(self.name)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.value).map_err(|fault| fault.inside(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.value.deserialize_seq(visitor).map_err(|fault| fault.inside(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let read = self.value.deserialize_struct("", fields, visitor);
        read.map_err(|fault| fault.inside(self.name))
    }
}

/// A name that stands alone: its table is left out.
struct BareName<'a>(&'a str);

impl<'de> EnumAccess<'de> for BareName<'_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        Ok((seed.deserialize(StrDeserializer::<Fault>::new(self.0))?, self))
    }
}

impl BareName<'_> {
    /// What is said of the table that is not there.
    fn without_table(&self, fault: Fault) -> Fault {
        let what = match fault.what {
            What::Value { .. } if fault.path.is_empty() => {
                What::Other(format!("`{0}` needs a value, as in {{ {0} = … }}", self.0))
            }
            what => what,
        };
        Fault { what, ..fault }.inside(self.0)
    }
}

impl<'de> VariantAccess<'de> for BareName<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let read = seed.deserialize(Reader::Table(&DeTable::new()));
        read.map_err(|fault| self.without_table(fault))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        let read = Reader::Table(&DeTable::new()).deserialize_seq(visitor);
        read.map_err(|fault| self.without_table(fault))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let read = Reader::Table(&DeTable::new()).deserialize_struct("", fields, visitor);
        read.map_err(|fault| self.without_table(fault))
    }
}
