#![doc = include_str!("../README.md")]

mod cell;
mod checkpoint;
mod config;
mod error;
mod named;
mod optimum;
mod protocol;
mod record;
mod registry;
mod run;
mod simulation;
mod stop;
mod summary;
mod telemetry;
mod workers;

pub use cell::{Cell, Dealt, DealtLesson, cells, check, deal, estimator_memory, setup};
pub use config::{
    ByzantineConfig, CheckpointConfig, ConfigError, DataConfig, Empty, Experiment,
    FederationConfig, Keep, MethodConfig, Precision, ProtocolConfig, RotatingConfig, RsaConfig,
    Source, TelemetryConfig, TrainConfig,
};
pub use error::SimError;
pub use named::{Choice, Named};
pub use optimum::{NotFound, Optimum, Problem, TOLERANCE, minimise};
pub use record::{
    Done, Ending, Finals, Outcome, Resources, finished_cells, read_metrics, write_whole,
};
pub use registry::{AnyAttack, AnyEstimator, AnyModel, Entrant, Entry, Kind, Number, Registry};
pub use run::{Busy, Event, Host, Options, check_with_data, run_cell, run_experiment};
pub use simulation::{Moment, ProtocolSpec, Rotation, Setup, Simulation, View};
pub use stop::{Plateau, Stop, StopConfig};
pub use summary::{Summary, summarise};
pub use telemetry::{Evaluator, FullPass, Metrics, full_pass};
pub use workers::Lesson;
