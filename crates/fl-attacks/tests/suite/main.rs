//! The integration tests of `fl-attacks`, as one program: linking is what takes time.

mod golden;
mod laws;
mod poison;
mod strength;
