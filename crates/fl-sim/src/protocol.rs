//! The two ways in which central node and workers talk.

use crate::SimError;
use crate::config::{RsaConfig, RsaDecay, RsaOrder};
use crate::workers::Workers;
use fl_core::{AlignedVec, Cx, Federation, Messages, Part, Pipeline, Report, Scalar, Visit};
use rayon::prelude::*;

/// A protocol with its memory.
// One of them lives in a simulation, so that their sizes may differ.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(crate) enum Protocol<T: Scalar> {
    Gradient(Gradient<T>),
    Rsa(Rsa<T>),
}

/// Workers send gradient estimates at x^k; the node steps along their aggregate: Algorithm 2.
#[derive(Debug)]
pub(crate) struct Gradient<T: Scalar> {
    pub(crate) server: Pipeline<T>,
    pub(crate) direction: AlignedVec<T>,
    pub(crate) step: f64,
}

/// Every worker, Byzantine or not, keeps a model, starting at x⁰, and sends it. Node and workers update at the same
/// time from the old values:
///
/// ```text
/// x_0 ← x_0 − γ λ Σ_w sign(x_0 − x_w)
/// x_w ← x_w − γ (∇f_{w,i}(x_w) + λ sign(x_w − x_0))
/// ```
///
/// RSA's own code differs, by name: [`RsaOrder`] and [`RsaDecay`].
#[derive(Debug)]
pub(crate) struct Rsa<T: Scalar> {
    models: Messages<T>,
    gamma: f64,
    /// γ of this round.
    now: f64,
    variant: RsaConfig,
}

impl<T: Scalar> Rsa<T> {
    pub(crate) fn new(params: &[T], workers: usize, gamma: f64, variant: RsaConfig) -> Self {
        let mut models = Messages::zeros(workers, params.len());
        models.rows_mut().for_each(|model| model.copy_from_slice(params));
        Self { models, gamma, now: gamma, variant }
    }

    /// What workers send: their models as they are.
    fn send(&self, per: usize, messages: &mut Messages<T>) {
        messages.par_groups_mut(per).enumerate().for_each(|(group, rows)| {
            for (i, row) in rows.enumerate() {
                row.copy_from_slice(self.models.row(group * per + i));
            }
        });
    }
}

impl<T: Scalar> Protocol<T> {
    /// What each worker would honestly send.
    pub(crate) fn messages(
        &mut self,
        cx: &Cx<'_>,
        workers: &mut Workers<'_, T>,
        params: &[T],
        messages: &mut Messages<T>,
    ) {
        match self {
            Protocol::Gradient(_) => workers.each(Some(cx), messages, |turn| {
                turn.estimator.message(cx, &turn.local, params, turn.row, turn.work);
            }),
            Protocol::Rsa(rsa) => {
                rsa.now = match rsa.variant.decay {
                    RsaDecay::None => rsa.gamma,
                    RsaDecay::InverseRoot => rsa.gamma / (cx.round() as f64 + 1.0).sqrt(),
                };
                let (gamma, lambda) = (rsa.now, rsa.variant.lambda);
                if rsa.variant.order == RsaOrder::Simultaneous {
                    rsa.send(workers.per, messages);
                }
                workers.each(Some(cx), &mut rsa.models, |turn| {
                    // The workspace's vector is free during a message; taking it leaves an empty one behind.
                    let mut gradient =
                        std::mem::replace(&mut turn.work.vector, AlignedVec::zeros(0));
                    turn.estimator.message(cx, &turn.local, turn.row, &mut gradient, turn.work);
                    fl_agg::rsa::worker_step(turn.row, &gradient, params, gamma, lambda);
                    turn.work.vector = gradient;
                });
                if rsa.variant.order == RsaOrder::WorkersFirst {
                    rsa.send(workers.per, messages);
                }
            }
        }
    }

    /// The central node's decision on the messages of those who are present, if these are not all.
    pub(crate) fn aggregate(
        &mut self,
        cx: &Cx<'_>,
        messages: &Messages<T>,
        (federation, present): (&Federation, Option<&[u32]>),
        params: &[T],
    ) -> Result<Option<Report>, SimError> {
        let Protocol::Gradient(Gradient { server, direction, .. }) = self else {
            return Ok(None);
        };
        let result = match present {
            Some(present) => server.aggregate_present(cx, messages.view(), present, direction),
            None => server.aggregate(cx, messages.view(), direction),
        };
        // A regular worker that has diverged ends the run, even where too few messages are left to aggregate.
        if server.rows().len() < messages.workers() {
            let gone = |w: &&u32| server.rows().binary_search(w).is_err();
            if let Some(&worker) = federation.regular().iter().find(gone) {
                let (round, worker) = (cx.round(), worker as usize);
                return Err(SimError::Diverged { round, worker, norm: norm(params) });
            }
        }
        Ok(Some(result?))
    }

    /// The server and its last direction.
    pub(crate) fn result(&self) -> (Option<&Pipeline<T>>, Option<&[T]>) {
        match self {
            Protocol::Gradient(g) => (Some(&g.server), Some(&g.direction)),
            Protocol::Rsa(_) => (None, None),
        }
    }

    /// What later rounds depend on.
    pub(crate) fn state(&mut self, visit: &mut Visit<'_, T>) {
        match self {
            Protocol::Gradient(g) => {
                g.server.state(&mut |name, part| visit(&format!("server.{name}"), part));
            }
            Protocol::Rsa(rsa) => {
                for (w, model) in rsa.models.rows_mut().enumerate() {
                    visit(&format!("worker.{w}.model"), Part::Vector(model));
                }
            }
        }
    }

    /// A round without a decision.
    pub(crate) fn skip(&mut self) {
        if let Protocol::Gradient(g) = self {
            g.direction.fill(T::ZERO);
        }
    }

    /// The last direction, which some attacks start from.
    pub(crate) fn direction(&mut self, visit: &mut Visit<'_, T>) {
        if let Protocol::Gradient(g) = self {
            visit("server.direction", Part::Vector(&mut g.direction));
        }
    }

    /// x^{k+1}.
    pub(crate) fn step(&mut self, params: &mut [T], messages: &Messages<T>) {
        match self {
            Protocol::Gradient(g) => {
                let step = T::from_f64(g.step);
                for (x, &d) in params.iter_mut().zip(g.direction.iter()) {
                    *x -= step * d;
                }
            }
            Protocol::Rsa(rsa) => {
                fl_agg::rsa::server_step(params, messages.view(), rsa.now, rsa.variant.lambda);
            }
        }
    }
}

/// ‖x‖, in double precision.
pub(crate) fn norm<T: Scalar>(x: &[T]) -> f64 {
    x.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>().sqrt()
}
