//! Specs that carry their documentation, so that the command line, experiment files and rustdoc say the same.
//!
//! [`spec!`](crate::spec) declares a spec struct once: its documentation, its settings with theirs and their defaults.
//! From that come the struct as rustdoc shows it, `Default`, the form in experiment files (feature
//! `serde`), and [`Described`], from which a registry prints help.

use std::fmt::{self, Debug};

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueKind {
    /// Something with a name: "integer", "number", "true or false", "list of numbers".
    Plain(&'static str),
    /// One of several names.
    Choice(&'static [Variant]),
    /// A choice or nothing.
    Optional(&'static str),
}

/// One of the names that a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variant {
    /// The name in Rust, in camel case; files have it with hyphens ([`file_name`]).
    pub name: &'static str,
    /// Its documentation, line by line.
    pub doc: &'static [&'static str],
}

/// A setting of a spec.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The field's name; files have it with hyphens ([`file_name`]).
    pub name: &'static str,
    /// Its documentation, line by line.
    pub doc: &'static [&'static str],
    /// What it may be.
    pub kind: ValueKind,
}

/// What is known of a spec's type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doc {
    /// The documentation, line by line: a summary, a formula, and sections (`# Requirements` …).
    pub lines: &'static [&'static str],
    /// The settings, in order.
    pub settings: &'static [Setting],
}

impl Doc {
    /// The first paragraph on one line.
    pub fn summary(&self) -> String {
        let first = self.lines.iter().map(|line| line.trim()).take_while(|line| !line.is_empty());
        first.collect::<Vec<_>>().join(" ")
    }

    /// The lines of a section, `# Robustness` for example, without its heading; empty if there is none.
    pub fn section(&self, heading: &str) -> &'static [&'static str] {
        let is_heading =
            |line: &str| line.trim().strip_prefix("# ").map(str::trim) == Some(heading);
        let Some(at) = self.lines.iter().position(|line| is_heading(line)) else { return &[] };
        let rest = &self.lines[at + 1..];
        // A `#` inside a block of code begins no section.
        let mut code = false;
        let end = rest.iter().position(|line| {
            code ^= line.trim().starts_with("```");
            !code && line.trim().starts_with("# ")
        });
        &rest[..end.unwrap_or(rest.len())]
    }
}

/// The documentation of something that has a name in files and is no spec, from its lines.
///
/// ```
/// const DIGITS: fl_core::Doc = fl_core::doc! {
///     /// Handwritten digits.
///     ///
///     /// # Requirements
///     /// None.
/// };
/// assert_eq!(DIGITS.summary(), "Handwritten digits.");
/// ```
#[macro_export]
macro_rules! doc {
    ($(#[doc = $line:literal])*) => {
        $crate::Doc { lines: &[$($line),*], settings: &[] }
    };
}

/// A spec that knows its own documentation.
pub trait Described {
    /// The documentation.
    const DOC: Doc;
}

/// A type that a setting may have.
pub trait Parameter {
    /// What may be written for it.
    const KIND: ValueKind;
}

macro_rules! parameter {
    ($($t:ty => $kind:expr),* $(,)?) => { $(impl Parameter for $t { const KIND: ValueKind = $kind; })* };
}

parameter! {
    usize => ValueKind::Plain("whole number"),
    u32 => ValueKind::Plain("whole number"),
    u64 => ValueKind::Plain("whole number"),
    f64 => ValueKind::Plain("number"),
    bool => ValueKind::Plain("true or false"),
    String => ValueKind::Plain("text"),
    Vec<f64> => ValueKind::Plain("list of numbers"),
    Vec<u32> => ValueKind::Plain("list of whole numbers"),
    Vec<u64> => ValueKind::Plain("list of whole numbers"),
    Vec<usize> => ValueKind::Plain("list of whole numbers"),
    Option<usize> => ValueKind::Optional("whole number"),
    Option<u32> => ValueKind::Optional("whole number"),
    Option<u64> => ValueKind::Optional("whole number"),
    Option<f64> => ValueKind::Optional("number"),
    Option<Vec<f64>> => ValueKind::Optional("list of numbers"),
    Option<Vec<u32>> => ValueKind::Optional("list of whole numbers"),
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueKind::Plain(what) => f.write_str(what),
            ValueKind::Optional(what) => write!(f, "{what}, may be left out"),
            ValueKind::Choice(choices) => {
                for (i, choice) in choices.iter().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { " | " }, file_name(choice.name))?;
                }
                Ok(())
            }
        }
    }
}

