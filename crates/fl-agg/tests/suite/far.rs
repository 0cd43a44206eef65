//! Messages of any size: one that is very long never gives another weight, and pulls as much as any other.

use fl_agg::{
    Aksel, Caf, CenteredClipping, Cge, Faba, GeometricMedian, Ios, Krum, Mda, MultiKrum, RuleSpec,
    aggregate,
};
use fl_core::{Certificate, Messages, Scalar};

fn output<T: Scalar>(rule: impl RuleSpec + 'static, rows: &[Vec<f64>], f: usize) -> Vec<f64> {
    let rows: Vec<Vec<T>> =
        rows.iter().map(|row| row.iter().map(|&x| T::from_f64(x)).collect()).collect();
    let (out, _) = aggregate(rule, &Messages::from_rows(&rows), f).expect("a valid round");
    out.into_iter().map(T::to_f64).collect()
}

#[track_caller]
fn close(out: &[f64], expected: &[f64], tolerance: f64) {
    let off = out.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off <= tolerance, "{out:?} against {expected:?}: {off:e}");
}

/// Two liars, of whom the second is far beyond what squares can hold, and five others.
fn two_liars(near: f64, far: f64) -> Vec<Vec<f64>> {
    let regular = [[0.9, 1.1], [1.1, 0.9], [1.0, 1.2], [1.0, 0.8], [1.2, 1.0]];
    let liars = [[near, near], [far, far]];
    liars.into_iter().chain(regular).map(|row| row.to_vec()).collect()
}

#[test]
fn regression_a_message_beyond_1e154_hid_another_liar() {
    for far in [1e77, 1e154, 1e155, 1e200, 1e300, f64::MAX] {
        let rows = two_liars(1e6, far);
        close(&output::<f64>(Krum::default(), &rows, 2), &[1.1, 0.9], 0.0);
        close(&output::<f64>(MultiKrum::default(), &rows, 2), &[1.04, 1.0], 1e-15);
        close(&output::<f64>(Mda::default(), &rows, 2), &[1.04, 1.0], 1e-15);
        close(&output::<f64>(Faba, &rows, 2), &[1.04, 1.0], 1e-15);
        close(&output::<f64>(Ios::default(), &rows, 2), &[1.04, 1.0], 1e-15);
        close(&output::<f64>(Cge::default(), &rows, 2), &[1.04, 1.0], 1e-15);
        close(&output::<f64>(Aksel::default(), &rows, 2), &[1.05, 1.05], 1e-15);
        let median = output::<f64>(GeometricMedian::default(), &rows, 2);
        close(&median, &[1.12743183723, 1.04662160974], 1e-9);
    }
}

#[test]
fn regression_caf_squared_distances_again_and_gave_nan() {
    let rows = two_liars(1e6, 1e77);
    close(&output::<f64>(Caf::default(), &rows, 2), &[1.0400000016, 1.000000004], 1e-10);
}

#[test]
fn centered_clipping_moves_by_tau_at_most_in_the_right_direction() {
    let mut rows = two_liars(0.0, 0.0);
    rows.truncate(4);
    rows[0] = vec![1e6, 0.0];
    for far in [1e10, 1e100, 1e160, 1e200, f64::MAX] {
        rows[1] = vec![far, far];
        let once = CenteredClipping::default();
        let out = output::<f64>(once.clone(), &rows, 1);
        close(&out, &[43.1776695297, 18.1776695297], 1e-9);
        // From the second iteration on distances are those of a point among the others.
        let thrice = CenteredClipping { tau: 1.0, iterations: 3, ..once };
        let mut z = [0.0, 0.0];
        for _ in 0..3 {
            let mut step = [0.0, 0.0];
            for v in &rows {
                let way = [v[0] - z[0], v[1] - z[1]];
                let size = way[0].abs().max(way[1].abs());
                let length = size * (way[0] / size).hypot(way[1] / size);
                let part = if length > 1.0 { [way[0] / length, way[1] / length] } else { way };
                // hypot of the largest numbers is beyond them.
                let part = if length.is_finite() { part } else { [0.5f64.sqrt(); 2] };
                step = [step[0] + part[0] / 4.0, step[1] + part[1] / 4.0];
            }
            z = [z[0] + step[0], z[1] + step[1]];
        }
        close(&output::<f64>(thrice, &rows, 1), &z, 1e-12);
    }
}

struct Case {
    name: String,
    regular: usize,
    rows: Vec<Vec<f64>>,
    median: Vec<f64>,
}

fn cases() -> Vec<Case> {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/geomed_far.json")).expect("JSON");
    let numbers = |v: &serde_json::Value| -> Vec<f64> {
        let number = |x: &serde_json::Value| x.as_str().expect("a text").parse().expect("a number");
        v.as_array().expect("numbers").iter().map(number).collect()
    };
    let cases: Vec<Case> = golden["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .map(|c| Case {
            name: c["case"].as_str().expect("a name").to_owned(),
            regular: c["regular"].as_u64().expect("a number") as usize,
            rows: c["input"].as_array().expect("rows").iter().map(numbers).collect(),
            median: numbers(&c["median"]),
        })
        .collect();
    assert!(cases.len() > 40);
    cases
}

