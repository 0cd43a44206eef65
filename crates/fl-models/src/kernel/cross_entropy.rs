//! The softmax end of a model. Logits are class-major, `classes × padded(b)`, so that everything runs over samples.

use super::elementary;
use fl_core::Scalar;
use pulp::Simd;

/// `r = softmax(z) − onehot(y)` of each sample to `records[j · record_len ..][.. classes]`; spoils the logits. Without
/// labels y is the first class of the least probability.
#[inline(always)]
pub(crate) fn residuals<T: Scalar, S: Simd>(
    simd: S,
    logits: &mut [T],
    labels: Option<&[u32]>,
    samples: usize,
    row: &mut [T],
    records: &mut [T],
    record_len: usize,
) {
    shift(simd, logits, row);
    elementary::exp(simd, logits);
    // Σ_k e^{z_k}, then its inverse.
    row.fill(T::ZERO);
    for z in logits.chunks_exact(row.len()) {
        for (s, &z) in row.iter_mut().zip(z) {
            *s += z;
        }
    }
    for s in row.iter_mut() {
        *s = T::ONE / *s;
    }
    for z in logits.chunks_exact_mut(row.len()) {
        for (z, &s) in z.iter_mut().zip(&*row) {
            *z *= s;
        }
    }
    for j in 0..samples {
        let record = &mut records[j * record_len..];
        for (r, z) in record.iter_mut().zip(logits.chunks_exact(row.len())) {
            *r = z[j];
        }
        let label = match labels {
            Some(labels) => labels[j] as usize,
            None => least(&record[..logits.len() / row.len()]),
        };
        record[label] -= T::ONE;
    }
}

/// The place of the first least number.
fn least<T: Scalar>(numbers: &[T]) -> usize {
    let less = |best, k| if numbers[k] < numbers[best] { k } else { best };
    (0..numbers.len()).fold(0, less)
}

/// The loss `ln Σ_k e^{z_k} − z_y` and the first class of the largest logit, of each sample; spoils the logits.
#[inline(always)]
pub(crate) fn losses<T: Scalar, S: Simd>(
    simd: S,
    logits: &mut [T],
    labels: &[u32],
    row: &mut [T],
    losses: &mut [f64],
    predictions: &mut [u32],
) {
    shift(simd, logits, row);
    let width = row.len();
    for (j, &label) in labels.iter().enumerate() {
        // After the shift the largest logit is 0. With a NaN among the logits any class
        // may be the answer, and the loss is NaN.
        let best = logits.chunks_exact(width).position(|z| z[j] == T::ZERO).unwrap_or(0);
        predictions[j] = best as u32;
        losses[j] = -logits[label as usize * width + j].to_f64();
    }
    elementary::exp(simd, logits);
    for (j, (loss, &best)) in losses.iter_mut().zip(&*predictions).enumerate() {
        // The largest term is 1: ln(1 + rest) keeps the digits of small losses.
        let rest = |(k, z): (usize, &[T])| if k == best as usize { 0.0 } else { z[j].to_f64() };
        let rest: f64 = logits.chunks_exact(width).enumerate().map(rest).sum();
        *loss += rest.ln_1p();
    }
}

/// z ← z − max_k z_k, so that no exponential overflows.
#[inline(always)]
fn shift<T: Scalar, S: Simd>(simd: S, logits: &mut [T], row: &mut [T]) {
    let width = row.len();
    let largest = T::split_mut::<S>(row).0;
    for (k, z) in logits.chunks_exact(width).enumerate() {
        for (m, &z) in largest.iter_mut().zip(T::split::<S>(z).0) {
            *m = if k == 0 { z } else { T::v_max(simd, *m, z) };
        }
    }
    for z in logits.chunks_exact_mut(width) {
        for (z, &m) in T::split_mut::<S>(z).0.iter_mut().zip(&*largest) {
            *z = T::v_sub(simd, *z, m);
        }
    }
}
