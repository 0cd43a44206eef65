#![doc = include_str!("../README.md")]

mod kernel;

mod shared {
    pub(crate) mod activation;
    pub(crate) mod check;
    pub(crate) mod gram;
    pub(crate) mod initialise;
    pub(crate) mod layers;
    pub(crate) mod linear;
    pub(crate) mod loss;
    pub(crate) mod network;
    pub(crate) mod per_block;
}

fl_core::parts! {
    /// The models, as settings.
    model: model {
        least_squares::LeastSquares,
        logistic::Logistic,
        softmax::Softmax,
        perceptron::Perceptron,
        convolutional::{Convolutional, Pooling},
    }
}

pub use shared::activation::Activation;
pub use shared::initialise::Initialise;
pub use shared::loss::Loss;
pub use shared::per_block::PerBlock;
