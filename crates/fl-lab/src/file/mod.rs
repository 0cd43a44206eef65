//! The experiment file: its text, what it may say, and mistakes at their places.

mod evaluate_on;
mod mistake;
mod schema;
mod text;

pub use evaluate_on::EvaluateOn;
pub use mistake::{ConfigError, Mistake};
pub(crate) use mistake::{Mistakes, Place};
pub(crate) use schema::no_attack;
pub use schema::{
    ByzantineConfig, CheckpointConfig, DataConfig, Empty, Experiment, FederationConfig, Keep,
    MethodConfig, Precision, ProtocolConfig, RotatingConfig, SmallWorkers, TelemetryConfig,
    TrainConfig, Weights,
};
pub use text::ExperimentText;
pub(crate) use text::{
    Change, Path, Tree, find, graft, in_words, locate, nearest, suggestion, value,
};
