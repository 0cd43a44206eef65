//! The integration tests of `fl-updates`, as one program: linking is what takes time.

mod adapters;
mod archives;
mod common;
mod faults;
mod headers;
mod inputs;
mod law;
mod models;
mod rounding;
mod skipped;
