//! Convolutional networks against a slow, obvious implementation, PyTorch's gradients and what they equal in special cases.

use crate::common::*;
use fl_core::data::{Layout, Values};
use fl_core::{Batch, Dataset, Fold, Objective, Scalar};
use fl_models::{Activation, Convolutional, Loss, PerBlock, Perceptron, Pooling};
use proptest::prelude::*;
use serde_json::Value;

/// A network as nested loops, in f64.
struct Slow<'a> {
    spec: &'a Convolutional,
    /// Kernel, padding, stride, pool of each block.
    blocks: Vec<[usize; 4]>,
    classes: usize,
}

struct Run {
    loss: f64,
    z: Vec<f64>,
    gradient: Vec<f64>,
    /// How far the nearest maximum or corner of ReLU is from being another one.
    margin: f64,
}

/// A picture, `[channel][row][column]`.
type Maps = Vec<Vec<Vec<f64>>>;

fn maps(channels: usize, height: usize, width: usize) -> Maps {
    vec![vec![vec![0.0; width]; height]; channels]
}

/// What a block makes of a picture, and what its way back needs.
struct Layer {
    input: Maps,
    /// Activated, in front of pooling.
    sums: Maps,
    pooled: Maps,
}

impl Slow<'_> {
    fn phi(&self, z: f64) -> (f64, f64) {
        match self.spec.activation {
            Activation::Tanh => (z.tanh(), 1.0 - z.tanh() * z.tanh()),
            Activation::Relu if z > 0.0 => (z, 1.0),
            Activation::Relu => (0.0, 0.0),
            _ => (z, 1.0),
        }
    }

    fn block(&self, input: Maps, w: &[f64], b: &[f64], l: usize, margin: &mut f64) -> Layer {
        let [k, q, s, m] = self.blocks[l];
        let (c, height, width) = (input.len(), input[0].len(), input[0][0].len());
        let side = |n: usize| (n + 2 * q - k) / s + 1;
        let mut sums = maps(b.len(), side(height), side(width));
        for (o, map) in sums.iter_mut().enumerate() {
            for (y, row) in map.iter_mut().enumerate() {
                for (x, z) in row.iter_mut().enumerate() {
                    *z = b[o];
                    for (i, at) in patch(c, k, s, q, y, x, height, width) {
                        *z += w[o * c * k * k + i] * input[at.0][at.1][at.2];
                    }
                    if self.spec.activation == Activation::Relu {
                        *margin = margin.min(z.abs());
                    }
                    *z = self.phi(*z).0;
                }
            }
        }
        let mut pooled = maps(b.len(), side(height) / m, side(width) / m);
        for (o, map) in pooled.iter_mut().enumerate() {
            for (y, row) in map.iter_mut().enumerate() {
                for (x, h) in row.iter_mut().enumerate() {
                    let mut all: Vec<f64> =
                        (0..m * m).map(|i| sums[o][y * m + i / m][x * m + i % m]).collect();
                    all.sort_by(f64::total_cmp);
                    *h = match self.spec.pooling {
                        Pooling::Average => all.iter().sum::<f64>() / (m * m) as f64,
                        _ => all[m * m - 1],
                    };
                    if self.spec.pooling == Pooling::Max && m > 1 && all[m * m - 1] != 0.0 {
                        *margin = margin.min(all[m * m - 1] - all[m * m - 2]);
                    }
                }
            }
        }
        Layer { input, sums, pooled }
    }

    /// δ in front of pooling, of ∂f/∂h behind it.
    fn through_pool(&self, layer: &Layer, back: &Maps, m: usize) -> Maps {
        let mut delta = maps(layer.sums.len(), layer.sums[0].len(), layer.sums[0][0].len());
        for (o, map) in back.iter().enumerate() {
            for (y, row) in map.iter().enumerate() {
                for (x, &back) in row.iter().enumerate() {
                    let place = |i: usize| (y * m + i / m, x * m + i % m);
                    let value = |i: usize| layer.sums[o][place(i).0][place(i).1];
                    let slope = |h: f64| match self.spec.activation {
                        Activation::Tanh => 1.0 - h * h,
                        Activation::Relu if h <= 0.0 => 0.0,
                        _ => 1.0,
                    };
                    let first = (0..m * m)
                        .rev()
                        .fold(0, |best, i| if value(i) >= value(best) { i } else { best });
                    for i in 0..m * m {
                        let share = match self.spec.pooling {
                            Pooling::Average => 1.0 / (m * m) as f64,
                            _ if i == first => 1.0,
                            _ => 0.0,
                        };
                        delta[o][place(i).0][place(i).1] += share * back * slope(value(i));
                    }
                }
            }
        }
        delta
    }

    fn run(&self, params: &[f64], x: &[f64], label: f64) -> Run {
        let [c, height, width] = self.spec.shape[..] else { panic!() };
        let mut input = maps(c, height, width);
        for (i, &x) in x.iter().enumerate() {
            input[i / (height * width)][i / width % height][i % width] = x;
        }
        let (mut at, mut margin, mut layers) = (0, f64::INFINITY, Vec::<Layer>::new());
        for (l, &o) in self.spec.channels.iter().enumerate() {
            let weights = o * input.len() * self.blocks[l][0].pow(2);
            let (w, b) = (&params[at..at + weights], &params[at + weights..][..o]);
            layers.push(self.block(input, w, b, l, &mut margin));
            input = layers[l].pooled.clone();
            at += weights + o;
        }
        let flat: Vec<f64> = input.concat().concat();
        let mut sizes = vec![flat.len()];
        sizes.extend(&self.spec.hidden);
        sizes.push(self.classes);
        let loss = match (self.spec.loss, self.classes) {
            (Loss::CrossEntropy, _) => SlowLoss::CrossEntropy,
            (_, 1) => SlowLoss::Number,
            _ => SlowLoss::OneHot,
        };
        let activation = self.spec.activation;
        let upper = crate::common::Slow { sizes, bias: true, activation, loss };
        let dense = upper.sample(&params[at..], &flat, label);
        if activation == Activation::Relu {
            margin = margin.min(dense.margin);
        }
        let mut gradient = dense.gradient;
        // ∂f/∂flat by the chain through the first dense layer: its weights' gradients are δ hᵀ, its biases' are δ.
        let first = upper.sizes[1];
        let deltas = &gradient[first * flat.len()..][..first];
        let mut back = maps(input.len(), input[0].len(), input[0][0].len());
        let pixels = input[0].len() * input[0][0].len();
        for i in 0..flat.len() {
            back[i / pixels][i % pixels / input[0][0].len()][i % input[0][0].len()] =
                (0..first).map(|o| deltas[o] * params[at + o * flat.len() + i]).sum();
        }
        for (l, layer) in layers.iter().enumerate().rev() {
            let [k, q, s, m] = self.blocks[l];
            let delta = self.through_pool(layer, &back, m);
            let (c, height) = (layer.input.len(), layer.input[0].len());
            let width = layer.input[0][0].len();
            let weights = delta.len() * c * k * k;
            at -= weights + delta.len();
            let mut part = vec![0.0; weights + delta.len()];
            back = maps(c, height, width);
            for (o, map) in delta.iter().enumerate() {
                for (y, row) in map.iter().enumerate() {
                    for (x, &d) in row.iter().enumerate() {
                        part[weights + o] += d;
                        for (i, p) in patch(c, k, s, q, y, x, height, width) {
                            part[o * c * k * k + i] += d * layer.input[p.0][p.1][p.2];
                            back[p.0][p.1][p.2] += d * params[at + o * c * k * k + i];
                        }
                    }
                }
            }
            gradient = [part, gradient].concat();
        }
        Run { loss: dense.loss, z: dense.z, gradient, margin }
    }
}

