//! SAG: the mean of a table of gradients, some of them fresh.

use crate::shared::batch;
use crate::shared::sampling::Sampling;
use crate::shared::sampling::{merge, repetitions};
use crate::shared::spread::{self, Old, Records};
use crate::shared::table::{self, Table};
use fl_core::{
    AlignedVec, Cx, Estimator, EstimatorSpec, Local, Objective, Scalar, SpecError, Visit,
    Workspace, spec,
};

spec! {
    /// The stochastic average gradient: the table's mean, after the batch has entered it.
    ///
    /// ```text
    /// φ_j     ← x for j ∈ I
    /// message = ḡ = (1/J) Σ_j ∇f_{w,j}(φ_j)
    /// ```
    ///
    /// [`crate::Saga`] with 1/J instead of 1/b before the correction: a smaller variance and a bias,
    /// `E message = ḡ_old + (b/J) (∇f_w(x) − ḡ_old)`, that vanishes as the parameters settle.
    /// The ℓ₂ term is outside the table and exact.
    ///
    /// * **Biased** given the table, unless b = J.
    /// * **Repetition**: a sample that is drawn twice counts once, since the message is the table's mean.
    /// * **Memory**: J records and p numbers, as SAGA.
    /// * **Cost**: that of SAGA.
    /// * **Inner variation**: `E‖message − ∇f_w‖²`, bias included.
    /// * **Drift**: ḡ is summed anew as SAGA's is.
    /// * **Reference**: Le Roux, Schmidt and Bach 2012; with the table full from the start, as SAGA's.
    pub struct Sag {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
    }
}

impl Copy for Sag {}

impl Sag {
    /// Batches of `batch` different samples.
    pub fn new(batch: usize) -> Self {
        Self { batch, ..Self::default() }
    }
}

impl<T: Scalar> EstimatorSpec<T> for Sag {
    fn name(&self) -> &'static str {
        "sag"
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn memory(&self, objective: &dyn Objective<T>, samples: usize) -> Option<usize> {
        Some(table::memory(objective, samples, repetitions(self.sampling, self.batch)))
    }

    fn build(&self, local: &Local<'_, T>) -> Result<Box<dyn Estimator<T>>, SpecError> {
        batch::check(self.batch, local.samples.len(), local.worker)?;
        let more = AlignedVec::zeros(repetitions(self.sampling, self.batch));
        Ok(Box::new(State { spec: *self, table: Table::new(local)?, more }))
    }
}

#[derive(Clone, Debug)]
struct State<T> {
    spec: Sag,
    table: Table<T>,
    /// How often each sample of a batch was drawn again, which changes nothing here; empty where none can be.
    more: AlignedVec<T>,
}

impl<T: Scalar> Estimator<T> for State<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        self.table.fill(local, params, work);
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.table.state(visit);
    }

    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        batch::draw_ahead(cx, local, self.spec.sampling, self.spec.batch, work);
        self.table.prefetch(cx, local, self.spec.batch, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let Sag { batch: b, sampling } = self.spec;
        if table::is_due(cx, local, b) {
            self.table.sum_anew(local, work);
        }
        let mut n = batch::draw(cx, local, sampling, b, work);
        if sampling == Sampling::Repeated {
            n = merge(&mut work.places[..n], &mut self.more);
        }
        batch::gather(local, n, work);
        batch::records(local, params, work);
        self.table.exchange(local, n, work);
        // The new ḡ is the old one and 1/J of the correction: message and mean are the same but for the ℓ₂ term.
        let rate = 1.0 / local.samples.len() as f64;
        let mean = Some((&mut self.table.mean[..], rate));
        batch::fold(local, params, work, true, out, rate, mean);
    }

    /// With `c_j = ∇f_{w,j}(x) − ∇f_{w,j}(φ_j)` the message is `ḡ + (1/J) Σ_{j∈I} c_j` and the local gradient `ḡ + c̄`.
    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        let Sag { batch: b, sampling } = self.spec;
        let terms = Records { params, old: Old::Table(&self.table.records) };
        let samples = local.samples.len() as f64;
        if sampling == Sampling::Repeated {
            // Sample j is in the batch with probability q, two of them are with probability q2.
            let (q, q2) = repeated(samples, b);
            let (mean, square) = spread::moments(&terms, local, work);
            let mean = spread::squared_norm(&mean);
            let variance = (q - q2) * square / (samples * samples) + (q2 - q * q) * mean;
            return (variance + (1.0 - q).powi(2) * mean).max(0.0);
        }
        // ‖(1/J) Σ_{j∈I} c_j − c̄‖ = (b/J) ‖(1/b) Σ_{j∈I} c_j − (J/b) c̄‖
        let share = b as f64 / samples;
        share.powi(2)
            * spread::error(&terms, local, sampling, b, work, |target, _| {
                target.iter_mut().for_each(|t| *t = T::from_f64(t.to_f64() / share));
            })
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let Sag { batch: b, sampling } = self.spec;
        let terms = Records { params, old: Old::Table(&self.table.records) };
        spread::expectation(&terms, local, sampling, b, out, work);
        let samples = local.samples.len() as f64;
        let share = match sampling {
            Sampling::Repeated => repeated(samples, b).0,
            _ => b as f64 / samples,
        };
        out.iter_mut().for_each(|out| *out = T::from_f64(out.to_f64() * share));
        batch::add_known(local, params, Some(&self.table.mean), out);
    }

    fn memory(&self) -> usize {
        self.table.memory() + self.more.len() * size_of::<T>()
    }
}

/// The probabilities that one sample, and that two given ones, are among b independent draws from J.
fn repeated(samples: f64, b: usize) -> (f64, f64) {
    let without = |k: f64| ((samples - k).max(0.0) / samples).powi(b as i32);
    (1.0 - without(1.0), 1.0 - 2.0 * without(1.0) + without(2.0))
}
