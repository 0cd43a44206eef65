//! The convolutional network as a network: what its calls are made of.

use super::block::Convolutions;
use super::fold::SquaredNorm;
use super::forward::Pass;
use crate::kernel::head::Head;
use crate::kernel::padded;
use crate::shared::layers::{Folding, Part};
use crate::shared::network::{Goal, Network, boxed_here};
use fl_core::data::Picture;
use fl_core::{Batch, Curvature, Dataset, Fold, Scalar, Stream};
use pulp::Arch;

impl Network for Convolutions {
    fn columns(&self) -> usize {
        self.picture.columns()
    }

    fn picture(&self) -> Option<Picture> {
        Some(self.picture)
    }

    fn outputs(&self) -> usize {
        self.upper.outputs()
    }

    fn dim(&self) -> usize {
        self.upper.dim
    }

    fn record_len(&self) -> usize {
        self.upper.record_len
    }

    fn l2(&self) -> f64 {
        self.upper.l2
    }

    fn head(&self) -> Head {
        self.upper.head
    }

    fn with_head(&self, head: Head) -> Self {
        let mut changed = self.clone();
        changed.upper.head = head;
        changed
    }

    fn scratch_len<T: Scalar>(&self, batch: usize) -> usize {
        let upper = &self.upper;
        let values = batch * upper.widths() + padded(batch) * (upper.outputs() + 1);
        let dense = padded(upper.copies_len::<T>(batch)) + 2 * batch * upper.widest();
        // The forward pass through the blocks is over when the backward pass begins.
        let pass = values + dense.max(padded(upper.copies_len::<T>(batch)) + self.features_len());
        let back = values + dense + self.backward_len();
        let fold = self.fold_len().max(upper.fold_len(batch));
        pass.max(back).max(fold) + 128
    }

    fn pass<T: Scalar>(
        &self,
        params: &[T],
        batch: &Batch<T>,
        scratch: &mut [T],
        goal: Goal<'_, T>,
    ) {
        Arch::new().dispatch(Pass { model: self, params, batch, goal, scratch });
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
        Arch::new().dispatch(Folding { model: self, batch, records, fold, scratch });
    }

    /// The gradient is linear in the deltas; hidden pictures and places of maxima stay.
    fn deltas(&self) -> usize {
        self.upper.deltas()
    }

    fn squared_norm<T: Scalar>(
        &self,
        batch: &Batch<T>,
        j: usize,
        new: &[T],
        old: Option<&[T]>,
        scratch: &mut [T],
    ) -> f64 {
        let records = Part { new, old };
        let op = SquaredNorm { model: self, batch, j, records, scratch };
        Arch::new().dispatch(op) + self.upper.squared_norm(records)
    }

    fn initialise<T: Scalar>(&self, rng: &mut Stream, params: &mut [T]) {
        for block in &self.blocks {
            let (weights, biases) = params[block.weights().start..block.biases().end]
                .split_at_mut(block.inputs() * block.channels);
            let outputs = block.channels * block.kernel * block.kernel;
            self.upper.initialise.draw(rng, (block.inputs(), outputs), weights, biases);
        }
        self.upper.initialise(rng, params);
    }

    /// Not convex, so there is no constant of strong convexity.
    fn curvature(&self, _: &Dataset, _: &[u32]) -> Option<Curvature> {
        None
    }

    fn curvature_of_means(&self, _: &Dataset, _: &[&[u32]]) -> Option<Curvature> {
        None
    }

    boxed_here!();
}
