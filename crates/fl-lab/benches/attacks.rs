//! What attacks cost: each beside one plain pass over all messages (their mean), and the line search beside aggregations.
//!
//! `cargo bench -p fl-lab --bench attacks`

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fl_agg::GeometricMedian;
use fl_attacks::{Guess, LineSearch, LineSearchMethod};
use fl_core::{
    AttackContext, AttackSpec, AttackView, Cx, Federation, Messages, Pipeline, PreAggregatorSpec,
    Role, RuleSpec, Shape, Streams, combine,
};
use fl_lab::Registry;
use fl_resample::Resample;
use rand::Rng;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const WORKERS: usize = 30;
const DIM: usize = 7850;

fn round() -> Messages<f32> {
    let mut messages = Messages::zeros(WORKERS, DIM);
    for (w, row) in messages.rows_mut().enumerate() {
        let mut rng = Streams::new(0).at(Role::User, w, 0);
        row.iter_mut().for_each(|x| *x = rng.next_u32() as f32 * 2e-10 - 0.3);
    }
    messages
}

/// The least time of many calls.
fn least(mut call: impl FnMut()) -> Duration {
    let once = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        call();
        start.elapsed()
    };
    (0..300).map(|_| once(&mut call)).min().expect("some calls")
}

fn attacks(_: &mut Criterion) {
    let federation = Federation::new(WORKERS, &[24, 25, 26, 27, 28, 29]).expect("valid");
    let (mut messages, streams) = (round(), Streams::new(0));
    let (rows, weights) = ((0..WORKERS as u32).collect::<Vec<_>>(), vec![1.0 / 30.0; WORKERS]);
    let mut out = vec![0.0f32; DIM];
    let pass = least(|| {
        black_box(combine(messages.view(), &rows, &weights, None, &mut out));
    });
    println!("one pass over {WORKERS} x {DIM}: {pass:?}; attacks as multiples of it:");
    let registry = Registry::standard();
    for entry in registry.attacks().iter().filter(|entry| entry.name() != "line-search") {
        let spec = registry.attack(&entry.choice()).expect("defaults").single();
        let mut attack = spec.build(&AttackContext::new(&federation, DIM)).expect("valid");
        let mut k = 0;
        let time = least(|| {
            k += 1;
            let mut view = AttackView::new(&mut messages, &federation);
            attack.corrupt(&Cx::new(&streams, k), &mut view);
        });
        println!("{:>20} {:6.2}", entry.name(), time.as_secs_f64() / pass.as_secs_f64());
        messages = round();
    }
}

fn search(evaluations: usize) -> LineSearch<f32> {
    let pre: Vec<Arc<dyn PreAggregatorSpec>> =
        vec![Arc::new(Resample { s: 2, ..Default::default() })];
    let rule: Arc<dyn RuleSpec> = Arc::new(GeometricMedian::default());
    let guess = Some(Guess { pre, rule });
    let attack: Box<dyn AttackSpec<f32>> = Box::<fl_attacks::Alie>::default();
    LineSearch {
        attack,
        evaluations,
        method: LineSearchMethod::GoldenSection,
        from: None,
        to: None,
        guess,
    }
}

fn line_search(c: &mut Criterion) {
    let federation = Federation::new(WORKERS, &[24, 25, 26, 27, 28, 29]).expect("valid");
    let shape = Shape { workers: WORKERS, byzantine: 6 };
    let (mut messages, streams) = (round(), Streams::new(0));
    let pre: Vec<Box<dyn PreAggregatorSpec>> =
        vec![Box::new(Resample { s: 2, ..Default::default() })];
    let rule = Box::new(GeometricMedian::default());
    let mut server = Pipeline::<f32>::build(pre, rule, shape, DIM).expect("valid");
    let mut out = vec![0.0f32; DIM];
    let mut group = c.benchmark_group("line-search/30x7850/f32");
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    let mut k = 0;
    for count in [1, 20] {
        group.bench_function(BenchmarkId::new("aggregations", count), |b| {
            b.iter(|| {
                for _ in 0..count {
                    k += 1;
                    server
                        .aggregate(&Cx::new(&streams, k), messages.view(), &mut out)
                        .expect("finite");
                }
            });
        });
    }
    for evaluations in [1, 20] {
        let mut attack =
            search(evaluations).build(&AttackContext::new(&federation, DIM)).expect("valid");
        group.bench_function(BenchmarkId::new("evaluations", evaluations), |b| {
            b.iter(|| {
                k += 1;
                let mut view = AttackView::new(&mut messages, &federation);
                attack.corrupt(&Cx::new(&streams, k), &mut view);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, attacks, line_search);
criterion_main!(benches);
