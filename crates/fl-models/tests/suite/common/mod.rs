//! A slow, obvious implementation in f64, and data to compare on. It knows nothing of tiles, records or registers.
// Each test binary uses a part of this file, and none of it is anyone's interface.
#![allow(dead_code, unreachable_pub)]

use fl_core::data::{Layout, Values};
use fl_core::{AlignedVec, Batch, Dataset, Fold, Objective, Scalar};
use fl_models::Activation;

/// What is minimised, spelled out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SlowLoss {
    CrossEntropy,
    Logistic,
    OneHot,
    Number,
}

/// A perceptron as nested vectors; without hidden layers it is a linear model.
#[derive(Clone, Debug)]
pub struct Slow {
    pub sizes: Vec<usize>,
    pub bias: bool,
    pub activation: Activation,
    pub loss: SlowLoss,
}

/// One sample, without ℓ₂ term.
pub struct Sample {
    pub loss: f64,
    pub gradient: Vec<f64>,
    pub z: Vec<f64>,
    /// The smallest |z| in a hidden layer: how far ReLU is from its corner.
    pub margin: f64,
}

impl Slow {
    /// (W, b) of layer l.
    fn layer<'a>(&self, l: usize, params: &'a [f64]) -> (&'a [f64], Vec<f64>) {
        let mut at = 0;
        for k in 0..l {
            at += self.sizes[k + 1] * (self.sizes[k] + 1);
        }
        let weights = self.sizes[l] * self.sizes[l + 1];
        let (w, rest) = params[at..].split_at(weights);
        let outputs = self.sizes[l + 1];
        (w, if self.bias { rest[..outputs].to_vec() } else { vec![0.0; outputs] })
    }

    /// φ and φ', both as functions of z.
    fn activation(&self, z: f64) -> (f64, f64) {
        match self.activation {
            Activation::Tanh => (z.tanh(), 1.0 - z.tanh() * z.tanh()),
            Activation::Relu if z > 0.0 => (z, 1.0),
            Activation::Relu => (0.0, 0.0),
            _ => (z, 1.0),
        }
    }

    /// Loss and residual ∂ℓ/∂z; `target` is the label where there are classes.
    fn judge(&self, z: &[f64], target: f64) -> (f64, Vec<f64>) {
        let hot = |k: usize| if k as f64 == target { 1.0 } else { 0.0 };
        match self.loss {
            SlowLoss::CrossEntropy => {
                let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = z.iter().map(|z| (z - largest).exp()).sum();
                let p = |k: usize| (z[k] - largest).exp() / total;
                let loss = total.ln() - (z[target as usize] - largest);
                (loss, (0..z.len()).map(|k| p(k) - hot(k)).collect())
            }
            SlowLoss::Logistic => {
                let y = 2.0 * target - 1.0;
                ((1.0 + (-y * z[0]).exp()).ln(), vec![1.0 / (1.0 + (-z[0]).exp()) - target])
            }
            SlowLoss::OneHot => {
                let r: Vec<f64> = (0..z.len()).map(|k| z[k] - hot(k)).collect();
                (r.iter().map(|r| 0.5 * r * r).sum(), r)
            }
            SlowLoss::Number => (0.5 * (z[0] - target).powi(2), vec![z[0] - target]),
        }
    }

    pub fn sample(&self, params: &[f64], x: &[f64], target: f64) -> Sample {
        let layers = self.sizes.len() - 1;
        let (mut h, mut slopes) = (vec![x.to_vec()], Vec::new());
        let mut margin = f64::INFINITY;
        for l in 0..layers {
            let (w, b) = self.layer(l, params);
            let z: Vec<f64> = w
                .chunks(self.sizes[l])
                .zip(b)
                .map(|(row, b)| row.iter().zip(&h[l]).map(|(w, x)| w * x).sum::<f64>() + b)
                .collect();
            if l + 1 < layers {
                margin = z.iter().fold(margin, |m, z| m.min(z.abs()));
                let (values, slope) = z.iter().map(|&z| self.activation(z)).unzip();
                h.push(values);
                slopes.push(slope);
            } else {
                h.push(z);
            }
        }
        let z = h.pop().unwrap();
        let (loss, mut delta) = self.judge(&z, target);
        let mut parts = Vec::new();
        for l in (0..layers).rev() {
            let mut part: Vec<f64> =
                delta.iter().flat_map(|d| h[l].iter().map(move |h| d * h)).collect();
            if self.bias {
                part.extend(&delta);
            }
            parts.push(part);
            if l > 0 {
                let (w, _) = self.layer(l, params);
                let n = self.sizes[l];
                let slope: &Vec<f64> = &slopes[l - 1];
                delta = (0..n)
                    .map(|i| {
                        let back: f64 =
                            delta.iter().enumerate().map(|(o, d)| d * w[o * n + i]).sum();
                        back * slope[i]
                    })
                    .collect();
            }
        }
        parts.reverse();
        Sample { loss, gradient: parts.concat(), z, margin }
    }

    pub fn dim(&self) -> usize {
        let bias = usize::from(self.bias);
        self.sizes.windows(2).map(|n| n[1] * (n[0] + bias)).sum()
    }
}

