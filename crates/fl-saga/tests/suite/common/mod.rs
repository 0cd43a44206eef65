//! A model small enough to be written here: least squares, whose record is one residual; and every estimator there is.
//! (On the real models estimators are tested in fl-sim, which knows both.)
// Each test file uses a part of it.
#![allow(dead_code)]

use fl_core::data::{Layout, Values};
use fl_core::{
    Batch, Dataset, DecoratorSpec, EstimatorSpec, Fold, Local, Objective, PartVisitor, Registrable,
    Role, Scalar, Stream, Streams,
};
use fl_saga::{
    Clip, DenseSaga, FullGradient, LocalSteps, LooplessSvrg, Momentum, MomentumForm, Page, Ridge,
    Sag, Saga, Sampling, Sarah, Sent, Sgd, Storm, Svrg, WindowSaga,
};
use std::any::{Any, TypeId};

/// f_j(x) = ½ (⟨a_j, x⟩ − y_j)² + (λ/2)‖x‖².
#[derive(Debug)]
pub(crate) struct LeastSquares {
    pub(crate) columns: usize,
    pub(crate) l2: f64,
}

impl<T: Scalar> Objective<T> for LeastSquares {
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
    fn records(&self, params: &[T], batch: &Batch<T>, records: &mut [T], scratch: &mut [T]) {
        assert_eq!(records.len(), batch.len());
        let row = &mut scratch[..self.columns];
        for (j, record) in records.iter_mut().enumerate() {
            batch.dense(j, row);
            let product: T = row.iter().zip(params).map(|(&a, &x)| a * x).sum();
            *record = product - T::from_f64(f64::from(batch.labels()[j]));
        }
    }
    fn fold(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        fold: Fold<'_, T>,
        scratch: &mut [T],
    ) {
        assert!(new.len() == batch.len() && old.is_none_or(|old| old.len() == batch.len()));
        let (row, sum) = scratch[..2 * self.columns].split_at_mut(self.columns);
        sum.fill(T::ZERO);
        for (j, &new) in new.iter().enumerate() {
            let r = new - old.map_or(T::ZERO, |old| old[j]);
            batch.dense(j, row);
            for (s, &a) in sum.iter_mut().zip(&*row) {
                *s += r * a;
            }
        }
        let mut mean = fold.mean;
        for k in 0..self.columns {
            let mut m = fold.scale * sum[k];
            if fold.add {
                m += fold.message[k];
            }
            if let Some((ridge, params)) = fold.ridge {
                m += ridge * params[k];
            }
            if let Some((mean, rate)) = &mut mean {
                m += mean[k];
                mean[k] += *rate * sum[k];
            }
            fold.message[k] = m;
        }
    }
    fn scale_records(&self, c: &[T], records: &mut [T]) {
        assert_eq!(records.len(), c.len());
        for (r, &c) in records.iter_mut().zip(c) {
            *r *= c;
        }
    }
    fn squared_norms(
        &self,
        batch: &Batch<T>,
        new: &[T],
        old: Option<&[T]>,
        out: &mut [f64],
        _: &mut [T],
    ) {
        let mut row = vec![T::ZERO; self.columns];
        for (j, out) in out.iter_mut().enumerate() {
            let r = (new[j] - old.map_or(T::ZERO, |old| old[j])).to_f64();
            batch.dense(j, &mut row);
            *out = r * r * row.iter().map(|a| a.to_f64().powi(2)).sum::<f64>();
        }
    }
    fn evaluate(&self, _: &[T], _: &Batch<T>, _: &mut [f64], _: &mut [u32], _: &mut [T]) {
        unreachable!("estimators do not evaluate");
    }
    fn initialise(&self, _: &mut Stream, params: &mut [T]) {
        params.fill(T::ZERO);
    }
}

/// `rows` samples with features between −1 and 1, and four labels in turn.
pub(crate) fn data(rows: usize, columns: usize) -> Dataset {
    let mut rng = Streams::new(2).at(Role::User, 0, 0);
    let mut unit = || f64::from(fl_core::streams::below(&mut rng, 1000)) / 500.0 - 1.0;
    let values: Vec<f64> = (0..rows * columns).map(|_| unit()).collect();
    let labels = (0..rows as u32).map(|i| i % 4).collect();
    Dataset::new(Values::F64(&values), columns, labels, 4, Layout::Flat).unwrap()
}

/// The third of three workers, which has all seven samples of a set of twenty columns.
#[derive(Debug)]
pub(crate) struct Seven {
    pub(crate) set: Dataset,
    pub(crate) samples: Vec<u32>,
    pub(crate) objective: LeastSquares,
}

impl Seven {
    pub(crate) fn new() -> Self {
        let objective = LeastSquares { columns: 20, l2: 0.1 };
        Self { set: data(7, 20), samples: (0..7).collect(), objective }
    }

    pub(crate) fn local<T: Scalar>(&self) -> Local<'_, T> {
        let Self { set, samples, objective } = self;
        Local { worker: 2, workers: 3, objective, data: set, samples }
    }
}

/// ∇f_j(x) by its definition.
pub(crate) fn sample_gradient(set: &Dataset, row: u32, l2: f64, x: &[f64]) -> Vec<f64> {
    let mut a = vec![0.0; x.len()];
    set.row(row as usize, &mut a);
    let product: f64 = a.iter().zip(x).map(|(a, x)| a * x).sum();
    let r = product - f64::from(set.labels()[row as usize]);
    a.iter().zip(x).map(|(a, x)| r * a + l2 * x).collect()
}

/// ∇f_w(x) by its definition.
pub(crate) fn gradient(set: &Dataset, samples: &[u32], l2: f64, x: &[f64]) -> Vec<f64> {
    mean(&samples.iter().map(|&row| sample_gradient(set, row, l2, x)).collect::<Vec<_>>())
}

