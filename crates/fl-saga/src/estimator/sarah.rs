//! SARAH: every estimate corrects the one before it.

use crate::shared::anchored::{Anchored, FullPass, anchored};
use crate::shared::sampling::Sampling;
use fl_core::{Local, Scalar, SpecError, spec};

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
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker; a period m of at least 1 round.
    ///
    /// # Effect
    /// The inner variation is `E‖v_k − ∇f_w(x_k)‖²` given the past, so it includes how far v has gone astray.
    /// It is 0 in a round with a full pass, and takes two passes more to compute than for the others.
    ///
    /// # Cost
    /// Two sets of records a round instead of SGD's one, and a pass over all samples every m rounds.
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
    /// Biased given the past: `E v_k = ∇f_w(x_k) + v_{k−1} − ∇f_w(x_{k−1})`.
    /// Over all draws, along a path of parameters that does not depend on them, it is unbiased.
    ///
    /// # Reference
    /// Nguyen, Liu, Scheinberg, Takáč, *SARAH: a novel method for machine learning problems using stochastic recursive gradient*,
    /// 2017.
    pub struct Sarah {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// m, rounds from one full pass to the next; by default J/b, rounded up.
        pub every: Option<u64> = None,
    }
}

impl Sarah {
    /// Rounds from one full pass to the next, for a worker with `samples` samples.
    pub fn period(&self, samples: usize) -> u64 {
        self.every.unwrap_or((samples as u64).div_ceil(self.batch.max(1) as u64))
    }
}

anchored!(Sarah, "sarah");

impl Sarah {
    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<Anchored<T>, SpecError> {
        let full = FullPass::every(self.every, self.period(local.samples.len()))?;
        Ok(Anchored::new(local, self.draw(), full, Some(1.0)))
    }
}
