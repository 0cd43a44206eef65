//! Rules that look at one column at a time: golden cases, plain definitions, laws, and what no such rule may do.

use fl_agg::{
    CoordinateMedian, EvenMedian, Meamed, Messages, Phocas, RuleSpec, Scalar, SignMajority,
    TrimmedMean, aggregate,
};
use proptest::prelude::*;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().expect("rows").iter().map(numbers).collect()
}

#[test]
fn the_rules_agree_with_another_projects_answers() {
    let file: Value = serde_json::from_str(include_str!("golden/coordinate.json")).expect("JSON");
    let cases = file["cases"].as_array().expect("cases");
    let mut decided = [0; 3];
    for case in cases {
        let (name, op) = (&case["case"], case["op"].as_str().expect("a name"));
        let messages = Messages::from_rows(&rows(&case["input"]));
        let f = case["params"]["f"].as_u64().unwrap_or(0) as usize;
        let (kind, (out, _)) = match op {
            "Median" => (0, aggregate(CoordinateMedian::default(), &messages, f).expect("valid")),
            "TrMean" => (1, aggregate(TrimmedMean::default(), &messages, f).expect("valid")),
            "Meamed" => (2, aggregate(Meamed::default(), &messages, f).expect("valid")),
            other => panic!("{other}"),
        };
        let expected = numbers(&case["output"]);
        let largest = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        if case["margin"].as_f64().is_none_or(|margin| margin > 1e-12 * largest) || largest == 0.0 {
            for (x, y) in out.iter().zip(&expected) {
                assert!((x - y).abs() <= 1e-14 * largest, "{op} {name}: {out:?} {expected:?}");
            }
            decided[kind] += 1;
        }
    }
    assert!(decided[0] == 17 && decided[1] == 17 && decided[2] >= 14, "{decided:?}");
}

