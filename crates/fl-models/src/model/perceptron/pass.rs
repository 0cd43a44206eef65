//! Forward through all layers, and back as far as the deltas.

use super::layers::Layers;
use crate::kernel::dense::{self, Left};
use crate::kernel::forward::{self, Order};
use crate::kernel::{copy, padded, take};
use crate::shared::network::Goal;
use fl_core::{Batch, Scalar};
use pulp::{Simd, WithSimd};

pub(super) struct Pass<'a, T> {
    pub(super) model: &'a Layers,
    pub(super) params: &'a [T],
    pub(super) batch: &'a Batch<T>,
    pub(super) scratch: &'a mut [T],
    pub(super) goal: Goal<'a, T>,
}

impl<T: Scalar> WithSimd for Pass<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Pass { model, params, batch, mut scratch, goal } = self;
        let samples = batch.len();
        let values = take(&mut scratch, samples * model.widths());
        let z = take(&mut scratch, padded(samples) * model.outputs());
        let row = take(&mut scratch, padded(samples));
        let (copies, scratch) = scratch.split_at_mut(padded(model.copies_len::<T>(samples)));
        model.forward(simd, params, batch, values, copies);
        match goal {
            Goal::Records(records) => {
                model.outputs_first(samples, values, z);
                let at = &mut records[model.last().delta..];
                model.head.residuals(simd, z, batch, row, at, model.record_len);
                model.backward(simd, params, samples, values, records, copies, scratch);
            }
            Goal::Losses(losses, predictions) => {
                model.outputs_first(samples, values, z);
                model.head.losses(simd, z, batch, row, losses, predictions);
            }
            Goal::Outputs(out) => {
                let width = padded(model.outputs());
                let last = &values[values.len() - samples * width..];
                for (out, z) in out.chunks_exact_mut(model.outputs()).zip(last.chunks_exact(width))
                {
                    out.copy_from_slice(&z[..model.outputs()]);
                }
            }
        }
    }
}

impl Layers {
    /// Hidden vectors and logits of all samples, sample-major with padded rows, layer behind layer, into `values`.
    #[inline(always)]
    fn forward<T: Scalar, S: Simd>(
        &self,
        simd: S,
        params: &[T],
        batch: &Batch<T>,
        values: &mut [T],
        copies: &mut [T],
    ) {
        let samples = batch.len();
        let first = &self.layers[0];
        let (mut inputs, mut rest) = values.split_at_mut(samples * padded(first.outputs));
        let (w, b) = (&params[first.weights()], &params[first.biases()]);
        forward::affine(simd, w, b, first.outputs, batch, inputs, Order::Sample, copies);
        for layer in &self.layers[1..] {
            // `inputs` holds the layer below before its activation.
            self.activate(simd, inputs);
            let width = padded(layer.outputs);
            let (outputs, behind) = rest.split_at_mut(samples * width);
            let (transposed, bias) = copies.split_at_mut(layer.inputs * width);
            dense::transpose(&params[layer.weights()], layer.inputs, layer.outputs, transposed);
            let bias = &mut bias[..width];
            bias[..layer.outputs].copy_from_slice(&params[layer.biases()]);
            bias[layer.outputs..].fill(T::ZERO);
            let left = Left { a: inputs, apart: (padded(layer.inputs), 1) };
            dense::product(
                simd,
                samples,
                layer.inputs,
                width,
                left,
                transposed,
                Some(bias),
                outputs,
            );
            (inputs, rest) = (outputs, behind);
        }
    }

    /// δ and h of all layers into the records, which hold δ_L already.
    #[inline(always)]
    fn backward<T: Scalar, S: Simd>(
        &self,
        simd: S,
        params: &[T],
        samples: usize,
        values: &[T],
        records: &mut [T],
        copies: &mut [T],
        mut scratch: &mut [T],
    ) {
        let (last, record_len) = (self.last(), self.record_len);
        let mut delta = take(&mut scratch, samples * self.widest());
        let mut below = take(&mut scratch, samples * self.widest());
        let width = padded(last.outputs);
        for (j, delta) in delta.chunks_exact_mut(width).take(samples).enumerate() {
            let (delta, padding) = delta.split_at_mut(last.outputs);
            delta.copy_from_slice(&records[j * record_len + last.delta..][..last.outputs]);
            padding.fill(T::ZERO);
        }
        let mut values = &values[..samples * (self.widths() - width)];
        for pair in self.layers.windows(2).rev() {
            let (lower, layer) = (&pair[0], &pair[1]);
            let width = padded(lower.outputs);
            let w = &mut copies[..layer.outputs * width];
            for (row, copied) in
                params[layer.weights()].chunks_exact(layer.inputs).zip(w.chunks_exact_mut(width))
            {
                copied[width - 16..].fill(T::ZERO);
                copy(simd, row, copied);
            }
            let left = Left { a: delta, apart: (padded(layer.outputs), 1) };
            dense::product(simd, samples, layer.outputs, width, left, w, None, below);
            let (front, hidden) = values.split_at(values.len() - samples * width);
            values = front;
            for (j, (d, h)) in
                below.chunks_exact_mut(width).zip(hidden.chunks_exact(width)).enumerate()
            {
                self.derive(d, h);
                let record = &mut records[j * record_len..][..record_len];
                copy(simd, &d[..lower.outputs], &mut record[lower.delta..]);
                copy(simd, &h[..lower.outputs], &mut record[lower.hidden..]);
            }
            std::mem::swap(&mut delta, &mut below);
        }
    }

    /// Output-major z from the last layer's sample-major one.
    #[inline(always)]
    fn outputs_first<T: Scalar>(&self, samples: usize, values: &[T], logits: &mut [T]) {
        let width = padded(self.outputs());
        let last = &values[values.len() - samples * width..];
        for (j, z) in last.chunks_exact(width).enumerate() {
            for (row, &z) in logits.chunks_exact_mut(padded(samples)).zip(z) {
                row[j] = z;
            }
        }
    }
}
