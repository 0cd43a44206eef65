//! Estimators over many rounds: against tables kept by hand, against each other, against their own rounding.

use crate::common::{
    LeastSquares, SAMPLINGS, all, data, distance, gradient, label, mean, norm, path,
    sample_gradient,
};
use fl_core::{Cx, Dataset, EstimatorSpec, Local, Role, Streams, Workspace, streams};
use fl_saga::{
    ByzVrMarina, Clip, DenseSaga, FullGradient, LocalSteps, Momentum, MomentumForm, Ridge, Sag,
    Saga, Sampling, Sarah, Sent, Sgd, Storm, Svrg,
};

const SEED: u64 = 5;
const COLUMNS: usize = 4;
const L2: f64 = 0.3;

type Spec = Box<dyn EstimatorSpec<f64>>;

fn local<'a>(objective: &'a LeastSquares, set: &'a Dataset, samples: &'a [u32]) -> Local<'a, f64> {
    Local { worker: 1, workers: 3, objective, data: set, samples }
}

/// The messages along a path of parameters.
fn messages(
    spec: &dyn EstimatorSpec<f64>,
    local: &Local<'_, f64>,
    path: &[Vec<f64>],
    ahead: bool,
) -> Vec<Vec<f64>> {
    let streams = Streams::new(SEED);
    let mut work = Workspace::new(local.objective, local.data, spec.capacity());
    let mut estimator = spec.build(local).unwrap();
    estimator.start(local, &path[0], &mut work);
    let message = |(round, x): (usize, &Vec<f64>)| {
        let cx = Cx::new(&streams, round as u64);
        if ahead {
            estimator.look_ahead(&cx, local, &mut work);
        }
        let mut out = vec![0.0; x.len()];
        estimator.message(&cx, local, x, &mut out, &mut work);
        out
    };
    path.iter().enumerate().map(message).collect()
}

/// The places that worker 1 draws independently of each other.
fn repeated(round: u64, j: u32, b: usize) -> Vec<u32> {
    let mut rng = Streams::new(SEED).at(Role::Batch, 1, round);
    (0..b).map(|_| streams::below(&mut rng, j)).collect()
}

#[test]
fn records_and_gradients_in_the_table_are_the_same_for_a_thousand_rounds() {
    let set = data(30, COLUMNS);
    let samples: Vec<u32> = (0..30).filter(|i| i % 3 != 1).collect();
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 1000);
    for sampling in SAMPLINGS {
        for b in [1, 6] {
            let records = messages(&Saga { batch: b, sampling }, &local, &path, false);
            let dense = DenseSaga { batch: b, sampling, ridge: Ridge::Outside };
            let dense = messages(&dense, &local, &path, false);
            for (round, (r, d)) in records.iter().zip(&dense).enumerate() {
                let gap = distance(r, d) / norm(d);
                assert!(gap < 1e-10, "{sampling:?}, b = {b}, round {round}: {gap:e}");
            }
        }
    }
}

#[test]
fn a_sample_drawn_twice_counts_twice_in_the_message_and_once_in_the_mean() {
    let set = data(6, COLUMNS);
    let samples = [5, 0, 3, 2];
    let (j, b) = (samples.len(), 3);
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 300);
    let sampling = Sampling::Repeated;
    let repeats = (0..300).filter(|&round| {
        let mut places = repeated(round, j as u32, b);
        places.sort_unstable();
        places.windows(2).any(|w| w[0] == w[1])
    });
    assert!(repeats.count() > 100);
    for inside in [false, true] {
        let slot =
            |row: u32, x: &[f64]| sample_gradient(&set, row, if inside { L2 } else { 0.0 }, x);
        let outside = if inside { 0.0 } else { L2 };
        // By hand: a table, and its mean afresh in every round.
        let (mut saga, mut sag) = (Vec::new(), Vec::new());
        let mut table: Vec<Vec<f64>> = samples.iter().map(|&row| slot(row, &path[0])).collect();
        for (round, x) in path.iter().enumerate() {
            let places = repeated(round as u64, j as u32, b);
            let mut message = mean(&table);
            for &place in &places {
                let new = slot(samples[place as usize], x);
                for k in 0..COLUMNS {
                    message[k] += (new[k] - table[place as usize][k]) / b as f64;
                }
            }
            for &place in &places {
                table[place as usize] = slot(samples[place as usize], x);
            }
            let with_ridge = |m: Vec<f64>| m.iter().zip(x).map(|(m, x)| m + outside * x).collect();
            saga.push(with_ridge(message));
            sag.push(with_ridge(mean(&table)));
        }
        let ridge = if inside { Ridge::Inside } else { Ridge::Outside };
        let mut cases: Vec<(Spec, &Vec<Vec<f64>>)> =
            vec![(Box::new(DenseSaga { batch: b, sampling, ridge }), &saga)];
        if !inside {
            cases.push((Box::new(Saga { batch: b, sampling }), &saga));
            cases.push((Box::new(Sag { batch: b, sampling }), &sag));
        }
        for (spec, expected) in cases {
            let found = messages(&*spec, &local, &path, false);
            for (found, expected) in found.iter().zip(expected) {
                let gap = distance(found, expected);
                assert!(gap < 1e-11 * (1.0 + norm(expected)), "{}: {gap:e}", label(&*spec));
            }
        }
    }
}

