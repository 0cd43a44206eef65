//! The integration tests of `fl-sim`, as one program: linking is what takes time.

mod allocation;
mod attacks;
mod augment;
mod common;
mod divergence;
mod estimators;
mod invariance;
mod line_search;
mod optimum;
mod participation;
mod problem;
mod reference;
mod ridge;
mod rotation;
mod round;
mod saga;
mod theory_convergence;
mod theory_sampling;
mod whole;
