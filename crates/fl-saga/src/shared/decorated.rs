//! A spec around another one.

use fl_core::EstimatorSpec;

/// An estimator's spec with something around it: what [`crate::Momentum::over`], [`crate::Clip::over`] and
/// [`crate::LocalSteps::over`] return. It is a spec itself, so that they nest.
#[derive(Debug)]
pub struct Decorated<T, D> {
    /// What is around.
    pub decorator: D,
    /// What is inside.
    pub inner: Box<dyn EstimatorSpec<T>>,
}
