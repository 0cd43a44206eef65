//! Low-rank adapters: what comes out is what the products BA give as whole matrices, and nothing else is done in silence.

use crate::common::{Made, Room, numbers, read, safetensors, tensor};
use fl_agg::{Aksel, Bulyan, CoordinateMedian, Dnc, GeometricMedian, Krum, Mean, RuleSpec};
use fl_core::PreAggregatorSpec;
use fl_resample::Resample;
use fl_updates::{Adapters, OpenOptions, Options, Per, Progress, Summary, Updates, aggregate};
use nalgebra::DMatrix;
use std::path::PathBuf;
use std::sync::Arc;

const CLIENTS: usize = 7;
const RANK: usize = 2;
/// m and n of each product; the second is of a convolution with 3 × 3 numbers for each of 2 inputs.
const SHAPES: [(usize, usize); 3] = [(6, 9), (5, 18), (4, 4)];
const NAMES: [(&str, &str); 3] = [
    ("model.q.lora_A.weight", "model.q.lora_B.weight"),
    ("unet.conv.lora_down.weight", "unet.conv.lora_up.weight"),
    ("model.embed.lora_embedding_A", "model.embed.lora_embedding_B"),
];

/// Numbers of a factor; client 6 is far from the others.
fn factor(client: usize, salt: usize, count: usize) -> Vec<f64> {
    let scale = if client == 6 { 8.0 } else { 1.0 };
    let number = |k: usize| ((client * 131 + salt * 17 + k * 7 + 1) as f64 * 0.7).sin();
    (0..count).map(|k| scale * (number(k) + 0.5 * ((salt + k) as f64).cos())).collect()
}

fn client(c: usize, dtype: &'static str) -> Vec<Made> {
    let mut made = Vec::new();
    for (i, ((m, n), (a, b))) in SHAPES.into_iter().zip(NAMES).enumerate() {
        let shapes = match i {
            1 => (vec![RANK, 2, 3, 3], vec![m, RANK, 1, 1]),
            _ => (vec![RANK, n], vec![m, RANK]),
        };
        made.push(tensor(a, dtype, &shapes.0, &factor(c, 2 * i, RANK * n)));
        made.push(tensor(b, dtype, &shapes.1, &factor(c, 2 * i + 1, RANK * m)));
    }
    made
}

/// The products of the tensors in a file, whatever their rank.
fn products(tensors: &[Made]) -> Vec<DMatrix<f64>> {
    let find = |name: &str| tensors.iter().find(|t| t.name == name).expect("a factor");
    let pairs = SHAPES.into_iter().zip(NAMES);
    pairs
        .map(|((m, n), (a, b))| {
            let (a, b) = (find(a), find(b));
            let rank = a.shape[0];
            assert_eq!(b.shape[1], rank);
            let a = DMatrix::from_row_slice(rank, n, &numbers(a.dtype, &a.bytes));
            DMatrix::from_row_slice(m, rank, &numbers(b.dtype, &b.bytes)) * a
        })
        .collect()
}

fn files(room: &Room, dtype: &'static str) -> Vec<PathBuf> {
    (0..CLIENTS)
        .map(|c| room.write(&format!("{c}.safetensors"), &safetensors(&client(c, dtype))))
        .collect()
}

fn open(paths: &[PathBuf], how: Adapters) -> Result<Updates, String> {
    let options = OpenOptions { adapters: Some(how), ..OpenOptions::default() };
    Updates::open(paths, &options).map_err(|e| e.to_string())
}

