//! Who is who and who is there: the one answer to "who takes part in this round".

use fl_core::{Cx, Federation, Part, Role, Shape, SpecError, Streams, Visit, streams};
use serde::{Deserialize, Serialize};

/// A different set of Byzantine workers each epoch, as many as there were: epoch e, the rounds from `e · every` on, has
/// those that the stream of (`Byzantine`, 0, e) draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Rounds of an epoch.
    pub every: u64,
}

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
    /// Whether this can be done with so many workers; the error's setting is its place in a file.
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
    pub fn drawn(&self, workers: usize) -> usize {
        self.sample.unwrap_or(workers)
    }

    /// The messages that a round has if nobody drops out, and how many of them may be Byzantine: of m < W messages all but
    /// one at most.
    pub fn drawn_of(&self, all: Shape) -> Shape {
        let workers = self.drawn(all.workers);
        match workers < all.workers {
            true => Shape { workers, byzantine: all.byzantine.min(workers.saturating_sub(1)) },
            false => all,
        }
    }

    /// Whether there may be rounds without a regular worker.
    pub(crate) fn may_lose_all_regular(&self, shape: Shape) -> bool {
        self.drop_out > 0.0 || self.drawn(shape.workers) <= shape.byzantine
    }
}

/// Calls the workers of each round: who is Byzantine in it, and who is there.
#[derive(Debug)]
pub(crate) struct Roster {
    /// Everybody, as in the current epoch.
    federation: Federation,
    epochs: Option<Epochs>,
    draw: Option<Draw>,
}

/// The rotation of Byzantine workers.
#[derive(Debug)]
struct Epochs {
    every: u64,
    /// The epoch that the federation is that of, and whom the rotation has drawn for it.
    current: Option<u64>,
    byzantine: Vec<u32>,
}

/// Who is drawn for a round and does not drop out.
#[derive(Debug)]
struct Draw {
    spec: Participation,
    drawn: Vec<u32>,
    here: Vec<bool>,
    /// The present workers, in rising order, and who is who among them.
    workers: Vec<u32>,
    arrived: Federation,
}

/// Who takes part in a round, and who is who among them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present<'a> {
    /// Everybody, as in the round's epoch.
    pub(crate) everybody: &'a Federation,
    /// Those who take part.
    pub(crate) federation: &'a Federation,
    /// A flag a worker and the present ones in rising order; `None` where everybody takes part in all rounds.
    pub(crate) some: Option<(&'a [bool], &'a [u32])>,
}

impl Present<'_> {
    /// Whether worker `w` is there.
    pub(crate) fn has(&self, w: usize) -> bool {
        self.some.is_none_or(|(here, _)| here[w])
    }

    /// Whether somebody is absent.
    pub(crate) fn lacks_somebody(&self) -> bool {
        self.some.is_some_and(|(here, present)| present.len() < here.len())
    }

    /// Whether nobody is there.
    pub(crate) fn is_empty(&self) -> bool {
        self.some.is_some_and(|(_, present)| present.is_empty())
    }
}

impl Roster {
    pub(crate) fn new(
        federation: Federation,
        rotation: Option<Rotation>,
        participation: Option<Participation>,
    ) -> Self {
        let workers = federation.workers();
        let epochs = rotation.map(|Rotation { every }| {
            let byzantine = federation.byzantine().to_vec();
            Epochs { every, current: None, byzantine }
        });
        let draw = participation.map(|spec| Draw {
            spec,
            drawn: vec![0; spec.drawn(workers)],
            here: vec![true; workers],
            workers: Vec::with_capacity(workers),
            arrived: federation.clone(),
        });
        Self { federation, epochs, draw }
    }

    /// Everybody, and who is Byzantine in the current epoch.
    pub(crate) fn federation(&self) -> &Federation {
        &self.federation
    }

    /// Whether part of the workers take part.
    pub(crate) fn is_partial(&self) -> bool {
        self.draw.is_some()
    }

    /// Who takes part in a round. Allocates nothing.
    pub(crate) fn call(&mut self, cx: &Cx<'_>) -> Present<'_> {
        if let Some(epochs) = &mut self.epochs {
            let epoch = cx.round() / epochs.every;
            // Not only at an epoch's first round: a run may begin in the middle of one.
            if epochs.current != Some(epoch) {
                epochs.begin(epoch, cx, &mut self.federation);
            }
        }
        let Some(draw) = &mut self.draw else {
            let everybody = &self.federation;
            return Present { everybody, federation: everybody, some: None };
        };
        draw.call(cx, &self.federation);
        Present {
            everybody: &self.federation,
            federation: &draw.arrived,
            some: Some((&draw.here, &draw.workers)),
        }
    }

    /// Shows the number of epochs that have begun, where Byzantine workers rotate.
    pub(crate) fn state<T>(&mut self, streams: &Streams, visit: &mut Visit<'_, T>) {
        let Some(epochs) = &mut self.epochs else { return };
        // What is measured after the last round is about those who were regular in it.
        let mut begun = epochs.current.map_or(0, |epoch| epoch + 1);
        visit("epochs", Part::Count(&mut begun));
        if begun > 0 {
            epochs.begin(begun - 1, &Cx::new(streams, 0), &mut self.federation);
        }
    }
}

impl Epochs {
    /// Makes others Byzantine.
    fn begin(&mut self, epoch: u64, cx: &Cx<'_>, federation: &mut Federation) {
        self.current = Some(epoch);
        let mut rng = cx.at(epoch).draw(Role::Byzantine, 0);
        streams::distinct(&mut rng, federation.workers() as u32, &mut self.byzantine);
        federation.replace(&self.byzantine);
    }
}

impl Draw {
    fn call(&mut self, cx: &Cx<'_>, federation: &Federation) {
        let Self { spec, drawn, here, workers, arrived } = self;
        here.fill(false);
        if drawn.len() < here.len() {
            streams::distinct(&mut cx.draw(Role::Participate, 0), here.len() as u32, drawn);
            drawn.iter().for_each(|&w| here[w as usize] = true);
        } else {
            here.fill(true);
        }
        if spec.drop_out > 0.0 {
            for (w, here) in here.iter_mut().enumerate().filter(|(_, here)| **here) {
                *here = !streams::chance(&mut cx.draw(Role::DropOut, w), spec.drop_out);
            }
        }
        workers.clear();
        workers.extend((0..here.len() as u32).filter(|&w| here[w as usize]));
        arrived.keep_present(federation, here);
    }
}
