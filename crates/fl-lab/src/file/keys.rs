//! Keys of experiment files, declared once: their types, their documentation, what they are when left out, and whether a
//! sweep may change them. Reading, help and the table in `docs/keys.md` come from here.

use fl_core::{Doc, file_name};

/// A key of a table of experiment files.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The field's name; files have it with hyphens.
    pub(crate) field: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) kind: Kind,
    /// What holds when it is left out; `None` where it must be there.
    pub(crate) otherwise: Option<&'static str>,
    /// A value for a key that must be there.
    pub(crate) example: Option<&'static str>,
    /// Why a sweep cannot change it.
    pub(crate) fixed: Option<&'static str>,
}

/// What may be written for a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// In words.
    Value(&'static str),
    /// A table with keys of its own.
    Table(&'static [Key]),
    /// A list of such tables.
    Tables(&'static [Key]),
    /// A table with the settings of a spec.
    Spec(Doc),
}

/// A type that a key may have.
pub(crate) trait Written {
    const KIND: Kind;
}

impl<T: Written> Written for Option<T> {
    const KIND: Kind = T::KIND;
}

/// Declares a table of experiment files: a struct with its form in files, and its [`Key`]s.
///
/// A key is `needed`, with an example of its value, or has an `otherwise`, which says what holds when it is left out; a
/// `fixed` one cannot be swept over, for the reason that is given.
macro_rules! keys {
    (
        $(#[doc = $doc:literal])*
        $(#[derive($($derive:ident),*)])?
        $(#[serde($container:ident)])?
        pub struct $name:ident {
            $(
                $(#[doc = $key_doc:literal])*
                $(#[serde($($serde:tt)*)])?
                $field:ident: $type:ty => $need:ident $value:literal $(, fixed $why:literal)?;
            )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        $(#[derive($($derive),*)])?
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        $(#[serde($container)])?
        pub struct $name {
            $(
                $(#[doc = $key_doc])*
                $(#[serde($($serde)*)])?
                pub $field: $type,
            )*
        }

        impl $name {
            /// Its keys, in the order in which files have them.
            pub(crate) const KEYS: &'static [$crate::file::keys::Key] = &[
                $($crate::file::keys::key!(
                    stringify!($field), &[$($key_doc),*],
                    <$type as $crate::file::keys::Written>::KIND, $need $value $(, fixed $why)?
                )),*
            ];
        }

        impl $crate::file::keys::Written for $name {
            const KIND: $crate::file::keys::Kind = $crate::file::keys::Kind::Table(Self::KEYS);
        }
    };
}

/// One key of [`keys!`].
macro_rules! key {
    ($field:expr, $doc:expr, $kind:expr, needed $example:literal $(, fixed $why:literal)?) => {
        $crate::file::keys::Key {
            field: $field,
            doc: $doc,
            kind: $kind,
            otherwise: None,
            example: Some($example),
            fixed: $crate::file::keys::reason!($($why)?),
        }
    };
    ($field:expr, $doc:expr, $kind:expr, otherwise $otherwise:literal $(, fixed $why:literal)?) => {
        $crate::file::keys::Key {
            field: $field,
            doc: $doc,
            kind: $kind,
            otherwise: Some($otherwise),
            example: None,
            fixed: $crate::file::keys::reason!($($why)?),
        }
    };
}

macro_rules! reason {
    () => {
        None
    };
    ($why:literal) => {
        Some($why)
    };
}

pub(crate) use {key, keys, reason};

impl Key {
    /// The name in files.
    pub fn name(&self) -> String {
        file_name(self.field)
    }

    /// The first paragraph of its documentation, on one line.
    pub fn summary(&self) -> String {
        let lines = self.doc.iter().map(|line| line.trim());
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// All of its documentation, line by line.
    pub fn doc(&self) -> &'static [&'static str] {
        self.doc
    }

    /// What may be written for it, in words.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::Value(words) => words,
            Kind::Table(_) | Kind::Spec(_) => "table",
            Kind::Tables(_) => "list of tables",
        }
    }

    /// What holds when it is left out; `None` where it must be there.
    pub fn otherwise(&self) -> Option<&'static str> {
        self.otherwise
    }

    /// A value of a key that must be there, as a file may have it.
    pub fn example(&self) -> Option<&'static str> {
        self.example
    }

    /// Why a sweep cannot change it; `None` where it can.
    pub fn fixed(&self) -> Option<&'static str> {
        self.fixed
    }

    /// The settings of a key that is a table with settings of its own, such as `method.momentum`.
    pub fn settings(&self) -> Option<Doc> {
        match self.kind {
            Kind::Spec(doc) => Some(doc),
            _ => None,
        }
    }

    pub(super) fn inner(&self) -> &'static [Key] {
        match self.kind {
            Kind::Table(keys) | Kind::Tables(keys) => keys,
            Kind::Value(_) | Kind::Spec(_) => &[],
        }
    }

    /// It with a value, as a file has it: a table under its heading.
    pub(super) fn written(&self, example: &str) -> String {
        let name = self.name();
        let within = |open, close| Some(example.strip_prefix(open)?.strip_suffix(close)?.trim());
        if let Some(inner) = within("[{", "}]") {
            return format!("[[{name}]] with {inner}");
        }
        match within("{", "}") {
            None => format!("{name} = {example}"),
            Some(inner) => match inner.strip_suffix(" = {}") {
                Some(choice) => format!("[{name}.{choice}]"),
                None if inner.matches(", ").count() == 1 => {
                    format!("[{name}] with {}", inner.replace(", ", " and "))
                }
                None => format!("[{name}] with {inner}"),
            },
        }
    }
}
