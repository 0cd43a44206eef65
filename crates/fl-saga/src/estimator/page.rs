//! PAGE: every estimate corrects the one before it, unless a coin says otherwise.

use crate::shared::anchored::{Anchored, FullPass, anchored, possible};
use crate::shared::sampling::Sampling;
use fl_core::{Local, Scalar, SpecError, spec};

spec! {
    /// The probabilistic gradient estimator: [`crate::Sarah`] with a coin instead of a calendar.
    ///
    /// ```text
    /// v_k = ∇f_w(x_k)                                                          with probability q
    /// v_k = (1/b) Σ_{j∈I} (∇f_{w,j}(x_k) − ∇f_{w,j}(x_{k−1})) + v_{k−1}        otherwise
    /// ```
    ///
    /// and v = ∇f_w(x⁰) at first: its authors' variant for finite sums. The ℓ₂ term is exact: it is neither in the corrections
    /// nor in v.
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker; a probability q above 0 and at most 1.
    ///
    /// # Effect
    /// The inner variation is `E‖v_k − ∇f_w(x_k)‖²` given the past, over coin and batch.
    ///
    /// # Cost
    /// Two sets of records a round instead of SGD's one, or with probability q a pass over all samples.
    ///
    /// # Memory
    /// 2 p numbers, whatever J is.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, and stay in what is kept until they are replaced.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round) and its coin from that of (`Refresh`, w, round).
    /// So the batches are those of the other estimators.
    ///
    /// # Bias
    /// Biased given the past: `E v_k = ∇f_w(x_k) + (1 − q) (v_{k−1} − ∇f_w(x_{k−1}))`.
    /// Over all draws, along a path of parameters that does not depend on them, it is unbiased.
    ///
    /// # Reference
    /// Li, Bao, Zhang, Richtárik, *PAGE: a simple and optimal probabilistic gradient estimator for nonconvex optimization*, 2021.
    pub struct Page {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// q, the probability of a full pass; by default b/(b + J), as its authors advise.
        pub probability: Option<f64> = None,
    }
}

impl Page {
    /// The probability of a full pass, for a worker with `samples` samples.
    pub fn chance(&self, samples: usize) -> f64 {
        self.probability.unwrap_or(self.batch as f64 / (self.batch + samples) as f64)
    }
}

anchored!(Page, "page");

impl Page {
    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<Anchored<T>, SpecError> {
        let full = FullPass::Instead(possible(self.chance(local.samples.len()))?);
        Ok(Anchored::new(local, self.draw(), full, Some(1.0)))
    }
}
