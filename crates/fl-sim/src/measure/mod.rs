//! What is measured of a run, at two cadences, and x* to measure against.

mod evaluator;
mod full_pass;
mod held_out;
mod metrics;
mod optimum;

pub use evaluator::Evaluator;
pub use full_pass::full_pass;
pub use held_out::held_out;
pub use metrics::{FullPass, HeldOut, Metrics};
pub use optimum::{NotFound, Optimum, Problem, TOLERANCE, minimise};
