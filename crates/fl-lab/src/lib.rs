#![doc = include_str!("../README.md")]

mod check;
mod error;
mod file;
mod name;
mod plan;
mod read;
mod run;
mod store;
mod sweep;
pub mod theory;
mod tree;

pub use check::check;
pub use error::LabError;
pub use file::{
    BatchSize, ByzantineConfig, CheckpointConfig, ConfigError, DataConfig, DefendConfig,
    EvaluateOn, Experiment, ExperimentText, FederationConfig, Keep, Key, MethodConfig, Mistake,
    Plateau, Precision, ProtocolConfig, RotatingConfig, SmallWorkers, StopConfig, TelemetryConfig,
    TrainConfig, TuneConfig, Weights, all_keys, key_table,
};
pub use name::{
    AnyAttack, AnyEstimator, AnyModel, AttackChoice, Attacks, Category, Choice, ChoiceError,
    Composed, Documented, Entry, EstimatorChoice, Foreign, LineSearch, Lookup, MaybeRule, Mixture,
    ModelChoice, Number, PoisonChoice, PreAggregatorChoice, PreAggregators, Random, Registrable,
    Registry, RuleChoice, Scheduled,
};
pub use plan::{
    AssignedData, Assignment, AssignmentCache, Cell, HeldOutRows, assign, byzantine_workers, cells,
    evaluated, setup,
};
pub use run::{
    Batch, Busy, Candidate, Choosing, Defence, Event, Final, Host, Memory, Met, Options, Pipeline,
    RaceRecord, Rung, SEEDS_CHECKED, Tally, Task, Trial, Tried, Tuning, Untried, check_tasks,
    check_with_data, memory, run_all, run_cell, run_experiment, run_tasks, trial,
};
pub use store::{
    ChangedFile, Difference, Done, Ending, Finals, Outcome, Overhead, Progress, Resources, Status,
    Stop, Summary, Timing, configuration, edited, finished_cells, is_run, outcomes, read_metrics,
    read_timing, runs_there, status, statuses, summarise, write_whole,
};
pub use sweep::{Axis, AxisValue, MOST_RUNS, Sweep, SweepCell};
pub use tree::{Fault, nearest};
