#![doc = include_str!("../README.md")]

mod alie;
mod along;
mod backdoor;
mod columns;
mod constant;
mod deviation;
mod duplicate_samples;
mod fang_krum;
mod fang_trimmed_mean;
mod feature_noise;
mod gaussian;
mod huge;
mod infinity;
mod ipm;
mod isolation;
mod label_flip;
mod line_search;
mod mimic;
mod min_max;
mod min_sum;
mod mixture;
mod nan;
mod none;
mod normal;
mod random;
mod rop;
mod same_value;
mod sample_duplicate;
mod scheduled;
mod sign_flip;
mod zero;
mod zero_sum;

pub use alie::{Alie, Deviation, Direction};
pub use backdoor::Backdoor;
pub use deviation::Perturbation;
pub use duplicate_samples::DuplicateSamples;
pub use fang_krum::FangKrum;
pub use fang_trimmed_mean::FangTrimmedMean;
pub use feature_noise::FeatureNoise;
pub use gaussian::{Centre, Gaussian, Spread};
pub use huge::Huge;
pub use infinity::{Infinity, Sign};
pub use ipm::Ipm;
pub use isolation::Isolation;
pub use label_flip::{LabelFlip, Labels};
pub use line_search::{Guess, LineSearch, Method};
pub use mimic::Mimic;
pub use min_max::MinMax;
pub use min_sum::MinSum;
pub use mixture::Mixture;
pub use nan::Nan;
pub use none::NoAttack;
pub use random::RandomChoice;
pub use rop::Rop;
pub use same_value::SameValue;
pub use sample_duplicate::{Pick, SampleDuplicate};
pub use scheduled::Scheduled;
pub use sign_flip::{SignFlip, Target};
pub use zero::Zero;
pub use zero_sum::ZeroSum;

// What is needed to carry out an attack, or to write another one.
pub use fl_core::{
    Affine, Attack, AttackSpec, Federation, Knowledge, Known, Rays, Sight, Site, SpecError,
};
