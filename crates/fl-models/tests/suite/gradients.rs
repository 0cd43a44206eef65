//! Golden gradients, finite differences, huge logits, initial parameters and bad specs.

use crate::common::*;
use fl_core::{Batch, ModelSpec, Objective, Role, SpecError, Streams};
use fl_models::{Activation, Initialise, LeastSquares, Logistic, Loss, Perceptron, Softmax};
use serde_json::Value;

fn numbers(v: &Value) -> Vec<f64> {
    match v {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

/// Mean loss and mean gradient over all rows, ℓ₂ term included.
fn mean(model: &dyn Objective<f64>, params: &[f64], batch: &Batch<f64>) -> (f64, Vec<f64>) {
    let b = batch.len();
    let (mut losses, mut predictions) = (vec![0.0; b], vec![0; b]);
    model.evaluate(params, batch, &mut losses, &mut predictions, &mut scratch(model, b));
    let square: f64 = params.iter().map(|x| x * x).sum();
    let records = records(model, params, batch);
    let mut message = vec![f64::NAN; model.dim()];
    let fold = fl_core::Fold {
        message: &mut message,
        add: false,
        scale: 1.0 / b as f64,
        ridge: Some((model.l2(), params)),
        mean: None,
    };
    model.fold(batch, &records, None, fold, &mut scratch(model, b));
    (losses.iter().sum::<f64>() / b as f64 + 0.5 * model.l2() * square, message)
}

#[test]
fn golden_gradients_come_out_to_twelve_digits() {
    let cases: Value = serde_json::from_str(include_str!("golden/models.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let (input, output) = (&case["input"], &case["output"]);
        let x = numbers(&input["x"]);
        let y: Vec<u32> = numbers(&input["y"]).iter().map(|&y| y as u32).collect();
        let columns = x.len() / y.len();
        let (model, params, gradient) = if case["op"] == "softmax_grad" {
            let spec = Softmax { l2: case["params"]["l2"].as_f64().unwrap(), ..Softmax::default() };
            let classes = input["b"].as_array().unwrap().len();
            let params = [numbers(&input["W"]), numbers(&input["b"])].concat();
            let gradient = [numbers(&output["dW"]), numbers(&output["db"])].concat();
            (spec.build(columns, classes).unwrap(), params, gradient)
        } else {
            let sizes = numbers(&case["params"]["sizes"]);
            let hidden = sizes[1..sizes.len() - 1].iter().map(|&n| n as usize).collect();
            let spec = Perceptron { hidden, ..Perceptron::default() };
            let layers = |v: &Value, w: &str, b: &str| -> Vec<f64> {
                let layers = v["layers"].as_array().unwrap();
                layers.iter().flat_map(|l| [numbers(&l[w]), numbers(&l[b])].concat()).collect()
            };
            let gradient = match output["layers"][0].get("dW") {
                Some(_) => layers(output, "dW", "db"),
                None => layers(output, "W", "b"),
            };
            let model = spec.build(columns, sizes[sizes.len() - 1] as usize).unwrap();
            (model, layers(input, "W", "b"), gradient)
        };
        let classes = y.iter().max().unwrap() + 1;
        let data = dataset(&x, columns, y.clone(), classes as usize);
        let mut batch = Batch::new(&data, y.len());
        batch.gather(&data, &(0..y.len() as u32).collect::<Vec<_>>());
        let (loss, found) = mean(&*model, &params, &batch);
        assert!((loss - output["loss"].as_f64().unwrap()).abs() <= 1e-12);
        close(&found, &gradient, 1e-12);
    }
}

/// Every coordinate of the mean gradient against fourth-order central differences, whose errors of h⁴ and of rounding are
/// both near 1e-12.
fn check_slopes(model: &dyn Objective<f64>, mut params: Vec<f64>, batch: &Batch<f64>, name: &str) {
    let (_, gradient) = mean(model, &params, batch);
    let largest = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    for i in 0..params.len() {
        let (x, h) = (params[i], 3e-4);
        let mut at = |d: f64| {
            params[i] = x + d;
            mean(model, &params, batch).0
        };
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        params[i] = x;
        let error = (gradient[i] - slope).abs();
        assert!(
            error <= 1e-6 * slope.abs() + 1e-9 * largest,
            "{name}, {i}: {} {slope}",
            gradient[i]
        );
    }
}

#[test]
fn linear_gradients_equal_finite_differences_in_every_coordinate() {
    let values = rows(3, 20, 21);
    let labelled = |classes: u32| {
        dataset(&values, 21, (0..20).map(|i| i * 5 % classes).collect(), classes as usize)
    };
    let (four, two) = (labelled(4), labelled(2));
    let numbers = real(&values, 21, noise(6, 20));
    for bias in [false, true] {
        for l2 in [0.0, 0.3] {
            let softmax = Softmax { bias, l2, ..Softmax::default() };
            let logistic = Logistic { bias, l2, ..Logistic::default() };
            let squares = LeastSquares { bias, l2, ..LeastSquares::default() };
            let models: [(Box<dyn Objective<f64>>, _, _); 4] = [
                (softmax.build(21, 4).unwrap(), &four, "softmax"),
                (logistic.build(21, 2).unwrap(), &two, "logistic"),
                (squares.build(21, 4).unwrap(), &four, "least squares on labels"),
                (squares.build(21, 1).unwrap(), &numbers, "least squares"),
            ];
            for (model, data, name) in models {
                let params = noise(8, model.dim());
                check_slopes(&*model, params, &all(data), name);
            }
        }
    }
}

/// A label is chosen where the gradient is taken, so the gradient is that of the loss with the chosen labels.
#[test]
fn learning_the_least_likely_class_is_learning_from_labels_chosen_at_the_parameters() {
    let values = rows(3, 20, 21);
    let labelled = |labels| dataset(&values, 21, labels, 4);
    let data = labelled(vec![0; 20]);
    let softmax = Softmax { l2: 0.3, ..Softmax::default() };
    let perceptron = Perceptron { hidden: vec![6], ..Perceptron::default() };
    let models: [Box<dyn Objective<f64>>; 2] =
        [softmax.build(21, 4).unwrap(), perceptron.build(21, 4).unwrap()];
    for model in models {
        let params = noise(8, model.dim());
        let batch = all(&data);
        let mut outputs = vec![0.0; 20 * 4];
        let mut scratch = vec![0.0; model.scratch_len(20)];
        model.predict(&params, &batch, &mut outputs, &mut scratch);
        let least = |z: &[f64]| (0..4).min_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap() as u32;
        let chosen: Vec<u32> = outputs.chunks(4).map(least).collect();
        assert!(chosen.iter().any(|&c| c != chosen[0]), "{chosen:?}");
        let (_, expected) = mean(&*model, &params, &all(&labelled(chosen)));
        let against = model.least_likely().unwrap();
        assert_eq!(mean(&*against, &params, &batch).1, expected);
    }
    let squares = LeastSquares::default().build::<f64>(21, 4).unwrap();
    assert!(squares.least_likely().is_none());
}

#[test]
fn perceptron_gradients_equal_finite_differences_for_every_activation_loss_and_depth() {
    let values = rows(3, 18, 21);
    let classes = dataset(&values, 21, (0..18).map(|i| i * 5 % 4).collect(), 4);
    let numbers = real(&values, 21, noise(6, 18));
    for activation in [Activation::Tanh, Activation::Relu, Activation::Identity] {
        for loss in [Loss::CrossEntropy, Loss::Squared] {
            for (hidden, l2) in
                [(vec![], 0.1), (vec![7], 0.0), (vec![9, 5], 0.2), (vec![3, 18, 6], 0.0)]
            {
                for data in [&classes, &numbers] {
                    let real = data.targets().is_some();
                    if real && loss == Loss::CrossEntropy {
                        continue;
                    }
                    let name = format!("{activation:?} {loss:?} {hidden:?} real: {real}");
                    let mut sizes = vec![21];
                    sizes.extend(&hidden);
                    sizes.push(data.classes());
                    let spec = Perceptron {
                        hidden: hidden.clone(),
                        activation,
                        loss,
                        l2,
                        ..Perceptron::default()
                    };
                    let model = spec.build::<f64>(21, data.classes()).unwrap();
                    // Far enough from ReLU's corners that no difference steps over one.
                    let slow = Slow { sizes, bias: true, activation, loss: SlowLoss::Number };
                    let is_clear = |params: &Vec<f64>| {
                        activation != Activation::Relu
                            || values.chunks(21).all(|x| slow.sample(params, x, 0.0).margin > 2e-3)
                    };
                    let params = (0..10_000)
                        .map(|seed| noise(seed, model.dim()).iter().map(|x| 0.6 * x).collect())
                        .find(is_clear)
                        .unwrap();
                    check_slopes(&*model, params, &all(data), &name);
                }
            }
        }
    }
}

#[test]
fn huge_logits_neither_overflow_nor_give_nan() {
    let data = dataset(&[1.0, 0.0, 0.0, 1.0], 2, vec![0, 2], 3);
    let mut batch = Batch::<f32>::new(&data, 2);
    batch.gather(&data, &[0, 1]);
    let model = Softmax { bias: false, ..Softmax::default() }.build::<f32>(2, 3).unwrap();
    let params = [1e30, -3e38, -2e30, 1e38, 3e29, 1e38];
    let new = records(&*model, &params, &batch);
    assert_eq!(new, [0.0, 0.0, 0.0, 0.0, 0.5, -0.5]);
    let (mut losses, mut predictions) = ([0.0; 2], [9; 2]);
    let mut memory = scratch(&*model, 2);
    model.evaluate(&params, &batch, &mut losses, &mut predictions, &mut memory);
    assert_eq!(losses[0], 0.0);
    assert!((losses[1] - 2f64.ln()).abs() < 1e-12);
    // Equal logits: the lowest class wins.
    assert_eq!(predictions, [0, 1]);

    let model = Perceptron { hidden: vec![3], ..Perceptron::default() }.build::<f32>(2, 3).unwrap();
    let params: Vec<f32> = noise(1, model.dim()).iter().map(|&x| 3e37 * x as f32).collect();
    assert!(records(&*model, &params, &batch).iter().all(|r| r.is_finite()));
    model.evaluate(&params, &batch, &mut losses, &mut predictions, &mut scratch(&*model, 2));
    assert!(losses.iter().all(|l| l.is_finite()));
}

#[test]
fn huge_outputs_neither_overflow_nor_give_nan_in_any_model() {
    let data = dataset(&[1.0, 0.0, 0.0, 1.0], 2, vec![0, 1], 2);
    let batch = all::<f32>(&data);
    let model = Logistic { bias: false, ..Logistic::default() }.build::<f32>(2, 2).unwrap();
    let (mut losses, mut predictions) = ([0.0; 2], [9; 2]);
    let mut memory = scratch(&*model, 2);
    // Both wrong by as much as f32 can say, then both right.
    for (params, residuals, loss, labels) in [
        ([3e38, -3e38], [1.0, -1.0], f64::from(3e38f32), [1, 0]),
        ([-3e38, 3e38], [0.0, 0.0], 0.0, [0, 1]),
        ([0.0, 0.0], [0.5, -0.5], 2f64.ln(), [0, 0]),
    ] {
        assert_eq!(records(&*model, &params, &batch), residuals);
        model.evaluate(&params, &batch, &mut losses, &mut predictions, &mut memory);
        assert_eq!((losses, predictions), ([loss; 2], labels));
    }
    let squares = LeastSquares { bias: false, ..LeastSquares::default() };
    let squares = squares.build::<f32>(2, 2).unwrap();
    assert_eq!(records(&*squares, &[3e38, -3e38], &batch), [3e38, -3e38]);
    let mut memory = scratch(&*squares, 2);
    squares.evaluate(&[3e38, -3e38], &batch, &mut losses, &mut predictions, &mut memory);
    assert!(losses.iter().all(|l| l.is_finite()));
    assert_eq!(predictions, [1, 0]);
    for activation in [Activation::Tanh, Activation::Relu, Activation::Identity] {
        let spec = Perceptron { hidden: vec![3], activation, ..Perceptron::default() };
        let model = spec.build::<f32>(2, 2).unwrap();
        let params: Vec<f32> = noise(1, model.dim()).iter().map(|&x| 1e18 * x as f32).collect();
        assert!(records(&*model, &params, &batch).iter().all(|r| r.is_finite()));
        let mut memory = scratch(&*model, 2);
        model.evaluate(&params, &batch, &mut losses, &mut predictions, &mut memory);
        assert!(losses.iter().all(|l| l.is_finite()), "{activation:?}");
    }
}

#[test]
fn small_residuals_of_logistic_regression_keep_their_digits() {
    let data = dataset(&[1.0], 1, vec![1], 2);
    let batch = all::<f32>(&data);
    let model = Logistic { bias: false, ..Logistic::default() }.build::<f32>(1, 2).unwrap();
    let (mut loss, mut prediction) = ([0.0], [9]);
    model.evaluate(&[40.0], &batch, &mut loss, &mut prediction, &mut scratch(&*model, 1));
    assert!((loss[0] / (-40f64).exp() - 1.0).abs() < 1e-12 && prediction == [1]);
    let r = f64::from(records(&*model, &[40.0], &batch)[0]);
    assert!((r / -(-40f64).exp() - 1.0).abs() < 1e-5, "{r}");
}

#[test]
fn constant_features_and_absent_classes_are_ordinary_data() {
    // Three columns that are always 2, labels of two out of five classes.
    let data = dataset(&[2.0; 60], 3, (0..20).map(|i| i % 2 * 3).collect(), 5);
    let batch = all::<f64>(&data);
    for model in [
        Softmax::default().build::<f64>(3, 5).unwrap(),
        LeastSquares::default().build(3, 5).unwrap(),
        Perceptron { hidden: vec![4], ..Perceptron::default() }.build(3, 5).unwrap(),
    ] {
        let params = noise(4, model.dim());
        let (loss, gradient) = mean(&*model, &params, &batch);
        assert!(loss.is_finite() && gradient.iter().all(|g| g.is_finite()));
        // Columns that are alike have gradients that are alike.
        assert_eq!((gradient[0], gradient[1]), (gradient[1], gradient[2]));
    }
    // A class that nobody has is driven down by its own probability alone.
    let model = Softmax::default().build::<f64>(3, 5).unwrap();
    let residuals = records(&*model, &vec![0.0; model.dim()], &batch);
    assert!(residuals.chunks(5).all(|r| r[1] == 0.2 && r[2] == 0.2 && r[4] == 0.2));
    // Rank one: nothing but λ is left of µ, and L is ‖(2, 2, 2, 1)‖² + λ.
    let spec = LeastSquares { l2: 0.5, ..LeastSquares::default() };
    let constants =
        spec.build::<f64>(3, 5).unwrap().curvature(&data, &(0..20).collect::<Vec<_>>()).unwrap();
    assert!((constants.smooth - 13.5).abs() < 1e-12 && constants.mu == 0.5, "{constants:?}");
    assert_eq!(constants.smooth_sample, 13.5);
}

#[test]
fn divergence_to_nan_is_not_hidden() {
    // One sample, and as many as take the other way through the first layer.
    for n in [1, 20] {
        let values: Vec<f64> = (0..n).flat_map(|_| [1.0, 0.5]).collect();
        let data = dataset(&values, 2, vec![0; n], 2);
        let batch = all::<f32>(&data);
        let mut models = vec![
            Softmax::default().build::<f32>(2, 2).unwrap(),
            Logistic::default().build(2, 2).unwrap(),
            LeastSquares::default().build(2, 2).unwrap(),
        ];
        for activation in [Activation::Tanh, Activation::Relu, Activation::Identity] {
            for loss in [Loss::CrossEntropy, Loss::Squared] {
                let hidden = vec![3, 20];
                let spec = Perceptron { hidden, activation, loss, ..Perceptron::default() };
                models.push(spec.build(2, 2).unwrap());
            }
        }
        for model in models {
            let mut params = vec![0.1; model.dim()];
            params[1] = f32::NAN;
            assert!(records(&*model, &params, &batch).iter().any(|r| r.is_nan()), "{model:?}");
            let (mut losses, mut predictions) = (vec![0.0; n], vec![9; n]);
            let mut memory = scratch(&*model, n);
            model.evaluate(&params, &batch, &mut losses, &mut predictions, &mut memory);
            assert!(losses.iter().all(|l| l.is_nan()) && predictions.iter().all(|&p| p < 2));
        }
    }
}

#[test]
fn small_losses_keep_their_digits() {
    let data = dataset(&[1.0], 1, vec![0], 2);
    let mut batch = Batch::<f32>::new(&data, 1);
    batch.gather(&data, &[0]);
    let model = Softmax { bias: false, ..Softmax::default() }.build::<f32>(1, 2).unwrap();
    let (mut loss, mut prediction) = ([0.0], [9]);
    model.evaluate(&[40.0, 0.0], &batch, &mut loss, &mut prediction, &mut scratch(&*model, 1));
    assert!((loss[0] / (-40f64).exp() - 1.0).abs() < 1e-5, "{}", loss[0]);
}

#[test]
fn an_empty_batch_still_moves_ridge_and_mean_into_the_message() {
    let data = dataset(&[1.0; 17], 17, vec![0], 2);
    for capacity in [0, 3] {
        let mut batch = Batch::<f32>::new(&data, capacity);
        if capacity > 0 {
            batch.gather(&data, &[0, 0, 0]);
        }
        batch.gather(&data, &[]);
        for model in [
            Softmax::default().build::<f32>(17, 2).unwrap(),
            Perceptron { hidden: vec![5], ..Perceptron::default() }.build(17, 2).unwrap(),
        ] {
            let params: Vec<f32> = (0..model.dim()).map(|i| i as f32).collect();
            let (mut message, mut mean) = (vec![f32::NAN; model.dim()], vec![1.0; model.dim()]);
            let fold = fl_core::Fold {
                message: &mut message,
                add: false,
                scale: 1.0,
                ridge: Some((0.5, &params)),
                mean: Some((&mut mean, 0.1)),
            };
            model.records(&params, &batch, &mut [], &mut scratch(&*model, 0));
            model.fold(&batch, &[], Some(&[]), fold, &mut scratch(&*model, 0));
            assert!(message.iter().zip(&params).all(|(m, p)| *m == 0.5 * p + 1.0));
            assert!(mean.iter().all(|&m| m == 1.0));
        }
    }
}

#[test]
fn first_parameters_are_zero_or_uniform_in_one_over_root_fan_in() {
    let streams = Streams::new(1);
    let mut params = vec![9.0f32; 7850];
    Softmax::default()
        .build(784, 10)
        .unwrap()
        .initialise(&mut streams.at(Role::Initialise, 0, 0), &mut params);
    assert!(params.iter().all(|&x| x == 0.0));

    let spec =
        Perceptron { hidden: vec![50, 50], initialise: Initialise::FanIn, ..Perceptron::default() };
    let mut params = vec![9.0f64; 42_310];
    spec.build(784, 10).unwrap().initialise(&mut streams.at(Role::Initialise, 0, 0), &mut params);
    let mut at = 0;
    for (inputs, outputs) in [(784, 50), (50, 50), (50, 10)] {
        let layer = &params[at..at + (inputs + 1) * outputs];
        at += layer.len();
        let bound = 1.0 / (inputs as f64).sqrt();
        let largest = layer.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        assert!(largest <= bound && largest > 0.98 * bound);
        let n = layer.len() as f64;
        let mean = layer.iter().sum::<f64>() / n;
        let square = layer.iter().map(|x| x * x).sum::<f64>() / n;
        assert!(mean.abs() < 5.0 * bound / (3.0 * n).sqrt());
        assert!((square / (bound * bound / 3.0) - 1.0).abs() < 5.0 * (0.8 / n).sqrt());
    }
    // The same numbers in f32, and the same ones for ever: a change changes every published result.
    let mut single = vec![9.0f32; 42_310];
    spec.build(784, 10).unwrap().initialise(&mut streams.at(Role::Initialise, 0, 0), &mut single);
    assert!(single.iter().zip(&params).all(|(s, d)| *s == *d as f32));
    assert_eq!(params[..3], PINNED);
}

const PINNED: [f64; 3] = [-0.005217410866894471, -0.026609057284529947, -0.02694896740148029];

#[test]
fn every_way_to_initialise_has_the_moments_that_its_name_promises() {
    let streams = Streams::new(3);
    let variance = |inputs: f64, outputs: f64, way| match way {
        Initialise::Zeros => 0.0,
        Initialise::FanIn => 1.0 / (3.0 * inputs),
        Initialise::Glorot => 2.0 / (inputs + outputs),
        Initialise::Lecun => 1.0 / inputs,
        Initialise::He => 2.0 / inputs,
        Initialise::Normal { deviation } => deviation * deviation,
        _ => unreachable!(),
    };
    for initialise in [
        Initialise::Zeros,
        Initialise::FanIn,
        Initialise::Glorot,
        Initialise::Lecun,
        Initialise::He,
        Initialise::Normal { deviation: 0.3 },
    ] {
        let spec = Perceptron { hidden: vec![60], initialise, ..Perceptron::default() };
        let model = spec.build::<f64>(200, 50).unwrap();
        let (mut params, mut single) = (vec![9.0; model.dim()], vec![9.0f32; model.dim()]);
        model.initialise(&mut streams.at(Role::Initialise, 0, 0), &mut params);
        let in_single = spec.build::<f32>(200, 50).unwrap();
        in_single.initialise(&mut streams.at(Role::Initialise, 0, 0), &mut single);
        assert!(single.iter().zip(&params).all(|(s, d)| *s == *d as f32));
        let mut at = 0;
        for (inputs, outputs) in [(200, 60), (60, 50)] {
            let (weights, biases) =
                params[at..at + (inputs + 1) * outputs].split_at(inputs * outputs);
            at += (inputs + 1) * outputs;
            let n = weights.len() as f64;
            let expected = variance(inputs as f64, outputs as f64, initialise);
            let mean = weights.iter().sum::<f64>() / n;
            let square = weights.iter().map(|x| x * x).sum::<f64>() / n;
            assert!(mean.abs() <= 5.0 * (expected / n).sqrt(), "{initialise:?}");
            // The fourth moment of a normal number is 3.
            assert!((square - expected).abs() <= 5.0 * expected * (2.0 / n).sqrt());
            if initialise != Initialise::FanIn {
                assert!(biases.iter().all(|&b| b == 0.0));
            }
            if initialise == Initialise::Glorot {
                let bound = (6.0 / (inputs + outputs) as f64).sqrt();
                assert!(weights.iter().all(|w| w.abs() <= bound));
            }
        }
    }
    // Linear models draw the same way, and start from zero unless told otherwise.
    let spec = Logistic { initialise: Initialise::He, ..Logistic::default() };
    let mut params = vec![9.0f64; 31];
    spec.build(30, 2).unwrap().initialise(&mut streams.at(Role::Initialise, 0, 0), &mut params);
    assert!(params[..30].iter().all(|&x| x != 0.0 && x.abs() < 2.0) && params[30] == 0.0);
    for model in [
        Logistic::default().build::<f64>(30, 2).unwrap(),
        LeastSquares::default().build(30, 1).unwrap(),
    ] {
        model.initialise(&mut streams.at(Role::Initialise, 0, 0), &mut params);
        assert!(params.iter().all(|&x| x == 0.0));
    }
}

#[test]
fn impossible_specs_are_refused_with_their_numbers() {
    let text = |r: Result<Box<dyn Objective<f32>>, SpecError>| r.unwrap_err().to_string();
    let softmax = |l2| Softmax { l2, ..Softmax::default() };
    assert_eq!(text(softmax(0.0).build(0, 10)), "columns must be at least 1, got 0");
    assert!(text(softmax(0.0).build(5, 1)).starts_with("classes must be at least 2"));
    for l2 in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
        assert!(text(softmax(l2).build(5, 2)).starts_with("l2 must be a finite number"));
        let logistic = Logistic { l2, ..Logistic::default() };
        assert!(text(logistic.build(5, 2)).starts_with("l2 must be a finite number"));
        let squares = LeastSquares { l2, ..LeastSquares::default() };
        assert!(text(squares.build(5, 2)).starts_with("l2 must be a finite number"));
    }
    let error = text(Logistic::default().build(5, 3));
    assert_eq!(
        error,
        "classes must be 2 for logistic regression (softmax regression takes more), got 3"
    );
    assert_eq!(text(LeastSquares::default().build(5, 0)), "classes must be at least 1, got 0");
    let hidden = |hidden: &[usize]| Perceptron { hidden: hidden.to_vec(), ..Perceptron::default() };
    assert_eq!(text(hidden(&[5, 0]).build(5, 2)), "hidden[1] must be at least 1, got 0");
    assert_eq!(text(hidden(&[5]).build(0, 2)), "columns must be at least 1, got 0");
    assert!(text(hidden(&[5]).build(5, 1)).starts_with("classes must be at least 2"));
    let squared = Perceptron { loss: Loss::Squared, ..hidden(&[5]) };
    assert_eq!(text(squared.build(5, 0)), "classes must be at least 1, got 0");
    assert!(squared.build::<f32>(5, 1).is_ok());
    for deviation in [-1.0, f64::NAN, f64::INFINITY] {
        let initialise = Initialise::Normal { deviation };
        let error = text(Softmax { initialise, ..Softmax::default() }.build(5, 2));
        assert!(error.starts_with("initialise.normal.deviation must be"), "{error}");
        let error = text(Perceptron { initialise, ..Perceptron::default() }.build(5, 2));
        assert!(error.starts_with("initialise.normal.deviation must be"), "{error}");
    }
}

#[test]
fn a_model_too_large_for_memory_is_refused_with_its_bytes() {
    let text = |r: Result<Box<dyn Objective<f32>>, SpecError>| r.unwrap_err().to_string();
    let wide = Perceptron { hidden: vec![1 << 40], ..Perceptron::default() };
    assert_eq!(
        text(wide.build(784, 10)),
        "the model must be small enough for the memory of this machine, got \
         784-1099511627776-10, whose 874111744081930 parameters in f32 take 3.5 PB"
    );
    let error = wide.build::<f64>(784, 10).unwrap_err().to_string();
    assert!(error.ends_with("in f64 take 7.0 PB"), "{error}");
    for error in [
        text(Softmax::default().build(usize::MAX / 2, 10)),
        text(LeastSquares::default().build(usize::MAX, 1)),
        text(Perceptron { hidden: vec![usize::MAX; 3], ..wide.clone() }.build(5, 2)),
        text(Perceptron { hidden: vec![1 << 40, 1 << 40], ..wide }.build(5, 2)),
    ] {
        assert!(error.contains("memory of this machine") && error.ends_with(" PB"), "{error}");
    }
}

#[test]
fn data_that_a_model_cannot_read_are_refused_with_their_numbers() {
    let data = dataset(&[1.0, 2.0, 1e200, 4.0], 2, vec![0, 2], 3);
    let targets = real(&[1.0, 2.0, 3.0, 4.0], 2, vec![0.5, -1.0]);
    let text = |model: &dyn Objective<f64>, data| model.check(data).unwrap_err().to_string();
    let softmax = |columns, classes| Softmax::default().build::<f64>(columns, classes).unwrap();
    assert!(softmax(2, 3).check(&data).is_ok());
    assert_eq!(
        text(&*softmax(5, 3), &data),
        "columns of the data must be 5, which the model was built for, got 2"
    );
    assert_eq!(
        text(&*softmax(2, 2), &data),
        "classes of the data must be at most 2, which the model was built for, got 3"
    );
    assert_eq!(
        text(&*Logistic::default().build(2, 2).unwrap(), &data),
        "classes of the data must be at most 2, which the model was built for, got 3"
    );
    assert_eq!(
        text(&*softmax(2, 3), &targets),
        "the data must be labelled by classes, which this model's loss needs, got real targets"
    );
    let perceptron = Perceptron { loss: Loss::Squared, ..Perceptron::default() };
    assert!(perceptron.build::<f64>(2, 1).unwrap().check(&targets).is_ok());
    assert!(LeastSquares::default().build::<f64>(2, 1).unwrap().check(&targets).is_ok());
    assert!(LeastSquares::default().build::<f64>(2, 3).unwrap().check(&data).is_ok());
    // 1e200 is a number, but not in f32.
    let error = ModelSpec::<f32>::build_for(&Softmax::default(), &data).unwrap_err().to_string();
    assert!(error.starts_with("features and targets must be finite in f32, got 1000"), "{error}");
    assert!(ModelSpec::<f64>::build_for(&Softmax::default(), &data).is_ok());
    let specs: [(Box<dyn ModelSpec<f64>>, _); 4] = [
        (Box::new(Softmax::default()), "softmax"),
        (Box::new(Logistic::default()), "logistic"),
        (Box::new(LeastSquares::default()), "least-squares"),
        (Box::new(Perceptron::default()), "perceptron"),
    ];
    for (spec, name) in specs {
        assert_eq!(spec.name(), name);
        assert!(spec.build(7, 2).unwrap().dim() >= 8);
    }
}

#[test]
fn calls_with_the_wrong_lengths_or_labels_say_what_is_wrong() {
    let data = dataset(&[1.0, 2.0, 3.0, 4.0], 2, vec![0, 2], 3);
    let batch = all::<f64>(&data);
    let message = |columns, classes, params: usize, records: usize| {
        let call = || {
            let model = Softmax::default().build::<f64>(columns, classes).unwrap();
            let mut records = vec![0.0; records];
            model.records(&vec![0.0; params], &batch, &mut records, &mut [0.0; 999]);
        };
        let panic = std::panic::catch_unwind(call).unwrap_err();
        panic.downcast::<String>().map(|s| *s).unwrap()
    };
    assert!(message(5, 3, 18, 6).contains("different columns"));
    assert_eq!(message(2, 3, 8, 6), "params: expected 9 numbers, found 8");
    assert_eq!(message(2, 3, 9, 5), "records: expected 6 numbers, found 5");
    assert_eq!(message(2, 2, 6, 4), "label 2 in a batch for a model of 2 classes");
}

#[cfg(feature = "serde")]
#[test]
fn specs_read_from_toml_and_refuse_unknown_keys() {
    let softmax: Softmax = toml::from_str("bias = false\nl2 = 0.01").unwrap();
    assert_eq!(softmax, Softmax { bias: false, l2: 0.01, ..Softmax::default() });
    let perceptron: Perceptron =
        toml::from_str("hidden = [30, 20]\ninitialise = \"fan-in\"").unwrap();
    let expected = Perceptron { hidden: vec![30, 20], ..Perceptron::default() };
    assert_eq!(perceptron, expected);
    let error = toml::from_str::<Softmax>("l3 = 0.01").unwrap_err().to_string();
    assert!(error.contains("unknown field `l3`"), "{error}");
    assert!(toml::from_str::<Perceptron>("hiden = [5]").is_err());
    let error = toml::from_str::<Perceptron>("initialise = \"magic\"").unwrap_err().to_string();
    assert!(error.contains("unknown variant `magic`, expected one of `zeros`"), "{error}");
    let text = "hidden = []\nactivation = \"relu\"\nloss = \"squared\"\ninitialise = \"he\"";
    let found: Perceptron = toml::from_str(text).unwrap();
    let expected = Perceptron {
        hidden: vec![],
        activation: Activation::Relu,
        loss: Loss::Squared,
        l2: 0.0,
        initialise: Initialise::He,
    };
    assert_eq!(found, expected);
    assert_eq!(toml::from_str::<Logistic>("").unwrap(), Logistic::default());
    let squares: LeastSquares = toml::from_str("initialise.normal.deviation = 0.5").unwrap();
    assert_eq!(squares.initialise, Initialise::Normal { deviation: 0.5 });
    let squares: LeastSquares = toml::from_str("initialise = \"normal\"").unwrap();
    assert_eq!(squares.initialise, Initialise::Normal { deviation: Initialise::DEVIATION });
    for (text, expected) in [
        ("initialise.he.deviation = 0.5", "`he` is a name without a table"),
        ("initialise.magic = 1", "unknown variant `magic`"),
        ("initialise.normal.std = 1", "unknown field `std`"),
        ("initialise = { normal = {}, zeros = {} }", "found a second: `zeros`"),
        ("initialise = {}", "found none"),
        ("initialise = 3", "one of zeros, fan-in"),
    ] {
        let error = toml::from_str::<LeastSquares>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // What is written is what is read.
    for initialise in [Initialise::Lecun, Initialise::Normal { deviation: 0.25 }] {
        let spec = Softmax { initialise, ..Softmax::default() };
        let text = toml::to_string(&spec).unwrap();
        assert_eq!(toml::from_str::<Softmax>(&text).unwrap(), spec, "{text}");
    }
}
