//! The integration tests of `fl-resample`, as one program: linking is what takes time.

mod allocation;
mod common;
mod defects;
mod far;
mod golden;
mod laws;
mod listed;
mod mistakes;
mod robustness;