/// Numbers in −1 … 1 that look random and need no generator.
pub fn noise(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// Rows in which about half the tiles are empty, and some rows entirely; representable in f32.
pub fn rows(seed: u64, rows: usize, columns: usize) -> Vec<f64> {
    let mut values: Vec<f64> =
        noise(seed, rows * columns).into_iter().map(|v| f64::from(v as f32)).collect();
    let holes = noise(seed ^ 77, rows * columns.div_ceil(16));
    for (i, row) in values.chunks_mut(columns).enumerate() {
        for (t, tile) in row.chunks_mut(16).enumerate() {
            if holes[i * columns.div_ceil(16) + t] < 0.0 || i % 7 == 3 {
                tile.fill(0.0);
            }
        }
    }
    values
}

pub fn dataset(values: &[f64], columns: usize, labels: Vec<u32>, classes: usize) -> Dataset {
    Dataset::new(Values::F64(values), columns, labels, classes, Layout::Flat).unwrap()
}

pub fn real(values: &[f64], columns: usize, targets: Vec<f64>) -> Dataset {
    Dataset::with_targets(Values::F64(values), columns, targets, Layout::Flat).unwrap()
}

/// All rows of a data set.
pub fn all<T: Scalar>(data: &Dataset) -> Batch<T> {
    let mut batch = Batch::new(data, data.rows());
    batch.gather(data, &(0..data.rows() as u32).collect::<Vec<_>>());
    batch
}

/// What `fold` makes of records with a plain `Σ_j`, in f64.
pub fn folded<T: Scalar>(
    model: &dyn Objective<T>,
    batch: &Batch<T>,
    new: &[T],
    old: Option<&[T]>,
) -> Vec<f64> {
    let mut message = vec![T::from_f64(f64::NAN); model.dim()];
    let mut scratch = scratch(model, batch.len());
    let fold = Fold { message: &mut message, add: false, scale: T::ONE, ridge: None, mean: None };
    model.fold(batch, new, old, fold, &mut scratch);
    message.iter().map(|m| m.to_f64()).collect()
}

/// Scratch memory full of NaN: whoever reads before writing is found out.
pub fn scratch<T: Scalar>(model: &dyn Objective<T>, batch: usize) -> AlignedVec<T> {
    let mut scratch = AlignedVec::zeros(model.scratch_len(batch));
    scratch.fill(T::from_f64(f64::NAN));
    scratch
}

pub fn records<T: Scalar>(model: &dyn Objective<T>, params: &[T], batch: &Batch<T>) -> Vec<T> {
    let mut records = vec![T::from_f64(f64::NAN); batch.len() * model.record_len()];
    model.records(params, batch, &mut records, &mut scratch(model, batch.len()));
    records
}

pub fn convert<T: Scalar>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

#[track_caller]
pub fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1e-300f64, |m, e| m.max(e.abs()));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f - e).abs() <= tolerance * largest,
            "at {i}: {f}, expected {e} (largest {largest})"
        );
    }
}
