//! Loopless SVRG: corrections from an anchor that moves when a coin says so.

use crate::shared::anchor::{self, Anchor};
use crate::shared::sampling::Sampling;
use crate::shared::{batch, spread};
use fl_core::{
    Cx, Estimator, EstimatorSpec, Local, Objective, Role, Scalar, SpecError, Visit, Workspace,
    spec, streams,
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
    /// * **Unbiased** given the anchor for every b, unless the sampling is not ([`Sampling::WindowCut`]).
    /// * **Memory**: 2 p numbers, whatever J is.
    /// * **Cost**: two sets of records a round instead of SGD's one, and a pass over all samples with probability q.
    /// * **Randomness**: worker w's coin of a round has an address of its own, (`Refresh`, w, round), so the batches are those
    ///   of the other estimators.
    /// * **Inner variation**: that of the corrections; vanishes as x and y settle.
    /// * **Reference**: Hofmann et al. 2015; Kovalev, Horváth and Richtárik 2020.
    pub struct LooplessSvrg {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
        /// q, the probability of a full pass; by default b/J, which costs as much as the corrections.
        pub probability: Option<f64> = None,
    }
}

impl Copy for LooplessSvrg {}

impl LooplessSvrg {
    /// Batches of `batch` different samples, and the default q.
    pub fn new(batch: usize) -> Self {
        Self { batch, ..Self::default() }
    }

    /// The probability of a full pass, for a worker with `samples` samples.
    pub fn chance(&self, samples: usize) -> f64 {
        self.probability.unwrap_or(self.batch as f64 / samples as f64)
    }
}

impl<T: Scalar> EstimatorSpec<T> for LooplessSvrg {
    fn name(&self) -> &'static str {
        "loopless-svrg"
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
        let probability = self.chance(local.samples.len());
        if !(probability > 0.0 && probability <= 1.0) {
            return Err(SpecError::new("probability", "above 0 and at most 1", probability));
        }
        Ok(Box::new(State {
            draw: (self.sampling, self.batch),
            probability,
            anchor: Anchor::new(local),
        }))
    }
}

#[derive(Clone, Debug)]
struct State<T> {
    draw: (Sampling, usize),
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
        let (sampling, b) = self.draw;
        batch::draw_ahead(cx, local, sampling, b, work);
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
        let (sampling, b) = self.draw;
        spread::error(&self.anchor.terms(params), local, sampling, b, work, |_, _| {})
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
