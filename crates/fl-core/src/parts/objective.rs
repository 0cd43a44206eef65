//! What models are: losses of samples, and gradients of them, as short records where a model has such.

use crate::{Batch, Dataset, Scalar, SpecError, Stream};
use std::fmt::Debug;

/// What becomes of a sum of gradients `A = Σ_j (∇f_j(new) − ∇f_j(old))`, coordinate by coordinate, in one pass:
///
/// ```text
/// message ← [message +] scale·A + ridge·params + mean        (8): the correction and the table's mean
/// mean    ← mean + rate·A                                    ḡ follows the table
/// ```
#[derive(Debug)]
pub struct Fold<'a, T> {
    /// Where the message goes.
    pub message: &'a mut [T],
    /// Whether to add to what is there instead of replacing it.
    pub add: bool,
    /// What A is multiplied by; 1/b for a batch of b.
    pub scale: T,
    /// λ and the parameters, for the gradient λx of (λ/2)‖x‖².
    pub ridge: Option<(T, &'a [T])>,
    /// ḡ, and the rate 1/J at which it follows; it is added to the message before it moves.
    pub mean: Option<(&'a mut [T], T)>,
}

impl<T: Scalar> Fold<'_, T> {
    /// Does it for an A that is in memory: what a model without records has.
    ///
    /// # Panics
    /// When A is not as long as the message.
    pub fn apply(mut self, a: &[T]) {
        assert_eq!(
            a.len(),
            self.message.len(),
            "a sum of gradients has a number for each parameter"
        );
        for (k, (message, &a)) in self.message.iter_mut().zip(a).enumerate() {
            let mut new = self.scale * a;
            if self.add {
                new += *message;
            }
            if let Some((l2, params)) = self.ridge {
                new += l2 * params[k];
            }
            if let Some((mean, rate)) = &mut self.mean {
                new += mean[k];
                mean[k] += *rate * a;
            }
            *message = new;
        }
    }
}

/// A model's loss `f_j(x)` on sample `j`, as seen by the estimators.
///
/// A model gives its gradients in one of two ways.
///
/// - **By records**, as all models of `fl-models` do: it turns a batch into one **record** a sample and adds up `∇f_j` given
///   records. A record holds what the gradient needs beside the input: ten residuals for softmax regression, not 7 850
///   numbers. Such a model writes [`Objective::record_len`], [`Objective::records`], [`Objective::fold`],
///   [`Objective::scale_records`] and [`Objective::squared_norms`].
/// - **As whole gradients**, as any network under automatic differentiation does: it writes [`Objective::gradient`] alone
///   and has no records. Estimators that keep a record a sample, SAGA and SAG, refuse it before round 0
///   ([`EstimatorSpec::check`](crate::EstimatorSpec::check)). Inner variations cost a call for each sample.
///
/// The ℓ₂ term `(λ/2)‖x‖²` is part of every `f_j` but of no record: it is exact wherever it is needed ([`Objective::l2`]).
pub trait Objective<T: Scalar>: Send + Sync + Debug {
    /// p, the number of parameters.
    fn dim(&self) -> usize;

    /// Numbers in a record; 0 for a model without records.
    fn record_len(&self) -> usize {
        0
    }

    /// Whether a sample's gradient has a record.
    fn has_records(&self) -> bool {
        self.record_len() > 0
    }

    /// λ of the ℓ₂ term.
    fn l2(&self) -> f64;

    /// Numbers of scratch memory that a batch of `batch` samples needs in any of the calls below.
    fn scratch_len(&self, batch: usize) -> usize;

    /// The sum of a batch's gradients, `A = Σ_j ∇f_j(params)` without ℓ₂ terms, folded into a message: [`Objective::records`]
    /// and then [`Objective::fold`], or what a model without records computes ([`Fold::apply`] does the rest).
    /// `records` is memory for the batch's records. The bits must not depend on threads, nor on what was computed before.
    fn gradient(
        &self,
        params: &[T],
        batch: &Batch<T>,
        fold: Fold<'_, T>,
        records: &mut [T],
        scratch: &mut [T],
    ) {
        let records = &mut records[..batch.len() * self.record_len()];
        self.records(params, batch, records, scratch);
        self.fold(batch, records, None, fold, scratch);
    }

    /// The records of a batch: forward, then backward as far as the deltas. `records` is row-major `b × record_len`.
    ///
    /// # Panics
    /// For a model without records, as the next three.
    fn records(&self, params: &[T], batch: &Batch<T>, records: &mut [T], scratch: &mut [T]) {
        let _ = (params, batch, records, scratch);
        without_records()
    }

    /// Folds `A = Σ_j (∇f_j(new) − ∇f_j(old))`, without ℓ₂ terms, into a message. The parameters matter only to models
    /// whose records hold less than the deltas.
    fn fold(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    ) {
        let _ = (batch, new, old, fold, scratch);
        without_records()
    }

    /// Multiplies sample `j`'s gradient, as its record stands for it, by `c[j]`: after it, `fold` adds `Σ_j c_j ∇f_j`.
    fn scale_records(&self, c: &[T], records: &mut [T]) {
        let _ = (c, records);
        without_records()
    }

