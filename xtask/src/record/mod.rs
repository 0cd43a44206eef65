//! The record: what is run, what of it was run already, and what the runs left.

mod figures;
mod options;
mod results;
mod stamp;

pub(crate) use figures::{FIGURES, Figure, find};
pub(crate) use options::{Options, Profile, QUICK_SEEDS, QUICK_SHARE, SEEDS, number};
#[cfg(test)]
pub(crate) use results::Run;
pub(crate) use results::{Case, Measure, Method, Results};
pub(crate) use stamp::{Stamp, figure_stamp};