/// A rule, and its definition on one column in order, in plain code.
type Case = (&'static str, fn() -> Box<dyn RuleSpec>, fn(&[f64], usize) -> f64);

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn median(x: &[f64]) -> f64 {
    mean(&x[(x.len() - 1) / 2..=x.len() / 2])
}

/// By sorting for distance; a stable sort of rising numbers puts the smaller of two equally far ones first.
fn around(x: &[f64], centre: f64, count: usize) -> f64 {
    let mut x = x.to_vec();
    x.sort_by(|a, b| (a - centre).abs().total_cmp(&(b - centre).abs()));
    mean(&x[..count])
}

const CASES: [Case; 7] = [
    ("median", || Box::new(CoordinateMedian::default()), |x, _| median(x)),
    (
        "lower median",
        || Box::new(CoordinateMedian { even: EvenMedian::Lower }),
        |x, _| x[(x.len() - 1) / 2],
    ),
    (
        "upper median",
        || Box::new(CoordinateMedian { even: EvenMedian::Upper }),
        |x, _| x[x.len() / 2],
    ),
    ("trimmed mean", || Box::new(TrimmedMean::default()), |x, f| mean(&x[f..x.len() - f])),
    ("meamed", || Box::new(Meamed::default()), |x, f| around(x, median(x), x.len() - f)),
    (
        "phocas",
        || Box::new(Phocas::default()),
        |x, f| around(x, mean(&x[f..x.len() - f]), x.len() - f),
    ),
    (
        "sign majority",
        || Box::new(SignMajority),
        |x, _| {
            let sum: i32 = x.iter().map(|x| i32::from(*x > 0.0) - i32::from(*x < 0.0)).sum();
            f64::from(sum.signum())
        },
    ),
];

/// Numbers of which some are equal, some zero, and all have few digits: sums of them and comparisons of distances are exact in
/// both types, so that ties are ties.
fn matrix() -> impl Strategy<Value = (Vec<Vec<f64>>, usize)> {
    (1usize..40, 1usize..90).prop_flat_map(|(workers, dim)| {
        let number = prop_oneof![
            8 => (-64i32..64).prop_map(|x| f64::from(x) / 4.0),
            1 => Just(0.0),
            1 => Just(-0.0),
            1 => Just(3.0),
        ];
        let row = prop::collection::vec(number, dim);
        (prop::collection::vec(row, workers), 0..=(workers - 1) / 2)
    })
}

fn cast<T: Scalar>(rows: &[Vec<f64>]) -> Messages<T> {
    let row = |row: &Vec<f64>| row.iter().map(|&x| T::from_f64(x)).collect::<Vec<_>>();
    Messages::from_rows(&rows.iter().map(row).collect::<Vec<_>>())
}

fn run<T: Scalar>(rule: Box<dyn RuleSpec>, messages: &Messages<T>, f: usize) -> Vec<T> {
    use fl_core::{Cx, Pipeline, Shape, Streams};
    let shape = Shape { workers: messages.workers(), byzantine: f };
    let mut pipeline =
        Pipeline::build(Vec::new(), rule, shape, messages.dim()).expect("a valid shape");
    let mut out = vec![T::ZERO; messages.dim()];
    pipeline.aggregate(&Cx::new(&Streams::new(0), 0), messages.view(), &mut out).expect("valid");
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_rule_is_its_definition_in_both_types((rows, f) in matrix()) {
        let (double, single) = (cast::<f64>(&rows), cast::<f32>(&rows));
        for (name, rule, definition) in CASES {
            let (double, single) = (run(rule(), &double, f), run(rule(), &single, f));
            for k in 0..rows[0].len() {
                let mut column: Vec<f64> = rows.iter().map(|row| row[k]).collect();
                column.sort_by(f64::total_cmp);
                let expected = definition(&column, f);
                prop_assert!((double[k] - expected).abs() <= 1e-13, "{} {:?}", name, column);
                // A trimmed mean that is not a number of few digits rounds to another side of a tie.
                if name == "phocas" { continue }
                prop_assert!((f64::from(single[k]) - expected).abs() <= 1e-5, "{} {:?}", name, column);
            }
        }
    }

    #[test]
    fn the_order_of_workers_does_not_change_a_bit((rows, f) in matrix(), turn in 0usize..40) {
        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len());
        for (name, rule, _) in CASES {
            let (a, b) = (run(rule(), &cast::<f32>(&rows), f), run(rule(), &cast::<f32>(&turned), f));
            prop_assert_eq!(a, b, "{}", name);
        }
    }

    #[test]
    fn equal_messages_are_returned_as_they_are(
        row in prop::collection::vec(-1e3f32..1e3, 1..70),
        workers in 1usize..40,
    ) {
        let f = (workers - 1) / 2;
        for (name, rule, _) in &CASES[..6] {
            let out = run(rule(), &Messages::from_rows(&vec![row.clone(); workers]), f);
            prop_assert_eq!(&out, &row, "{}", name);
        }
    }

    #[test]
    fn moving_and_scaling_all_messages_moves_and_scales_the_output(
        (rows, f) in matrix(),
        by in -64i32..64,
        exponent in -100i32..100,
    ) {
        let (by, scale) = (f64::from(by), 2f64.powi(exponent));
        let moved: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().map(|x| (x + by) * scale).collect()).collect();
        for (name, rule, _) in &CASES[..6] {
            let (a, b) = (run(rule(), &cast::<f64>(&rows), f), run(rule(), &cast::<f64>(&moved), f));
            for (a, b) in a.iter().zip(&b) {
                prop_assert!(((a + by) * scale - b).abs() <= 1e-12 * scale, "{} {} {}", name, a, b);
            }
        }
        // Signs are indifferent to scale, and not to where the origin is.
        let scaled: Vec<Vec<f64>> =
            rows.iter().map(|row| row.iter().map(|x| x * scale).collect()).collect();
        let (a, b) = (run(CASES[6].1(), &cast::<f64>(&rows), f), run(CASES[6].1(), &cast::<f64>(&scaled), f));
        prop_assert_eq!(a, b);
    }

    #[test]
    fn byzantine_messages_of_any_size_leave_the_output_near_the_regular_ones(
        (mut rows, f) in matrix(),
        bad in prop::sample::select(vec![1e30f32, f32::MAX, f32::MIN, f32::NAN, f32::INFINITY, 0.0]),
    ) {
        rows[..f].iter_mut().flatten().for_each(|x| *x = f64::from(bad));
        let regular = &rows[f..];
        for (name, rule, _) in CASES {
            let out = run(rule(), &cast::<f32>(&rows), f);
            for (k, x) in out.iter().map(|&x| f64::from(x)).enumerate() {
                let column = || regular.iter().map(|row| row[k]);
                let low = column().fold(f64::INFINITY, f64::min);
                let high = column().fold(f64::NEG_INFINITY, f64::max);
                // MeaMed and Phocas may go beyond the regular numbers by their spread, see their documentation.
                let slack = match name {
                    "meamed" | "phocas" => high - low + 1e-3,
                    "sign majority" => f64::INFINITY,
                    _ => 1e-5,
                };
                prop_assert!(x.is_finite() && low - slack <= x && x <= high + slack, "{} {}", name, x);
            }
        }
    }
}

#[test]
fn signs_are_a_direction_and_know_no_translation() {
    let near = Messages::from_rows(&[[1.0], [2.0], [3.0]]);
    let moved = Messages::from_rows(&[[-2.0], [-1.0], [0.0]]);
    assert_eq!(aggregate(SignMajority, &near, 1).expect("valid").0, [1.0]);
    assert_eq!(aggregate(SignMajority, &moved, 1).expect("valid").0, [-1.0]);
}

#[test]
fn huge_messages_of_regular_workers_do_not_overflow() {
    let x = f64::from(f32::MAX);
    for (name, rule, definition) in CASES {
        let column = [-x, -x / 2.0, x / 2.0, x, x];
        let rows: Vec<Vec<f64>> = column.iter().map(|&x| vec![x]).collect();
        let out = f64::from(run(rule(), &cast::<f32>(&rows), 1)[0]);
        let expected = definition(&column, 1);
        assert!((out - expected).abs() <= 1e-6 * x, "{name}: {out:e} {expected:e}");

        // The same in f64, where the plain definition overflows: in units of 2⁸⁹⁶.
        let unit = 2f64.powi(896);
        let rows: Vec<Vec<f64>> = column.iter().map(|&x| vec![x * unit]).collect();
        let out = run(rule(), &cast::<f64>(&rows), 1)[0];
        let out = if name == "sign majority" { out } else { out / unit };
        assert!((out - expected).abs() <= 1e-13 * x, "{name}: {out:e} {expected:e}");
    }
}
