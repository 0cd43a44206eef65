//! What an observer sees of a round.

use crate::error::SimError;
use crate::finite::{all_finite, norm, require_finite};
use crate::protocol::{Decision, Protocol};
use crate::roster::Present;
use crate::workers::Workers;
use fl_core::{Cx, Dataset, Federation, Messages, Objective, Pipeline, Report, Scalar};

/// One round, as an observer sees it: after aggregation, before the step.
#[derive(Debug)]
pub struct RoundView<'a, T> {
    /// k.
    pub round: u64,
    /// x^k.
    pub params: &'a [T],
    /// Whose messages arrived, and who is who among them: everybody, unless part of the workers take part.
    pub arrived: &'a Federation,
    /// What was sent; the rows of absent workers hold NaN.
    pub messages: &'a Messages<T>,
    /// The aggregated direction; `None` for RSA, which has none, and where the round is skipped.
    pub direction: Option<&'a [T]>,
    /// What the server reports; `None` for RSA, and where the round is skipped.
    pub report: Option<&'a Report>,
    /// The server; `None` for RSA, and where the round is skipped.
    pub server: Option<&'a Pipeline<T>>,
    /// Rounds so far, this one included, in which too few took part for the model to move; `None` where all take part.
    pub skipped: Option<u64>,
}

impl<'a, T: Scalar> RoundView<'a, T> {
    pub(crate) fn new(
        cx: &Cx<'_>,
        who: &Present<'a>,
        (params, messages): (&'a [T], &'a Messages<T>),
        (protocol, decision): (&'a Protocol<T>, &'a Decision),
        skipped: u64,
    ) -> Self {
        let (report, (server, direction)) = match decision {
            Decision::Made(report) => (report.as_ref(), protocol.server().unzip()),
            Decision::Skipped => (None, (None, None)),
        };
        Self {
            round: cx.round(),
            params,
            arrived: who.federation,
            messages,
            direction,
            report,
            server,
            skipped: who.some.map(|_| skipped),
        }
    }

    /// Whether parameters and regular messages are finite. RSA's server survives models that are not, so nothing else would
    /// tell of them. Cost: one pass over the messages.
    ///
    /// # Errors
    /// [`SimError::ParametersDiverged`] or [`SimError::Diverged`].
    pub fn require_finite(&self) -> Result<(), SimError> {
        require_finite(self.params, self.round)?;
        let diverged = |&&w: &&u32| !all_finite(self.messages.row(w as usize));
        match self.arrived.regular().iter().find(diverged) {
            None => Ok(()),
            Some(&w) => {
                let (round, worker) = (self.round, w as usize);
                Err(SimError::Diverged { round, worker, norm: norm(self.params) })
            }
        }
    }
}

/// The workers, for observers that measure them.
#[derive(Debug)]
pub struct View<'v, 'a, T: Scalar> {
    pub(crate) workers: &'v Workers<'a, T>,
    /// Who is Byzantine.
    pub federation: &'v Federation,
}

impl<T: Scalar> View<'_, '_, T> {
    /// The model.
    pub fn objective(&self) -> &dyn Objective<T> {
        &*self.workers.lessons.objective
    }

    /// What workers learn from.
    pub fn train(&self) -> &Dataset {
        self.workers.lessons.train
    }

    /// Sample gradients that the estimators of regular workers have computed so far, those of this round included.
    pub fn gradients(&self) -> u64 {
        self.workers.gradients()
    }

    /// The rows that worker `w` holds.
    pub fn samples(&self, w: usize) -> &[u32] {
        self.workers.lessons.samples[w]
    }
}
