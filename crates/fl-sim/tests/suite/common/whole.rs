//! Softmax regression as somebody else's model: it gives whole gradients and has no records.

use fl_core::{
    Batch, Curvature, Dataset, Fold, ModelSpec, Objective, Scalar, SpecError, Stream, spec,
};
use fl_models::Softmax;

spec! {
    /// Softmax regression that gives whole gradients only.
    pub struct Whole {
        /// λ of the ℓ₂ term.
        pub l2: f64 = 0.0,
    }
}

impl<T: Scalar> ModelSpec<T> for Whole {
    fn name(&self) -> &'static str {
        "whole"
    }

    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError> {
        let model = Softmax { l2: self.l2, ..Softmax::default() }.build(columns, classes)?;
        Ok(Box::new(OfRecords(model)))
    }
}

/// What a model with records says, without them; `scratch` has room for the records.
#[derive(Debug)]
struct OfRecords<T>(Box<dyn Objective<T>>);

impl<T: Scalar> OfRecords<T> {
    fn split<'s>(&self, batch: usize, scratch: &'s mut [T]) -> [&'s mut [T]; 3] {
        let (records, rest) = scratch.split_at_mut(batch * self.0.record_len());
        let (sum, rest) = rest.split_at_mut(self.0.dim());
        [records, sum, rest]
    }
}

impl<T: Scalar> Objective<T> for OfRecords<T> {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn l2(&self) -> f64 {
        self.0.l2()
    }

    fn scratch_len(&self, batch: usize) -> usize {
        batch * self.0.record_len() + self.0.dim() + self.0.scratch_len(batch)
    }

    fn gradient(
        &self,
        params: &[T],
        batch: &Batch<T>,
        fold: Fold<'_, T>,
        _: &mut [T],
        scratch: &mut [T],
    ) {
        let [records, sum, scratch] = self.split(batch.len(), scratch);
        self.0.records(params, batch, records, scratch);
        let whole = Fold { message: &mut *sum, add: false, scale: T::ONE, ridge: None, mean: None };
        self.0.fold(batch, records, None, whole, scratch);
        fold.apply(sum);
    }

    fn evaluate(
        &self,
        params: &[T],
        batch: &Batch<T>,
        losses: &mut [f64],
        predictions: &mut [u32],
        scratch: &mut [T],
    ) {
        self.0.evaluate(params, batch, losses, predictions, scratch);
    }

    fn initialise(&self, rng: &mut Stream, params: &mut [T]) {
        self.0.initialise(rng, params);
    }

    fn check(&self, data: &Dataset) -> Result<(), SpecError> {
        self.0.check(data)
    }

    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature> {
        self.0.curvature(data, rows)
    }
}
