//! What attacks on data are: Byzantine workers follow the protocol, but learn from something else than their samples.

use crate::data::DatasetError;
use crate::{Dataset, Federation, Role, SpecError, Stream, Streams};
use std::fmt::Debug;

/// What is known where a poison is prepared.
#[derive(Clone, Copy, Debug)]
pub struct PoisonContext<'a> {
    /// What workers learn from.
    pub data: &'a Dataset,
    /// Height and width, where a sample is a picture whose pixels are the columns in row-major order.
    pub picture: Option<(usize, usize)>,
    /// The rows of `data` that each worker holds.
    pub samples: &'a [&'a [u32]],
    /// Who is who.
    pub federation: &'a Federation,
}

/// What Byzantine workers learn in place of their own samples.
#[derive(Debug)]
pub enum Poison {
    /// Their samples, each changed once, before the first round.
    Changed(Box<dyn Change>),
    /// The samples of another worker, as if they were their own.
    Held(usize),
    /// Their samples, each with the label that the model finds least likely whenever the sample is looked at
    /// ([`crate::Objective::least_likely`]).
    LeastLikely,
}

/// A change of samples.
pub trait Change: Debug + Send + Sync {
    /// Changes one sample: its features in the data set's own order, and its label. `rng` is the sample's own stream.
    fn change(&self, features: &mut [f64], label: &mut u32, rng: &mut Stream);

    /// The backdoor that the change is to open.
    fn backdoor(&self) -> Option<&dyn Trigger> {
        None
    }
}

/// A backdoor: what makes a trained model answer with the adversary's class.
pub trait Trigger: Debug {
    /// The class that the adversary wants to see.
    fn target(&self) -> u32;

    /// Puts the trigger into a sample.
    fn trigger(&self, features: &mut [f64]);
}

/// An attack on data, as data.
pub trait PoisonSpec: Debug + Send + Sync {
    /// The name in configuration files.
    fn name(&self) -> &'static str;

    /// The poison for these workers and samples.
    ///
    /// # Errors
    /// When it cannot be carried out there.
    fn build(&self, context: &PoisonContext<'_>) -> Result<Poison, SpecError>;
}

/// The Byzantine workers' samples after a change, as a data set of their own.
#[derive(Clone, Debug)]
pub struct Poisoned {
    /// The changed samples.
    pub data: Dataset,
    /// The rows of `data` that each Byzantine worker holds, in the order of [`Federation::byzantine`].
    pub samples: Vec<Vec<u32>>,
}

impl Poisoned {
    /// Changes every sample of every Byzantine worker; those of regular workers stay where and what they are.
    ///
    /// The i-th sample of worker `w` draws from the stream of (`Poison`, `w`, i), so what becomes of it depends on nothing
    /// else.
    ///
    /// # Errors
    /// When a changed feature is not finite or a label outside the classes.
    pub fn new(
        change: &dyn Change,
        context: &PoisonContext<'_>,
        streams: &Streams,
    ) -> Result<Self, DatasetError> {
        let (mut rows, mut owners, mut samples) = (Vec::new(), Vec::new(), Vec::new());
        for &b in context.federation.byzantine() {
            let held = context.samples[b as usize];
            let first = rows.len() as u32;
            samples.push((first..first + held.len() as u32).collect());
            rows.extend_from_slice(held);
            owners.extend((0..held.len() as u64).map(|i| (b as usize, i)));
        }
        let data = context.data.changed(&rows, |at, features, label| {
            let (worker, i) = owners[at];
            change.change(features, label, &mut streams.at(Role::Poison, worker, i));
        })?;
        Ok(Self { data, samples })
    }
}

/// The samples of other classes than the backdoor's target, with the trigger in them and the target as their label: the
/// accuracy on them is the backdoor's success rate. `None` where there are no such samples.
///
/// # Errors
/// When the trigger is not finite.
pub fn triggered(data: &Dataset, backdoor: &dyn Trigger) -> Result<Option<Dataset>, DatasetError> {
    let target = backdoor.target();
    let rows: Vec<u32> =
        (0..data.rows() as u32).filter(|&i| data.labels()[i as usize] != target).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let set = data.changed(&rows, |_, features, label| {
        backdoor.trigger(features);
        *label = target;
    })?;
    Ok(Some(set))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Layout, Values};
    use crate::streams::below;

    #[derive(Debug)]
    struct Draw;

    impl Change for Draw {
        fn change(&self, features: &mut [f64], label: &mut u32, rng: &mut Stream) {
            features[0] += f64::from(below(rng, 1000));
            *label = 2;
        }
    }

    impl Trigger for Draw {
        fn target(&self) -> u32 {
            1
        }

        fn trigger(&self, features: &mut [f64]) {
            features[1] = 9.0;
        }
    }

    fn set() -> Dataset {
        let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
        Dataset::new(Values::F32(&values), 2, vec![0, 1, 2, 0, 1, 2], 3, Layout::Flat)
            .expect("valid")
    }

    #[test]
    fn every_byzantine_sample_is_changed_by_draws_of_its_own() {
        let data = set();
        let federation = Federation::new(3, &[0, 2]).expect("valid");
        let streams = Streams::new(7);
        let poisoned = |samples: &[&[u32]]| {
            let context =
                PoisonContext { data: &data, picture: None, samples, federation: &federation };
            Poisoned::new(&Draw, &context, &streams).expect("valid")
        };
        let row = |set: &Dataset, i: u32| {
            let mut row = [0.0; 2];
            set.row(i as usize, &mut row);
            row
        };
        let one = poisoned(&[&[5, 1], &[0, 2], &[3]]);
        assert_eq!(one.samples, [vec![0, 1], vec![2]]);
        assert_eq!(one.data.labels(), [2, 2, 2]);
        for (i, from) in [5, 1, 3].into_iter().enumerate() {
            let (before, after) = (row(&data, from), row(&one.data, i as u32));
            assert!(after[0] >= before[0] && after[1] == before[1], "{before:?} {after:?}");
        }
        // Worker 2's samples do not depend on how many worker 0 has.
        let other = poisoned(&[&[5], &[0, 2, 1], &[3]]);
        assert_eq!(row(&one.data, 2), row(&other.data, 1));
        assert_ne!(row(&one.data, 0)[0] - 10.0, row(&one.data, 1)[0] - 2.0);
    }

    #[test]
    fn the_success_of_a_backdoor_is_asked_of_samples_of_other_classes() {
        let set = triggered(&set(), &Draw).expect("valid").expect("other classes");
        assert_eq!((set.rows(), set.labels()), (4, &[1; 4][..]));
        let mut row = [0.0; 2];
        set.row(3, &mut row);
        assert_eq!(row, [10.0, 9.0]);
        let values = [0.0f32; 2];
        let all = Dataset::new(Values::F32(&values), 1, vec![1, 1], 2, Layout::Flat);
        assert!(triggered(&all.expect("valid"), &Draw).expect("valid").is_none());
    }
}
