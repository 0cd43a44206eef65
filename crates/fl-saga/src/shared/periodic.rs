//! What SVRG and SARAH share: a full pass every so many rounds, and corrections from an anchor in between.

use crate::shared::anchor::Anchor;
use crate::shared::draw::Draw;
use crate::shared::spread;
use fl_core::{Cx, Estimator, Local, Part, Scalar, Visit, Workspace};

#[derive(Clone, Debug)]
pub(crate) struct Periodic<T> {
    draw: Draw,
    /// Rounds from one full pass to the next.
    every: u64,
    /// The round after the last one.
    next: u64,
    /// Whether the anchor follows the parameters at every message, or stays where the last full pass was.
    follow: bool,
    anchor: Anchor<T>,
}

impl<T: Scalar> Periodic<T> {
    pub(crate) fn new(local: &Local<'_, T>, draw: Draw, every: u64, follow: bool) -> Self {
        Self { draw, every, next: 0, follow, anchor: Anchor::new(local) }
    }

    /// Whether a round begins with a full pass. The one before round 0 is made by `start`.
    fn is_full(&self, round: u64) -> bool {
        round > 0 && round.is_multiple_of(self.every)
    }
}

impl<T: Scalar> Estimator<T> for Periodic<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        self.next = 0;
        self.anchor.set(local, params, work);
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.anchor.state(visit);
        visit("next-round", Part::Count(&mut self.next));
    }

    fn look_ahead(&self, cx: &Cx<'_>, local: &Local<'_, T>, work: &mut Workspace<T>) {
        self.draw.ahead(cx, local, work);
    }

    fn message(
        &mut self,
        cx: &Cx<'_>,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        self.next = cx.round() + 1;
        if self.is_full(cx.round()) {
            self.anchor.set(local, params, work);
            return self.anchor.gradient(local, out);
        }
        self.anchor.message(cx, local, self.draw, params, self.follow, out, work);
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        if self.is_full(self.next) {
            return 0.0;
        }
        if self.follow {
            return self.anchor.error(local, self.draw, params, work);
        }
        // The anchor's mean is the gradient there, so that nothing has to be compared with it.
        spread::error(&self.anchor.terms(params), local, self.draw, work, |_, _| {})
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        if self.is_full(self.next) {
            return local.gradient(params, out, work);
        }
        self.anchor.expectation(local, self.draw, params, out, work);
    }

    fn memory(&self) -> usize {
        self.anchor.memory()
    }
}
