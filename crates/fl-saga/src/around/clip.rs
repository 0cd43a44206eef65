//! Clipping what a worker sends.

use crate::shared::decorated::{Decorated, decorates, delegates, keeps_inner, without_formula};
use crate::shared::length;
use fl_core::{
    Cx, Estimator, EstimatorSpec, Local, Objective, Scalar, SpecError, Visit, Workspace, spec,
};

spec! {
    /// Clipping of any estimator's messages v to a Euclidean norm of at most τ.
    ///
    /// ```text
    /// message = min(1, τ/‖v‖) v
    /// ```
    ///
    /// This is what honest workers do to their own messages; clipping by the central node is a pre-aggregator.
    ///
    /// # Requirements
    /// A finite τ above 0.
    ///
    /// # Effect
    /// No formula for the inner variation is known: it is NaN.
    ///
    /// # Cost
    /// That of the estimator, and two passes over p numbers.
    ///
    /// # Memory
    /// The estimator's.
    ///
    /// # Non-finite
    /// A message with NaN or infinity is sent as it is, so that divergence is seen.
    ///
    /// # Randomness
    /// The estimator's.
    ///
    /// # Bias
    /// Biased wherever some message is longer than τ.
    ///
    /// # Reference
    /// Pascanu, Mikolov, Bengio, *On the difficulty of training recurrent neural networks*, 2013.
    pub struct Clip {
        /// τ, the largest norm of a message.
        pub norm: f64 = 1.0,
    }
}

decorates!(Clip, "clip");

impl<T: Scalar> EstimatorSpec<T> for Decorated<T, Clip> {
    delegates!();

    fn memory(&self, objective: &dyn Objective<T>, samples: usize) -> Option<usize> {
        self.inner.memory(objective, samples)
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        let Clip { norm } = self.decorator;
        if !(norm > 0.0 && norm.is_finite()) {
            return Err(SpecError::new("norm", "a finite number above 0", norm).of("clip"));
        }
        Ok(Box::new(State { norm, inner: self.inside(local)? }))
    }
}

#[derive(Debug)]
struct State<T> {
    norm: f64,
    inner: Box<dyn Estimator<T>>,
}

impl<T: Scalar> Estimator<T> for State<T> {
    keeps_inner!();
    without_formula!();

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        self.inner.message(cx, local, params, out, work);
        length::set(out, self.norm, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip<T: Scalar>(message: &mut [T], tau: f64) {
        length::set(message, tau, false);
    }

    #[test]
    fn long_messages_are_shortened_and_short_ones_are_not() {
        let mut long = [3.0, -4.0f64];
        clip(&mut long, 2.5);
        assert_eq!(long, [1.5, -2.0]);
        let mut short = [0.3, -0.4f32];
        clip(&mut short, 2.5);
        assert_eq!(short, [0.3, -0.4]);
        let mut zero = [0.0f32; 2];
        clip(&mut zero, 2.5);
        assert_eq!(zero, [0.0; 2]);
    }

    #[test]
    fn messages_whose_squares_overflow_are_shortened_too() {
        let mut huge = [3e200, -4e200f64];
        clip(&mut huge, 5.0);
        assert!((huge[0] - 3.0).abs() < 1e-12 && (huge[1] + 4.0).abs() < 1e-12, "{huge:?}");
    }

    #[test]
    fn divergence_stays_visible() {
        let mut infinite = [1.0, f64::INFINITY];
        clip(&mut infinite, 1.0);
        assert_eq!(infinite, [1.0, f64::INFINITY]);
        let mut nan = [f32::NAN, 1.0];
        clip(&mut nan, 1.0);
        assert!(nan[0].is_nan() && nan[1] == 1.0);
    }
}
