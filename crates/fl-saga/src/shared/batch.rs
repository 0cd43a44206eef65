//! What estimators do with a batch that was drawn.

use fl_core::{Fold, Local, Scalar, Workspace};

/// Samples at a time in passes over all samples, where an estimator makes many of them.
pub(crate) const SWEEP: usize = 64;

/// Bytes of some numbers, `usize::MAX` for more than can be counted.
pub(crate) fn bytes<T>(vectors: &[(usize, usize)]) -> usize {
    let products = vectors.iter().map(|(n, len)| n.checked_mul(*len));
    let sum = products.reduce(|a, b| a?.checked_add(b?)).flatten();
    sum.and_then(|n| n.checked_mul(size_of::<T>())).unwrap_or(usize::MAX)
}

/// Gathers the samples at the first `n` of `work.places` into `work.batch`.
pub(crate) fn gather<T: Scalar>(local: &Local<'_, T>, n: usize, work: &mut Workspace<T>) {
    for (row, &place) in work.rows[..n].iter_mut().zip(&work.places) {
        *row = local.samples[place as usize];
    }
    work.batch.gather(local.data, &work.rows[..n]);
}

/// Computes the records of the gathered batch at `params` into `work.new`.
pub(crate) fn records<T: Scalar>(local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
    let len = work.batch.len() * local.objective.record_len();
    work.gradients += work.batch.len() as u64;
    local.objective.records(params, &work.batch, &mut work.new[..len], &mut work.scratch);
}

/// Computes the records of the gathered batch at other parameters into `work.old`.
pub(crate) fn old_records<T: Scalar>(local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
    let len = work.batch.len() * local.objective.record_len();
    work.gradients += work.batch.len() as u64;
    local.objective.records(params, &work.batch, &mut work.old[..len], &mut work.scratch);
}

/// Multiplies the gathered batch's gradients, as `work.old` stands for them, by a factor.
pub(crate) fn scale_old<T: Scalar>(local: &Local<'_, T>, factor: f64, work: &mut Workspace<T>) {
    if factor == 1.0 {
        return;
    }
    let (len, factor) = (local.objective.record_len(), [T::from_f64(factor)]);
    for record in work.old[..work.batch.len() * len].chunks_exact_mut(len) {
        local.objective.scale_records(&factor, record);
    }
}

/// The two lines of [`Fold`] for the gathered batch and the records of it:
///
/// ```text
/// message ← scale·A + λx + mean        mean ← mean + rate·A
/// ```
///
/// with `A = Σ_j (∇f_j(new) − ∇f_j(old))`, or `Σ_j ∇f_j(new)` without `with_old`.
pub(crate) fn fold<T: Scalar>(
    local: &Local<'_, T>,
    params: &[T],
    work: &mut Workspace<T>,
    with_old: bool,
    message: &mut [T],
    scale: f64,
    mean: Option<(&mut [T], f64)>,
) {
    let objective = local.objective;
    let len = work.batch.len() * objective.record_len();
    let l2 = objective.l2();
    let fold = Fold {
        message,
        add: false,
        scale: T::from_f64(scale),
        ridge: (l2 != 0.0).then(|| (T::from_f64(l2), params)),
        mean: mean.map(|(mean, rate)| (mean, T::from_f64(rate))),
    };
    let old = with_old.then(|| &work.old[..len]);
    objective.fold(&work.batch, &work.new[..len], old, fold, &mut work.scratch);
}

/// The two lines of [`Fold`] for the gathered batch, with `A = Σ_j ∇f_j(params)`, whether or not the model has records.
/// The ridge term is that of `params`, if asked for.
pub(crate) fn whole<T: Scalar>(
    local: &Local<'_, T>,
    params: &[T],
    work: &mut Workspace<T>,
    ridge: bool,
    message: (&mut [T], bool),
    scale: f64,
    mean: Option<(&mut [T], f64)>,
) {
    let objective = local.objective;
    let l2 = objective.l2();
    work.gradients += work.batch.len() as u64;
    let fold = Fold {
        message: message.0,
        add: message.1,
        scale: T::from_f64(scale),
        ridge: (ridge && l2 != 0.0).then(|| (T::from_f64(l2), params)),
        mean: mean.map(|(mean, rate)| (mean, T::from_f64(rate))),
    };
    objective.gradient(params, &work.batch, fold, &mut work.new, &mut work.scratch);
}

/// Visits all samples of the worker in batches as large as the workspace: gathers each, and hands over the places in the
/// worker's own list.
pub(crate) fn sweep<T: Scalar>(
    local: &Local<'_, T>,
    work: &mut Workspace<T>,
    mut visit: impl FnMut(std::ops::Range<usize>, &mut Workspace<T>),
) {
    let step = work.batch.capacity();
    for from in (0..local.samples.len()).step_by(step) {
        let to = (from + step).min(local.samples.len());
        work.batch.gather(local.data, &local.samples[from..to]);
        visit(from..to, work);
    }
}

/// `(1/J) Σ_j ∇f_j(x)` without the ℓ₂ term.
pub(crate) fn gradient<T: Scalar>(
    local: &Local<'_, T>,
    params: &[T],
    out: &mut [T],
    work: &mut Workspace<T>,
) {
    let scale = 1.0 / local.samples.len() as f64;
    sweep(local, work, |range, work| {
        whole(local, params, work, false, (&mut *out, range.start > 0), scale, None);
    });
}

/// Adds `scale · A` of the current records to `out` (replacing it when `first`), without ℓ₂.
pub(crate) fn add_up<T: Scalar>(
    local: &Local<'_, T>,
    work: &mut Workspace<T>,
    with_old: bool,
    scale: f64,
    first: bool,
    out: &mut [T],
) {
    let len = work.batch.len() * local.objective.record_len();
    let fold =
        Fold { message: out, add: !first, scale: T::from_f64(scale), ridge: None, mean: None };
    let old = with_old.then(|| &work.old[..len]);
    local.objective.fold(&work.batch, &work.new[..len], old, fold, &mut work.scratch);
}

/// `out ← out + mean + λx`: what messages consist of beside the mean of their batch.
pub(crate) fn add_known<T: Scalar>(
    local: &Local<'_, T>,
    params: &[T],
    mean: Option<&[T]>,
    out: &mut [T],
) {
    let l2 = T::from_f64(local.objective.l2());
    for (out, &x) in out.iter_mut().zip(params) {
        *out += l2 * x;
    }
    if let Some(mean) = mean {
        for (out, &m) in out.iter_mut().zip(mean) {
            *out += m;
        }
    }
}
