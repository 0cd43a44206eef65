//! SAGA is what (8)–(10) say: unbiased by enumeration, equal to a dense table, equal to an independent trace.

use crate::problem::small::{data, distance, gradient, mean, norm, wander};
use fl_core::data::{Layout, Values};
use fl_core::{
    Cx, Dataset, Estimator, EstimatorSpec, Local, Objective, Role, Streams, Workspace, streams,
};
use fl_models::{Perceptron, Softmax};
use fl_saga::{Saga, Sgd};

const STREAMS_SEED: u64 = 11;

fn local<'a>(
    objective: &'a dyn Objective<f64>,
    data: &'a Dataset,
    samples: &'a [u32],
) -> Local<'a, f64> {
    Local { worker: 3, workers: 5, objective, data, samples }
}

/// The batch that worker 3 draws in a round.
fn batch_of(round: u64, j: u32, b: usize) -> Vec<u32> {
    let mut places = vec![0; b];
    let root = Streams::new(STREAMS_SEED);
    streams::distinct(&mut root.at(Role::Batch, 3, round), j, &mut places);
    places
}

/// A round from `from` on in which exactly these places are drawn.
fn round_with(wanted: &[u32], from: u64, j: u32) -> u64 {
    let sorted = |mut v: Vec<u32>| {
        v.sort_unstable();
        v
    };
    let wanted = sorted(wanted.to_vec());
    (from..from + 100_000).find(|&r| sorted(batch_of(r, j, wanted.len())) == wanted).unwrap()
}

fn subsets(j: u32, b: usize) -> Vec<Vec<u32>> {
    (0u32..1 << j)
        .filter(|m| m.count_ones() as usize == b)
        .map(|m| (0..j).filter(|i| m >> i & 1 == 1).collect())
        .collect()
}

fn models(columns: usize) -> Vec<Box<dyn Objective<f64>>> {
    vec![
        Softmax { l2: 0.02, ..Softmax::default() }.build(columns, 3).unwrap(),
        Softmax { bias: false, ..Softmax::default() }.build(columns, 3).unwrap(),
        Perceptron { hidden: vec![4, 3], l2: 0.01, ..Perceptron::default() }
            .build(columns, 3)
            .unwrap(),
    ]
}

#[test]
fn the_mean_over_all_batches_is_the_local_gradient_and_their_variance_is_what_is_reported() {
    let set = data(9, 19, 3, |i| i * 7 + i / 3);
    let samples: Vec<u32> = vec![8, 1, 3, 4, 6, 7];
    let j = samples.len() as u32;
    let root = Streams::new(STREAMS_SEED);
    for objective in models(19) {
        let local = local(&*objective, &set, &samples);
        let path = wander(&*objective, 12);
        let (x0, x) = (&path[0], &path[11]);
        let truth =
            mean(&samples.iter().map(|&r| gradient(&*objective, &set, r, x)).collect::<Vec<_>>());
        for b in [1, 2, 4, 6] {
            for saga in [false, true] {
                let spec: Box<dyn EstimatorSpec<f64>> =
                    if saga { Box::new(Saga::new(b)) } else { Box::new(Sgd::new(b)) };
                let mut work = Workspace::new(&*objective, &set, b);
                let mut messages = Vec::new();
                let mut reported = 0.0;
                for subset in subsets(j, b) {
                    // The same past for every batch, then that batch.
                    let mut estimator = spec.build(&local).unwrap();
                    estimator.start(&local, x0, &mut work);
                    let mut out = vec![0.0; objective.dim()];
                    for (round, params) in path[..11].iter().enumerate() {
                        let cx = Cx::new(&root, round as u64);
                        estimator.message(&cx, &local, params, &mut out, &mut work);
                    }
                    reported = estimator.variation(&local, x, &mut work);
                    let cx = Cx::new(&root, round_with(&subset, 11, j));
                    estimator.message(&cx, &local, x, &mut out, &mut work);
                    messages.push(out);
                }
                let gap = distance(&mean(&messages), &truth);
                assert!(gap < 1e-13 * (1.0 + norm(&truth)), "b = {b}, saga = {saga}: {gap:e}");
                let variance = messages.iter().map(|m| distance(m, &truth).powi(2)).sum::<f64>()
                    / messages.len() as f64;
                assert!(
                    (variance - reported).abs() < 1e-12 * (1.0 + variance),
                    "{variance} {reported}"
                );
            }
        }
    }
}