/// What a rule makes of the adapters, and of their products as whole matrices.
fn both(
    room: &Room,
    options: &Options,
    how: Adapters,
) -> (Summary, Vec<DMatrix<f64>>, Vec<DMatrix<f64>>) {
    let paths = files(room, "F64");
    let updates = open(&paths, how).expect("adapters");
    let output = room.path("out.safetensors");
    let done = aggregate(&updates, options, &output, &Progress::default()).expect("an output");
    let whole: Vec<PathBuf> = (0..CLIENTS)
        .map(|c| {
            let all = products(&client(c, "F64"));
            let made = all.iter().enumerate().map(|(i, p)| {
                let rows = p.transpose();
                tensor(&format!("{i}"), "F64", &[p.nrows(), p.ncols()], rows.as_slice())
            });
            room.write(&format!("whole/{c}.safetensors"), &safetensors(&made.collect::<Vec<_>>()))
        })
        .collect();
    let updates = Updates::open(&whole, &OpenOptions::default()).expect("matrices");
    let expected = room.path("whole.safetensors");
    let whole = aggregate(&updates, options, &expected, &Progress::default()).expect("an output");
    let weights = |done: &Summary| done.groups[0].weights.clone().expect("weights");
    for (a, b) in weights(&done).iter().zip(weights(&whole)) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    let matrices = read(&expected)
        .into_iter()
        .map(|t| DMatrix::from_row_slice(t.shape[0], t.shape[1], &numbers(t.dtype, &t.bytes)));
    (done, products(&read(&output)), matrices.collect())
}

fn error(found: &[DMatrix<f64>], expected: &[DMatrix<f64>]) -> f64 {
    let squares = |all: &mut dyn Iterator<Item = f64>| all.sum::<f64>().sqrt();
    let lost = squares(&mut found.iter().zip(expected).map(|(a, b)| (a - b).norm_squared()));
    lost / squares(&mut expected.iter().map(DMatrix::norm_squared))
}

#[test]
fn a_stack_is_what_the_products_give_as_whole_matrices() {
    let resample: Arc<dyn PreAggregatorSpec> = Arc::new(Resample::default());
    for pre in [vec![], vec![resample]] {
        for rule in [
            Options::new(GeometricMedian::default(), 1),
            Options::new(Krum::default(), 1),
            Options::new(Mean, 0),
        ] {
            let room = Room::new();
            let options = Options { pre: pre.clone(), seed: 3, ..rule };
            let (done, found, expected) = both(&room, &options, Adapters::Stacked);
            assert!(error(&found, &expected) < 1e-6, "{}", error(&found, &expected));
            let weights = done.groups[0].weights.as_ref().expect("weights");
            let kept = weights.iter().filter(|w| **w != 0.0).count();
            let adapter = done.adapter.expect("an adapter");
            assert_eq!((adapter.rank, adapter.relative_error), (RANK * kept, 0.0));
            // Both passes read factors alone: those of all clients, and of clients with a weight.
            let one: u64 = client(0, "F64").iter().map(|t| t.bytes.len() as u64).sum();
            assert_eq!(done.bytes_read, one * (CLIENTS + kept) as u64);
        }
    }
}

#[test]
fn a_lower_rank_is_the_nearest_and_its_error_is_told() {
    for rank in 1..=8 {
        let room = Room::new();
        let options = Options::new(GeometricMedian::default(), 1);
        let (done, found, expected) = both(&room, &options, Adapters::Rank(rank));
        let adapter = done.adapter.expect("an adapter");
        assert_eq!(adapter.rank, rank);
        // Eckart and Young: nothing of that rank is nearer than the first singular values.
        let tail: f64 = expected
            .iter()
            .flat_map(|p| p.singular_values().iter().skip(rank).map(|x| x * x).collect::<Vec<_>>())
            .sum();
        let all: f64 = expected.iter().map(DMatrix::norm_squared).sum();
        let least = (tail / all).sqrt();
        assert!((error(&found, &expected) - least).abs() < 1e-6, "{rank}");
        assert!(
            (adapter.relative_error - least).abs() < 1e-6,
            "{rank}: {}",
            adapter.relative_error
        );
        let shapes: Vec<Vec<usize>> =
            read(&room.path("out.safetensors")).into_iter().map(|t| t.shape).collect();
        let expected = [
            vec![rank, 4],
            vec![4, rank],
            vec![rank, 9],
            vec![6, rank],
            vec![rank, 2, 3, 3],
            vec![5, rank, 1, 1],
        ];
        assert_eq!(shapes, expected);
    }
}

