//! Models without the checks of a call, and the objective that adds them.

use crate::kernel::head::Head;
use fl_core::data::Picture;
use fl_core::{Batch, Curvature, Dataset, Fold, Objective, Scalar, SpecError, Stream};
use std::any::{Any, TypeId};
use std::fmt::Debug;

/// What a forward pass is for.
pub(crate) enum Goal<'a, T> {
    Records(&'a mut [T]),
    Losses(&'a mut [f64], &'a mut [u32]),
    Outputs(&'a mut [T]),
}

/// Layers that end in a [`Head`]. Lengths have been checked before any of these is called, and batches are not empty.
pub(crate) trait Network: Clone + Debug + Send + Sync + 'static {
    /// D, the features of a sample.
    fn columns(&self) -> usize;

    /// The length of z.
    fn outputs(&self) -> usize;

    /// p.
    fn dim(&self) -> usize;

    fn record_len(&self) -> usize;

    fn l2(&self) -> f64;

    fn head(&self) -> Head;

    fn with_head(&self, head: Head) -> Self;

    fn scratch_len<T: Scalar>(&self, batch: usize) -> usize;

    fn pass<T: Scalar>(&self, params: &[T], batch: &Batch<T>, scratch: &mut [T], goal: Goal<'_, T>);

    fn fold<T: Scalar>(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    );

    /// The numbers of a record in which the gradient is linear: that many at its beginning.
    fn deltas(&self) -> usize;

    /// What a sample has to be a picture of; `None` where that does not matter.
    fn picture(&self) -> Option<Picture> {
        None
    }

    /// ‖∇f_j(new) − ∇f_j(old)‖² of sample j, without ℓ₂ terms, from its features and its records.
    fn squared_norm<T: Scalar>(
        &self,
        batch: &Batch<T>,
        j: usize,
        new: &[T],
        old: Option<&[T]>,
        scratch: &mut [T],
    ) -> f64;

    fn initialise<T: Scalar>(&self, rng: &mut Stream, params: &mut [T]);

    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature>;
    fn curvature_of_means(&self, data: &Dataset, workers: &[&[u32]]) -> Option<Curvature>;

    /// [`Checked`] in `f32`.
    fn single(self) -> Box<dyn Objective<f32>>;

    /// [`Checked`] in `f64`.
    fn double(self) -> Box<dyn Objective<f64>>;

    /// [`Checked`] in the number type `T`.
    ///
    /// `Scalar` is `f32` or `f64`, nothing else, so that models can be boxed by functions without type parameters: their
    /// kernels are then compiled in this crate, once, and not again in every crate that builds a model.
    fn boxed<T: Scalar>(self) -> Box<dyn Objective<T>> {
        let boxed: Box<dyn Any> = if TypeId::of::<T>() == TypeId::of::<f32>() {
            Box::new(self.single())
        } else {
            Box::new(self.double())
        };
        *boxed.downcast::<Box<dyn Objective<T>>>().expect("a scalar is f32 or f64")
    }
}

/// [`Network::single`] and [`Network::double`], which have to be compiled where the network is.
macro_rules! boxed_here {
    () => {
        #[inline(never)]
        fn single(self) -> Box<dyn fl_core::Objective<f32>> {
            Box::new($crate::shared::network::Checked(self))
        }

        #[inline(never)]
        fn double(self) -> Box<dyn fl_core::Objective<f64>> {
            Box::new($crate::shared::network::Checked(self))
        }
    };
}
pub(crate) use boxed_here;

/// A network whose calls are checked; a mistake in one is the caller's, so it panics and says which.
#[derive(Clone, Debug)]
pub(crate) struct Checked<N>(pub(crate) N);

impl<N: Network> Checked<N> {
    /// Checks the columns of a batch, and lengths: what, expected, found.
    #[track_caller]
    fn lengths<T: Scalar>(&self, batch: &Batch<T>, lens: &[(&str, usize, usize)]) {
        let columns = self.0.columns();
        assert_eq!(batch.columns(), columns, "the model and the batch have different columns");
        if let Some(picture) = self.0.picture() {
            assert_eq!(batch.picture(), Some(picture), "the model's pictures and the batch's");
        }
        for &(what, expected, found) in lens {
            assert!(found == expected, "{what}: expected {expected} numbers, found {found}");
        }
    }

    #[track_caller]
    fn records_of<T: Scalar>(&self, batch: &Batch<T>, new: &[T], old: Option<&[T]>) {
        let len = batch.len() * self.0.record_len();
        self.lengths(batch, &[("new", len, new.len()), ("old", len, old.map_or(len, <[T]>::len))]);
    }

    #[track_caller]
    fn pass<T: Scalar>(
        &self,
        params: &[T],
        batch: &Batch<T>,
        scratch: &mut [T],
        goal: Goal<'_, T>,
    ) {
        let (network, n) = (&self.0, batch.len());
        let params_len = ("params", network.dim(), params.len());
        match &goal {
            Goal::Records(records) => {
                let len = ("records", n * network.record_len(), records.len());
                self.lengths(batch, &[params_len, len]);
            }
            Goal::Losses(losses, predictions) => {
                let lens = [("losses", n, losses.len()), ("predictions", n, predictions.len())];
                self.lengths(batch, &[params_len, lens[0], lens[1]]);
            }
            Goal::Outputs(outputs) => {
                let len = ("outputs", n * network.outputs(), outputs.len());
                self.lengths(batch, &[params_len, len]);
            }
        }
        // What a model says before its loss judges it does not depend on labels.
        if !matches!(goal, Goal::Outputs(_)) {
            network.head().check_labels(network.outputs(), batch.labels());
        }
        if !batch.is_empty() {
            network.pass(params, batch, scratch, goal);
        }
    }
}

impl<T: Scalar, N: Network> Objective<T> for Checked<N> {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn record_len(&self) -> usize {
        self.0.record_len()
    }

    fn l2(&self) -> f64 {
        self.0.l2()
    }

    fn scratch_len(&self, batch: usize) -> usize {
        self.0.scratch_len::<T>(batch)
    }

    fn records(&self, params: &[T], batch: &Batch<T>, records: &mut [T], scratch: &mut [T]) {
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
        self.records_of(batch, new, old);
        let dim = self.0.dim();
        assert_eq!(fold.message.len(), dim, "length of the message");
        if let Some((_, params)) = &fold.ridge {
            assert_eq!(params.len(), dim, "length of the parameters");
        }
        if let Some((mean, _)) = &fold.mean {
            assert_eq!(mean.len(), dim, "length of the mean");
        }
        self.0.fold(batch, new, old, fold, scratch);
    }

    fn scale_records(&self, c: &[T], records: &mut [T]) {
        let (len, deltas) = (self.0.record_len(), self.0.deltas());
        assert_eq!(records.len(), c.len() * len, "a factor for every record");
        for (record, &c) in records.chunks_exact_mut(len).zip(c) {
            for r in &mut record[..deltas] {
                *r *= c;
            }
        }
    }

    fn squared_norms(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        out: &mut [f64],
        scratch: &mut [T],
    ) {
        self.records_of(batch, new, old);
        self.lengths(batch, &[("squared norms", batch.len(), out.len())]);
        let len = self.0.record_len();
        for (j, out) in out.iter_mut().enumerate() {
            let places = j * len..(j + 1) * len;
            let old = old.map(|old| &old[places.clone()]);
            *out = self.0.squared_norm(batch, j, &new[places], old, scratch);
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
        self.pass(params, batch, scratch, Goal::Losses(losses, predictions));
    }

    fn initialise(&self, rng: &mut Stream, params: &mut [T]) {
        assert_eq!(params.len(), self.0.dim(), "length of the parameters");
        self.0.initialise(rng, params);
    }

    fn output_len(&self) -> usize {
        self.0.outputs()
    }

    fn predict(&self, params: &[T], batch: &Batch<T>, outputs: &mut [T], scratch: &mut [T]) {
        self.pass(params, batch, scratch, Goal::Outputs(outputs));
    }

    fn least_likely(&self) -> Option<Box<dyn Objective<T>>> {
        Some(self.0.with_head(self.0.head().least_likely()?).boxed())
    }

    fn check(&self, data: &Dataset) -> Result<(), SpecError> {
        let columns = self.0.columns();
        if let Some(picture) = self.0.picture().filter(|&p| data.picture() != Some(p)) {
            let allowed = format!("{picture} (channels × height × width), the model's `shape`");
            let rows = || format!("rows of {} numbers, not known to be pictures", data.columns());
            let found = data.picture().map_or_else(rows, |picture| picture.to_string());
            return Err(SpecError::new("pictures of the data", allowed, found));
        }
        if data.columns() != columns {
            let allowed = format!("{columns}, which the model was built for");
            return Err(SpecError::new("columns of the data", allowed, data.columns()));
        }
        if !T::from_f64(data.largest()).is_finite() {
            let allowed = format!("finite in {}", T::NAME);
            return Err(SpecError::new("features and targets", allowed, data.largest()));
        }
        self.0.head().check(self.0.outputs(), data)
    }

    fn curvature(&self, data: &Dataset, rows: &[u32]) -> Option<Curvature> {
        self.0.curvature(data, rows)
    }

    fn curvature_of_means(&self, data: &Dataset, workers: &[&[u32]]) -> Option<Curvature> {
        self.0.curvature_of_means(data, workers)
    }
}
