#![doc = include_str!("../README.md")]

mod best;
mod concentration;
mod convergence;
pub mod figures;
mod law;
mod saga;
mod setting;
pub mod tables;
mod variation;

pub use best::{Size, best_s};
pub use concentration::{
    Coefficients, lemma_1, lemma_1_approximate, property_1, property_1_approximate,
};
pub use convergence::{Condition, Convergence, Problem, Run, steps, theorem_1, theorem_3};
pub use law::{ExactLaw, algorithm_1, permutation};
pub use saga::{message_variation, next_table_distance, table_distance};
pub use setting::{Setting, c_alpha, largest_tolerable};
pub use variation::{Estimate, Variation, inner_variation, outer_variation};

// What the functions refuse.
pub use fl_core::SpecError;
