//! SVRG: corrections from an anchor that moves now and then.

use crate::shared::anchored::{Anchored, FullPass, anchored};
use crate::shared::sampling::Sampling;
use fl_core::{Local, Scalar, SpecError, spec};

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
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker; a period m of at least 1 round.
    ///
    /// # Effect
    /// The inner variation is that of the corrections, 0 in a round with a full pass.
    /// It vanishes as x and y settle.
    ///
    /// # Cost
    /// Two sets of records a round instead of SGD's one, and a pass over all samples every m rounds.
    /// All workers make that pass in the same rounds, as in the literature; [`crate::LooplessSvrg`] spreads it.
    ///
    /// # Memory
    /// 2 p numbers, whatever J is.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, and stay in what is kept until they are replaced.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round).
    ///
    /// # Bias
    /// Unbiased given the anchor for every b, unless the sampling is not ([`Sampling::WindowCut`]).
    ///
    /// # Reference
    /// Johnson, Zhang, *Accelerating stochastic gradient descent using predictive variance reduction*, 2013.
    pub struct Svrg {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// m, rounds from one full pass to the next; by default 2 J/b, rounded up, as its authors advise for convex losses.
        pub every: Option<u64> = None,
    }
}

impl Svrg {
    /// Rounds from one full pass to the next, for a worker with `samples` samples.
    pub fn period(&self, samples: usize) -> u64 {
        self.every.unwrap_or((2 * samples as u64).div_ceil(self.batch.max(1) as u64))
    }
}

anchored!(Svrg, "svrg");

impl Svrg {
    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<Anchored<T>, SpecError> {
        let full = FullPass::every(self.every, self.period(local.samples.len()))?;
        Ok(Anchored::new(local, self.draw(), full, None))
    }
}
