//! The estimators on least squares: what they converge to, what they refuse, what they keep.

use crate::common::{LeastSquares, all, data, distance, gradient, label, norm, plain};
use fl_core::{Cx, EstimatorSpec, Local, Streams, Workspace};
use fl_saga::{
    Clip, DenseSaga, FullGradient, LocalSteps, LooplessSvrg, Momentum, MomentumForm, Page, Sag,
    Saga, Sampling, Sarah, Sgd, Storm, Svrg,
};

type Spec = Box<dyn EstimatorSpec<f64>>;

#[test]
fn a_batch_of_all_samples_gives_the_local_gradient_whatever_the_table_holds() {
    let set = data(12, 3);
    // A class is missing, and then only one sample is left.
    let without: Vec<u32> = (0..12).filter(|i| i % 4 != 2).collect();
    let objective = LeastSquares { columns: 3, l2: 0.1 };
    let streams = Streams::new(7);
    for samples in [&without[..], &[5]] {
        let local = Local { worker: 1, workers: 2, objective: &objective, data: &set, samples };
        for sampling in [Sampling::Distinct, Sampling::Window] {
            for spec in plain::<f64>(samples.len(), sampling) {
                // With a slot a window, another window of all samples remembers other parameters.
                if label(&*spec).starts_with("WindowSaga") && samples.len() > 1 {
                    continue;
                }
                let mut estimator = spec.build(&local).unwrap();
                let mut work = Workspace::new(&objective, &set, spec.capacity());
                let start = [0.3, 0.1, -0.4];
                estimator.start(&local, &start, &mut work);
                let mut out = [0.0; 3];
                let path = [start, [1.0, 2.0, 3.0], [-1.0, 0.5, 0.0], [9.0, -9.0, 4.0]];
                for (round, x) in path.iter().enumerate() {
                    let cx = Cx::new(&streams, round as u64);
                    estimator.message(&cx, &local, x, &mut out, &mut work);
                    let gap = distance(&out, &gradient(&set, samples, 0.1, x));
                    // Where each estimate corrects the last one, that holds too: the corrections are exact.
                    assert!(gap < 1e-12, "{}: {gap:e}", label(&*spec));
                }
                let variation = estimator.variation(&local, &[1.0, 1.0, 1.0], &mut work);
                assert!(variation < 1e-12, "{}: {variation:e}", label(&*spec));
            }
        }
    }
}

#[test]
fn whatever_reduces_the_variance_converges_to_the_optimum_where_plain_sampling_stalls() {
    let set = data(20, 3);
    let samples: Vec<u32> = (0..20).collect();
    let objective = LeastSquares { columns: 3, l2: 0.05 };
    let local =
        Local { worker: 0, workers: 1, objective: &objective, data: &set, samples: &samples };
    let streams = Streams::new(3);
    let run = |spec: Spec, step: f64| {
        let mut estimator = spec.build(&local).unwrap();
        let mut work = Workspace::new(&objective, &set, spec.capacity());
        let mut x = [0.0; 3];
        estimator.start(&local, &x, &mut work);
        let mut out = [0.0; 3];
        for round in 0..4000 {
            estimator.message(&Cx::new(&streams, round), &local, &x, &mut out, &mut work);
            for (x, g) in x.iter_mut().zip(&out) {
                *x -= step * g;
            }
        }
        norm(&gradient(&set, &samples, 0.05, &x))
    };
    for sampling in [Sampling::Distinct, Sampling::Repeated, Sampling::Window] {
        for b in [1, 4] {
            let exact: [Spec; 8] = [
                Box::new(FullGradient {}),
                Box::new(Saga { batch: b, sampling }),
                Box::new(DenseSaga { batch: b, sampling, ..DenseSaga::default() }),
                Box::new(Sag { batch: b, sampling }),
                Box::new(Svrg { batch: b, sampling, every: None }),
                Box::new(LooplessSvrg { batch: b, sampling, probability: None }),
                Box::new(Sarah { batch: b, sampling, every: None }),
                Box::new(Page { batch: b, sampling, probability: None }),
            ];
            for spec in exact {
                let label = label(&*spec);
                let rest = run(spec, 0.1);
                assert!(rest < 1e-12, "{label}: {rest:e}");
            }
            assert!(run(Box::new(Sgd { batch: b, sampling }), 0.1) > 1e-3);
        }
    }
    // What is around does not change where variance reduction leads; local steps of one worker are steps.
    let saga = || -> Spec { Box::new(Saga::new(2)) };
    assert!(run(Box::new(Momentum::default().over(saga())), 0.1) < 1e-12);
    assert!(run(Box::new(Clip { norm: 0.5 }.over(saga())), 0.1) < 1e-12);
    let steps = LocalSteps { steps: 5, step: 0.05, ..LocalSteps::default() };
    assert!(run(Box::new(steps.over(saga())), 1.0) < 1e-12);
}

