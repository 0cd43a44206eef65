//! Everything that a run is made of.

use crate::protocol::{ProtocolSpec, ServerStep};
use crate::roster::{Participation, Rotation};
use crate::workers::ByzantineData;
use fl_core::{AttackSpec, Dataset, EstimatorSpec, Federation, Knowledge, Objective, SpecError};

/// Everything that a run is made of, as trait objects: a program may bring its own.
#[derive(Debug)]
pub struct Setup<'a, T> {
    /// What workers learn from.
    pub train: &'a Dataset,
    /// The rows of `train` that each worker holds.
    pub samples: Vec<&'a [u32]>,
    /// Who is Byzantine; for a start, if there is a rotation.
    pub federation: Federation,
    /// What the adversary knows.
    pub knowledge: Knowledge,
    /// When others become Byzantine.
    pub rotation: Option<Rotation>,
    /// Who takes part in which rounds; everybody in all if left out.
    pub participation: Option<Participation>,
    /// What Byzantine workers learn from, where that is something else than their rows of `train`; `samples` then has, for
    /// each of them, rows of its data.
    pub byzantine_data: Option<ByzantineData<'a, T>>,
    /// The model.
    pub objective: Box<dyn Objective<T>>,
    /// The workers' gradient estimator.
    pub estimator: Box<dyn EstimatorSpec<T>>,
    /// What is sent and what is done with it.
    pub protocol: ProtocolSpec,
    /// What Byzantine workers send.
    pub attack: Box<dyn AttackSpec<T>>,
    /// γ.
    pub step: f64,
    /// What the server makes of γ and of its direction.
    pub server_step: ServerStep,
    /// The seed of all random streams.
    pub seed: u64,
}

impl<T> Setup<'_, T> {
    /// What cannot work whatever its parts are.
    pub(crate) fn check(&self) -> Result<(), SpecError> {
        let count = self.federation.workers();
        if self.samples.len() != count {
            let allowed = format!("for {count} workers");
            return Err(SpecError::new("the partition", allowed, self.samples.len()));
        }
        if !(self.step > 0.0 && self.step.is_finite()) {
            return Err(SpecError::new("step", "a positive number", self.step));
        }
        if self.rotation.is_some_and(|rotation| rotation.every == 0) {
            return Err(SpecError::new("every", "at least 1 round", 0).of("rotation"));
        }
        if self.rotation.is_some() && self.byzantine_data.is_some() {
            let allowed = "with the same Byzantine workers in all rounds";
            return Err(SpecError::new("a poison", allowed, "a rotation"));
        }
        self.participation.map_or(Ok(()), |participation| participation.check(count))
    }
}