/// The places in a kernel that meet the picture, and where.
fn patch(
    c: usize,
    k: usize,
    s: usize,
    q: usize,
    y: usize,
    x: usize,
    height: usize,
    width: usize,
) -> Vec<(usize, (usize, usize, usize))> {
    let mut all = Vec::new();
    for i in 0..c * k * k {
        let (y, x) = (s * y + i / k % k, s * x + i % k);
        if y >= q && x >= q && y < height + q && x < width + q {
            all.push((i, (i / (k * k), y - q, x - q)));
        }
    }
    all
}

fn pictures(values: &[f64], spec: &Convolutional, labels: Vec<u32>, classes: usize) -> Dataset {
    let [c, height, width] = spec.shape[..] else { panic!() };
    let layout = Layout::Image { height, width };
    Dataset::new(Values::F64(values), c * height * width, labels, classes, layout).unwrap()
}

fn batch_of<T: Scalar>(data: &Dataset) -> Batch<T> {
    all(data)
}

fn mean<T: Scalar>(model: &dyn Objective<T>, params: &[T], batch: &Batch<T>) -> (f64, Vec<f64>) {
    let b = batch.len();
    let (mut losses, mut predictions) = (vec![0.0; b], vec![0; b]);
    model.evaluate(params, batch, &mut losses, &mut predictions, &mut scratch(model, b));
    let records = records(model, params, batch);
    let sum = folded(model, batch, &records, None);
    (losses.iter().sum::<f64>() / b as f64, sum.iter().map(|g| g / b as f64).collect())
}

