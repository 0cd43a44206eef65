//! The multilayer perceptron.

use crate::kernel::dense::{self, Left};
use crate::kernel::forward::{self, Order};
use crate::kernel::head::Head;
use crate::kernel::{copy, dot, elementary, fold, padded, take};
use crate::linear::{Goal, curvature};
use crate::{
    Initialise, check_call, check_classes, check_columns, check_fold, check_shape, check_size,
    of_type,
};
use fl_core::{
    Batch, Curvature, Dataset, Fold, ModelSpec, Objective, Scalar, SpecError, Stream, choice, spec,
};
use pulp::{Arch, Simd, WithSimd};

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

choice! {
    /// What is minimised.
    pub enum Loss {
        /// `ℓ(z) = −ln softmax(z)_y`, with `∂ℓ/∂z = softmax(z) − onehot(y)`.
        CrossEntropy,
        /// `ℓ(z) = ½‖z − t‖²`, with `∂ℓ/∂z = z − t`: t is onehot(y), or the real target of a set with one class.
        Squared,
    }
}

spec! {
    /// A multilayer perceptron. With activation φ, loss ℓ, `h_0 = x` and layers 1 … L,
    ///
    /// ```text
    /// h_l = φ(W_l h_{l−1} + b_l)   (l < L)            z = W_L h_{L−1} + b_L
    /// f_j = ℓ(z) + (λ/2) Σ_l (‖W_l‖² + ‖b_l‖²)
    /// δ_L = ∂ℓ/∂z                                     δ_{l−1} = (W_lᵀ δ_l) ∘ φ'
    /// ∇_{W_l} f_j = δ_l h_{l−1}ᵀ + λ W_l              ∇_{b_l} f_j = δ_l + λ b_l
    /// ```
    ///
    /// * **Parameters**: for each layer W (outputs × inputs, row-major), then b; the first layer's columns as
    ///   [`fl_core::Dataset::order`] has them. 784-50-50-10 has p = 42 310.
    /// * **Record**: `[δ_1 … δ_L | h_1 … h_{L−1}]`, 210 numbers for 784-50-50-10.
    /// * **Output**: z, one number a class; with the squared loss and one class, one number that stands for the target.
    ///   The label of the largest output is predicted, of equal ones the first.
    /// * **Cost** of a batch of b samples: `4 b n_1 D'` operations in the first layer (D' ≤ D counts the columns of tiles that
    ///   are not empty) and some `8 b n_l n_{l−1}` in each other one; `fold` writes p numbers once.
    /// * **Numerics**: finite logits of any size neither overflow nor give NaN; tanh in `f32` is within 3 ulp; losses are
    ///   added up in `f64`.
    /// * **Convexity**: none with a hidden layer, whatever the activation; without one the constants of [`crate::Softmax`] or
    ///   [`crate::LeastSquares`].
    ///
    /// ```
    /// use fl_models::Perceptron;
    /// let model = Perceptron { hidden: vec![50, 50], ..Perceptron::default() }.build::<f32>(784, 10)?;
    /// assert_eq!((model.dim(), model.record_len()), (42_310, 210));
    /// # Ok::<(), fl_core::SpecError>(())
    /// ```
    pub struct Perceptron {
        /// Widths of the hidden layers, first to last; none leaves a linear model.
        pub hidden: Vec<usize> = vec![50, 50],
        /// φ.
        pub activation: Activation = Activation::Tanh,
        /// ℓ.
        pub loss: Loss = Loss::CrossEntropy,
        /// λ of the ℓ₂ term, which covers weights and biases.
        pub l2: f64 = 0.0,
        /// How the first parameters are drawn.
        pub initialise: Initialise = Initialise::FanIn,
    }
}

