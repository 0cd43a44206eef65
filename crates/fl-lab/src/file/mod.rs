//! The experiment file: what it may say, its text, and mistakes at their places.

mod batch;
mod defend;
mod edit;
mod keys;
mod lookup;
mod mistake;
mod runs;
mod schema;
mod text;

pub use batch::BatchSize;
pub use defend::DefendConfig;
pub use keys::Key;
pub use lookup::{all_keys, key_table};
pub(crate) use lookup::{fixed, home, stand_in};
pub(crate) use mistake::Mistakes;
pub use mistake::{ConfigError, Mistake};
pub use runs::{
    CheckpointConfig, EvaluateOn, Keep, Plateau, StopConfig, TelemetryConfig, TuneConfig,
};
pub(crate) use schema::no_attack;
pub use schema::{
    ByzantineConfig, DataConfig, Experiment, FederationConfig, MethodConfig, Precision,
    ProtocolConfig, RotatingConfig, SmallWorkers, TrainConfig, Weights,
};
pub use text::ExperimentText;
