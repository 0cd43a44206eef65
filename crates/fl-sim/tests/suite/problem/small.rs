//! A small problem on which gradients are cheap enough to enumerate what an estimator may send.

use fl_core::data::{Layout, Values};
use fl_core::{Batch, Dataset, Fold, Objective, Role, Streams, streams};

/// A small classification problem with features of different sizes, and zero tiles; row i is of
/// the class `class(i)` modulo their number.
pub(crate) fn data(
    rows: usize,
    columns: usize,
    classes: u32,
    class: impl Fn(u32) -> u32,
) -> Dataset {
    let mut rng = Streams::new(5).at(Role::User, 0, 0);
    let mut unit = || f64::from(streams::below(&mut rng, 1 << 24)) / f64::from(1 << 23) - 1.0;
    let values: Vec<f64> = (0..rows * columns)
        .map(|i| if i % 5 == 0 { 0.0 } else { unit() * (1 + i % 3) as f64 })
        .collect();
    let labels = (0..rows as u32).map(|i| class(i) % classes).collect();
    Dataset::new(Values::F64(&values), columns, labels, classes as usize, Layout::Flat).unwrap()
}

/// ∇f_j at `params`, ℓ₂ included, by a batch of one.
pub(crate) fn gradient(
    objective: &dyn Objective<f64>,
    data: &Dataset,
    row: u32,
    params: &[f64],
) -> Vec<f64> {
    let mut batch = Batch::new(data, 1);
    batch.gather(data, &[row]);
    let mut scratch = vec![0.0; objective.scratch_len(1)];
    let mut record = vec![0.0; objective.record_len()];
    let mut out = vec![0.0; objective.dim()];
    objective.records(params, &batch, &mut record, &mut scratch);
    let ridge = Some((objective.l2(), params));
    let fold = Fold { message: &mut out, add: false, scale: 1.0, ridge, mean: None };
    objective.fold(&batch, &record, None, fold, &mut scratch);
    out
}

pub(crate) fn mean(vectors: &[Vec<f64>]) -> Vec<f64> {
    let mut out = vec![0.0; vectors[0].len()];
    for v in vectors {
        for (o, x) in out.iter_mut().zip(v) {
            *o += x / vectors.len() as f64;
        }
    }
    out
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

pub(crate) fn norm(a: &[f64]) -> f64 {
    a.iter().map(|a| a * a).sum::<f64>().sqrt()
}

/// A trajectory of parameters that an optimiser might take, but need not.
pub(crate) fn wander(objective: &dyn Objective<f64>, steps: usize) -> Vec<Vec<f64>> {
    let mut params = vec![0.0; objective.dim()];
    objective.initialise(&mut Streams::new(9).at(Role::Initialise, 0, 0), &mut params);
    let mut rng = Streams::new(8).at(Role::User, 1, 0);
    (0..steps)
        .map(|_| {
            for x in &mut params {
                *x += 0.1 * (f64::from(streams::below(&mut rng, 2001)) / 1000.0 - 1.0);
            }
            params.clone()
        })
        .collect()
}
