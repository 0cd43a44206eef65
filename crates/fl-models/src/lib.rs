#![doc = include_str!("../README.md")]

mod kernel;

mod shared {
    pub(crate) mod check;
    pub(crate) mod gram;
    pub(crate) mod initialise;
    pub(crate) mod linear;
    pub(crate) mod network;
}

fl_core::parts! {
    /// The models, as settings.
    model: model {
        least_squares::LeastSquares,
        logistic::Logistic,
        softmax::Softmax,
        perceptron::{Perceptron, Activation, Loss},
    }
}

pub use shared::initialise::Initialise;
