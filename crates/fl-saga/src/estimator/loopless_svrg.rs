//! Loopless SVRG: corrections from an anchor that moves when a coin says so.

use crate::shared::anchor::{self, Anchor};
use crate::shared::draw::{Draw, draws};
use crate::shared::sampling::Sampling;
use crate::shared::{batch, spread};
use fl_core::{
    Cx, Estimator, Local, Objective, Role, Scalar, SpecError, Visit, Workspace, spec, streams,
};

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

draws!(LooplessSvrg, "loopless-svrg", capacity: batch::SWEEP);

impl LooplessSvrg {
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
        self.anchor.message(cx, local, self.draw, params, false, out, work);
        if streams::chance(&mut cx.draw(Role::Refresh, local.worker), self.probability) {
            self.anchor.set(local, params, work);
        }
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        spread::error(&self.anchor.terms(params), local, self.draw, work, |_, _| {})
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        self.anchor.expectation(local, self.draw, params, out, work);
    }

    fn memory(&self) -> usize {
        self.anchor.memory()
    }
}
