//! SAGA on compact records.

use crate::shared::batch;
use crate::shared::draw::{Draw, draws};
use crate::shared::sampling::{Sampling, merge};
use crate::shared::spread::{self, Old, Records};
use crate::shared::table::{self, Table};
use fl_core::{
    AlignedVec, Cx, Estimator, Fold, Local, Objective, Scalar, SpecError, Visit, Workspace, spec,
};

spec! {
    /// The corrected stochastic gradient (8)–(10), with one slot a sample and a batch of `batch` samples.
    ///
    /// ```text
    /// message = (1/b) Σ_{j∈I} (∇f_{w,j}(x) − ∇f_{w,j}(φ_j)) + ḡ        (8), the paper's at b = 1
    /// ḡ       = (1/J) Σ_j ∇f_{w,j}(φ_j)
    /// φ_j     ← x for j ∈ I                                             (9)
    /// ```
    ///
    /// A slot holds a record ([`fl_core::Objective`]), not a gradient: ten numbers for softmax regression on MNIST instead of
    /// 7 850. The input of old and new gradient is the same, so their difference is one outer product.
    /// The ℓ₂ term is outside the table and exact: `message` carries `λ x`, `ḡ` does not. For a table of gradients see
    /// [`crate::DenseSaga`].
    ///
    /// # Requirements
    /// A batch of at least 1 and at most J samples, for each worker.
    ///
    /// # Effect
    /// The inner variation vanishes as the parameters settle, which makes the geometric median sharp.
    /// With [`Sampling::Repeated`] a sample that is drawn twice counts twice in the message and once in ḡ, since it has one slot.
    /// Rounding lets ḡ leave the mean of its table by about 5·10⁻⁶ relative in `f32` after 10⁶ draws.
    /// So ḡ is summed anew every `100 J` draws, at rounds that depend on the worker and on nothing else.
    ///
    /// # Cost
    /// That of [`crate::Sgd`], and one pass over ḡ more.
    ///
    /// # Memory
    /// J records and p numbers.
    ///
    /// # Non-finite
    /// NaN and infinity in a gradient are sent as they are, and stay in what is kept until they are replaced.
    ///
    /// # Randomness
    /// Worker w draws its batch from the stream of (`Batch`, w, round).
    ///
    /// # Bias
    /// Unbiased given the table for every b, unless the sampling is not ([`Sampling::WindowCut`]).
    ///
    /// # Elsewhere
    /// The authors' later public code keeps one slot a window of b samples: [`crate::WindowSaga`].
    /// The ℓ₂ term is usually inside the table: [`crate::Ridge::Inside`].
    ///
    /// # Reference
    /// The paper's (8)–(10) and Algorithm 2; Defazio, Bach, Lacoste-Julien, *SAGA: a fast incremental gradient method with support for non-strongly convex composite
    /// objectives*, 2014.
    pub struct Saga {
        /// b, samples a round.
        pub batch: usize = 1,
        /// How they are drawn.
        pub sampling: Sampling = Sampling::Distinct,
    }
}

draws!(Saga, "saga");

impl Saga {
    fn bytes<T: Scalar>(&self, objective: &dyn Objective<T>, samples: usize) -> usize {
        table::memory(objective, samples, self.draw().repetitions())
    }

    fn estimator<T: Scalar>(&self, local: &Local<'_, T>) -> Result<State<T>, SpecError> {
        Ok(State {
            draw: self.draw(),
            table: Table::new(local)?,
            more: AlignedVec::zeros(self.draw().repetitions()),
        })
    }
}

#[derive(Clone, Debug)]
struct State<T> {
    draw: Draw,
    table: Table<T>,
    /// How often each sample of a batch was drawn again; empty where none can be.
    more: AlignedVec<T>,
}

impl<T: Scalar> State<T> {
    /// Adds to the message what samples count for beyond the first time they were drawn.
    fn add_repetitions(
        &self,
        local: &Local<'_, T>,
        n: usize,
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let more = &self.more[..n];
        if more.iter().all(|&times| times == T::ZERO) {
            return;
        }
        let objective = local.objective;
        let len = n * objective.record_len();
        objective.scale_records(more, &mut work.new[..len]);
        objective.scale_records(more, &mut work.old[..len]);
        let scale = T::from_f64(self.draw.share());
        let fold = Fold { message: out, add: true, scale, ridge: None, mean: None };
        let (new, old) = (&work.new[..len], &work.old[..len]);
        objective.fold(&work.batch, new, Some(old), fold, &mut work.scratch);
    }
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
        if table::is_due(cx, local, self.draw.batch) {
            self.table.sum_anew(local, work);
        }
        let mut n = self.draw.places(cx, local, work);
        if self.draw.sampling == Sampling::Repeated {
            n = merge(&mut work.places[..n], &mut self.more);
        }
        batch::gather(local, n, work);
        batch::records(local, params, work);
        // (9): each slot gives its old record and takes the new one.
        self.table.exchange(local, n, work);
        // (8), and ḡ after it, in one pass.
        let (scale, rate) = (self.draw.share(), 1.0 / local.samples.len() as f64);
        let mean = Some((&mut self.table.mean[..], rate));
        batch::fold(local, params, work, true, out, scale, mean);
        if self.draw.sampling == Sampling::Repeated {
            self.add_repetitions(local, n, out, work);
        }
    }

    /// Given the table the message varies by its corrections alone, `c_j = ∇f_{w,j}(x) − ∇f_{w,j}(φ_j)`:
    /// `(J − b)/(b (J − 1)) · (1/J) Σ_j ‖c_j − c̄‖²` for different samples, and accordingly for other [`Sampling`].
    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        let terms = Records { params, old: Old::Table(&self.table.records) };
        spread::error(&terms, local, self.draw, work, |_, _| {})
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let terms = Records { params, old: Old::Table(&self.table.records) };
        spread::expectation(&terms, local, self.draw, out, work);
        batch::add_known(local, params, Some(&self.table.mean), out);
    }

    fn memory(&self) -> usize {
        self.table.memory() + self.more.len() * size_of::<T>()
    }
}