/// A Rust name as it stands in files: `SquaredNorm` and `squared_norm` are `squared-norm`.
pub fn file_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.chars().enumerate() {
        if c == '_' {
            out.push('-');
        } else if c.is_ascii_uppercase() {
            if i > 0 {
                out.push('-');
            }
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// Declares a spec: a struct with public fields, each with its documentation and its default.
///
/// ```
/// fl_core::spec! {
///     /// The mean without the largest and the smallest.
///     pub struct Trim {
///         /// How many are left out on each side.
///         pub count: usize = 1,
///     }
/// }
/// use fl_core::Described;
/// assert_eq!(Trim::default(), Trim { count: 1 });
/// assert_eq!(Trim::DOC.settings[0].name, "count");
/// ```
///
/// The struct is `Clone`, `Debug`, `PartialEq` and `Default`. With the feature `serde` of `fl-core` it also has its form in
/// files: names with hyphens, unknown keys refused, defaults for what is left out.
#[macro_export]
macro_rules! spec {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident;
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl $crate::Described for $name {
            const DOC: $crate::Doc = $crate::Doc { lines: &[$($doc),*], settings: &[] };
        }

        $crate::serde_without_settings!($name);
    };
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                pub $field:ident : $ty:ty = $default:expr
            ),* $(,)?
        }
    ) => {
        $crate::serde_with_settings! {
            $(#[doc = $doc])*
            #[derive(Clone, Debug, PartialEq)]
            pub struct $name {
                $( $(#[doc = $field_doc])* pub $field: $ty ),*
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default ),* }
            }
        }

        impl $crate::Described for $name {
            const DOC: $crate::Doc = $crate::Doc {
                lines: &[$($doc),*],
                settings: &[$(
                    $crate::Setting {
                        name: stringify!($field),
                        doc: &[$($field_doc),*],
                        kind: <$ty as $crate::Parameter>::KIND,
                    }
                ),*],
            };
        }
    };
}

/// Declares the names that a setting may be: an enum of names alone, the first of which is the default.
///
/// ```
/// fl_core::choice! {
///     /// What is taken of an even number of messages.
///     pub enum Even {
///         /// The mean of the two in the middle.
///         Mean,
///         /// The lower one.
///         Lower,
///     }
/// }
/// assert_eq!(Even::default(), Even::Mean);
/// ```
#[macro_export]
macro_rules! choice {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident {
            $(#[doc = $first_doc:literal])*
            $first:ident
            $(, $(#[doc = $variant_doc:literal])* $variant:ident )* $(,)?
        }
    ) => {
        $crate::serde_names! {
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub enum $name {
                $(#[doc = $first_doc])*
                #[default]
                $first,
                $( $(#[doc = $variant_doc])* $variant ),*
            }
        }

        impl $crate::Parameter for $name {
            const KIND: $crate::ValueKind = $crate::ValueKind::Choice(&[
                $crate::Variant { name: stringify!($first), doc: &[$($first_doc),*] },
                $( $crate::Variant { name: stringify!($variant), doc: &[$($variant_doc),*] } ),*
            ]);
        }
    };
}

/// What [`spec!`](crate::spec) and [`choice!`](crate::choice) add for files.
#[cfg(feature = "serde")]
mod with_serde {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! serde_with_settings {
        ($($item:tt)*) => {
            #[derive($crate::serde::Serialize, $crate::serde::Deserialize)]
            #[serde(crate = "fl_core::serde")]
            #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
            $($item)*
        };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! serde_names {
        ($($item:tt)*) => {
            #[derive($crate::serde::Serialize, $crate::serde::Deserialize)]
            #[serde(crate = "fl_core::serde", rename_all = "kebab-case")]
            $($item)*
        };
    }

    /// In files an empty table, in which any key is unknown.
    #[doc(hidden)]
    #[macro_export]
    macro_rules! serde_without_settings {
        ($name:ident) => {
            impl $crate::serde::Serialize for $name {
                fn serialize<S: $crate::serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                    $crate::serde::Serialize::serialize(&$crate::NoSettings {}, s)
                }
            }

            impl<'de> $crate::serde::Deserialize<'de> for $name {
                fn deserialize<D: $crate::serde::Deserializer<'de>>(
                    d: D,
                ) -> Result<Self, D::Error> {
                    <$crate::NoSettings as $crate::serde::Deserialize>::deserialize(d)
                        .map(|_| $name)
                }
            }
        };
    }

    /// A table without keys.
    #[doc(hidden)]
    #[derive(Debug, serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct NoSettings {}
}

#[cfg(feature = "serde")]
#[doc(hidden)]
pub use with_serde::NoSettings;

#[cfg(not(feature = "serde"))]
mod without_serde {
    #[doc(hidden)]
    #[macro_export]
    macro_rules! serde_with_settings {
        ($($item:tt)*) => { $($item)* };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! serde_names {
        ($($item:tt)*) => { $($item)* };
    }

    #[doc(hidden)]
    #[macro_export]
    macro_rules! serde_without_settings {
        ($name:ident) => {};
    }
}
