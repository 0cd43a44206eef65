//! The sum of gradients over a batch, from records.

use crate::kernel::{fold, padded, take};
use crate::shared::layers::{Layers, Part};
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

        model.fold_upper(simd, samples, Part { new, old }, &mut sink, scratch);
    }
}
