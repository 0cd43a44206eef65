//! What the layers are, and where each has its parameters and its part of a record.

use crate::kernel::head::Head;
use crate::kernel::{dot, padded};
use crate::shared::activation::Activation;
use crate::shared::initialise::Initialise;
use fl_core::{Batch, Fold, Scalar, SpecError, Stream};
use std::ops::Range;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Where its W starts in the parameters; b is behind it.
    pub(crate) at: usize,
    /// Where its δ starts in a record.
    pub(crate) delta: usize,
    /// Where its h starts in a record; of no meaning in the last layer.
    pub(crate) hidden: usize,
}

impl Layer {
    pub(crate) fn weights(&self) -> Range<usize> {
        self.at..self.at + self.outputs * self.inputs
    }

    pub(crate) fn biases(&self) -> Range<usize> {
        let at = self.at + self.outputs * self.inputs;
        at..at + self.outputs
    }

    /// Whether Wᵀ is too large to be written out for every batch; vectors are then transposed in its place.
    pub(crate) fn is_large<T>(&self) -> bool {
        padded(self.outputs) * self.inputs * size_of::<T>() > 1 << 17
    }

    /// Whether rows of W are whole registers, so that the backward product reads W where it is.
    pub(crate) fn is_whole(&self) -> bool {
        self.inputs == padded(self.inputs)
    }
}

/// A part of two records: what is there, and what was there.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a, T> {
    pub(crate) new: &'a [T],
    pub(crate) old: Option<&'a [T]>,
}

/// The sum of gradients of a model over a batch, from records; each model says how.
pub(crate) struct Folding<'a, M, T> {
    pub(crate) model: &'a M,
    pub(crate) batch: &'a Batch<T>,
    pub(crate) records: Part<'a, T>,
    pub(crate) fold: Fold<'a, T>,
    pub(crate) scratch: &'a mut [T],
}

#[derive(Clone, Debug)]
pub(crate) struct Layers {
    pub(crate) layers: Vec<Layer>,
    /// Whether the first layer stands for features that something else computes: it has no parameters and no activation of
    /// its own.
    pub(crate) given: bool,
    pub(crate) dim: usize,
    pub(crate) record_len: usize,
    pub(crate) activation: Activation,
    pub(crate) head: Head,
    pub(crate) l2: f64,
    pub(crate) initialise: Initialise,
}

impl Layers {
    pub(crate) fn check_hidden(hidden: &[usize]) -> Result<(), SpecError> {
        match hidden.iter().position(|&n| n == 0) {
            Some(layer) => Err(SpecError::new(format!("hidden[{layer}]"), "at least 1", 0)),
            None => Ok(()),
        }
    }

    pub(crate) fn last(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    pub(crate) fn outputs(&self) -> usize {
        self.last().outputs
    }

    /// Numbers at the beginning of a record in which the gradient is linear.
    pub(crate) fn deltas(&self) -> usize {
        self.last().delta + self.outputs()
    }

    /// The widest layer's outputs, padded.
    pub(crate) fn widest(&self) -> usize {
        self.layers.iter().map(|layer| padded(layer.outputs)).max().unwrap_or(0)
    }

    /// Numbers for one padded vector of each layer.
    pub(crate) fn widths(&self) -> usize {
        self.layers.iter().map(|layer| padded(layer.outputs)).sum()
    }

    /// Numbers for the largest copy that the upper layers' forward and backward passes make for `batch` samples.
    pub(crate) fn copies_len<T>(&self, batch: usize) -> usize {
        let size = |layer: &Layer| {
            let forward = if layer.is_large::<T>() {
                (layer.inputs + layer.outputs) * padded(batch)
            } else {
                padded(layer.outputs) * layer.inputs + padded(layer.outputs)
            };
            let rows = if layer.is_whole() { 0 } else { layer.outputs * padded(layer.inputs) };
            forward.max(rows)
        };
        self.layers[1..].iter().map(size).max().unwrap_or(0)
    }

    /// ‖∇(new) − ∇(old)‖² over the parameters of the upper layers, for one sample.
    pub(crate) fn squared_norm<T: Scalar>(&self, part: Part<'_, T>) -> f64 {
        let mut out = 0.0;
        for pair in self.layers.windows(2) {
            let delta = pair[1].delta..pair[1].delta + pair[1].outputs;
            let hidden = pair[0].hidden..pair[0].hidden + pair[0].outputs;
            let (dd, d_old, old_old) = part.difference(delta);
            let (hh, h_new, new_new) = {
                let (hh, h_old, _) = part.difference(hidden.clone());
                // (h_n − h_o)·h_n = |h_n − h_o|² + (h_n − h_o)·h_o.
                (hh, hh + h_old, dot(&part.new[hidden.clone()], &part.new[hidden]))
            };
            // δ_n h_nᵀ − δ_o h_oᵀ = (δ_n − δ_o) h_nᵀ + δ_o (h_n − h_o)ᵀ: by differences, which do not cancel.
            out += dd * new_new + 2.0 * d_old * h_new + old_old * hh + dd;
        }
        out
    }

    /// The first parameters of all layers that have some.
    pub(crate) fn initialise<T: Scalar>(&self, rng: &mut Stream, params: &mut [T]) {
        for layer in &self.layers[usize::from(self.given)..] {
            let (weights, biases) = params[layer.weights().start..layer.biases().end]
                .split_at_mut(layer.inputs * layer.outputs);
            self.initialise.draw(rng, (layer.inputs, layer.outputs), weights, biases);
        }
    }
}

impl<T: Scalar> Part<'_, T> {
    /// `(|n − o|², (n − o)·o, |o|²)` in f64; without an old record o = 0.
    pub(crate) fn difference(self, part: Range<usize>) -> (f64, f64, f64) {
        let new = &self.new[part.clone()];
        let Some(old) = self.old else { return (dot(new, new), 0.0, 0.0) };
        let mut sums = (0.0, 0.0, 0.0);
        for (n, o) in new.iter().zip(&old[part]) {
            let (n, o) = (n.to_f64(), o.to_f64());
            sums.0 += (n - o) * (n - o);
            sums.1 += (n - o) * o;
            sums.2 += o * o;
        }
        sums
    }
}
