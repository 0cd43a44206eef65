//! What SVRG, SARAH, loopless SVRG, PAGE, STORM and Byz-VR-MARINA share: a full pass now and then, if at all, and corrections from an anchor
//! in between.

use crate::shared::anchor::Anchor;
use crate::shared::batch;
use crate::shared::draw::Draw;
use crate::shared::spread;
use fl_core::{Cx, Estimator, Local, Part, Role, Scalar, SpecError, Visit, Workspace, streams};

/// When a full pass is made. The one before round 0, if there is any, is made by `start`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FullPass {
    /// Instead of the message of every so many rounds.
    Every(u64),
    /// Instead of a message, with this probability.
    Instead(f64),
    /// After a message, with this probability.
    After(f64),
    /// Instead of the messages of all workers at once, with this probability; in between they correct the server's outputs.
    Together(f64),
    /// Never: the first message is that of a batch alone.
    Never,
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
    /// Whether the anchor is where the server made its last output.
    heard: bool,
    /// Where the anchor follows the parameters at every message, what is then kept of the estimate before; otherwise it stays
    /// where the last full pass was.
    keep: Option<f64>,
    anchor: Anchor<T>,
}

impl<T: Scalar> Anchored<T> {
    pub(crate) fn new(local: &Local<'_, T>, draw: Draw, full: FullPass, keep: Option<f64>) -> Self {
        Self { draw, full, next: 0, heard: false, keep, anchor: Anchor::new(local) }
    }

    /// Whether a full pass takes the place of a round's message.
    fn is_full(&self, cx: &Cx<'_>, local: &Local<'_, T>) -> bool {
        match self.full {
            FullPass::Instead(q) => coin(cx, local.worker, q),
            FullPass::Together(q) => !self.heard || coin(cx, ALL, q),
            _ => self.chance(cx.round()) > 0.0,
        }
    }

    /// The probability that a full pass takes the place of a round's message.
    fn chance(&self, round: u64) -> f64 {
        match self.full {
            FullPass::Every(rounds) => f64::from(round > 0 && round.is_multiple_of(rounds)),
            FullPass::Instead(q) => q,
            FullPass::Together(q) => {
                if self.heard {
                    q
                } else {
                    1.0
                }
            }
            FullPass::After(_) | FullPass::Never => 0.0,
        }
    }

    /// [`Anchored::keep`] of the next message: without a full pass there is nothing to keep at first.
    fn kept(&self) -> Option<f64> {
        let nothing = matches!(self.full, FullPass::Never) && self.next == 0;
        self.keep.map(|keep| if nothing { 0.0 } else { keep })
    }
}

/// The index of a coin that is thrown for all workers: there is no such worker.
const ALL: usize = (1 << 24) - 1;

fn coin(cx: &Cx<'_>, index: usize, q: f64) -> bool {
    streams::chance(&mut cx.draw(Role::Refresh, index), q)
}

impl<T: Scalar> Estimator<T> for Anchored<T> {
    fn start(&mut self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) {
        (self.next, self.heard) = (0, false);
        match self.full {
            FullPass::Never | FullPass::Together(_) => self.anchor.place(params),
            _ => self.anchor.set(local, params, work),
        }
    }

    fn state(&mut self, visit: &mut Visit<'_, T>) {
        self.anchor.state(visit);
        if let FullPass::Every(_) | FullPass::Never = self.full {
            visit("next-round", Part::Count(&mut self.next));
        }
        if let FullPass::Together(_) = self.full {
            let mut heard = u64::from(self.heard);
            visit("heard", Part::Count(&mut heard));
            self.heard = heard != 0;
        }
    }

    fn hear(&mut self, local: &Local<'_, T>, params: &[T], output: &[T]) {
        self.anchor.put(local, params, output);
        self.heard = true;
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
        let keep = self.kept();
        self.next = cx.round() + 1;
        if self.is_full(cx, local) {
            if let FullPass::Together(_) = self.full {
                // The anchor is the server's, and moves when that is heard.
                batch::gradient(local, params, out, work);
                return batch::add_known(local, params, None, out);
            }
            self.anchor.set(local, params, work);
            return self.anchor.gradient(local, out);
        }
        self.anchor.message(cx, local, self.draw, params, keep, out, work);
        if let FullPass::After(q) = self.full
            && coin(cx, local.worker, q)
        {
            self.anchor.set(local, params, work);
        }
    }

    fn variation(&self, local: &Local<'_, T>, params: &[T], work: &mut Workspace<T>) -> f64 {
        let q = self.chance(self.next);
        if q == 1.0 {
            return 0.0;
        }
        let together = matches!(self.full, FullPass::Together(_)).then_some(1.0);
        let error = if let Some(keep) = self.kept().or(together) {
            self.anchor.error(local, self.draw, (params, keep), work)
        } else {
            // The anchor's mean is the gradient there, so that nothing has to be compared with it.
            spread::error(&self.anchor.terms(params, 1.0), local, self.draw, work, |_, _| {})
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
        let keep = self.kept().unwrap_or(1.0);
        self.anchor.expectation(local, self.draw, (params, keep), out, work);
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
    ($spec:ident, $name:literal $(, hears: $hears:literal)?) => {
        $crate::shared::draw::draws!($spec, $name, capacity: $crate::shared::batch::SWEEP $(, hears: $hears)?);

        impl $spec {
            fn bytes<T: Scalar>(&self, objective: &dyn fl_core::Objective<T>, _: usize) -> usize {
                $crate::shared::anchor::memory(objective)
            }
        }
    };
}
pub(crate) use anchored;
