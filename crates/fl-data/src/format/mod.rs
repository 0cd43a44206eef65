//! Formats of files: pure functions of bytes, and what reads the bytes of a file.

mod array;
mod checksum;
pub mod csv;
mod error;
mod file;
mod gzip;
pub mod idx;
pub(crate) mod labels;
pub mod libsvm;
pub(crate) mod matrix;
pub mod npy;
mod number;
pub mod text;
mod text_error;
pub mod zip;

pub(crate) use checksum::sha256;
pub use checksum::{Checksum, hex};
pub use error::FileError;
pub(crate) use file::Plain;
pub use gzip::GzipError;
pub(crate) use gzip::{gunzip, is_gzip};
