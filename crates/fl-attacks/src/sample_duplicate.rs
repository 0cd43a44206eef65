//! Sample duplicating: send what one regular worker sends.

use fl_core::{Attack, AttackSpec, Cx, Scalar, Sight, Site, SpecError, spec};

spec! {
    /// All Byzantine workers send the message of one regular worker `r`, `v_w = v_r`, as if they held copies of its samples.
    ///
    /// No single message is suspicious, yet one worker's data count `1 + B` times: where data differ from worker to worker,
    /// distance-based rules are drawn to the cluster.
    ///
    /// # Requirements
    /// A regular worker; by default the lowest.
    ///
    /// # Cost
    /// A copy for each Byzantine worker. Their true messages are not needed.
    ///
    /// # Reference
    /// The paper's Section V-B.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, SampleDuplicate, Sight, Site};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0], [2.0], [3.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = SampleDuplicate { worker: Some(1) }.build(&Site::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut Sight::new(&mut messages, &federation));
    /// assert_eq!(messages.row(2), [2.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct SampleDuplicate {
        /// The regular worker whose message is duplicated; the lowest if left out.
        pub worker: Option<usize> = None,
    }
}

impl<T: Scalar> AttackSpec<T> for SampleDuplicate {
    fn name(&self) -> &'static str {
        "sample-duplicating"
    }

    fn build(&self, site: &Site<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        let federation = site.federation;
        // A federation has at least one regular worker.
        let worker = self.worker.unwrap_or(federation.regular()[0] as usize);
        if worker >= federation.workers() || federation.is_byzantine(worker) {
            let allowed = format!("a regular worker ({})", ranges(federation.regular()));
            let got = if worker < federation.workers() {
                format!("{worker}, which is Byzantine")
            } else {
                format!("{worker} of {} workers", federation.workers())
            };
            return Err(SpecError::new("sample-duplicating: worker", allowed, got));
        }
        Ok(Box::new(Run { worker }))
    }
}

/// Rising numbers as a reader would write them: `0 to 23, 27`.
fn ranges(numbers: &[u32]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [one] => one.to_string(),
        _ => format!("{} to {}", run[0], run[run.len() - 1]),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[derive(Debug)]
struct Run {
    worker: usize,
}

impl<T: Scalar> Attack<T> for Run {
    fn corrupt(&mut self, _: &Cx<'_>, sight: &mut Sight<'_, T>) {
        for &b in sight.federation().byzantine() {
            sight.copy(self.worker, b as usize);
        }
    }

    fn needs_true_messages(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fl_core::Federation;

    fn build(worker: Option<usize>, workers: usize, byzantine: &[u32]) -> Result<(), SpecError> {
        let federation = Federation::new(workers, byzantine)?;
        AttackSpec::<f32>::build(&SampleDuplicate { worker }, &Site::new(&federation, 3))
            .map(|_| ())
    }

    #[test]
    fn a_worker_that_is_not_regular_is_refused_with_those_that_are() {
        let byzantine: Vec<u32> = (24..27).chain(28..30).collect();
        assert_eq!(
            build(Some(25), 30, &byzantine).unwrap_err().to_string(),
            "sample-duplicating: worker must be a regular worker (0 to 23, 27), \
             got 25, which is Byzantine"
        );
        assert_eq!(
            build(Some(30), 30, &byzantine).unwrap_err().to_string(),
            "sample-duplicating: worker must be a regular worker (0 to 23, 27), got 30 of 30 workers"
        );
        assert_eq!(build(Some(27), 30, &byzantine), Ok(()));
    }

    #[test]
    fn by_default_the_lowest_regular_worker_is_duplicated() {
        let mut messages = fl_core::Messages::from_rows(&[[0.0f32], [1.0], [2.0], [3.0]]);
        let federation = Federation::new(4, &[0, 3]).expect("valid");
        let mut attack =
            SampleDuplicate::default().build(&Site::new(&federation, 1)).expect("valid");
        let streams = fl_core::Streams::new(0);
        attack.corrupt(&Cx::new(&streams, 0), &mut Sight::new(&mut messages, &federation));
        let all: Vec<f32> = (0..4).map(|w| messages.row(w)[0]).collect();
        assert_eq!(all, [1.0, 1.0, 2.0, 1.0]);
    }
}
