//! Expectation and variation by enumeration: every batch that can be drawn is drawn, after the same past.
//!
//! Draws have addresses, so that a wanted batch is had by looking for a round in which it is drawn.

use crate::common::{
    FORMS, LeastSquares, SAMPLINGS, data, distance, gradient, label, mean, norm, path, plain,
};
use fl_core::{Cx, Dataset, Estimator, EstimatorSpec, Local, Role, Streams, Workspace, streams};
use fl_saga::{LocalSteps, Momentum, MomentumForm, Page, Sampling, Sarah, Sent, Storm};

const SEED: u64 = 11;
const WORKER: usize = 3;
const COLUMNS: usize = 3;
const L2: f64 = 0.2;

type Spec = Box<dyn EstimatorSpec<f64>>;

/// What worker 3 draws in a round, in the order of the message; windows that are cut off are shorter.
fn batch_of(sampling: Sampling, round: u64, j: u32, b: usize) -> Vec<u32> {
    let mut rng = Streams::new(SEED).at(Role::Batch, WORKER, round);
    match sampling {
        Sampling::Distinct => {
            let mut places = vec![0; b];
            streams::distinct(&mut rng, j, &mut places);
            places.sort_unstable();
            places
        }
        Sampling::Repeated => (0..b).map(|_| streams::below(&mut rng, j)).collect(),
        Sampling::Window | Sampling::WindowCut => {
            let start = streams::below(&mut rng, j);
            let window = start..start + b as u32;
            match sampling {
                Sampling::Window => window.map(|p| p % j).collect(),
                _ => window.filter(|&p| p < j).collect(),
            }
        }
    }
}

/// Everything that can be drawn, each as likely as the others.
fn outcomes(sampling: Sampling, j: u32, b: usize) -> Vec<Vec<u32>> {
    match sampling {
        Sampling::Distinct => (0u32..1 << j)
            .filter(|m| m.count_ones() as usize == b)
            .map(|m| (0..j).filter(|i| m >> i & 1 == 1).collect())
            .collect(),
        Sampling::Repeated => (0..j.pow(b as u32))
            .map(|code| (0..b as u32).map(|i| code / j.pow(i) % j).collect())
            .collect(),
        Sampling::Window => (0..j).map(|s| (s..s + b as u32).map(|p| p % j).collect()).collect(),
        Sampling::WindowCut => (0..j).map(|s| (s..(s + b as u32).min(j)).collect()).collect(),
    }
}

fn coin(round: u64, q: f64) -> bool {
    streams::chance(&mut Streams::new(SEED).at(Role::Refresh, WORKER, round), q)
}

/// A round from `from` on with this batch, and with this coin if one is wanted.
fn round_with(
    sampling: Sampling,
    wanted: &[u32],
    (j, b): (u32, usize),
    full: Option<(f64, bool)>,
    from: u64,
) -> u64 {
    (from..from + 1_000_000)
        .find(|&r| {
            batch_of(sampling, r, j, b) == wanted && full.is_none_or(|(q, full)| coin(r, q) == full)
        })
        .expect("every batch comes")
}

/// Every estimator, and momentum over it; what they send has an expectation and a variation that can be computed.
fn specs(b: usize, sampling: Sampling) -> Vec<Spec> {
    let mut specs = plain::<f64>(b, sampling);
    for form in FORMS.into_iter().filter(|&form| form != MomentumForm::Normalised) {
        for inner in plain::<f64>(b, sampling) {
            specs.push(Box::new(Momentum { beta: 0.7, form }.over(inner)));
        }
    }
    // A single local step, sent as a gradient, is the estimator itself.
    let one = LocalSteps { steps: 1, step: 0.3, send: Sent::Gradient };
    for inner in plain::<f64>(b, sampling) {
        specs.push(Box::new(one.over(inner)));
    }
    specs
}

/// Whether a message's expectation given the past is the local gradient.
fn is_unbiased(spec: &Spec, sampling: Sampling) -> bool {
    let biased = ["Sag ", "Sarah", "Page", "Storm", "Momentum"];
    let text = label(&**spec);
    text.contains("FullGradient") && !text.contains("Momentum")
        || sampling.is_unbiased() && !biased.iter().any(|b| text.contains(b))
}

