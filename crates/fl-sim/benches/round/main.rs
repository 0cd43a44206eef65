//! Whole rounds over real MNIST: fresh draws each round, all thirty messages computed, telemetry and evaluation off.
//!
//! `cargo bench -p fl-sim` with `FL_DATA_DIR` naming a folder that holds `mnist/`. Beside each figure stand its ratio
//! to a yardstick of plain loops (`yardstick.rs`) and its dense-equivalent GFLOP/s.

mod yardstick;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fl_agg::GeometricMedian;
use fl_attacks::SampleDuplicating;
use fl_core::{
    Attack, AttackContext, AttackSpec, AttackView, Cx, Dataset, EstimatorSpec, Federation,
    SpecError,
};
use fl_data::partition::ByClass;
use fl_data::{Partition, PartitionSpec};
use fl_models::{Perceptron, Softmax};
use fl_resample::Resample;
use fl_saga::{Saga, Sgd};
use fl_sim::{ProtocolSpec, Rsa, RsaDecay, RsaOrder, Setup, Simulation};
use std::path::Path;
use std::time::{Duration, Instant};

/// Sample duplicating that has all true messages computed, as a system must that cannot know who is Byzantine.
#[derive(Debug)]
struct AllComputed;

#[derive(Debug)]
struct Looking(Box<dyn Attack<f32>>);

impl AttackSpec<f32> for AllComputed {
    fn name(&self) -> &'static str {
        "sample-duplicating"
    }
    fn build(&self, context: &AttackContext<'_, f32>) -> Result<Box<dyn Attack<f32>>, SpecError> {
        let inner = AttackSpec::<f32>::build(
            &SampleDuplicating { worker: Some(0), ..Default::default() },
            context,
        )?;
        Ok(Box::new(Looking(inner)))
    }
}

impl Attack<f32> for Looking {
    fn corrupt(&mut self, cx: &Cx<'_>, view: &mut AttackView<'_, f32>) {
        self.0.corrupt(cx, view);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Proposed,
    ByrdSaga,
    Rsa,
    Perceptron,
}

impl Method {
    fn id(self) -> &'static str {
        match self {
            Method::Proposed => "fig7-proposed",
            Method::ByrdSaga => "fig7-byrd-saga",
            Method::Rsa => "fig7-rsa",
            Method::Perceptron => "fig10-proposed",
        }
    }

    /// Multiply-adds count two, a squared difference three, everything dense.
    fn flops(self, dim: f64) -> f64 {
        let messages = 30.0 * 32.0 * 4.0 * dim;
        match self {
            Method::Rsa => messages + 30.0 * 4.0 * dim,
            _ => messages + 31.0 * 15.0 * 3.0 * dim + 30.0 * 3.0 * dim,
        }
    }
}

fn simulation<'a>(
    method: Method,
    train: &'a Dataset,
    partition: &'a Partition,
) -> Simulation<'a, f32> {
    let byzantine: Vec<u32> =
        if method == Method::Perceptron { (27..30).collect() } else { (24..30).collect() };
    let median = || Box::new(GeometricMedian::default());
    let batch = 32;
    let estimator: Box<dyn EstimatorSpec<f32>> =
        if method == Method::Rsa { Box::new(Sgd::new(batch)) } else { Box::new(Saga::new(batch)) };
    let objective = match method {
        Method::Perceptron => {
            Perceptron { hidden: vec![50, 50], ..Perceptron::default() }.build(train.columns(), 10)
        }
        _ => Softmax { l2: 0.01, ..Softmax::default() }.build(train.columns(), 10),
    };
    let protocol = match method {
        Method::Rsa => ProtocolSpec::Rsa(Rsa {
            lambda: 0.02,
            order: RsaOrder::default(),
            decay: RsaDecay::default(),
        }),
        Method::ByrdSaga => ProtocolSpec::Gradient { pre: vec![], rule: median() },
        _ => ProtocolSpec::Gradient {
            pre: vec![Box::new(Resample { s: 2, ..Resample::default() })],
            rule: median(),
        },
    };
    let step = if matches!(method, Method::Rsa | Method::Perceptron) { 0.1 } else { 0.5 };
    let setup = Setup {
        train,
        samples: (0..30).map(|w| partition.worker(w)).collect(),
        federation: Federation::new(30, &byzantine).unwrap(),
        knowledge: Default::default(),
        rotation: None,
        participation: None,
        byzantine_data: None,
        objective: objective.unwrap(),
        estimator,
        protocol,
        attack: Box::new(AllComputed),
        step,
        server_step: Default::default(),
        seed: 0,
    };
    Simulation::new(setup).unwrap()
}

fn rounds(c: &mut Criterion) {
    let Some(folder) = std::env::var_os("FL_DATA_DIR") else {
        eprintln!("skipped: FL_DATA_DIR does not name a folder with mnist/");
        return;
    };
    let data =
        fl_data::mnist::load(&Path::new(&folder).join("mnist")).expect("MNIST in FL_DATA_DIR");
    let train = &data.split.train;
    let spec = PartitionSpec::ByClass(ByClass { workers_per_class: 3 });
    let stream = &mut fl_core::Streams::new(0).at(fl_core::Role::Partition, 0, 0);
    let partition = spec.build(train.labels(), 10, 30, stream).unwrap();
    let mut group = c.benchmark_group("round");
    group
        .throughput(Throughput::Elements(1))
        .sample_size(10)
        .measurement_time(Duration::from_secs(4));

    // The yardstick runs first, so that each figure can be put beside it.
    let mut plain = yardstick::Yardstick::new(train, &partition);
    let mut yardstick = f64::INFINITY;
    group.bench_function("yardstick/softmax/30x7850/f32/1", |b| {
        b.iter_custom(|n| {
            let begin = Instant::now();
            for _ in 0..n {
                plain.round();
            }
            let spent = begin.elapsed();
            yardstick = yardstick.min(spent.as_secs_f64() / n as f64);
            spent
        });
    });

    for method in [Method::Proposed, Method::ByrdSaga, Method::Rsa, Method::Perceptron] {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut simulation = pool.install(|| simulation(method, train, &partition));
            let dim = simulation.params().len();
            let mut best = f64::INFINITY;
            // Byrd-SAGA needs more iterations once the messages have settled; so the rounds before count for nothing.
            group.bench_function(format!("{}/30x{dim}/f32/{threads}", method.id()), |b| {
                b.iter_custom(|n| {
                    pool.install(|| {
                        if simulation.round() < 500 {
                            simulation.run(500, |_, _| Ok(())).unwrap();
                        }
                        let until = simulation.round() + n;
                        let begin = Instant::now();
                        simulation.run(until, |_, _| Ok(())).unwrap();
                        let spent = begin.elapsed();
                        best = best.min(spent.as_secs_f64() / n as f64);
                        spent
                    })
                });
            });
            if best.is_infinite() {
                // Left out by a filter.
                continue;
            }
            let rate = method.flops(dim as f64) / best / 1e9;
            let ratio = match method {
                Method::Proposed if yardstick.is_finite() => {
                    format!(", {:.1} times the yardstick", yardstick / best)
                }
                _ => String::new(),
            };
            println!(
                "    best {:.0} rounds/s, {rate:.0} GFLOP/s dense-equivalent{ratio}",
                1.0 / best
            );
        }
    }
    group.finish();
}

criterion_group!(benches, rounds);
criterion_main!(benches);
