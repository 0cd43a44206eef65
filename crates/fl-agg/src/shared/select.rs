//! What rules that select messages have in common.

use fl_core::{AggregateError, Shape, SpecError};

/// Worker indices in rising order of `key`; equal keys in the order of workers, so that ties go to the lowest index.
pub(crate) fn by_key(keys: &[f64], order: &mut Vec<u32>) {
    order.clear();
    order.extend(0..keys.len() as u32);
    order.sort_unstable_by(|&i, &j| {
        keys[i as usize].total_cmp(&keys[j as usize]).then_with(|| i.cmp(&j))
    });
}

/// The mean of some messages, as weights.
pub(crate) fn average(chosen: &[u32], weights: &mut [f64]) {
    let share = 1.0 / chosen.len() as f64;
    for &i in chosen {
        weights[i as usize] = share;
    }
}

/// A number for each message, for the origin and for the last output: what a combination is written in.
pub(crate) fn points(shape: Shape) -> Vec<f64> {
    vec![0.0; shape.workers + 2]
}

/// A shape that cannot be computed, refused by a rule itself: pipelines ask `check` first.
pub(crate) fn too_few(shape: Shape) -> impl FnOnce(SpecError) -> AggregateError {
    move |e| AggregateError::TooFew {
        left: shape.workers,
        workers: shape.workers,
        requirement: e.to_string(),
    }
}

/// Refuses f ≥ W: a rule that leaves out f messages must keep one.
pub(crate) fn more_than_f(rule: &str, shape: Shape) -> Result<(), SpecError> {
    let Shape { workers, byzantine: f } = shape;
    if workers <= f {
        let allowed = format!("at least {} (f + 1, for f = {f} Byzantine)", f + 1);
        return Err(SpecError::new("the number of messages", allowed, workers).of(rule));
    }
    Ok(())
}

/// Refuses f ≥ W/2, for rules that are only defined when the regular messages are a majority.
pub(crate) fn majority(rule: &str, shape: Shape) -> Result<(), SpecError> {
    let Shape { workers, byzantine: f } = shape;
    if workers <= 2 * f {
        let allowed = format!("at least {} (2f + 1, for f = {f} Byzantine)", 2 * f + 1);
        return Err(SpecError::new("the number of messages", allowed, workers).of(rule));
    }
    Ok(())
}

/// The largest f < W/2.
pub(crate) fn minority(workers: usize) -> usize {
    workers.saturating_sub(1) / 2
}

/// The weights of the workers whose messages are there.
pub(crate) mod weights {
    use super::*;

    /// Refuses weights that are not one positive number for each worker.
    ///
    /// There may be more weights than messages, where messages were left out of a round.
    pub(crate) fn check(rule: &str, weights: &[f64], workers: usize) -> Result<(), SpecError> {
        // Asked again in every round that has lost a message, so nothing is written before something is wrong.
        if weights.len() < workers {
            let allowed = format!("one positive number for each of {workers} workers");
            return Err(
                SpecError::new("weights", allowed, format!("{} numbers", weights.len())).of(rule)
            );
        }
        let largest = weights.iter().copied().fold(0.0, f64::max);
        for (w, &x) in weights.iter().enumerate() {
            if !(x > 0.0 && x.is_finite()) {
                let allowed = "positive and finite for every worker";
                return Err(
                    SpecError::new("weights", allowed, format!("{x} for worker {w}")).of(rule)
                );
            }
            // So that no weight vanishes when they are made to sum to 1.
            if x < 1e-200 * largest {
                let allowed = "at least 1e-200 times the largest";
                return Err(
                    SpecError::new("weights", allowed, format!("{x:e} for worker {w}")).of(rule)
                );
            }
        }
        Ok(())
    }

    /// [`check`], and that no weight is left over.
    pub(crate) fn check_all(rule: &str, weights: &[f64], workers: usize) -> Result<(), SpecError> {
        check(rule, weights, workers)?;
        if weights.len() > workers {
            let allowed = format!("one positive number for each of {workers} workers");
            let got = format!("{} numbers", weights.len());
            return Err(SpecError::new("weights", allowed, got).of(rule));
        }
        Ok(())
    }

    /// Writes the weights of those who sent, made to sum to `total`.
    pub(crate) fn of_senders(weights: &[f64], senders: &[u32], total: f64, out: &mut [f64]) {
        for (i, o) in out.iter_mut().enumerate() {
            *o = weights[senders.get(i).map_or(i, |&s| s as usize)];
        }
        let largest = out.iter().copied().fold(0.0, f64::max);
        let sum: f64 = out.iter().map(|x| x / largest).sum();
        for o in out {
            *o = *o / largest / sum * total;
        }
    }
}

/// The place among the messages of the one that `worker` sent.
pub(crate) fn place(
    rule: &str,
    worker: usize,
    senders: &[u32],
    workers: usize,
) -> Result<usize, AggregateError> {
    let found = if senders.is_empty() {
        Some(worker).filter(|&w| w < workers)
    } else {
        senders.iter().position(|&s| s as usize == worker)
    };
    found.ok_or_else(|| AggregateError::Missing { rule: rule.to_owned(), worker })
}
