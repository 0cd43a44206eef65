//! From an experiment to cells, and from a cell to what a simulation is made of.

mod cache;
mod cell;

pub use cache::AssignmentCache;
pub(crate) use cache::key;
pub use cell::{AssignedData, Assignment, Cell, assign, cells, check, setup};
pub(crate) use cell::{batch_path, check_federation, deciding, hash};