#[test]
fn full_passes_come_when_the_calendar_says() {
    let set = data(12, COLUMNS);
    let samples: Vec<u32> = (0..12).collect();
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 20);
    let svrg = Svrg { every: Some(6), ..Svrg::new(2) };
    let sarah = Sarah { every: Some(6), ..Sarah::new(2) };
    let specs: [Spec; 2] = [Box::new(svrg), Box::new(sarah)];
    for spec in specs {
        for (round, message) in messages(&*spec, &local, &path, false).iter().enumerate() {
            let gap = distance(message, &gradient(&set, &samples, L2, &path[round]));
            assert_eq!(gap < 1e-12, round % 6 == 0, "{}, round {round}: {gap:e}", spec.name());
        }
        // And what is known of the next message is known before it is sent.
        let streams = Streams::new(SEED);
        let mut work = Workspace::new(&objective, &set, spec.capacity());
        let mut estimator = spec.build(&local).unwrap();
        estimator.start(&local, &path[0], &mut work);
        let mut out = [0.0; COLUMNS];
        for (round, x) in path.iter().enumerate() {
            let full = round % 6 == 0;
            let variation = estimator.variation(&local, x, &mut work);
            assert_eq!(variation < 1e-20, full, "{}, round {round}: {variation:e}", spec.name());
            estimator.message(&Cx::new(&streams, round as u64), &local, x, &mut out, &mut work);
        }
    }
    // The defaults depend on the worker's samples.
    assert_eq!((Svrg::new(5).period(12), Sarah::new(5).period(12)), (5, 3));
    assert_eq!(fl_saga::LooplessSvrg::new(3).chance(12), 0.25);
    assert_eq!(fl_saga::Page::new(3).chance(12), 0.2);
}

#[test]
fn momentum_is_what_its_formulas_say() {
    let set = data(12, COLUMNS);
    let samples: Vec<u32> = (0..12).collect();
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 30);
    let plain = messages(&Sgd::new(3), &local, &path, false);
    let beta = 0.8;
    for (form, new) in [
        (MomentumForm::Average, 1.0 - beta),
        (MomentumForm::WarmAverage, 1.0 - beta),
        (MomentumForm::HeavyBall, 1.0),
    ] {
        let spec = Momentum { beta, form }.over(Box::new(Sgd::new(3)));
        let found = messages(&spec, &local, &path, false);
        let warm = form == MomentumForm::WarmAverage;
        let mut m = if warm { plain[0].clone() } else { vec![0.0; COLUMNS] };
        for (round, (found, v)) in found.iter().zip(&plain).enumerate() {
            if !(warm && round == 0) {
                m.iter_mut().zip(v).for_each(|(m, v)| *m = beta * *m + new * v);
            }
            assert!(distance(found, &m) < 1e-12, "{form:?}, round {round}");
        }
    }
}

