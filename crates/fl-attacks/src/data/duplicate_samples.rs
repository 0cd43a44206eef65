//! Duplicated samples: learn from what a regular worker holds.

use fl_core::{Poison, PoisonContext, PoisonSpec, SpecError, spec};

spec! {
    /// Duplicated samples: all Byzantine workers hold the samples of one regular worker and follow the protocol.
    ///
    /// Sample duplicating as it would look on data: every message is an honest one of that worker's, of a batch of its own,
    /// where [`crate::SampleDuplicating`] repeats one message.
    ///
    /// # Requirements
    /// A regular worker; by default the lowest.
    ///
    /// # Cost
    /// None.
    ///
    /// # Reference
    /// The paper's Section V-B describes the attack by messages.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::DuplicateSamples;
    ///
    /// assert_eq!(DuplicateSamples::default().worker, None);
    /// ```
    pub struct DuplicateSamples {
        /// The regular worker whose samples are held; the lowest if left out.
        pub worker: Option<usize> = None,
    }
}

impl PoisonSpec for DuplicateSamples {
    fn name(&self) -> &'static str {
        "duplicate-samples"
    }

    fn build(&self, context: &PoisonContext<'_>) -> Result<Poison, SpecError> {
        let federation = context.federation;
        let worker = self.worker.unwrap_or(federation.regular()[0] as usize);
        if worker >= federation.workers() || federation.is_byzantine(worker) {
            let got = if worker < federation.workers() {
                format!("{worker}, which is Byzantine")
            } else {
                format!("{worker} of {} workers", federation.workers())
            };
            return Err(SpecError::new("worker", "a regular worker", got).of("duplicate-samples"));
        }
        Ok(Poison::Held(worker))
    }
}
