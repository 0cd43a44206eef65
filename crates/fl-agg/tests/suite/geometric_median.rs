//! The geometric median against medians known to sixty digits, and its certificate against the true gap.

use fl_agg::{GeometricMedian, Mean, RuleSpec, aggregate};
use fl_core::{
    Certificate, Cx, Messages, NonFinite, Pipeline, Role, Scalar, Shape, Streams, streams,
};

struct Case {
    name: String,
    rows: Vec<Vec<f64>>,
    objective: f64,
}

fn cases() -> Vec<Case> {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/geomed_exact.json")).unwrap();
    let rows = |v: &serde_json::Value| -> Vec<Vec<f64>> {
        let row = |r: &serde_json::Value| {
            r.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
        };
        v.as_array().unwrap().iter().map(row).collect()
    };
    let cases: Vec<Case> = golden
        .as_array()
        .unwrap()
        .iter()
        .map(|c| Case {
            name: c["case"].as_str().unwrap().to_owned(),
            rows: rows(&c["input"]),
            objective: c["objective"].as_f64().unwrap(),
        })
        .collect();
    assert!(cases.len() > 10);
    cases
}

fn median<T: Scalar>(rows: &[Vec<T>]) -> (Vec<T>, Certificate) {
    let messages = Messages::from_rows(rows);
    let shape = Shape { workers: rows.len(), byzantine: 0 };
    let rule = Box::new(GeometricMedian::default());
    let mut server = Pipeline::<T>::build(vec![], rule, shape, rows[0].len())
        .unwrap()
        .with_policy(NonFinite::Error);
    let mut out = vec![T::ZERO; rows[0].len()];
    let streams = Streams::new(0);
    let report = server.aggregate(&Cx::new(&streams, 0), messages.view(), &mut out).unwrap();
    (out, report.certificate.unwrap())
}

/// F in `f64`, its sums compensated so that the last digits can be trusted.
fn objective<T: Scalar>(rows: &[Vec<T>], z: &[T]) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    for row in rows {
        let square: f64 = row.iter().zip(z).map(|(a, b)| (a.to_f64() - b.to_f64()).powi(2)).sum();
        let term = square.sqrt() - lost;
        let next = sum + term;
        lost = (next - sum) - term;
        sum = next;
    }
    sum
}

#[test]
fn every_exact_case_is_met_to_1e_minus_10_and_the_certificate_covers_the_true_gap() {
    for case in cases() {
        let (z, certificate) = median(&case.rows);
        let gap = objective(&case.rows, &z) - case.objective;
        assert!(gap <= 1e-10 * case.objective, "{}: {:e}", case.name, gap / case.objective);
        // The last digits of both objectives are rounding.
        let noise = 4.0 * f64::EPSILON * case.objective;
        assert!(certificate.epsilon >= gap - noise, "{}: {certificate:?} {gap:e}", case.name);
        assert!(certificate.relative_gap <= 1e-10, "{}: {certificate:?}", case.name);
    }
}

#[test]
fn in_single_precision_the_certificate_covers_the_gap_of_the_output_as_rounded() {
    for case in cases() {
        let single: Vec<Vec<f32>> =
            case.rows.iter().map(|r| r.iter().map(|&x| x as f32).collect()).collect();
        let double: Vec<Vec<f64>> =
            single.iter().map(|r| r.iter().map(|&x| f64::from(x)).collect()).collect();
        let (z, certificate) = median(&single);
        let z: Vec<f64> = z.iter().map(|&x| f64::from(x)).collect();
        // The median of the very same numbers in double precision stands for the exact one.
        let (best, exact) = median(&double);
        let gap = objective(&double, &z) - objective(&double, &best);
        let noise = 4.0 * f64::EPSILON * objective(&double, &z) + exact.epsilon;
        assert!(certificate.epsilon >= gap - noise, "{}: {certificate:?} {gap:e}", case.name);
        // Where single precision can hold the answer at all, six digits are certified.
        if !case.name.starts_with("offset") {
            assert!(certificate.relative_gap <= 1e-6, "{}: {certificate:?}", case.name);
        }
    }
}