#[test]
fn saga_on_records_is_saga_on_a_dense_table() {
    let set = data(40, 33, 3, |i| i * 7 + i / 3);
    let samples: Vec<u32> = (0..40).filter(|i| i % 3 != 1).collect();
    let j = samples.len();
    let root = Streams::new(STREAMS_SEED);
    for objective in models(33) {
        let local = local(&*objective, &set, &samples);
        for b in [1, 5] {
            let path = wander(&*objective, 1000);
            let l2 = objective.l2();
            // Table and mean hold gradients without the ℓ₂ term, as records do.
            let without = |row: u32, x: &[f64]| -> Vec<f64> {
                let full = gradient(&*objective, &set, row, x);
                full.iter().zip(x).map(|(g, x)| g - l2 * x).collect()
            };
            let mut table: Vec<Vec<f64>> = samples.iter().map(|&r| without(r, &path[0])).collect();
            let mut estimator =
                (Box::new(Saga::new(b)) as Box<dyn EstimatorSpec<f64>>).build(&local).unwrap();
            let mut work = Workspace::new(&*objective, &set, b);
            estimator.start(&local, &path[0], &mut work);
            let mut out = vec![0.0; objective.dim()];
            let mut worst = 0.0f64;
            for (round, x) in path.iter().enumerate() {
                estimator.message(&Cx::new(&root, round as u64), &local, x, &mut out, &mut work);
                let mut dense = mean(&table);
                for (d, x) in dense.iter_mut().zip(x) {
                    *d += l2 * x;
                }
                for place in batch_of(round as u64, j as u32, b) {
                    let new = without(samples[place as usize], x);
                    for ((d, n), o) in dense.iter_mut().zip(&new).zip(&table[place as usize]) {
                        *d += (n - o) / b as f64;
                    }
                    table[place as usize] = new;
                }
                worst = worst.max(distance(&out, &dense) / norm(&dense));
            }
            assert!(worst < 1e-10, "{worst:e}");
        }
    }
}

#[test]
fn an_independent_trace_is_followed() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/saga_trace.json")).unwrap();
    let numbers = |v: &serde_json::Value| -> Vec<f64> {
        fn collect(v: &serde_json::Value, out: &mut Vec<f64>) {
            match v {
                serde_json::Value::Array(a) => a.iter().for_each(|v| collect(v, out)),
                v => out.push(v.as_f64().unwrap()),
            }
        }
        let mut out = Vec::new();
        collect(v, &mut out);
        out
    };
    let root = Streams::new(STREAMS_SEED);
    let cases = golden.as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let x = case["input"]["x"].as_array().unwrap();
        let columns = x[0].as_array().unwrap().len();
        let labels: Vec<u32> = numbers(&case["input"]["y"]).iter().map(|&y| y as u32).collect();
        let classes = case["input"]["theta0"].as_array().unwrap().len();
        let values = numbers(&case["input"]["x"]);
        let set =
            Dataset::new(Values::F64(&values), columns, labels, classes, Layout::Flat).unwrap();
        let objective: Box<dyn Objective<f64>> =
            Softmax { bias: false, ..Softmax::default() }.build(columns, classes).unwrap();
        let samples: Vec<u32> = (0..x.len() as u32).collect();
        let local = local(&*objective, &set, &samples);
        let b = case["params"]["batch"].as_u64().unwrap() as usize;
        let gamma = case["params"]["gamma"].as_f64().unwrap();
        let mut params = numbers(&case["input"]["theta0"]);
        let spec: Box<dyn EstimatorSpec<f64>> = Box::new(Saga::new(b));
        let mut estimator: Box<dyn Estimator<f64>> = spec.build(&local).unwrap();
        let mut work = Workspace::new(&*objective, &set, b);
        estimator.start(&local, &params, &mut work);
        let mut out = vec![0.0; params.len()];
        let mut round = 0;
        for step in case["output"]["trace"].as_array().unwrap() {
            let wanted: Vec<u32> = numbers(&step["indices"]).iter().map(|&i| i as u32).collect();
            round = round_with(&wanted, round + 1, samples.len() as u32);
            estimator.message(&Cx::new(&root, round), &local, &params, &mut out, &mut work);
            let v = numbers(&step["v"]);
            assert!(distance(&out, &v) < 1e-13, "{out:?} {v:?}");
            for (p, v) in params.iter_mut().zip(&out) {
                *p -= gamma * v;
            }
        }
        assert!(distance(&params, &numbers(&case["output"]["theta"])) < 1e-12);
    }
}

