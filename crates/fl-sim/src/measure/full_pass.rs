//! Full passes over the regular workers' training data.

use super::metrics::FullPass;
use crate::view::View;
use crate::workers::Workers;
use fl_core::{Fold, Scalar, Workspace};
use rayon::prelude::*;

/// Rows that a model reads at once.
const CHUNK: usize = 250;

/// What a full pass finds at one worker, without ℓ₂ terms.
#[derive(Debug)]
struct OfWorker {
    gradient: Vec<f64>,
    loss: f64,
    accuracy: f64,
    inner: f64,
    sent: f64,
}

impl OfWorker {
    /// Cost: three passes over the worker's samples.
    fn at<T: Scalar>(params: &[T], workers: &Workers<'_, T>, w: usize) -> Self {
        let local = workers.lessons.local(w);
        let objective = local.objective;
        let step = CHUNK.min(local.samples.len());
        let mut work = Workspace::new(objective, local.data, step);
        let (mut losses, mut labels) = (vec![0.0; step], vec![0; step]);
        let mut norms = vec![0.0; step];
        let mut gradient = vec![T::ZERO; params.len()];
        let (mut loss, mut square, mut right) = (0.0, 0.0, 0);
        let samples = local.samples.len() as f64;
        for (i, rows) in local.samples.chunks(step).enumerate() {
            work.batch.gather(local.data, rows);
            let n = rows.len();
            let (losses, labels) = (&mut losses[..n], &mut labels[..n]);
            objective.evaluate(params, &work.batch, losses, labels, &mut work.scratch);
            loss += losses.iter().sum::<f64>();
            right += work.batch.labels().iter().zip(&*labels).filter(|(a, b)| a == b).count();
            let scale = T::from_f64(1.0 / samples);
            if !objective.has_records() {
                work.each_gradient(objective, local.data, rows, params, |one| {
                    square += one.iter().map(|g| g.to_f64().powi(2)).sum::<f64>();
                    gradient.iter_mut().zip(one).for_each(|(sum, &g)| *sum += scale * g);
                });
                continue;
            }
            let records = &mut work.new[..n * objective.record_len()];
            objective.records(params, &work.batch, records, &mut work.scratch);
            let norms = &mut norms[..n];
            objective.squared_norms(&work.batch, records, None, norms, &mut work.scratch);
            square += norms.iter().sum::<f64>();
            let fold = Fold { message: &mut gradient, add: i > 0, scale, ridge: None, mean: None };
            objective.fold(&work.batch, records, None, fold, &mut work.scratch);
        }
        let gradient: Vec<f64> = gradient.iter().map(|g| g.to_f64()).collect();
        let inner = square / samples - gradient.iter().map(|g| g * g).sum::<f64>();
        let sent = workers.estimators[w].variation(&local, params, &mut work);
        let (loss, accuracy) = (loss / samples, right as f64 / samples);
        Self { gradient, loss, accuracy, inner: inner.max(0.0), sent }
    }
}

/// Full passes over the regular workers' samples at `params`.
///
/// Cost: three passes over all training rows, in parallel over workers.
pub fn full_pass<T: Scalar>(view: &View<'_, '_, T>, params: &[T]) -> FullPass {
    let workers = view.workers;
    let regular = view.federation.regular().par_iter();
    let per_worker: Vec<OfWorker> =
        regular.map(|&w| OfWorker::at(params, workers, w as usize)).collect();
    let count = per_worker.len() as f64;
    let l2 = workers.lessons.objective.l2();
    let mut average = vec![0.0; params.len()];
    for worker in &per_worker {
        for (a, g) in average.iter_mut().zip(&worker.gradient) {
            *a += g / count;
        }
    }
    let distance = |g: &[f64]| g.iter().zip(&average).map(|(g, a)| (g - a).powi(2)).sum::<f64>();
    // The ℓ₂ term's gradient λx is common to all and enters the norm only.
    let norm: f64 = average.iter().zip(params).map(|(a, x)| (a + l2 * x.to_f64()).powi(2)).sum();
    let size: f64 = params.iter().map(|x| x.to_f64() * x.to_f64()).sum();
    let mean = |of: &dyn Fn(&OfWorker) -> f64| per_worker.iter().map(of).sum::<f64>() / count;
    FullPass {
        honest_loss: mean(&|w| w.loss) + 0.5 * l2 * size,
        gradient_norm: norm.sqrt(),
        train_accuracy: mean(&|w| w.accuracy),
        outer_variation: mean(&|w| distance(&w.gradient)),
        inner_variation: mean(&|w| w.inner),
        message_variation: mean(&|w| w.sent),
    }
}
