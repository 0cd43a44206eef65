//! What SAGA and SAG share: a table of records, and corrections of its mean by a batch.
//!
//! | paper | formula | code |
//! |---|---|---|
//! | step 1 | `φ⁰_j = x⁰` for all j | `Table::fill` |
//! | step 3 | `ḡ = (1/J) Σ_j ∇f_{w,j}(φ_j)` | `table.mean`, which follows the table |
//! | step 4 | `i` uniform in 1 … J | `Draw::places`, from the stream (`Batch`, worker, round) |
//! | (8), first term | `∇f_{w,i}(x)` | `batch::records`, into `work.new` |
//! | (8), second term | `∇f_{w,i}(φ_i)` | `Table::exchange`, into `work.old` |
//! | (9), step 6 | `φ_i ← x` | the same line |
//! | (8), (10), step 5 | `v = ∇f_{w,i}(x) − ∇f_{w,i}(φ_i) + ḡ` | `batch::fold`: `message ← A/b + λx + ḡ`, `A = Σ_{j∈I} (new − old)` |
//! | step 3 of the next round | `ḡ ← ḡ + (1/J) A` | the same `fold` |
//! | (10), Byzantine workers | `v = ∗` | an attack, which overwrites their rows |

use crate::shared::batch;
use crate::shared::draw::Draw;
use crate::shared::sampling::{Sampling, merge};
use crate::shared::spread::{self, Old, Records};
use crate::shared::table::{self, Table};
use fl_core::{AlignedVec, Cx, Estimator, Fold, Local, Scalar, SpecError, Visit, Workspace};

/// What the sum of a batch's corrections is divided by in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// By b, so that the message is unbiased: SAGA.
    Batch,
    /// By J, so that the message is the table's next mean: SAG. A sample that is drawn twice then counts once.
    Samples,
}

#[derive(Clone, Debug)]
pub(crate) struct Tabled<T> {
    draw: Draw,
    share: Share,
    table: Table<T>,
    /// How often each sample of a batch was drawn again; empty where none can be.
    more: AlignedVec<T>,
}

impl<T: Scalar> Tabled<T> {
    pub(crate) fn new(local: &Local<'_, T>, draw: Draw, share: Share) -> Result<Self, SpecError> {
        let more = AlignedVec::zeros(draw.repetitions());
        Ok(Self { draw, share, table: Table::new(local)?, more })
    }

    /// The terms `c_j = ∇f_{w,j}(x) − ∇f_{w,j}(φ_j)`.
    fn terms<'a>(&'a self, params: &'a [T]) -> Records<'a, T> {
        Records { params, old: Old::Table(&self.table.records) }
    }

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

impl<T: Scalar> Estimator<T> for Tabled<T> {
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
        let repeated = self.draw.sampling == Sampling::Repeated;
        let mut n = self.draw.places(cx, local, work);
        if repeated {
            n = merge(&mut work.places[..n], &mut self.more);
        }
        batch::gather(local, n, work);
        batch::records(local, params, work);
        // (9): each slot gives its old record and takes the new one.
        self.table.exchange(local, n, work);
        // (8), and ḡ after it, in one pass. With a share of J both are the same but for the ℓ₂ term.
        let rate = 1.0 / local.samples.len() as f64;
        let scale = if self.share == Share::Batch { self.draw.share() } else { rate };
        let mean = Some((&mut self.table.mean[..], rate));
        batch::fold(local, params, work, true, out, scale, mean);
        if repeated && self.share == Share::Batch {
            self.add_repetitions(local, n, out, work);
        }
    }

    /// `E‖message − ∇f_w‖²`, bias included: the message is `ḡ + (s/b) Σ_{j∈I} c_j` with s = 1 or b/J, the gradient `ḡ + c̄`.
    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        let Draw { batch: b, sampling } = self.draw;
        let samples = local.samples.len() as f64;
        let terms = self.terms(params);
        let share = match (self.share, sampling) {
            (Share::Batch, _) => return spread::error(&terms, local, self.draw, work, |_, _| {}),
            (Share::Samples, Sampling::Repeated) => {
                // Sample j is in the batch with probability q, two of them are with probability q2.
                let (q, q2) = repeated(samples, b);
                let (mean, square) = spread::moments(&terms, local, work);
                let mean = spread::squared_norm(&mean);
                let variance = (q - q2) * square / (samples * samples) + (q2 - q * q) * mean;
                return (variance + (1.0 - q).powi(2) * mean).max(0.0);
            }
            (Share::Samples, _) => b as f64 / samples,
        };
        // ‖(1/J) Σ_{j∈I} c_j − c̄‖ = (b/J) ‖(1/b) Σ_{j∈I} c_j − (J/b) c̄‖
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
        spread::expectation(&self.terms(params), local, self.draw, out, work);
        let samples = local.samples.len() as f64;
        let share = match (self.share, sampling) {
            (Share::Batch, _) => 1.0,
            (Share::Samples, Sampling::Repeated) => repeated(samples, b).0,
            (Share::Samples, _) => b as f64 / samples,
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

/// What the specs of estimators with a table of records have in common, from their fields and a method `estimator(local)`.
macro_rules! tabled {
    ($spec:ident, $name:literal) => {
        $crate::shared::draw::draws!($spec, $name, check: $crate::shared::table::check);

        impl $spec {
            fn bytes<T: Scalar>(
                &self,
                objective: &dyn fl_core::Objective<T>,
                samples: usize,
            ) -> usize {
                $crate::shared::table::memory(objective, samples, self.draw().repetitions())
            }
        }
    };
}
pub(crate) use tabled;
