//! The perceptron as a network: what its calls are made of.

use super::pass::{self, Pass};
use crate::kernel::head::Head;
use crate::kernel::{dot, padded};
use crate::shared::layers::{Folding, Layers, Part};
use crate::shared::linear::curvature;
use crate::shared::network::{Goal, Network, boxed_here};
use fl_core::{Batch, Curvature, Dataset, Fold, Scalar, Stream};
use pulp::Arch;

/// Dense layers above a batch.
#[derive(Clone, Debug)]
pub(super) struct Dense(pub(super) Layers);

impl Network for Dense {
    fn columns(&self) -> usize {
        self.0.layers[0].inputs
    }

    fn outputs(&self) -> usize {
        self.0.outputs()
    }

    fn dim(&self) -> usize {
        self.0.dim
    }

    fn record_len(&self) -> usize {
        self.0.record_len
    }

    fn l2(&self) -> f64 {
        self.0.l2
    }

    fn head(&self) -> Head {
        self.0.head
    }

    fn with_head(&self, head: Head) -> Self {
        Self(Layers { head, ..self.0.clone() })
    }

    fn scratch_len<T: Scalar>(&self, batch: usize) -> usize {
        let (model, widest) = (&self.0, self.0.widest());
        let z = padded(batch) * (model.outputs() + 1);
        // A smaller batch than the largest may take the other way through the first layer.
        let copies = pass::copies_len::<T>(model, batch).max(pass::copies_len::<T>(model, 1));
        let pass = batch * model.widths() + z + 2 * batch * widest + padded(copies);
        let first = batch * padded(model.layers[0].outputs) + widest;
        pass.max(first + model.fold_len(batch)) + 64
    }

    fn pass<T: Scalar>(
        &self,
        params: &[T],
        batch: &Batch<T>,
        scratch: &mut [T],
        goal: Goal<'_, T>,
    ) {
        Arch::new().dispatch(Pass { model: &self.0, params, batch, scratch, goal });
    }

    fn fold<T: Scalar>(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    ) {
        let records = Part { new, old };
        Arch::new().dispatch(Folding { model: &self.0, batch, records, fold, scratch });
    }

    /// The gradient is linear in the deltas; the hidden vectors stay.
    fn deltas(&self) -> usize {
        self.0.deltas()
    }

    fn squared_norm<T: Scalar>(
        &self,
        batch: &Batch<T>,
        j: usize,
        new: &[T],
        old: Option<&[T]>,
        _: &mut [T],
    ) -> f64 {
        let (part, values) = (Part { new, old }, batch.values(j));
        let first = self.0.layers[0].delta..self.0.layers[0].outputs;
        part.difference(first).0 * (dot(values, values) + 1.0) + self.0.squared_norm(part)
    }

    fn initialise<T: Scalar>(&self, rng: &mut Stream, params: &mut [T]) {
        self.0.initialise(rng, params);
    }

    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature> {
        (self.0.layers.len() == 1).then(|| curvature(self.0.head, true, self.0.l2, data, &[rows]))
    }

    fn curvature_of_means(&self, data: &Dataset, workers: &[&[u32]]) -> Option<Curvature> {
        (self.0.layers.len() == 1).then(|| curvature(self.0.head, true, self.0.l2, data, workers))
    }

    boxed_here!();
}
