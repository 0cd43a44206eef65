//! Mistakes that were found in other projects' code, each with a test that ours does not make it.
//!
//! The projects' versions and where they were read are in the documentation of the rules, under *Elsewhere*.

use fl_agg::{
    Bulyan, Caf, CenteredClipping, Dnc, GeometricMedian, Krum, Mda, Mean, Messages, MultiKrum,
    Picks, RuleSpec, Shape, Weiszfeld, WeiszfeldStart, aggregate,
};
use fl_core::{Cx, Geometry, NonFinite, Pipeline, Streams};

/// Numbers that look random and are not.
fn number(i: usize) -> f64 {
    let x = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((x ^ (x >> 29)) % 10_007) as f64 / 10_007.0 - 0.5
}

fn cloud(workers: usize, dim: usize) -> Vec<Vec<f64>> {
    (0..workers).map(|w| (0..dim).map(|k| number(w * dim + k)).collect()).collect()
}

fn objective(rows: &[Vec<f64>], z: &[f64]) -> f64 {
    rows.iter().map(|r| r.iter().zip(z).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()).sum()
}

#[test]
fn byzfl_krum_picks_the_worker_whose_message_is_nan() {
    // The argmin of scores with a NaN among them is the NaN's place.
    for bad in 0..12 {
        let mut rows = cloud(12, 5);
        rows[bad][3] = f64::NAN;
        let (out, report) =
            aggregate(Krum::default(), &Messages::from_rows(&rows), 2).expect("valid");
        assert_eq!(report.dropped, 1);
        assert!(rows.iter().enumerate().any(|(w, r)| w != bad && *r == out));
    }
}

#[test]
fn byzfl_returns_nan_for_nan_and_infinity_from_half_of_its_rules() {
    let rules: [fn() -> Box<dyn RuleSpec>; 5] = [
        || Box::new(Mean),
        || Box::new(GeometricMedian::default()),
        || Box::new(Krum::default()),
        || Box::new(CenteredClipping::default()),
        || Box::new(Caf::default()),
    ];
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut rows = cloud(12, 5);
        rows[3][0] = bad;
        rows[9][4] = bad;
        for rule in rules {
            let shape = Shape { workers: 12, byzantine: 2 };
            let mut pipeline = Pipeline::<f64>::build(Vec::new(), rule(), shape, 5).expect("valid");
            let (streams, mut out) = (Streams::new(0), [0.0; 5]);
            let messages = Messages::from_rows(&rows);
            let cx = Cx::new(&streams, 0);
            let report = pipeline.aggregate(&cx, messages.view(), &mut out).expect("enough left");
            assert_eq!(report.dropped, 2);
            assert!(out.iter().all(|x| x.is_finite()), "{:?} {out:?}", rule());
            let mut strict = Pipeline::<f64>::build(Vec::new(), rule(), shape, 5)
                .expect("valid")
                .with_policy(NonFinite::Error);
            let error = strict.aggregate(&cx, messages.view(), &mut out).unwrap_err().to_string();
            assert_eq!(
                error,
                "the message of worker 3 is not finite; the policy is to refuse such a round"
            );
        }
    }
}

#[test]
fn byzfl_geometric_median_collapses_to_the_mean_once_gradients_are_small() {
    let mut rows = cloud(10, 4);
    rows[9] = vec![8.0; 4];
    let small: Vec<Vec<f64>> = rows.iter().map(|r| r.iter().map(|x| x * 1e-4).collect()).collect();
    let messages = Messages::from_rows(&small);
    let (mean, _) = aggregate(Mean, &messages, 1).expect("valid");
    let byzfl =
        Weiszfeld { start: WeiszfeldStart::Origin, iterations: 3, tolerance: 0.0, floor: 0.1 };
    let (theirs, _) = aggregate(byzfl, &messages, 1).expect("valid");
    let (ours, report) = aggregate(GeometricMedian::default(), &messages, 1).expect("valid");
    let (large, _) =
        aggregate(GeometricMedian::default(), &Messages::from_rows(&rows), 1).expect("valid");
    for k in 0..4 {
        assert!((theirs[k] - mean[k]).abs() < 1e-12);
        assert!((ours[k] * 1e4 - large[k]).abs() < 1e-6);
    }
    assert!(objective(&small, &ours) < 0.9 * objective(&small, &theirs));
    assert!(report.certificate.expect("a certificate").relative_gap <= 1e-10);
}