fn usizes(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn spec_of(case: &Value) -> Convolutional {
    let spec = &case["spec"];
    let blocks = spec["blocks"].as_array().unwrap();
    let each = |name: &str, default: u64| -> PerBlock {
        let each: Vec<usize> =
            blocks.iter().map(|b| b[name].as_u64().unwrap_or(default) as usize).collect();
        each.into()
    };
    let average = blocks.iter().any(|b| b["pooling"] == "average");
    Convolutional {
        shape: usizes(&spec["shape"]),
        channels: blocks.iter().map(|b| b["channels"].as_u64().unwrap() as usize).collect(),
        kernel: each("kernel", 0),
        padding: each("padding", 0),
        stride: each("stride", 1),
        pool: each("pool", 1),
        pooling: if average { Pooling::Average } else { Pooling::Max },
        hidden: usizes(&spec["hidden"]),
        activation: match &spec["activation"] {
            name if name == "tanh" => Activation::Tanh,
            _ => Activation::Relu,
        },
        ..Convolutional::default()
    }
}

fn golden<T: Scalar>(case: &Value, tolerance: f64) {
    let spec = spec_of(case);
    let classes = case["spec"]["classes"].as_u64().unwrap() as usize;
    let columns: usize = spec.shape.iter().product();
    let labels: Vec<u32> = usizes(&case["labels"]).iter().map(|&l| l as u32).collect();
    let wave = |a: f64, c: f64, n: usize| {
        let n = n as f64;
        (a * n).sin() * ((c * n) * n).cos()
    };
    let values: Vec<f64> =
        (1..=labels.len() * columns).map(|n| 0.5 * wave(0.11, 0.00071, n) + 0.5).collect();
    close(&values[..6], &numbers(&case["first_inputs"]), 1e-13);
    let model = spec.build::<T>(columns, classes).unwrap();
    assert_eq!(model.dim() as u64, case["parameters"].as_u64().unwrap());
    let scale = case["parameter_scale"].as_f64().unwrap();
    let params: Vec<f64> = (1..=model.dim()).map(|n| scale * wave(0.37, 0.0013, n)).collect();
    let params = convert::<T>(&params);
    let data = pictures(&values, &spec, labels.clone(), classes);
    model.check(&data).unwrap();
    let batch = batch_of::<T>(&data);
    let b = batch.len();
    let (mut losses, mut predictions) = (vec![0.0; b], vec![0; b]);
    let mut memory = scratch(&*model, b);
    model.evaluate(&params, &batch, &mut losses, &mut predictions, &mut memory);
    close(&losses, &numbers(&case["losses"]), tolerance);
    let mut logits = vec![T::ZERO; b * classes];
    model.predict(&params, &batch, &mut logits, &mut memory);
    let logits: Vec<f64> = logits.iter().map(|z| z.to_f64()).collect();
    let expected: Vec<f64> = case["logits"].as_array().unwrap().iter().flat_map(numbers).collect();
    close(&logits[..expected.len()], &expected, tolerance);
    let new = records(&*model, &params, &batch);
    let mut squares = vec![0.0; b];
    model.squared_norms(&batch, &new, None, &mut squares, &mut memory);
    close(&squares, &numbers(&case["squared_norms"]), 3.0 * tolerance);
    if let Some(gradients) = case["gradients"].as_array() {
        for (j, expected) in gradients.iter().enumerate() {
            let mut one = Batch::<T>::new(&data, 1);
            one.gather(&data, &[j as u32]);
            let record = &new[j * model.record_len()..][..model.record_len()];
            close(&folded(&*model, &one, record, None), &numbers(expected), tolerance);
        }
    }
    let (_, gradient) = mean(&*model, &params, &batch);
    let squared: f64 = gradient.iter().map(|g| g * g).sum();
    let expected = case["mean_squared_norm"].as_f64().unwrap();
    assert!((squared - expected).abs() <= 3.0 * tolerance * expected, "{squared} {expected}");
    let size: f64 = gradient.iter().map(|g| g.abs()).sum();
    let sum = gradient.iter().sum::<f64>() - case["mean_sum"].as_f64().unwrap();
    assert!(sum.abs() <= tolerance * size, "{sum}");
    let largest = gradient.iter().fold(0f64, |m, g| m.max(g.abs()));
    for (&place, expected) in usizes(&case["places"]).iter().zip(numbers(&case["mean_at_places"])) {
        assert!((gradient[place] - expected).abs() <= tolerance * largest, "at {place}");
    }
}

#[test]
fn golden_convolutional_gradients_come_out_in_both_number_types() {
    let cases: Value = serde_json::from_str(include_str!("golden/convolutional.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        golden::<f64>(case, 1e-11);
        golden::<f32>(case, 1e-5);
    }
}

#[derive(Clone, Debug)]
struct Case {
    spec: Convolutional,
    blocks: Vec<[usize; 4]>,
    classes: usize,
    batch: usize,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let block = (1usize..20, 1usize..6, 0usize..3, 1usize..3, 1usize..4);
    let shape = (1usize..4, 1usize..13, 1usize..13);
    let choices = (0usize..3, any::<bool>(), any::<bool>());
    let hidden = proptest::collection::vec(1usize..20, 0..3);
    let blocks = proptest::collection::vec(block, 1..4);
    (shape, blocks, hidden, choices, 1usize..12, any::<u64>()).prop_map(
        |((c, height, width), all, hidden, (activation, average, squared), batch, seed)| {
            let (mut sides, mut blocks, mut channels) = ((height, width), Vec::new(), Vec::new());
            for (o, k, q, s, m) in all {
                // Sizes that fit: as large as was drawn, and no larger than the picture.
                let k = k.min(sides.0.min(sides.1));
                let q = q.min(k - 1);
                let side = |n: usize| (n + 2 * q - k) / s + 1;
                let m = m.min(side(sides.0).min(side(sides.1)));
                sides = (side(sides.0) / m, side(sides.1) / m);
                blocks.push([k, q, s, m]);
                channels.push(o);
            }
            let each = |i: usize| blocks.iter().map(|b| b[i]).collect::<Vec<_>>().into();
            let spec = Convolutional {
                shape: vec![c, height, width],
                channels,
                kernel: each(0),
                padding: each(1),
                stride: each(2),
                pool: each(3),
                pooling: if average { Pooling::Average } else { Pooling::Max },
                hidden,
                activation: [Activation::Relu, Activation::Tanh, Activation::Identity][activation],
                loss: if squared { Loss::Squared } else { Loss::CrossEntropy },
                ..Convolutional::default()
            };
            Case { spec, blocks, classes: 3, batch, seed }
        },
    )
}

impl Case {
    fn check<T: Scalar>(&self, tolerance: f64) {
        let columns: usize = self.spec.shape.iter().product();
        let model = self.spec.build::<T>(columns, self.classes).unwrap();
        let slow = Slow { spec: &self.spec, blocks: self.blocks.clone(), classes: self.classes };
        let values = rows(self.seed, self.batch, columns);
        let labels: Vec<u32> = (0..self.batch as u32).map(|i| i * 7 % 3).collect();
        let data = pictures(&values, &self.spec, labels.clone(), self.classes);
        let batch = batch_of::<T>(&data);
        let params = |seed| -> Vec<f64> {
            noise(seed, model.dim()).into_iter().map(|v| f64::from((0.4 * v) as f32)).collect()
        };
        let (now, before) = (params(self.seed ^ 1), params(self.seed ^ 2));
        let runs = |params: &[f64]| -> Vec<Run> {
            let one = |(x, &label): (&[f64], &u32)| slow.run(params, x, f64::from(label));
            values.chunks(columns).zip(&labels).map(one).collect()
        };
        let (slow_new, slow_old) = (runs(&now), runs(&before));
        // At a corner of ReLU, or where two are largest, two roundings of one number have different derivatives.
        if slow_new.iter().chain(&slow_old).any(|run| run.margin < 1e2 * T::EPSILON) {
            return;
        }
        let (now, before) = (convert::<T>(&now), convert::<T>(&before));
        let (new, old) = (records(&*model, &now, &batch), records(&*model, &before, &batch));
        let b = self.batch;
        let (mut losses, mut predictions) = (vec![f64::NAN; b], vec![9; b]);
        let mut memory = scratch(&*model, b);
        model.evaluate(&now, &batch, &mut losses, &mut predictions, &mut memory);
        let mut outputs = vec![T::from_f64(f64::NAN); b * self.classes];
        model.predict(&now, &batch, &mut outputs, &mut memory);
        let found: Vec<f64> = outputs.iter().map(|z| z.to_f64()).collect();
        close(&found, &slow_new.iter().flat_map(|r| r.z.clone()).collect::<Vec<_>>(), tolerance);
        let expected: Vec<f64> = slow_new.iter().map(|r| r.loss).collect();
        assert!(losses.iter().zip(&expected).all(|(l, e)| (l - e).abs() <= tolerance * (1.0 + e)));

        let sum = |with_old: bool| -> Vec<f64> {
            let minus = if with_old { 1.0 } else { 0.0 };
            (0..model.dim())
                .map(|i| {
                    let one = |(n, o): (&Run, &Run)| n.gradient[i] - minus * o.gradient[i];
                    slow_new.iter().zip(&slow_old).map(one).sum()
                })
                .collect()
        };
        let size = slow_new.iter().chain(&slow_old).flat_map(|r| &r.gradient);
        let size = size.fold(1e-300f64, |m, g| m.max(g.abs()));
        for with_old in [false, true] {
            let old = with_old.then_some(&old[..]);
            let found = folded(&*model, &batch, &new, old);
            for (i, (f, e)) in found.iter().zip(sum(with_old)).enumerate() {
                let error = (f - e).abs() / (b as f64 * size);
                assert!(error <= 10.0 * tolerance, "{i}: {f}, expected {e}");
            }
            let mut squares = vec![f64::NAN; b];
            model.squared_norms(&batch, &new, old, &mut squares, &mut memory);
            for (j, square) in squares.iter().enumerate() {
                let minus = if with_old { 1.0 } else { 0.0 };
                let pairs = || slow_new[j].gradient.iter().zip(&slow_old[j].gradient);
                let expected: f64 = pairs().map(|(g, o)| (g - minus * o).powi(2)).sum();
                let size: f64 = pairs().map(|(g, o)| g * g + minus * o * o).sum();
                assert!((square - expected).abs() <= 1e2 * tolerance * size.max(1e-6), "{square}");
            }
        }
        // A record is linear in its sample's gradient.
        let mut scaled = new.clone();
        let c = noise(self.seed ^ 5, b);
        model.scale_records(&convert::<T>(&c), &mut scaled);
        let found = folded(&*model, &batch, &scaled, None);
        for (i, f) in found.iter().enumerate() {
            let expected: f64 = slow_new.iter().zip(&c).map(|(r, c)| c * r.gradient[i]).sum();
            assert!((f - expected).abs() <= 10.0 * tolerance * b as f64 * size, "{i}: {f}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_convolutional_network_is_what_nested_loops_say(case in cases()) {
        case.check::<f64>(1e-11);
        case.check::<f32>(2e-5);
    }
}

#[test]
fn convolutional_gradients_equal_finite_differences_for_every_layer_and_combination() {
    for activation in [Activation::Relu, Activation::Tanh, Activation::Identity] {
        for pooling in [Pooling::Max, Pooling::Average] {
            for loss in [Loss::CrossEntropy, Loss::Squared] {
                for (pool, stride, padding, hidden) in
                    [([2, 1], [1, 2], [1, 0], vec![5]), ([1, 2], [2, 1], [0, 2], vec![])]
                {
                    let spec = Convolutional {
                        shape: vec![2, 9, 8],
                        channels: vec![3, 4],
                        kernel: 3.into(),
                        padding: padding.to_vec().into(),
                        stride: stride.to_vec().into(),
                        pool: pool.to_vec().into(),
                        pooling,
                        hidden,
                        activation,
                        loss,
                        ..Convolutional::default()
                    };
                    let blocks = (0..2).map(|l| [3, padding[l], stride[l], pool[l]]).collect();
                    let slow = Slow { spec: &spec, blocks, classes: 3 };
                    let values = noise(5, 4 * 144);
                    let data = pictures(&values, &spec, vec![0, 1, 2, 1], 3);
                    let model = spec.build::<f64>(144, 3).unwrap();
                    // No difference may step over a corner or change a maximum.
                    let mut params: Vec<f64> = (0..4000)
                        .map(|s| noise(s, model.dim()).iter().map(|x| 0.6 * x).collect())
                        .find(|p: &Vec<f64>| {
                            values.chunks(144).all(|x| slow.run(p, x, 0.0).margin > 4e-4)
                        })
                        .expect("parameters that are clear of corners");
                    check_slopes(&*model, &mut params, &all(&data), &format!("{spec:?}"));
                }
            }
        }
    }
}

/// Every coordinate of the mean gradient against fourth-order central differences.
fn check_slopes(model: &dyn Objective<f64>, params: &mut [f64], batch: &Batch<f64>, name: &str) {
    let (_, gradient) = mean(model, params, batch);
    let largest = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
    for i in 0..params.len() {
        let (x, h) = (params[i], 5e-5);
        let mut at = |d: f64| {
            params[i] = x + d;
            let b = batch.len();
            let (mut losses, mut labels) = (vec![0.0; b], vec![0; b]);
            model.evaluate(params, batch, &mut losses, &mut labels, &mut scratch(model, b));
            losses.iter().sum::<f64>() / b as f64
        };
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        params[i] = x;
        let error = (gradient[i] - slope).abs();
        assert!(error <= 1e-6 * slope.abs() + 1e-8 * largest, "{name}, {i}: {slope}");
    }
}

/// Two models, parameters of the second from those of the first, the same messages up to that.
fn same(
    a: (&dyn Objective<f64>, &[f64]),
    b: (&dyn Objective<f64>, &[f64]),
    data: &Dataset,
    to_b: impl Fn(&[f64]) -> Vec<f64>,
) {
    let batch = all::<f64>(data);
    let (loss_a, gradient_a) = mean(a.0, a.1, &batch);
    let (loss_b, gradient_b) = mean(b.0, b.1, &batch);
    assert!((loss_a - loss_b).abs() < 1e-12);
    close(&to_b(&gradient_a), &gradient_b, 1e-12);
}

#[test]
fn a_kernel_as_large_as_the_picture_is_a_perceptron() {
    let spec = Convolutional {
        shape: vec![2, 8, 8],
        channels: vec![7],
        kernel: 8.into(),
        pool: 1.into(),
        hidden: vec![5],
        ..Convolutional::default()
    };
    let data = pictures(&rows(4, 9, 128), &spec, (0..9).map(|i| i % 3).collect(), 3);
    let a = spec.build::<f64>(128, 3).unwrap();
    let hidden = vec![7, 5];
    let dense = Perceptron { hidden, activation: Activation::Relu, ..Perceptron::default() };
    let b = dense.build::<f64>(128, 3).unwrap();
    let params = noise(1, a.dim());
    // A perceptron's first weights follow the order of the data's tiles.
    let to_b = |x: &[f64]| -> Vec<f64> {
        let (w, rest) = x.split_at(7 * 128);
        let row = |w: &[f64]| data.order().iter().map(|&i| w[i as usize]).collect::<Vec<_>>();
        w.chunks(128).flat_map(row).chain(rest.iter().copied()).collect()
    };
    same((&*a, &params), (&*b, &to_b(&params)), &data, to_b);
}

#[test]
fn a_kernel_of_one_pixel_is_a_dense_layer_at_every_pixel() {
    // One pixel: the same parameters mean the same.
    let one = Convolutional {
        shape: vec![19, 1, 1],
        channels: vec![6, 4],
        kernel: 1.into(),
        pool: 1.into(),
        hidden: vec![],
        activation: Activation::Tanh,
        ..Convolutional::default()
    };
    let data = pictures(&rows(4, 9, 19), &one, (0..9).map(|i| i % 3).collect(), 3);
    let a = one.build::<f64>(19, 3).unwrap();
    let b = Perceptron { hidden: vec![6, 4], ..Perceptron::default() }.build(19, 3).unwrap();
    let params = noise(1, a.dim());
    same((&*a, &params), (&*b, &params), &data, <[f64]>::to_vec);

    // Many pixels: every pixel of h is the dense layer of that pixel.
    let many = Convolutional { shape: vec![3, 4, 5], channels: vec![6], ..one };
    let values = noise(7, 60);
    let data = pictures(&values, &many, vec![0], 3);
    let model = many.build::<f64>(60, 3).unwrap();
    let params = noise(2, model.dim());
    let record = records(&*model, &params, &all::<f64>(&data));
    let hidden = &record[6 * 20 + 3..][..6 * 20];
    for o in 0..6 {
        for pixel in 0..20 {
            let z: f64 = (0..3).map(|c| params[o * 3 + c] * values[c * 20 + pixel]).sum();
            assert!((hidden[o * 20 + pixel] - (z + params[18 + o]).tanh()).abs() < 1e-14);
        }
    }
}

#[test]
fn a_shifted_picture_gives_shifted_outputs() {
    let spec = Convolutional {
        shape: vec![2, 12, 12],
        channels: vec![5, 4],
        kernel: 3.into(),
        padding: 1.into(),
        pool: vec![2, 1].into(),
        ..Convolutional::default()
    };
    // Something in the middle, nothing at the border; a step of the pool is a step of the output.
    let mut here = vec![0.0; 288];
    let mut there = here.clone();
    for (i, &x) in noise(9, 32).iter().enumerate() {
        let (c, y, x0) = (i / 16, 4 + i / 4 % 4, 4 + i % 4);
        here[(c * 12 + y) * 12 + x0] = x;
        there[(c * 12 + y + 2) * 12 + x0 - 2] = x;
    }
    let data = pictures(&[here, there].concat(), &spec, vec![0, 0], 3);
    let model = spec.build::<f64>(288, 3).unwrap();
    let params = noise(2, model.dim());
    let all = records(&*model, &params, &all::<f64>(&data));
    // h of the last block, behind all δ and the first block's h.
    let at = 5 * 36 + 4 * 36 + 500 + 3 + 5 * 36;
    let len = model.record_len();
    let (here, there) = (&all[at..at + 144], &all[len + at..len + at + 144]);
    let mut seen = 0;
    for o in 0..4 {
        for (y, x) in (1..4).flat_map(|y| (2..5).map(move |x| (y, x))) {
            assert_eq!(here[(o * 6 + y) * 6 + x], there[(o * 6 + y + 1) * 6 + x - 1]);
            seen += usize::from(here[(o * 6 + y) * 6 + x] != 0.0);
        }
    }
    assert!(seen > 5, "{seen}");
}

#[test]
fn sizes_that_do_not_fit_are_refused_with_sizes() {
    let refused = |spec: Convolutional| spec.build::<f32>(784, 10).unwrap_err().to_string();
    let base = Convolutional::default;
    for (spec, parts) in [
        (Convolutional { shape: vec![28, 28], ..base() }, &["shape", "three numbers"][..]),
        (Convolutional { shape: vec![3, 32, 32], ..base() }, &["784", "3×32×32", "3072"]),
        (Convolutional { kernel: vec![5, 13].into(), ..base() }, &["kernel[1]", "12×12", "13"]),
        (Convolutional { kernel: vec![5, 5, 5].into(), ..base() }, &["kernel", "2", "3 numbers"]),
        (Convolutional { pool: vec![2, 9].into(), ..base() }, &["pool[1]", "8×8", "9"]),
        (Convolutional { padding: 5.into(), ..base() }, &["padding[0]", "kernel", "5"]),
        (Convolutional { stride: 3.into(), ..base() }, &["stride[0]", "1 or 2", "3"]),
        (Convolutional { channels: vec![], ..base() }, &["channels", "at least one"]),
        (Convolutional { channels: vec![20, 0], ..base() }, &["channels[1]", "0"]),
        (Convolutional { hidden: vec![0], ..base() }, &["hidden[0]", "0"]),
        (Convolutional { hidden: vec![1 << 50], ..base() }, &["memory", "parameters"]),
    ] {
        let error = refused(spec);
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let model = base().build::<f32>(784, 10).unwrap();
    let flat = dataset(&vec![0.0; 784], 784, vec![0], 10);
    let error = model.check(&flat).unwrap_err().to_string();
    assert!(error.contains("1×28×28") && error.contains("not known to be pictures"), "{error}");
    let wide = Convolutional { shape: vec![4, 14, 14], ..base() };
    let error = model.check(&pictures(&vec![0.0; 784], &wide, vec![0], 10)).unwrap_err();
    assert!(error.to_string().contains("4×14×14"), "{error}");
}

#[test]
fn nan_in_a_picture_is_not_hidden_by_a_maximum() {
    let model = Convolutional::default().build::<f32>(784, 10).unwrap();
    let data = pictures(&rows(3, 2, 784), &Convolutional::default(), vec![0, 1], 10);
    let batch = all::<f32>(&data);
    let mut params: Vec<f32> = convert(&noise(3, model.dim()));
    params[7] = f32::NAN;
    let (mut losses, mut predictions) = (vec![0.0; 2], vec![0; 2]);
    let mut memory = scratch(&*model, 2);
    model.evaluate(&params, &batch, &mut losses, &mut predictions, &mut memory);
    assert!(losses[0].is_nan(), "{losses:?}");
}

#[test]
fn a_convolutional_network_allocates_nothing_after_building() {
    let spec = Convolutional { hidden: vec![30], ..Convolutional::default() };
    let data = pictures(&rows(3, 20, 784), &spec, (0..20).map(|i| i % 10).collect(), 10);
    let model = spec.build::<f32>(784, 10).unwrap();
    let batch = all::<f32>(&data);
    let params: Vec<f32> = convert(&noise(3, model.dim()));
    let mut new = records(&*model, &params, &batch);
    let (mut message, mut norms) = (params.clone(), vec![0.0; 20]);
    let mut predictions = vec![0; 20];
    let mut memory = scratch(&*model, 20);
    let counted = allocation_counter::measure(|| {
        model.records(&params, &batch, &mut new, &mut memory);
        model.squared_norms(&batch, &new, Some(&new), &mut norms, &mut memory);
        model.evaluate(&params, &batch, &mut norms, &mut predictions, &mut memory);
        let message = &mut message;
        let fold =
            Fold { message, add: false, scale: 0.1, ridge: Some((0.1, &params)), mean: None };
        model.fold(&batch, &new, Some(&new), fold, &mut memory);
    });
    assert_eq!(counted.count_total, 0);
    assert!(message.iter().all(|m| m.is_finite()));
}
