//! A batch by its size and its sampling, and the spec of every estimator that draws one.

use crate::shared::sampling::{Sampling, drawn, repetitions};
use fl_core::{Cx, Local, Role, Scalar, SpecError, Workspace};

/// b samples a round, drawn in one of the ways that [`Sampling`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draw {
    pub(crate) batch: usize,
    pub(crate) sampling: Sampling,
}

impl Draw {
    /// A batch that a worker can draw has at least 1 and at most its J samples.
    pub(crate) fn check<T>(self, local: &Local<'_, T>) -> Result<(), SpecError> {
        let (samples, worker) = (local.samples.len(), local.worker);
        if self.batch == 0 {
            return Err(SpecError::new("batch", "at least 1", 0));
        }
        if self.batch > samples {
            let allowed =
                format!("at most the {samples} samples of worker {worker} (set batch = {samples})");
            return Err(SpecError::new("batch", allowed, self.batch));
        }
        Ok(())
    }

    /// 1/b.
    pub(crate) fn share(self) -> f64 {
        1.0 / self.batch as f64
    }

    /// How many counts of repetitions a batch needs: none where none can be.
    pub(crate) fn repetitions(self) -> usize {
        repetitions(self.sampling, self.batch)
    }

    /// Draws the places of this round's batch before the worker's turn, and asks memory for their samples.
    pub(crate) fn ahead<T: Scalar>(
        self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        work: &mut Workspace<T>,
    ) {
        let ahead = &mut work.ahead[local.worker % 2];
        let mut count = 0;
        ahead.remember(cx, local.worker, self.batch, |places| {
            self.choose(cx, local, places);
            count = drawn(places);
            for (row, &place) in work.rows.iter_mut().zip(&places[..count]) {
                *row = local.samples[place as usize];
            }
        });
        local.data.prefetch(&work.rows[..count]);
    }

    /// Draws the worker's batch of this round: places in its own list, in `work.places`. Returns how many, which is b but
    /// for windows that are cut off.
    pub(crate) fn places<T: Scalar>(
        self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        work: &mut Workspace<T>,
    ) -> usize {
        let b = self.batch;
        match work.ahead[local.worker % 2].recall(cx, local.worker, b) {
            Some(places) => work.places[..b].copy_from_slice(places),
            None => self.choose(cx, local, &mut work.places[..b]),
        }
        drawn(&work.places[..b])
    }

    fn choose<T>(self, cx: &Cx<'_>, local: &Local<'_, T>, places: &mut [u32]) {
        let mut rng = cx.draw(Role::Batch, local.worker);
        self.sampling.draw(&mut rng, local.samples.len() as u32, places);
    }
}

/// What the specs of all estimators that draw a batch have in common, from their fields `batch` and `sampling` and two methods:
/// `bytes(objective, samples)`, what stays between rounds, and `estimator(local)`, that of a worker whose batch can be drawn.
/// The capacity is how many samples a workspace holds at least; `check` is asked by name whether a model will do.
macro_rules! draws {
    ($spec:ident, $name:literal $(, capacity: $capacity:expr)? $(, check: $check:path)? $(, keeps_nothing: $keeps_nothing:literal)? $(, hears: $hears:literal)?) => {
        impl Copy for $spec {}

        impl $spec {
            /// Batches of `batch` samples, and defaults for the rest.
            pub fn new(batch: usize) -> Self {
                Self { batch, ..Self::default() }
            }

            fn draw(&self) -> $crate::shared::draw::Draw {
                $crate::shared::draw::Draw { batch: self.batch, sampling: self.sampling }
            }
        }

        impl<T: fl_core::Scalar> fl_core::EstimatorSpec<T> for $spec {
            fn name(&self) -> &'static str {
                $name
            }

            fn batch(&self) -> usize {
                self.batch
            }

            $(
                fn capacity(&self) -> usize {
                    self.batch.max($capacity)
                }
            )?

            fn memory(&self, objective: &dyn fl_core::Objective<T>, samples: usize) -> Option<usize> {
                Some(self.bytes(objective, samples))
            }

            $(
                fn keeps_nothing(&self) -> bool {
                    $keeps_nothing
                }
            )?

            $(
                fn hears(&self) -> bool {
                    $hears
                }
            )?

            $(
                fn check(
                    &self,
                    objective: &dyn fl_core::Objective<T>,
                    samples: usize,
                ) -> Result<(), fl_core::SpecError> {
                    $check($name, objective, samples)
                }
            )?

            fn build(
                &self,
                local: &fl_core::Local<'_, T>,
            ) -> Result<Box<dyn fl_core::Estimator<T>>, fl_core::SpecError> {
                self.draw().check(local)?;
                fl_core::EstimatorSpec::<T>::check(self, local.objective, local.samples.len())?;
                Ok(Box::new(self.estimator(local)?))
            }
        }
    };
}
pub(crate) use draws;
