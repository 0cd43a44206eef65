//! Searching the defence with the best worst case over attacks, on rows and seeds that no final run is judged by.

mod evidence;
mod found;
mod race;
mod search;
mod space;

pub use evidence::{Final, Met, RaceRecord, Tried};
pub use search::{Batch, Defence};
pub use space::{Pipeline, Untried};
