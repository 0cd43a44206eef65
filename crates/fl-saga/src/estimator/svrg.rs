//! SVRG: corrections from an anchor that moves now and then.

use crate::shared::periodic::Periodic;
use crate::shared::sampling::Sampling;
use crate::shared::{anchor, batch};
use fl_core::{Estimator, EstimatorSpec, Local, Objective, Scalar, SpecError, spec};

spec! {
    /// The stochastic variance-reduced gradient, corrected from an anchor y that moves every `every` rounds.
    ///
    /// ```text
    /// message = (1/b) Σ_{j∈I} (∇f_{w,j}(x) − ∇f_{w,j}(y)) + ∇f_w(y)
    /// y       ← x at rounds 0, m, 2 m, …, before the message, which is then the local gradient
    /// ```
    ///
    /// The ℓ₂ term is exact: it is neither in the correction nor in the anchor's gradient.
    ///
    /// * **Unbiased** given the anchor for every b, unless the sampling is not ([`Sampling::WindowCut`]).
    /// * **Memory**: 2 p numbers, whatever J is.
    /// * **Cost**: two sets of records a round instead of SGD's one, and a pass over all samples every m rounds; all workers
    ///   make it at the same rounds, as in the literature ([`crate::LooplessSvrg`] spreads it).
    /// * **Inner variation**: that of the corrections, 0 at a round with a full pass; vanishes as x and y settle.
    /// * **Reference**: Johnson and Zhang 2013.
    pub struct Svrg {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// m, rounds from one full pass to the next; by default 2 J/b, rounded up, as its authors advise for convex losses.
        pub every: Option<u64> = None,
    }
}

impl Copy for Svrg {}

impl Svrg {
    /// Batches of `batch` different samples, and the default m.
    pub fn new(batch: usize) -> Self {
        Self { batch, ..Self::default() }
    }

    /// Rounds from one full pass to the next, for a worker with `samples` samples.
    pub fn period(&self, samples: usize) -> u64 {
        self.every.unwrap_or((2 * samples as u64).div_ceil(self.batch.max(1) as u64))
    }
}

impl<T: Scalar> EstimatorSpec<T> for Svrg {
    fn name(&self) -> &'static str {
        "svrg"
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
        Ok(Box::new(Periodic::new(local, draw, self.period(local.samples.len()), false)))
    }
}
