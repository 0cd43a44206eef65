//! What softmax regression, logistic regression and least squares share: `z = W x + b`, and a loss of z.

use crate::kernel::forward::{self, Order};
use crate::kernel::head::Head;
use crate::kernel::{dot, fold, padded, take};
use crate::{
    Initialise, check_call, check_columns, check_fold, check_shape, check_size, gram, of_type,
};
use fl_core::{Batch, Curvature, Dataset, Fold, Objective, Scalar, SpecError, Stream};
use pulp::{Arch, Simd, WithSimd};

/// A model whose record is the residual `∂ℓ/∂z`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    pub(crate) columns: usize,
    pub(crate) outputs: usize,
    pub(crate) bias: bool,
    pub(crate) l2: f64,
    pub(crate) initialise: Initialise,
    pub(crate) head: Head,
}

impl Linear {
    /// Checks what all specs have in common, in the order in which a user would.
    pub(crate) fn build<T: Scalar>(self) -> Result<Box<dyn Objective<T>>, SpecError> {
        check_shape(self.columns, self.l2)?;
        self.initialise.check()?;
        let inputs = self.columns as u128 + u128::from(self.bias);
        let p = inputs * self.outputs as u128;
        check_size::<T>(p, || format!("{}-{}", self.columns, self.outputs))?;
        Ok(of_type(self, Self::single, Self::double))
    }

    #[inline(never)]
    fn single(self) -> Box<dyn Objective<f32>> {
        Box::new(self)
    }

    #[inline(never)]
    fn double(self) -> Box<dyn Objective<f64>> {
        Box::new(self)
    }

    fn weights(&self) -> usize {
        self.outputs * self.columns
    }

    fn dim(&self) -> usize {
        self.weights() + if self.bias { self.outputs } else { 0 }
    }

    #[track_caller]
    fn check_batch<T: Scalar>(&self, batch: &Batch<T>, lens: &[(&str, usize, usize)]) {
        check_call(self.columns, batch, lens);
        self.head.check_labels(self.outputs, batch.labels());
    }

    fn forward<T: Scalar>(
        &self,
        params: &[T],
        batch: &Batch<T>,
        scratch: &mut [T],
        goal: Goal<'_, T>,
    ) {
        if !batch.is_empty() {
            Arch::new().dispatch(Forward { model: self, params, batch, scratch, goal });
        }
    }
}

impl<T: Scalar> Objective<T> for Linear {
    fn dim(&self) -> usize {
        self.dim()
    }

    fn record_len(&self) -> usize {
        self.outputs
    }

    fn l2(&self) -> f64 {
        self.l2
    }

    fn scratch_len(&self, batch: usize) -> usize {
        let z = (self.outputs + 1) * padded(batch);
        let first = forward::scratch_len::<T>(self.outputs, self.columns, batch);
        let differences = (batch + 1) * padded(self.outputs);
        // A smaller batch than the largest may take the other way through the first layer.
        let small = forward::scratch_len::<T>(self.outputs, self.columns, 1);
        (z + first.max(small) + 64).max(differences)
    }

    fn records(&self, params: &[T], batch: &Batch<T>, records: &mut [T], scratch: &mut [T]) {
        let lens = [
            ("params", self.dim(), params.len()),
            ("records", batch.len() * self.outputs, records.len()),
        ];
        self.check_batch(batch, &lens);
        self.forward(params, batch, scratch, Goal::Records(records));
    }

    fn fold(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    ) {
        let records = batch.len() * self.outputs;
        let lens = [("new", records, new.len()), ("old", records, old.map_or(records, <[T]>::len))];
        check_call(self.columns, batch, &lens);
        check_fold(self.dim(), &fold);
        Arch::new().dispatch(Folding { model: self, batch, new, old, fold, scratch });
    }

    fn scale_records(&self, c: &[T], records: &mut [T]) {
        assert_eq!(records.len(), c.len() * self.outputs, "a factor for every record");
        for (record, &c) in records.chunks_exact_mut(self.outputs).zip(c) {
            for r in record {
                *r *= c;
            }
        }
    }

    fn squared_norms(&self, batch: &Batch<T>, new: &[T], old: Option<&[T]>, out: &mut [f64]) {
        let records = batch.len() * self.outputs;
        let lens = [
            ("new", records, new.len()),
            ("old", records, old.map_or(records, <[T]>::len)),
            ("squared norms", batch.len(), out.len()),
        ];
        check_call(self.columns, batch, &lens);
        for (j, out) in out.iter_mut().enumerate() {
            let places = j * self.outputs..(j + 1) * self.outputs;
            let square = |k: usize| {
                let old = old.map_or(0.0, |old| old[k].to_f64());
                (new[k].to_f64() - old).powi(2)
            };
            let input = dot(batch.values(j), batch.values(j));
            *out = places.map(square).sum::<f64>() * if self.bias { input + 1.0 } else { input };
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
            ("params", self.dim(), params.len()),
            ("losses", batch.len(), losses.len()),
            ("predictions", batch.len(), predictions.len()),
        ];
        self.check_batch(batch, &lens);
        self.forward(params, batch, scratch, Goal::Losses(losses, predictions));
    }