#[test]
fn drawing_ahead_changes_nothing() {
    let set = data(30, 20, 3, |i| i * 7 + i / 3);
    let samples: Vec<u32> = (0..30).collect();
    let objective: Box<dyn Objective<f64>> =
        Softmax { l2: 0.01, ..Softmax::default() }.build(20, 3).unwrap();
    let local = local(&*objective, &set, &samples);
    let path = wander(&*objective, 20);
    let root = Streams::new(STREAMS_SEED);
    let run = |ahead: bool| {
        let spec: Box<dyn EstimatorSpec<f64>> = Box::new(Saga::new(4));
        let mut estimator = spec.build(&local).unwrap();
        let mut work = Workspace::new(&*objective, &set, 4);
        estimator.start(&local, &path[0], &mut work);
        let mut out = vec![0.0; objective.dim()];
        for (round, x) in path.iter().enumerate() {
            let cx = Cx::new(&root, round as u64);
            if ahead {
                estimator.look_ahead(&cx, &local, &mut work);
            }
            estimator.message(&cx, &local, x, &mut out, &mut work);
        }
        out
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn after_a_hundred_thousand_draws_in_single_precision_the_mean_has_not_drifted() {
    let rows = 50;
    let values: Vec<f32> = (0..rows * 4).map(|i| (i * i % 97) as f32 / 97.0).collect();
    let labels = (0..rows as u32).map(|i| i % 2).collect();
    let set = Dataset::new(Values::F32(&values), 4, labels, 2, Layout::Flat).unwrap();
    let objective: Box<dyn Objective<f32>> = Softmax::default().build(4, 2).unwrap();
    let samples: Vec<u32> = (0..rows as u32).collect();
    let local =
        Local { worker: 0, workers: 1, objective: &*objective, data: &set, samples: &samples };
    let spec: Box<dyn EstimatorSpec<f32>> = Box::new(Saga::new(2));
    let mut estimator = spec.build(&local).unwrap();
    let mut work = Workspace::new(&*objective, &set, 2);
    let mut params = vec![0.0f32; 10];
    estimator.start(&local, &params, &mut work);
    let root = Streams::new(1);
    let mut out = vec![0.0f32; 10];
    for round in 0..50_000u64 {
        // The last 600 rounds stay where they are, so that every slot comes to hold the gradient there.
        if round < 49_400 {
            for (i, p) in params.iter_mut().enumerate() {
                *p = ((round as usize * 31 + i * 17) % 13) as f32 * 0.1;
            }
        }
        estimator.message(&Cx::new(&root, round), &local, &params, &mut out, &mut work);
    }
    // Then nothing is left to correct and the message is the table's mean itself.
    let exact: Box<dyn Objective<f64>> = Softmax::default().build(4, 2).unwrap();
    let x: Vec<f64> = params.iter().map(|&p| f64::from(p)).collect();
    let truth = mean(&samples.iter().map(|&r| gradient(&*exact, &set, r, &x)).collect::<Vec<_>>());
    let message: Vec<f64> = out.iter().map(|&m| f64::from(m)).collect();
    let drift = distance(&message, &truth) / norm(&truth);
    assert!(drift < 3e-6, "{drift:e}");
}
