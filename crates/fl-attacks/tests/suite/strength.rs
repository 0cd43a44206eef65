//! What attacks promise of the messages that they send, beyond who sends them.

use fl_attacks::{
    Alie, Attack, AttackContext, AttackSpec, AttackView, FangKrum, FangTrimmedMean, Federation,
    Isolation, Knowledge, Mimic, MinMax, MinSum, Mixture, Perturbation, Rop, SignFlipping, Zero,
    ZeroSum,
};
use fl_core::{Cx, Messages, Part, Scalar, Streams};

/// Messages with a mean of their own in every column and spreads that differ.
fn round(workers: usize, dim: usize, salt: u64) -> Messages<f64> {
    let mut messages = Messages::zeros(workers, dim);
    let streams = Streams::new(salt);
    for (w, row) in messages.rows_mut().enumerate() {
        let mut rng = streams.at(fl_core::Role::User, w, 0);
        for (i, x) in row.iter_mut().enumerate() {
            let unit = rand::Rng::next_u64(&mut rng) as f64 * (-64f64).exp2();
            *x = (i as f64).sin() + (1.0 + (i % 5) as f64) * (unit - 0.5);
        }
    }
    messages
}

fn send<T: Scalar>(
    spec: &dyn AttackSpec<T>,
    mut messages: Messages<T>,
    byzantine: &[u32],
) -> Messages<T> {
    let federation = Federation::new(messages.workers(), byzantine).expect("valid");
    let context = AttackContext::new(&federation, messages.dim());
    let mut attack = spec.build(&context).expect("valid");
    let streams = Streams::new(0);
    attack.corrupt(&Cx::new(&streams, 0), &mut AttackView::new(&mut messages, &federation));
    messages
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Numbers of workers and Byzantine ones, and lengths.
const SHAPES: [(usize, &[u32], usize); 5] = [
    (9, &[2, 7], 40),
    (9, &[8], 1),
    (5, &[1, 2, 3, 4], 7),
    (30, &[24, 25, 26, 27, 28, 29], 1300),
    (6, &[0, 5], 513),
];

/// Regular rows, and what the first Byzantine worker sends.
fn regular<'a>(messages: &'a Messages<f64>, byzantine: &[u32]) -> (Vec<&'a [f64]>, &'a [f64]) {
    let all = 0..messages.workers() as u32;
    let rows = all.filter(|w| !byzantine.contains(w)).map(|w| messages.row(w as usize)).collect();
    (rows, messages.row(byzantine[0] as usize))
}

#[test]
fn a_zero_sum_is_zero_and_isolation_leaves_the_message_of_one() {
    for (workers, byzantine, dim) in SHAPES {
        let sent = send(&ZeroSum, round(workers, dim, 1), byzantine);
        let alone = send(&Isolation::default(), round(workers, dim, 1), byzantine);
        let lowest = (0..workers).find(|w| !byzantine.contains(&(*w as u32))).expect("regular");
        for k in 0..dim {
            let sum = |messages: &Messages<f64>| -> f64 {
                (0..workers).map(|w| messages.row(w)[k]).sum()
            };
            assert!(sum(&sent).abs() <= 1e-12 * workers as f64, "{}", sum(&sent));
            let mean = sum(&alone) / workers as f64;
            assert!((mean - alone.row(lowest)[k]).abs() <= 1e-12 * workers as f64);
        }
    }
}

#[test]
fn alie_is_z_standard_deviations_from_the_mean_in_every_coordinate() {
    for (workers, byzantine, dim) in SHAPES {
        let spec = Alie { z: Some(0.7), ..Alie::default() };
        let sent = send(&spec, round(workers, dim, 2), byzantine);
        let (rows, out) = regular(&sent, byzantine);
        let n = rows.len() as f64;
        for k in 0..dim {
            let mean = rows.iter().map(|row| row[k]).sum::<f64>() / n;
            let std = (rows.iter().map(|row| (row[k] - mean).powi(2)).sum::<f64>() / n).sqrt();
            assert!((out[k] - (mean + 0.7 * std)).abs() < 1e-12);
        }
    }
}

#[test]
fn min_max_reaches_its_bound_and_does_not_cross_it() {
    for (workers, byzantine, dim) in SHAPES {
        for deviation in [Perturbation::Std, Perturbation::Unit, Perturbation::Sign] {
            let sent = send(&MinMax { deviation }, round(workers, dim, 3), byzantine);
            let (rows, out) = regular(&sent, byzantine);
            let pairs = rows.iter().flat_map(|a| rows.iter().map(|b| squared_distance(a, b)));
            let widest = pairs.fold(0.0, f64::max);
            let farthest = rows.iter().map(|row| squared_distance(row, out)).fold(0.0, f64::max);
            let tight = (farthest - widest).abs() <= 1e-9 * widest.max(1e-9);
            assert!(tight, "{workers}, {dim}, {deviation:?}: {farthest} of {widest}");
        }
    }
}

