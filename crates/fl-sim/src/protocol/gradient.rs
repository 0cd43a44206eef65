//! Gradients to a server: workers send estimates at x^k, and the node steps along their aggregate (Algorithm 2).

use super::server_step::{ServerStep, Stepper};
use crate::error::SimError;
use crate::finite::norm;
use crate::roster::Present;
use crate::workers::Workers;
use fl_core::{
    AlignedVec, Cx, Messages, Pipeline, PreAggregatorSpec, Report, RuleSpec, Scalar, Shape,
    SpecError,
};

/// The server and its last direction.
#[derive(Debug)]
pub(super) struct Gradient<T: Scalar> {
    pub(super) server: Pipeline<T>,
    pub(super) direction: AlignedVec<T>,
    pub(super) stepper: Stepper<T>,
}

impl<T: Scalar> Gradient<T> {
    pub(super) fn new(
        pre: Vec<Box<dyn PreAggregatorSpec>>,
        rule: Box<dyn RuleSpec>,
        shape: Shape,
        dim: usize,
        (step, server_step): (f64, ServerStep),
    ) -> Result<Self, SpecError> {
        let server = Pipeline::<T>::build(pre, rule, shape, dim)?;
        let stepper = Stepper::new(step, server_step, dim)?;
        Ok(Self { server, direction: AlignedVec::zeros(dim), stepper })
    }

    /// Those who are there send what their estimators say.
    pub(super) fn send(
        (cx, who): (&Cx<'_>, &Present<'_>),
        workers: &mut Workers<'_, T>,
        params: &[T],
        messages: &mut Messages<T>,
    ) {
        workers.each(Some((cx, who)), messages, |turn| {
            turn.estimator.message(cx, &turn.local, params, turn.row, turn.work);
        });
    }

    /// The direction, from the messages of those who are there.
    pub(super) fn aggregate(
        &mut self,
        cx: &Cx<'_>,
        who: &Present<'_>,
        messages: &Messages<T>,
        params: &[T],
    ) -> Result<Report, SimError> {
        let Self { server, direction, .. } = self;
        let result = match who.some {
            Some((_, present)) => server.aggregate_present(cx, messages.view(), present, direction),
            None => server.aggregate(cx, messages.view(), direction),
        };
        // A regular worker that has diverged ends the run, even where too few messages are left to aggregate.
        if server.rows().len() < messages.workers() {
            let gone = |w: &&u32| server.rows().binary_search(w).is_err();
            if let Some(&worker) = who.federation.regular().iter().find(gone) {
                let (round, worker) = (cx.round(), worker as usize);
                return Err(SimError::Diverged { round, worker, norm: norm(params) });
            }
        }
        Ok(result?)
    }

    /// The server's step along the direction.
    pub(super) fn step(&mut self, cx: &Cx<'_>, params: &mut [T]) {
        self.stepper.step(cx.round(), &self.direction, params);
    }
}