#[test]
fn the_certificate_covers_the_gap_of_random_clouds_with_outliers_and_duplicates() {
    let mut rng = Streams::new(17).at(Role::User, 0, 0);
    for trial in 0..300 {
        let mut unit = || f64::from(streams::below(&mut rng, 1 << 24)) / f64::from(1 << 23) - 1.0;
        let (w, p) = (2 + trial % 23, 1 + trial % 7);
        let offset = if trial % 4 == 0 { 1e3 } else { 0.0 };
        let mut rows: Vec<Vec<f32>> =
            (0..w).map(|_| (0..p).map(|_| (unit() + offset) as f32).collect()).collect();
        if trial % 3 == 0 && w > 4 {
            rows[1] = rows[0].clone();
            rows[2] = rows[0].clone();
        }
        if trial % 5 == 0 {
            rows[w - 1] = (0..p).map(|_| (unit() * 1e6) as f32).collect();
        }
        let double: Vec<Vec<f64>> =
            rows.iter().map(|r| r.iter().map(|&x| f64::from(x)).collect()).collect();
        let (z, certificate) = median(&rows);
        let z: Vec<f64> = z.iter().map(|&x| f64::from(x)).collect();
        let (best, exact) = median(&double);
        assert!(exact.relative_gap <= 1e-10, "trial {trial}: {exact:?}");
        let gap = objective(&double, &z) - objective(&double, &best);
        let noise = 4.0 * f64::EPSILON * objective(&double, &z) + exact.epsilon;
        assert!(certificate.epsilon >= gap - noise, "trial {trial}: {certificate:?} {gap:e}");
    }
}

/// Weiszfeld's iteration until its step is lost in rounding, from the mean: slow and obvious.
fn weiszfeld(rows: &[Vec<f64>]) -> Vec<f64> {
    let p = rows[0].len();
    let mut z: Vec<f64> =
        (0..p).map(|k| rows.iter().map(|r| r[k]).sum::<f64>() / rows.len() as f64).collect();
    for _ in 0..20_000 {
        let mut next = vec![0.0; p];
        let mut total = 0.0;
        for row in rows {
            let d =
                row.iter().zip(&z).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt().max(1e-300);
            total += 1.0 / d;
            for (n, x) in next.iter_mut().zip(row) {
                *n += x / d;
            }
        }
        z = next.iter().map(|n| n / total).collect();
    }
    z
}

