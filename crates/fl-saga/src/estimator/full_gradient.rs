//! The local gradient itself.

use crate::shared::batch;
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
    /// * **Memory**: none between rounds.
    /// * **Cost**: a pass over all J samples every round, 64 at a time (as many as the workspace holds).
    /// * **Inner variation**: none.
    /// * **Randomness**: none.
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
        batch::check(1, local.samples.len(), local.worker)?;
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
