//! Names with settings, as files have them: a name alone, or a table with one name in it.

/// Declares an enum of specs, one for each name, with its documentation as data.
macro_rules! named {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident as $table:ident { $first:ident $(, $variant:ident)* $(,)? }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            #[allow(missing_docs)]
            $first($first),
            $(#[allow(missing_docs)] $variant($variant)),*
        }

        #[derive(serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum $table { $first($first) $(, $variant($variant))* }

        impl $name {
            /// All names, in camel case, with their documentation.
            pub const KINDS: &[(&'static str, fl_core::Doc)] = &[
                (stringify!($first), <$first as fl_core::Described>::DOC)
                $(, (stringify!($variant), <$variant as fl_core::Described>::DOC))*
            ];
        }

        impl Default for $name {
            fn default() -> Self {
                Self::$first($first::default())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct NameOrTable;
                impl<'de> serde::de::Visitor<'de> for NameOrTable {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a name, or a table with one name in it")
                    }

                    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<$name, E> {
                        const NAMES: &[&str] = &[stringify!($first) $(, stringify!($variant))*];
                        match NAMES.iter().find(|known| fl_core::file_name(known) == name) {
                            Some(&stringify!($first)) => Ok($name::$first($first::default())),
                            $(Some(&stringify!($variant)) => Ok($name::$variant($variant::default())),)*
                            _ => {
                                let known = NAMES.iter().map(|known| fl_core::file_name(known));
                                let known: Vec<String> = known.collect();
                                let known = known.join(", ");
                                Err(E::custom(format!("unknown name `{name}`; known are {known}")))
                            }
                        }
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        map: A,
                    ) -> Result<$name, A::Error> {
                        let table = serde::de::value::MapAccessDeserializer::new(map);
                        Ok(match <$table as serde::Deserialize>::deserialize(table)? {
                            $table::$first(spec) => $name::$first(spec),
                            $($table::$variant(spec) => $name::$variant(spec)),*
                        })
                    }
                }
                d.deserialize_any(NameOrTable)
            }
        }
    };
}
pub(super) use named;
