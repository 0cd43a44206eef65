//! The models against a slow, obvious implementation, in f32 and f64, over odd shapes.

use crate::common::*;
use fl_core::{Batch, Fold, Objective, Scalar};
use fl_models::{Activation, LeastSquares, Logistic, Loss, Perceptron, Softmax};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Kind {
    Softmax,
    Logistic,
    LeastSquares { real: bool },
    Perceptron { hidden: Vec<usize>, activation: Activation, loss: Loss, real: bool },
}

#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    seed: u64,
    columns: usize,
    bias: bool,
    classes: usize,
    batch: usize,
    /// All samples are of one class.
    one_class: bool,
    /// No tile is empty.
    full: bool,
}

fn kinds() -> impl Strategy<Value = Kind> {
    let hidden = proptest::collection::vec(1usize..60, 0..4);
    let activation =
        prop_oneof![Just(Activation::Tanh), Just(Activation::Relu), Just(Activation::Identity)];
    let loss = prop_oneof![Just(Loss::CrossEntropy), Just(Loss::Squared)];
    let perceptron =
        (hidden, activation, loss, any::<bool>()).prop_map(|(hidden, activation, loss, real)| {
            Kind::Perceptron { hidden, activation, loss, real: real && loss == Loss::Squared }
        });
    prop_oneof![
        1 => Just(Kind::Softmax),
        1 => Just(Kind::Logistic),
        1 => any::<bool>().prop_map(|real| Kind::LeastSquares { real }),
        3 => perceptron,
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (kinds(), any::<u64>(), 1usize..90, 2usize..28, 0usize..80, flags).prop_map(
        |(kind, seed, columns, classes, batch, (bias, one_class, full))| {
            let classes = match kind {
                Kind::Logistic => 2,
                Kind::LeastSquares { real: true } | Kind::Perceptron { real: true, .. } => 1,
                _ => classes,
            };
            Case { kind, seed, columns, bias, classes, batch, one_class, full }
        },
    )
}

impl Case {
    fn model<T: Scalar>(&self) -> Box<dyn Objective<T>> {
        let bias = self.bias;
        let (columns, classes) = (self.columns, self.classes);
        match &self.kind {
            Kind::Softmax => Softmax { bias, ..Softmax::default() }.build(columns, classes),
            Kind::Logistic => Logistic { bias, ..Logistic::default() }.build(columns, classes),
            Kind::LeastSquares { .. } => {
                LeastSquares { bias, ..LeastSquares::default() }.build(columns, classes)
            }
            Kind::Perceptron { hidden, activation, loss, .. } => Perceptron {
                hidden: hidden.clone(),
                activation: *activation,
                loss: *loss,
                ..Perceptron::default()
            }
            .build(columns, classes),
        }
        .unwrap()
    }

    fn slow(&self) -> Slow {
        let mut sizes = vec![self.columns];
        let (mut activation, mut bias) = (Activation::Tanh, self.bias);
        let loss = match &self.kind {
            Kind::Softmax => SlowLoss::CrossEntropy,
            Kind::Logistic => SlowLoss::Logistic,
            Kind::LeastSquares { .. } => SlowLoss::Number,
            Kind::Perceptron { hidden, activation: a, loss, real } => {
                sizes.extend(hidden);
                (activation, bias) = (*a, true);
                match (loss, real) {
                    (Loss::CrossEntropy, _) => SlowLoss::CrossEntropy,
                    (_, true) => SlowLoss::Number,
                    (_, false) => SlowLoss::OneHot,
                }
            }
        };
        sizes.push(match loss {
            SlowLoss::CrossEntropy | SlowLoss::OneHot => self.classes,
            SlowLoss::Logistic | SlowLoss::Number => 1,
        });
        Slow { sizes, bias, activation, loss }
    }

    fn check<T: Scalar>(&self, tolerance: f64) {
        let model = self.model::<T>();
        let slow = self.slow();
        assert_eq!(model.dim(), slow.dim());
        let p = model.dim();
        let rows_n = 100;
        let values = if self.full {
            noise(self.seed, rows_n * self.columns).iter().map(|&v| f64::from(v as f32)).collect()
        } else {
            rows(self.seed, rows_n, self.columns)
        };
        let label = |i: usize| match self.one_class {
            true => (self.classes - 1) as u32,
            false => (i * 7 % self.classes) as u32,
        };
        let targets: Vec<f64> =
            noise(!self.seed, rows_n).iter().map(|t| f64::from(*t as f32)).collect();
        let is_real = matches!(
            self.kind,
            Kind::LeastSquares { real: true } | Kind::Perceptron { real: true, .. }
        );
        let data = if is_real {
            real(&values, self.columns, targets.clone())
        } else {
            dataset(&values, self.columns, (0..rows_n).map(label).collect(), self.classes)
        };
        model.check(&data).unwrap();
        let target = |i: usize| if is_real { targets[i] } else { f64::from(label(i)) };
        let mut batch = Batch::<T>::new(&data, self.batch);
        let indices: Vec<u32> = (0..self.batch).map(|j| (j * 37 % rows_n) as u32).collect();
        batch.gather(&data, &indices);
        let params = |seed| -> Vec<f64> {
            let scale = 0.7;
            noise(seed, p).into_iter().map(|v| f64::from((v * scale) as f32)).collect()
        };
        let (now, before) = (params(self.seed ^ 1), params(self.seed ^ 2));
        let gradients = |params: &[f64]| -> Vec<Sample> {
            let row = |&i: &u32| {
                let i = i as usize;
                slow.sample(params, &values[i * self.columns..][..self.columns], target(i))
            };
            indices.iter().map(row).collect()
        };
        let (slow_new, slow_old) = (gradients(&now), gradients(&before));
        // At ReLU's corner two roundings of one number have different derivatives.
        let near = |s: &Sample| s.margin < 1e2 * T::EPSILON;
        if slow.activation == Activation::Relu && slow_new.iter().chain(&slow_old).any(near) {
            return;
        }
        let (now, before) = (convert::<T>(&now), convert::<T>(&before));
        let mut new = records(&*model, &now, &batch);
        let old = records(&*model, &before, &batch);

        // Outputs, losses and predictions.
        let mut losses = vec![f64::NAN; self.batch];
        let mut predictions = vec![99; self.batch];
        let mut memory = scratch(&*model, self.batch);
        let k = slow.sizes[slow.sizes.len() - 1];
        assert_eq!(model.output_len(), k);
        let mut outputs = vec![T::from_f64(f64::NAN); self.batch * k];
        model.predict(&now, &batch, &mut outputs, &mut memory);
        model.evaluate(&now, &batch, &mut losses, &mut predictions, &mut memory);
        for (j, Sample { loss, z, .. }) in slow_new.iter().enumerate() {
            let largest = z.iter().fold(1.0f64, |m, z| m.max(z.abs()));
            let off = 10.0 * tolerance * largest;
            for (found, z) in outputs[j * k..].iter().zip(z) {
                assert!((found.to_f64() - z).abs() <= off, "{found} instead of {z}");
            }
            assert!((losses[j] - loss).abs() <= off * largest.max(*loss));
            let predicted = predictions[j] as usize;
            match slow.loss {
                SlowLoss::CrossEntropy | SlowLoss::OneHot => {
                    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    assert!(z[predicted] >= top - 2.0 * off);
                }
                SlowLoss::Logistic => {
                    assert!(z[0].abs() <= off || (predicted == 1) == (z[0] > 0.0))
                }
                SlowLoss::Number => {
                    let nearest = (z[0] + 0.5).floor().clamp(0.0, (self.classes - 1) as f64);
                    let tie = (z[0] + 0.5 - (z[0] + 0.5).round()).abs() <= off;
                    assert!(predicted < self.classes && (tie || predicted as f64 == nearest));
                }
            }
        }

        // A with and without old records, in units of what is added up.
        let sum = |samples: &[Sample], c: &dyn Fn(usize) -> f64| {
            let mut sum = vec![0.0; p];
            for (j, s) in samples.iter().enumerate() {
                for (s, g) in sum.iter_mut().zip(&s.gradient) {
                    *s += c(j) * g;
                }
            }
            sum
        };
        let (a_new, a_old) = (sum(&slow_new, &|_| 1.0), sum(&slow_old, &|_| 1.0));
        let a: Vec<f64> = a_new.iter().zip(&a_old).map(|(n, o)| n - o).collect();
        let most = |s: &Sample| s.gradient.iter().fold(1.0f64, |m, g| m.max(g.abs()));
        let room = 1.0 + slow_new.iter().chain(&slow_old).map(most).sum::<f64>();
        let compare = |found: &[f64], expected: &[f64]| {
            for (f, e) in found.iter().zip(expected) {
                assert!((f - e).abs() <= tolerance * room, "{f} instead of {e}");
            }
        };
        compare(&folded(&*model, &batch, &new, None), &a_new);
        compare(&folded(&*model, &batch, &new, Some(&old)), &a);

        // The whole formula of a fold, every combination of its parts.
        let (start, mean0) = (noise(self.seed ^ 3, p), noise(self.seed ^ 4, p));
        for bits in 0..8 {
            let (add, ridge, mean) = (bits & 1 == 1, bits & 2 == 2, bits & 4 == 4);
            let mut message = convert::<T>(&if add { start.clone() } else { vec![f64::NAN; p] });
            let mut moved = convert::<T>(&mean0);
            let fold = Fold {
                message: &mut message,
                add,
                scale: T::from_f64(0.125),
                ridge: ridge.then_some((T::from_f64(0.25), &now[..])),
                mean: mean.then_some((&mut moved[..], T::from_f64(0.5))),
            };
            model.fold(&batch, &new, Some(&old), fold, &mut memory);
            for i in 0..p {
                let mut expected = 0.125 * a[i];
                expected += if add { start[i] } else { 0.0 };
                expected += if ridge { 0.25 * now[i].to_f64() } else { 0.0 };
                expected += if mean { mean0[i] } else { 0.0 };
                assert!((message[i].to_f64() - expected).abs() <= tolerance * room);
                let expected = mean0[i] + if mean { 0.5 * a[i] } else { 0.0 };
                assert!((moved[i].to_f64() - expected).abs() <= tolerance * room);
            }
        }

        // Squared norms against gradients written out.
        for with_old in [false, true] {
            let mut squares = vec![f64::NAN; self.batch];
            let old = with_old.then_some(&old[..]);
            model.squared_norms(&batch, &new, old, &mut squares, &mut memory);
            for (j, square) in squares.iter().enumerate() {
                let (g, o) = (&slow_new[j].gradient, &slow_old[j].gradient);
                let minus = if with_old { 1.0 } else { 0.0 };
                let expected: f64 = g.iter().zip(o).map(|(g, o)| (g - minus * o).powi(2)).sum();
                let size: f64 = g.iter().zip(o).map(|(g, o)| g * g + minus * o * o).sum();
                // A residual is the difference of larger numbers.
                assert!((square - expected).abs() <= 10.0 * tolerance * size.max(room * room));
            }
        }

        // Scaled records.
        let c = noise(self.seed ^ 5, self.batch);
        model.scale_records(&convert::<T>(&c), &mut new);
        compare(&folded(&*model, &batch, &new, None), &sum(&slow_new, &|j| c[j]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_number_types_agree_with_the_slow_implementation(case in cases()) {
        case.check::<f64>(1e-12);
        case.check::<f32>(3e-5);
    }
}

fn perceptron(hidden: &[usize]) -> Kind {
    Kind::Perceptron {
        hidden: hidden.to_vec(),
        activation: Activation::Tanh,
        loss: Loss::CrossEntropy,
        real: false,
    }
}

#[test]
fn the_shapes_of_the_paper_agree_with_the_slow_implementation() {
    let case = |kind, columns, classes, batch, full| Case {
        kind,
        seed: 5,
        columns,
        bias: true,
        classes,
        batch,
        one_class: false,
        full,
    };
    for case in [
        case(Kind::Softmax, 784, 10, 70, false),
        case(perceptron(&[50, 50]), 784, 10, 70, false),
        case(Kind::Softmax, 54, 7, 70, true),
        case(perceptron(&[50, 50]), 54, 7, 70, true),
        // More than 64 tiles, so that a mask has several words.
        case(perceptron(&[17]), 1101, 3, 33, false),
    ] {
        case.check::<f64>(1e-11);
        case.check::<f32>(1e-4);
    }
}
