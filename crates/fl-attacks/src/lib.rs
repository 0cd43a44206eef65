#![doc = include_str!("../README.md")]

mod shared {
    pub(crate) mod columns;
    pub(crate) mod constant;
    pub(crate) mod fixed_strength;
    pub(crate) mod gaussian_spread;
    pub(crate) mod majority;
    pub(crate) mod normal;
    pub(crate) mod numbered;
    pub(crate) mod one_of;
    pub(crate) mod perturbation;
    pub(crate) mod probability;
    pub(crate) mod regular_worker;
}

fl_core::parts! {
    /// What Byzantine workers send.
    message: attack {
        none::NoAttack,
        sign_flipping::{SignFlipping, SignFlippingTarget},
        gaussian::{Gaussian, GaussianCentre},
        sample_duplicating::{SampleDuplicating, SampleDuplicatingPick},
        zero::Zero,
        zero_sum::ZeroSum,
        isolation::Isolation,
        same_value::SameValue,
        nan::Nan,
        infinity::{Infinity, InfinitySign},
        huge::Huge,
        alie::{Alie, AlieDeviation, AlieDirection},
        ipm::Ipm,
        mimic::Mimic,
        min_max::MinMax,
        min_sum::MinSum,
        byz_mean::ByzMean,
        fang_krum::FangKrum,
        fang_trimmed_mean::FangTrimmedMean,
        rop::Rop,
        poisoned_fl::PoisonedFl,
    }
    /// Attacks that are made of others.
    composed: _ {
        mixture::Mixture,
        random::Random,
        scheduled::Scheduled,
    }
    /// The strength of an attack, searched against the defence.
    search: _ {
        line_search::{LineSearch, LineSearchMethod, Guess},
    }
    /// What Byzantine workers learn from.
    data: poison {
        label_flip::{LabelFlip, LabelFlipLabels},
        feature_noise::FeatureNoise,
        backdoor::Backdoor,
        duplicate_samples::DuplicateSamples,
    }
}

pub use shared::gaussian_spread::GaussianSpread;
pub use shared::perturbation::Perturbation;

// What is needed to carry out an attack, or to write another one.
pub use fl_core::{
    Affine, AffineMessages, Attack, AttackContext, AttackSpec, AttackView, Federation, Knowledge,
    Known, SpecError,
};
