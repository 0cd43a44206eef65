//! Where the paper's theory meets an experiment: which theorem is about a method, with which numbers, and what is worth a
//! warning before a run.

mod numbers;
mod problem;
mod proven;
mod scope;
mod warnings;

pub use numbers::{Bound, Knowns, Numbers, Step, numbers, short};
pub use problem::{Measured, mean_smoothness, measure, problem};
pub use proven::{Proven, kappa, proven};
pub use scope::{Scope, scope};
pub use warnings::{Warning, warnings};
