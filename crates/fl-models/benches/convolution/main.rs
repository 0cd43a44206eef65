//! A batch of 32 through convolutional networks, forward and backward into a row of p numbers, on one thread; beside the same
//! with plain loops. `cargo bench -p fl-models --bench convolution`; `-- --ratio` prints the least times and their ratio.

mod plain;

use criterion::Criterion;
use fl_core::data::{Layout, Values};
use fl_core::{Batch, Dataset, Fold, Objective, Role, Streams};
use fl_models::Convolutional;
use plain::Plain;
use std::hint::black_box;
use std::time::Instant;

const BATCH: usize = 32;
const CLASSES: usize = 10;

/// Made-up pictures, four fifths of them empty.
fn pictures() -> Dataset {
    let ink = |at: usize| {
        let (y, x) = (at / 28 % 28, at % 28);
        let strokes = (7..21).contains(&y)
            && (8..20).contains(&x)
            && !(x * 5 + y * 3 + at / 784).is_multiple_of(3);
        if strokes { (at * 37 % 251) as u8 } else { 0 }
    };
    let bytes: Vec<u8> = (0..BATCH * 784).map(ink).collect();
    let values = Values::Bytes { values: &bytes, scale: 1.0 / 255.0 };
    let labels = (0..BATCH as u32).map(|i| i % CLASSES as u32).collect();
    let layout = Layout::Image { height: 28, width: 28 };
    Dataset::new(values, 784, labels, CLASSES, layout).expect("pictures")
}

/// The networks of ByzFL and of McMahan et al.
fn networks() -> [(&'static str, Convolutional); 2] {
    let large = Convolutional {
        channels: vec![32, 64],
        padding: 2.into(),
        hidden: vec![512],
        ..Convolutional::default()
    };
    [("431080", Convolutional::default()), ("1663370", large)]
}

/// A model with all its memory.
struct Ours {
    model: Box<dyn Objective<f32>>,
    batch: Batch<f32>,
    params: Vec<f32>,
    records: Vec<f32>,
    old: Vec<f32>,
    message: Vec<f32>,
    mean: Vec<f32>,
    scratch: Vec<f32>,
}

impl Ours {
    fn new(spec: &Convolutional, data: &Dataset) -> Self {
        let model = spec.build::<f32>(784, CLASSES).expect("a model");
        let mut batch = Batch::new(data, BATCH);
        batch.gather(data, &(0..BATCH as u32).collect::<Vec<_>>());
        let mut params = vec![0.0; model.dim()];
        model.initialise(&mut Streams::new(1).at(Role::Initialise, 0, 0), &mut params);
        let records = vec![0.0; BATCH * model.record_len()];
        let scratch = vec![0.0; model.scratch_len(BATCH)];
        let (message, mean, old) = (params.clone(), params.clone(), records.clone());
        let mut ours = Self { model, batch, params, records, old, message, mean, scratch };
        ours.records();
        ours.old.copy_from_slice(&ours.records);
        ours
    }

    fn records(&mut self) {
        self.model.records(&self.params, &self.batch, &mut self.records, &mut self.scratch);
    }

    fn fold(&mut self, saga: bool) {
        let mean = saga.then_some((&mut self.mean[..], 1e-4));
        let (message, scale) = (&mut self.message, 1.0 / BATCH as f32);
        let fold = Fold { message, add: false, scale, ridge: None, mean };
        let old = saga.then_some(&self.old[..]);
        self.model.fold(&self.batch, &self.records, old, fold, &mut self.scratch);
    }

    fn gradient(&mut self) {
        self.records();
        self.fold(false);
    }
}

/// The least time in ms.
fn least(times: usize, mut f: impl FnMut()) -> f64 {
    let one = |_| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..times).map(one).fold(f64::INFINITY, f64::min)
}

/// Least times and their ratios: what can be read off a machine that others use too.
fn ratio() {
    let data = pictures();
    for (p, spec) in networks() {
        let mut ours = Ours::new(&spec, &data);
        let mut plain = Plain::new(&spec, &data, &ours.params);
        let records = least(300, || ours.records());
        let fold = least(300, || ours.fold(false));
        let saga = least(100, || ours.fold(true));
        let both = least(300, || ours.gradient());
        let slow = least(5, || plain.gradient(black_box(&ours.params)));
        ours.gradient();
        let off = ours.message.iter().zip(&plain.message).map(|(a, b)| (a - b).abs());
        let off = off.fold(0f32, f32::max);
        println!(
            "p = {p}: records {records:.2} ms, fold {fold:.2} ms, both {both:.2} ms; with SAGA's old records {:.2} ms; \
             plain loops {slow:.1} ms, {:.1} times as long (largest difference {off:.1e})",
            records + saga,
            slow / both
        );
    }
}

fn main() {
    if std::env::args().any(|arg| arg == "--ratio") {
        return ratio();
    }
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let data = pictures();
    for (p, spec) in networks() {
        let mut group = criterion.benchmark_group(format!("convolution, p = {p}"));
        let mut ours = Ours::new(&spec, &data);
        let mut plain = Plain::new(&spec, &data, &ours.params);
        group.bench_function("gradient", |b| b.iter(|| ours.gradient()));
        let params = ours.params.clone();
        group.bench_function("plain loops", |b| b.iter(|| plain.gradient(black_box(&params))));
        group.finish();
    }
    criterion.final_summary();
}
