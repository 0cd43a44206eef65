//! The workers' side of a round: each takes its turn, several at once.

use crate::roster::Present;
use fl_core::{
    Cx, Dataset, Estimator, EstimatorSpec, Federation, Local, Messages, Objective, RowsMut, Scalar,
    SpecError, Workspace,
};
use rayon::prelude::*;

/// The workers' side: what they learn from, their estimators, and memory for as many as compute at once.
#[derive(Debug)]
pub(crate) struct Workers<'a, T: Scalar> {
    pub(crate) lessons: Lessons<'a, T>,
    pub(crate) estimators: Vec<Box<dyn Estimator<T>>>,
    workspaces: Vec<Workspace<T>>,
    /// Where the workers begin that share a workspace, and the end of all.
    bounds: Vec<usize>,
    /// Whether estimators correct the server's outputs.
    hears: bool,
    /// Workers whose messages are needed.
    active: Vec<bool>,
    /// Who is Byzantine before round 0.
    byzantine: Vec<bool>,
}

/// Model and data of all workers.
#[derive(Debug)]
pub(crate) struct Lessons<'a, T> {
    pub(crate) train: &'a Dataset,
    pub(crate) samples: Vec<&'a [u32]>,
    pub(crate) objective: Box<dyn Objective<T>>,
    /// What Byzantine workers learn from, where that is something else.
    pub(crate) byzantine: Option<ByzantineData<'a, T>>,
    /// Who learns from that.
    pub(crate) misled: Vec<bool>,
}

/// What Byzantine workers learn from in place of their samples of the training data.
#[derive(Debug)]
pub struct ByzantineData<'a, T> {
    /// The data set that their samples are rows of.
    pub data: &'a Dataset,
    /// Their model, where it is another one.
    pub objective: Option<Box<dyn Objective<T>>>,
}

impl<T: Scalar> Lessons<'_, T> {
    /// What worker `worker` knows.
    pub(crate) fn local(&self, worker: usize) -> Local<'_, T> {
        let Self { train, samples, objective, byzantine, misled } = self;
        let (objective, data) = match byzantine {
            Some(of) if misled[worker] => {
                (of.objective.as_deref().unwrap_or(&**objective), of.data)
            }
            _ => (&**objective, *train),
        };
        Local { worker, workers: samples.len(), objective, data, samples: samples[worker] }
    }
}

/// A worker's side of a round: what it knows, its estimator and its row, in [`Workers::each`].
pub(crate) struct Turn<'a, 'b, T: Scalar> {
    pub(crate) local: Local<'a, T>,
    pub(crate) estimator: &'b mut dyn Estimator<T>,
    pub(crate) row: &'b mut [T],
    pub(crate) work: &'b mut Workspace<T>,
}

impl<'a, T: Scalar> Workers<'a, T> {
    /// Makes all memory; `needs_all` says whether somebody looks at what Byzantine workers compute.
    pub(crate) fn new(
        lessons: Lessons<'a, T>,
        estimator: &dyn EstimatorSpec<T>,
        federation: &Federation,
        needs_all: bool,
    ) -> Result<Self, SpecError> {
        let count = federation.workers();
        let active: Vec<bool> =
            (0..count).map(|w| needs_all || !federation.is_byzantine(w)).collect();
        let bounds = bounds(&active, rayon::current_num_threads());
        let workspace =
            || Workspace::new(&*lessons.objective, lessons.train, estimator.capacity().max(1));
        let workspaces = bounds.iter().skip(1).map(|_| workspace()).collect();
        let estimators =
            (0..count).map(|w| estimator.build(&lessons.local(w))).collect::<Result<_, _>>()?;
        let byzantine = (0..count).map(|w| federation.is_byzantine(w)).collect();
        let hears = estimator.hears();
        Ok(Self { lessons, estimators, workspaces, bounds, hears, active, byzantine })
    }

    /// Fills the estimators' tables at x⁰; `rows` is memory that may be written.
    pub(crate) fn start(&mut self, params: &[T], rows: &mut Messages<T>) {
        self.each(None, rows, |turn| turn.estimator.start(&turn.local, params, turn.work));
    }

    /// Tells the estimators what the server made of the round at `params`, if it made anything and they want to know.
    pub(crate) fn hear(&mut self, output: Option<&[T]>, params: &[T]) {
        let Self { lessons, estimators, active, .. } = self;
        let (lessons, active) = (&*lessons, &*active);
        if let Some(output) = output.filter(|_| self.hears) {
            let hear = |(w, estimator): (usize, &mut Box<dyn Estimator<T>>)| {
                estimator.hear(&lessons.local(w), params, output);
            };
            estimators.par_iter_mut().enumerate().filter(|(w, _)| active[*w]).for_each(hear);
        }
    }

    /// Sample gradients that the estimators of regular workers have computed so far.
    pub(crate) fn gradients(&self) -> u64 {
        self.workspaces.iter().map(|work| work.gradients).sum()
    }