/// ‖a − b‖, whatever the size of the numbers.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let halves: Vec<f64> = a.iter().zip(b).map(|(x, y)| 0.5 * x - 0.5 * y).collect();
    let most = halves.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    if most == 0.0 {
        return 0.0;
    }
    halves.iter().map(|x| (x / most).powi(2)).sum::<f64>().sqrt() * most * 2.0
}

/// F(z) − F(y), term by term: `‖z − v‖ − ‖y − v‖ = ⟨z − y, z + y − 2v⟩ / (‖z − v‖ + ‖y − v‖)`, which cancels nowhere.
fn gap(rows: &[Vec<f64>], z: &[f64], y: &[f64]) -> f64 {
    let term = |v: &Vec<f64>| {
        let ways: Vec<f64> =
            z.iter().zip(y).zip(v).map(|((z, y), v)| 0.25 * z + 0.25 * y - 0.5 * v).collect();
        let most = ways.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let sum = 0.25 * distance(z, v) + 0.25 * distance(y, v);
        let moved = z.iter().zip(y).zip(&ways).map(|((z, y), w)| (z - y) * (w / most));
        if sum == 0.0 { 0.0 } else { moved.sum::<f64>() / (sum / most) }
    };
    rows.iter().map(term).sum()
}

fn median<T: Scalar>(rows: &[Vec<f64>]) -> (Vec<f64>, Certificate) {
    let rows: Vec<Vec<T>> =
        rows.iter().map(|row| row.iter().map(|&x| T::from_f64(x)).collect()).collect();
    let (out, report) =
        aggregate(GeometricMedian::default(), &Messages::from_rows(&rows), 0).expect("valid");
    (out.into_iter().map(T::to_f64).collect(), report.certificate.expect("certified"))
}

fn spread(case: &Case) -> f64 {
    case.rows[..case.regular].iter().map(|v| distance(v, &case.median)).fold(0.0, f64::max)
}

#[test]
fn a_far_message_pulls_with_the_weight_of_one_whatever_its_size() {
    for case in cases() {
        let (z, certificate) = median::<f64>(&case.rows);
        let (off, spread) = (distance(&z, &case.median), spread(&case));
        // An outlier that is far, and not yet counted as such, costs digits of the squared distances; and a weight below
        // the normal numbers has fewer.
        let farthest = case.rows.iter().map(|v| distance(v, &case.median)).fold(0.0, f64::max);
        let digits = 3e-8 * spread + 2.0 * (f64::from_bits(1) * farthest);
        assert!(off <= digits, "{}: off by {:e} spreads", case.name, off / spread);
        let gap = gap(&case.rows, &z, &case.median);
        let noise = 1e-14 * spread * case.rows.len() as f64;
        assert!(gap <= certificate.epsilon + noise, "{}: {gap:e} {certificate:?}", case.name);
        assert!(certificate.epsilon <= 1e-4 * spread, "{}: {certificate:?}", case.name);
    }
}

#[test]
fn a_far_message_pulls_with_the_weight_of_one_in_single_precision() {
    for case in cases() {
        let rows: Vec<Vec<f64>> = case
            .rows
            .iter()
            .map(|r| r.iter().map(|&x| f64::from((x as f32).clamp(f32::MIN, f32::MAX))).collect())
            .collect();
        // Single precision holds neither the smallest sizes nor digits behind a large offset.
        let spread = spread(&case);
        if !(1e-33..=1e33).contains(&spread) || case.name.contains("origin") {
            continue;
        }
        for copies in [1, 40] {
            // More than 64 columns are measured in single precision.
            let rows: Vec<Vec<f64>> = rows.iter().map(|r| r.repeat(copies)).collect();
            let spread = spread * (copies as f64).sqrt();
            let (z, certificate) = median::<f32>(&rows);
            let (best, exact) = median::<f64>(&rows);
            let off = distance(&z, &best);
            assert!(off <= 1e-2 * spread, "{}: off by {:e} spreads", case.name, off / spread);
            let gap = gap(&rows, &z, &best);
            let noise = exact.epsilon + 1e-14 * spread * rows.len() as f64;
            assert!(gap <= certificate.epsilon + noise, "{}: {gap:e} {certificate:?}", case.name);
            // One at 10⁶ times their distances is not yet counted as far, and leaves few digits of these.
            let part = if case.name.contains("1e6") { 0.5 } else { 0.1 };
            assert!(certificate.epsilon <= part * spread, "{}: {certificate:?}", case.name);
        }
    }
}
