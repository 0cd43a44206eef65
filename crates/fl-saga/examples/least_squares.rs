//! A model of your own, and what SGD and SAGA make of it: least squares, `f_j(x) = ½ (a_j·x − y_j)²`, whose record is the
//! one number `a_j·x − y_j`.

use fl_core::data::{Layout, Values};
use fl_core::{
    Batch, Cx, Dataset, EstimatorSpec, Fold, Local, Objective, Stream, Streams, Workspace,
};
use fl_saga::{Saga, Sgd};

#[derive(Debug)]
struct LeastSquares {
    columns: usize,
}

impl Objective<f64> for LeastSquares {
    fn dim(&self) -> usize {
        self.columns
    }
    fn record_len(&self) -> usize {
        1
    }
    fn l2(&self) -> f64 {
        0.0
    }
    fn scratch_len(&self, _: usize) -> usize {
        2 * self.columns // a sample, and a sum
    }
    fn records(&self, x: &[f64], batch: &Batch<f64>, records: &mut [f64], scratch: &mut [f64]) {
        let a = &mut scratch[..self.columns];
        for (j, record) in records.iter_mut().enumerate() {
            batch.dense(j, a);
            *record = dot(a, x) - f64::from(batch.labels()[j]);
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
        // A = Σ_j (new_j − old_j) a_j, then the two lines of `Fold`.
        let (a, sum) = scratch[..2 * self.columns].split_at_mut(self.columns);
        sum.fill(0.0);
        for j in 0..batch.len() {
            batch.dense(j, a);
            let residual = new[j] - old.map_or(0.0, |old| old[j]);
            sum.iter_mut().zip(&*a).for_each(|(s, a)| *s += residual * a);
        }
        let mut mean = fold.mean;
        for i in 0..self.columns {
            let kept = if fold.add { fold.message[i] } else { 0.0 };
            let ridge = fold.ridge.map_or(0.0, |(l2, x)| l2 * x[i]);
            let bar = mean.as_ref().map_or(0.0, |(mean, _)| mean[i]);
            fold.message[i] = kept + fold.scale * sum[i] + ridge + bar;
            if let Some((mean, rate)) = &mut mean {
                mean[i] += *rate * sum[i];
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
        let mut a = vec![0.0; self.columns];
        for (j, out) in out.iter_mut().enumerate() {
            batch.dense(j, &mut a);
            *out = (new[j] - old.map_or(0.0, |old| old[j])).powi(2) * dot(&a, &a);
        }
    }
    fn evaluate(
        &self,
        x: &[f64],
        batch: &Batch<f64>,
        losses: &mut [f64],
        predictions: &mut [u32],
        scratch: &mut [f64],
    ) {
        self.records(x, batch, losses, scratch);
        for (j, loss) in losses.iter_mut().enumerate() {
            predictions[j] = (*loss + f64::from(batch.labels()[j])).round() as u32;
            *loss = 0.5 * *loss * *loss;
        }
    }
    fn initialise(&self, _: &mut Stream, x: &mut [f64]) {
        x.fill(0.0);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// One worker with four samples, which x = (1, 2) fits but for noise.
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let features = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 1.0];
    let data = Dataset::new(Values::F64(&features), 2, vec![1, 2, 3, 5], 6, Layout::Flat)?;
    let objective = LeastSquares { columns: 2 };
    let samples = [0, 1, 2, 3];
    let local =
        Local { worker: 0, workers: 1, objective: &objective, data: &data, samples: &samples };

    let run = |spec: &dyn EstimatorSpec<f64>| -> Result<f64, fl_core::SpecError> {
        let mut estimator = spec.build(&local)?;
        let mut work = Workspace::new(&objective, &data, spec.batch());
        let (streams, mut x, mut message) = (Streams::new(0), [0.0; 2], [0.0; 2]);
        estimator.start(&local, &x, &mut work);
        for round in 0..2000 {
            estimator.message(&Cx::new(&streams, round), &local, &x, &mut message, &mut work);
            x.iter_mut().zip(&message).for_each(|(x, m)| *x -= 0.1 * m);
        }
        // The inner variation (16) of what the worker sends.
        Ok(estimator.variation(&local, &x, &mut work))
    };
    let (sgd, saga) = (run(&Sgd::new(1))?, run(&Saga::new(1))?);
    println!("inner variation after 2 000 rounds: SGD {sgd:.1e}, SAGA {saga:.1e}");
    assert!(sgd > 1e-3 && saga < 1e-12);
    Ok(())
}
