//! Loading: a known set by its name, or files of one's own.

mod error;
mod files;
mod own;
mod raw;
mod read;
pub mod source;

pub use error::Error;
pub use files::{ArrayFiles, CsvFiles, LibsvmFiles, Missing, NpzFile, Own};
