//! PAGE: every estimate corrects the one before it, unless a coin says otherwise.

use crate::shared::anchor::{self, Anchor};
use crate::shared::batch;
use crate::shared::draw::{Draw, draws};
use crate::shared::sampling::Sampling;
use fl_core::{
    Cx, Estimator, Local, Objective, Role, Scalar, SpecError, Visit, Workspace, spec, streams,
};

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

draws!(Page, "page", capacity: batch::SWEEP);

impl Page {
    fn bytes<T: Scalar>(&self, objective: &dyn Objective<T>, _: usize) -> usize {
        anchor::memory(objective)
    }

    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<State<T>, SpecError> {
        let probability = self.chance(local.samples.len());
        if !(probability > 0.0 && probability <= 1.0) {
            return Err(SpecError::new("probability", "above 0 and at most 1", probability));
        }
        Ok(State { draw: self.draw(), probability, anchor: Anchor::new(local) })
    }
}

#[derive(Clone, Debug)]
struct State<T> {
    draw: Draw,
    /// The probability of a full pass.
    probability: f64,
    anchor: Anchor<T>,
}

impl<T: Scalar> Estimator<T> for State<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        self.anchor.set(local, params, work);
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.anchor.state(visit);
    }

    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        self.draw.ahead(cx, local, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        if streams::chance(&mut cx.draw(Role::Refresh, local.worker), self.probability) {
            self.anchor.set(local, params, work);
            return self.anchor.gradient(local, out);
        }
        self.anchor.message(cx, local, self.draw, params, true, out, work);
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        (1.0 - self.probability) * self.anchor.error(local, self.draw, params, work)
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        self.anchor.expectation(local, self.draw, params, out, work);
        let mut exact = vec![T::ZERO; out.len()];
        local.gradient(params, &mut exact, work);
        let q = self.probability;
        for (out, exact) in out.iter_mut().zip(exact) {
            *out = T::from_f64(q * exact.to_f64() + (1.0 - q) * out.to_f64());
        }
    }

    fn memory(&self) -> usize {
        self.anchor.memory()
    }
}
