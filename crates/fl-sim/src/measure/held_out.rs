//! Accuracies on samples that workers have set aside.

use super::evaluator::CHUNK;
use super::metrics::HeldOut;
use crate::view::View;
use fl_core::{Batch, Dataset, Objective, Scalar};
use rayon::prelude::*;

/// The accuracy at `params` on each regular worker's own rows of [`View::train`], and what these numbers are together; `None`
/// where no regular worker has rows.
///
/// Cost: one evaluation of all rows, in parallel over workers.
///
/// # Panics
/// When `rows` has no list for a regular worker, or a row is none of the training data.
pub fn held_out<T: Scalar>(
    view: &View<'_, '_, T>,
    params: &[T],
    rows: &[Vec<u32>],
) -> Option<HeldOut> {
    let lists = view.federation.regular().par_iter().map(|&w| &rows[w as usize]);
    let accuracy = |rows: &Vec<u32>| accuracy(view.objective(), params, view.train(), rows);
    let each: Vec<f64> = lists.filter(|rows| !rows.is_empty()).map(accuracy).collect();
    let worst = each.iter().copied().reduce(f64::min)?;
    let count = each.len() as f64;
    let mean = each.iter().sum::<f64>() / count;
    let variance = each.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / count;
    Some(HeldOut { mean, worst, spread: variance.sqrt() })
}

fn accuracy<T: Scalar>(
    objective: &dyn Objective<T>,
    params: &[T],
    data: &Dataset,
    rows: &[u32],
) -> f64 {
    let most = CHUNK.min(rows.len());
    let mut batch = Batch::new(data, most);
    let mut scratch = vec![T::ZERO; objective.scratch_len(most)];
    let (mut losses, mut predictions) = (vec![0.0; most], vec![0; most]);
    let mut right = 0;
    for rows in rows.chunks(most) {
        batch.gather(data, rows);
        let (losses, predictions) = (&mut losses[..rows.len()], &mut predictions[..rows.len()]);
        objective.evaluate(params, &batch, losses, predictions, &mut scratch);
        right += batch.labels().iter().zip(&*predictions).filter(|(a, b)| a == b).count();
    }
    right as f64 / rows.len() as f64
}
