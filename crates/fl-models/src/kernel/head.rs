//! The end of a model: from what the last layer says (`z`) to residuals `∂ℓ/∂z`, losses and predicted labels.
//! `z` is output-major, `outputs × padded(b)`, so that everything runs over samples.

use super::{cross_entropy, elementary, padded};
use fl_core::data::ClassValues;
use fl_core::{Batch, Dataset, Scalar, SpecError};
use pulp::Simd;

/// A loss `ℓ(z)` with what it expects of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// `−ln softmax(z)_y`.
    CrossEntropy,
    /// `−ln softmax(z)_y` with, in place of the sample's label, the y of the least probability.
    LeastLikely,
    /// `ln(1 + e^{−yz})` with y = ±1 for the labels 1 and 0; one output.
    Logistic,
    /// `½‖z − onehot(y)‖²`.
    OneHot,
    /// `½(z − t)²` with the sample's target, which in a set of classes is its class as a number; one output.
    Number {
        /// Predictions are the nearest class; where classes are their places they are rounded into 0 … classes − 1.
        classes: usize,
    },
}

impl Head {
    /// `outputs` is the length of z.
    pub(crate) fn check(self, outputs: usize, data: &Dataset) -> Result<(), SpecError> {
        let most = match self {
            Head::Number { .. } if matches!(data.class_values(), ClassValues::Names(_)) => {
                let allowed = "numbers, which this model's loss needs";
                return Err(SpecError::new("the labels of the data", allowed, "names"));
            }
            Head::Number { .. } => return Ok(()),
            Head::Logistic => 2,
            Head::CrossEntropy | Head::LeastLikely | Head::OneHot => outputs,
        };
        if data.targets().is_some() {
            let allowed = "labelled by classes, which this model's loss needs";
            return Err(SpecError::new("the data", allowed, "real targets"));
        }
        if data.classes() > most {
            let allowed = format!("at most {most}, which the model was built for");
            return Err(SpecError::new("classes of the data", allowed, data.classes()));
        }
        Ok(())
    }

    /// Labels index outputs, so a data set with more classes than the model is a mistake of the caller.
    #[track_caller]
    pub(crate) fn check_labels(self, outputs: usize, labels: &[u32]) {
        let most = match self {
            Head::Number { .. } => return,
            Head::Logistic => 2,
            Head::CrossEntropy | Head::LeastLikely | Head::OneHot => outputs,
        };
        if let Some(label) = labels.iter().find(|&&label| label as usize >= most) {
            panic!("label {label} in a batch for a model of {most} classes");
        }
    }

    /// `∂ℓ/∂z` of each sample to `records[j · record_len ..][.. outputs]`; spoils `z`. `row` has `padded(b)` places.
    #[inline(always)]
    pub(crate) fn residuals<T: Scalar, S: Simd>(
        self,
        simd: S,
        z: &mut [T],
        batch: &Batch<T>,
        row: &mut [T],
        records: &mut [T],
        record_len: usize,
    ) {
        let labels = batch.labels();
        match self {
            Head::CrossEntropy => {
                let (labels, samples) = (Some(labels), labels.len());
                cross_entropy::residuals(simd, z, labels, samples, row, records, record_len);
            }
            Head::LeastLikely => {
                let samples = labels.len();
                cross_entropy::residuals(simd, z, None, samples, row, records, record_len);
            }
            Head::OneHot => {
                for (j, &label) in labels.iter().enumerate() {
                    let record = &mut records[j * record_len..];
                    for (r, z) in record.iter_mut().zip(z.chunks_exact(row.len())) {
                        *r = z[j];
                    }
                    record[label as usize] -= T::ONE;
                }
            }
            Head::Number { .. } => {
                for j in 0..labels.len() {
                    records[j * record_len] = z[j] - batch.target(j);
                }
            }
            Head::Logistic => {
                // With m = yz the residual is −y σ(−m), and σ(−m) = e/(1 + e) or 1/(1 + e) with e = e^{−|m|}, in which
                // nothing overflows and nothing cancels.
                row.copy_from_slice(&z[..padded(labels.len())]);
                for x in row.iter_mut() {
                    *x = -x.abs();
                }
                elementary::exp(simd, row);
                for (j, &label) in labels.iter().enumerate() {
                    let (y, e) = (sign::<T>(label), row[j]);
                    let upper = if y * z[j] >= T::ZERO { e } else { T::ONE };
                    // NaN through `e`, whichever way the comparison went.
                    records[j * record_len] = -y * (upper / (T::ONE + e));
                }
            }
        }
    }

    /// Loss and predicted label of each sample; spoils `z`.
    #[inline(always)]
    pub(crate) fn losses<T: Scalar, S: Simd>(
        self,
        simd: S,
        z: &mut [T],
        batch: &Batch<T>,
        row: &mut [T],
        losses: &mut [f64],
        predictions: &mut [u32],
    ) {
        let labels = batch.labels();
        match self {
            Head::CrossEntropy | Head::LeastLikely => {
                cross_entropy::losses(simd, z, labels, row, losses, predictions);
            }
            Head::OneHot => {
                for (j, &label) in labels.iter().enumerate() {
                    let (mut best, mut loss) = (0, 0.0);
                    for (k, row) in z.chunks_exact(row.len()).enumerate() {
                        // The first of equal ones wins; NaN never does.
                        if row[j] > z[best * row.len() + j] {
                            best = k;
                        }
                        let target = if k == label as usize { 1.0 } else { 0.0 };
                        loss += 0.5 * (row[j].to_f64() - target).powi(2);
                    }
                    (losses[j], predictions[j]) = (loss, best as u32);
                }
            }
            Head::Number { classes } => {
                for j in 0..labels.len() {
                    losses[j] = 0.5 * (z[j].to_f64() - batch.target(j).to_f64()).powi(2);
                    predictions[j] = match batch.class_values() {
                        // `as` saturates and takes NaN to 0.
                        [] => ((z[j].to_f64() + 0.5).floor() as u32).min(classes as u32 - 1),
                        values => nearest(values, z[j].to_f64()),
                    };
                }
            }
            Head::Logistic => {
                for (j, &label) in labels.iter().enumerate() {
                    let z = z[j].to_f64();
                    let m = if label == 1 { z } else { -z };
                    losses[j] = (-m).max(0.0) + (-m.abs()).exp().ln_1p();
                    predictions[j] = u32::from(z > 0.0);
                }
            }
        }
    }
}

impl Head {
    /// The same loss of the least likely class.
    pub(crate) fn least_likely(self) -> Option<Self> {
        match self {
            Head::CrossEntropy | Head::LeastLikely => Some(Head::LeastLikely),
            Head::Logistic | Head::OneHot | Head::Number { .. } => None,
        }
    }
}

/// The place of the value that is nearest to `z`; of two the later one, as rounding does.
fn nearest(values: &[f64], z: f64) -> u32 {
    let mut best = (f64::INFINITY, 0);
    for (place, value) in (0..).zip(values) {
        let distance = (z - value).abs();
        if distance <= best.0 {
            best = (distance, place);
        }
    }
    best.1
}

/// ±1 for the labels 1 and 0.
#[inline(always)]
fn sign<T: Scalar>(label: u32) -> T {
    if label == 1 { T::ONE } else { -T::ONE }
}