#[test]
fn fedml_and_old_blades_geometric_median_compounds_its_weights_and_ends_at_a_message() {
    let rows = cloud(20, 6);
    let (z, _) =
        aggregate(GeometricMedian::default(), &Messages::from_rows(&rows), 0).expect("valid");
    // Their iteration: w ← w / d, again and again.
    let mut weights = [1.0; 20];
    let mut theirs = vec![0.0; 6];
    for _ in 0..200 {
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        theirs = (0..6).map(|k| rows.iter().zip(weights).map(|(r, w)| w * r[k]).sum()).collect();
        for (w, r) in weights.iter_mut().zip(&rows) {
            *w /= objective(std::slice::from_ref(r), &theirs).max(1e-6);
        }
    }
    let nearest = |z: &[f64]| {
        rows.iter().map(|r| objective(std::slice::from_ref(r), z)).fold(f64::INFINITY, f64::min)
    };
    assert!(nearest(&theirs) < 1e-3 && nearest(&z) > 0.05);
    assert!(objective(&rows, &z) < objective(&rows, &theirs));
}

#[test]
fn fedml_collects_equal_weights_in_a_set_so_that_only_one_client_counts() {
    let rows = cloud(7, 3);
    let messages = Messages::from_rows(&rows);
    let equal = GeometricMedian { weights: Some(vec![600.0; 7]), ..GeometricMedian::default() };
    let (weighted, _) = aggregate(equal, &messages, 0).expect("valid");
    let (plain, _) = aggregate(GeometricMedian::default(), &messages, 0).expect("valid");
    for k in 0..3 {
        assert!((weighted[k] - plain[k]).abs() < 1e-6 && weighted[k] != rows[0][k]);
    }
}

#[test]
fn flower_computes_squared_distances_by_inner_products_that_cancel() {
    // Near-equal models: |x|² + |y|² − 2⟨x, y⟩ in f32 comes out negative.
    let base: Vec<f32> = (0..5000).map(|k| 3.0 + number(k) as f32).collect();
    let rows: Vec<Vec<f32>> = (0..4)
        .map(|w| {
            base.iter().enumerate().map(|(k, x)| x + 1e-3 * number(w * 7 + k) as f32).collect()
        })
        .collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let theirs = dot(&rows[0], &rows[0]) + dot(&rows[1], &rows[1]) - 2.0 * dot(&rows[0], &rows[1]);
    let truth: f64 =
        rows[0].iter().zip(&rows[1]).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum();
    let geometry = Geometry::of(Messages::from_rows(&rows).view()).expect("finite");
    assert!((f64::from(theirs) - truth).abs() > 0.5 * truth, "{theirs} {truth}");
    assert!((geometry.squared_distance(0, 1) - truth).abs() < 1e-6 * truth);
}

#[test]
fn byzfl_clipping_overwrites_the_callers_array() {
    let messages = Messages::from_rows(&cloud(11, 4));
    let before = messages.clone();
    let rule = CenteredClipping { tau: 1e-3, ..CenteredClipping::default() };
    aggregate(rule, &messages, 2).expect("valid");
    aggregate(Bulyan::default(), &messages, 2).expect("valid");
    for w in 0..11 {
        assert_eq!(messages.row(w), before.row(w));
    }
}

