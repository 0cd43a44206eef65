//! Byz-VR-MARINA: all workers correct the server's last output, or make a full pass together.

use crate::shared::anchored::{Anchored, FullPass, anchored, possible};
use crate::shared::sampling::Sampling;
use fl_core::{Local, Scalar, SpecError, spec};

spec! {
    /// Byz-VR-MARINA: every worker corrects what the server made of the last round, or all look at all their samples when one
    /// coin says so.
    ///
    /// ```text
    /// v_k = ∇f_w(x_k)                                                          all at once, with probability q
    /// v_k = (1/b) Σ_{j∈I} (∇f_{w,j}(x_k) − ∇f_{w,j}(x_{k−1})) + g_{k−1}        otherwise
    /// ```
    ///
    /// with the server's output g_{k−1}, which its step from x_{k−1} was along; v = ∇f_w(x⁰) at first. In between messages
    /// differ by their corrections alone, which are small where the model moves little, whatever the workers' data are: that
    /// is what a rule is given to tell regular messages by. [`crate::Page`] corrects the worker's own last estimate.
    /// The ℓ₂ term is exact.
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker; a probability q above 0 and at most 1.
    /// Nothing around it: momentum, clipping and local steps would make g an output of something else.
    /// Every worker hears x and g of every round, also one that took no part. After a round without an output all keep those
    /// of the round before.
    ///
    /// # Effect
    /// The inner variation is `E‖v_k − ∇f_w(x_k)‖²` given the past, over coin and batch. It includes how far g_{k−1} is from
    /// the worker's own gradient, so that it does not vanish where data differ from worker to worker.
    ///
    /// # Cost
    /// Two sets of records a round instead of SGD's one, or with probability q a pass over all samples.
    ///
    /// # Memory
    /// 2 p numbers, whatever J is.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round). The coin is that of (`Refresh`, 2²⁴ − 1, round), the
    /// same for all workers.
    ///
    /// # Bias
    /// Biased given the past: `E v_k = ∇f_w(x_k) + (1 − q) (g_{k−1} − ∇f_w(x_{k−1}))`.
    ///
    /// # Elsewhere
    /// Its authors advise q = b/J, may compress corrections, and call it Byz-PAGE where they do not, as here. With partial participation they
    /// let the server clip corrections, which is not done here.
    ///
    /// # Reference
    /// Gorbunov, Horváth, Richtárik, Gidel, *Variance reduction is an antidote to Byzantines: better rates, weaker assumptions and
    /// communication compression as a cherry on the top*, ICLR 2023.
    pub struct ByzVrMarina {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// q, the probability of a full pass of all. It is no function of J, since all workers must have the same.
        pub probability: f64 = 0.1,
    }
}

anchored!(ByzVrMarina, "byz-vr-marina", hears: true);

impl ByzVrMarina {
    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<Anchored<T>, SpecError> {
        let full = FullPass::Together(possible(self.probability)?);
        Ok(Anchored::new(local, self.draw(), full, None))
    }
}
