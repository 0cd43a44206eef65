//! A table of records and the mean of what it stands for, which SAGA and SAG share.

use crate::shared::batch;
use fl_core::{
    AlignedVec, Cx, Local, Objective, Part, Scalar, SpecError, Visit, Workspace, in_units, room,
};

/// One record for each sample, at the parameters φ_j where it was drawn last.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    /// Row-major J × record_len.
    pub(crate) records: AlignedVec<T>,
    record_len: usize,
    /// ḡ = (1/J) Σ_j ∇f_j(φ_j), without the ℓ₂ term.
    pub(crate) mean: AlignedVec<T>,
}

/// Bytes of a table and of `more` numbers beside it.
pub(crate) fn memory<T: Scalar>(
    objective: &dyn Objective<T>,
    samples: usize,
    more: usize,
) -> usize {
    batch::bytes::<T>(&[(samples, objective.record_len()), (1, objective.dim()), (1, more)])
}

/// The estimators that work with any model, in the order in which a refusal names them.
const OTHERS: &str = "sgd, loopless-svrg, svrg, page, sarah, storm and full-gradient, each also with momentum, clip and local-steps, and byz-vr-marina";

/// Whether the model has what a table of records is made of.
pub(crate) fn check<T: Scalar>(
    name: &str,
    objective: &dyn Objective<T>,
    samples: usize,
) -> Result<(), SpecError> {
    if objective.has_records() {
        return Ok(());
    }
    let dim = objective.dim();
    let whole = match batch::bytes::<T>(&[(samples, dim)]) {
        usize::MAX => "more bytes than can be counted".to_owned(),
        bytes => in_units(bytes),
    };
    let allowed = format!(
        "one with records, of which {name} keeps one a sample; estimators for any model are {OTHERS}; dense-saga keeps \
         whole gradients, which take {whole} ({samples} samples × {dim} parameters × {} bytes)",
        size_of::<T>()
    );
    Err(SpecError::new("the model", allowed, "one that gives whole gradients only").of(name))
}

impl<T: Scalar> Table<T> {
    pub(crate) fn new(local: &Local<'_, T>) -> Result<Self, SpecError> {
        let (objective, samples) = (local.objective, local.samples.len());
        room("a worker's table of records", memory(objective, samples, 0))?;
        Ok(Self {
            records: AlignedVec::zeros(samples * objective.record_len()),
            record_len: objective.record_len(),
            mean: AlignedVec::zeros(objective.dim()),
        })
    }

    /// φ_j = x for all j.
    pub(crate) fn fill(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        let len = local.objective.record_len();
        let rate = 1.0 / local.samples.len() as f64;
        let Self { records, mean, .. } = self;
        batch::sweep(local, work, |range, work| {
            batch::records(local, params, work);
            records[range.start * len..range.end * len]
                .copy_from_slice(&work.new[..range.len() * len]);
            batch::add_up(local, work, false, rate, range.start == 0, mean);
        });
    }

    /// Asks memory for the slots of a batch that was drawn ahead.
    pub(crate) fn prefetch(
        &self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        b: usize,
        work: &Workspace<T>,
    ) {
        let len = local.objective.record_len();
        if let Some(places) = work.ahead[local.worker % 2].recall(cx, local.worker, b) {
            for &place in &places[..crate::shared::sampling::drawn(places)] {
                fl_core::data::prefetch(&self.records[place as usize * len..][..len]);
            }
        }
    }

    /// (9): the slots of the first `n` of `work.places` give their old records to `work.old` and take the new ones from
    /// `work.new`.
    pub(crate) fn exchange(&mut self, local: &Local<'_, T>, n: usize, work: &mut Workspace<T>) {
        let len = local.objective.record_len();
        for (j, &place) in work.places[..n].iter().enumerate() {
            let slot = &mut self.records[place as usize * len..][..len];
            let (old, new) = (&mut work.old[j * len..][..len], &work.new[j * len..][..len]);
            for ((slot, old), &new) in slot.iter_mut().zip(old).zip(new) {
                *old = std::mem::replace(slot, new);
            }
        }
    }

    /// ḡ anew from the records, against the drift of rounding.
    pub(crate) fn sum_anew(&mut self, local: &Local<'_, T>, work: &mut Workspace<T>) {
        let len = local.objective.record_len();
        let samples = local.samples.len();
        let step = work.batch.capacity();
        for from in (0..samples).step_by(step) {
            let to = (from + step).min(samples);
            work.batch.gather(local.data, &local.samples[from..to]);
            work.new[..(to - from) * len].copy_from_slice(&self.records[from * len..to * len]);
            batch::add_up(local, work, false, 1.0 / samples as f64, from == 0, &mut self.mean);
        }
    }

    pub(crate) fn state(&mut self, visit: &mut Visit<'_, T>) {
        let len = self.record_len;
        visit("table", Part::Matrix(&mut self.records, len));
        visit("mean", Part::Vector(&mut self.mean));
    }

    pub(crate) fn memory(&self) -> usize {
        (self.records.len() + self.mean.len()) * size_of::<T>()
    }
}

/// Whether ḡ is summed anew at this round: every `100 J` draws, the workers taking turns.
pub(crate) fn is_due<T>(cx: &Cx<'_>, local: &Local<'_, T>, b: usize) -> bool {
    let period = (100 * local.samples.len() as u64).div_ceil(b as u64);
    let turn = period * local.worker as u64 / local.workers.max(1) as u64;
    cx.round() > 0 && (cx.round() + turn).is_multiple_of(period)
}