#[test]
fn min_sum_reaches_its_bound_and_does_not_cross_it() {
    for (workers, byzantine, dim) in SHAPES {
        for deviation in [Perturbation::Std, Perturbation::Unit, Perturbation::Sign] {
            let sent = send(&MinSum { deviation }, round(workers, dim, 4), byzantine);
            let (rows, out) = regular(&sent, byzantine);
            let sum =
                |from: &[f64]| rows.iter().map(|row| squared_distance(row, from)).sum::<f64>();
            let largest = rows.iter().map(|row| sum(row)).fold(0.0, f64::max);
            let tight = (sum(out) - largest).abs() <= 1e-9 * largest.max(1e-9);
            assert!(tight, "{workers}, {dim}, {deviation:?}: {} of {largest}", sum(out));
        }
    }
}

#[test]
fn honest_messages_that_agree_leave_no_room_for_min_max_and_min_sum() {
    let messages = Messages::from_rows(&[[1.0, -2.0], [1.0, -2.0], [1.0, -2.0], [0.0, 0.0]]);
    for deviation in [Perturbation::Std, Perturbation::Unit, Perturbation::Sign] {
        for spec in [&MinMax { deviation } as &dyn AttackSpec<f64>, &MinSum { deviation }] {
            let sent = send(spec, messages.clone(), &[3]);
            assert!(squared_distance(sent.row(3), &[1.0, -2.0]) < 1e-20, "{sent:?}");
        }
    }
}

/// The worker that Krum picks, by definition.
fn krum(messages: &Messages<f64>, byzantine: usize) -> usize {
    let all = 0..messages.workers();
    let score = |i: usize| {
        let others = all.clone().filter(|&j| j != i);
        let mut distances: Vec<f64> =
            others.map(|j| squared_distance(messages.row(i), messages.row(j))).collect();
        distances.sort_by(f64::total_cmp);
        distances[..messages.workers() - byzantine - 2].iter().sum::<f64>()
    };
    all.clone().fold(0, |best, i| if score(i) < score(best) { i } else { best })
}

#[test]
fn krum_picks_what_fang_sends_and_not_twice_of_it() {
    let mut picked = 0;
    for salt in 0..20 {
        let byzantine = [1, 4, 6];
        let sent = send(&FangKrum::default(), round(12, 20, salt), &byzantine);
        let (_, out) = regular(&sent, &byzantine);
        let lambda = out.iter().fold(0.0f64, |a, x| a.max(x.abs()));
        if lambda < 1e-4 {
            continue;
        }
        picked += 1;
        assert!(byzantine.contains(&(krum(&sent, 3) as u32)), "{salt}");
        let mut doubled = sent.clone();
        for b in byzantine {
            doubled.row_mut(b as usize).iter_mut().for_each(|x| *x *= 2.0);
        }
        // Halving began within a factor of two of what is picked, or at the bound.
        let first = byzantine.contains(&(krum(&doubled, 3) as u32));
        assert!(!first || lambda > 0.3, "{salt}: {lambda}");
    }
    assert!(picked >= 15, "{picked}");
}

#[test]
fn fang_is_beyond_all_honest_messages_on_the_side_to_which_the_mean_does_not_point() {
    for (workers, byzantine, dim) in SHAPES {
        let sent = send(&FangTrimmedMean::default(), round(workers, dim, 6), byzantine);
        let (rows, _) = regular(&sent, byzantine);
        for k in 0..dim {
            let column = rows.iter().map(|row| row[k]);
            let mean = column.clone().sum::<f64>() / rows.len() as f64;
            let low = column.clone().fold(f64::INFINITY, f64::min);
            let high = column.fold(f64::NEG_INFINITY, f64::max);
            for &b in byzantine {
                let x = sent.row(b as usize)[k];
                let (near, size) = if mean > 0.0 { (low, low.abs()) } else { (high, high.abs()) };
                let beyond = if mean > 0.0 { x <= near + 1e-12 } else { x >= near - 1e-12 };
                assert!(beyond && (x - near).abs() <= size + 1e-12, "{x} beyond {near}");
            }
        }
    }
}

#[test]
fn rop_is_z_from_its_place_at_its_angle() {
    for (workers, byzantine, dim) in SHAPES {
        if dim == 1 {
            continue;
        }
        for (angle, location, reference) in [(90.0, 1.0, 0.9), (180.0, 0.25, 0.0), (30.0, 0.0, 1.0)]
        {
            let federation = Federation::new(workers, byzantine).expect("valid");
            let spec = Rop { z: Some(2.0), angle, location, reference };
            let mut messages = round(workers, dim, 7);
            let last: Vec<f64> = (0..dim).map(|k| (k as f64).cos()).collect();
            let mut attack = AttackSpec::<f64>::build(&spec, &AttackContext::new(&federation, dim))
                .expect("valid");
            let streams = Streams::new(0);
            let mut view = AttackView::new(&mut messages, &federation).with_previous(Some(&last));
            attack.corrupt(&Cx::new(&streams, 0), &mut view);
            let (rows, out) = regular(&messages, byzantine);
            let mean = |k: usize| rows.iter().map(|r| r[k]).sum::<f64>() / rows.len() as f64;
            let moved: Vec<f64> = (0..dim)
                .map(|k| out[k] - location * last[k] - (1.0 - location) * mean(k))
                .collect();
            let towards: Vec<f64> =
                (0..dim).map(|k| reference * last[k] + (1.0 - reference) * mean(k)).collect();
            let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!((length(&moved) - 2.0).abs() < 1e-9);
            let inner: f64 = moved.iter().zip(&towards).map(|(a, b)| a * b).sum();
            let cosine = inner / (2.0 * length(&towards));
            assert!((cosine - f64::to_radians(angle).cos()).abs() < 1e-9, "{cosine}");
        }
    }
}

