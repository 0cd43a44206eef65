//! Parameters with their local gradient, from which SVRG and its relatives correct.

use crate::shared::batch;
use crate::shared::draw::Draw;
use crate::shared::spread::{self, Old, Records};
use fl_core::{AlignedVec, Cx, Local, Objective, Part, Scalar, Visit, Workspace};

/// Parameters y and an estimate of ∇f_w(y), without its ℓ₂ term.
#[derive(Clone, Debug)]
pub(crate) struct Anchor<T> {
    pub(crate) params: AlignedVec<T>,
    pub(crate) mean: AlignedVec<T>,
}

/// Bytes of an anchor.
pub(crate) fn memory<T: Scalar>(objective: &dyn Objective<T>) -> usize {
    batch::bytes::<T>(&[(2, objective.dim())])
}

impl<T: Scalar> Anchor<T> {
    pub(crate) fn new(local: &Local<'_, T>) -> Self {
        let zeros = || AlignedVec::zeros(local.objective.dim());
        Self { params: zeros(), mean: zeros() }
    }

    /// y = x, by a pass over all samples.
    pub(crate) fn set(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        self.params.copy_from_slice(params);
        batch::gradient(local, params, &mut self.mean, work);
    }

    /// y = x, with nothing known of the gradient there.
    pub(crate) fn place(&mut self, params: &[T]) {
        self.params.copy_from_slice(params);
        self.mean.fill(T::ZERO);
    }

    /// y = x, where the gradient with its ℓ₂ term is estimated to be `output`.
    pub(crate) fn put(&mut self, local: &Local<'_, T>, params: &[T], output: &[T]) {
        self.params.copy_from_slice(params);
        let l2 = T::from_f64(local.objective.l2());
        for ((mean, &x), &output) in self.mean.iter_mut().zip(params).zip(output) {
            *mean = output - l2 * x;
        }
    }

    /// The message right after [`Anchor::set`]: the local gradient.
    pub(crate) fn gradient(&self, local: &Local<'_, T>, out: &mut [T]) {
        out.copy_from_slice(&self.mean);
        batch::add_known(local, &self.params, None, out);
    }

    /// `(1/b) Σ_{j∈I} (∇f_j(x) − κ ∇f_j(y)) + κ mean + λx`. If the anchor is to follow, by `keep = Some(κ)`, the mean then
    /// becomes this without λx, and y = x. Otherwise κ = 1 and nothing changes.
    pub(crate) fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        draw: Draw,
        params: &[T],
        keep: Option<f64>,
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        self.forget(keep);
        let n = draw.places(cx, local, work);
        batch::gather(local, n, work);
        if !local.objective.has_records() {
            return self.whole(local, draw, params, keep, out, work);
        }
        batch::records(local, params, work);
        batch::old_records(local, &self.params, work);
        batch::scale_old(local, keep.unwrap_or(1.0), work);
        let scale = draw.share();
        let rate = if keep.is_some() { scale } else { 0.0 };
        let mean = Some((&mut self.mean[..], rate));
        batch::fold(local, params, work, true, out, scale, mean);
        if keep.is_some() {
            self.params.copy_from_slice(params);
        }
    }

    /// mean ← κ mean.
    fn forget(&mut self, keep: Option<f64>) {
        if let Some(keep) = keep.filter(|&keep| keep != 1.0) {
            let keep = T::from_f64(keep);
            self.mean.iter_mut().for_each(|m| *m *= keep);
        }
    }

    /// [`Anchor::message`] of the gathered batch from two whole gradients.
    fn whole(
        &mut self,
        local: &Local<'_, T>,
        draw: Draw,
        params: &[T],
        keep: Option<f64>,
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let scale = draw.share();
        let mean = Some((&mut self.mean[..], 0.0));
        batch::whole(local, params, work, false, (&mut *out, false), scale, mean);
        batch::whole(
            local,
            &self.params,
            work,
            false,
            (&mut *out, true),
            -scale * keep.unwrap_or(1.0),
            None,
        );
        if keep.is_some() {
            self.mean.copy_from_slice(out);
            self.params.copy_from_slice(params);
        }
        batch::add_known(local, params, None, out);
    }

    /// The terms `c_j = ∇f_j(x) − κ ∇f_j(y)`.
    pub(crate) fn terms<'a>(&'a self, params: &'a [T], keep: f64) -> Records<'a, T> {
        Records { params, old: Old::At(&self.params, keep) }
    }

    /// The message's expectation.
    pub(crate) fn expectation(
        &self,
        local: &Local<'_, T>,
        draw: Draw,
        (params, keep): (&[T], f64),
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        spread::expectation(&self.terms(params, keep), local, draw, out, work);
        batch::add_known(local, params, None, out);
        let keep = T::from_f64(keep);
        for (out, &mean) in out.iter_mut().zip(&*self.mean) {
            *out += keep * mean;
        }
    }

    /// `E‖message − ∇f_w(x)‖²`, whether or not the mean is the gradient at y.
    pub(crate) fn error(
        &self,
        local: &Local<'_, T>,
        draw: Draw,
        (params, keep): (&[T], f64),
        work: &mut Workspace<T>,
    ) -> f64 {
        let terms = self.terms(params, keep);
        spread::error(&terms, local, draw, work, |target, work| {
            // The corrections' mean should have been ∇f_w(x) − κ mean.
            batch::gradient(local, params, target, work);
            let keep = T::from_f64(keep);
            for (target, &mean) in target.iter_mut().zip(&*self.mean) {
                *target -= keep * mean;
            }
        })
    }

    pub(crate) fn state(&mut self, visit: &mut Visit<'_, T>) {
        visit("anchor", Part::Vector(&mut self.params));
        visit("anchor-mean", Part::Vector(&mut self.mean));
    }

    pub(crate) fn memory(&self) -> usize {
        (self.params.len() + self.mean.len()) * size_of::<T>()
    }
}
