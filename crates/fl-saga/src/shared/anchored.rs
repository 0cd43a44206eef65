//! What SVRG, SARAH, loopless SVRG and PAGE share: a full pass now and then, and corrections from an anchor in between.

use crate::shared::anchor::Anchor;
use crate::shared::draw::Draw;
use crate::shared::spread;
use fl_core::{Cx, Estimator, Local, Part, Role, Scalar, SpecError, Visit, Workspace, streams};

/// When a full pass is made. The one before round 0 is made by `start`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FullPass {
    /// Instead of the message of every so many rounds.
    Every(u64),
    /// Instead of a message, with this probability.
    Instead(f64),
    /// After a message, with this probability.
    After(f64),
}

impl FullPass {
    /// Every so many rounds: `period` unless the setting `every` says otherwise.
    pub(crate) fn every(every: Option<u64>, period: u64) -> Result<Self, SpecError> {
        if every == Some(0) {
            return Err(SpecError::new("every", "at least 1 round", 0));
        }
        Ok(Self::Every(every.unwrap_or(period)))
    }
}

/// A probability that the setting `probability` may have.
pub(crate) fn possible(probability: f64) -> Result<f64, SpecError> {
    if probability > 0.0 && probability <= 1.0 {
        return Ok(probability);
    }
    Err(SpecError::new("probability", "above 0 and at most 1", probability))
}

#[derive(Clone, Debug)]
pub(crate) struct Anchored<T> {
    draw: Draw,
    full: FullPass,
    /// The round after the last message.
    next: u64,
    /// Whether the anchor follows the parameters at every message, or stays where the last full pass was.
    follow: bool,
    anchor: Anchor<T>,
}

impl<T: Scalar> Anchored<T> {
    pub(crate) fn new(local: &Local<'_, T>, draw: Draw, full: FullPass, follow: bool) -> Self {
        Self { draw, full, next: 0, follow, anchor: Anchor::new(local) }
    }

    /// Whether a full pass takes the place of a round's message.
    fn is_full(&self, cx: &Cx<'_>, local: &Local<'_, T>) -> bool {
        match self.full {
            FullPass::Instead(q) => coin(cx, local, q),
            _ => self.chance(cx.round()) > 0.0,
        }
    }

    /// The probability that a full pass takes the place of a round's message.
    fn chance(&self, round: u64) -> f64 {
        match self.full {
            FullPass::Every(rounds) => f64::from(round > 0 && round.is_multiple_of(rounds)),
            FullPass::Instead(q) => q,
            FullPass::After(_) => 0.0,
        }
    }
}

fn coin<T>(cx: &Cx<'_>, local: &Local<'_, T>, q: f64) -> bool {
    streams::chance(&mut cx.draw(Role::Refresh, local.worker), q)
}

impl<T: Scalar> Estimator<T> for Anchored<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        self.next = 0;
        self.anchor.set(local, params, work);
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.anchor.state(visit);
        if let FullPass::Every(_) = self.full {
            visit("next-round", Part::Count(&mut self.next));
        }
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
        if self.is_full(cx, local) {
            self.anchor.set(local, params, work);
            return self.anchor.gradient(local, out);
        }
        self.anchor.message(cx, local, self.draw, params, self.follow, out, work);
        if let FullPass::After(q) = self.full
            && coin(cx, local, q)
        {
            self.anchor.set(local, params, work);
        }
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        let q = self.chance(self.next);
        if q == 1.0 {
            return 0.0;
        }
        let error = if self.follow {
            self.anchor.error(local, self.draw, params, work)
        } else {
            // The anchor's mean is the gradient there, so that nothing has to be compared with it.
            spread::error(&self.anchor.terms(params), local, self.draw, work, |_, _| {})
        };
        (1.0 - q) * error
    }

    fn expectation(
        &self,
        local: &Local<'_, T>,
        params: &[T],
        out: &mut [T],
        work: &mut Workspace<T>,
    ) {
        let q = self.chance(self.next);
        if q == 1.0 {
            return local.gradient(params, out, work);
        }
        self.anchor.expectation(local, self.draw, params, out, work);
        if q > 0.0 {
            let mut exact = vec![T::ZERO; out.len()];
            local.gradient(params, &mut exact, work);
            for (out, exact) in out.iter_mut().zip(exact) {
                *out = T::from_f64(q * exact.to_f64() + (1.0 - q) * out.to_f64());
            }
        }
    }

    fn memory(&self) -> usize {
        self.anchor.memory()
    }
}

/// What the specs of estimators with an anchor have in common, from their fields and a method `estimator(local)`.
macro_rules! anchored {
    ($spec:ident, $name:literal) => {
        $crate::shared::draw::draws!($spec, $name, capacity: $crate::shared::batch::SWEEP);

        impl $spec {
            fn bytes<T: Scalar>(&self, objective: &dyn fl_core::Objective<T>, _: usize) -> usize {
                $crate::shared::anchor::memory(objective)
            }
        }
    };
}
pub(crate) use anchored;
