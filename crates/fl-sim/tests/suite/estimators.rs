//! Every estimator on real models: unbiased by enumeration, compact tables equal to dense ones, on classes that are missing.

use crate::problem::small::{data, distance, gradient, mean, norm, wander};
use fl_core::{Cx, EstimatorSpec, Local, Objective, Role, Streams, Workspace, streams};
use fl_models::{Perceptron, Softmax};
use fl_saga::{
    DenseSaga, FullGradient, LooplessSvrg, Page, Ridge, Sag, Saga, Sampling, Sarah, Sgd, Svrg,
};

const SEED: u64 = 11;
const WORKER: usize = 3;
const RARELY: Option<u64> = Some(1_000_003);

type Spec = Box<dyn EstimatorSpec<f64>>;

fn models(columns: usize) -> Vec<Box<dyn Objective<f64>>> {
    vec![
        Softmax { l2: 0.02, ..Softmax::default() }.build(columns, 3).unwrap(),
        Perceptron { hidden: vec![4, 3], l2: 0.01, ..Perceptron::default() }
            .build(columns, 3)
            .unwrap(),
    ]
}

#[test]
fn expectation_and_variation_are_those_of_all_batches_on_real_models() {
    let set = data(15, 19, 3, |i| i);
    // Class 1 is missing.
    let samples = [9, 3, 8, 0, 14];
    let (j, b) = (samples.len() as u32, 2usize);
    let streams = Streams::new(SEED);
    let sampling = Sampling::Repeated;
    for objective in models(19) {
        let objective = &*objective;
        let local = Local { worker: WORKER, workers: 5, objective, data: &set, samples: &samples };
        let path = wander(objective, 12);
        let (x, past) = path.split_last().unwrap();
        let exact: Vec<_> = samples.iter().map(|&r| gradient(objective, &set, r, x)).collect();
        let truth = mean(&exact);
        let specs: [(Spec, bool); 9] = [
            (Box::new(FullGradient {}), true),
            (Box::new(Sgd { batch: b, sampling }), true),
            (Box::new(Saga { batch: b, sampling }), true),
            (Box::new(DenseSaga { batch: b, sampling, ridge: Ridge::Outside }), true),
            (Box::new(DenseSaga { batch: b, sampling, ridge: Ridge::Inside }), true),
            (Box::new(Svrg { batch: b, sampling, every: RARELY }), true),
            (Box::new(LooplessSvrg { batch: b, sampling, probability: Some(0.2) }), true),
            (Box::new(Sag { batch: b, sampling }), false),
            (Box::new(Sarah { batch: b, sampling, every: RARELY }), false),
        ];
        for (spec, unbiased) in specs {
            let mut work = Workspace::new(objective, &set, spec.capacity());
            let mut messages = Vec::new();
            let (mut expectation, mut variation) = (vec![0.0; objective.dim()], 0.0);
            for code in 0..j * j {
                let wanted = [code % j, code / j];
                // The same past for every batch, then that batch.
                let mut estimator = spec.build(&local).unwrap();
                estimator.start(&local, &path[0], &mut work);
                let mut out = vec![0.0; objective.dim()];
                for (round, params) in past.iter().enumerate() {
                    let cx = Cx::new(&streams, round as u64);
                    estimator.message(&cx, &local, params, &mut out, &mut work);
                }
                variation = estimator.variation(&local, x, &mut work);
                estimator.expectation(&local, x, &mut expectation, &mut work);
                let drawn = |round: &u64| {
                    let mut rng = streams.at(Role::Batch, WORKER, *round);
                    wanted.iter().all(|&place| place == streams::below(&mut rng, j))
                };
                let round = (11..100_000).find(drawn).unwrap();
                estimator.message(&Cx::new(&streams, round), &local, x, &mut out, &mut work);
                messages.push(out);
            }
            let found = mean(&messages);
            let gap = distance(&found, &expectation) / norm(&truth);
            assert!(gap < 1e-12, "{spec:?}: the expectation is off by {gap:e}");
            let bias = distance(&found, &truth) / norm(&truth);
            assert_eq!(bias < 1e-12, unbiased, "{spec:?}: {bias:e}");
            let square = |m: &Vec<f64>| distance(m, &truth).powi(2);
            let enumerated = messages.iter().map(square).sum::<f64>() / messages.len() as f64;
            let gap = (variation - enumerated).abs();
            assert!(gap < 1e-11 * (1.0 + enumerated), "{spec:?}: {enumerated} and {variation}");
        }
    }
}

#[test]
fn compact_tables_and_dense_ones_send_the_same_for_a_thousand_rounds() {
    let set = data(30, 33, 3, |i| i);
    let samples: Vec<u32> = (0..30).filter(|i| i % 3 != 1).collect();
    let streams = Streams::new(SEED);
    for objective in models(33) {
        let objective = &*objective;
        let local = Local { worker: WORKER, workers: 5, objective, data: &set, samples: &samples };
        let path = wander(objective, 1000);
        for sampling in [Sampling::Distinct, Sampling::Repeated, Sampling::Window] {
            let b = 7;
            let specs: [Spec; 2] = [
                Box::new(Saga { batch: b, sampling }),
                Box::new(DenseSaga { batch: b, sampling, ridge: Ridge::Outside }),
            ];
            let [records, dense] = specs.map(|spec| {
                let mut work = Workspace::new(objective, &set, spec.capacity());
                let mut estimator = spec.build(&local).unwrap();
                estimator.start(&local, &path[0], &mut work);
                let message = |(round, x): (usize, &Vec<f64>)| {
                    let mut out = vec![0.0; objective.dim()];
                    let cx = Cx::new(&streams, round as u64);
                    estimator.message(&cx, &local, x, &mut out, &mut work);
                    out
                };
                path.iter().enumerate().map(message).collect::<Vec<_>>()
            });
            for (round, (r, d)) in records.iter().zip(&dense).enumerate() {
                let gap = distance(r, d) / norm(d);
                assert!(gap < 1e-10, "{sampling:?}, round {round}: {gap:e}");
            }
        }
    }
}

#[test]
fn the_page_estimator_is_exact_where_its_coin_says_so() {
    let set = data(15, 19, 3, |i| i);
    let samples = [9, 3, 8, 0, 14];
    let streams = Streams::new(SEED);
    for objective in models(19) {
        let objective = &*objective;
        let local = Local { worker: WORKER, workers: 5, objective, data: &set, samples: &samples };
        let path = wander(objective, 40);
        let spec: Spec = Box::new(Page { probability: Some(0.5), ..Page::new(2) });
        let mut work = Workspace::new(objective, &set, spec.capacity());
        let mut estimator = spec.build(&local).unwrap();
        estimator.start(&local, &path[0], &mut work);
        let mut out = vec![0.0; objective.dim()];
        let mut full = 0;
        for (round, x) in path.iter().enumerate() {
            estimator.message(&Cx::new(&streams, round as u64), &local, x, &mut out, &mut work);
            let exact: Vec<_> = samples.iter().map(|&r| gradient(objective, &set, r, x)).collect();
            let gap = distance(&out, &mean(&exact));
            let mut rng = streams.at(Role::Refresh, WORKER, round as u64);
            let coin = streams::chance(&mut rng, 0.5);
            full += usize::from(coin);
            assert!(coin || round == 0 || gap > 1e-6, "round {round}: {gap:e}");
            assert!(!coin || gap < 1e-12, "round {round}: {gap:e}");
        }
        assert!((10..30).contains(&full));
    }
}
