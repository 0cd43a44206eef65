//! The local gradient itself.

use crate::shared::batch;
use crate::shared::draw::Draw;
use crate::shared::sampling::Sampling;
use fl_core::{
    Cx, Estimator, EstimatorSpec, Local, Objective, Scalar, SpecError, Visit, Workspace, spec,
};

spec! {
    /// The gradient over all of a worker's samples: what the other estimators estimate.
    ///
    /// ```text
    /// message = ∇f_w(x) = (1/J) Σ_j ∇f_{w,j}(x)
    /// ```
    ///
    /// # Requirements
    /// At least one sample, for each worker.
    ///
    /// # Effect
    /// The inner variation is 0.
    ///
    /// # Cost
    /// A pass over all J samples every round, 64 at a time (as many as the workspace holds).
    ///
    /// # Memory
    /// None between rounds.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, so that divergence is seen.
    ///
    /// # Randomness
    /// None.
    ///
    /// # Bias
    /// None: it is what the other estimators estimate.
    ///
    /// # Reference
    /// The paper's (1): the gradient of the local cost `f_w`.
    pub struct FullGradient;
}

impl<T: Scalar> EstimatorSpec<T> for FullGradient {
    fn name(&self) -> &'static str {
        "full-gradient"
    }

    /// Samples at a time.
    fn batch(&self) -> usize {
        batch::SWEEP
    }

    fn memory(&self, _: &dyn Objective<T>, _: usize) -> Option<usize> {
        Some(0)
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        // A worker without samples has no gradient; a batch of one says so in the usual words.
        Draw { batch: 1, sampling: Sampling::Distinct }.check(local)?;
        Ok(Box::new(*self))
    }
}

impl<T: Scalar> Estimator<T> for FullGradient {
    fn start(&mut self, _: &Local<'_, T>, _: &[T], _: &mut Workspace<T>) {}

    fn state(&mut self, _: &mut Visit<'_, T>) {}

    fn message(
        &mut self,
        _: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        local.gradient(params, out, work);
    }

    fn variation(&self, _: &Local<'_, T>, _: &[T], _: &mut Workspace<T>) -> f64 {
        0.0
    }

    fn memory(&self) -> usize {
        0
    }
}