    fn initialise(&self, rng: &mut Stream, params: &mut [T]) {
        assert_eq!(params.len(), self.dim(), "length of the parameters");
        let (weights, biases) = params.split_at_mut(self.weights());
        self.initialise.draw(rng, (self.columns, self.outputs), weights, biases);
    }

    fn output_len(&self) -> usize {
        self.outputs
    }

    fn predict(&self, params: &[T], batch: &Batch<T>, outputs: &mut [T], scratch: &mut [T]) {
        let lens = [
            ("params", self.dim(), params.len()),
            ("outputs", batch.len() * self.outputs, outputs.len()),
        ];
        check_call(self.columns, batch, &lens);
        self.forward(params, batch, scratch, Goal::Outputs(outputs));
    }

    fn least_likely(&self) -> Option<Box<dyn Objective<T>>> {
        let head = self.head.least_likely()?;
        Some(of_type(Self { head, ..*self }, Self::single, Self::double))
    }

    fn check(&self, data: &Dataset) -> Result<(), SpecError> {
        check_columns::<T>(self.columns, data)?;
        self.head.check(self.outputs, data)
    }

    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature> {
        Some(curvature(self.head, self.bias, self.l2, data, rows))
    }
}

/// The Hessian of one sample is `H ⊗ x̃ x̃ᵀ + λ I`, where H is that of the loss in z, and x̃ is x with a 1 behind it where
/// there is a bias. With G = (1/n) Σ_j x̃_j x̃_jᵀ:
///
/// * squared losses: H = I, so µ = λ_min(G) + λ and L = λ_max(G) + λ are the Hessian's own eigenvalues;
/// * logistic: 0 < H ≤ ¼ (at z = 0), so L = ¼ λ_max(G) + λ is attained at 0; far out H vanishes, which leaves µ = λ;
/// * cross-entropy: `H = diag(p) − p pᵀ` has eigenvalues in 0 … ½, so L ≤ ½ λ_max(G) + λ (best for two classes), µ = λ.
pub(crate) fn curvature(
    head: Head,
    bias: bool,
    l2: f64,
    data: &Dataset,
    rows: &[u32],
) -> Curvature {
    let gram = gram::extremes(data, rows, bias, matches!(head, Head::OneHot | Head::Number { .. }));
    let (share, exact) = match head {
        Head::OneHot | Head::Number { .. } => (1.0, gram.exact),
        Head::Logistic => (0.25, true),
        Head::CrossEntropy | Head::LeastLikely => (0.5, false),
    };
    Curvature {
        mu: gram.least + l2,
        smooth: share * gram.largest + l2,
        smooth_sample: share * gram.longest + l2,
        exact,
    }
}

/// What a forward pass is for.
pub(crate) enum Goal<'a, T> {
    Records(&'a mut [T]),
    Losses(&'a mut [f64], &'a mut [u32]),
    Outputs(&'a mut [T]),
}

struct Forward<'a, T> {
    model: &'a Linear,
    params: &'a [T],
    batch: &'a Batch<T>,
    scratch: &'a mut [T],
    goal: Goal<'a, T>,
}

impl<T: Scalar> WithSimd for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward { model, params, batch, mut scratch, goal } = self;
        let outputs = model.outputs;
        let z = take(&mut scratch, outputs * padded(batch.len()));
        let row = take(&mut scratch, padded(batch.len()));
        let (w, b) = params.split_at(model.weights());
        forward::affine(simd, w, b, outputs, batch, z, Order::Output, scratch);
        match goal {
            Goal::Records(records) => {
                model.head.residuals(simd, z, batch, row, records, outputs);
            }
            Goal::Losses(losses, predictions) => {
                model.head.losses(simd, z, batch, row, losses, predictions);
            }
            Goal::Outputs(out) => {
                for (j, out) in out.chunks_exact_mut(outputs).enumerate() {
                    for (o, z) in out.iter_mut().zip(z.chunks_exact(row.len())) {
                        *o = z[j];
                    }
                }
            }
        }
    }
}

struct Folding<'a, T> {
    model: &'a Linear,
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
        let outputs = model.outputs;
        let d = take(&mut scratch, batch.len() * padded(outputs));
        let sum = take(&mut scratch, padded(outputs));
        fold::differences(simd, outputs, outputs, new, old, d);
        let mut sink = fold::Sink::new(fold);
        fold::outer(simd, batch, outputs, d, &mut sink);
        if model.bias {
            fold::bias(simd, outputs, d, sum, model.weights(), &mut sink);
        }
    }
}
