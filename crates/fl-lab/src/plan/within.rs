//! Estimators for workers with fewer samples than a batch.

use crate::name::Number;
use fl_core::{Estimator, EstimatorSpec, Local, Objective, SpecError};

/// An estimator by its batch, in rising order, of which a worker takes the largest that its samples fill.
#[derive(Debug)]
pub(super) struct WithinSamples<T: Number>(Vec<Box<dyn EstimatorSpec<T>>>);

impl<T: Number> WithinSamples<T> {
    /// One is itself.
    pub(super) fn of(mut specs: Vec<Box<dyn EstimatorSpec<T>>>) -> Box<dyn EstimatorSpec<T>> {
        match specs.pop() {
            Some(only) if specs.is_empty() => only,
            last => Box::new(Self(specs.into_iter().chain(last).collect())),
        }
    }

    fn largest(&self) -> &dyn EstimatorSpec<T> {
        &*self.0[self.0.len() - 1]
    }

    fn within(&self, samples: usize) -> &dyn EstimatorSpec<T> {
        let fits = self.0.iter().rev().find(|spec| spec.batch() <= samples);
        &**fits.unwrap_or(&self.0[0])
    }
}

impl<T: Number> EstimatorSpec<T> for WithinSamples<T> {
    fn name(&self) -> &'static str {
        self.largest().name()
    }

    fn batch(&self) -> usize {
        self.largest().batch()
    }

    fn capacity(&self) -> usize {
        self.0.iter().map(|spec| spec.capacity()).max().unwrap_or(0)
    }

    fn memory(&self, objective: &dyn Objective<T>, samples: usize) -> Option<usize> {
        self.within(samples).memory(objective, samples)
    }

    fn keeps_nothing(&self) -> bool {
        self.largest().keeps_nothing()
    }

    fn hears(&self) -> bool {
        self.largest().hears()
    }

    fn check(&self, objective: &dyn Objective<T>, samples: usize) -> Result<(), SpecError> {
        self.largest().check(objective, samples)
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        self.within(local.samples.len()).build(local)
    }
}
