//! Mistakes that are made elsewhere under the same names, and not here.

use crate::common::{Rising, all, apply, form, fresh, messages_of, number};
use fl_core::{Cx, Geometry, Messages, Pipeline, Streams};
use fl_resample::{Bucketing, Clipping, Nnm, PreAggregatorSpec, Rest, Shape};

fn rows(workers: usize, dim: usize, salt: u64) -> Vec<Vec<f64>> {
    (0..workers).map(|w| (0..dim).map(|k| 10.0 * number(salt, w * dim + k)).collect()).collect()
}

/// byzfl's clipping (static and adaptive) leaves the clipped messages in its caller's array.
#[test]
fn clipping_does_not_overwrite_its_input() {
    let rows = rows(12, 40, 1);
    for spec in all(2, 0.5) {
        let messages = messages_of::<f64>(&rows);
        let before: Vec<Vec<f64>> = messages.view().rows().map(<[f64]>::to_vec).collect();
        let shape = Shape { workers: 12, byzantine: 3 };
        let mut pipeline =
            Pipeline::build(vec![spec], Box::new(Rising), shape, 40).expect("a valid shape");
        let mut out = vec![0.0; 40];
        let streams = Streams::new(0);
        for round in 0..3 {
            pipeline
                .aggregate(&Cx::new(&streams, round), messages.view(), &mut out)
                .expect("finite");
        }
        let after: Vec<Vec<f64>> = messages.view().rows().map(<[f64]>::to_vec).collect();
        assert_eq!(before, after);
    }
}

/// byzfl's pre-aggregators turn double precision into single where they are given torch tensors.
#[test]
fn double_precision_is_not_turned_into_single() {
    let third = 1.0 / 3.0;
    let rows = vec![vec![third, 0.0], vec![0.0, third], vec![30.0 * third, 40.0 * third]];
    let out = apply(&Clipping { tau: 1.0 }, 0, &rows, 1);
    assert_eq!(out[0], [third, 0.0]);
    assert!((out[2][0] - 0.6).abs() <= 2e-16 && (out[2][1] - 0.8).abs() <= 2e-16, "{:?}", out[2]);
}

/// byzfl's attacks that probe the defence meet other buckets than the defence then has.
#[test]
fn an_attack_that_probes_the_defence_meets_the_buckets_of_the_round() {
    let shape = Shape { workers: 17, byzantine: 4 };
    let geometry = Geometry::of(messages_of::<f64>(&rows(17, 3, 2)).view()).expect("finite");
    let probed = Geometry::of(messages_of::<f64>(&rows(17, 3, 3)).view()).expect("finite");
    for spec in all(3, 1.0).into_iter().filter(|spec| !spec.needs_distances()) {
        for seed in 0..20 {
            // What an attacker builds, and asks about other messages, and the server's own.
            let attacker = fresh(&*spec, seed, &probed, shape);
            let server = fresh(&*spec, seed, &geometry, shape);
            for a in 0..server.outputs() {
                assert_eq!(attacker.row(a), server.row(a), "{spec:?}");
            }
        }
    }
}

/// FLPoison shuffles the rows of a matrix with a routine for lists, which overwrites rows: 9.4 of 20 workers are lost.
#[test]
fn no_worker_is_lost_by_shuffling() {
    for rest in [Rest::Apart, Rest::Spread] {
        let spec = Bucketing { s: 2, rest };
        let geometry = Geometry::of(Messages::<f64>::zeros(20, 1).view()).expect("finite");
        for seed in 0..200 {
            let mixing = fresh(&spec, seed, &geometry, Shape { workers: 20, byzantine: 4 });
            let mut seen: Vec<u32> =
                (0..mixing.outputs()).flat_map(|a| mixing.row(a).0.to_vec()).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..20).collect::<Vec<u32>>());
        }
    }
}

/// FedML's buckets are consecutive clients.
#[test]
fn buckets_are_not_of_consecutive_workers() {
    let geometry = Geometry::of(Messages::<f64>::zeros(20, 1).view()).expect("finite");
    let consecutive = |seed| {
        let spec = Bucketing { s: 2, rest: Rest::Apart };
        let mixing = fresh(&spec, seed, &geometry, Shape { workers: 20, byzantine: 4 });
        (0..10).filter(|&a| matches!(*mixing.row(a).0, [i, j] if i % 2 == 0 && j == i + 1)).count()
    };
    // Ten in all twenty rounds, were they consecutive; a bucket is one of those with probability 10/190.
    let all: usize = (0..20).map(consecutive).sum();
    assert!(all < 30, "{all}");
}

/// The authors of bucketing turn it off by s = 0; so would someone who forgot to set it.
#[test]
fn no_bucketing_is_not_written_as_buckets_of_nothing() {
    let off = Bucketing { s: 0, rest: Rest::Apart };
    assert!(off.build(Shape { workers: 20, byzantine: 4 }).is_err());
}

/// byzfl's nearest-neighbour mixing and clipping give NaN where one worker sends NaN.
#[test]
fn one_worker_with_nan_spoils_no_output() {
    let mut rows = rows(12, 5, 4);
    rows[3][2] = f64::NAN;
    rows[8][0] = f64::INFINITY;
    let messages = messages_of::<f64>(&rows);
    for spec in all(2, 1.0) {
        let name = format!("{spec:?}");
        let shape = Shape { workers: 12, byzantine: 2 };
        let mut pipeline =
            Pipeline::build(vec![spec], Box::new(Rising), shape, 5).expect("a valid shape");
        let mut out = vec![f64::NAN; 5];
        let streams = Streams::new(0);
        let report = pipeline.aggregate(&Cx::new(&streams, 0), messages.view(), &mut out);
        assert_eq!(report.expect("ten are finite").dropped, 2, "{name}");
        assert!(out.iter().all(|x| x.is_finite()), "{name}: {out:?}");
    }
}

/// Squares of single-precision numbers overflow at 1e20 and vanish at 1e-23, and lengths with them.
#[test]
fn lengths_and_neighbours_are_right_where_squares_overflow_or_vanish() {
    for unit in [1e30f32, 1e-30] {
        let mut messages = Messages::<f32>::zeros(4, 200);
        for w in 0..4 {
            messages.row_mut(w).fill(unit * [1.0, 2.0, 3.0, 40.0][w]);
        }
        let geometry = Geometry::of(messages.view()).expect("finite");
        let shape = Shape { workers: 4, byzantine: 1 };
        let length = 200f64.sqrt() * f64::from(unit);
        let mixing = fresh(&Clipping { tau: 2.5 * length }, 0, &geometry, shape);
        let rows: Vec<Vec<f64>> = [1.0, 2.0, 3.0, 40.0].map(|x| vec![x]).to_vec();
        for (out, expected) in form(&mixing, &rows).iter().zip([1.0, 2.0, 2.5, 2.5]) {
            assert!((out[0] - expected).abs() < 1e-6, "{out:?} against {expected}");
        }
        assert_eq!(fresh(&Nnm, 0, &geometry, shape).row(3).0, [1, 2, 3]);
    }
}
