//! The plain mini-batch stochastic gradient.

use crate::shared::batch;
use crate::shared::sampling::Sampling;
use crate::shared::spread::{self, Old, Records};
use fl_core::{
    Cx, Estimator, EstimatorSpec, Local, Objective, Scalar, SpecError, Visit, Workspace, spec,
};

spec! {
    /// The mean gradient of a batch of samples, drawn anew each round: the message (4).
    ///
    /// ```text
    /// message = (1/b) Σ_{j∈I} ∇f_{w,j}(x)
    /// ```
    ///
    /// * **Unbiased** for every b, unless the sampling is not ([`Sampling::WindowCut`]).
    /// * **Memory**: none between rounds.
    /// * **Cost**: one forward and one backward pass over the batch.
    /// * **Inner variation**: that of a single sample's gradient times the factor of [`Sampling`]; it does not vanish at the
    ///   optimum.
    ///
    /// ```
    /// use fl_core::EstimatorSpec;
    /// use fl_saga::{Sampling, Sgd};
    /// let spec = Sgd { batch: 32, sampling: Sampling::Repeated };
    /// assert_eq!(EstimatorSpec::<f32>::name(&spec), "sgd");
    /// assert_eq!(Sgd::new(32), Sgd { batch: 32, sampling: Sampling::Distinct });
    /// ```
    pub struct Sgd {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
    }
}

impl Copy for Sgd {}

impl Sgd {
    /// Batches of `batch` different samples.
    pub fn new(batch: usize) -> Self {
        Self { batch, ..Self::default() }
    }
}

impl<T: Scalar> EstimatorSpec<T> for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn memory(&self, _: &dyn Objective<T>, _: usize) -> Option<usize> {
        Some(0)
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        batch::check(self.batch, local.samples.len(), local.worker)?;
        Ok(Box::new(*self))
    }
}

impl<T: Scalar> Estimator<T> for Sgd {
    fn start(&mut self, _: &Local<'_, T>, _: &[T], _: &mut Workspace<T>) {}

    fn state(&mut self, _: &mut Visit<'_, T>) {}

    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        batch::draw_ahead(cx, local, self.sampling, self.batch, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let n = batch::draw(cx, local, self.sampling, self.batch, work);
        batch::gather(local, n, work);
        batch::records(local, params, work);
        batch::fold(local, params, work, false, out, 1.0 / self.batch as f64, None);
    }

    /// `E‖message − ∇f_w‖²`: the ℓ₂ term is the same for all samples and drops out.
    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        let terms = Records { params, old: Old::Nothing };
        spread::error(&terms, local, self.sampling, self.batch, work, |_, _| {})
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let terms = Records { params, old: Old::Nothing };
        spread::expectation(&terms, local, self.sampling, self.batch, out, work);
        batch::add_known(local, params, None, out);
    }

    fn memory(&self) -> usize {
        0
    }
}
