//! Several steps of a worker's own between two messages.

use crate::shared::batch;
use crate::shared::decorated::{Decorated, decorates, delegates, keeps_inner};
use fl_core::{
    AlignedVec, Cx, Estimator, EstimatorSpec, Local, Objective, Scalar, SpecError, Visit,
    Workspace, choice, spec,
};

spec! {
    /// E local steps with any estimator between two messages, as in federated averaging.
    ///
    /// ```text
    /// y_0 = x,   y_{e+1} = y_e − η v_e(y_e),   e = 0 … E − 1
    /// message = x − y_E                   difference   (the default)
    /// message = (x − y_E) / (E η)         gradient
    /// ```
    ///
    /// With `difference` a server step of 1 makes the mean of messages the mean of models:
    /// `x − mean(x − y_E) = mean(y_E)`, which is federated averaging with equal weights. With `gradient` messages are
    /// the mean of the directions that were taken, as long as gradients are. So step sizes and attacks of a fixed size
    /// mean what they mean for E = 1. A server step of `E η` then averages models.
    ///
    /// # Requirements
    /// E of at least 1; a finite η above 0.
    ///
    /// # Effect
    /// The inner variation is that of the estimator for a `gradient` of one step.
    /// Otherwise no formula is known: it is NaN.
    ///
    /// # Cost
    /// E times that of the estimator, and E + 1 passes over p numbers.
    ///
    /// # Memory
    /// p numbers, and the estimator's.
    ///
    /// # Non-finite
    /// NaN and infinity are sent as they are, so that divergence is seen.
    ///
    /// # Randomness
    /// Local step e of round k draws as round `k E + e` would, so each has an address of its own.
    /// Whatever the estimator counts in rounds (SVRG's m, SAGA's summing anew) it counts in local steps.
    /// Draws end at local step 2³².
    ///
    /// # Bias
    /// Biased: gradients are taken where the worker has drifted to.
    ///
    /// # Reference
    /// McMahan, Moore, Ramage, Hampson, Agüera y Arcas, *Communication-efficient learning of deep networks from decentralized data*,
    /// 2017.
    ///
    /// # Example
    /// ```
    /// use fl_core::EstimatorSpec;
    /// use fl_saga::{LocalSteps, Sgd};
    /// let spec = LocalSteps { steps: 5, step: 0.01, ..LocalSteps::default() };
    /// let spec = spec.over::<f32>(Box::new(Sgd::new(32)));
    /// assert_eq!((spec.name(), spec.batch()), ("local-steps", 32));
    /// ```
    pub struct LocalSteps {
        /// E, steps between two messages.
        pub steps: usize = 1,
        /// η, the size of a local step.
        pub step: f64 = 0.01,
        /// What is sent.
        pub send: Sent = Sent::Difference,
    }
}

decorates!(LocalSteps, "local-steps");

choice! {
    /// What a worker sends after its local steps.
    pub enum Sent {
        /// `x − y_E`: a server step of 1 averages models.
        Difference,
        /// `(x − y_E) / (E η)`: the mean direction.
        Gradient,
    }
}

impl LocalSteps {
    /// Whether what is sent is the estimator's message.
    fn is_plain(&self) -> bool {
        self.steps == 1 && self.send == Sent::Gradient
    }
}

impl<T: Scalar> EstimatorSpec<T> for Decorated<T, LocalSteps> {
    delegates!();

    fn memory(&self, objective: &dyn Objective<T>, samples: usize) -> Option<usize> {
        let own = batch::bytes::<T>(&[(1, objective.dim())]);
        Some(self.inner.memory(objective, samples)?.saturating_add(own))
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        let LocalSteps { steps, step, .. } = self.decorator;
        if steps == 0 {
            return Err(SpecError::new("steps", "at least 1", 0).of("local-steps"));
        }
        if !(step > 0.0 && step.is_finite()) {
            return Err(SpecError::new("step", "a finite number above 0", step).of("local-steps"));
        }
        Ok(Box::new(State {
            spec: self.decorator,
            inner: self.inside(local)?,
            direction: AlignedVec::zeros(local.objective.dim()),
        }))
    }
}

#[derive(Debug)]
struct State<T> {
    spec: LocalSteps,
    inner: Box<dyn Estimator<T>>,
    direction: AlignedVec<T>,
}

impl<T> State<T> {
    /// Where local step `e` of this round stands in time.
    fn moment<'a>(&self, cx: &Cx<'a>, e: usize) -> Cx<'a> {
        cx.at(cx.round() * self.spec.steps as u64 + e as u64)
    }
}

impl<T: Scalar> Estimator<T> for State<T> {
    keeps_inner!();

    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        self.inner.look_ahead(&self.moment(cx, 0), local, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        if self.spec.is_plain() {
            return self.inner.message(cx, local, params, out, work);
        }
        let LocalSteps { steps, step, send } = self.spec;
        let eta = T::from_f64(step);
        // y is kept where the message will be.
        out.copy_from_slice(params);
        for e in 0..steps {
            if cx.is_interrupted() {
                return;
            }
            let cx = self.moment(cx, e);
            self.inner.message(&cx, local, out, &mut self.direction, work);
            for (y, &v) in out.iter_mut().zip(&*self.direction) {
                *y -= eta * v;
            }
        }
        let scale = match send {
            Sent::Difference => T::ONE,
            Sent::Gradient => T::from_f64(1.0 / (steps as f64 * step)),
        };
        for (out, &x) in out.iter_mut().zip(params) {
            *out = scale * (x - *out);
        }
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        if self.spec.is_plain() { self.inner.variation(local, params, work) } else { f64::NAN }
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        if self.spec.is_plain() {
            return self.inner.expectation(local, params, out, work);
        }
        out.fill(T::from_f64(f64::NAN));
    }

    fn memory(&self) -> usize {
        self.inner.memory() + self.direction.len() * size_of::<T>()
    }
}
