//! What estimators will need, said before anything is allocated.

use fl_core::{EstimatorSpec, Objective, Scalar};

/// Bytes that the estimators of all workers keep between rounds, from the workers' numbers of samples J; `None` where a
/// spec does not say, `usize::MAX` where the number is beyond `usize`. Nothing is allocated.
///
/// With s bytes a number, p parameters and r numbers in a record, a worker keeps
///
/// | estimator | bytes |
/// |---|---|
/// | [`crate::Sgd`], [`crate::FullGradient`] | 0 |
/// | [`crate::Saga`], [`crate::Sag`] | s (J r + p), and s b where draws repeat |
/// | [`crate::DenseSaga`] | s (J + 2) p, and s b where draws repeat |
/// | [`crate::Svrg`], [`crate::LooplessSvrg`], [`crate::Sarah`], [`crate::Page`], [`crate::Storm`], [`crate::ByzVrMarina`] | 2 s p |
/// | [`crate::Momentum`], [`crate::LocalSteps`] | s p more than what is inside, 2 s p for double momentum |
/// | [`crate::Clip`] | what is inside |
///
/// (`T` is the type of the numbers, so s is 4 or 8.)
pub fn memory<T: Scalar>(
    spec: &dyn EstimatorSpec<T>,
    objective: &dyn Objective<T>,
    samples: impl IntoIterator<Item = usize>,
) -> Option<usize> {
    samples
        .into_iter()
        .try_fold(0usize, |sum, j| Some(sum.saturating_add(spec.memory(objective, j)?)))
}
