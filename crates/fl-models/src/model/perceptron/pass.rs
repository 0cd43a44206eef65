//! Forward through all layers, and back as far as the deltas.

use crate::kernel::forward::{self, Order};
use crate::kernel::{padded, take};
use crate::shared::layers::Layers;
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
        let copies = take(&mut scratch, copies_len::<T>(model, samples));
        let first = &model.layers[0];
        let below = &mut values[..samples * padded(first.outputs)];
        let (w, b) = (&params[first.weights()], &params[first.biases()]);
        forward::affine(simd, w, b, first.outputs, batch, below, Order::Sample, copies);
        model.upwards(simd, params, samples, values, copies);
        if let Goal::Outputs(out) = goal {
            return model.say(samples, values, out);
        }
        model.outputs_first(samples, values, z);
        match goal {
            Goal::Records(records) => {
                let at = &mut records[model.last().delta..];
                model.head.residuals(simd, z, batch, row, at, model.record_len);
                model.backward(simd, params, samples, values, records, copies, &mut scratch);
            }
            Goal::Losses(losses, predictions) => {
                model.head.losses(simd, z, batch, row, losses, predictions);
            }
            Goal::Outputs(_) => {}
        }
    }
}

/// Numbers for the largest copy that a forward or backward pass makes.
pub(super) fn copies_len<T>(model: &Layers, batch: usize) -> usize {
    let first = &model.layers[0];
    let wide = forward::scratch_len::<T>(first.outputs, first.inputs, batch);
    wide.max(model.copies_len::<T>(batch))
}
