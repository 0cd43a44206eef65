//! How long it takes from files to numbers, and to deal them out. Real sets are looked for in the folder that `FL_DATA_DIR`
//! names, and left out where it is not set.
//!
//! Yardsticks beside the readers: a copy of the matrix, and unpacking the file without looking at it.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fl_data::covtype;
use fl_data::csv::{self, CsvOptions};
use fl_data::libsvm::{self, LibsvmOptions};
use fl_data::partition::{
    ByClass, Dirichlet, EqualSizes, GammaSimilarity, LongTail, QuantitySkew, Shards,
};
use fl_data::{DataSource, Locations, PartitionSpec, idx};
use flate2::read::GzDecoder;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};

fn unpack(path: &Path) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(&fs::read(path).expect("a file")[..]).read_to_end(&mut plain).expect("gzip");
    plain
}

fn real(c: &mut Criterion) {
    let Some(folder) = std::env::var_os("FL_DATA_DIR").map(PathBuf::from) else { return };
    let mut group = c.benchmark_group("real");
    group.sample_size(10);
    let images = folder.join("mnist/train-images-idx3-ubyte.gz");
    if images.is_file() {
        group.bench_function("mnist/gz to f32", |b| {
            b.iter(|| {
                let plain = unpack(&images);
                let images = idx::images(&plain).expect("MNIST");
                images.pixels.iter().map(|&p| f32::from(p) / 255.0).collect::<Vec<f32>>()
            });
        });
        let locations = Locations { read_only: vec![folder.clone()], cache: PathBuf::new() };
        group.bench_function("mnist/load", |b| {
            b.iter(|| fl_data::load("mnist", &locations).expect("MNIST"));
        });
    }
    let packed = folder.join("covtype/covtype.data.gz");
    if packed.is_file() {
        group.bench_function("covtype/yardstick: unpack", |b| b.iter(|| unpack(&packed)));
        let options = CsvOptions::default();
        group.bench_function("covtype/gz to f32", |b| {
            b.iter(|| csv::parse(&unpack(&packed), &options).expect("COVTYPE"));
        });
        let text = unpack(&packed);
        let table = csv::parse(&text, &options).expect("COVTYPE");
        group.bench_function("covtype/yardstick: copy of f32", |b| b.iter(|| table.values.clone()));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("covtype/text to f32", |b| {
            b.iter(|| csv::parse(&text, &options).expect("COVTYPE"));
        });
        drop(text);
        let mut lines = String::new();
        for (row, &label) in table.values.chunks(54).zip(&table.labels.index) {
            let _ = write!(lines, "{}", label + 1);
            for (i, value) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                let _ = write!(lines, " {}:{value}", i + 1);
            }
            lines.push('\n');
        }
        drop(table);
        group.throughput(Throughput::Bytes(lines.len() as u64));
        group.bench_function("covtype/libsvm to f32", |b| {
            b.iter(|| libsvm::parse(lines.as_bytes(), &LibsvmOptions::default()).expect("COVTYPE"));
        });
        drop(lines);
        let temporary = tempfile::tempdir().expect("a folder");
        let none = Locations { read_only: vec![folder.clone()], cache: PathBuf::new() };
        let cached = Locations { cache: temporary.path().into(), ..none.clone() };
        let source = DataSource::from("covtype");
        group.bench_function("covtype/load", |b| {
            b.iter(|| source.load(None, &none).expect("COVTYPE"));
        });
        source.load(None, &cached).expect("COVTYPE");
        group.bench_function("covtype/load, converted before", |b| {
            b.iter(|| source.load(None, &cached).expect("COVTYPE"));
        });
        group.bench_function("covtype/converted to f32", |b| {
            b.iter(|| covtype::table(&cached).expect("COVTYPE"));
        });
    }
    group.finish();
}

fn text(c: &mut Criterion) {
    let mut lines = String::new();
    for i in 0..20_000u32 {
        let _ = write!(lines, "{}", i % 7);
        for j in 0..40 {
            let _ = write!(
                lines,
                " {}:{:.6}",
                3 * j + 1,
                f64::from(i.wrapping_mul(j + 7) % 1000) / 997.0
            );
        }
        lines.push('\n');
    }
    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Bytes(lines.len() as u64));
    group.bench_function("libsvm, six digits", |b| {
        b.iter(|| libsvm::parse(lines.as_bytes(), &LibsvmOptions::default()).expect("a table"));
    });
    group.finish();
}

fn partition(c: &mut Criterion) {
    let labels: Vec<u32> =
        (0..1_000_000u32).map(|i| i.wrapping_mul(2_654_435_761) >> 7).map(|x| x % 10).collect();
    let mut group = c.benchmark_group("partition/1000000 rows over 1000 workers");
    group.sample_size(10);
    let iid = || Box::new(PartitionSpec::Iid);
    for (name, spec) in [
        ("iid", PartitionSpec::Iid),
        ("by-class", PartitionSpec::ByClass(ByClass { workers_per_class: 100 })),
        ("shards", PartitionSpec::Shards(Shards { classes_per_worker: 2 })),
        ("dirichlet", PartitionSpec::Dirichlet(Dirichlet { alpha: 0.3, min_size: 1, tries: 100 })),
        ("gamma-similarity", PartitionSpec::GammaSimilarity(GammaSimilarity { gamma: 0.5 })),
        ("quantity-skew", PartitionSpec::QuantitySkew(QuantitySkew { alpha: 0.5, min_size: 1 })),
        ("long-tail", PartitionSpec::LongTail(LongTail { ratio: 10.0, of: iid() })),
        ("equal-sizes", PartitionSpec::EqualSizes(EqualSizes { of: iid() })),
    ] {
        group.bench_function(name, |b| {
            b.iter_batched(
                || ChaCha8Rng::seed_from_u64(1),
                |mut rng| black_box(&spec).build(&labels, 10, 1000, &mut rng).expect("a partition"),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, partition, text, real);
criterion_main!(benches);
