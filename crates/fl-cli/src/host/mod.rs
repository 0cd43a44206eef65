//! What commands ask of the process, the machine and the user: flags, failures, signals, limits, folders, files, data.

pub(crate) mod budget;
pub(crate) mod choice;
pub(crate) mod experiment;
pub(crate) mod failure;
pub(crate) mod flags;
mod folders;
pub(crate) mod given;
pub(crate) mod limits;
pub(crate) mod matrix;
pub(crate) mod patience;
mod process;
pub(crate) mod say;
pub(crate) mod sets;
pub(crate) mod signals;

pub(crate) use folders::{found_file, locations, remove_leftovers, write};
pub(crate) use process::{clock, disk_bytes, peak_memory};
