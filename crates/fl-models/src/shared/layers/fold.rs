//! The upper layers' part of a sum of gradients, from records.

use super::stack::{Layers, Part};
use crate::kernel::dense::{self, Left, Start};
use crate::kernel::{copy, fold, padded, take};
use fl_core::Scalar;
use pulp::Simd;

/// Rows of a weight matrix that are summed before they are folded, so that the sums stay in cache.
const ROWS: usize = 24;

impl Layers {
    /// Numbers of scratch memory for [`Layers::fold_upper`].
    pub(crate) fn fold_len(&self, batch: usize) -> usize {
        let size = |pair: &[_]| {
            let [lower, layer]: &[super::Layer; 2] = pair.try_into().expect("windows of two");
            let (inputs, outputs) = (padded(lower.outputs), padded(layer.outputs));
            2 * batch * (inputs + outputs) + ROWS.min(layer.outputs) * inputs + outputs
        };
        self.layers.windows(2).map(size).max().unwrap_or(0)
    }

    /// Folds the gradients of all layers but the first. Both factors of a product change from old to new, so that
    /// `Σ_j δ_n h_nᵀ − δ_o h_oᵀ` is a product with twice as many terms.
    #[inline(always)]
    pub(crate) fn fold_upper<T: Scalar, S: Simd>(
        &self,
        simd: S,
        samples: usize,
        records: Part<'_, T>,
        sink: &mut fold::Sink<'_, T>,
        scratch: &mut [T],
    ) {
        let record_len = self.record_len;
        let terms = if records.old.is_some() { 2 * samples } else { samples };
        for pair in self.layers.windows(2) {
            let (lower, layer) = (&pair[0], &pair[1]);
            let (inputs, outputs) = (padded(layer.inputs), padded(layer.outputs));
            let mut scratch = &mut *scratch;
            let d = take(&mut scratch, terms * outputs);
            let h = take(&mut scratch, terms * inputs);
            let sums = take(&mut scratch, ROWS.min(layer.outputs) * inputs);
            let bias = take(&mut scratch, outputs);
            for (t, (d, h)) in
                d.chunks_exact_mut(outputs).zip(h.chunks_exact_mut(inputs)).enumerate()
            {
                let (records, j) = match records.old {
                    Some(old) if t >= samples => (old, t - samples),
                    _ => (records.new, t),
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
            for from in (0..layer.outputs).step_by(ROWS) {
                let rows = ROWS.min(layer.outputs - from);
                let left = Left { a: d.get(from..).unwrap_or(&[]), apart: (1, outputs) };
                let sums = &mut sums[..rows * inputs];
                dense::product(simd, rows, terms, inputs, left, h, Start::Zero, sums);
                for (o, row) in sums.chunks_exact(inputs).enumerate() {
                    let at = layer.at + (from + o) * layer.inputs;
                    sink.slice(simd, at, &row[..layer.inputs]);
                }
            }
            fold::bias(simd, layer.outputs, d, bias, layer.biases().start, sink);
        }
    }
}