#[test]
fn halves_are_rounded_to_halves_and_a_broken_client_is_left_out() {
    let room = Room::new();
    let mut paths = files(&room, "BF16");
    let mut broken = client(2, "BF16");
    broken[3].bytes[6..8].copy_from_slice(&half::bf16::NAN.to_le_bytes());
    paths[2] = room.write("2.safetensors", &safetensors(&broken));
    let updates = open(&paths, Adapters::Rank(4)).expect("adapters");
    let output = room.path("out.safetensors");
    let run = |options: &Options| aggregate(&updates, options, &output, &Progress::default());
    let done = run(&Options::new(GeometricMedian::default(), 1)).expect("an output");
    let out = &done.groups[0].left_out[..];
    assert_eq!((out.len(), out[0].tensor.as_str(), out[0].number), (1, NAMES[1].1, 3));
    assert_eq!(done.groups[0].weights.as_ref().expect("weights")[2], 0.0);
    assert!(read(&output).iter().all(|t| t.dtype == "BF16"));
    let refuse = Options {
        non_finite: fl_core::NonFinite::Error,
        ..Options::new(GeometricMedian::default(), 1)
    };
    let said = run(&refuse).expect_err("NaN").to_string();
    assert!(
        said.contains("2.safetensors: tensor \"unet.conv.lora_up.weight\": number 3 is not finite"),
        "{said}"
    );
}

#[test]
fn what_adapters_cannot_have_is_refused() {
    let room = Room::new();
    let paths = files(&room, "F32");
    let said = Updates::open(&paths, &OpenOptions::default()).expect_err("apart").to_string();
    assert!(
        said.contains("the mean of A and the mean of B apart are not the mean of the products BA"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 6, "{said}");
    let based = OpenOptions {
        base: Some(paths[0].clone()),
        adapters: Some(Adapters::Stacked),
        ..OpenOptions::default()
    };
    let said = Updates::open(&paths, &based).expect_err("a base").to_string();
    assert!(said.contains("an adapter is a difference already"), "{said}");
    let updates = open(&paths, Adapters::Stacked).expect("adapters");
    let refused = |options: Options, told: &str| {
        let output = room.path("out.safetensors");
        let e = aggregate(&updates, &options, &output, &Progress::default()).expect_err(told);
        assert!(e.to_string().contains(told), "{e}");
        assert!(!output.exists());
    };
    let rules: [Arc<dyn RuleSpec>; 4] = [
        Arc::new(CoordinateMedian::default()),
        Arc::new(Aksel::default()),
        Arc::new(Bulyan::default()),
        Arc::new(Dnc::default()),
    ];
    for rule in rules {
        refused(
            Options { rule, ..Options::new(Mean, 1) },
            "the rule looks at columns of the products BA",
        );
    }
    let krum = || Options::new(Krum::default(), 1);
    refused(Options { per: Per::Tensor, ..krum() }, "per: adapters are decided on together");
    refused(Options { shares: true, ..krum() }, "shares: the distances of adapters");
    refused(Options { memory: 2000, ..krum() }, "are needed for 7 clients, 2.0 kB are allowed");
    for (extra, told) in [
        (tensor("bias", "F32", &[1], &[0.0]), "tensor \"bias\": it is no factor of an adapter"),
        (
            tensor("x.lora_A.weight", "F32", &[2, 2], &[0.0; 4]),
            "expected the other factor \"x.lora_B.weight\"",
        ),
        (
            tensor("x.lora_up.weight", "F32", &[2, 2], &[0.0; 4]),
            "expected the other factor \"x.lora_down.weight\"",
        ),
    ] {
        let path =
            room.write("more.safetensors", &safetensors(&[client(0, "F32"), vec![extra]].concat()));
        let said = open(&[path], Adapters::Stacked).expect_err(told);
        assert!(said.contains(told), "{said}");
    }
    let other = [
        tensor("x.lora_A.w", "F32", &[2, 3], &[0.0; 6]),
        tensor("x.lora_B.w", "F32", &[2, 3], &[0.0; 6]),
    ];
    let path = room.write("other.safetensors", &safetensors(&other));
    let said = open(&[path], Adapters::Stacked).expect_err("shapes");
    assert!(
        said.contains("expected A of shape [r, n] and B of shape [m, r], found [2, 3] and [2, 3]"),
        "{said}"
    );
}
