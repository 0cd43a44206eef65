//! Sample duplicating: send what one regular worker sends.

use crate::shared::regular_worker::{copy, regular, target};
use fl_core::streams::below;
use fl_core::{
    Attack, AttackContext, AttackSpec, AttackView, Cx, Role, Scalar, SpecError, choice, spec,
};

spec! {
    /// All Byzantine workers send the message of one regular worker `r`, `v_w = v_r`, as if they held copies of its samples.
    ///
    /// No single message is suspicious, yet one worker's data count `1 + B` times: where data differ from worker to worker,
    /// distance-based rules are drawn to the cluster.
    ///
    /// # Requirements
    /// A regular worker, by default the lowest, whose message the adversary knows. In rounds in which it is Byzantine, where
    /// that changes, the lowest regular one stands in.
    ///
    /// # Cost
    /// A copy for each Byzantine worker. Their true messages are not needed.
    ///
    /// # Randomness
    /// A random worker is drawn from the stream of (`AttackChoice`, the attack's place, round).
    ///
    /// # Reference
    /// The paper's Section V-B.
    ///
    /// # Example
    /// ```
    /// use fl_attacks::{Attack, AttackSpec, Federation, SampleDuplicating, AttackView, AttackContext};
    /// use fl_core::{Cx, Messages, Streams};
    ///
    /// let mut messages = Messages::from_rows(&[[1.0f32], [2.0], [3.0]]);
    /// let federation = Federation::new(3, &[2])?;
    /// let mut attack = SampleDuplicating { worker: Some(1), ..Default::default() }.build(&AttackContext::new(&federation, 1))?;
    /// let streams = Streams::new(0);
    /// attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    /// assert_eq!(messages.row(2), [2.0]);
    /// # Ok::<(), fl_attacks::SpecError>(())
    /// ```
    pub struct SampleDuplicating {
        /// The regular worker whose message is duplicated; the lowest if left out.
        pub worker: Option<usize> = None,
        /// Whether it stays the same.
        pub pick: SampleDuplicatingPick = SampleDuplicatingPick::Fixed,
    }
}

choice! {
    /// Whether one worker is duplicated all the time.
    pub enum SampleDuplicatingPick {
        /// One worker in all rounds.
        Fixed,
        /// A regular worker drawn anew in each round.
        Random,
    }
}

impl<T: Scalar> AttackSpec<T> for SampleDuplicating {
    fn name(&self) -> &'static str {
        "sample-duplicating"
    }

    fn build(&self, context: &AttackContext<'_, T>) -> Result<Box<dyn Attack<T>>, SpecError> {
        regular("sample-duplicating", self.worker, context)?;
        if self.pick == SampleDuplicatingPick::Random {
            if let Some(worker) = self.worker {
                let allowed = "left out where a random worker is drawn";
                return Err(SpecError::new("worker", allowed, worker).of("sample-duplicating"));
            }
            return Ok(Box::new(Random { place: context.place }));
        }
        Ok(Box::new(Run { worker: self.worker }))
    }
}

#[derive(Debug)]
struct Run {
    worker: Option<usize>,
}

impl<T: Scalar> Attack<T> for Run {
    fn corrupt(&mut self, _: &Cx<'_>, view: &mut AttackView<'_, T>) {
        copy(view, target(self.worker, view.federation()));
    }

    fn needs_true_messages(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Random {
    place: usize,
}

impl<T: Scalar> Attack<T> for Random {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, T>) {
        let regular = view.federation().regular();
        if regular.is_empty() {
            return;
        }
        let mut rng = cx.draw(Role::AttackChoice, self.place);
        copy(view, regular[below(&mut rng, regular.len() as u32) as usize] as usize);
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
        let spec = SampleDuplicating { worker, ..SampleDuplicating::default() };
        AttackSpec::<f32>::build(&spec, &AttackContext::new(&federation, 3)).map(|_| ())
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

    fn sent(spec: &SampleDuplicating, round: u64) -> Vec<f32> {
        let mut messages = fl_core::Messages::from_rows(&[[0.0f32], [1.0], [2.0], [3.0]]);
        let federation = Federation::new(4, &[0, 3]).expect("valid");
        let mut attack = spec.build(&AttackContext::new(&federation, 1)).expect("valid");
        let streams = fl_core::Streams::new(0);
        attack.corrupt(&Cx::new(&streams, round), &mut AttackView::new(&mut messages, &federation));
        (0..4).map(|w| messages.row(w)[0]).collect()
    }

    #[test]
    fn by_default_the_lowest_regular_worker_is_duplicated() {
        assert_eq!(sent(&SampleDuplicating::default(), 0), [1.0, 1.0, 2.0, 1.0]);
    }

    #[test]
    fn a_random_worker_is_one_for_all_attackers_and_every_regular_one_in_its_turn() {
        let spec = SampleDuplicating {
            pick: SampleDuplicatingPick::Random,
            ..SampleDuplicating::default()
        };
        let mut counts = [0; 2];
        for round in 0..1000 {
            let all = sent(&spec, round);
            assert_eq!(all[0], all[3]);
            counts[all[0] as usize - 1] += 1;
        }
        assert!(counts.iter().all(|c: &i32| c.abs_diff(500) < 80), "{counts:?}");
    }
}
