//! The sum of gradients over a batch, from records.

use super::layers::Layers;
use crate::kernel::dense::{self, Left};
use crate::kernel::{copy, fold, padded, take};
use fl_core::{Batch, Fold, Scalar};
use pulp::{Simd, WithSimd};

pub(super) struct Folding<'a, T> {
    pub(super) model: &'a Layers,
    pub(super) batch: &'a Batch<T>,
    pub(super) new: &'a [T],
    pub(super) old: Option<&'a [T]>,
    pub(super) fold: Fold<'a, T>,
    pub(super) scratch: &'a mut [T],
}

impl<T: Scalar> WithSimd for Folding<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Folding { model, batch, new, old, fold, mut scratch } = self;
        let (samples, record_len) = (batch.len(), model.record_len);
        let mut sink = fold::Sink::new(fold);
        let first = &model.layers[0];
        let d = take(&mut scratch, samples * padded(first.outputs));
        let sum = take(&mut scratch, padded(first.outputs));
        fold::differences(simd, first.outputs, record_len, new, old, d);
        fold::outer(simd, batch, first.outputs, d, &mut sink);
        fold::bias(simd, first.outputs, d, sum, first.biases().start, &mut sink);

        // Above the first layer both factors change: Σ_j δ_n h_nᵀ − δ_o h_oᵀ is a product with twice as many terms.
        let terms = if old.is_some() { 2 * samples } else { samples };
        for pair in model.layers.windows(2) {
            let (lower, layer) = (&pair[0], &pair[1]);
            let (inputs, outputs) = (padded(layer.inputs), padded(layer.outputs));
            let mut scratch = &mut *scratch;
            let d = take(&mut scratch, terms * outputs);
            let h = take(&mut scratch, terms * inputs);
            let sums = take(&mut scratch, layer.outputs * inputs);
            let bias = take(&mut scratch, outputs);
            for (t, (d, h)) in
                d.chunks_exact_mut(outputs).zip(h.chunks_exact_mut(inputs)).enumerate()
            {
                let (records, j) = match old {
                    Some(old) if t >= samples => (old, t - samples),
                    _ => (new, t),
                };
                let record = &records[j * record_len..][..record_len];
                d[outputs - 16..].fill(T::ZERO);
                h[inputs - 16..].fill(T::ZERO);
                copy(simd, &record[layer.delta..][..layer.outputs], d);
                copy(simd, &record[lower.hidden..][..lower.outputs], h);
                if t >= samples {
                    for d in d {
                        *d = -*d;
                    }
                }
            }
            let left = Left { a: d, apart: (1, outputs) };
            dense::product(simd, layer.outputs, terms, inputs, left, h, None, sums);
            for (o, row) in sums.chunks_exact(inputs).enumerate() {
                sink.slice(simd, layer.at + o * layer.inputs, &row[..layer.inputs]);
            }
            fold::bias(simd, layer.outputs, d, bias, layer.biases().start, &mut sink);
        }
    }
}
