//! What models and estimators are: a sample's gradient as a short record.

use crate::{AlignedVec, Batch, Cx, Dataset, Scalar, SpecError, Stream, Visit};
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

/// A model's loss `f_j(x)` on sample `j`, as seen by the estimators.
///
/// The duty of a model is to turn a batch into one **record** a sample and to add up `∇f_j` given records. A record holds what
/// the gradient needs beside the input: ten residuals for softmax regression, not 7 850 numbers.
/// The ℓ₂ term `(λ/2)‖x‖²` is part of every `f_j` but of no record: it is exact wherever it is needed ([`Objective::l2`]).
pub trait Objective<T: Scalar>: Send + Sync + Debug {
    /// p, the number of parameters.
    fn dim(&self) -> usize;

    /// Numbers in a record.
    fn record_len(&self) -> usize;

    /// λ of the ℓ₂ term.
    fn l2(&self) -> f64;

    /// Numbers of scratch memory that a batch of `batch` samples needs in any of the calls below.
    fn scratch_len(&self, batch: usize) -> usize;

    /// The records of a batch: forward, then backward as far as the deltas. `records` is row-major `b × record_len`.
    fn records(&self, params: &[T], batch: &Batch<T>, records: &mut [T], scratch: &mut [T]);

    /// Folds `A = Σ_j (∇f_j(new) − ∇f_j(old))`, without ℓ₂ terms, into a message. The parameters matter only to models
    /// whose records hold less than the deltas.
    fn fold(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    );

    /// Multiplies sample `j`'s gradient, as its record stands for it, by `c[j]`: after it, `fold` adds `Σ_j c_j ∇f_j`.
    fn scale_records(&self, c: &[T], records: &mut [T]);

    /// ‖∇f_j(new) − ∇f_j(old)‖² of each sample, without ℓ₂ terms.
    fn squared_norms(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        out: &mut [f64],
        scratch: &mut [T],
    );

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

/// What a worker knows: its place, its model and its own samples.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a, T> {
    /// The worker, from 0.
    pub worker: usize,
    /// W, the number of workers.
    pub workers: usize,
    /// The model.
    pub objective: &'a dyn Objective<T>,
    /// The data set that all workers draw from.
    pub data: &'a Dataset,
    /// This worker's samples: J rows of `data`.
    pub samples: &'a [u32],
}

impl<T: Scalar> Local<'_, T> {
    /// The local gradient `∇f_w(x) = (1/J) Σ_j ∇f_{w,j}(x)`, with its ℓ₂ term. Cost: one pass over the worker's samples, as
    /// many at a time as the workspace holds.
    pub fn gradient(&self, params: &[T], out: &mut [T], work: &mut Workspace<T>) {
        let objective = self.objective;
        let l2 = objective.l2();
        let scale = T::from_f64(1.0 / self.samples.len() as f64);
        for (i, rows) in self.samples.chunks(work.batch.capacity()).enumerate() {
            work.batch.gather(self.data, rows);
            let records = &mut work.new[..rows.len() * objective.record_len()];
            objective.records(params, &work.batch, records, &mut work.scratch);
            let ridge = (i == 0 && l2 != 0.0).then(|| (T::from_f64(l2), params));
            let fold = Fold { message: &mut *out, add: i > 0, scale, ridge, mean: None };
            objective.fold(&work.batch, records, None, fold, &mut work.scratch);
        }
    }
}

/// Memory that workers on one thread take turns to use.
#[derive(Clone, Debug)]
pub struct Workspace<T> {
    /// The gathered samples.
    pub batch: Batch<T>,
    /// Their records at the current parameters.
    pub new: AlignedVec<T>,
    /// Their records from a table.
    pub old: AlignedVec<T>,
    /// Scratch memory of the model.
    pub scratch: AlignedVec<T>,
    /// Places in the worker's own samples.
    pub places: Vec<u32>,
    /// Rows of the data set.
    pub rows: Vec<u32>,
    /// A vector of p numbers.
    pub vector: AlignedVec<T>,
    /// Draws made before their worker's turn.
    pub ahead: [Ahead; 2],
    /// Sample gradients that estimators have computed here.
    pub gradients: u64,
}

/// A batch that was drawn before its worker's turn, so that memory could be asked for it in the meantime. Since draws have
/// addresses, drawing early or not at all changes nothing.
#[derive(Clone, Debug)]
pub struct Ahead {
    /// Seed, worker and round.
    address: Option<(u64, usize, u64)>,
    places: Vec<u32>,
}

