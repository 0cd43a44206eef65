#![doc = include_str!("../README.md")]

mod backdoor;
mod duplicate_samples;
mod feature_noise;
mod gaussian;
mod honest;
mod label_flip;
mod none;
mod sample_duplicate;
mod sign_flip;

pub use backdoor::Backdoor;
pub use duplicate_samples::DuplicateSamples;
pub use feature_noise::FeatureNoise;
pub use gaussian::{Centre, Gaussian, Spread};
pub use label_flip::{LabelFlip, Labels};
pub use none::NoAttack;
pub use sample_duplicate::SampleDuplicate;
pub use sign_flip::{SignFlip, Target};

// What is needed to carry out an attack, or to write another one.
pub use fl_core::{Attack, AttackSpec, Federation, Knowledge, Sight, Site, SpecError};
