//! From an experiment to cells, and from a cell to what a simulation is made of.

mod assign;
mod build;
mod byzantine;
mod cache;
mod cell;
mod hash;
mod held_out;
mod rows;
mod within;

pub(crate) use assign::partition_error;
pub use assign::{AssignedData, Assignment, assign};
pub use build::setup;
pub(crate) use build::{Parts, WEIGHTS, pre, weighed};
pub use byzantine::byzantine_workers;
pub(crate) use byzantine::{Classes, federation_of, nobody};
pub use cache::AssignmentCache;
pub(crate) use cache::key;
pub(crate) use cell::batch_path;
pub use cell::{Cell, cells};
pub(crate) use hash::{deciding, hash, short_digest};
pub use held_out::HeldOutRows;
pub use rows::evaluated;
