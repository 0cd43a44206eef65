//! From the first layer's values to the last one's.

use super::stack::{Layer, Layers};
use crate::kernel::dense::{self, Left, Start};
use crate::kernel::{padded, take};
use fl_core::Scalar;
use pulp::Simd;

impl Layers {
    /// Hidden vectors and logits of all samples, sample-major with padded rows, layer behind layer, in `values`, whose first
    /// layer is there: before its activation, or as it is where it is given.
    #[inline(always)]
    pub(crate) fn upwards<T: Scalar, S: Simd>(
        &self,
        simd: S,
        params: &[T],
        samples: usize,
        values: &mut [T],
        copies: &mut [T],
    ) {
        let first = samples * padded(self.layers[0].outputs);
        let (mut inputs, mut rest) = values.split_at_mut(first);
        for (l, layer) in self.layers.iter().enumerate().skip(1) {
            if l > 1 || !self.given {
                self.activation.activate(simd, inputs);
            }
            let (outputs, behind) = rest.split_at_mut(samples * padded(layer.outputs));
            if layer.is_large::<T>() {
                layer.large(simd, params, samples, inputs, outputs, copies);
            } else {
                layer.small(simd, params, samples, inputs, outputs, copies);
            }
            (inputs, rest) = (outputs, behind);
        }
    }

    /// Output-major z from the last layer's sample-major one.
    #[inline(always)]
    pub(crate) fn outputs_first<T: Scalar>(&self, samples: usize, values: &[T], logits: &mut [T]) {
        let width = padded(self.outputs());
        let last = &values[values.len() - samples * width..];
        for (j, z) in last.chunks_exact(width).enumerate() {
            for (row, &z) in logits.chunks_exact_mut(padded(samples)).zip(z) {
                row[j] = z;
            }
        }
    }

    /// What the model says about each sample, without padding.
    pub(crate) fn say<T: Scalar>(&self, samples: usize, values: &[T], out: &mut [T]) {
        let width = padded(self.outputs());
        let last = &values[values.len() - samples * width..];
        for (out, z) in out.chunks_exact_mut(self.outputs()).zip(last.chunks_exact(width)) {
            out.copy_from_slice(&z[..self.outputs()]);
        }
    }
}

impl Layer {
    /// `inputs · Wᵀ + b`, by Wᵀ written out.
    #[inline(always)]
    fn small<T: Scalar, S: Simd>(
        &self,
        simd: S,
        params: &[T],
        samples: usize,
        inputs: &[T],
        outputs: &mut [T],
        copies: &mut [T],
    ) {
        let width = padded(self.outputs);
        let (transposed, bias) = copies.split_at_mut(self.inputs * width);
        dense::transpose(&params[self.weights()], self.inputs, self.outputs, transposed);
        let bias = &mut bias[..width];
        bias[..self.outputs].copy_from_slice(&params[self.biases()]);
        bias[self.outputs..].fill(T::ZERO);
        let left = Left { a: inputs, apart: (padded(self.inputs), 1) };
        let start = Start::Row(bias);
        dense::product(simd, samples, self.inputs, width, left, transposed, start, outputs);
    }

    /// The same as `(b + W · inputsᵀ)ᵀ`: the same sums in the same order.
    #[inline(always)]
    fn large<T: Scalar, S: Simd>(
        &self,
        simd: S,
        params: &[T],
        samples: usize,
        inputs: &[T],
        outputs: &mut [T],
        mut copies: &mut [T],
    ) {
        let across = padded(samples);
        let transposed = take(&mut copies, self.inputs * across);
        let sums = take(&mut copies, self.outputs * across);
        let (from, width) = (padded(self.inputs), padded(self.outputs));
        for (i, row) in transposed.chunks_exact_mut(across).enumerate() {
            let (row, padding) = row.split_at_mut(samples);
            for (x, input) in row.iter_mut().zip(inputs.chunks_exact(from)) {
                *x = input[i];
            }
            padding.fill(T::ZERO);
        }
        for (row, &b) in sums.chunks_exact_mut(across).zip(&params[self.biases()]) {
            row.fill(b);
        }
        let left = Left { a: &params[self.weights()], apart: (self.inputs, 1) };
        let (rows, inner, start) = (self.outputs, self.inputs, Start::There);
        dense::product(simd, rows, inner, across, left, transposed, start, sums);
        for (j, output) in outputs.chunks_exact_mut(width).enumerate() {
            let (output, padding) = output.split_at_mut(self.outputs);
            for (z, row) in output.iter_mut().zip(sums.chunks_exact(across)) {
                *z = row[j];
            }
            padding.fill(T::ZERO);
        }
    }
}