/// Every round worker 3 is off by the same, and all others by noise.
fn biased(t: u64) -> Messages<f64> {
    let mut messages = round(10, 25, 100 + t);
    for (i, x) in messages.row_mut(3).iter_mut().enumerate() {
        *x += 2.0 * (i as f64).cos();
    }
    messages
}

#[test]
fn mimic_finds_the_worker_that_is_always_off_and_stays_with_it() {
    let federation = Federation::new(10, &[8, 9]).expect("valid");
    let spec = Mimic { warm_up: 15, ..Mimic::default() };
    let mut attack =
        AttackSpec::<f64>::build(&spec, &AttackContext::new(&federation, 25)).expect("valid");
    let streams = Streams::new(0);
    for t in 0..30 {
        let mut messages = biased(t);
        attack.corrupt(&Cx::new(&streams, t), &mut AttackView::new(&mut messages, &federation));
        if t >= 10 {
            assert_eq!(messages.row(8), messages.row(3), "round {t}");
            assert_eq!(messages.row(9), messages.row(3), "round {t}");
        }
    }
}

#[test]
fn a_mimic_that_is_restored_goes_on_where_it_was_also_inside_a_mixture() {
    let federation = Federation::new(10, &[8, 9]).expect("valid");
    let context = AttackContext::new(&federation, 25);
    let build = || -> Box<dyn Attack<f64>> {
        let mimic = Box::new(Mimic { warm_up: 8, ..Mimic::default() });
        let spec = Mixture::<f64> { parts: vec![Box::new(Zero), mimic], counts: None };
        spec.build(&context).expect("valid")
    };
    let streams = Streams::new(0);
    let play = |attack: &mut dyn Attack<f64>, t: u64| {
        let mut messages = biased(t);
        attack.corrupt(&Cx::new(&streams, t), &mut AttackView::new(&mut messages, &federation));
        messages.row(9).to_vec()
    };
    for stop in [1, 4, 12] {
        let (mut whole, mut first) = (build(), build());
        let all: Vec<_> = (0..20).map(|t| play(&mut *whole, t)).collect();
        (0..stop).for_each(|t| assert_eq!(play(&mut *first, t), all[t as usize]));
        let (mut numbers, mut counts, mut names) = (Vec::new(), Vec::new(), Vec::new());
        first.state(&mut |name, part| {
            names.push(name.to_owned());
            match part {
                Part::Doubles(x) => numbers.push(x.to_vec()),
                Part::Count(x) => counts.push(*x),
                _ => panic!("{name}"),
            }
        });
        assert_eq!(names.len(), 4);
        assert!(names.iter().all(|name| name.starts_with("attack-1-mimic-")), "{names:?}");
        let mut second = build();
        let (mut numbers, mut counts) = (numbers.iter(), counts.iter());
        second.state(&mut |_, part| match part {
            Part::Doubles(x) => x.copy_from_slice(numbers.next().expect("as many")),
            Part::Count(x) => *x = *counts.next().expect("as many"),
            _ => {}
        });
        for t in stop..20 {
            assert_eq!(play(&mut *second, t), all[t as usize], "round {t} after {stop}");
        }
    }
}

#[test]
fn a_group_of_a_mixture_takes_the_regular_mean_or_that_of_its_own_messages() {
    let parts = || -> Vec<Box<dyn AttackSpec<f64>>> {
        let flip = SignFlipping { factor: 1.0, target: fl_attacks::SignFlippingTarget::HonestMean };
        vec![Box::new(Zero), Box::new(flip)]
    };
    for (knowledge, expected) in [(Knowledge::Omniscient, 1.5), (Knowledge::Own, 40.0)] {
        let mut messages = Messages::from_rows(&[[1.0], [2.0], [10.0], [20.0], [30.0], [50.0]]);
        let federation = Federation::new(6, &[2, 3, 4, 5]).expect("valid");
        let context = AttackContext::new(&federation, 1).with_knowledge(knowledge);
        let mut attack = Mixture { parts: parts(), counts: None }.build(&context).expect("valid");
        let streams = Streams::new(0);
        let mut view = AttackView::new(&mut messages, &federation).with_knowledge(knowledge);
        attack.corrupt(&Cx::new(&streams, 0), &mut view);
        let sent: Vec<f64> = (2..6).map(|w| messages.row(w)[0]).collect();
        assert_eq!(sent, [0.0, 0.0, expected, expected]);
    }
}
