//! Names with settings, as files have them: a name alone, or a table with one name in it.

/// Declares an enum of specs, one for each name, with its documentation as data.
macro_rules! named {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident { $first:ident $(, $variant:ident)* $(,)? }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            #[allow(missing_docs)]
            $first($first),
            $(#[allow(missing_docs)] $variant($variant)),*
        }

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
    };
}
pub(super) use named;
