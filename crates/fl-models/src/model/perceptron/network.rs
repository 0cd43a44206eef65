//! The perceptron as a network: what its calls are made of.

use super::folding::Folding;
use super::layers::Layers;
use super::pass::Pass;
use crate::kernel::head::Head;
use crate::kernel::{dot, padded};
use crate::shared::linear::curvature;
use crate::shared::network::{Goal, Network, boxed_here};
use fl_core::{Batch, Curvature, Dataset, Fold, Scalar, Stream};
use pulp::Arch;

impl Network for Layers {
    fn columns(&self) -> usize {
        self.layers[0].inputs
    }

    fn outputs(&self) -> usize {
        self.last().outputs
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn record_len(&self) -> usize {
        self.record_len
    }

    fn l2(&self) -> f64 {
        self.l2
    }

    fn head(&self) -> Head {
        self.head
    }

    fn with_head(&self, head: Head) -> Self {
        Self { head, ..self.clone() }
    }

    fn scratch_len<T: Scalar>(&self, batch: usize) -> usize {
        let z = padded(batch) * (self.outputs() + 1);
        let widest = self.widest();
        // A smaller batch than the largest may take the other way through the first layer.
        let copies = self.copies_len::<T>(batch).max(self.copies_len::<T>(1));
        let pass = batch * self.widths() + z + 2 * batch * widest + padded(copies);
        let first = batch * padded(self.layers[0].outputs) + widest;
        let upper = 4 * batch * widest + self.largest() + widest;
        pass.max(first + upper) + 64
    }

    fn pass<T: Scalar>(
        &self,
        params: &[T],
        batch: &Batch<T>,
        scratch: &mut [T],
        goal: Goal<'_, T>,
    ) {
        Arch::new().dispatch(Pass { model: self, params, batch, scratch, goal });
    }

    fn fold<T: Scalar>(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    ) {
        Arch::new().dispatch(Folding { model: self, batch, new, old, fold, scratch });
    }

    /// The gradient is linear in the deltas; the hidden vectors stay.
    fn deltas(&self) -> usize {
        self.last().delta + self.outputs()
    }

    fn squared_norm<T: Scalar>(&self, values: &[T], new: &[T], old: Option<&[T]>) -> f64 {
        // Of δ_n and δ_o: |δ_n − δ_o|², and the same with h.
        let input = dot(values, values);
        let first = self.layers[0].delta..self.layers[0].outputs;
        let mut out = difference(first, new, old).0 * (input + 1.0);
        for pair in self.layers.windows(2) {
            let delta = pair[1].delta..pair[1].delta + pair[1].outputs;
            let hidden = pair[0].hidden..pair[0].hidden + pair[0].outputs;
            let (dd, d_old, old_old) = difference(delta, new, old);
            let (hh, h_new, new_new) = {
                let (hh, h_old, _) = difference(hidden.clone(), new, old);
                // (h_n − h_o)·h_n = |h_n − h_o|² + (h_n − h_o)·h_o.
                (hh, hh + h_old, dot(&new[hidden.clone()], &new[hidden]))
            };
            // δ_n h_nᵀ − δ_o h_oᵀ = (δ_n − δ_o) h_nᵀ + δ_o (h_n − h_o)ᵀ: by differences, which do not cancel.
            out += dd * new_new + 2.0 * d_old * h_new + old_old * hh + dd;
        }
        out
    }

    fn initialise<T: Scalar>(&self, rng: &mut Stream, params: &mut [T]) {
        for layer in &self.layers {
            let (weights, biases) = params[layer.weights().start..layer.biases().end]
                .split_at_mut(layer.inputs * layer.outputs);
            self.initialise.draw(rng, (layer.inputs, layer.outputs), weights, biases);
        }
    }

    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature> {
        (self.layers.len() == 1).then(|| curvature(self.head, true, self.l2, data, &[rows]))
    }

    fn curvature_of_means(&self, data: &Dataset, workers: &[&[u32]]) -> Option<Curvature> {
        (self.layers.len() == 1).then(|| curvature(self.head, true, self.l2, data, workers))
    }

    boxed_here!();
}

/// `(|n − o|², (n − o)·o, |o|²)` of a part of two records in f64; without an old record o = 0.
fn difference<T: Scalar>(
    part: std::ops::Range<usize>,
    new: &[T],
    old: Option<&[T]>,
) -> (f64, f64, f64) {
    let Some(old) = old else { return (dot(&new[part.clone()], &new[part]), 0.0, 0.0) };
    let mut sums = (0.0, 0.0, 0.0);
    for (n, o) in new[part.clone()].iter().zip(&old[part]) {
        let (n, o) = (n.to_f64(), o.to_f64());
        sums.0 += (n - o) * (n - o);
        sums.1 += (n - o) * o;
        sums.2 += o * o;
    }
    sums
}