    /// As many workers as a task takes when all take their turns.
    pub(crate) fn group(&self) -> usize {
        self.estimators.len().div_ceil(self.workspaces.len())
    }

    /// Lets every active worker that is there take its turn with its row of `rows`, in parallel over groups of workers.
    /// Each turn writes what is its own and nothing else, so the grouping cannot matter. Within a round a worker's batch
    /// is drawn while the one before it computes.
    pub(crate) fn each<F>(
        &mut self,
        round: Option<(&Cx<'_>, &Present<'_>)>,
        rows: &mut Messages<T>,
        turn: F,
    ) where
        F: Fn(Turn<'_, '_, T>) + Sync,
    {
        let Self { lessons, estimators, workspaces, bounds, active, byzantine, .. } = self;
        let (lessons, active, byzantine) = (&*lessons, &*active, &*byzantine);
        deal(bounds, estimators, rows.whole_mut(), workspaces, &|first, estimators, rows, work| {
            let turns = |i: usize| {
                active[first + i] && round.is_none_or(|(_, present)| present.has(first + i))
            };
            let count = estimators.len();
            let next_from = |i: usize| (i..count).find(|&i| turns(i));
            for (i, row) in rows.rows().enumerate().filter(|(i, _)| turns(*i)) {
                if let Some((cx, _)) = round {
                    // After the group's last worker comes the first one, in the next round, if it takes part in that.
                    let (next, cx) = match next_from(i + 1) {
                        Some(next) => (next, *cx),
                        None => (next_from(0).unwrap_or(i), cx.next()),
                    };
                    estimators[next].look_ahead(&cx, &lessons.local(first + next), work);
                }
                let estimator = &mut *estimators[i];
                let before = work.gradients;
                turn(Turn { local: lessons.local(first + i), estimator, row, work });
                // What Byzantine workers compute depends on what the attack looks at, and is no cost of the method.
                let is_byzantine = round.map_or(byzantine[first + i], |(_, present)| {
                    present.everybody.is_byzantine(first + i)
                });
                if is_byzantine {
                    work.gradients = before;
                }
            }
        });
    }
}

/// Cuts the workers into groups with as many active ones each: a thread that gets only the ones whose messages nobody
/// needs would wait for the others. Gives where each group begins, and the end.
fn bounds(active: &[bool], threads: usize) -> Vec<usize> {
    let all = active.iter().filter(|active| **active).count();
    let groups = threads.min(all).max(1);
    let mut bounds = vec![0];
    let mut before = 0;
    for (w, active) in active.iter().enumerate() {
        if *active && before * groups >= bounds.len() * all {
            bounds.push(w);
        }
        before += usize::from(*active);
    }
    bounds.push(active.len());
    bounds
}

/// What a group does: its first worker, its estimators, its rows and its workspace.
type Group<'a, T> =
    dyn Fn(usize, &mut [Box<dyn Estimator<T>>], RowsMut<'_, T>, &mut Workspace<T>) + Sync + 'a;

/// Calls `group` for each group, halving what is left, so that nothing is allocated.
fn deal<T: Scalar>(
    bounds: &[usize],
    estimators: &mut [Box<dyn Estimator<T>>],
    rows: RowsMut<'_, T>,
    workspaces: &mut [Workspace<T>],
    group: &Group<'_, T>,
) {
    if let [work] = workspaces {
        return group(bounds[0], estimators, rows, work);
    }
    let half = workspaces.len() / 2;
    let count = bounds[half] - bounds[0];
    let (first, others) = estimators.split_at_mut(count);
    let (first_rows, other_rows) = rows.split_at(count);
    let (first_work, other_work) = workspaces.split_at_mut(half);
    rayon::join(
        || deal(&bounds[..=half], first, first_rows, first_work, group),
        || deal(&bounds[half..], others, other_rows, other_work, group),
    );
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn every_group_has_as_many_active_workers_as_the_others_or_one_more() {
        for workers in [1usize, 2, 5, 30, 31] {
            for pattern in 0..200u64 {
                let byzantine = |w: usize| match pattern {
                    0 => false,
                    1 => w >= workers * 4 / 5,
                    2 => w < workers * 4 / 5,
                    _ => pattern.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (w % 64) & 3 == 0,
                };
                let active: Vec<bool> = (0..workers).map(|w| !byzantine(w)).collect();
                for threads in 1..8 {
                    let bounds = bounds(&active, threads);
                    assert_eq!((bounds[0], bounds[bounds.len() - 1]), (0, workers));
                    let sizes: Vec<usize> = bounds
                        .windows(2)
                        .map(|at| active[at[0]..at[1]].iter().filter(|active| **active).count())
                        .collect();
                    let all: usize = sizes.iter().sum();
                    assert_eq!(sizes.len(), threads.min(all).max(1));
                    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
                    assert!(most - least <= 1, "{active:?} in {threads}: {sizes:?}");
                }
            }
        }
    }
}
