//! What experiment files can name.

mod choice;
mod composed;
mod registry;

pub(crate) use choice::name_or_table;
pub use choice::{Choice, Named};
pub use composed::{Choices, LineSearch, MaybeChoice, Mixture, Random, Scheduled};
pub use fl_core::Registrable;
pub use registry::{
    AnyAttack, AnyEstimator, AnyModel, Category, Composed, Entry, Lookup, Number, Registry,
};
