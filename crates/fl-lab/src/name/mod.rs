//! What experiment files can name.

mod any;
mod category;
mod choice;
mod composed;
mod documented;
mod registry;
mod sets;
mod standard;

pub use any::{AnyAttack, AnyEstimator, AnyModel, Number};
pub use category::{Category, Composed, Foreign};
pub use choice::{
    AttackChoice, Choice, ChoiceError, Entry, EstimatorChoice, Lookup, ModelChoice, PoisonChoice,
    PreAggregatorChoice, RuleChoice,
};
pub use composed::{Attacks, LineSearch, MaybeRule, Mixture, PreAggregators, Random, Scheduled};
pub use documented::Documented;
pub use fl_core::Registrable;
pub use registry::Registry;
