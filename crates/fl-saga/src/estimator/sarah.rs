//! SARAH: every estimate corrects the one before it.

use crate::shared::periodic::Periodic;
use crate::shared::sampling::Sampling;
use crate::shared::{anchor, batch};
use fl_core::{Estimator, EstimatorSpec, Local, Objective, Scalar, SpecError, spec};

spec! {
    /// The stochastic recursive gradient: each estimate corrects the one before it.
    ///
    /// ```text
    /// v_k = (1/b) Σ_{j∈I} (∇f_{w,j}(x_k) − ∇f_{w,j}(x_{k−1})) + v_{k−1}
    /// v_k = ∇f_w(x_k) at rounds 0, m, 2 m, …
    /// ```
    ///
    /// The ℓ₂ term is exact: it is neither in the corrections nor in v.
    ///
    /// * **Biased** given the past: `E v_k = ∇f_w(x_k) + v_{k−1} − ∇f_w(x_{k−1})`. Over all draws, along a path of parameters
    ///   that does not depend on them, it is unbiased.
    /// * **Memory**: 2 p numbers, whatever J is.
    /// * **Cost**: two sets of records a round instead of SGD's one, and a pass over all samples every m rounds.
    /// * **Inner variation**: `E‖v_k − ∇f_w(x_k)‖²` given the past, so what v has gone astray is in it; 0 at a round with a
    ///   full pass. Cost of computing it: two passes more than for the others.
    /// * **Reference**: Nguyen, Liu, Scheinberg and Takáč 2017.
    pub struct Sarah {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// m, rounds from one full pass to the next; by default J/b, rounded up.
        pub every: Option<u64> = None,
    }
}

impl Copy for Sarah {}

impl Sarah {
    /// Batches of `batch` different samples, and the default m.
    pub fn new(batch: usize) -> Self {
        Self { batch, ..Self::default() }
    }

    /// Rounds from one full pass to the next, for a worker with `samples` samples.
    pub fn period(&self, samples: usize) -> u64 {
        self.every.unwrap_or((samples as u64).div_ceil(self.batch.max(1) as u64))
    }
}

impl<T: Scalar> EstimatorSpec<T> for Sarah {
    fn name(&self) -> &'static str {
        "sarah"
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn capacity(&self) -> usize {
        self.batch.max(batch::SWEEP)
    }

    fn memory(&self, objective: &dyn Objective<T>, _: usize) -> Option<usize> {
        Some(anchor::memory(objective))
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        batch::check(self.batch, local.samples.len(), local.worker)?;
        if self.every == Some(0) {
            return Err(SpecError::new("every", "at least 1 round", 0));
        }
        let draw = (self.sampling, self.batch);
        Ok(Box::new(Periodic::new(local, draw, self.period(local.samples.len()), true)))
    }
}
