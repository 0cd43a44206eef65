//! The workers' side of a round: each takes its turn, several at once.

use fl_core::{Cx, Dataset, Estimator, Local, Messages, Objective, Scalar, Workspace};
use rayon::prelude::*;

/// The workers' side: estimators, and memory for as many as compute at once.
#[derive(Debug)]
pub(crate) struct Workers<'a, T: Scalar> {
    pub(crate) train: &'a Dataset,
    pub(crate) samples: Vec<&'a [u32]>,
    pub(crate) objective: Box<dyn Objective<T>>,
    /// What Byzantine workers learn, where that is something else.
    pub(crate) lesson: Option<Lesson<'a, T>>,
    /// Who learns that.
    pub(crate) misled: Vec<bool>,
    pub(crate) estimators: Vec<Box<dyn Estimator<T>>>,
    pub(crate) workspaces: Vec<Workspace<T>>,
    /// Workers that share a workspace.
    pub(crate) per: usize,
    /// Workers whose messages are needed.
    pub(crate) active: Vec<bool>,
    /// Workers that take part in the round.
    pub(crate) here: Vec<bool>,
}

/// What Byzantine workers learn in place of their samples of the training data.
#[derive(Debug)]
pub struct Lesson<'a, T> {
    /// The data set that their samples are rows of.
    pub data: &'a Dataset,
    /// Their model, where it is another one.
    pub objective: Option<Box<dyn Objective<T>>>,
}

/// Model and data of a worker.
fn learnt<'w, T: Scalar>(
    objective: &'w dyn Objective<T>,
    train: &'w Dataset,
    lesson: &'w Option<Lesson<'_, T>>,
    misled: bool,
) -> (&'w dyn Objective<T>, &'w Dataset) {
    match lesson {
        Some(lesson) if misled => (lesson.objective.as_deref().unwrap_or(objective), lesson.data),
        _ => (objective, train),
    }
}

/// A worker's side of a round: its place, what it knows, its estimator and its row, in [`Workers::each`].
pub(crate) struct Turn<'a, 'b, T: Scalar> {
    pub(crate) local: Local<'a, T>,
    pub(crate) estimator: &'b mut dyn Estimator<T>,
    pub(crate) row: &'b mut [T],
    pub(crate) work: &'b mut Workspace<T>,
}

impl<'a, T: Scalar> Workers<'a, T> {
    pub(crate) fn local(&self, worker: usize) -> Local<'_, T> {
        let Self { train, samples, objective, lesson, misled, .. } = self;
        let (objective, data) = learnt(&**objective, train, lesson, misled[worker]);
        Local { worker, workers: samples.len(), objective, data, samples: samples[worker] }
    }

    /// Lets every active worker that is here take its turn with its row of `rows`, in parallel over groups of workers. Each turn
    /// writes what is its own and nothing else, so the grouping cannot matter. Within a round (`cx`) a worker's batch is
    /// drawn while the one before it computes.
    pub(crate) fn each<F>(&mut self, cx: Option<&Cx<'_>>, rows: &mut Messages<T>, turn: F)
    where
        F: Fn(Turn<'_, '_, T>) + Sync,
    {
        let Self {
            train,
            samples,
            objective,
            lesson,
            misled,
            estimators,
            workspaces,
            per,
            active,
            here,
            ..
        } = self;
        let (per, workers, objective) = (*per, samples.len(), &**objective);
        let (active, here) = (&*active, &*here);
        let (samples, lesson, misled) = (&*samples, &*lesson, &*misled);
        estimators
            .par_chunks_mut(per)
            .zip(rows.par_groups_mut(per))
            .zip(workspaces.par_iter_mut())
            .enumerate()
            .for_each(|(group, ((estimators, rows), work))| {
                let local = |i: usize| {
                    let worker = group * per + i;
                    let (objective, data) = learnt(objective, train, lesson, misled[worker]);
                    Local { worker, workers, objective, data, samples: samples[worker] }
                };
                let mine = &active[group * per..][..estimators.len()];
                let here = &here[group * per..][..estimators.len()];
                let turns = |i: usize| mine[i] && here[i];
                let active_from = |i: usize| (i..mine.len()).find(|&i| turns(i));
                for (i, row) in rows.enumerate().filter(|(i, _)| turns(*i)) {
                    if let Some(cx) = cx {
                        // After the group's last worker comes the first one, in the next round, if it takes part in that.
                        let (next, cx) = match active_from(i + 1) {
                            Some(next) => (next, *cx),
                            None => (active_from(0).unwrap_or(i), cx.next()),
                        };
                        estimators[next].look_ahead(&cx, &local(next), work);
                    }
                    let estimator = &mut *estimators[i];
                    turn(Turn { local: local(i), estimator, row, work });
                }
            });
    }
}
