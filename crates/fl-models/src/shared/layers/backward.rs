//! From the last layer's deltas to the first one's.

use super::stack::Layers;
use crate::kernel::dense::{self, Left, Start};
use crate::kernel::{copy, padded, take};
use fl_core::Scalar;
use pulp::Simd;

impl Layers {
    /// δ and h of all layers into the records, which hold δ_L already. Of a given first layer only h, and `Σ_o δ_o W_o` of
    /// all samples is returned, sample-major with padded rows.
    #[inline(always)]
    pub(crate) fn backward<'a, T: Scalar, S: Simd>(
        &self,
        simd: S,
        params: &[T],
        samples: usize,
        values: &[T],
        records: &mut [T],
        copies: &mut [T],
        scratch: &mut &'a mut [T],
    ) -> &'a [T] {
        let (last, record_len) = (self.last(), self.record_len);
        let mut delta = take(scratch, samples * self.widest());
        let mut below = take(scratch, samples * self.widest());
        let width = padded(last.outputs);
        for (j, delta) in delta.chunks_exact_mut(width).take(samples).enumerate() {
            let (delta, padding) = delta.split_at_mut(last.outputs);
            delta.copy_from_slice(&records[j * record_len + last.delta..][..last.outputs]);
            padding.fill(T::ZERO);
        }
        let mut values = &values[..samples * (self.widths() - width)];
        for l in (1..self.layers.len()).rev() {
            let (lower, layer) = (&self.layers[l - 1], &self.layers[l]);
            let width = padded(lower.outputs);
            let weights = &params[layer.weights()];
            let w = if layer.is_whole() {
                weights
            } else {
                let w = &mut copies[..layer.outputs * width];
                let rows = weights.chunks_exact(layer.inputs);
                for (row, copied) in rows.zip(w.chunks_exact_mut(width)) {
                    copied[width - 16..].fill(T::ZERO);
                    copy(simd, row, copied);
                }
                &*w
            };
            let left = Left { a: delta, apart: (padded(layer.outputs), 1) };
            dense::product(simd, samples, layer.outputs, width, left, w, Start::Zero, below);
            let (front, hidden) = values.split_at(values.len() - samples * width);
            values = front;
            let pairs = below.chunks_exact_mut(width).zip(hidden.chunks_exact(width));
            for (j, (d, h)) in pairs.enumerate() {
                let record = &mut records[j * record_len..][..record_len];
                copy(simd, &h[..lower.outputs], &mut record[lower.hidden..]);
                if l > 1 || !self.given {
                    self.activation.derive(d, h);
                    copy(simd, &d[..lower.outputs], &mut record[lower.delta..]);
                }
            }
            std::mem::swap(&mut delta, &mut below);
        }
        delta
    }
}
