//! SAG: the mean of a table of gradients, some of them fresh.

use crate::shared::batch;
use crate::shared::draw::{Draw, draws};
use crate::shared::sampling::{Sampling, merge};
use crate::shared::spread::{self, Old, Records};
use crate::shared::table::{self, Table};
use fl_core::{
    AlignedVec, Cx, Estimator, Local, Objective, Scalar, SpecError, Visit, Workspace, spec,
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
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker.
    ///
    /// # Effect
    /// The inner variation is `E‖message − ∇f_w‖²`, bias included.
    /// A sample that is drawn twice counts once, since the message is the table's mean.
    /// ḡ is summed anew as SAGA's is.
    ///
    /// # Cost
    /// That of [`crate::Saga`].
    ///
    /// # Memory
    /// J records and p numbers, as [`crate::Saga`].
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, and stay in what is kept until they are replaced.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round).
    ///
    /// # Bias
    /// Biased given the table, unless b = J.
    ///
    /// # Elsewhere
    /// Its authors begin with an empty table; here it is full from the start, as SAGA's.
    ///
    /// # Reference
    /// Le Roux, Schmidt, Bach, *A stochastic gradient method with an exponential convergence rate for finite training sets*, 2012.
    pub struct Sag {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
    }
}

draws!(Sag, "sag");

impl Sag {
    fn bytes<T: Scalar>(&self, objective: &dyn Objective<T>, samples: usize) -> usize {
        table::memory(objective, samples, self.draw().repetitions())
    }

    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<State<T>, SpecError> {
        let more = AlignedVec::zeros(self.draw().repetitions());
        Ok(State { draw: self.draw(), table: Table::new(local)?, more })
    }
}

#[derive(Clone, Debug)]
struct State<T> {
    draw: Draw,
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
        self.draw.ahead(cx, local, work);
        self.table.prefetch(cx, local, self.draw.batch, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let Draw { batch: b, sampling } = self.draw;
        if table::is_due(cx, local, b) {
            self.table.sum_anew(local, work);
        }
        let mut n = self.draw.places(cx, local, work);
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
        let Draw { batch: b, sampling } = self.draw;
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
            * spread::error(&terms, local, self.draw, work, |target, _| {
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
        let Draw { batch: b, sampling } = self.draw;
        let terms = Records { params, old: Old::Table(&self.table.records) };
        spread::expectation(&terms, local, self.draw, out, work);
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
