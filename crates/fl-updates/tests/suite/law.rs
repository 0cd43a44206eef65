//! The law: files give the very bits of the same numbers in memory, for any tensors, types, memory, threads and order.

use crate::common::{Made, Room, numbers, read, safetensors, tensor, to_bytes};
use fl_agg::{CoordinateMedian, GeometricMedian, Krum, RuleSpec};
use fl_core::{Cx, Messages, Pipeline, PreAggregatorSpec, Scalar, Shape, Streams};
use fl_resample::Resample;
use fl_updates::{OpenOptions, Options, Plan, Progress, Updates, aggregate};
use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::Arc;

const TYPES: [&str; 4] = ["F32", "F16", "BF16", "F64"];

#[derive(Clone, Debug)]
struct Case {
    workers: usize,
    /// Type and length of each tensor.
    tensors: Vec<(&'static str, usize)>,
    base: bool,
    rule: usize,
    resampled: bool,
    /// Beyond the least.
    memory: usize,
    threads: usize,
    rotate: usize,
    salt: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let length = prop_oneof![1usize..40, 1000usize..6000, 30_000usize..60_000];
    let kinds = prop_oneof![Just(3usize), Just(4usize)];
    let tensors = kinds.prop_flat_map(move |kinds| {
        let one = ((0..kinds).prop_map(|k| TYPES[k]), length.clone());
        prop::collection::vec(one, 1..5)
    });
    let how = (any::<bool>(), 0usize..3, any::<bool>(), 0usize..3_000_000, 1usize..5);
    (5usize..9, tensors, how, 0usize..8, any::<u64>()).prop_map(
        |(workers, tensors, (base, rule, resampled, memory, threads), rotate, salt)| Case {
            workers,
            tensors,
            base,
            rule,
            resampled,
            memory,
            threads,
            rotate,
            salt,
        },
    )
}

impl Case {
    /// A client's tensors; client 0 is the model before.
    fn client(&self, client: usize) -> Vec<Made> {
        let mut state = self.salt ^ (client as u64) << 40 | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.4
        };
        let all = self.tensors.iter().enumerate();
        all.map(|(i, &(dtype, length))| {
            let numbers: Vec<f64> = (0..length).map(|_| next()).collect();
            tensor(&format!("layer.{i}"), dtype, &[length], &numbers)
        })
        .collect()
    }

    fn rule(&self) -> Arc<dyn RuleSpec> {
        match self.rule {
            0 => Arc::new(GeometricMedian::default()),
            1 => Arc::new(Krum::default()),
            _ => Arc::new(CoordinateMedian::default()),
        }
    }

    fn pre(&self) -> Vec<Arc<dyn PreAggregatorSpec>> {
        match self.resampled {
            true => vec![Arc::new(Resample::default())],
            false => Vec::new(),
        }
    }

    /// What the numbers give in memory, as bytes of each tensor.
    fn expected<T: Scalar>(&self) -> Vec<Vec<u8>> {
        let flat = |made: Vec<Made>| -> Vec<T> {
            let all = made.iter().flat_map(|t| numbers(t.dtype, &t.bytes));
            all.map(T::from_f64).collect()
        };
        let before = flat(self.client(0));
        let rows: Vec<Vec<T>> = (1..=self.workers)
            .map(|w| {
                let mut row = flat(self.client(w));
                if self.base {
                    row.iter_mut().zip(&before).for_each(|(x, &b)| *x -= b);
                }
                row
            })
            .collect();
        let messages = Messages::from_rows(&rows);
        let shape = Shape { workers: self.workers, byzantine: 1 };
        let mut pipeline = Pipeline::<T>::of(&self.pre(), &self.rule(), shape, before.len())
            .expect("a valid shape");
        let (streams, mut out) = (Streams::new(7), vec![T::ZERO; before.len()]);
        pipeline.aggregate(&Cx::new(&streams, 0), messages.view(), &mut out).expect("finite");
        if self.base {
            out.iter_mut().zip(&before).for_each(|(x, &b)| *x += b);
        }
        let mut from = 0;
        let bytes = self.tensors.iter().map(|&(dtype, length)| {
            from += length;
            let piece = &out[from - length..from];
            piece.iter().flat_map(|x| to_bytes(dtype, x.to_f64())).collect()
        });
        bytes.collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() })]

    #[test]
    fn files_give_the_bits_of_the_same_numbers_in_memory(case in case()) {
        let room = Room::new();
        let mut paths: Vec<PathBuf> = (1..=case.workers)
            .map(|w| room.write(&format!("{w}.safetensors"), &safetensors(&case.client(w))))
            .collect();
        paths.rotate_left(case.rotate % case.workers);
        let base = case.base.then(|| room.write("base.safetensors", &safetensors(&case.client(0))));
        let updates = Updates::open(&paths, &OpenOptions { base, ..OpenOptions::default() }).expect("files that fit");
        let options = Options {
            rule: case.rule(),
            pre: case.pre(),
            seed: 7,
            ..Options::new(GeometricMedian::default(), 1)
        };
        let output = room.path("out.safetensors");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(case.threads).build().expect("a pool");
        let run = || {
            let plan = Plan::of(&updates, &options)?;
            let memory = plan.least_memory as usize + case.memory;
            let options = Options { memory, ..options.clone() };
            aggregate(&updates, &options, &output, &Progress::default()).map(|done| (done, plan))
        };
        let (summary, plan) = pool.install(run).expect("an output");
        let double = case.tensors.iter().any(|(dtype, _)| *dtype == "F64");
        let expected = if double { case.expected::<f64>() } else { case.expected::<f32>() };
        let found = read(&output);
        prop_assert_eq!(found.len(), expected.len());
        for (i, made) in found.iter().enumerate() {
            prop_assert_eq!(&made.name, &format!("layer.{}", i));
            prop_assert!(made.bytes == expected[i], "{:?} {}", case, made.name);
        }
        prop_assert!(summary.bytes_read <= plan.reads());
        // Two passes for a rule on distances, one for one on columns; Krum's second reads one client.
        let one: u64 = case.client(0).iter().map(|t| t.bytes.len() as u64).sum();
        let all = one * case.workers as u64;
        if !case.resampled {
            let volume = [2 * all, all + one, all][case.rule];
            // A pass reads the model before at most once; the last window of a pass may be the first of the next.
            let base = if case.base { [1, 2][usize::from(case.rule < 2)] * one } else { 0 };
            let read = volume + if case.base { one } else { 0 }..=volume + base;
            prop_assert!(read.contains(&summary.bytes_read), "{} {:?}", summary.bytes_read, case);
        }
    }
}