#[test]
fn double_momentum_averages_the_averages_and_normalised_momentum_has_length_one() {
    let set = data(12, COLUMNS);
    let samples: Vec<u32> = (0..12).collect();
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 30);
    let of = |form| {
        let spec = Momentum { beta: 0.8, form }.over(Box::new(Sgd::new(3)));
        messages(&spec, &local, &path, false)
    };
    let average = of(MomentumForm::WarmAverage);
    // The warm average of the warm averages.
    let mut u = average[0].clone();
    for (round, (found, m)) in of(MomentumForm::Double).iter().zip(&average).enumerate() {
        if round > 0 {
            u.iter_mut().zip(m).for_each(|(u, m)| *u = 0.8 * *u + 0.2 * m);
        }
        assert!(distance(found, &u) < 1e-12, "round {round}");
    }
    for (found, m) in of(MomentumForm::Normalised).iter().zip(&average) {
        let length = norm(m);
        let expected: Vec<f64> = m.iter().map(|m| m / length).collect();
        assert!((norm(found) - 1.0).abs() < 1e-12 && distance(found, &expected) < 1e-12);
    }
}

#[test]
fn storm_is_what_its_formula_says_and_at_a_rate_of_one_the_plain_gradient() {
    let set = data(12, COLUMNS);
    let samples: Vec<u32> = (0..12).collect();
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 30);
    let sampling = Sampling::Repeated;
    for rate in [1.0, 0.25, 1e-3] {
        let found = messages(&Storm { batch: 3, sampling, rate }, &local, &path, false);
        let mut v = vec![0.0; COLUMNS];
        for (round, x) in path.iter().enumerate() {
            let places = repeated(round as u64, 12, 3);
            let at = |x: &[f64]| {
                let sample = |&place: &u32| sample_gradient(&set, place, L2, x);
                mean(&places.iter().map(sample).collect::<Vec<_>>())
            };
            let (new, old) = (at(x), at(&path[round.saturating_sub(1)]));
            let keep = if round == 0 { 0.0 } else { 1.0 - rate };
            for ((v, new), old) in v.iter_mut().zip(new).zip(old) {
                *v = new + keep * (*v - old);
            }
            // The ℓ₂ term of what is kept is exact, and here it is that of the parameters: v − λx obeys the same recursion.
            assert!(distance(&found[round], &v) < 1e-12, "rate {rate}, round {round}");
        }
        if rate == 1.0 {
            let sgd = messages(&Sgd { batch: 3, sampling }, &local, &path, false);
            assert!(found.iter().zip(&sgd).all(|(a, b)| distance(a, b) < 1e-12));
        }
    }
}

/// The coin that all workers throw together.
fn common_coin(round: u64, q: f64) -> bool {
    let mut rng = Streams::new(SEED).at(Role::Refresh, (1 << 24) - 1, round);
    streams::chance(&mut rng, q)
}

