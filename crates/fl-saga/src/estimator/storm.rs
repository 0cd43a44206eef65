//! STORM: every estimate corrects the one before it, and forgets some of it.

use crate::shared::anchored::{Anchored, FullPass, anchored};
use crate::shared::sampling::Sampling;
use fl_core::{Local, Scalar, SpecError, spec};

spec! {
    /// Stochastic recursive momentum: momentum whose past is moved to the new parameters by the gradients of the same batch.
    ///
    /// ```text
    /// v_0 = (1/b) Σ_{j∈I} ∇f_{w,j}(x_0)
    /// v_k = (1/b) Σ_{j∈I} ∇f_{w,j}(x_k) + (1 − a) (v_{k−1} − (1/b) Σ_{j∈I} ∇f_{w,j}(x_{k−1}))
    /// ```
    ///
    /// With a = 1 it is [`crate::Sgd`]. Near a = 0 it is [`crate::Sarah`] that never looks at all samples, and small errors
    /// stay. The ℓ₂ term is exact: it is neither in the corrections nor in v.
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker; a rate a above 0 and at most 1.
    ///
    /// # Effect
    /// The inner variation is `E‖v_k − ∇f_w(x_k)‖²` given the past, so it includes how far v has gone astray.
    /// No round and no start needs a pass over all samples.
    ///
    /// # Cost
    /// Two sets of records a round instead of SGD's one.
    ///
    /// # Memory
    /// 2 p numbers, whatever J is.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, and stay in what is kept.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round).
    ///
    /// # Bias
    /// Biased given the past: `E v_k = ∇f_w(x_k) + (1 − a) (v_{k−1} − ∇f_w(x_{k−1}))`.
    /// Over all draws, along a path of parameters that does not depend on them, it is unbiased.
    ///
    /// # Elsewhere
    /// Its authors let a and the step shrink as gradients add up; here both are given.
    ///
    /// # Reference
    /// Cutkosky, Orabona, *Momentum-based variance reduction in non-convex SGD*, NeurIPS 2019.
    pub struct Storm {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// a, how much of the past is forgotten in a round.
        pub rate: f64 = 0.1,
    }
}

anchored!(Storm, "storm");

impl Storm {
    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<Anchored<T>, SpecError> {
        if !(self.rate > 0.0 && self.rate <= 1.0) {
            return Err(SpecError::new("rate", "above 0 and at most 1", self.rate).of("storm"));
        }
        Ok(Anchored::new(local, self.draw(), FullPass::Never, Some(1.0 - self.rate)))
    }
}
