#![doc = include_str!("../README.md")]

mod shared {
    pub(crate) mod anchor;
    pub(crate) mod batch;
    pub(crate) mod decorated;
    pub(crate) mod memory;
    pub(crate) mod periodic;
    pub(crate) mod sampling;
    pub(crate) mod spread;
    pub(crate) mod table;
}

mod estimator {
    pub(crate) mod dense_saga;
    pub(crate) mod full_gradient;
    pub(crate) mod loopless_svrg;
    pub(crate) mod page;
    pub(crate) mod sag;
    pub(crate) mod saga;
    pub(crate) mod sarah;
    pub(crate) mod sgd;
    pub(crate) mod svrg;
    pub(crate) mod window_saga;
}

mod around {
    pub(crate) mod clip;
    pub(crate) mod local_steps;
    pub(crate) mod momentum;
}

pub use around::clip::Clip;
pub use around::local_steps::{LocalSteps, Sent};
pub use around::momentum::{Momentum, MomentumForm};
pub use estimator::dense_saga::{DenseSaga, Ridge};
pub use estimator::full_gradient::FullGradient;
pub use estimator::loopless_svrg::LooplessSvrg;
pub use estimator::page::Page;
pub use estimator::sag::Sag;
pub use estimator::saga::Saga;
pub use estimator::sarah::Sarah;
pub use estimator::sgd::Sgd;
pub use estimator::svrg::Svrg;
pub use estimator::window_saga::WindowSaga;
pub use shared::decorated::Decorated;
pub use shared::memory::memory;
pub use shared::sampling::Sampling;
