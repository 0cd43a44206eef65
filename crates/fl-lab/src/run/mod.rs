//! Running cells: one, or many at a time and beside other processes.

mod estimate;
mod one;
mod schedule;
mod tune;

pub use estimate::{Memory, memory, trial};
pub use one::{Busy, Event, Host, Options, check_with_data, run_cell, run_experiment};
pub use schedule::{SEEDS_CHECKED, Tally, Task, check_tasks, evaluated, run_tasks};
pub(crate) use tune::check_tuning;
pub use tune::{Candidate, Choosing, Rung, Trial, TuneConfig, Tuning};
