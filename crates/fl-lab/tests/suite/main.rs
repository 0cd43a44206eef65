//! The integration tests of `fl-lab`, as one program: linking is what takes time.

mod attacks;
mod augment;
mod common;
mod configs;
mod divergence;
/// A federation without an experiment file, as `fl-sim` tests it.
#[allow(dead_code)]
#[path = "../../../fl-sim/tests/suite/common/mod.rs"]
mod federation;
mod held_out;
mod invariance;
mod keys;
mod memory;
mod mutations;
mod names;
mod optimum;
mod participation;
mod poison;
mod resume;
mod sweep;
mod theory_config;
mod tune;
mod whole;
