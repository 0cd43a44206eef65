//! The integration tests of `fl-sim`, as one program: linking is what takes time.

mod allocation;
mod attacks;
mod common;
mod configs;
mod divergence;
mod estimators;
mod invariance;
mod line_search;
mod optimum;
mod participation;
mod poison;
mod reference;
mod resume;
mod ridge;
mod saga;
mod sweep;
mod theory_config;
mod theory_convergence;
mod theory_sampling;
mod tune;