/// The messages that an estimator can send at the end of `path`, with their probabilities; and what it says about them.
struct Enumerated {
    messages: Vec<(f64, Vec<f64>)>,
    expectation: Vec<f64>,
    variation: f64,
}

fn enumerate(
    spec: &Spec,
    sampling: Sampling,
    b: usize,
    path: &[Vec<f64>],
    local: &Local<'_, f64>,
) -> Enumerated {
    let streams = Streams::new(SEED);
    let j = local.samples.len() as u32;
    let mut work = Workspace::new(local.objective, local.data, spec.capacity());
    let (x, past) = path.split_last().expect("a path");
    let all = outcomes(sampling, j, b);
    // PAGE's coin is thrown before the message; it is part of the draw.
    let coins: &[(f64, Option<(f64, bool)>)] = if label(&**spec).contains("Page") {
        &[(0.3, Some((0.3, true))), (0.7, Some((0.3, false)))]
    } else {
        &[(1.0, None)]
    };
    let mut found =
        Enumerated { messages: Vec::new(), expectation: vec![0.0; COLUMNS], variation: 0.0 };
    for &(weight, full) in coins {
        for wanted in &all {
            let mut estimator: Box<dyn Estimator<f64>> = spec.build(local).unwrap();
            estimator.start(local, &path[0], &mut work);
            let mut out = vec![0.0; COLUMNS];
            for (round, x) in past.iter().enumerate() {
                let cx = Cx::new(&streams, round as u64);
                estimator.message(&cx, local, x, &mut out, &mut work);
            }
            found.variation = estimator.variation(local, x, &mut work);
            estimator.expectation(local, x, &mut found.expectation, &mut work);
            let round = round_with(sampling, wanted, (j, b), full, past.len() as u64);
            estimator.message(&Cx::new(&streams, round), local, x, &mut out, &mut work);
            found.messages.push((weight / all.len() as f64, out));
        }
    }
    found
}

