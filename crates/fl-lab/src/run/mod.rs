//! Running cells: one, or many at a time and next to other processes.

mod begin;
mod cadence;
mod course;
mod defend;
mod estimate;
mod experiment;
mod host;
mod judge;
mod measure;
mod one;
mod schedule;
mod stopwatch;
mod tune;

pub use defend::{Batch, Defence, Final, Met, Pipeline, RaceRecord, Tried, Untried};
pub use estimate::{Memory, memory, trial};
pub use experiment::{check_with_data, run_all, run_experiment};
pub use host::{Busy, Event, Host, Options};
pub use one::run_cell;
pub use schedule::{SEEDS_CHECKED, Tally, Task, check_tasks, run_tasks};
pub use tune::{Candidate, Choosing, Rung, Trial, Tuning};
