//! Pre-aggregators against other implementations' answers, the paper's own example, and the exact laws of resampling.

use crate::common::{apply, form};
use fl_core::{Cx, Geometry, Messages, Mixing, Streams};
use fl_resample::{
    AdaptiveClipping, Bucketing, Clipping, Law, Nnm, PreAggregatorSpec, Resample, Rest, Shape,
    average_buckets, average_picks,
};
use serde_json::Value;

fn cases(file: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(file).expect("JSON");
    file["cases"].as_array().expect("cases").clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn mixing_of(picks: &Value, inputs: usize) -> Mixing {
    let picks = picks.as_array().expect("picks");
    let s = picks[0].as_array().expect("picks").len();
    let mut flat: Vec<u32> = picks.iter().flat_map(numbers).map(|p| p as u32).collect();
    let mut mixing = Mixing::with_capacity(picks.len(), flat.len());
    average_picks(inputs, s, &mut flat, &mut mixing);
    mixing
}

fn matrix(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("rows").iter().map(numbers).collect()
}

/// Compares row by row. Outliers may cost the digits that they have more than their row: `of` says how large what a row
/// is made of is.
#[track_caller]
fn same(case: &Value, out: &[Vec<f64>], of: impl Fn(usize) -> f64) {
    let expected = matrix(&case["output"]);
    assert_eq!(out.len(), expected.len(), "{}", case["case"]);
    for (a, (out, expected)) in out.iter().zip(&expected).enumerate() {
        for (x, y) in out.iter().zip(expected) {
            assert!((x - y).abs() <= 4e-15 * of(a), "{}, row {a}: {x} against {y}", case["case"]);
        }
    }
}

fn size(row: &[f64]) -> f64 {
    row.iter().fold(0.0f64, |m, x| m.max(x.abs()))
}

fn parameter(case: &Value, name: &str) -> usize {
    case["params"][name].as_u64().expect("a whole number") as usize
}

#[test]
fn buckets_of_a_given_order_are_averaged_as_byzfl_does() {
    let cases = cases(include_str!("golden/bucketing.json"));
    assert_eq!(cases.len(), 25);
    for case in cases {
        let rows = matrix(&case["input"]);
        let mut order: Vec<u32> = numbers(&case["permutation"]).iter().map(|&x| x as u32).collect();
        let mut mixing = Mixing::with_capacity(rows.len(), rows.len());
        average_buckets(parameter(&case, "s"), Rest::Apart, &mut order, &mut mixing);
        let largest =
            |a| mixing.row(a).0.iter().map(|&i| size(&rows[i as usize])).fold(0.0, f64::max);
        same(&case, &form(&mixing, &rows), largest);
        let shape = Shape { workers: rows.len(), byzantine: 0 };
        let spec = Bucketing { s: parameter(&case, "s"), rest: Rest::Apart };
        assert_eq!(spec.output(shape).expect("a valid shape").workers, mixing.outputs());
    }
}

#[test]
fn buckets_that_take_the_rest_have_the_sizes_that_numpy_gives_them() {
    // numpy.array_split(range(W), W // s)
    let cases: [(usize, usize, &[usize]); 5] = [
        (10, 3, &[4, 3, 3]),
        (11, 3, &[4, 4, 3]),
        (11, 4, &[6, 5]),
        (12, 3, &[3, 3, 3, 3]),
        (7, 4, &[7]),
    ];
    for (workers, s, sizes) in cases {
        let mut order: Vec<u32> = (0..workers as u32).rev().collect();
        let mut mixing = Mixing::with_capacity(workers, workers);
        average_buckets(s, Rest::Spread, &mut order, &mut mixing);
        let rows = (0..mixing.outputs()).map(|a| mixing.row(a).0);
        assert_eq!(rows.clone().map(<[u32]>::len).collect::<Vec<_>>(), sizes, "{workers}, {s}");
        assert_eq!(
            rows.rev().flatten().copied().collect::<Vec<_>>(),
            (0..workers as u32).collect::<Vec<_>>()
        );
    }
}

#[test]
fn neighbours_are_mixed_as_byzfl_does() {
    let cases = cases(include_str!("golden/nnm.json"));
    assert_eq!(cases.len(), 17);
    let mut compared = 0;
    for case in cases {
        let rows = matrix(&case["input"]);
        let f = parameter(&case, "f");
        let out = apply(&Nnm, 0, &rows, f);
        let spread = rows.iter().flatten().fold(0.0f64, |m, x| m.max((x - rows[0][0]).abs()));
        if case["margin"].as_f64().expect("a number") > 1e-9 * spread {
            compared += 1;
            // A far message is in nobody's average but its own kind's.
            let expected = matrix(&case["output"]);
            same(&case, &out, |a| size(&expected[a]).max(1.0) * rows.len() as f64);
        } else {
            // Of neighbours as near as each other any may be taken: as many, at the same distances.
            let expected = matrix(&case["output"]);
            let all = rows.iter().all(|row| row == &rows[0]);
            assert!(!all || out == expected, "{}", case["case"]);
        }
    }
    assert_eq!(compared, 11);
}

#[test]
fn messages_are_clipped_as_byzfl_does() {
    let cases = cases(include_str!("golden/clipping.json"));
    assert_eq!(cases.len(), 17);
    for case in cases {
        let tau = case["params"]["c"].as_f64().expect("a number");
        let out = apply(&Clipping { tau }, 0, &matrix(&case["input"]), 0);
        same(&case, &out, |a| size(&out[a]));
    }
}

#[test]
fn messages_are_clipped_adaptively_as_byzfl_does() {
    let cases = cases(include_str!("golden/arc.json"));
    assert_eq!(cases.len(), 17);
    for case in cases {
        let out = apply(&AdaptiveClipping, 0, &matrix(&case["input"]), parameter(&case, "f"));
        same(&case, &out, |a| size(&out[a]));
    }
}

#[test]
fn given_picks_are_averaged_as_step_6_says() {
    let cases = cases(include_str!("golden/given_picks.json"));
    assert_eq!(cases.len(), 4);
    for case in cases {
        let rows = matrix(&case["input"]);
        let mixing = mixing_of(&case["picks"], rows.len());
        for (out, expected) in
            form(&mixing, &rows).iter().zip(case["output"].as_array().expect("rows"))
        {
            let size = rows.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
            for (x, y) in out.iter().zip(numbers(expected)) {
                assert!((x - y).abs() <= 1e-15 * (size + 1.0), "{}", case["case"]);
            }
        }
    }
}

#[test]
fn figure_2_of_the_paper_comes_out_to_the_digit() {
    let case = &cases(include_str!("golden/fig2.json"))[0];
    let input = numbers(&case["input"]);
    let rows: Vec<Vec<f64>> = input.iter().map(|&x| vec![x]).collect();
    let mixing = mixing_of(&case["picks"], 6);
    let out: Vec<f64> = form(&mixing, &rows).into_iter().map(|r| r[0]).collect();
    assert_eq!(out, numbers(&case["output"]));
    let variation = |x: &[f64]| {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64
    };
    let clean: Vec<f64> =
        (0..6).filter(|&a| !mixing.row(a).0.contains(&5)).map(|a| out[a]).collect();
    assert_eq!(clean.len(), 4);
    assert!((variation(&input) - 3860.0 / 3.0).abs() < 1e-12 * 1286.0);
    assert!((variation(&out) - 1550.0 / 3.0).abs() < 1e-12 * 516.0);
    assert!((variation(&input[..5]) - 8.0).abs() < 1e-14);
    assert!((variation(&clean) - 5.0).abs() < 1e-14);
}

/// For s = 2: the probability that average `a` takes the same message twice, by following how many workers have no, one
/// and two copies used.
fn same_message_twice(workers: usize) -> Vec<f64> {
    // states[(fresh, half)]: workers with c = 0 and with c = 1.
    let mut states = vec![vec![0.0; workers + 1]; workers + 1];
    states[workers][0] = 1.0;
    let mut same = Vec::new();
    for _ in 0..workers {
        let mut next = vec![vec![0.0; workers + 1]; workers + 1];
        let mut twice = 0.0;
        for (fresh, row) in states.iter().enumerate() {
            for (half, &p) in row.iter().enumerate() {
                if p == 0.0 {
                    continue;
                }
                for (f1, h1, p1, first_was_fresh) in step(fresh, half) {
                    if first_was_fresh {
                        twice += p * p1 / (f1 + h1) as f64;
                    }
                    for (f2, h2, p2, _) in step(f1, h1) {
                        next[f2][h2] += p * p1 * p2;
                    }
                }
            }
        }
        same.push(twice);
        states = next;
    }
    same
}

/// One draw: the new state, its probability, and whether the message drawn was fresh.
fn step(fresh: usize, half: usize) -> Vec<(usize, usize, f64, bool)> {
    let available = (fresh + half) as f64;
    let mut out = Vec::new();
    if fresh > 0 {
        out.push((fresh - 1, half + 1, fresh as f64 / available, true));
    }
    if half > 0 {
        out.push((fresh, half - 1, half as f64 / available, false));
    }
    out
}

/// E ‖ṽ_a − mean‖² / variation for s = 2. By symmetry each of the two picks is uniform, and different ones are
/// correlated by −1/(W − 1).
fn factor(same: f64, workers: usize) -> f64 {
    0.5 * (1.0 + same - (1.0 - same) / (workers as f64 - 1.0))
}

#[test]
fn the_exact_law_in_this_test_is_the_golden_one() {
    let cases = cases(include_str!("golden/variance_factor.json"));
    assert_eq!(cases.len(), 3);
    for case in cases {
        let workers = case["params"]["W"].as_u64().expect("W") as usize;
        let same = same_message_twice(workers);
        for (a, (p, expected)) in
            same.iter().zip(numbers(&case["same_worker_probability"])).enumerate()
        {
            assert!((p - expected).abs() < 1e-14, "W = {workers}, average {a}");
        }
        for (p, expected) in same.iter().zip(numbers(&case["output"])) {
            assert!((factor(*p, workers) - expected).abs() < 1e-14, "W = {workers}");
        }
    }
}

/// Mean and its standard error of ‖ṽ_a − v̄_R‖² relative to the variation of the regular messages, over the rounds in
/// which average `a` holds regular messages alone. The last `byzantine` messages are not regular.
fn measured(spec: &Resample, shape: Shape, trials: u64) -> Vec<(f64, f64)> {
    let workers = shape.workers;
    let regular = workers - shape.byzantine;
    let mut resample = spec.build(shape).expect("a valid shape");
    let mut mixing = Mixing::with_capacity(workers, spec.nonzeros(shape));
    let geometry = Geometry::of(Messages::<f64>::zeros(workers, 1).view()).expect("finite");
    let streams = Streams::new(11);
    let mut sums = vec![[0.0; 3]; workers];
    for round in 0..trials {
        resample.mixing(&Cx::new(&streams, round), 0, &geometry, shape, &mut mixing);
        for (a, [count, sum, squares]) in sums.iter_mut().enumerate() {
            let (indices, weights) = mixing.row(a);
            if indices.iter().all(|&i| (i as usize) < regular) {
                // Messages at the corners of a simplex: ‖ṽ − v̄_R‖² is Σ w² − 1/R, the variation 1 − 1/R.
                let least = 1.0 / regular as f64;
                let square: f64 = weights.iter().map(|w| w * w).sum();
                let factor = (square - least) / (1.0 - least);
                *count += 1.0;
                *sum += factor;
                *squares += factor * factor;
            }
        }
    }
    let summary = |[count, sum, squares]: [f64; 3]| {
        let mean = sum / count;
        (mean, ((squares / count - mean * mean).max(0.0) / count).sqrt())
    };
    sums.into_iter().map(summary).collect()
}

/// Lemma 3's d for R messages.
fn lemma_3(s: usize, regular: usize) -> f64 {
    (regular as f64 - 1.0) / ((s * regular) as f64 - 1.0)
}

#[test]
fn each_average_varies_as_the_exact_law_of_the_printed_algorithm_says() {
    for workers in [3, 4, 6, 10, 30] {
        let exact = same_message_twice(workers);
        let spec = Resample { s: 2, law: Law::Algorithm1 };
        let all = measured(&spec, Shape { workers, byzantine: 0 }, 40_000);
        for (a, ((measured, error), p)) in all.iter().zip(&exact).enumerate() {
            let expected = factor(*p, workers);
            assert!(
                (measured - expected).abs() <= 4.5 * error,
                "W = {workers}, average {a}: {measured} against {expected} ± {error}"
            );
        }
    }
}

#[test]
fn the_printed_algorithm_is_above_lemma_3_and_as_far_as_documented() {
    let exact: Vec<f64> = same_message_twice(30).into_iter().map(|p| factor(p, 30)).collect();
    let rounded = |x: f64| (x * 1e4).round() / 1e4;
    assert_eq!(rounded(exact[0]), 0.5);
    assert_eq!(rounded(exact[29]), 0.5754);
    assert_eq!(rounded(exact.iter().sum::<f64>() / 30.0), 0.5005);
    assert_eq!(rounded(lemma_3(2, 30)), 0.4915);
    let (last, error) =
        measured(&Resample::default(), Shape { workers: 30, byzantine: 0 }, 40_000)[29];
    assert!(last - lemma_3(2, 30) > 20.0 * error, "{last} ± {error}");
}

#[test]
fn under_the_permutation_every_average_varies_as_lemma_3_says() {
    for (s, workers) in [(1, 5), (2, 3), (2, 4), (2, 30), (3, 10), (5, 7)] {
        let d = lemma_3(s, workers);
        let spec = Resample { s, law: Law::Permutation };
        let all = measured(&spec, Shape { workers, byzantine: 0 }, 40_000);
        for (a, (measured, error)) in all.iter().enumerate() {
            assert!(
                (measured - d).abs() <= 4.5 * error + 1e-12,
                "s = {s}, W = {workers}, average {a}: {measured} against {d} ± {error}"
            );
        }
    }
    // The same by counting: two copies of one message are q = (s − 1)/(s W − 1) of all pairs.
    for workers in 2..40 {
        let q = 1.0 / (2.0 * workers as f64 - 1.0);
        assert!((factor(q, workers) - lemma_3(2, workers)).abs() < 1e-15);
    }
}

#[test]
fn under_the_permutation_a_clean_average_varies_as_lemma_3_says_for_the_regular_messages() {
    for (s, workers, byzantine) in [(2, 4, 1), (2, 30, 6), (3, 10, 2)] {
        let regular = workers - byzantine;
        let d_r = lemma_3(s, regular);
        // So (18) and (24) of the paper hold, but not with equality.
        assert!(d_r < lemma_3(s, workers));
        let spec = Resample { s, law: Law::Permutation };
        let all = measured(&spec, Shape { workers, byzantine }, 40_000);
        for (a, (measured, error)) in all.iter().enumerate() {
            assert!(
                (measured - d_r).abs() <= 4.5 * error,
                "s = {s}, W = {workers}, average {a}: {measured} against {d_r} ± {error}"
            );
        }
    }
}

#[test]
fn buckets_of_regular_messages_vary_as_samples_without_replacement_do() {
    let (s, workers, regular) = (3usize, 12usize, 9usize);
    let shape = Shape { workers, byzantine: workers - regular };
    let mut run = Bucketing { s, rest: Rest::Apart }.build(shape).expect("a valid shape");
    let mut mixing = Mixing::with_capacity(4, workers);
    let geometry = Geometry::of(Messages::<f64>::zeros(workers, 1).view()).expect("finite");
    let streams = Streams::new(12);
    // A number for each message, of mean 0 among the regular ones.
    let v = |i: u32| f64::from(i) - 4.0;
    let variation = (0..9).map(|i| v(i) * v(i)).sum::<f64>() / 9.0;
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for round in 0..40_000 {
        run.mixing(&Cx::new(&streams, round), 0, &geometry, shape, &mut mixing);
        let row = mixing.row(0).0;
        if row.iter().all(|&i| i < 9) {
            let x = (row.iter().map(|&i| v(i)).sum::<f64>() / 3.0).powi(2) / variation;
            count += 1.0;
            sum += x;
            squares += x * x;
        }
    }
    let expected = (regular - s) as f64 / (s * (regular - 1)) as f64;
    let mean: f64 = sum / count;
    let error = ((squares / count - mean * mean) / count).sqrt();
    assert!((mean - expected).abs() < 4.5 * error, "{mean} against {expected} ± {error}");
    assert!(expected < lemma_3(s, regular));
}
