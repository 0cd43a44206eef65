//! What estimators are: a worker's gradient as it is sent, and the memory that they work in.

use super::objective::{Fold, Objective};
use crate::data::Augmentation;
use crate::{AlignedVec, Batch, Cx, Dataset, Scalar, SpecError, Visit};
use std::fmt::Debug;

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
            let ridge = (i == 0 && l2 != 0.0).then(|| (T::from_f64(l2), params));
            let fold = Fold { message: &mut *out, add: i > 0, scale, ridge, mean: None };
            objective.gradient(params, &work.batch, fold, &mut work.new, &mut work.scratch);
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
    /// How the pictures of a batch that was just drawn are moved, where they are.
    pub augmentation: Option<Box<Augmentation<T>>>,
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
            augmentation: None,
        }
    }

    /// Shows the gradient of each of these rows at `params`, without its ℓ₂ term, one after the other: for models without
    /// records, of whose gradients nothing shorter is known. Cost: a batch of one for each row.
    pub fn each_gradient(
        &mut self,
        objective: &dyn Objective<T>,
        data: &Dataset,
        rows: &[u32],
        params: &[T],
        mut visit: impl FnMut(&[T]),
    ) {
        for &row in rows {
            self.batch.gather(data, &[row]);
            let message = &mut self.vector[..];
            let fold = Fold { message, add: false, scale: T::ONE, ridge: None, mean: None };
            objective.gradient(params, &self.batch, fold, &mut self.new, &mut self.scratch);
            visit(&self.vector);
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

    /// After a round whose messages the server has made into `output`, a step from `params`: for estimators that correct it
    /// ([`EstimatorSpec::hears`]), whether or not their worker took part.
    fn hear(&mut self, local: &Local<'_, T>, params: &[T], output: &[T]) {
        let _ = (local, params, output);
    }

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

    /// Whether a message depends on nothing but the parameters and the batch of its round, so that a sample may look different
    /// in every round ([`Workspace::augmentation`]).
    fn keeps_nothing(&self) -> bool {
        false
    }

    /// Whether messages correct the server's last output, which [`Estimator::hear`] then tells. Nothing may stand around such
    /// an estimator, since the output would then be one of something else.
    fn hears(&self) -> bool {
        false
    }

    /// Whether the estimator can work with this model, for `samples` samples.
    ///
    /// # Errors
    /// When it keeps a record a sample and the model has none; with what whole gradients would take, and what works.
    fn check(&self, objective: &dyn Objective<T>, samples: usize) -> Result<(), SpecError> {
        let _ = (objective, samples);
        Ok(())
    }

    /// The estimator of one worker.
    ///
    /// # Errors
    /// When the batch is empty or larger than the worker's J samples; and as [`EstimatorSpec::check`].
    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError>;
}

/// Something around a worker's estimator, as data: momentum, clipping, local steps.
pub trait DecoratorSpec<T: Scalar>: Debug + Send + Sync {
    /// The name in configuration files.
    fn name(&self) -> &'static str;

    /// The estimator with this around it.
    fn around(&self, inner: Box<dyn EstimatorSpec<T>>) -> Box<dyn EstimatorSpec<T>>;
}
