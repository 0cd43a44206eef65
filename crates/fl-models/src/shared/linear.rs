//! What softmax regression, logistic regression and least squares share: `z = W x + b`, and a loss of z.

use crate::kernel::forward::{self, Order};
use crate::kernel::head::Head;
use crate::kernel::{dot, fold, padded, take};
use crate::shared::check::{check_shape, check_size};
use crate::shared::gram;
use crate::shared::initialise::Initialise;
use crate::shared::layers::{Folding, Part};
use crate::shared::network::{Goal, Network, boxed_here};
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
        Ok(self.boxed())
    }

    fn weights(&self) -> usize {
        self.outputs * self.columns
    }
}

impl Network for Linear {
    fn columns(&self) -> usize {
        self.columns
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn dim(&self) -> usize {
        self.weights() + if self.bias { self.outputs } else { 0 }
    }

    fn record_len(&self) -> usize {
        self.outputs
    }

    fn l2(&self) -> f64 {
        self.l2
    }

    fn head(&self) -> Head {
        self.head
    }

    fn with_head(&self, head: Head) -> Self {
        Self { head, ..*self }
    }

    fn scratch_len<T: Scalar>(&self, batch: usize) -> usize {
        let z = (self.outputs + 1) * padded(batch);
        let first = forward::scratch_len::<T>(self.outputs, self.columns, batch);
        let differences = (batch + 1) * padded(self.outputs);
        // A smaller batch than the largest may take the other way through the first layer.
        let small = forward::scratch_len::<T>(self.outputs, self.columns, 1);
        (z + first.max(small) + 64).max(differences)
    }

    fn pass<T: Scalar>(
        &self,
        params: &[T],
        batch: &Batch<T>,
        scratch: &mut [T],
        goal: Goal<'_, T>,
    ) {
        Arch::new().dispatch(Forward { model: self, params, batch, scratch, goal });
    }

    fn fold<T: Scalar>(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    ) {
        let records = Part { new, old };
        Arch::new().dispatch(Folding { model: self, batch, records, fold, scratch });
    }

    fn deltas(&self) -> usize {
        self.outputs
    }

    fn squared_norm<T: Scalar>(
        &self,
        batch: &Batch<T>,
        j: usize,
        new: &[T],
        old: Option<&[T]>,
        _: &mut [T],
    ) -> f64 {
        let square = |k: usize| {
            let old = old.map_or(0.0, |old| old[k].to_f64());
            (new[k].to_f64() - old).powi(2)
        };
        let input = dot(batch.values(j), batch.values(j));
        let input = if self.bias { input + 1.0 } else { input };
        (0..self.outputs).map(square).sum::<f64>() * input
    }

    fn initialise<T: Scalar>(&self, rng: &mut Stream, params: &mut [T]) {
        let (weights, biases) = params.split_at_mut(self.weights());
        self.initialise.draw(rng, (self.columns, self.outputs), weights, biases);
    }

    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature> {
        Some(curvature(self.head, self.bias, self.l2, data, &[rows]))
    }

    fn curvature_of_means(&self, data: &Dataset, workers: &[&[u32]]) -> Option<Curvature> {
        Some(curvature(self.head, self.bias, self.l2, data, workers))
    }

    boxed_here!();
}

/// The Hessian of one sample is `H ⊗ x̃ x̃ᵀ + λ I`, where H is that of the loss in z, and x̃ is x with a 1 behind it where
/// there is a bias. With G = (1/n) Σ_j x̃_j x̃_jᵀ, or the mean of such matrices over groups of rows:
///
/// * squared losses: H = I, so µ = λ_min(G) + λ and L = λ_max(G) + λ are the Hessian's own eigenvalues;
/// * logistic: 0 < H ≤ ¼ (at z = 0), so L = ¼ λ_max(G) + λ is attained at 0; far out H vanishes, which leaves µ = λ;
/// * cross-entropy: `H = diag(p) − p pᵀ` has eigenvalues in 0 … ½, so L ≤ ½ λ_max(G) + λ (best for two classes), µ = λ.
pub(crate) fn curvature(
    head: Head,
    bias: bool,
    l2: f64,
    data: &Dataset,
    groups: &[&[u32]],
) -> Curvature {
    let gram =
        gram::extremes(data, groups, bias, matches!(head, Head::OneHot | Head::Number { .. }));
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

impl<T: Scalar> WithSimd for Folding<'_, Linear, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Folding { model, batch, records, fold, mut scratch } = self;
        let outputs = model.outputs;
        let d = take(&mut scratch, batch.len() * padded(outputs));
        let sum = take(&mut scratch, padded(outputs));
        fold::differences(simd, outputs, outputs, records.new, records.old, d);
        let mut sink = fold::Sink::new(fold);
        fold::outer(simd, batch, outputs, d, &mut sink);
        if model.bias {
            fold::bias(simd, outputs, d, sum, model.weights(), &mut sink);
        }
    }
}
