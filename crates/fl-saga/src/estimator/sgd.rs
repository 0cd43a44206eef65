//! The plain mini-batch stochastic gradient.

use crate::shared::batch;
use crate::shared::draw::draws;
use crate::shared::sampling::Sampling;
use crate::shared::spread::{self, Old, Records};
use fl_core::{Cx, Estimator, Local, Objective, Role, Scalar, SpecError, Visit, Workspace, spec};

spec! {
    /// The mean gradient of a batch of samples, drawn anew each round: the message (4).
    ///
    /// ```text
    /// message = (1/b) Σ_{j∈I} ∇f_{w,j}(x)
    /// ```
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker.
    ///
    /// # Effect
    /// The inner variation is that of a single sample's gradient times the factor of [`Sampling`].
    /// It does not vanish at the optimum.
    ///
    /// # Cost
    /// One forward and one backward pass over the batch.
    ///
    /// # Memory
    /// None between rounds.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, so that divergence is seen.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round).
    ///
    /// # Bias
    /// Unbiased for every b, unless the sampling is not ([`Sampling::WindowCut`]).
    ///
    /// # Reference
    /// The paper's (4); Robbins, Monro, *A stochastic approximation method*, 1951.
    ///
    /// # Example
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

draws!(Sgd, "sgd", keeps_nothing: true);

impl Sgd {
    fn bytes<T: Scalar>(&self, _: &dyn Objective<T>, _: usize) -> usize {
        0
    }

    fn estimator<T: Scalar>(&self, _: &Local<'_, T>) -> Result<Self, SpecError> {
        Ok(*self)
    }
}

impl<T: Scalar> Estimator<T> for Sgd {
    fn start(&mut self, _: &Local<'_, T>, _: &[T], _: &mut Workspace<T>) {}

    fn state(&mut self, _: &mut Visit<'_, T>) {}

    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        self.draw().ahead(cx, local, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let n = self.draw().places(cx, local, work);
        batch::gather(local, n, work);
        if let Some(augmentation) = &mut work.augmentation {
            augmentation.apply(&mut cx.draw(Role::Augment, local.worker), &mut work.batch);
        }
        batch::whole(local, params, work, true, (out, false), self.draw().share(), None);
    }

    /// `E‖message − ∇f_w‖²`: the ℓ₂ term is the same for all samples and drops out.
    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        let terms = Records { params, old: Old::Nothing };
        spread::error(&terms, local, self.draw(), work, |_, _| {})
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let terms = Records { params, old: Old::Nothing };
        spread::expectation(&terms, local, self.draw(), out, work);
        batch::add_known(local, params, None, out);
    }

    fn memory(&self) -> usize {
        0
    }
}
