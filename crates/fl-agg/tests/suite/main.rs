//! The integration tests of `fl-agg`, as one program: linking is what takes time.

mod allocation;
mod bad_input;
mod coordinate;
mod defects;
mod far;
mod geometric_median;
mod golden;
mod laws;
mod rsa;
mod sources;
