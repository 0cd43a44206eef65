#![doc = include_str!("../README.md")]

mod error;
mod file;
mod name;
mod plan;
mod read;
mod run;
mod store;
mod sweep;
pub mod theory;

pub use error::LabError;
pub use file::{
    ByzantineConfig, CheckpointConfig, ConfigError, DataConfig, Empty, EvaluateOn, Experiment,
    ExperimentText, FederationConfig, Keep, MethodConfig, Mistake, Precision, ProtocolConfig,
    RotatingConfig, SmallWorkers, TelemetryConfig, TrainConfig, Weights,
};
pub use name::{
    AnyAttack, AnyEstimator, AnyModel, Category, Choice, Choices, Composed, Entry, LineSearch,
    Lookup, MaybeChoice, Mixture, Named, Number, Random, Registrable, Registry, Scheduled,
};
pub use plan::{AssignedData, Assignment, AssignmentCache, Cell, assign, cells, check, setup};
pub use run::{
    Busy, Candidate, Choosing, Event, Host, Memory, Options, Rung, SEEDS_CHECKED, Tally, Task,
    Trial, TuneConfig, Tuning, check_tasks, check_with_data, evaluated, memory, run_cell,
    run_experiment, run_tasks, trial,
};
pub use store::{
    ChangedFile, Difference, Done, Ending, Finals, Outcome, Overhead, Plateau, Progress, Resources,
    Status, Stop, StopConfig, Summary, Timing, edited, finished_cells, read_metrics, read_timing,
    status, statuses, summarise, write_whole,
};
pub use sweep::{Axis, AxisValue, MOST_RUNS, Sweep, SweepCell};