fn check(set: &Dataset, samples: &[u32], batches: &[usize], rounds: &[usize]) {
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = Local { worker: WORKER, workers: 5, objective: &objective, data: set, samples };
    for &rounds in rounds {
        let path = path(COLUMNS, rounds + 1);
        let truth = gradient(set, samples, L2, &path[rounds]);
        for &b in batches {
            for sampling in SAMPLINGS {
                for spec in specs(b, sampling) {
                    let name = format!("{} after {rounds} rounds", label(&*spec));
                    let found = enumerate(&spec, sampling, b, &path, &local);
                    let mut expectation = vec![0.0; COLUMNS];
                    let mut variation = 0.0;
                    for (weight, message) in &found.messages {
                        for (e, m) in expectation.iter_mut().zip(message) {
                            *e += weight * m;
                        }
                        variation += weight * distance(message, &truth).powi(2);
                    }
                    let scale = 1.0 + norm(&truth);
                    let gap = distance(&expectation, &found.expectation);
                    assert!(gap < 1e-12 * scale, "{name}: expectation is off by {gap:e}");
                    let gap = (variation - found.variation).abs();
                    assert!(
                        gap < 1e-11 * (1.0 + variation),
                        "{name}: {variation}, {}",
                        found.variation
                    );
                    if is_unbiased(&spec, sampling) {
                        let bias = distance(&expectation, &truth);
                        assert!(bias < 1e-12 * scale, "{name}: a bias of {bias:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn expectation_and_variation_are_those_of_all_batches_that_can_be_drawn() {
    // Before the first round, and after many; the samples are not in order and one class is missing.
    check(&data(9, COLUMNS), &[8, 1, 3, 4, 5], &[1, 2, 3], &[0, 1, 40]);
    // All samples at once.
    check(&data(9, COLUMNS), &[8, 1, 3], &[3], &[0, 7]);
    // A single sample.
    check(&data(9, COLUMNS), &[4], &[1], &[0, 7]);
}

#[test]
fn the_biased_ones_are_biased() {
    let set = data(9, COLUMNS);
    let samples = [8, 1, 3, 4, 5];
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local =
        Local { worker: WORKER, workers: 5, objective: &objective, data: &set, samples: &samples };
    let path = path(COLUMNS, 10);
    let truth = gradient(&set, &samples, L2, &path[9]);
    for sampling in SAMPLINGS {
        for spec in specs(2, sampling) {
            if is_unbiased(&spec, sampling) {
                continue;
            }
            let found = enumerate(&spec, sampling, 2, &path, &local);
            let bias = distance(&found.expectation, &truth);
            assert!(bias > 1e-3, "{}: {bias:e}", label(&*spec));
        }
    }
}

/// All sequences of `len` of the numbers below `base`.
fn sequences(base: usize, len: u32) -> impl Iterator<Item = Vec<usize>> {
    (0..base.pow(len)).map(move |code| (0..len).map(|i| code / base.pow(i) % base).collect())
}

#[test]
fn over_all_histories_of_a_path_recursive_estimates_are_unbiased() {
    let set = data(9, COLUMNS);
    let samples = [8, 1, 3];
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local =
        Local { worker: WORKER, workers: 5, objective: &objective, data: &set, samples: &samples };
    let streams = Streams::new(SEED);
    let path = path(COLUMNS, 5);
    let truth = gradient(&set, &samples, L2, &path[4]);
    let (j, b, q) = (3, 2, 0.4);
    for sampling in [Sampling::Distinct, Sampling::Repeated, Sampling::Window] {
        let all = outcomes(sampling, j, b);
        let specs: [Spec; 3] = [
            Box::new(Sarah { batch: b, sampling, every: Some(u64::MAX) }),
            Box::new(Storm { batch: b, sampling, rate: 0.3 }),
            Box::new(Page { batch: b, sampling, probability: Some(q) }),
        ];
        for spec in specs {
            let page = spec.name() == "page";
            let mut work = Workspace::new(&objective, &set, spec.capacity());
            let mut sum = vec![0.0; COLUMNS];
            // Three rounds; with nine outcomes two are enough.
            let rounds = if all.len() > 3 { 2 } else { 3 };
            for faces in sequences(if page { 2 } else { 1 }, rounds) {
                for batches in sequences(all.len(), rounds) {
                    let mut estimator = spec.build(&local).unwrap();
                    estimator.start(&local, &path[0], &mut work);
                    let mut out = vec![0.0; COLUMNS];
                    let mut weight = 1.0;
                    let mut round = 0;
                    let xs = &path[5 - rounds as usize..];
                    for ((&face, &batch), x) in faces.iter().zip(&batches).zip(xs) {
                        let full = page.then_some((q, face == 1));
                        weight /= all.len() as f64;
                        weight *= full.map_or(1.0, |(q, full)| if full { q } else { 1.0 - q });
                        round = round_with(sampling, &all[batch], (j, b), full, round + 1);
                        estimator.message(
                            &Cx::new(&streams, round),
                            &local,
                            x,
                            &mut out,
                            &mut work,
                        );
                    }
                    for (sum, m) in sum.iter_mut().zip(&out) {
                        *sum += weight * m;
                    }
                }
            }
            let bias = distance(&sum, &truth);
            assert!(bias < 1e-12 * (1.0 + norm(&truth)), "{}: {bias:e}", label(&*spec));
        }
    }
}

#[test]
fn what_is_not_known_is_not_a_number() {
    let set = data(9, COLUMNS);
    let samples = [8, 1, 3];
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local =
        Local { worker: WORKER, workers: 5, objective: &objective, data: &set, samples: &samples };
    let sgd = || -> Spec { Box::new(fl_saga::Sgd::new(1)) };
    let steps = LocalSteps { steps: 2, ..LocalSteps::default() };
    let normalised = Momentum { form: MomentumForm::Normalised, ..Momentum::default() };
    let unknown: [Spec; 4] = [
        Box::new(fl_saga::Clip::default().over(sgd())),
        Box::new(steps.over(sgd())),
        Box::new(normalised.over(sgd())),
        Box::new(Momentum::default().over(Box::new(steps.over(sgd())))),
    ];
    for spec in unknown {
        let mut work = Workspace::new(&objective, &set, spec.capacity());
        let estimator = spec.build(&local).unwrap();
        let x = [0.1; COLUMNS];
        let mut out = [0.0; COLUMNS];
        estimator.expectation(&local, &x, &mut out, &mut work);
        assert!(estimator.variation(&local, &x, &mut work).is_nan(), "{}", label(&*spec));
        assert!(out.iter().all(|x| x.is_nan()), "{}", label(&*spec));
    }
    assert_eq!(mean(&[vec![1.0], vec![3.0]]), [2.0]);
}
