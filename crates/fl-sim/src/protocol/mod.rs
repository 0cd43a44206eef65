//! The two ways in which central node and workers talk.

mod gradient;
mod named;
mod rsa;
mod schedule;
mod server_step;

pub use rsa::{Rsa, RsaDecay, RsaOrder};
pub use schedule::{Constant, Cosine, InverseRoot, Schedule, Steps};
pub use server_step::{Adam, HeavyBall, Plain, ServerOptimizer, ServerStep, Yogi};

use crate::error::SimError;
use crate::roster::Present;
use crate::workers::Workers;
use fl_core::{
    AggregateError, Cx, Messages, Part, Pipeline, PreAggregatorSpec, Report, RuleSpec, Scalar,
    Shape, SpecError, Visit,
};
use gradient::Gradient;
use rsa::Models;

/// What central node and workers do with each other.
#[derive(Debug)]
pub enum ProtocolSpec {
    /// Workers send gradient estimates, which the central node aggregates and steps along (Algorithm 2).
    Gradient {
        /// The chain of pre-aggregators, in order.
        pre: Vec<Box<dyn PreAggregatorSpec>>,
        /// The rule behind it.
        rule: Box<dyn RuleSpec>,
    },
    /// Workers send models, towards and away from which everybody steps (RSA, Section V-A).
    Rsa(Rsa),
}

impl ProtocolSpec {
    /// Numbers that a run keeps for messages, beside what estimators keep: the round's `W × p`, and in RSA as many again
    /// for the workers' models.
    pub fn numbers(&self, workers: usize, dim: usize) -> usize {
        let copies = match self {
            ProtocolSpec::Gradient { .. } => 1,
            ProtocolSpec::Rsa(_) => 2,
        };
        copies * workers * dim
    }
}

/// What the central node makes of a round.
#[derive(Debug)]
pub(crate) enum Decision {
    /// A step, with what the server reports; RSA's has nothing to report.
    Made(Option<Report>),
    /// Too few took part: the model stays as it is.
    Skipped,
}

/// A protocol with its memory.
#[derive(Debug)]
pub(crate) struct Protocol<T: Scalar>(Kind<T>);

// One of them lives in a simulation, so that their sizes may differ.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
enum Kind<T: Scalar> {
    Gradient(Gradient<T>),
    Rsa(Models<T>),
}

impl<T: Scalar> Protocol<T> {
    pub(crate) fn new(
        spec: ProtocolSpec,
        params: &[T],
        shape: Shape,
        step: f64,
        server_step: ServerStep,
    ) -> Result<Self, SpecError> {
        Ok(Self(match spec {
            ProtocolSpec::Gradient { pre, rule } => {
                Kind::Gradient(Gradient::new(pre, rule, shape, params.len(), (step, server_step))?)
            }
            ProtocolSpec::Rsa(spec) => {
                spec.check()?;
                if server_step != ServerStep::default() {
                    let allowed = "constant and plain: RSA has a `decay` of its own";
                    return Err(SpecError::new("the server's step", allowed, "another"));
                }
                Kind::Rsa(Models::new(params, shape.workers, step, spec))
            }
        }))
    }

    /// Whether Byzantine workers compute what they would honestly send, whatever they send: in RSA they keep honest models.
    pub(crate) fn needs_true_messages(&self) -> bool {
        matches!(self.0, Kind::Rsa(_))
    }

    /// What each worker would honestly send; the rows of absent workers hold NaN.
    pub(crate) fn send(
        &mut self,
        cx: &Cx<'_>,
        who: &Present<'_>,
        workers: &mut Workers<'_, T>,
        params: &[T],
        messages: &mut Messages<T>,
    ) {
        match &mut self.0 {
            Kind::Gradient(_) => Gradient::send((cx, who), workers, params, messages),
            Kind::Rsa(rsa) => rsa.send((cx, who), workers, params, messages),
        }
        // What did not arrive must not be taken for a message; for RSA's server a NaN has no sign.
        for w in (0..messages.workers()).filter(|&w| !who.has(w)) {
            messages.row_mut(w).fill(T::from_f64(f64::NAN));
        }
    }

    /// The central node's decision on the messages of those who are there.
    pub(crate) fn decide(
        &mut self,
        cx: &Cx<'_>,
        who: &Present<'_>,
        messages: &Messages<T>,
        params: &[T],
    ) -> Result<Decision, SimError> {
        let interrupted = || SimError::Interrupted { round: cx.round() };
        let made = match &mut self.0 {
            // What an interrupted worker or rule has left means nothing.
            _ if cx.is_interrupted() => return Err(interrupted()),
            Kind::Rsa(_) => None,
            Kind::Gradient(gradient) => match gradient.aggregate(cx, who, messages, params) {
                _ if cx.is_interrupted() => return Err(interrupted()),
                Err(SimError::Aggregate(
                    AggregateError::TooFew { .. } | AggregateError::Missing { .. },
                )) if who.lacks_somebody() => return Ok(self.skip()),
                report => Some(report?),
            },
        };
        Ok(if who.is_empty() { self.skip() } else { Decision::Made(made) })
    }

    /// A round without a decision.
    fn skip(&mut self) -> Decision {
        if let Kind::Gradient(gradient) = &mut self.0 {
            gradient.direction.fill(T::ZERO);
        }
        Decision::Skipped
    }

    /// What the server steps along, if it does; in RSA that is not made of gradients.
    pub(crate) fn output(&self, decision: &Decision) -> Option<&[T]> {
        match (&self.0, decision) {
            (Kind::Gradient(gradient), Decision::Made(_)) => Some(&gradient.direction),
            _ => None,
        }
    }

    /// x^{k+1}.
    pub(crate) fn step(
        &mut self,
        cx: &Cx<'_>,
        decision: &Decision,
        params: &mut [T],
        messages: &Messages<T>,
    ) {
        match (&mut self.0, decision) {
            (_, Decision::Skipped) => {}
            (Kind::Gradient(gradient), Decision::Made(_)) => gradient.step(cx, params),
            (Kind::Rsa(rsa), Decision::Made(_)) => rsa.step(cx, params, messages),
        }
    }

    /// The server and its last direction; neither is there in RSA.
    pub(crate) fn server(&self) -> Option<(&Pipeline<T>, &[T])> {
        match &self.0 {
            Kind::Gradient(gradient) => Some((&gradient.server, &gradient.direction)),
            Kind::Rsa(_) => None,
        }
    }

    /// What later rounds depend on; the last direction too, if the attack starts from it.
    pub(crate) fn state(&mut self, with_direction: bool, visit: &mut Visit<'_, T>) {
        match &mut self.0 {
            Kind::Gradient(gradient) => {
                gradient.server.state(&mut |name, part| visit(&format!("server.{name}"), part));
                if with_direction {
                    visit("server.direction", Part::Vector(&mut gradient.direction));
                }
                gradient.stepper.state(visit);
            }
            Kind::Rsa(rsa) => rsa.state(visit),
        }
    }
}