impl Ahead {
    fn none(batch: usize) -> Self {
        Self { address: None, places: vec![0; batch] }
    }

    /// Remembers a draw: `write` fills the first `batch` places.
    pub fn remember(
        &mut self,
        cx: &Cx<'_>,
        worker: usize,
        batch: usize,
        write: impl FnOnce(&mut [u32]),
    ) {
        self.address = Some((cx.seed(), worker, cx.round()));
        write(&mut self.places[..batch]);
    }

    /// The draw of a worker in this round, if that is what is remembered.
    pub fn recall(&self, cx: &Cx<'_>, worker: usize, batch: usize) -> Option<&[u32]> {
        let address = (cx.seed(), worker, cx.round());
        (self.address == Some(address)).then(|| &self.places[..batch])
    }
}

impl<T: Scalar> Workspace<T> {
    /// Memory for batches of up to `batch` samples.
    pub fn new(objective: &dyn Objective<T>, data: &Dataset, batch: usize) -> Self {
        let records = batch * objective.record_len();
        Self {
            batch: Batch::new(data, batch),
            new: AlignedVec::zeros(records),
            old: AlignedVec::zeros(records),
            scratch: AlignedVec::zeros(objective.scratch_len(batch)),
            places: vec![0; batch],
            rows: vec![0; batch],
            vector: AlignedVec::zeros(objective.dim()),
            ahead: [Ahead::none(batch), Ahead::none(batch)],
            gradients: 0,
        }
    }
}

/// A worker's gradient estimator.
pub trait Estimator<T: Scalar>: Send + Sync + Debug {
    /// Before round 0: fills whatever tables there are, at x⁰.
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>);

    /// Shows everything that later messages depend on, part by part: tables, anchors, momentum, in an order, with names and
    /// lengths that `build` has settled. Nothing for an estimator that keeps nothing.
    ///
    /// A checkpoint reads the parts out, and writes them into a fresh estimator to go on where this one was; so what
    /// follows from the spec, and memory that every message writes before it reads, is not shown.
    fn state(&mut self, visit: &mut Visit<'_, T>);

    /// Called one worker ahead of [`Estimator::message`] where the same thread has both: a chance to draw, and to ask
    /// memory for what was drawn. Nothing but time may depend on whether it is called.
    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        let _ = (cx, local, work);
    }

    /// This round's message.
    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    );

    /// The inner variation (16) of the message that this estimator would send at `params`:
    /// `E‖message − ∇f_w‖²` over its own draws, given its tables. NaN where no formula is known.
    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64;

    /// The expectation of that message over its own draws, given its tables; NaN where no formula is known. For an
    /// unbiased estimator it is the local gradient, which is what this provided method computes.
    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        local.gradient(params, out, work);
    }

    /// Bytes of memory that stay between rounds.
    fn memory(&self) -> usize;
}

/// An estimator as data.
pub trait EstimatorSpec<T: Scalar>: Debug + Send + Sync {
    /// The name in configuration files.
    fn name(&self) -> &'static str;

    /// Samples in a batch.
    fn batch(&self) -> usize;

    /// Samples that a workspace should hold at once: at least a batch, and more where passes over all samples are
    /// frequent.
    fn capacity(&self) -> usize {
        self.batch()
    }

    /// Bytes that the estimator of a worker with `samples` samples will keep between rounds, known before any is
    /// allocated: what [`Estimator::memory`] says after [`EstimatorSpec::build`]. None where it is not known;
    /// `usize::MAX` where the number is beyond `usize`.
    fn memory(&self, objective: &dyn Objective<T>, samples: usize) -> Option<usize> {
        let _ = (objective, samples);
        None
    }

    /// The estimator of one worker.
    ///
    /// # Errors
    /// When the batch is empty or larger than the worker's J samples.
    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError>;
}

/// Something around a worker's estimator, as data: momentum, clipping, local steps.
pub trait DecoratorSpec<T: Scalar>: Debug + Send + Sync {
    /// The name in configuration files.
    fn name(&self) -> &'static str;

    /// The estimator with this around it.
    fn around(&self, inner: Box<dyn EstimatorSpec<T>>) -> Box<dyn EstimatorSpec<T>>;
}
