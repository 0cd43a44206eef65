#![doc = include_str!("../README.md")]

mod shared {
    pub(crate) mod columns;
    pub(crate) mod constant;
    pub(crate) mod fixed_strength;
    pub(crate) mod gaussian_spread;
    pub(crate) mod majority;
    pub(crate) mod normal;
    pub(crate) mod numbered;
    pub(crate) mod perturbation;
    pub(crate) mod probability;
    pub(crate) mod regular_worker;
}

mod message {
    pub(crate) mod alie;
    pub(crate) mod fang_krum;
    pub(crate) mod fang_trimmed_mean;
    pub(crate) mod gaussian;
    pub(crate) mod huge;
    pub(crate) mod infinity;
    pub(crate) mod ipm;
    pub(crate) mod isolation;
    pub(crate) mod mimic;
    pub(crate) mod min_max;
    pub(crate) mod min_sum;
    pub(crate) mod nan;
    pub(crate) mod none;
    pub(crate) mod rop;
    pub(crate) mod same_value;
    pub(crate) mod sample_duplicating;
    pub(crate) mod sign_flipping;
    pub(crate) mod zero;
    pub(crate) mod zero_sum;
}

mod composed {
    pub(crate) mod mixture;
    pub(crate) mod random;
    pub(crate) mod scheduled;
}

mod search {
    pub(crate) mod line_search;
}

mod data {
    pub(crate) mod backdoor;
    pub(crate) mod duplicate_samples;
    pub(crate) mod feature_noise;
    pub(crate) mod label_flip;
}

pub use composed::mixture::Mixture;
pub use composed::random::Random;
pub use composed::scheduled::Scheduled;
pub use data::backdoor::Backdoor;
pub use data::duplicate_samples::DuplicateSamples;
pub use data::feature_noise::FeatureNoise;
pub use data::label_flip::{LabelFlip, LabelFlipLabels};
pub use message::alie::{Alie, AlieDeviation, AlieDirection};
pub use message::fang_krum::FangKrum;
pub use message::fang_trimmed_mean::FangTrimmedMean;
pub use message::gaussian::{Gaussian, GaussianCentre};
pub use message::huge::Huge;
pub use message::infinity::{Infinity, InfinitySign};
pub use message::ipm::Ipm;
pub use message::isolation::Isolation;
pub use message::mimic::Mimic;
pub use message::min_max::MinMax;
pub use message::min_sum::MinSum;
pub use message::nan::Nan;
pub use message::none::NoAttack;
pub use message::rop::Rop;
pub use message::same_value::SameValue;
pub use message::sample_duplicating::{SampleDuplicating, SampleDuplicatingPick};
pub use message::sign_flipping::{SignFlipping, SignFlippingTarget};
pub use message::zero::Zero;
pub use message::zero_sum::ZeroSum;
pub use search::line_search::{Guess, LineSearch, LineSearchMethod};
pub use shared::gaussian_spread::GaussianSpread;
pub use shared::perturbation::Perturbation;

// What is needed to carry out an attack, or to write another one.
pub use fl_core::{
    Affine, Attack, AttackSpec, Federation, Knowledge, Known, Rays, Sight, Site, SpecError,
};