#[test]
fn byz_vr_marina_corrects_what_the_server_made_and_all_look_at_all_samples_at_once() {
    let set = data(12, COLUMNS);
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let shares: [Vec<u32>; 2] = [(0..7).collect(), (3..12).collect()];
    let path = path(COLUMNS, 40);
    let (q, sampling) = (0.3, Sampling::Repeated);
    let spec = ByzVrMarina { batch: 3, sampling, probability: q };
    let streams = Streams::new(SEED);
    let mut met = [0, 0];
    for samples in &shares {
        let local = local(&objective, &set, samples);
        let mut work = Workspace::new(&objective, &set, EstimatorSpec::<f64>::capacity(&spec));
        let mut estimator = EstimatorSpec::<f64>::build(&spec, &local).unwrap();
        estimator.start(&local, &path[0], &mut work);
        // What was heard: parameters, and an output that is no gradient of theirs.
        let mut heard: Option<(Vec<f64>, Vec<f64>)> = None;
        for (round, x) in path.iter().enumerate() {
            let exact = gradient(&set, samples, L2, x);
            let full = heard.is_none() || common_coin(round as u64, q);
            met[usize::from(full)] += 1;
            let variation = estimator.variation(&local, x, &mut work);
            let mut expected = vec![0.0; COLUMNS];
            estimator.expectation(&local, x, &mut expected, &mut work);
            let mut out = vec![0.0; COLUMNS];
            let cx = Cx::new(&streams, round as u64);
            estimator.message(&cx, &local, x, &mut out, &mut work);
            let Some((y, g)) = &heard else {
                assert!(distance(&out, &exact) < 1e-12 && variation == 0.0);
                heard = Some((x.clone(), vec![0.5; COLUMNS]));
                estimator.hear(&local, x, &[0.5; COLUMNS]);
                continue;
            };
            let correction = |rows: &[u32]| {
                let of = |&row: &u32| {
                    let (a, b) =
                        (sample_gradient(&set, row, L2, x), sample_gradient(&set, row, L2, y));
                    a.iter().zip(b).map(|(a, b)| a - b).collect()
                };
                let mean = mean(&rows.iter().map(of).collect::<Vec<_>>());
                mean.iter().zip(g).map(|(c, g)| c + g).collect::<Vec<f64>>()
            };
            let drawn = repeated(round as u64, samples.len() as u32, 3);
            let rows: Vec<u32> = drawn.iter().map(|&place| samples[place as usize]).collect();
            let wanted = if full { exact.clone() } else { correction(&rows) };
            assert!(distance(&out, &wanted) < 1e-11, "round {round}");
            // Over the coin and all samples; the variance of one draw is that of three, times three.
            let whole = correction(samples);
            let bias = distance(&whole, &exact).powi(2);
            let one = |&row: &u32| distance(&correction(&[row]), &whole).powi(2);
            let one = samples.iter().map(one).sum::<f64>() / samples.len() as f64;
            let gap = variation - (1.0 - q) * (one / 3.0 + bias);
            assert!(gap.abs() < 1e-10 * (1.0 + variation), "round {round}: {gap:e}");
            let both = exact.iter().zip(&whole).map(|(e, w)| q * e + (1.0 - q) * w);
            assert!(distance(&expected, &both.collect::<Vec<_>>()) < 1e-11);
            // A round without an output is not heard of.
            if round % 5 != 4 {
                let output: Vec<f64> = x.iter().map(|x| 0.3 - x).collect();
                estimator.hear(&local, x, &output);
                heard = Some((x.clone(), output));
            }
        }
    }
    assert!(met[0] > 40 && met[1] > 10, "{met:?}");
}

#[test]
fn nothing_may_stand_around_an_estimator_that_corrects_the_servers_output() {
    let set = data(12, COLUMNS);
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &[0, 1, 2]);
    let marina = || -> Spec { Box::new(ByzVrMarina::new(1)) };
    let around: [Spec; 3] = [
        Box::new(Momentum::default().over(marina())),
        Box::new(Clip::default().over(marina())),
        Box::new(LocalSteps::default().over(marina())),
    ];
    for spec in around {
        let expected = format!(
            "byz-vr-marina: what stands around it must be nothing, since it corrects what the server \
             makes of its own messages, got {}",
            spec.name()
        );
        assert_eq!(spec.build(&local).unwrap_err().to_string(), expected);
    }
}

#[test]
fn clipped_messages_are_as_long_as_they_may_be_and_point_where_they_did() {
    let set = data(12, COLUMNS);
    let samples: Vec<u32> = (0..12).collect();
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 50);
    let plain = messages(&Saga::new(3), &local, &path, false);
    let tau = norm(&plain[10]);
    let clipped = messages(&Clip { norm: tau }.over(Box::new(Saga::new(3))), &local, &path, false);
    let longer = plain.iter().filter(|v| norm(v) > tau).count();
    assert!((1..50).contains(&longer));
    for (c, v) in clipped.iter().zip(&plain) {
        let factor = (tau / norm(v)).min(1.0);
        let expected: Vec<f64> = v.iter().map(|v| v * factor).collect();
        assert!(distance(c, &expected) < 1e-12 * norm(v));
    }
}

