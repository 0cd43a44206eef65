#![doc = include_str!("../README.md")]

mod aggregate;
pub mod rsa;

mod shared {
    pub(crate) mod cosine;
    pub(crate) mod eigen;
    pub(crate) mod farthest;
    pub(crate) mod krum_scores;
    pub(crate) mod median;
    pub(crate) mod nearest;
    pub(crate) mod select;
}

fl_core::parts! {
    /// Rules that see distances alone, or nearly.
    distance: rule {
        mean::Mean,
        weighted_mean::WeightedMean,
        geometric_median::GeometricMedian,
        weiszfeld::{Weiszfeld, WeiszfeldStart},
        krum::{Krum, KrumVariant},
        multi_krum::{MultiKrum, Picks},
        mda::Mda,
        smea::Smea,
        monna::Monna,
        caf::{Caf, CafDirection},
        cge::{Cge, CgeOutput},
        centered_clipping::{CenteredClipping, ClippingStart},
        norm_filtered_mean::{NormFilteredMean, NormUnit},
        dnc::Dnc,
        faba::Faba,
        ios::Ios,
        huber::Huber,
        fltrust::Fltrust,
        flame::Flame,
    }
    /// Rules that see one column of the messages at a time.
    column: rule {
        coordinate_median::{CoordinateMedian, EvenMedian},
        trimmed_mean::TrimmedMean,
        meamed::Meamed,
        phocas::Phocas,
        sign_majority::SignMajority,
    }
    /// Rules that see both.
    both: rule {
        bulyan::Bulyan,
        aksel::{Aksel, AkselKeep},
    }
}

pub use aggregate::{Error, aggregate};

// What is needed to call `aggregate` and to read its answer.
pub use fl_core::{
    AggregateError, Certificate, Messages, MessagesRef, Report, RuleSpec, Scalar, Shape, SpecError,
};