#[test]
fn a_slow_weiszfeld_agrees() {
    let mut rng = Streams::new(4).at(Role::User, 0, 0);
    let mut unit = || f64::from(streams::below(&mut rng, 1 << 24)) / f64::from(1 << 23) - 1.0;
    let rows: Vec<Vec<f64>> = (0..11).map(|_| (0..6).map(|_| unit()).collect()).collect();
    let (z, _) = median(&rows);
    for (a, b) in z.iter().zip(weiszfeld(&rows)) {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let build = |relative_gap, max_iterations| {
        let rule = Box::new(GeometricMedian { relative_gap, max_iterations, weights: None });
        Pipeline::<f32>::build(vec![], rule, Shape { workers: 3, byzantine: 0 }, 4)
            .unwrap_err()
            .to_string()
    };
    assert!(build(0.0, 10).contains("relative-gap must be between 0 and 1, got 0"));
    assert!(build(f64::NAN, 10).contains("got NaN"));
    assert!(build(1e-6, 0).contains("max-iterations must be at least 1"));
    let empty =
        Pipeline::<f32>::build(vec![], Box::new(Mean), Shape { workers: 0, byzantine: 0 }, 4);
    assert!(empty.unwrap_err().to_string().contains("workers must be at least 1"));
}

#[test]
fn at_the_iteration_cap_the_gap_that_was_reached_is_reported() {
    let rows = [[0.0f64, 0.0], [1.0, 0.1], [0.2, 3.0], [3.0, 2.5], [2.0, -0.7], [4.0, 0.3]];
    let messages = Messages::from_rows(&rows);
    let rule = Box::new(GeometricMedian { relative_gap: 1e-12, max_iterations: 2, weights: None });
    let shape = Shape { workers: 6, byzantine: 0 };
    let mut server = Pipeline::<f64>::build(vec![], rule, shape, 2).unwrap();
    let mut out = [0.0; 2];
    let report =
        server.aggregate(&Cx::new(&Streams::new(0), 0), messages.view(), &mut out).unwrap();
    let certificate = report.certificate.unwrap();
    assert_eq!(certificate.iterations, 2);
    assert!(certificate.relative_gap > 1e-12 && certificate.relative_gap < 1.0, "{certificate:?}");
}

/// The weighted form, with weights 1, 2, 3, 1, 2, 3, …; and the rows repeated as often.
fn weighted(rows: &[Vec<f64>]) -> (GeometricMedian, Vec<Vec<f64>>) {
    let times = |w: usize| 1 + w % 3;
    let weights = (0..rows.len()).map(|w| 100.0 * times(w) as f64).collect();
    let repeated = rows.iter().enumerate().flat_map(|(w, r)| vec![r.clone(); times(w)]).collect();
    (GeometricMedian { weights: Some(weights), ..GeometricMedian::default() }, repeated)
}

fn solve<T: Scalar>(rule: GeometricMedian, rows: &[Vec<f64>]) -> (Vec<f64>, Certificate) {
    let rows: Vec<Vec<T>> =
        rows.iter().map(|r| r.iter().map(|&x| T::from_f64(x)).collect()).collect();
    let (z, report) = aggregate(rule, &Messages::from_rows(&rows), 0).unwrap();
    (z.into_iter().map(T::to_f64).collect(), report.certificate.unwrap())
}

#[test]
fn a_weight_counts_as_that_many_messages_and_is_certified_as_well() {
    for case in cases() {
        let (rule, repeated) = weighted(&case.rows);
        let (z, certificate) = solve::<f64>(rule.clone(), &case.rows);
        let (best, exact) = solve::<f64>(GeometricMedian::default(), &repeated);
        let (f, least) = (objective(&repeated, &z), objective(&repeated, &best));
        assert!((f - least).abs() <= 1e-10 * least, "{}: {f} {least}", case.name);
        assert!(certificate.relative_gap <= 1e-10, "{}: {certificate:?}", case.name);
        // Weights are made to sum to W, of which the repeated rows have more.
        let scale = case.rows.len() as f64 / repeated.len() as f64;
        let noise = 4.0 * f64::EPSILON * least + exact.epsilon;
        assert!(certificate.epsilon >= (f - least - noise) * scale, "{}", case.name);

        let single: Vec<Vec<f64>> =
            case.rows.iter().map(|r| r.iter().map(|&x| f64::from(x as f32)).collect()).collect();
        let (rule, repeated) = weighted(&single);
        let (z, certificate) = solve::<f32>(rule, &single);
        let (best, exact) = solve::<f64>(GeometricMedian::default(), &repeated);
        let (f, least) = (objective(&repeated, &z), objective(&repeated, &best));
        let noise = 4.0 * f64::EPSILON * least + exact.epsilon;
        assert!(certificate.epsilon >= (f - least - noise) * scale, "{}", case.name);
        if !case.name.starts_with("offset") {
            assert!(certificate.relative_gap <= 1e-6, "{}: {certificate:?}", case.name);
        }
    }
}

#[test]
fn scaling_and_shifting_leave_the_certified_gap_with_and_without_weights() {
    for case in cases() {
        // That of most messages: an outlier does not count.
        let mut sizes: Vec<f64> =
            case.rows.iter().map(|r| objective(&case.rows[..1], r)).filter(|&x| x > 0.0).collect();
        sizes.sort_by(f64::total_cmp);
        let spread = sizes.get(sizes.len() / 2).copied().unwrap_or(1.0);
        let map = |change: &dyn Fn(f64) -> f64| -> Vec<Vec<f64>> {
            case.rows.iter().map(|r| r.iter().map(|&x| change(x)).collect()).collect()
        };
        for rule in [GeometricMedian::default(), weighted(&case.rows).0] {
            for scale in [1e-12, 1e12] {
                let rows = map(&|x| x * scale);
                let (_, certificate) = solve::<f64>(rule.clone(), &rows);
                assert!(certificate.relative_gap <= 1e-10, "{}: {certificate:?}", case.name);
                if !case.name.starts_with("offset") {
                    let (_, certificate) = solve::<f32>(rule.clone(), &rows);
                    assert!(certificate.relative_gap <= 1e-6, "{}: {certificate:?}", case.name);
                }
            }
            let (_, certificate) = solve::<f64>(rule.clone(), &map(&|x| x + 1e6 * spread));
            assert!(certificate.relative_gap <= 1e-10, "{}: {certificate:?}", case.name);
        }
    }
}

#[test]
fn a_worker_with_half_of_all_weight_is_the_median() {
    let rows = [vec![0.25, 1.0], vec![3.0, -2.0], vec![0.1, 0.3], vec![7.0, 7.0]];
    let rule =
        GeometricMedian { weights: Some(vec![1.0, 1.0, 4.0, 2.0]), ..GeometricMedian::default() };
    let (z, certificate) = solve::<f64>(rule.clone(), &rows);
    assert_eq!((z, certificate.epsilon), (rows[2].clone(), 0.0));
    assert_eq!((rule.tolerates(4), GeometricMedian::default().tolerates(4)), (0, 1));
    // Three of four arrive: what is left of the weight decides.
    let lost = [rows[0].clone(), rows[1].clone(), vec![f64::NAN, 0.0], rows[3].clone()];
    assert_eq!(solve::<f64>(rule, &lost).0, rows[3]);
}

#[test]
fn weights_that_cannot_work_are_refused() {
    let error = |weights: Vec<f64>| {
        let rule = GeometricMedian { weights: Some(weights), ..GeometricMedian::default() };
        aggregate(rule, &Messages::from_rows(&[[1.0], [2.0], [4.0]]), 0).unwrap_err().to_string()
    };
    assert_eq!(
        error(vec![1.0, 2.0]),
        "geometric-median: weights must be one positive number for each of 3 workers, got 2 numbers"
    );
    assert_eq!(
        error(vec![1.0, 0.0, 1.0]),
        "geometric-median: weights must be positive and finite for every worker, got 0 for worker 1"
    );
    assert!(error(vec![1.0, 1.0, -3.0]).ends_with("got -3 for worker 2"));
    assert!(error(vec![1.0; 5]).ends_with("got 5 numbers"));
}

#[test]
fn no_message_however_far_moves_the_median_by_more_than_its_weight_allows() {
    // Nine regular messages, one far and one in between, which the far one must not hide. Six of the nine pull either way,
    // so the median stays among them.
    let mut rng = Streams::new(23).at(Role::User, 0, 0);
    let mut unit = || f64::from(streams::below(&mut rng, 1 << 24)) / f64::from(1 << 23) - 1.0;
    for trial in 0..2000 {
        let spread = [1.0, 1e-3, 1e-9, 0.0][trial % 4];
        let offset = [0.0, 10.0][trial / 4 % 2];
        let mut rows: Vec<Vec<f64>> =
            (0..9).map(|_| (0..5).map(|_| offset + spread * unit()).collect()).collect();
        let mean: Vec<f64> = (0..5).map(|k| rows.iter().map(|r| r[k]).sum::<f64>() / 9.0).collect();
        let distance = |a: &[f64]| objective(std::slice::from_ref(&mean), a);
        let largest = rows.iter().map(|r| distance(r)).fold(0.0, f64::max);
        let size = 10f64.powf(15.0 * (1.0 + unit()));
        let middle = size.powf(0.5 * (1.0 + unit()));
        let far: Vec<f64> = (0..5).map(|_| size * unit()).collect();
        if trial % 3 == 0 {
            // Their mean is as near as the regular messages, but for the last digits of their distances.
            rows.insert(trial % 7, far.iter().map(|x| -x).collect());
        } else {
            rows.insert(trial % 7, (0..5).map(|_| middle * unit()).collect());
        }
        rows.insert(trial % 5, far);
        let (z, certificate) = median(&rows);
        assert!(distance(&z) <= 2.0 * largest + 1e-14 * offset, "{trial}: {:e}", distance(&z));
        assert!(certificate.relative_gap <= 1e-10, "{trial}: {certificate:?}");
        assert!(certificate.iterations < 1000, "{trial}: {certificate:?}");
    }
}

#[test]
fn in_single_precision_far_messages_are_withstood_as_well() {
    // More than 64 columns: distances are summed in single precision.
    let mut rng = Streams::new(29).at(Role::User, 0, 0);
    let mut unit = || f64::from(streams::below(&mut rng, 1 << 24)) / f64::from(1 << 23) - 1.0;
    for trial in 0..600 {
        let mut rows: Vec<Vec<f32>> =
            (0..9).map(|_| (0..100).map(|_| unit() as f32).collect()).collect();
        let mean: Vec<f32> =
            (0..100).map(|k| rows.iter().map(|r| r[k]).sum::<f32>() / 9.0).collect();
        let distance = |a: &[f32]| objective(std::slice::from_ref(&mean), a);
        let largest = rows.iter().map(|r| distance(r)).fold(0.0, f64::max);
        let size = 10f64.powf(15.0 * (1.0 + unit()));
        let middle = size.powf(0.5 * (1.0 + unit()));
        let far: Vec<f32> = (0..100).map(|_| (size * unit()) as f32).collect();
        let other: Vec<f32> = if trial % 3 == 0 {
            far.iter().map(|x| -x).collect()
        } else {
            (0..100).map(|_| (middle * unit()) as f32).collect()
        };
        rows.insert(trial % 7, other);
        rows.insert(trial % 5, far);
        let (z, certificate) = median(&rows);
        assert!(distance(&z) <= 2.0 * largest, "{trial}: {:e} {certificate:?}", distance(&z));
        assert!(certificate.iterations < 1000, "{trial}: {certificate:?}");
    }
}

#[test]
fn a_very_far_message_does_not_merge_the_others() {
    // Within 1e-13 of the mean distance lies the second outlier, and it is the lowest worker.
    let rows = [vec![2e14], vec![-4.25], vec![-4.25], vec![-4.25], vec![1e30]];
    let (out, _) = aggregate(GeometricMedian::default(), &Messages::from_rows(&rows), 2).unwrap();
    assert_eq!(out, [-4.25]);
}
