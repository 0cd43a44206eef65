//! Rounds in which part of the workers take part.

use fl_core::{Cx, Federation, Role, SpecError, streams};
use serde::{Deserialize, Serialize};

/// Who takes part in a round: of `sample` workers, drawn uniformly in each round, each drops out with probability `drop-out`.
///
/// An absent worker does not compute, what it keeps between rounds stays as it is, and the server has no message of it.
/// Byzantine workers are drawn and drop out like others; the adversary sees what the present ones send. The server goes on
/// withstanding as many Byzantine messages as in a whole round, all but one at most: it cannot know who is absent.
/// Where the rule cannot work with what has arrived, or nothing has, the model stays as it is for a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Participation {
    /// m, workers drawn in each round; all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<usize>,
    /// p, the probability with which a drawn worker drops out of the round.
    #[serde(default)]
    pub drop_out: f64,
}

impl Participation {
    /// Whether this can be done with so many workers; the error's `what` ends in the setting's name.
    ///
    /// # Errors
    /// When m is not from 1 to W, or p not in [0, 1).
    pub fn check(&self, workers: usize) -> Result<(), SpecError> {
        if let Some(m) = self.sample.filter(|m| !(1..=workers).contains(m)) {
            let allowed = format!("from 1 to the {workers} workers");
            return Err(SpecError::new("participation.sample", allowed, m));
        }
        if !(0.0..1.0).contains(&self.drop_out) {
            let allowed = "at least 0 and below 1";
            return Err(SpecError::new("participation.drop-out", allowed, self.drop_out));
        }
        Ok(())
    }

    /// m of W.
    pub(crate) fn drawn(&self, workers: usize) -> usize {
        self.sample.unwrap_or(workers)
    }

    /// Whether there may be rounds without a regular worker.
    pub(crate) fn may_lose_all(&self, workers: usize, byzantine: usize) -> bool {
        self.drop_out > 0.0 || self.drawn(workers) <= byzantine
    }
}

/// Who is present in a round.
#[derive(Debug)]
pub(crate) struct Attendance {
    spec: Participation,
    drawn: Vec<u32>,
    /// The present workers, in rising order, and who is who among them.
    pub(crate) present: Vec<u32>,
    pub(crate) arrived: Federation,
    /// Rounds so far in which the model stayed as it was.
    pub(crate) skipped: u64,
}

impl Attendance {
    pub(crate) fn new(spec: Participation, federation: &Federation) -> Self {
        let workers = federation.workers();
        Self {
            spec,
            drawn: vec![0; spec.drawn(workers)],
            present: Vec::with_capacity(workers),
            arrived: federation.clone(),
            skipped: 0,
        }
    }

    /// Draws who is present in a round, into `here` too.
    pub(crate) fn call(&mut self, cx: &Cx<'_>, federation: &Federation, here: &mut [bool]) {
        let workers = here.len();
        here.fill(false);
        if self.drawn.len() < workers {
            streams::distinct(&mut cx.draw(Role::Participate, 0), workers as u32, &mut self.drawn);
            self.drawn.iter().for_each(|&w| here[w as usize] = true);
        } else {
            here.fill(true);
        }
        if self.spec.drop_out > 0.0 {
            for (w, here) in here.iter_mut().enumerate().filter(|(_, here)| **here) {
                *here = !streams::chance(&mut cx.draw(Role::DropOut, w), self.spec.drop_out);
            }
        }
        self.present.clear();
        self.present.extend((0..workers as u32).filter(|&w| here[w as usize]));
        self.arrived.keep_present(federation, here);
    }
}