pub(crate) fn mean(vectors: &[Vec<f64>]) -> Vec<f64> {
    let sum = |k: usize| vectors.iter().map(|v| v[k]).sum::<f64>();
    (0..vectors[0].len()).map(|k| sum(k) / vectors.len() as f64).collect()
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

pub(crate) fn norm(a: &[f64]) -> f64 {
    a.iter().map(|a| a * a).sum::<f64>().sqrt()
}

/// A path of parameters that an optimiser might take, but need not.
pub(crate) fn path(columns: usize, steps: usize) -> Vec<Vec<f64>> {
    let mut rng = Streams::new(8).at(Role::User, 1, 0);
    let mut x = vec![0.1; columns];
    let step = |_| {
        for x in &mut x {
            *x += f64::from(fl_core::streams::below(&mut rng, 2001)) / 2000.0 - 0.5;
        }
        x.clone()
    };
    (0..steps).map(step).collect()
}

pub(crate) const SAMPLINGS: [Sampling; 4] =
    [Sampling::Distinct, Sampling::Repeated, Sampling::Window, Sampling::WindowCut];

/// A rhythm of full passes that no test meets by chance.
const RARELY: u64 = 1_000_003;

/// Every estimator that is not a decorator; the calendars of full passes are `every` rounds long.
pub(crate) fn plain<T: Scalar>(b: usize, sampling: Sampling) -> Vec<Box<dyn EstimatorSpec<T>>> {
    let dense = DenseSaga { batch: b, sampling, ridge: Ridge::Outside };
    let mut specs: Vec<Box<dyn EstimatorSpec<T>>> = vec![
        Box::new(FullGradient {}),
        Box::new(Sgd { batch: b, sampling }),
        Box::new(Saga { batch: b, sampling }),
        Box::new(dense),
        Box::new(DenseSaga { ridge: Ridge::Inside, ..dense }),
        Box::new(Sag { batch: b, sampling }),
        Box::new(Svrg { batch: b, sampling, every: Some(RARELY) }),
        Box::new(LooplessSvrg { batch: b, sampling, probability: Some(0.3) }),
        Box::new(Sarah { batch: b, sampling, every: Some(RARELY) }),
        Box::new(Page { batch: b, sampling, probability: Some(0.3) }),
        Box::new(Storm { batch: b, sampling, rate: 0.3 }),
    ];
    if matches!(sampling, Sampling::Window | Sampling::WindowCut) {
        specs.push(Box::new(WindowSaga { batch: b, sampling }));
    }
    specs
}

/// All forms of momentum.
pub(crate) const FORMS: [MomentumForm; 5] = [
    MomentumForm::Average,
    MomentumForm::WarmAverage,
    MomentumForm::HeavyBall,
    MomentumForm::Double,
    MomentumForm::Normalised,
];

/// Every estimator, and every decorator around some.
pub(crate) fn all<T: Scalar>(b: usize, sampling: Sampling) -> Vec<Box<dyn EstimatorSpec<T>>> {
    let mut specs = plain::<T>(b, sampling);
    for form in FORMS {
        for inner in plain::<T>(b, sampling) {
            specs.push(Box::new(Momentum { beta: 0.8, form }.over(inner)));
        }
    }
    for inner in plain::<T>(b, sampling) {
        specs.push(Box::new(Clip { norm: 0.7 }.over(inner)));
    }
    for send in [Sent::Difference, Sent::Gradient] {
        for steps in [1, 3] {
            for inner in plain::<T>(b, sampling) {
                specs.push(Box::new(LocalSteps { steps, step: 0.05, send }.over(inner)));
            }
        }
    }
    let saga = Momentum::default().over::<T>(Box::new(Saga { batch: b, sampling }));
    let steps = LocalSteps { steps: 2, ..LocalSteps::default() }.over(Box::new(saga));
    specs.push(Box::new(Clip::default().over(Box::new(steps))));
    let known: Vec<&str> = specs.iter().map(|spec| spec.name()).chain(["window-saga"]).collect();
    let more: Vec<_> = listed().into_iter().filter(|spec| !known.contains(&spec.name())).collect();
    specs.extend(more);
    specs
}

/// Everything in the crate's list with its default settings, decorators around the plain gradient.
fn listed<T: Scalar>() -> Vec<Box<dyn EstimatorSpec<T>>> {
    #[derive(Default)]
    struct Listed {
        single: Vec<Box<dyn EstimatorSpec<f32>>>,
        double: Vec<Box<dyn EstimatorSpec<f64>>>,
    }
    impl PartVisitor for Listed {
        fn estimator<E: EstimatorSpec<f32> + EstimatorSpec<f64> + Registrable>(&mut self) {
            self.single.push(Box::new(E::default()));
            self.double.push(Box::new(E::default()));
        }
        fn decorator<D: DecoratorSpec<f32> + DecoratorSpec<f64> + Registrable>(&mut self) {
            self.single.push(D::default().around(Box::new(Sgd::new(1))));
            self.double.push(D::default().around(Box::new(Sgd::new(1))));
        }
    }
    let mut listed = Listed::default();
    fl_saga::parts(&mut listed);
    assert_eq!(listed.single.len(), listed.double.len());
    let found: Box<dyn Any> = match TypeId::of::<T>() == TypeId::of::<f32>() {
        true => Box::new(listed.single),
        false => Box::new(listed.double),
    };
    *found.downcast().expect("a scalar is f32 or f64")
}

/// A name for messages: what is around, what is inside, and how it draws.
pub(crate) fn label<T: Scalar>(spec: &dyn EstimatorSpec<T>) -> String {
    format!("{spec:?}")
}
