//! The integration tests of `fl-updates`, as one program: linking is what takes time.

mod common;
mod faults;
mod headers;
mod law;
mod models;