impl Perceptron {
    /// The model for `columns` features and `classes` classes; one class stands for real targets.
    ///
    /// # Errors
    /// When there is no feature, fewer than two classes (no class, for the squared loss), a hidden layer of width 0, λ is
    /// negative or not finite, or the parameters do not fit into memory.
    pub fn build<T: Scalar>(
        &self,
        columns: usize,
        classes: usize,
    ) -> Result<Box<dyn Objective<T>>, SpecError> {
        Ok(of_type(self.model::<T>(columns, classes)?, Model::single, Model::double))
    }

    fn model<T: Scalar>(&self, columns: usize, classes: usize) -> Result<Model, SpecError> {
        let head = match self.loss {
            Loss::CrossEntropy => {
                check_classes(classes)?;
                Head::CrossEntropy
            }
            Loss::Squared => match classes {
                0 => return Err(SpecError::new("classes", "at least 1", 0)),
                1 => Head::Number { classes },
                _ => Head::OneHot,
            },
        };
        check_shape(columns, self.l2)?;
        self.initialise.check()?;
        if let Some(layer) = self.hidden.iter().position(|&n| n == 0) {
            return Err(SpecError::new(format!("hidden[{layer}]"), "at least 1", 0));
        }
        let sizes = || [columns].into_iter().chain(self.hidden.iter().copied()).chain([classes]);
        let p = sizes().zip(sizes().skip(1)).fold(0u128, |p, (inputs, outputs)| {
            p.saturating_add((inputs as u128 + 1).saturating_mul(outputs as u128))
        });
        check_size::<T>(p, || sizes().map(|n| n.to_string()).collect::<Vec<_>>().join("-"))?;
        let mut layers = Vec::with_capacity(self.hidden.len() + 1);
        let (mut at, mut delta) = (0, 0);
        for (inputs, outputs) in sizes().zip(sizes().skip(1)) {
            layers.push(Layer { inputs, outputs, at, delta, hidden: 0 });
            at += (inputs + 1) * outputs;
            delta += outputs;
        }
        let mut record_len = delta;
        for layer in &mut layers[..self.hidden.len()] {
            layer.hidden = record_len;
            record_len += layer.outputs;
        }
        let Self { activation, l2, initialise, .. } = *self;
        Ok(Model { layers, dim: at, record_len, activation, head, l2, initialise })
    }
}

impl<T: Scalar> ModelSpec<T> for Perceptron {
    fn name(&self) -> &'static str {
        "perceptron"
    }

    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError> {
        Perceptron::build(self, columns, classes)
    }
}

#[derive(Clone, Copy, Debug)]
struct Layer {
    inputs: usize,
    outputs: usize,
    /// Where its W starts in the parameters; b is behind it.
    at: usize,
    /// Where its δ starts in a record.
    delta: usize,
    /// Where its h starts in a record; of no meaning in the last layer.
    hidden: usize,
}

impl Layer {
    fn weights(&self) -> std::ops::Range<usize> {
        self.at..self.at + self.outputs * self.inputs
    }

    fn biases(&self) -> std::ops::Range<usize> {
        let at = self.at + self.outputs * self.inputs;
        at..at + self.outputs
    }
}

#[derive(Clone, Debug)]
struct Model {
    layers: Vec<Layer>,
    dim: usize,
    record_len: usize,
    activation: Activation,
    head: Head,
    l2: f64,
    initialise: Initialise,
}

impl Model {
    #[inline(never)]
    fn single(self) -> Box<dyn Objective<f32>> {
        Box::new(self)
    }

    #[inline(never)]
    fn double(self) -> Box<dyn Objective<f64>> {
        Box::new(self)
    }

    fn columns(&self) -> usize {
        self.layers[0].inputs
    }

