//! What the layers of a perceptron are, and where each has its parameters and its part of a record.

use crate::kernel::head::Head;
use crate::kernel::{elementary, forward, padded};
use crate::shared::initialise::Initialise;
use fl_core::{Scalar, choice};
use pulp::Simd;

choice! {
    /// What a hidden layer makes of its sums.
    pub enum Activation {
        /// `tanh z`, with derivative `1 − h²`.
        Tanh,
        /// `max(z, 0)`, with derivative 1 where h > 0 and 0 elsewhere, the corner included.
        Relu,
        /// `z`: a product of matrices, for checks against theory.
        Identity,
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Where its W starts in the parameters; b is behind it.
    pub(super) at: usize,
    /// Where its δ starts in a record.
    pub(super) delta: usize,
    /// Where its h starts in a record; of no meaning in the last layer.
    pub(super) hidden: usize,
}

impl Layer {
    pub(super) fn weights(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.outputs * self.inputs
    }

    pub(super) fn biases(&self) -> std::ops::Range<usize> {
        let at = self.at + self.outputs * self.inputs;
        at..at + self.outputs
    }
}

#[derive(Clone, Debug)]
pub(super) struct Layers {
    pub(super) layers: Vec<Layer>,
    pub(super) dim: usize,
    pub(super) record_len: usize,
    pub(super) activation: Activation,
    pub(super) head: Head,
    pub(super) l2: f64,
    pub(super) initialise: Initialise,
}

impl Layers {
    pub(super) fn last(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    pub(super) fn outputs(&self) -> usize {
        self.last().outputs
    }

    /// The widest layer's outputs, padded.
    pub(super) fn widest(&self) -> usize {
        self.layers.iter().map(|layer| padded(layer.outputs)).max().unwrap_or(0)
    }

    /// Numbers for one padded vector of each layer.
    pub(super) fn widths(&self) -> usize {
        self.layers.iter().map(|layer| padded(layer.outputs)).sum()
    }

    /// Numbers for the largest padded copy of an upper layer's W, either way round.
    pub(super) fn largest(&self) -> usize {
        let size = |layer: &Layer| {
            (padded(layer.outputs) * layer.inputs).max(layer.outputs * padded(layer.inputs))
        };
        self.layers[1..].iter().map(size).max().unwrap_or(0)
    }

    pub(super) fn copies_len<T>(&self, batch: usize) -> usize {
        let first = &self.layers[0];
        forward::scratch_len::<T>(first.outputs, first.inputs, batch)
            .max(self.largest() + self.widest())
    }

    /// h ← φ(h).
    #[inline(always)]
    pub(super) fn activate<T: Scalar, S: Simd>(&self, simd: S, h: &mut [T]) {
        match self.activation {
            Activation::Tanh => elementary::tanh(simd, h),
            Activation::Relu => elementary::relu(h),
            Activation::Identity => {}
        }
    }

    /// δ ← δ ∘ φ', the derivative being a function of h = φ(z).
    #[inline(always)]
    pub(super) fn derive<T: Scalar>(&self, delta: &mut [T], h: &[T]) {
        match self.activation {
            Activation::Tanh => {
                for (d, &h) in delta.iter_mut().zip(h) {
                    *d *= T::ONE - h * h;
                }
            }
            Activation::Relu => {
                for (d, &h) in delta.iter_mut().zip(h) {
                    // NaN is no number above zero, yet has to be passed on.
                    *d = if h <= T::ZERO { T::ZERO } else { *d };
                }
            }
            Activation::Identity => {}
        }
    }
}
