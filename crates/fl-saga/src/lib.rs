#![doc = include_str!("../README.md")]

mod shared {
    pub(crate) mod anchor;
    pub(crate) mod anchored;
    pub(crate) mod batch;
    pub(crate) mod decorated;
    pub(crate) mod draw;
    pub(crate) mod length;
    pub(crate) mod memory;
    pub(crate) mod sampling;
    pub(crate) mod spread;
    pub(crate) mod table;
    pub(crate) mod tabled;
}

fl_core::parts! {
    /// Estimators of a worker's gradient.
    estimator: estimator {
        sgd::Sgd,
        saga::Saga,
        window_saga::WindowSaga,
        dense_saga::{DenseSaga, Ridge},
        sag::Sag,
        loopless_svrg::LooplessSvrg,
        svrg::Svrg,
        sarah::Sarah,
        page::Page,
        storm::Storm,
        byz_vr_marina::ByzVrMarina,
        full_gradient::FullGradient,
    }
    /// What stands around any estimator.
    around: decorator {
        augment::Augment,
        local_steps::{LocalSteps, Sent},
        momentum::{Momentum, MomentumForm},
        clip::Clip,
    }
}

pub use shared::decorated::Decorated;
pub use shared::memory::memory;
pub use shared::sampling::Sampling;