#[test]
fn byzfl_centered_clipping_cannot_be_told_where_to_begin() {
    let shape = Shape { workers: 2, byzantine: 0 };
    let rule = Box::new(CenteredClipping { tau: 1.0, ..CenteredClipping::default() });
    let mut pipeline = Pipeline::<f64>::build(Vec::new(), rule, shape, 1).expect("valid");
    pipeline.restore(&[10.0]);
    let mut out = [0.0];
    let streams = Streams::new(0);
    let messages = Messages::from_rows(&[[10.5], [90.0]]);
    pipeline.aggregate(&Cx::new(&streams, 0), messages.view(), &mut out).expect("valid");
    assert!((out[0] - 10.75f64).abs() < 1e-12);
}

#[test]
fn byzfl_casts_double_precision_to_single() {
    // Two messages that differ in the ninth digit only.
    let rows = [[1.0, 1.0], [1.0 + 1e-9, 1.0], [1.0, 1.0 + 3e-9], [1.0 - 1e-9, 1.0]];
    let (out, _) = aggregate(Krum::default(), &Messages::from_rows(&rows), 1).expect("valid");
    assert_eq!(out, rows[0]);
    let turned = [rows[2], rows[1], rows[0], rows[3]];
    let (out, _) = aggregate(Krum::default(), &Messages::from_rows(&turned), 1).expect("valid");
    assert_ne!(out, rows[2]);
}

#[test]
fn epfml_multi_krum_returns_the_sum_of_the_chosen_messages() {
    let rows = vec![vec![2.0, -1.0]; 6];
    let rule = MultiKrum { m: Some(4), ..MultiKrum::default() };
    let (out, _) = aggregate(rule, &Messages::from_rows(&rows), 1).expect("valid");
    assert_eq!(out, [2.0, -1.0]);
}

#[test]
fn byzantine_momentum_bulyan_never_takes_the_chosen_out_of_the_scores() {
    // Without new scores the order of first scores decides: 0.0, 0.1, −0.1 come first. Once they are gone the pair around
    // 5 is closest, and comes before what is left of the cluster.
    let rows = [[0.0], [0.1], [-0.1], [0.9], [-1.0], [5.0], [5.05]];
    let messages = Messages::from_rows(&rows);
    let once = MultiKrum { m: Some(5), ..MultiKrum::default() };
    let anew = MultiKrum { m: Some(5), picks: Picks::OneByOne, ..MultiKrum::default() };
    let (once, _) = aggregate(once, &messages, 1).expect("valid");
    let (anew, _) = aggregate(anew, &messages, 1).expect("valid");
    assert!((once[0] + 0.1f64 / 5.0).abs() < 1e-12, "{once:?}");
    assert!(anew[0] > 1.0, "{anew:?}");
    // Bulyan selects as the second does.
    let (bulyan, _) = aggregate(Bulyan::default(), &messages, 1).expect("valid");
    assert!(bulyan[0] > -0.1 && bulyan[0] < 1.8, "{bulyan:?}");
}

#[test]
fn byzfl_mda_lists_seventy_five_billion_subsets_of_sixty_messages() {
    let mut rows = cloud(60, 8);
    for row in rows.iter_mut().take(10) {
        row.iter_mut().for_each(|x| *x = -5.0 * *x - 0.5);
    }
    let (out, _) = aggregate(Mda::default(), &Messages::from_rows(&rows), 10).expect("valid");
    assert!(out.iter().all(|x| x.abs() < 0.3), "{out:?}");
}

#[test]
fn messages_at_the_mean_of_all_hide_from_dnc_behind_two_that_are_far() {
    for a in [1.0_f64, 1e6] {
        let mut rows = vec![[0.0, 0.0]; 24];
        rows.extend([[a, 0.0]; 2]);
        rows.extend([[a / 13.0, 0.0]; 4]);
        let (out, _) = aggregate(Dnc::default(), &Messages::from_rows(&rows), 6).expect("valid");
        assert!((out[0] - a / 78.0).abs() < 1e-12 * a && out[1] == 0.0, "{out:?}");
    }
}
