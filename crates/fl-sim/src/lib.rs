#![doc = include_str!("../README.md")]

mod cell;
mod checkpoint;
mod composed;
mod config;
mod deals;
mod edited;
mod error;
mod estimate;
mod evaluate_on;
mod mistake;
mod named;
mod optimum;
mod participation;
mod protocol;
mod reading;
mod record;
mod registry;
mod run;
mod schedule;
mod simulation;
mod source;
mod standing;
mod stop;
mod summary;
mod sweep;
mod telemetry;
pub mod theory;
mod tune;
mod workers;

pub use cell::{Cell, Dealt, DealtLesson, cells, check, deal, setup};
pub use composed::{Choices, LineSearch, MaybeChoice, Mixture, Random, Scheduled};
pub use config::{
    ByzantineConfig, CheckpointConfig, DataConfig, Empty, Experiment, FederationConfig, Keep,
    MethodConfig, Precision, ProtocolConfig, RotatingConfig, RsaConfig, RsaDecay, RsaOrder,
    TelemetryConfig, TrainConfig, Weights,
};
pub use deals::Deals;
pub use edited::{Difference, Edited, edited};
pub use error::SimError;
pub use estimate::{Memory, memory, trial};
pub use evaluate_on::EvaluateOn;
pub use mistake::{ConfigError, Mistake};
pub use named::{Choice, Named};
pub use optimum::{NotFound, Optimum, Problem, TOLERANCE, minimise};
pub use participation::Participation;
pub use record::{
    Beside, Done, Ending, Finals, Outcome, Resources, Timing, finished_cells, read_metrics,
    read_timing, write_whole,
};
pub use registry::{
    AnyAttack, AnyEstimator, AnyModel, Composed, Entrant, Entry, Kind, Lookup, Number, Registry,
};
pub use run::{Busy, Event, Host, Options, check_with_data, run_cell, run_experiment};
pub use schedule::{Tally, Task, check_tasks, evaluated, run_tasks};
pub use simulation::{Moment, ProtocolSpec, Rotation, Setup, Simulation, View};
pub use source::Source;
pub use standing::{Progress, Standing, standing, standings};
pub use stop::{Plateau, Stop, StopConfig};
pub use summary::{Summary, summarise};
pub use sweep::{Axis, AxisValue, Sweep, SweepCell};
pub use telemetry::{Evaluator, FullPass, Metrics, full_pass};
pub use tune::{Candidate, Choosing, Rung, Trial, TuneConfig, Tuning};
pub use workers::Lesson;
