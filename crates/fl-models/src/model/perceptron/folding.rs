//! The sum of gradients over a batch, from records.

use crate::kernel::{fold, padded, take};
use crate::shared::layers::{Folding, Layers};
use fl_core::Scalar;
use pulp::{Simd, WithSimd};

impl<T: Scalar> WithSimd for Folding<'_, Layers, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Folding { model, batch, records, fold, mut scratch } = self;
        let (samples, record_len) = (batch.len(), model.record_len);
        let mut sink = fold::Sink::new(fold);
        let first = &model.layers[0];
        let d = take(&mut scratch, samples * padded(first.outputs));
        let sum = take(&mut scratch, padded(first.outputs));
        fold::differences(simd, first.outputs, record_len, records.new, records.old, d);
        fold::outer(simd, batch, first.outputs, d, &mut sink);
        fold::bias(simd, first.outputs, d, sum, first.biases().start, &mut sink);

        model.fold_upper(simd, samples, records, &mut sink, scratch);
    }
}
