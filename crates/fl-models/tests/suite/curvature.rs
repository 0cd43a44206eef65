//! µ and L: laws over random data, and cases in which they are known.

use crate::common::*;
use fl_core::{Batch, Curvature, Dataset, Objective};
use fl_models::{Activation, LeastSquares, Logistic, Loss, Perceptron, Softmax};
use proptest::prelude::*;

/// Mean gradient over some rows, ℓ₂ term included.
fn gradient(model: &dyn Objective<f64>, params: &[f64], batch: &Batch<f64>) -> Vec<f64> {
    let records = records(model, params, batch);
    let mut message = vec![0.0; model.dim()];
    let fold = fl_core::Fold {
        message: &mut message,
        add: false,
        scale: 1.0 / batch.len() as f64,
        ridge: Some((model.l2(), params)),
        mean: None,
    };
    model.fold(batch, &records, None, fold, &mut scratch(model, batch.len()));
    message
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn models(bias: bool, l2: f64, columns: usize) -> Vec<(Box<dyn Objective<f64>>, usize)> {
    let squared = Perceptron { hidden: vec![], loss: Loss::Squared, l2, ..Perceptron::default() };
    vec![
        (LeastSquares { bias, l2, ..LeastSquares::default() }.build(columns, 3).unwrap(), 3),
        (Logistic { bias, l2, ..Logistic::default() }.build(columns, 2).unwrap(), 2),
        (Softmax { bias, l2, ..Softmax::default() }.build(columns, 3).unwrap(), 3),
        (squared.build(columns, 3).unwrap(), 3),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_keep_between_mu_and_l(
        seed: u64, bias: bool, columns in 1usize..30, n in 1usize..40, l2 in 0.0..0.5f64, far in 0.01..20.0f64,
    ) {
        let values = noise(seed, n * columns);
        for (model, classes) in models(bias, l2, columns) {
            let labels = (0..n as u32).map(|i| i % classes as u32).collect();
            let data = dataset(&values, columns, labels, classes);
            let rows: Vec<u32> = (0..n as u32).collect();
            let Curvature { mu, smooth, smooth_sample, .. } = model.curvature(&data, &rows).unwrap();
            prop_assert!(l2 <= mu && mu <= smooth * (1.0 + 1e-12) && smooth <= smooth_sample * (1.0 + 1e-12));
            let mut batch = Batch::new(&data, n);
            batch.gather(&data, &rows);
            let at = |seed| -> Vec<f64> { noise(seed, model.dim()).iter().map(|v| far * v).collect() };
            let (x, y) = (at(seed ^ 1), at(seed ^ 2));
            let step = minus(&x, &y);
            let change = minus(&gradient(&*model, &x, &batch), &gradient(&*model, &y, &batch));
            let square = dot(&step, &step);
            prop_assert!(dot(&change, &step) >= (mu - 1e-11 * smooth) * square);
            prop_assert!(dot(&change, &change) <= (smooth * smooth) * square * (1.0 + 1e-11));
            for j in 0..n as u32 {
                batch.gather(&data, &[j]);
                let change = minus(&gradient(&*model, &x, &batch), &gradient(&*model, &y, &batch));
                prop_assert!(dot(&change, &change) <= smooth_sample.powi(2) * square * (1.0 + 1e-11));
            }
        }
    }
}

/// Eight samples on the axes of two columns: G = diag(4, 1/4)/2 without bias.
fn axes() -> Dataset {
    let values: Vec<f64> =
        (0..8).flat_map(|i| if i % 2 == 0 { [2.0, 0.0] } else { [0.0, 0.5] }).collect();
    dataset(&values, 2, (0..8).map(|i| i / 4).collect(), 2)
}

#[test]
fn constants_are_known_on_the_axes() {
    let (data, rows) = (axes(), (0..8).collect::<Vec<_>>());
    let near = |c: Curvature, mu: f64, smooth: f64, sample: f64, exact: bool| {
        assert!((c.mu - mu).abs() < 1e-12 && (c.smooth - smooth).abs() < 1e-12, "{c:?}");
        assert!((c.smooth_sample - sample).abs() < 1e-12 && c.exact == exact, "{c:?}");
        assert!((c.condition() - c.smooth / c.mu).abs() < 1e-12);
    };
    let l2 = 0.1;
    let squares = LeastSquares { bias: false, l2, ..LeastSquares::default() };
    let constants = |m: Box<dyn Objective<f64>>| m.curvature(&data, &rows).unwrap();
    near(constants(squares.build(2, 2).unwrap()), 0.225, 2.1, 4.1, true);
    let logistic = Logistic { bias: false, l2, ..Logistic::default() };
    near(constants(logistic.build(2, 2).unwrap()), 0.1, 0.6, 1.1, true);
    let softmax = Softmax { bias: false, l2, ..Softmax::default() };
    near(constants(softmax.build(2, 2).unwrap()), 0.1, 1.1, 2.1, false);
    // A worker's own rows have constants of their own.
    let own = squares.build::<f64>(2, 2).unwrap().curvature(&data, &[0, 2]).unwrap();
    near(own, 0.1, 4.1, 4.1, true);
    // Two classes of softmax, and logistic regression at 0, attain their L.
    let (mut batch, step) = (Batch::new(&data, 8), 1e-6);
    batch.gather(&data, &rows);
    let logistic = logistic.build::<f64>(2, 2).unwrap();
    let slope = minus(
        &gradient(&*logistic, &[step, 0.0], &batch),
        &gradient(&*logistic, &[-step, 0.0], &batch),
    );
    assert!((slope[0] / (2.0 * step) - 0.6).abs() < 1e-8);
}

#[test]
fn a_hidden_layer_has_no_constants_whatever_its_activation() {
    let data = axes();
    for activation in [Activation::Tanh, Activation::Relu, Activation::Identity] {
        let spec = Perceptron { hidden: vec![3], activation, l2: 1.0, ..Perceptron::default() };
        assert_eq!(spec.build::<f64>(2, 2).unwrap().curvature(&data, &[0, 1]), None);
    }
    let spec = Perceptron { hidden: vec![], ..Perceptron::default() };
    let softmax = Softmax::default().build::<f64>(2, 2).unwrap().curvature(&data, &[0, 1]);
    assert_eq!(spec.build::<f64>(2, 2).unwrap().curvature(&data, &[0, 1]), softmax);
}
