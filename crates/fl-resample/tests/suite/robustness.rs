//! The coefficients κ that chains claim, against the worst that can be found.

use crate::common::{apply, number};
use fl_resample::{
    AdaptiveClipping, Bucketing, Clipping, Identity, MedianClipping, Nnm, PreAggregatorSpec,
    Resample, Shape,
};
use proptest::prelude::*;

/// The coordinate-wise trimmed mean, whose κ is known: 6 f/(W − 2f) · (1 + f/(W − 2f)).
fn trimmed(rows: &[Vec<f64>], f: usize) -> Vec<f64> {
    let column = |k: usize| {
        let mut column: Vec<f64> = rows.iter().map(|row| row[k]).collect();
        column.sort_by(f64::total_cmp);
        let kept = &column[f..rows.len() - f];
        kept.iter().sum::<f64>() / kept.len() as f64
    };
    (0..rows[0].len()).map(column).collect()
}

fn kappa_of_trimmed(Shape { workers, byzantine }: Shape) -> f64 {
    let part = byzantine as f64 / (workers - 2 * byzantine) as f64;
    6.0 * part * (1.0 + part)
}

/// The largest ‖out − v̄_S‖² / ((1/|S|) Σ_{i∈S} ‖v_i − v̄_S‖²) over all S of W − f messages. A set without variation counts
/// as far as the output is away.
fn worst(rows: &[Vec<f64>], out: &[f64], f: usize) -> f64 {
    let square = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
    let n = rows.len();
    let mut worst = 0.0f64;
    for set in (0u32..1 << n).filter(|set| set.count_ones() as usize == n - f) {
        let of: Vec<&Vec<f64>> = (0..n).filter(|i| set >> i & 1 == 1).map(|i| &rows[i]).collect();
        let mean: Vec<f64> = (0..out.len())
            .map(|k| of.iter().map(|row| row[k]).sum::<f64>() / of.len() as f64)
            .collect();
        let variation = of.iter().map(|row| square(row, &mean)).sum::<f64>() / of.len() as f64;
        let error = square(out, &mean);
        if error > 1e-20 {
            worst = worst.max(error / variation);
        }
    }
    worst
}

proptest! {
    #[test]
    fn what_a_chain_promises_no_round_breaks(
        workers in 3usize..9, f in 0usize..4, dim in 1usize..4, salt: u64, shift in -3f64..3.0, spread in 0i32..3, which in 0usize..3,
    ) {
        let f = f.min((workers - 1) / 2);
        let shape = Shape { workers, byzantine: f };
        let rows: Vec<Vec<f64>> = (0..workers)
            .map(|w| {
                // Byzantine ones anywhere from among the others to far away.
                let size = if w < f { 10f64.powi(spread) } else { 1.0 };
                (0..dim).map(|k| shift + size * number(salt, w * dim + k)).collect()
            })
            .collect();
        let specs: [&dyn PreAggregatorSpec; 3] = [&Nnm, &AdaptiveClipping, &MedianClipping];
        let spec = specs[which];
        let kappa = spec.kappa(shape, kappa_of_trimmed(shape)).expect("proven below W/2");
        let out = trimmed(&apply(spec, 0, &rows, f), f);
        let found = worst(&rows, &out, f);
        prop_assert!(found <= kappa * (1.0 + 1e-9) + 1e-12, "{spec:?}: {found} above {kappa}");
    }
}

#[test]
fn coefficients_are_as_printed() {
    let shape = Shape { workers: 30, byzantine: 6 };
    assert_eq!(Nnm.kappa(shape, 0.5), Some(3.0));
    assert_eq!(AdaptiveClipping.kappa(shape, 0.5), Some(0.5 + 12.0 / 18.0));
    // 15 of 30 are shortened, and at least 9 regular ones are not.
    let moved = (0.5f64.sqrt() + (15.0f64 / 9.0).sqrt()).powi(2);
    assert_eq!(MedianClipping.kappa(shape, 0.5), Some(moved));
    assert_eq!(Identity.kappa(shape, 0.5), Some(0.5));
    // In expectation is not for all messages.
    assert_eq!(Resample::default().kappa(shape, 0.5), None);
    assert_eq!(Bucketing::default().kappa(shape, 0.5), None);
    assert_eq!(Clipping::default().kappa(shape, 0.5), None);
    let half = Shape { workers: 30, byzantine: 15 };
    for spec in [&Nnm as &dyn PreAggregatorSpec, &AdaptiveClipping, &MedianClipping] {
        assert_eq!(spec.kappa(half, 0.5), None, "{spec:?}");
    }
}

#[test]
fn static_clipping_promises_nothing_even_where_all_agree() {
    let rows = vec![vec![3.0, 4.0]; 5];
    let out = trimmed(&apply(&Clipping { tau: 1.0 }, 0, &rows, 1), 1);
    assert_eq!(worst(&rows, &out, 1), f64::INFINITY);
}
