#![doc = include_str!("../README.md")]

mod kernel;

mod shared {
    pub(crate) mod check;
    pub(crate) mod gram;
    pub(crate) mod initialise;
    pub(crate) mod linear;
    pub(crate) mod network;
}

mod model {
    pub(crate) mod least_squares;
    pub(crate) mod logistic;
    pub(crate) mod perceptron;
    pub(crate) mod softmax;
}

pub use model::least_squares::LeastSquares;
pub use model::logistic::Logistic;
pub use model::perceptron::{Activation, Loss, Perceptron};
pub use model::softmax::Softmax;
pub use shared::initialise::Initialise;