    /// ‖∇f_j(new) − ∇f_j(old)‖² of each sample, without ℓ₂ terms.
    fn squared_norms(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        out: &mut [f64],
        scratch: &mut [T],
    ) {
        let _ = (batch, new, old, out, scratch);
        without_records()
    }

    /// f_j without its ℓ₂ term, and the predicted label, of each sample.
    fn evaluate(
        &self,
        params: &[T],
        batch: &Batch<T>,
        losses: &mut [f64],
        predictions: &mut [u32],
        scratch: &mut [T],
    );

    /// The first parameters x⁰.
    fn initialise(&self, rng: &mut Stream, params: &mut [T]);

    /// Numbers that [`Objective::predict`] gives a sample; 0 for a model that gives none.
    fn output_len(&self) -> usize {
        0
    }

    /// What the model says about each sample before a loss judges it: the logits of a classifier, the number that a
    /// regression expects. `outputs` is row-major `b × output_len`; labels and targets are not looked at.
    fn predict(&self, params: &[T], batch: &Batch<T>, outputs: &mut [T], scratch: &mut [T]) {
        let _ = (params, batch, scratch);
        assert!(outputs.is_empty(), "a model without outputs was asked for {}", outputs.len());
    }

    /// The same model learning, in place of each sample's label, the class that it finds least likely at the parameters it
    /// is asked at (the first of equally unlikely ones): what a Byzantine worker may learn. `None` for a model that gives
    /// classes no probabilities.
    fn least_likely(&self) -> Option<Box<dyn Objective<T>>> {
        None
    }

    /// Whether the model can read this data set: the columns that it was built for, labels or targets that its loss
    /// knows, values that a `T` can hold.
    ///
    /// # Errors
    /// The first thing that does not fit, with its numbers.
    fn check(&self, data: &Dataset) -> Result<(), SpecError> {
        let _ = data;
        Ok(())
    }

    /// Strong convexity and smoothness of the mean loss over some rows of a data set, ℓ₂ term included. `None` where
    /// there is no such constant, as for a perceptron with a hidden layer.
    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature> {
        let _ = (data, rows);
        None
    }

    /// The same of the mean of several means, `f(x) = (1/R) Σ_w (1/J_w) Σ_j f_{w,j}(x)`, which is what regular workers with
    /// unequal numbers of samples share. The default bounds it by the means of the workers' constants.
    fn curvature_of_means(&self, data: &Dataset, workers: &[&[u32]]) -> Option<Curvature> {
        let each: Option<Vec<Curvature>> =
            workers.iter().map(|rows| self.curvature(data, rows)).collect();
        let each = each.filter(|each| !each.is_empty())?;
        let mean = |of: fn(&Curvature) -> f64| each.iter().map(of).sum::<f64>() / each.len() as f64;
        Some(Curvature {
            mu: mean(|c| c.mu),
            smooth: mean(|c| c.smooth),
            smooth_sample: each.iter().map(|c| c.smooth_sample).fold(0.0, f64::max),
            exact: false,
        })
    }
}

/// Constants of `f(x) = (1/n) Σ_j f_j(x)` over n samples, ℓ₂ term included. For all x and y
///
/// ```text
/// f(y) ≥ f(x) + ⟨∇f(x), y − x⟩ + (µ/2) ‖y − x‖²          (13)
/// ‖∇f(y) − ∇f(x)‖ ≤ L ‖y − x‖                            (14)
/// ‖∇f_j(y) − ∇f_j(x)‖ ≤ L_j ‖y − x‖ ≤ L_max ‖y − x‖      for each j
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curvature {
    /// µ of the mean; never too large.
    pub mu: f64,
    /// L of the mean.
    pub smooth: f64,
    /// L_max, of the roughest sample.
    pub smooth_sample: f64,
    /// Whether µ and L are the best constants, and not only bounds on them.
    pub exact: bool,
}

impl Curvature {
    /// κ = L/µ, infinite where µ = 0.
    pub fn condition(&self) -> f64 {
        self.smooth / self.mu
    }
}

/// A model as data. What a registry of models holds: `Box<dyn ModelSpec<f32>>`.
pub trait ModelSpec<T: Scalar>: Debug + Send + Sync {
    /// The name in configuration files.
    fn name(&self) -> &'static str;

    /// How many features a sample must have, where the spec says so by itself, as the shape of a picture does.
    fn columns(&self) -> Option<usize> {
        None
    }

    /// The model for `columns` features and `classes` classes; a set with real targets has one class.
    ///
    /// # Errors
    /// When the spec cannot work for this shape, or its parameters do not fit into memory.
    fn build(&self, columns: usize, classes: usize) -> Result<Box<dyn Objective<T>>, SpecError>;

    /// The model for a data set.
    ///
    /// # Errors
    /// As [`ModelSpec::build`] and [`Objective::check`].
    fn build_for(&self, data: &Dataset) -> Result<Box<dyn Objective<T>>, SpecError> {
        let model = self.build(data.columns(), data.classes())?;
        model.check(data)?;
        Ok(model)
    }
}

/// Whoever asks for records looks at [`Objective::has_records`] first.
fn without_records() -> ! {
    panic!("a model without records was asked for them; it has Objective::gradient alone")
}
