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

    /// The message right after [`Anchor::set`]: the local gradient.
    pub(crate) fn gradient(&self, local: &Local<'_, T>, out: &mut [T]) {
        out.copy_from_slice(&self.mean);
        batch::add_known(local, &self.params, None, out);
    }

    /// `(1/b) Σ_{j∈I} (∇f_j(x) − ∇f_j(y)) + mean + λx`; if `follow`, the mean then becomes this without λx, and y = x.
    pub(crate) fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        draw: Draw,
        params: &[T],
        follow: bool,
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let n = draw.places(cx, local, work);
        batch::gather(local, n, work);
        if !local.objective.has_records() {
            return self.whole(local, draw, params, follow, out, work);
        }
        batch::records(local, params, work);
        batch::old_records(local, &self.params, work);
        let scale = draw.share();
        let rate = if follow { scale } else { 0.0 };
        let mean = Some((&mut self.mean[..], rate));
        batch::fold(local, params, work, true, out, scale, mean);
        if follow {
            self.params.copy_from_slice(params);
        }
    }

    /// [`Anchor::message`] of the gathered batch from two whole gradients.
    fn whole(
        &mut self,
        local: &Local<'_, T>,
        draw: Draw,
        params: &[T],
        follow: bool,
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let scale = draw.share();
        let mean = Some((&mut self.mean[..], 0.0));
        batch::whole(local, params, work, false, (&mut *out, false), scale, mean);
        batch::whole(local, &self.params, work, false, (&mut *out, true), -scale, None);
        if follow {
            self.mean.copy_from_slice(out);
            self.params.copy_from_slice(params);
        }
        batch::add_known(local, params, None, out);
    }

    /// The terms `c_j = ∇f_j(x) − ∇f_j(y)`.
    pub(crate) fn terms<'a>(&'a self, params: &'a [T]) -> Records<'a, T> {
        Records { params, old: Old::At(&self.params) }
    }

    /// The message's expectation.
    pub(crate) fn expectation(
        &self,
        local: &Local<'_, T>,
        draw: Draw,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        spread::expectation(&self.terms(params), local, draw, out, work);
        batch::add_known(local, params, Some(&self.mean), out);
    }

    /// `E‖message − ∇f_w(x)‖²`, whether or not the mean is the gradient at y.
    pub(crate) fn error(
        &self,
        local: &Local<'_, T>,
        draw: Draw,
        params: &[T],
        work: &mut Workspace<T>,
    ) -> f64 {
        let terms = self.terms(params);
        spread::error(&terms, local, draw, work, |target, work| {
            // The corrections' mean should have been ∇f_w(x) − mean.
            batch::gradient(local, params, target, work);
            for (target, &mean) in target.iter_mut().zip(&*self.mean) {
                *target -= mean;
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
