//! A model that gives whole gradients only: the same messages as by records, and a refusal where records are kept.

use crate::common::{LeastSquares, SAMPLINGS, Seven, all, label, path};
use fl_core::{
    Batch, Cx, DecoratorSpec, EstimatorSpec, Fold, Local, Objective, Scalar, Stream, Streams,
    Workspace,
};
use fl_saga::{Clip, LocalSteps, Momentum, Saga};

/// Least squares without records.
#[derive(Debug)]
struct Whole(LeastSquares);

impl<T: Scalar> Objective<T> for Whole {
    fn dim(&self) -> usize {
        self.0.columns
    }
    fn l2(&self) -> f64 {
        self.0.l2
    }
    fn scratch_len(&self, _: usize) -> usize {
        2 * self.0.columns
    }
    fn gradient(
        &self,
        params: &[T],
        batch: &Batch<T>,
        fold: Fold<'_, T>,
        records: &mut [T],
        scratch: &mut [T],
    ) {
        assert!(records.is_empty(), "a model without records gets no memory for them");
        let (row, sum) = scratch[..2 * self.0.columns].split_at_mut(self.0.columns);
        sum.fill(T::ZERO);
        for j in 0..batch.len() {
            batch.dense(j, row);
            let product: T = row.iter().zip(params).map(|(&a, &x)| a * x).sum();
            let residual = product - T::from_f64(f64::from(batch.labels()[j]));
            sum.iter_mut().zip(&*row).for_each(|(s, &a)| *s += residual * a);
        }
        fold.apply(sum);
    }
    fn evaluate(&self, _: &[T], _: &Batch<T>, _: &mut [f64], _: &mut [u32], _: &mut [T]) {
        unreachable!("estimators do not evaluate");
    }
    fn initialise(&self, _: &mut Stream, params: &mut [T]) {
        params.fill(T::ZERO);
    }
}

/// Messages along a path, and at its end what is expected next with its variation.
fn course(local: &Local<'_, f64>, spec: &dyn EstimatorSpec<f64>) -> (Vec<Vec<f64>>, f64) {
    let streams = Streams::new(5);
    let mut estimator = spec.build(local).unwrap();
    let mut work = Workspace::new(local.objective, local.data, spec.capacity());
    let path = path(20, 12);
    estimator.start(local, &path[0], &mut work);
    let message = |(round, x): (usize, &Vec<f64>)| {
        let mut out = vec![f64::NAN; 20];
        estimator.message(&Cx::new(&streams, round as u64), local, x, &mut out, &mut work);
        out
    };
    let mut seen: Vec<_> = path.iter().enumerate().map(message).collect();
    let mut expected = vec![f64::NAN; 20];
    estimator.expectation(local, &path[11], &mut expected, &mut work);
    seen.push(expected);
    (seen, estimator.variation(local, &path[11], &mut work))
}

fn close(a: f64, b: f64) -> bool {
    (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-10 * (1.0 + a.abs())
}

#[test]
fn whole_gradients_give_the_messages_that_records_give() {
    let seven = Seven::new();
    let whole = Whole(LeastSquares { ..Seven::new().objective });
    let by_records = seven.local::<f64>();
    let by_gradients = Local { objective: &whole, ..by_records };
    let mut met = 0;
    for sampling in SAMPLINGS {
        for spec in all::<f64>(3, sampling) {
            if spec.check(&whole, 7).is_err() {
                continue;
            }
            met += 1;
            let (a, b) = (course(&by_records, &*spec), course(&by_gradients, &*spec));
            for (a, b) in a.0.iter().flatten().zip(b.0.iter().flatten()) {
                assert!(close(*a, *b), "{a} and {b}: {}", label(&*spec));
            }
            assert!(close(a.1, b.1), "variations {} and {}: {}", a.1, b.1, label(&*spec));
        }
    }
    assert!(met > 100, "{met} met");
}

#[test]
fn who_keeps_records_refuses_with_bytes_and_names_who_does_not() {
    let seven = Seven::new();
    let whole = Whole(LeastSquares { columns: 20, l2: 0.1 });
    let local = Local { objective: &whole, ..seven.local::<f64>() };
    let refusal = Saga::new(3).build(&local).unwrap_err().to_string();
    assert!(refusal.contains("7 samples × 20 parameters × 8 bytes"), "{refusal}");
    let large = LeastSquares { columns: 431_080, l2: 0.0 };
    let of_mnist = EstimatorSpec::<f32>::check(&Saga::new(1), &Whole(large), 60_000).unwrap_err();
    assert!(of_mnist.to_string().contains("103.5 GB"), "{of_mnist}");
    let around: [Box<dyn DecoratorSpec<f64>>; 3] =
        [Box::<Momentum>::default(), Box::<Clip>::default(), Box::<LocalSteps>::default()];
    for sampling in SAMPLINGS {
        for spec in crate::common::plain::<f64>(3, sampling) {
            let name = spec.name();
            match spec.build(&local) {
                // Who works is named, also he who keeps whole gradients.
                Ok(_) => assert!(refusal.contains(name), "{name} is not in {refusal}"),
                Err(error) => {
                    assert!(["saga", "sag", "window-saga"].contains(&name), "{error}");
                    assert!(error.to_string().starts_with(&format!("{name}: the model must")));
                }
            }
        }
        for decorator in &around {
            let spec = decorator.around(Box::new(Saga { batch: 3, sampling }));
            assert_eq!(spec.build(&local).unwrap_err().part, "saga", "{}", spec.name());
            assert!(refusal.contains(spec.name()), "{} is not in {refusal}", spec.name());
        }
    }
}

#[test]
fn a_sum_in_memory_is_folded_as_a_model_folds_its_records() {
    let a = [1.0, -2.0, 0.5];
    let x = [10.0, 20.0, 30.0];
    let (mut message, mut mean) = ([4.0, 4.0, 4.0], [1.0, 2.0, 3.0]);
    let mean_and_rate = Some((&mut mean[..], 0.25));
    let ridge = Some((0.1, &x[..]));
    Fold { message: &mut message, add: true, scale: 2.0, ridge, mean: mean_and_rate }.apply(&a);
    assert_eq!(message, [4.0 + 2.0 + 1.0 + 1.0, 4.0 - 4.0 + 2.0 + 2.0, 4.0 + 1.0 + 3.0 + 3.0]);
    assert_eq!(mean, [1.25, 1.5, 3.125]);
    Fold { message: &mut message, add: false, scale: 1.0, ridge: None, mean: None }.apply(&a);
    assert_eq!(message, a);
}
