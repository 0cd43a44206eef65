//! Loopless SVRG: corrections from an anchor that moves when a coin says so.

use crate::shared::anchored::{Anchored, FullPass, anchored, possible};
use crate::shared::sampling::Sampling;
use fl_core::{Local, Scalar, SpecError, spec};

spec! {
    /// Loopless SVRG: [`crate::Svrg`] with a coin instead of a calendar.
    ///
    /// ```text
    /// message = (1/b) Σ_{j∈I} (∇f_{w,j}(x) − ∇f_{w,j}(y)) + ∇f_w(y)
    /// y       ← x with probability q, after the message; y = x⁰ at first
    /// ```
    ///
    /// The ℓ₂ term is exact: it is neither in the correction nor in the anchor's gradient.
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker; a probability q above 0 and at most 1.
    ///
    /// # Effect
    /// The inner variation is that of the corrections; it vanishes as x and y settle.
    ///
    /// # Cost
    /// Two sets of records a round instead of SGD's one, and a pass over all samples with probability q.
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
    /// Unbiased given the anchor for every b, unless the sampling is not ([`Sampling::WindowCut`]).
    ///
    /// # Reference
    /// Hofmann, Lucchi, Lacoste-Julien, McWilliams, *Variance reduced stochastic gradient descent with neighbors*, 2015; Kovalev,
    /// Horváth, Richtárik, *Don't jump through hoops and remove those loops: SVRG and Katyusha are better without the outer loop*, 2020.
    pub struct LooplessSvrg {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// q, the probability of a full pass; by default b/J, which costs as much as the corrections.
        pub probability: Option<f64> = None,
    }
}

impl LooplessSvrg {
    /// The probability of a full pass, for a worker with `samples` samples.
    pub fn chance(&self, samples: usize) -> f64 {
        self.probability.unwrap_or(self.batch as f64 / samples as f64)
    }
}

anchored!(LooplessSvrg, "loopless-svrg");

impl LooplessSvrg {
    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<Anchored<T>, SpecError> {
        let full = FullPass::After(possible(self.chance(local.samples.len()))?);
        Ok(Anchored::new(local, self.draw(), full, None))
    }
}
