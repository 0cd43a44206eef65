#![doc = include_str!("../README.md")]

mod shared {
    pub(crate) mod check;
    pub(crate) mod shorten;
}

fl_core::parts! {
    /// Averages of messages.
    mix: pre_aggregator {
        resample::{Resample, Law, average_picks},
        bucketing::{Bucketing, Rest, average_buckets},
        nnm::Nnm,
        identity::Identity,
    }
    /// Shorter messages.
    length: pre_aggregator {
        clipping::Clipping,
        arc::AdaptiveClipping,
        median_clipping::MedianClipping,
    }
}

// What is needed to chain a pre-aggregator before a rule.
pub use fl_core::{Mixing, PreAggregator, PreAggregatorSpec, Shape, SpecError};