    fn last(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    fn outputs(&self) -> usize {
        self.last().outputs
    }

    /// The widest layer's outputs, padded.
    fn widest(&self) -> usize {
        self.layers.iter().map(|layer| padded(layer.outputs)).max().unwrap_or(0)
    }

    /// h ← φ(h).
    #[inline(always)]
    fn activate<T: Scalar, S: Simd>(&self, simd: S, h: &mut [T]) {
        match self.activation {
            Activation::Tanh => elementary::tanh(simd, h),
            Activation::Relu => elementary::relu(h),
            Activation::Identity => {}
        }
    }

    /// δ ← δ ∘ φ', the derivative being a function of h = φ(z).
    #[inline(always)]
    fn derive<T: Scalar>(&self, delta: &mut [T], h: &[T]) {
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

    #[track_caller]
    fn check_batch<T: Scalar>(&self, batch: &Batch<T>, lens: &[(&str, usize, usize)]) {
        check_call(self.columns(), batch, lens);
        self.head.check_labels(self.outputs(), batch.labels());
    }

    fn pass<T: Scalar>(
        &self,
        params: &[T],
        batch: &Batch<T>,
        scratch: &mut [T],
        goal: Goal<'_, T>,
    ) {
        if !batch.is_empty() {
            Arch::new().dispatch(Pass { model: self, params, batch, scratch, goal });
        }
    }

    /// Numbers for one padded vector of each layer.
    fn widths(&self) -> usize {
        self.layers.iter().map(|layer| padded(layer.outputs)).sum()
    }

    /// Numbers for the largest padded copy of an upper layer's W, either way round.
    fn largest(&self) -> usize {
        let size = |layer: &Layer| {
            (padded(layer.outputs) * layer.inputs).max(layer.outputs * padded(layer.inputs))
        };
        self.layers[1..].iter().map(size).max().unwrap_or(0)
    }

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

    fn copies_len<T>(&self, batch: usize) -> usize {
        let first = &self.layers[0];
        forward::scratch_len::<T>(first.outputs, first.inputs, batch)
            .max(self.largest() + self.widest())
    }
}

impl<T: Scalar> Objective<T> for Model {
    fn dim(&self) -> usize {
        self.dim
    }

    fn record_len(&self) -> usize {
        self.record_len
    }

    fn l2(&self) -> f64 {
        self.l2
    }

    fn scratch_len(&self, batch: usize) -> usize {
        let z = padded(batch) * (self.outputs() + 1);
        let widest = self.widest();
        // A smaller batch than the largest may take the other way through the first layer.
        let copies = self.copies_len::<T>(batch).max(self.copies_len::<T>(1));
        let pass = batch * self.widths() + z + 2 * batch * widest + padded(copies);
        let first = batch * padded(self.layers[0].outputs) + widest;
        let upper = 4 * batch * widest + self.largest() + widest;
        pass.max(first + upper) + 64
    }

    fn records(&self, params: &[T], batch: &Batch<T>, records: &mut [T], scratch: &mut [T]) {
        let lens = [
            ("params", self.dim, params.len()),
            ("records", batch.len() * self.record_len, records.len()),
        ];
        self.check_batch(batch, &lens);
        self.pass(params, batch, scratch, Goal::Records(records));
    }

    fn fold(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    ) {
        let records = batch.len() * self.record_len;
        let lens = [("new", records, new.len()), ("old", records, old.map_or(records, <[T]>::len))];
        check_call(self.columns(), batch, &lens);
        check_fold(self.dim, &fold);
        Arch::new().dispatch(Folding { model: self, batch, new, old, fold, scratch });
    }

    fn scale_records(&self, c: &[T], records: &mut [T]) {
        assert_eq!(records.len(), c.len() * self.record_len, "a factor for every record");
        let deltas = self.last().delta + self.outputs();
        for (record, &c) in records.chunks_exact_mut(self.record_len).zip(c) {
            // The gradient is linear in the deltas; the hidden vectors stay.
            for r in &mut record[..deltas] {
                *r *= c;
            }
        }
    }

    fn squared_norms(&self, batch: &Batch<T>, new: &[T], old: Option<&[T]>, out: &mut [f64]) {
        let records = batch.len() * self.record_len;
        let lens = [
            ("new", records, new.len()),
            ("old", records, old.map_or(records, <[T]>::len)),
            ("squared norms", batch.len(), out.len()),
        ];
        check_call(self.columns(), batch, &lens);
        for (j, out) in out.iter_mut().enumerate() {
            let places = j * self.record_len..(j + 1) * self.record_len;
            let new = &new[places.clone()];
            let old = old.map(|old| &old[places]);
            // Of δ_n and δ_o: |δ_n − δ_o|², and the same with h.
            let input = dot(batch.values(j), batch.values(j));
            *out = difference(self.layers[0].delta..self.layers[0].outputs, new, old).0
                * (input + 1.0);
            for pair in self.layers.windows(2) {
                let delta = pair[1].delta..pair[1].delta + pair[1].outputs;
                let hidden = pair[0].hidden..pair[0].hidden + pair[0].outputs;
                let (dd, d_old, old_old) = difference(delta, new, old);
                let (hh, h_new, new_new) = {
                    let (hh, h_old, _) = difference(hidden.clone(), new, old);
                    // (h_n − h_o)·h_n = |h_n − h_o|² + (h_n − h_o)·h_o.
                    (hh, hh + h_old, dot(&new[hidden.clone()], &new[hidden]))
                };
                // δ_n h_nᵀ − δ_o h_oᵀ = (δ_n − δ_o) h_nᵀ + δ_o (h_n − h_o)ᵀ: by differences, which do not cancel.
                *out += dd * new_new + 2.0 * d_old * h_new + old_old * hh + dd;
            }
        }
    }

    fn evaluate(
        &self,
        params: &[T],
        batch: &Batch<T>,
        losses: &mut [f64],
        predictions: &mut [u32],
        scratch: &mut [T],
    ) {
        let lens = [
            ("params", self.dim, params.len()),
            ("losses", batch.len(), losses.len()),
            ("predictions", batch.len(), predictions.len()),
        ];
        self.check_batch(batch, &lens);
        self.pass(params, batch, scratch, Goal::Losses(losses, predictions));
    }

    fn initialise(&self, rng: &mut Stream, params: &mut [T]) {
        assert_eq!(params.len(), self.dim, "length of the parameters");
        for layer in &self.layers {
            let (weights, biases) = params[layer.weights().start..layer.biases().end]
                .split_at_mut(layer.inputs * layer.outputs);
            self.initialise.draw(rng, (layer.inputs, layer.outputs), weights, biases);
        }
    }

    fn output_len(&self) -> usize {
        self.outputs()
    }

    fn predict(&self, params: &[T], batch: &Batch<T>, outputs: &mut [T], scratch: &mut [T]) {
        let lens = [
            ("params", self.dim, params.len()),
            ("outputs", batch.len() * self.outputs(), outputs.len()),
        ];
        check_call(self.columns(), batch, &lens);
        self.pass(params, batch, scratch, Goal::Outputs(outputs));
    }

    fn least_likely(&self) -> Option<Box<dyn Objective<T>>> {
        let head = self.head.least_likely()?;
        Some(of_type(Self { head, ..self.clone() }, Self::single, Self::double))
    }

    fn check(&self, data: &Dataset) -> Result<(), SpecError> {
        check_columns::<T>(self.columns(), data)?;
        self.head.check(self.outputs(), data)
    }

    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature> {
        (self.layers.len() == 1).then(|| curvature(self.head, true, self.l2, data, rows))
    }
}

/// `(|n − o|², (n − o)·o, |o|²)` of a part of two records in f64; without an old record o = 0.
fn difference<T: Scalar>(
    part: std::ops::Range<usize>,
    new: &[T],
    old: Option<&[T]>,
) -> (f64, f64, f64) {
    let Some(old) = old else { return (dot(&new[part.clone()], &new[part]), 0.0, 0.0) };
    let mut sums = (0.0, 0.0, 0.0);
    for (n, o) in new[part.clone()].iter().zip(&old[part]) {
        let (n, o) = (n.to_f64(), o.to_f64());
        sums.0 += (n - o) * (n - o);
        sums.1 += (n - o) * o;
        sums.2 += o * o;
    }
    sums
}

struct Pass<'a, T> {
    model: &'a Model,
    params: &'a [T],
    batch: &'a Batch<T>,
    scratch: &'a mut [T],
    goal: Goal<'a, T>,
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

struct Folding<'a, T> {
    model: &'a Model,
    batch: &'a Batch<T>,
    new: &'a [T],
    old: Option<&'a [T]>,
    fold: Fold<'a, T>,
    scratch: &'a mut [T],
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

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::data::{Layout, Values};
    use fl_core::{Dataset, Role, Streams};

    /// What instruction sets differ in: everything below `dispatch`.
    #[derive(Clone, Copy, Debug)]
    enum Set {
        Best,
        Plain,
        #[cfg(target_arch = "x86_64")]
        Avx2(pulp::x86::V3),
    }

    impl Set {
        fn run<O: WithSimd>(self, op: O) -> O::Output {
            match self {
                Set::Best => Arch::new().dispatch(op),
                Set::Plain => op.with_simd(pulp::Scalar),
                #[cfg(target_arch = "x86_64")]
                Set::Avx2(simd) => Simd::vectorize(simd, op),
            }
        }
    }

    fn message<T: Scalar>(set: Set, data: &Dataset) -> Vec<f64> {
        let spec = Perceptron { hidden: vec![23, 50], ..Perceptron::default() };
        let model = spec.model::<T>(data.columns(), data.classes()).unwrap();
        let objective: &dyn Objective<T> = &model;
        let samples = data.rows();
        let mut batch = Batch::new(data, samples);
        batch.gather(data, &(0..samples as u32).collect::<Vec<_>>());
        let mut scratch = vec![T::ZERO; objective.scratch_len(samples)];
        let mut records = [(); 2].map(|()| vec![T::ZERO; samples * model.record_len]);
        for (i, records) in records.iter_mut().enumerate() {
            let mut params = vec![T::ZERO; model.dim];
            objective.initialise(&mut Streams::new(1).at(Role::Initialise, i, 0), &mut params);
            let (params, batch) = (&params[..], &batch);
            let goal = Goal::Records(records);
            set.run(Pass { model: &model, params, batch, scratch: &mut scratch, goal });
        }
        let mut message = vec![T::ZERO; model.dim];
        let fold =
            Fold { message: &mut message, add: false, scale: T::ONE, ridge: None, mean: None };
        let [new, old] = &records;
        set.run(Folding {
            model: &model,
            batch: &batch,
            new,
            old: Some(old),
            fold,
            scratch: &mut scratch,
        });
        message.iter().map(|m| m.to_f64()).collect()
    }

    #[test]
    fn every_instruction_set_gives_the_same_message_to_rounding() {
        let (rows, columns) = (41, 53);
        let values: Vec<f32> = (0..rows * columns)
            .map(|i| if i / 11 % 3 == 0 { 0.0 } else { (i as f32 * 0.7).sin() })
            .collect();
        let labels = (0..rows as u32).map(|i| i % 4).collect();
        let data = Dataset::new(Values::F32(&values), columns, labels, 4, Layout::Flat).unwrap();
        let right = message::<f64>(Set::Plain, &data);
        let mut sets = vec![Set::Best, Set::Plain];
        #[cfg(target_arch = "x86_64")]
        sets.extend(pulp::x86::V3::try_new().map(Set::Avx2));
        for set in sets {
            for (tolerance, found) in
                [(1e-12, message::<f64>(set, &data)), (3e-5, message::<f32>(set, &data))]
            {
                for (f, r) in found.iter().zip(&right) {
                    assert!((f - r).abs() <= tolerance, "{set:?}: {f} instead of {r}");
                }
            }
        }
    }
}