#[test]
fn local_steps_are_steps_with_draws_of_their_own_and_a_server_step_of_one_averages_models() {
    let set = data(12, COLUMNS);
    let samples: Vec<u32> = (0..12).collect();
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 10);
    let (steps, step) = (4, 0.05);
    let inner: [fn() -> Spec; 3] = [
        || Box::new(Sgd::new(3)),
        || Box::new(Saga::new(3)),
        || Box::new(Svrg { every: Some(6), ..Svrg::new(2) }),
    ];
    for inner in inner {
        // By hand: a clock of local steps that goes on from round to round.
        let streams = Streams::new(SEED);
        let mut work = Workspace::new(&objective, &set, inner().capacity());
        let mut estimator = inner().build(&local).unwrap();
        estimator.start(&local, &path[0], &mut work);
        let mut clock = 0;
        let mut models = Vec::new();
        for x in &path {
            let mut y = x.clone();
            for _ in 0..steps {
                let mut v = vec![0.0; COLUMNS];
                estimator.message(&Cx::new(&streams, clock), &local, &y, &mut v, &mut work);
                y.iter_mut().zip(&v).for_each(|(y, v)| *y -= step * v);
                clock += 1;
            }
            models.push(y);
        }
        for (send, scale) in [(Sent::Difference, 1.0), (Sent::Gradient, steps as f64 * step)] {
            let spec = LocalSteps { steps, step, send }.over(inner());
            let found = messages(&spec, &local, &path, false);
            for ((message, x), model) in found.iter().zip(&path).zip(&models) {
                let after: Vec<f64> = x.iter().zip(message).map(|(x, m)| x - scale * m).collect();
                assert!(distance(&after, model) < 1e-13 * (1.0 + norm(model)), "{send:?}");
            }
        }
    }
    // One step of an exact gradient, for all to see.
    let one = LocalSteps { steps: 1, step, ..LocalSteps::default() };
    let found = messages(&one.over(Box::new(FullGradient {})), &local, &path[..1], false);
    let exact = gradient(&set, &samples, L2, &path[0]);
    for (m, g) in found[0].iter().zip(exact) {
        assert!((m - step * g).abs() < 1e-14);
    }
}

#[test]
fn drawing_ahead_changes_nothing() {
    let set = data(12, COLUMNS);
    let samples: Vec<u32> = (0..12).rev().collect();
    let objective = LeastSquares { columns: COLUMNS, l2: L2 };
    let local = local(&objective, &set, &samples);
    let path = path(COLUMNS, 30);
    for sampling in SAMPLINGS {
        for spec in all::<f64>(5, sampling) {
            let (first, second) =
                (messages(&*spec, &local, &path, false), messages(&*spec, &local, &path, true));
            assert_eq!(first, second, "{}", label(&*spec));
        }
    }
}

#[test]
fn after_a_million_draws_in_single_precision_the_mean_has_not_drifted() {
    let set = data(50, COLUMNS);
    let samples: Vec<u32> = (0..50).collect();
    let objective = LeastSquares { columns: COLUMNS, l2: 0.0 };
    let local =
        Local { worker: 0, workers: 1, objective: &objective, data: &set, samples: &samples };
    let streams = Streams::new(SEED);
    let (b, rounds) = (10, 100_000u64);
    let specs: [Box<dyn EstimatorSpec<f32>>; 3] = [
        Box::new(Saga::new(b)),
        Box::new(Sag::new(b)),
        Box::new(DenseSaga { sampling: Sampling::Repeated, ..DenseSaga::new(b) }),
    ];
    for spec in specs {
        let mut estimator = spec.build(&local).unwrap();
        let mut work = Workspace::new(&objective, &set, b);
        let mut x = [0.0f32; COLUMNS];
        estimator.start(&local, &x, &mut work);
        let mut out = [0.0f32; COLUMNS];
        for round in 0..rounds {
            // The last 300 rounds stay where they are, so that every slot comes to hold the gradient there.
            if round < rounds - 300 {
                for (i, x) in x.iter_mut().enumerate() {
                    *x = ((round as usize * 31 + i * 17) % 13) as f32 * 0.1;
                }
            }
            estimator.message(&Cx::new(&streams, round), &local, &x, &mut out, &mut work);
        }
        // Then nothing is left to correct and the message is the table's mean itself.
        let wide = |v: &[f32]| -> Vec<f64> { v.iter().map(|&v| f64::from(v)).collect() };
        let truth = gradient(&set, &samples, 0.0, &wide(&x));
        let drift = distance(&wide(&out), &truth) / norm(&truth);
        assert!(drift < 5e-6, "{}: {drift:e}", spec.name());
    }
}
