//! Ridge regression of the digits' values on their pixels: a problem with one optimum, which is known.
// Every test binary uses a part of this.
#![allow(dead_code)]

use fl_core::{
    AlignedVec, Batch, Cx, Dataset, EstimatorSpec, Fold, Local, Objective, Stream, Streams,
    Workspace,
};
use nalgebra::{DMatrix, DVector};
use std::sync::atomic::{AtomicU64, Ordering};

/// f_j(x) = ½ (⟨a_j, x⟩ − y_j)² + (λ/2)‖x‖², counting how many sample gradients are asked for.
#[derive(Debug)]
pub(crate) struct Ridge {
    pub(crate) columns: usize,
    pub(crate) l2: f64,
    pub(crate) gradients: AtomicU64,
}

impl Objective<f64> for Ridge {
    fn dim(&self) -> usize {
        self.columns
    }
    fn record_len(&self) -> usize {
        1
    }
    fn l2(&self) -> f64 {
        self.l2
    }
    fn scratch_len(&self, _: usize) -> usize {
        2 * self.columns
    }
    fn records(&self, x: &[f64], batch: &Batch<f64>, records: &mut [f64], scratch: &mut [f64]) {
        self.gradients.fetch_add(batch.len() as u64, Ordering::Relaxed);
        let row = &mut scratch[..self.columns];
        for (j, record) in records.iter_mut().enumerate() {
            batch.dense(j, row);
            let product: f64 = row.iter().zip(x).map(|(a, x)| a * x).sum();
            *record = product - f64::from(batch.labels()[j]);
        }
    }
    fn fold(
        &self,
        batch: &Batch<f64>,
        new: &[f64],
        old: Option<&[f64]>,
        fold: Fold<'_, f64>,
        scratch: &mut [f64],
    ) {
        let (row, sum) = scratch[..2 * self.columns].split_at_mut(self.columns);
        sum.fill(0.0);
        for (j, &new) in new.iter().enumerate() {
            batch.dense(j, row);
            let r = new - old.map_or(0.0, |old| old[j]);
            sum.iter_mut().zip(&*row).for_each(|(s, a)| *s += r * a);
        }
        let mut mean = fold.mean;
        for k in 0..self.columns {
            let kept = if fold.add { fold.message[k] } else { 0.0 };
            let ridge = fold.ridge.map_or(0.0, |(l2, x)| l2 * x[k]);
            let bar = mean.as_ref().map_or(0.0, |(mean, _)| mean[k]);
            fold.message[k] = kept + fold.scale * sum[k] + ridge + bar;
            if let Some((mean, rate)) = &mut mean {
                mean[k] += *rate * sum[k];
            }
        }
    }
    fn scale_records(&self, c: &[f64], records: &mut [f64]) {
        records.iter_mut().zip(c).for_each(|(record, c)| *record *= c);
    }
    fn squared_norms(
        &self,
        batch: &Batch<f64>,
        new: &[f64],
        old: Option<&[f64]>,
        out: &mut [f64],
        _: &mut [f64],
    ) {
        for (j, out) in out.iter_mut().enumerate() {
            let r = new[j] - old.map_or(0.0, |old| old[j]);
            *out = r * r * batch.values(j).iter().map(|a| a * a).sum::<f64>();
        }
    }
    fn evaluate(&self, _: &[f64], _: &Batch<f64>, _: &mut [f64], _: &mut [u32], _: &mut [f64]) {
        unreachable!("distances to the optimum are all that is measured");
    }
    fn initialise(&self, _: &mut Stream, x: &mut [f64]) {
        x.fill(0.0);
    }
}

impl Ridge {
    pub(crate) fn new(columns: usize, l2: f64) -> Self {
        Self { columns, l2, gradients: AtomicU64::new(0) }
    }

    /// x*, where `(AᵀA/J + λ) x = Aᵀy/J`; and the greatest smoothness of an f_j, `max ‖a_j‖² + λ`.
    pub(crate) fn optimum(&self, set: &Dataset) -> (Vec<f64>, f64) {
        let (rows, columns) = (set.rows(), self.columns);
        let order = set.order();
        let mut row = vec![0.0; columns];
        let mut a = DMatrix::zeros(rows, columns);
        for j in 0..rows {
            set.row(j, &mut row);
            for k in 0..columns {
                a[(j, k)] = row[order[k] as usize];
            }
        }
        let y = DVector::from_iterator(rows, set.labels().iter().map(|&y| f64::from(y)));
        let mean = 1.0 / rows as f64;
        let hessian = mean * a.transpose() * &a + self.l2 * DMatrix::identity(columns, columns);
        let x = hessian.cholesky().expect("λ > 0").solve(&(mean * a.transpose() * y));
        let smooth = a.row_iter().map(|row| row.norm_squared()).fold(0.0, f64::max) + self.l2;
        (x.as_slice().to_vec(), smooth)
    }
}

/// One worker with all samples steps along its own messages. Returns `(passes over the data, ‖x − x*‖/‖x*‖)` some
/// `points` times, where a pass is as many sample gradients as there are samples.
pub(crate) fn descend(
    set: &Dataset,
    l2: f64,
    spec: &dyn EstimatorSpec<f64>,
    step: f64,
    passes: u64,
    points: u64,
) -> Vec<(f64, f64)> {
    let model = Ridge::new(set.columns(), l2);
    let (optimum, _) = model.optimum(set);
    let size = optimum.iter().map(|x| x * x).sum::<f64>().sqrt();
    let samples: Vec<u32> = (0..set.rows() as u32).collect();
    let local = Local { worker: 0, workers: 1, objective: &model, data: set, samples: &samples };
    let mut estimator = spec.build(&local).expect("a valid estimator");
    let mut work = Workspace::new(&model, set, spec.capacity());
    let zeros = || AlignedVec::zeros(set.columns());
    let (mut x, mut message) = (zeros(), zeros());
    let streams = Streams::new(1);
    estimator.start(&local, &x, &mut work);
    let mut found = Vec::new();
    let mut round = 0;
    loop {
        let done = model.gradients.load(Ordering::Relaxed) as f64 / samples.len() as f64;
        if done * points as f64 >= (found.len() as u64 * passes) as f64 {
            let off = x.iter().zip(&optimum).map(|(x, o)| (x - o).powi(2)).sum::<f64>().sqrt();
            found.push((done, off / size));
        }
        if done >= passes as f64 {
            return found;
        }
        estimator.message(&Cx::new(&streams, round), &local, &x, &mut message, &mut work);
        x.iter_mut().zip(&*message).for_each(|(x, m)| *x -= step * m);
        round += 1;
    }
}