#[test]
fn impossible_settings_are_refused_with_what_would_be_allowed() {
    let set = data(9, 3);
    let objective = LeastSquares { columns: 3, l2: 0.0 };
    let local =
        Local { worker: 3, workers: 5, objective: &objective, data: &set, samples: &[1, 2, 3] };
    let error = |spec: Spec| spec.build(&local).unwrap_err().to_string();
    // All but the full gradient, which has no batch.
    for sampling in crate::common::SAMPLINGS {
        for spec in plain::<f64>(0, sampling).into_iter().skip(1) {
            assert_eq!(error(spec), "batch must be at least 1, got 0");
        }
        for spec in plain::<f64>(4, sampling).into_iter().skip(1) {
            let text = error(spec);
            let expected = "batch must be at most the 3 samples of worker 3 (set batch = 3), got 4";
            assert_eq!(text, expected);
        }
    }
    let sgd = || -> Spec { Box::new(Sgd::new(4)) };
    let inside = "batch must be at most the 3 samples of worker 3 (set batch = 3), got 4";
    assert_eq!(error(Box::new(Momentum::default().over(sgd()))), inside);
    assert_eq!(error(Box::new(Clip::default().over(sgd()))), inside);
    assert_eq!(error(Box::new(LocalSteps::default().over(sgd()))), inside);
    let momentum = |beta| Momentum { beta, ..Momentum::default() }.over::<f64>(sgd());
    assert_eq!(
        error(Box::new(momentum(1.0))),
        "momentum: beta must be at least 0 and below 1, got 1"
    );
    assert!(error(Box::new(momentum(f64::NAN))).contains("got NaN"));
    let clip = |norm| Clip { norm }.over::<f64>(sgd());
    assert_eq!(error(Box::new(clip(0.0))), "clip: norm must be a finite number above 0, got 0");
    assert!(error(Box::new(clip(f64::INFINITY))).contains("got inf"));
    let steps =
        |steps, step| LocalSteps { steps, step, ..LocalSteps::default() }.over::<f64>(sgd());
    assert_eq!(error(Box::new(steps(0, 0.1))), "local-steps: steps must be at least 1, got 0");
    let text = error(Box::new(steps(1, -0.1)));
    assert_eq!(text, "local-steps: step must be a finite number above 0, got -0.1");
    let svrg = Svrg { every: Some(0), ..Svrg::new(1) };
    assert_eq!(error(Box::new(svrg)), "every must be at least 1 round, got 0");
    let sarah = Sarah { every: Some(0), ..Sarah::new(1) };
    assert_eq!(error(Box::new(sarah)), "every must be at least 1 round, got 0");
    let page = Page { probability: Some(0.0), ..Page::new(1) };
    assert_eq!(error(Box::new(page)), "probability must be above 0 and at most 1, got 0");
    let storm = Storm { rate: 0.0, ..Storm::new(1) };
    assert_eq!(error(Box::new(storm)), "storm: rate must be above 0 and at most 1, got 0");
    let loopless = LooplessSvrg { probability: Some(1.5), ..LooplessSvrg::new(1) };
    assert_eq!(error(Box::new(loopless)), "probability must be above 0 and at most 1, got 1.5");
}

#[test]
fn a_table_that_no_memory_can_hold_is_refused_in_bytes() {
    let set = data(9, 3);
    let objective = LeastSquares { columns: 1 << 60, l2: 0.0 };
    let samples: Vec<u32> = (0..8).collect();
    let local =
        Local { worker: 0, workers: 1, objective: &objective, data: &set, samples: &samples };
    let spec: Spec = Box::new(DenseSaga::new(1));
    assert_eq!(spec.memory(&objective, 8), Some(usize::MAX));
    let text = spec.build(&local).unwrap_err().to_string();
    assert!(text.contains("more bytes than can be counted"), "{text}");
    let objective = LeastSquares { columns: 1 << 56, l2: 0.0 };
    let local = Local { objective: &objective, ..local };
    let text = spec.build(&local).unwrap_err().to_string();
    assert!(text.contains("got 5.8 EB"), "{text}");
}

#[test]
fn memory_is_known_before_anything_is_allocated() {
    let set = data(9, 3);
    let objective = LeastSquares { columns: 3, l2: 0.0 };
    let counts = [4usize, 2, 7];
    for sampling in crate::common::SAMPLINGS {
        for spec in all::<f64>(2, sampling) {
            let mut built = 0;
            for count in counts {
                let samples: Vec<u32> = (0..count as u32).collect();
                let local = Local {
                    worker: 0,
                    workers: 1,
                    objective: &objective,
                    data: &set,
                    samples: &samples,
                };
                let memory = spec.build(&local).unwrap().memory();
                assert_eq!(spec.memory(&objective, count), Some(memory), "{}", label(&*spec));
                built += memory;
            }
            assert_eq!(fl_saga::memory(&*spec, &objective, counts), Some(built));
        }
    }
    let of = |spec: &dyn EstimatorSpec<f64>| spec.memory(&objective, 4);
    assert_eq!(of(&Sgd::new(1)), Some(0));
    assert_eq!(of(&Saga::new(1)), Some(8 * (4 + 3)));
    assert_eq!(of(&DenseSaga::new(1)), Some(8 * (4 * 3 + 2 * 3)));
    assert_eq!(of(&Svrg::new(1)), Some(8 * 2 * 3));
    assert_eq!(of(&Momentum::default().over(Box::new(Saga::new(1)))), Some(8 * (4 + 3 + 3)));
    let double = Momentum { form: MomentumForm::Double, ..Momentum::default() };
    assert_eq!(of(&double.over(Box::new(Storm::new(1)))), Some(8 * (2 * 3 + 2 * 3)));
}
