//! Specs as data, with their documentation, and what is wrong with one.

mod describe;
mod error;
mod memory;

#[cfg(feature = "serde")]
#[doc(hidden)]
pub use describe::NoSettings;
pub use describe::{Described, Doc, Parameter, Setting, ValueKind, Variant, file_name};
pub use error::{AggregateError, SpecError};
pub use memory::{in_units, limit_memory, room};
